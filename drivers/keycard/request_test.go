package keycard

import (
	"errors"
	"strings"
	"testing"
	"time"

	"edgeagent/drivers"

	"github.com/google/go-cmp/cmp"
)

// planner is a driver that only translates.
func planner(change func(*Config)) *Driver {
	cfg := Config{Port: "/dev/serial/by-id/x", Encoder: "1", Rooms: map[string]string{"102": "Suite 102"},
		Authorisations: map[string]int{"pool": 3, "garage": 36}}
	if change != nil {
		change(&cfg)
	}
	cfg = cfg.WithDefaults()
	return &Driver{name: "desk", cfg: cfg, site: testSite(), dialect: protocols[cfg.Protocol]}
}

func TestPlan(t *testing.T) {
	now := time.Date(2026, 7, 15, 9, 0, 0, 0, time.UTC) // 11:00 in Berlin
	until := "2026-07-17T11:00:00+02:00"
	for _, tc := range []struct {
		name   string
		action string
		params map[string]string
		change func(*Config)
		want   []string
		refuse string
	}{
		{name: "new key", params: map[string]string{"room": "101", "until": until, "from": "2026-07-15T14:00:00+02:00"},
			want: []string{"CN|1|E|101||||||1400150726|1100170726|AGENT"}},
		{name: "starts in a moment", params: map[string]string{"room": "101", "until": until, "from": "2026-07-15T11:05:00+02:00"},
			want: []string{"CN|1|E|101|||||||1100170726|AGENT"}},
		{name: "three", params: map[string]string{"room": "101", "until": until, "copies": "3"},
			want: []string{"CN|1|E|101|||||||1100170726|AGENT", "CC|1|E|101|||||||1100170726|AGENT", "CC|1|E|101|||||||1100170726|AGENT"}},
		{name: "two duplicates", params: map[string]string{"room": "101", "until": until, "copies": "2", "key": "duplicate"},
			want: []string{"CC|1|E|101|||||||1100170726|AGENT", "CC|1|E|101|||||||1100170726|AGENT"}},
		{name: "one-shot", params: map[string]string{"room": "101", "until": until, "key": "one_shot"},
			want: []string{"CA|1|E|101|||||||1100170726|AGENT"}},
		{name: "rooms and authorisations", params: map[string]string{"room": "102", "until": until, "rooms": "101, 103,102", "grants": "pool,10,62,pool", "denials": "garage"},
			want: []string{"CN|1|E|Suite 102|101|103||3a}|!||1100170726|AGENT"}},
		{name: "retain, serial, operator", params: map[string]string{"room": "101", "until": until, "encoder": "Online Encoder 2"},
			change: func(c *Config) { c.Eject, c.WantUID, c.Operator = "retain", true, "Zoë Łukasz-Brøndby-Großmann" },
			want:   []string{"CN|Online Encoder 2|R|101|||||||1100170726|Zoe Lukasz-Brondby-Gross||||1"}},
		{name: "afternoon", params: map[string]string{"room": "101", "until": "2026-07-17T23:59:00+02:00", "from": "2026-07-16T13:00:00+02:00"},
			want: []string{"CN|1|E|101||||||1300160726|2359170726|AGENT"}},
		{name: "past midnight, seconds rounded up", params: map[string]string{"room": "101", "until": "2026-07-17T00:07:01+02:00"},
			want: []string{"CN|1|E|101|||||||0008170726|AGENT"}},
		{name: "on the property's clock", params: map[string]string{"room": "101", "until": "2026-07-17T11:00"},
			want: []string{"CN|1|E|101|||||||1100170726|AGENT"}},
		{name: "another zone", params: map[string]string{"room": "101", "until": "2026-07-17T20:00:00Z"},
			want: []string{"CN|1|E|101|||||||2200170726|AGENT"}},
		{name: "check-out", action: actionCancel, params: map[string]string{"room": "102"}, want: []string{"CO|0|Suite 102"}},
		{name: "read", action: actionRead, want: []string{"LT|1|E"}},

		{name: "read at the back", action: actionRead, change: func(c *Config) { c.Eject = "rear" }, want: []string{"LT|1|T"}},
		{name: "tracks and authorisation code", params: map[string]string{"room": "101", "until": until, "track1": "Zoë", "track3": "3", "auth_code": "A 7"},
			want: []string{"CN|1|E|101|||||||1100170726|AGENT|Zoe||3||A 7"}},
		{name: "longer stay", action: actionModify, params: map[string]string{"room": "102", "until": until}, want: []string{"MC|Suite 102|Suite 102|1100170726"}},
		{name: "other room", action: actionModify, params: map[string]string{"room": "101", "old_room": "102", "until": until, "auth_code": "A7"},
			want: []string{"MC|Suite 102|101|1100170726|A7"}},
		{name: "phone", action: actionMobile, params: map[string]string{"room": "101", "rooms": "103", "until": until, "phone": "+41 79 (123) 45-67", "grants": "pool"},
			want: []string{"CNM|+41791234567|101|103|||3|||1100170726|AGENT"}},
		{name: "second phone", action: actionMobile, params: map[string]string{"room": "101", "until": until, "phone": "+41791234567", "key": "duplicate"},
			change: func(c *Config) { c.WantUID = true }, want: []string{"CCM|+41791234567|101|||||||1100170726|AGENT"}},
		{name: "write track 1", action: actionWrite, params: map[string]string{"track": "1", "text": "Room 101"}, want: []string{"P1|1|E|ROOM_101"}},
		{name: "write track 2", action: actionWrite, params: map[string]string{"track": "2", "text": "101=07"}, want: []string{"P2|1|E|101=07"}},
		{name: "write track 3", action: actionWrite, params: map[string]string{"track": "3", "text": strings.Repeat("9", 104)}, want: []string{"P3|1|E|" + strings.Repeat("9", 104)}},
		{name: "read track 3", action: actionTrack, params: map[string]string{"track": "3"}, want: []string{"L3|1|E"}},

		{name: "national phone", action: actionMobile, params: map[string]string{"room": "101", "until": until, "phone": "079 123 45 67"},
			refuse: "phone is no number with a country code: write it like +41791234567"},
		{name: "one-shot phone", action: actionMobile, params: map[string]string{"room": "101", "until": until, "phone": "+41791234567", "key": "one_shot"},
			refuse: `key "one_shot": a phone gets new or duplicate`},
		{name: "track 4", action: actionTrack, params: map[string]string{"track": "4"}, refuse: `track "4": write 1, 2 or 3`},
		{name: "sentinel on track 1", action: actionWrite, params: map[string]string{"track": "1", "text": "A?"},
			refuse: "text does not fit on track 1: it takes 1 to 76 capitals, digits and signs but % and ?"},
		{name: "letters on track 2", action: actionWrite, params: map[string]string{"track": "2", "text": "A1"},
			refuse: "text does not fit on track 2: it takes 1 to 37 of 0-9 : ; < = > ?"},
		{name: "full track 3", action: actionWrite, params: map[string]string{"track": "3", "text": strings.Repeat("9", 105)},
			refuse: "text does not fit on track 3: it takes 1 to 104 of 0-9 : ; < = > ?"},
		{name: "long printed line", params: map[string]string{"room": "101", "until": until, "track2": strings.Repeat("9", 77)},
			refuse: "track2 is longer than the 76 characters that a card takes"},
		{name: "long code", params: map[string]string{"room": "101", "until": until, "auth_code": strings.Repeat("9", 65)},
			refuse: "auth_code: at most 64 plain ASCII characters"},
		{name: "no room", params: map[string]string{"until": until}, refuse: "no room is given: the PMS assigned none"},
		{name: "no end", params: map[string]string{"room": "101"}, refuse: "no end of validity is known for room 101: the PMS sent no departure"},
		{name: "end past", params: map[string]string{"room": "101", "until": "2026-07-15T10:59:00+02:00"}, refuse: "the key would end at 2026-07-15 10:59, which is past: correct the departure in the PMS"},
		{name: "end before start", params: map[string]string{"room": "101", "until": until, "from": "2026-07-18T14:00:00+02:00"}, refuse: "the key would end at 2026-07-17 11:00, before it starts at 2026-07-18 14:00: correct the stay in the PMS"},
		{name: "end is no time", params: map[string]string{"room": "101", "until": "tomorrow"}, refuse: `until: "tomorrow" is not an instant: write it as 2026-07-17T11:00:00+02:00`},
		{name: "beyond the century", params: map[string]string{"room": "101", "until": "2100-01-01T11:00:00Z"}, refuse: "the key would end in 2100: the lock system has two digits for the year"},
		{name: "too many", params: map[string]string{"room": "101", "until": until, "copies": "10"}, refuse: `copies "10": write a number from 1 to 9`},
		{name: "kind of key", params: map[string]string{"room": "101", "until": until, "key": "master"}, refuse: `key "master": write new, duplicate, one_shot or auto`},
		{name: "long room", params: map[string]string{"room": strings.Repeat("1", 25), "until": until}, refuse: `room name "1111111111111111111111111" has 25 characters: at most 24 can be sent: map it under rooms in the property file`},
		{name: "foreign room", action: actionCancel, params: map[string]string{"room": "Süd"}, refuse: `room name "Süd" cannot be sent: only plain ASCII is read alike by every lock system: map it under rooms in the property file`},
		{name: "five rooms", params: map[string]string{"room": "1", "rooms": "2,3,4,5", "until": until}, refuse: "5 rooms: one card opens at most 4"},
		{name: "one-shot for two", params: map[string]string{"room": "1", "rooms": "2", "key": "one_shot", "until": until}, refuse: "a one-shot key opens one room only: leave rooms out"},
		{name: "authorisation name", params: map[string]string{"room": "1", "grants": "spa", "until": until}, refuse: `authorisation "spa" is not known: name it under authorisations in the property file`},
		{name: "authorisation number", params: map[string]string{"room": "1", "denials": "63", "until": until}, refuse: "authorisation 63 does not exist: they go from 1 to 62"},
		{name: "encoder name", action: actionRead, params: map[string]string{"encoder": "Römer"}, refuse: `encoder "R?mer" cannot be addressed: at most 64 plain ASCII characters`},
		{name: "action", action: "format", refuse: `an encoder knows no action "format": it knows encode, cancel_room, read, modify_stay, mobile_key, write_track and read_track`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cmd := drivers.Command{Action: or(tc.action, actionEncode), Params: tc.params}
			p, err := planner(tc.change).plan(cmd, now)
			if tc.refuse != "" {
				if err == nil || err.Error() != "refused: "+tc.refuse || !errors.Is(err, drivers.ErrRefused) {
					t.Fatalf("got  %v\nwant refused: %s", err, tc.refuse)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, st := range p.steps {
				got = append(got, strings.Join(st.fields, "|"))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestClockChanges(t *testing.T) {
	type night struct{ zone, wall, opening, closing string }
	for _, n := range []night{
		{"Europe/Berlin", "2026-03-29T02:30", "2026-03-29T03:30:00+02:00", "2026-03-29T03:30:00+02:00"},
		{"Europe/Berlin", "2026-10-25T02:30", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"},
		{"America/New_York", "2026-03-08T02:30", "2026-03-08T03:30:00-04:00", "2026-03-08T03:30:00-04:00"},
		{"America/New_York", "2026-11-01T01:30", "2026-11-01T01:30:00-04:00", "2026-11-01T01:30:00-05:00"},
		{"Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-04T02:45:00+11:00", "2026-10-04T02:45:00+11:00"},
		{"Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-05T01:45:00+11:00", "2026-04-05T01:45:00+10:30"},
		{"Europe/Berlin", "2026-10-25T11:00", "2026-10-25T11:00:00+01:00", "2026-10-25T11:00:00+01:00"},
		{"Europe/Berlin", "2026-10-24T23:00", "2026-10-24T23:00:00+02:00", "2026-10-24T23:00:00+02:00"},
	} {
		t.Run(n.zone+" "+n.wall, func(t *testing.T) {
			zone, err := time.LoadLocation(n.zone)
			if err != nil {
				t.Fatal(err)
			}
			for e, want := range map[edge]string{opening: n.opening, closing: n.closing} {
				got, err := parseInstant(n.wall, zone, e)
				if err != nil || got.Format(time.RFC3339) != want {
					t.Errorf("edge %d: got %s (%v), want %s", e, got.Format(time.RFC3339), err, want)
				}
			}
		})
	}
	// A stay over the change keeps its hour on the property's clock.
	zone, _ := time.LoadLocation("Europe/Berlin")
	for instant, want := range map[string]string{
		"2026-10-25T11:00:00+01:00": "1100251026", "2026-10-25T00:30:00Z": "0230251026", "2026-10-25T01:30:00Z": "0230251026",
		"2026-03-29T01:00:00Z": "0300290326", "2026-12-31T23:30:00Z": "0030010127",
	} {
		at, _ := time.Parse(time.RFC3339, instant)
		if got := salto.write(salto.round(at, zone, closing), zone); got != want {
			t.Errorf("%s: got %s, want %s", instant, got, want)
		}
	}
}

func TestParseStamp(t *testing.T) {
	for text, want := range map[string]string{"1400150726": "2026-07-15T14:00:00+02:00", "14150726": "2026-07-15T14:00:00+02:00", "": "0001-01-01T00:00:00Z"} {
		if got, err := parseStamp(text, testSite().Zone, opening); err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("%q: got %s (%v), want %s", text, got.Format(time.RFC3339), err, want)
		}
	}
	for _, text := range []string{"2500150726", "140015072", "hhmmDDMMYY"} {
		if got, err := parseStamp(text, testSite().Zone, opening); err == nil {
			t.Errorf("%q: got %s, want an error", text, got)
		}
	}
}

func TestASCII(t *testing.T) {
	for text, want := range map[string]string{
		"AGENT": "AGENT", "Müller": "Muller", "Žižek": "Zizek", "Straße": "Strasse", "Ærø": "AEro", "山田": "??",
		"a\x02b\xb3c": "ab?c", "d’Or – x": "d'Or - x", "0123456789012345678901234567": "012345678901234567890123",
	} {
		if got := ascii(text, maxName); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestReadCard(t *testing.T) {
	zone := testSite().Zone
	st := step{command: "LT", encoder: "1", fields: []string{"LT", "1", "E"}}
	for _, tc := range []struct {
		name, fields, note string
		values             map[string]string
	}{
		{"guest", "LT|1|101||||CI|0||1400150726|1100170726|AGENT", "guest card for room 101, until 2026-07-17 11:00",
			map[string]string{"card_kind": "guest", "rooms": "101", "copy": "0", "from": "2026-07-15T14:00:00+02:00", "until": "2026-07-17T11:00:00+02:00", "operator": "AGENT"}},
		{"two kinds of date, serial", "LT|1|101|102|||CO|I|12|14150726|1100170726|AGENT|04a2", "guest card for room 101, 102, until 2026-07-17 11:00, ended by check-out",
			map[string]string{"card_kind": "guest_cancelled", "rooms": "101,102", "copy": "I", "authorisations": "12", "from": "2026-07-15T14:00:00+02:00", "until": "2026-07-17T11:00:00+02:00", "operator": "AGENT", "uid": "04A2"}},
		{"no longer valid", "LT|1|LC", "guest card that is no longer valid", map[string]string{"card_kind": "guest_cancelled"}},
		{"staff", "LT|1|LM", "staff, master or special card", map[string]string{"card_kind": "staff"}},
		{"spare", "LT|1|LR", "spare card", map[string]string{"card_kind": "spare"}},
		{"diagnostic", "LT|1|LS", "diagnostic card", map[string]string{"card_kind": "diagnostic"}},
		{"unknown", "LT|1|LD", "card that the lock system does not know", map[string]string{"card_kind": "unknown"}},
		{"status further back", "LT|1|||||LM", "staff, master or special card", map[string]string{"card_kind": "staff"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, ok := st.read(strings.Split(tc.fields, "|"), zone)
			if !ok {
				t.Fatal("not read")
			}
			if diff := cmp.Diff(tc.note, r.card.note(zone)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tc.values, r.card.values(zone)); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, fields := range []string{"LT|1", "LT|1|XX", "LT|2|LM", "LT|1|101||||CI|0||9900150726", "LT|1|||||CI", "LT|1|E"} {
		if r, ok := st.read(strings.Split(fields, "|"), zone); ok {
			t.Errorf("%s is taken for a result: %+v", fields, r.card)
		}
	}
}
