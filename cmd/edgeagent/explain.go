package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"edgeagent/internal/config"
	"edgeagent/pms"
	"edgeagent/rules"
)

func explainCommand(path *string) *cobra.Command {
	var fields strings.Builder
	for _, f := range pms.EventFields {
		fmt.Fprintf(&fields, "  %-16s %s\n", f.Name, f.Help)
	}
	return &cobra.Command{
		Use:   "explain EVENT [FIELD=VALUE ...]",
		Short: "Say what would happen on an event, and why the other rules do not fire",
		Long: `Explain shows which rules an event would fire, with the commands and their
values, and for every other rule the condition that does not hold. Nothing moves.

What is not given has a sample value: room 101, a guest who stays two nights.
Fields:
` + fields.String(),
		Example: `  edgeagent explain --config property.yaml stay.checked_in room=101 vip=V1
  edgeagent explain --config property.yaml stay.checked_out room=101 fresh=false`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("name an event, such as stay.checked_in")}
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			loaded, problems := config.Load(*path)
			if problems.Fatal() {
				fmt.Fprint(os.Stderr, problems.Render())
				return errSilent
			}
			event, err := sampleEvent(args[0], args[1:], time.Now().In(loaded.Zone))
			if err != nil {
				return usageError{err}
			}
			fmt.Print(rules.Render(loaded.Table.Explain(&event)))
			return nil
		},
	}
}

// sampleEvent is an ordinary event with the given fields in place of its own.
func sampleEvent(kind string, fields []string, now time.Time) (pms.Event, error) {
	departure := time.Date(now.Year(), now.Month(), now.Day()+2, 12, 0, 0, 0, now.Location())
	e := pms.Event{
		ID: "sample#1", Kind: pms.EventKind(kind), Source: "sample", At: now, Fresh: true, Room: "101",
		Stay:  pms.Stay{Key: "0123456789abcdef", Status: pms.StatusInHouse, Room: "101", Arrival: now, Departure: departure, Language: "en"},
		Extra: map[string]string{},
	}
	guest := pms.Guest{Title: "Ms", First: "Sam", Last: "Sample"}
	for _, field := range fields {
		name, value, ok := strings.Cut(field, "=")
		if !ok {
			return e, fmt.Errorf("%q is not FIELD=VALUE", field)
		}
		if err := setField(&e, &guest, name, value, now.Location()); err != nil {
			return e, err
		}
	}
	e.Guests = []pms.Guest{guest}
	e.Stay.Guests = e.Guests
	return e, nil
}

func setField(e *pms.Event, guest *pms.Guest, name, value string, zone *time.Location) (err error) {
	switch name {
	case "fresh", "shared", "assumed", "dnd", "room_vacant", "old_room_vacant":
		if value != "true" && value != "false" {
			return fmt.Errorf("%s=%s: write true or false", name, value)
		}
		*map[string]*bool{
			"fresh": &e.Fresh, "shared": &e.Shared, "assumed": &e.Assumed, "dnd": &e.Stay.DND,
			"room_vacant": &e.RoomVacant, "old_room_vacant": &e.OldRoomVacant,
		}[name] = value == "true"
	case "arrival":
		e.Stay.Arrival, err = instant(value, zone)
	case "departure":
		e.Stay.Departure, err = instant(value, zone)
	case "room":
		e.Room, e.Stay.Room = value, value
	case "event", "guests":
		return fmt.Errorf("%s cannot be set; give title, first_name and last_name", name)
	default:
		if !pms.IsEventField(name) {
			return fmt.Errorf("unknown field %q; edgeagent explain --help lists them", name)
		}
		target, ok := map[string]*string{
			"source": &e.Source, "old_room": &e.OldRoom, "room_type": &e.Stay.RoomType, "stay": &e.Stay.Key,
			"title": &guest.Title, "first_name": &guest.First, "last_name": &guest.Last,
			"language": &e.Stay.Language, "vip": &e.Stay.VIP, "group": &e.Stay.Group,
		}[name]
		if ok {
			*target = value
		} else {
			e.Extra[name] = value
		}
	}
	return err
}

func instant(text string, zone *time.Location) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	t, err := time.ParseInLocation("2006-01-02T15:04", text, zone)
	if err != nil {
		return t, fmt.Errorf("%q is no time; write 2026-11-24T11:00", text)
	}
	return t, nil
}
