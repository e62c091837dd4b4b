package keycard

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"edgeagent/drivers"
)

// planned is what a dialect makes of commands.
type planned struct {
	name, action string
	params       map[string]string
	change       func(*Config)
	want         []string
	refuse       string
	note         string
}

func checkPlans(t *testing.T, dialect string, now time.Time, all []planned) {
	for _, tc := range all {
		t.Run(tc.name, func(t *testing.T) {
			d := planner(func(c *Config) {
				dialects[dialect](c)
				if tc.change != nil {
					tc.change(c)
				}
			})
			p, err := d.plan(drivers.Command{Action: or(tc.action, actionEncode), Params: tc.params}, now)
			if tc.refuse != "" {
				if err == nil || err.Error() != "refused: "+tc.refuse {
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
			if note := p.note(d); tc.note != "" && note != tc.note {
				t.Errorf("note %q, want %q", note, tc.note)
			}
		})
	}
}

func TestOnityPlan(t *testing.T) {
	now := time.Date(2026, 7, 15, 9, 0, 0, 0, time.UTC) // 11:00 in Berlin
	until := "2026-07-17T11:00:00+02:00"
	with := func(more ...string) map[string]string {
		params := map[string]string{"room": "101", "until": until}
		for i := 0; i < len(more); i += 2 {
			params[more[i]] = more[i+1]
		}
		return params
	}
	two := func(c *Config) { c.Encoder = "2" }
	checkPlans(t, "onity", now, []planned{
		{name: "new key and a copy", params: with("copies", "2"), change: two,
			want: []string{"CN|2|E|101|||||||11170726|AGENT", "CC|2|E|101|||||||11170726|AGENT"}},
		{name: "rooms, authorisations, start", change: two,
			params: with("rooms", "105", "grants", "1,2", "denials", "3", "from", "2026-07-15T14:00:00+02:00"),
			want:   []string{"CN|2|E|101|105|||12|3|14150726|11170726|AGENT"}},
		{name: "whole hours, never shorter than the stay", params: with("until", "2026-07-17T11:01:00+02:00", "from", "2026-07-16T13:59:00+02:00"),
			want: []string{"CN|1|E|101||||||13160726|12170726|AGENT"}, note: "1 card for room 101, valid until 2026-07-17 12:00"},
		{name: "last hour of the year", params: with("until", "2026-12-31T23:20:00+01:00"), want: []string{"CN|1|E|101|||||||00010127|AGENT"}},
		{name: "afternoon", params: with("until", "2026-07-17T13:00:00+02:00"), want: []string{"CN|1|E|101|||||||13170726|AGENT"}},
		{name: "midnight", params: with("until", "2026-07-17T00:00:00+02:00"), want: []string{"CN|1|E|101|||||||00170726|AGENT"}},
		{name: "starts within this hour: at once", params: with("from", "2026-07-15T11:40:00+02:00"), want: []string{"CN|1|E|101|||||||11170726|AGENT"}},
		{name: "one-shot", params: with("key", "one_shot"), want: []string{"CA|1|E|101|||||||11170726|AGENT"}},
		{name: "operator of 20", params: with(), change: func(c *Config) { c.Operator = "12345678901234567890" },
			want: []string{"CN|1|E|101|||||||11170726|12345678901234567890"}},
		{name: "tracks", params: with("track1", "A", "track2", "1"), want: []string{"CN|1|E|101|||||||11170726|AGENT|A|1"}},
		{name: "track 3 where the site has it", params: with("track3", "7"), change: func(c *Config) { c.Tracks = []int{3} },
			want: []string{"CN|1|E|101|||||||11170726|AGENT|||7"}},
		{name: "serial where the site has it", params: with(), change: func(c *Config) { c.WantUID = true },
			want: []string{"CN|1|E|101|||||||11170726|AGENT||||1"}},
		{name: "kept card", action: actionRead, change: func(c *Config) { c.Eject = "retain" }, want: []string{"LT|1|R"}},
		{name: "check-out", action: actionCancel, params: with(), want: []string{"CO|0|101"}},
		{name: "write track 2", action: actionWrite, params: map[string]string{"track": "2", "text": "7"}, want: []string{"P2|1|E|7"}},

		{name: "track 3", params: with("track3", "7"), refuse: "the encoders have no track 3: leave it out, or write it under tracks in the property file if they do"},
		{name: "read track 3", action: actionTrack, params: map[string]string{"track": "3"}, refuse: "the encoders have no track 3: leave it out, or write it under tracks in the property file if they do"},
		{name: "rooms that the encoder takes", params: with("rooms", "105,106"), change: func(c *Config) { c.MaxRooms = 2 }, refuse: "3 rooms: one card opens at most 2"},
		{name: "authorisation 10", params: with("grants", "10"), refuse: "authorisation 10 does not exist: they go from 1 to 9"},
		{name: "authorisation code", params: with("auth_code", "7"), refuse: "a lock system of Onity has no authorisation code: leave auth_code out"},
		{name: "phone", action: actionMobile, params: with("phone", "+41791234567"),
			refuse: "a lock system of Onity has no action mobile_key: it has encode, cancel_room, read, write_track and read_track"},
		{name: "longer stay", action: actionModify, params: with(),
			refuse: "a lock system of Onity has no action modify_stay: it has encode, cancel_room, read, write_track and read_track"},
		{name: "named encoder", params: with("encoder", "Lobby"), refuse: `encoder "Lobby" cannot be addressed: write its number, such as 2`},
		{name: "encoder 0 is none", params: with("encoder", "0"), refuse: `encoder "0" cannot be addressed: write its number, such as 2`},
		{name: "past, though its hour is not", params: with("until", "2026-07-15T10:59:00+02:00"), refuse: "the key would end at 2026-07-15 10:59, which is past: correct the departure in the PMS"},
		{name: "end of the century", params: with("until", "2099-12-31T23:30:00+01:00"), refuse: "the key would end in 2100: the lock system has two digits for the year"},
	})
}

func TestHourStamps(t *testing.T) {
	for _, tc := range []struct{ zone, instant, opening, closing string }{
		{"Europe/Berlin", "2026-07-17T11:00:00+02:00", "11170726", "11170726"},
		{"Europe/Berlin", "2026-07-17T11:00:01+02:00", "11170726", "12170726"},
		{"Europe/Berlin", "2026-07-17T23:30:00+02:00", "23170726", "00180726"},
		{"Asia/Kolkata", "2026-07-17T06:00:00Z", "11170726", "12170726"}, // 11:30 there
		{"Asia/Kathmandu", "2026-07-17T05:15:00Z", "11170726", "11170726"},
		// Clocks go back at 03:00: 02:30 comes twice, and both end after the second 02:xx.
		{"Europe/Berlin", "2026-10-25T00:30:00Z", "02251026", "03251026"},
		{"Europe/Berlin", "2026-10-25T01:30:00Z", "02251026", "03251026"},
		// Clocks go forward at 02:00: there is no 02:xx.
		{"Europe/Berlin", "2026-03-29T00:30:00Z", "01290326", "03290326"},
		{"Europe/Berlin", "2026-03-29T01:00:00Z", "03290326", "03290326"},
		{"Australia/Lord_Howe", "2026-10-03T15:45:00Z", "02041026", "03041026"}, // 02:45, 02:00 was skipped
	} {
		zone, err := time.LoadLocation(tc.zone)
		if err != nil {
			t.Fatal(err)
		}
		at, _ := time.Parse(time.RFC3339, tc.instant)
		for e, want := range map[edge]string{opening: tc.opening, closing: tc.closing} {
			if got := onity.write(onity.round(at, zone, e), zone); got != want {
				t.Errorf("%s in %s, edge %d: got %s, want %s", tc.instant, tc.zone, e, got, want)
			}
		}
	}
}

// Whatever the zone and the night: what a lock reads back is never a shorter
// stay, and less than two hours longer.
func TestStampsNeverShorten(t *testing.T) {
	zones := []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia", "UTC"}
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		at := time.Unix(rapid.Int64Range(1767225600, 2145916800).Draw(t, "at"), 0) // 2026 to 2037
		for name, d := range map[string]*dialect{"salto": &salto, "onity": &onity} {
			end, err := parseStamp(d.write(d.round(at, zone, closing), zone), zone, closing)
			if err != nil || end.Before(at) || end.Sub(at) > 2*time.Hour {
				t.Fatalf("%s: %s ends at %s (%v)", name, at.In(zone), end.In(zone), err)
			}
			start, err := parseStamp(d.write(d.round(at, zone, opening), zone), zone, opening)
			if err != nil || start.After(at) || at.Sub(start) > 2*time.Hour {
				t.Fatalf("%s: %s starts at %s (%v)", name, at.In(zone), start.In(zone), err)
			}
		}
	})
}
