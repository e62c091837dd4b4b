package rules

import (
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/pms"
)

// The action tables here are this package's own: rules must work with any.

func keycardActions() []drivers.Action {
	return []drivers.Action{
		{Name: "encode", Subject: "room:${room}", Within: 10 * time.Minute, Params: []drivers.Param{
			{Name: "room", Required: true, Default: "${room}"},
			{Name: "stay", Default: "${stay}"},
			{Name: "until", Type: drivers.Instant, Required: true, Default: "${departure}"},
			{Name: "from", Type: drivers.Instant},
			{Name: "copies", Type: drivers.Integer, Default: "1"},
			{Name: "key", OneOf: []string{"new", "duplicate", "one_shot", "auto"}, Default: "new"},
			{Name: "rooms"},
		}},
		{Name: "cancel_room", Setting: true, Subject: "room:${room}", Within: 10 * time.Minute, Params: []drivers.Param{
			{Name: "room", Required: true, Default: "${room}"},
		}},
		{Name: "read", Params: []drivers.Param{}},
		{Name: "label", Within: time.Minute, Params: []drivers.Param{{Name: "text", Required: true}}},
	}
}

func tvActions() []drivers.Action {
	room := drivers.Param{Name: "room", Required: true, Default: "${room}"}
	stay := drivers.Param{Name: "stay", Required: true, Default: "${stay}"}
	return []drivers.Action{
		{Name: "welcome", Setting: true, Subject: "room:${room}", Params: []drivers.Param{
			room, stay,
			{Name: "guests", Type: drivers.Guests, Default: "${guests}"},
			{Name: "language", Default: "${language}"},
			{Name: "vip", Default: "${vip}"},
			{Name: "departure", Type: drivers.Instant, Default: "${departure}"},
			{Name: "dnd", Type: drivers.Flag, Default: "${dnd}"},
			{Name: "fresh", Type: drivers.Flag, Default: "${fresh}"},
		}},
		{Name: "clear", Setting: true, Subject: "room:${room}", Params: []drivers.Param{room, {Name: "stay", Default: "${stay}"}}},
		{Name: "message", Subject: "room:${room}", Within: time.Hour, Params: []drivers.Param{
			room, stay,
			{Name: "title", Default: "${message_title}"},
			{Name: "body", Required: true, Default: "${message}"},
			{Name: "urgent", Type: drivers.Flag},
		}},
	}
}

func wifiActions() []drivers.Action {
	stay := drivers.Param{Name: "stay", Required: true, Default: "${stay}"}
	return []drivers.Action{
		{Name: "ensure", Setting: true, Subject: "stay:${stay}", Params: []drivers.Param{
			stay,
			{Name: "room", Default: "${room}"},
			{Name: "until", Type: drivers.Instant, Required: true, Default: "${departure}"},
			{Name: "devices", Type: drivers.Integer},
		}},
		{Name: "revoke", Setting: true, Subject: "stay:${stay}", Params: []drivers.Param{
			stay,
			{Name: "cut", Type: drivers.Flag, Default: "true"},
		}},
	}
}

func hotel() []Device {
	return []Device{
		{Name: "lobby-encoder", Kind: "keycard", Actions: keycardActions()},
		{Name: "tv", Kind: "iptv", Actions: tvActions()},
		{Name: "unifi", Kind: "wifi", Actions: wifiActions()},
	}
}

// event is a check-in as the other events' base.
func event(kind pms.EventKind, changes ...func(*pms.Event)) *pms.Event {
	zone := time.FixedZone("", 3600)
	e := &pms.Event{
		ID: "opera:1:42#1", Kind: kind, Source: "opera", Fresh: true, Room: "0101",
		At: time.Date(2026, 3, 1, 15, 0, 0, 0, zone),
		Stay: pms.Stay{
			Key: "9f00aa11bb22cc33", RoomType: "suite", Language: "en", VIP: "V1",
			Arrival:   time.Date(2026, 3, 1, 15, 0, 0, 0, zone),
			Departure: time.Date(2026, 3, 4, 12, 0, 0, 0, zone),
		},
		Guests: []pms.Guest{{Title: "Dr", First: "Ada", Last: "Lovelace"}},
	}
	for _, change := range changes {
		change(e)
	}
	return e
}

// compile compiles rules that must be free of problems.
func compile(t testing.TB, source string, devices []Device, desk string) *Table {
	t.Helper()
	list, err := Parse([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	table, problems := Compile(list, devices, desk)
	for _, p := range problems {
		t.Error(p)
	}
	return table
}

// brief names the commands by rule-independent content.
func brief(planned []Planned) []string {
	out := []string{}
	for _, p := range planned {
		s := p.Command.Device + " " + p.Command.Action + " " + p.Command.Subject
		for _, name := range []string{"key", "copies", "body"} {
			if v := p.Command.Params[name]; v != "" {
				s += " " + name + "=" + v
			}
		}
		if p.After > 0 {
			s += " after " + span(p.After)
		}
		out = append(out, s)
	}
	return out
}
