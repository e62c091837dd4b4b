package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"edgeagent/internal/agent"
	"edgeagent/internal/config"
	"edgeagent/pms"
	"edgeagent/rules"
)

// sample is an ordinary event of the property with the given fields in place
// of its own, and after it the events about rooms that come with such an event.
func sample(l *config.Loaded, kind string, fields []string, now time.Time) ([]pms.Event, error) {
	if kinds := rules.EventKinds(); !slices.Contains(kinds, kind) {
		return nil, fmt.Errorf("unknown event %q; there are %s", kind, strings.Join(kinds, ", "))
	}
	e := ordinary(l, pms.EventKind(kind), now.In(l.Zone))
	guest := sampleGuest()
	for _, field := range fields {
		name, value, ok := strings.Cut(field, "=")
		if !ok {
			return nil, fmt.Errorf("%q is not FIELD=VALUE, such as room=101", field)
		}
		if err := setField(&e, &guest, name, value, l.Zone); err != nil {
			return nil, err
		}
	}
	e.Guests = []pms.Guest{guest}
	e.Stay.Guests = e.Guests
	return append([]pms.Event{e}, companions(e)...), nil
}

// sampleGuest stands for guests whose names are nobody's business.
func sampleGuest() pms.Guest { return pms.Guest{Title: "Ms", First: "Sam", Last: "Sample"} }

func sampleMessage() map[string]string {
	return map[string]string{"message_title": "A message", "message": "Please call the front desk."}
}

// standIn puts the sample guest and message in the place of what an event of before
// withholds, and only there: whoever had no title has none.
func standIn(e *pms.Event) {
	for i := range e.Guests {
		g, sample := &e.Guests[i], sampleGuest()
		for to, text := range map[*string]string{&g.Title: sample.Title, &g.First: sample.First, &g.Last: sample.Last} {
			if *to == agent.Withheld {
				*to = text
			}
		}
	}
	for name, text := range sampleMessage() {
		if e.Extra[name] == agent.Withheld {
			e.Extra[name] = text
		}
	}
}

// ordinary is what such an event usually says.
func ordinary(l *config.Loaded, kind pms.EventKind, now time.Time) pms.Event {
	leaves := now.AddDate(0, 0, 2)
	departure := time.Date(leaves.Year(), leaves.Month(), leaves.Day(), 0, int(l.CheckOutAt.Minutes()), 0, 0, l.Zone)
	e := pms.Event{
		ID: "sample#1", Kind: kind, Source: "sample", At: now, Fresh: true, Room: "101",
		Stay: pms.Stay{Key: "0123456789abcdef", Status: pms.StatusInHouse, Room: "101", Arrival: now.Truncate(time.Minute),
			Departure: departure, Language: l.Property.Language},
		Extra: map[string]string{},
	}
	if len(l.PMS) > 0 {
		e.Source = l.PMS[0].Name
		if m := l.PMS[0].Mews; m != nil {
			e.KeysByCommand = *m.WithDefaults().KeysByCommand
		}
	}
	switch kind {
	case pms.StayRoomMoved:
		e.OldRoom, e.OldRoomVacant = "102", true
	case pms.StayCheckedOut, pms.StayCheckInReversed, pms.RoomVacated:
		e.RoomVacant = true
	case pms.GuestMessage:
		e.Extra = sampleMessage()
	case pms.KeyRequested:
		e.Extra = map[string]string{"copies": "1"}
		if len(l.PMS) > 0 && l.PMS[0].Mews != nil {
			e.Extra["key"] = "auto" // as every key command of Mews has it
		}
	case pms.PriceUpdated:
		e.Extra = map[string]string{"from": e.Stay.Arrival.Format(time.RFC3339), "to": e.Stay.Departure.Format(time.RFC3339)}
	case pms.RoomStatusChanged:
		e.Extra = map[string]string{"room_status": "clean"}
	case pms.Incomplete:
		e.Extra = map[string]string{"reason": "room"}
	}
	return e
}

// companions are the events about rooms that come with one about a stay.
func companions(e pms.Event) []pms.Event {
	about := func(kind pms.EventKind, room string, vacant bool) pms.Event {
		o := e
		o.Kind, o.Room, o.RoomVacant, o.OldRoom, o.OldRoomVacant = kind, room, vacant, "", false
		o.Shared = e.Shared && !vacant
		return o
	}
	switch e.Kind {
	case pms.StayCheckedIn, pms.StayReinstated, pms.StayExtended, pms.StayShortened, pms.StayUpdated:
		return []pms.Event{about(pms.RoomOccupied, e.Room, false)}
	case pms.StayCheckedOut, pms.StayCheckInReversed:
		if e.RoomVacant {
			return []pms.Event{about(pms.RoomVacated, e.Room, true)}
		}
	case pms.StayRoomMoved:
		occupied := about(pms.RoomOccupied, e.Room, false)
		if e.OldRoomVacant {
			return []pms.Event{about(pms.RoomVacated, e.OldRoom, true), occupied}
		}
		return []pms.Event{occupied}
	}
	return nil
}

func setField(e *pms.Event, guest *pms.Guest, name, value string, zone *time.Location) (err error) {
	switch name {
	case "fresh", "shared", "assumed", "dnd", "room_vacant", "old_room_vacant", "keys_by_command":
		if value != "true" && value != "false" {
			return fmt.Errorf("%s=%s: write true or false", name, value)
		}
		*map[string]*bool{
			"fresh": &e.Fresh, "shared": &e.Shared, "assumed": &e.Assumed, "dnd": &e.Stay.DND,
			"room_vacant": &e.RoomVacant, "old_room_vacant": &e.OldRoomVacant,
			"keys_by_command": &e.KeysByCommand,
		}[name] = value == "true"
	case "arrival":
		e.Stay.Arrival, err = instant(value, zone)
	case "departure":
		e.Stay.Departure, err = instant(value, zone)
	case "room":
		e.Room, e.Stay.Room = value, value
	case "event":
		return errors.New("the event is the first word, such as stay.checked_in")
	case "guests":
		return errors.New("guests cannot be set; give title, first_name and last_name")
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
