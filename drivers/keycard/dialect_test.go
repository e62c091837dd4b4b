package keycard

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"edgeagent/drivers"
)

// dialects are the changes that make a section one of each protocol.
var dialects = map[string]func(*Config){
	"salto": func(*Config) {},
	"onity": func(c *Config) { c.Protocol = "onity" },
	"vingcard": func(c *Config) {
		c.Protocol, c.Authorisations = "vingcard", nil
		c.VingCard = &VingCard{UserType: "Single Room", UserGroup: "Guest"}
	},
}

func yes() *bool {
	on := true
	return &on
}

// Every answer among the worked frames is a result of the request it belongs to.
func TestWorkedAnswers(t *testing.T) {
	zone := testSite().Zone
	for _, tc := range []struct{ dialect, command, encoder, frame, code, uid string }{
		{"salto", "CN", "1", "A3 answer with serial", "", "04A2B3C4D5E680"},
		{"salto", "CN", "1", "A4 answer", "", ""},
		{"salto", "CO", noEncoder, "A8 its answer", "", ""},
		{"salto", "LT", "1", "A10 guest card", "", ""},
		{"salto", "LT", "1", "A11 expired card", "", ""},
		{"salto", "CN", "1", "A12 no card", "EP", ""},
		{"salto", "CN", "1", "A13 busy", "OV", ""},
		{"salto", "CN", "1", "A14 unknown room", "TD", ""},
		{"salto", "CN", "1", "A15 syntax", "ES", ""},
		{"salto", "CN", "1", "A16 general error", "EG", ""},
		{"onity", "CN1", "2", "B3 Onity answer with serial", "", "7B887824"},
		{"vingcard", vingNew, "01", "V5 done", "", ""},
		{"vingcard", vingCopy, "01", "V5 done, with serial", "", "04A2B3C4"},
		{"vingcard", vingNew, "01", "V6 no card", "8", ""},
		{"vingcard", vingNew, "01", "V6 busy", "5", ""},
		{"vingcard", vingRead, "01", "V7 card read", "", ""},
	} {
		d := protocols[tc.dialect]
		var raw string
		for _, v := range append(vectors, vingVectors...) {
			if v.name == tc.frame {
				raw = v.bytes
			}
		}
		all := tokens(&parser{form: d.form}, unhex(t, raw))
		if len(all) != 1 {
			t.Fatalf("%s: %+v", tc.frame, all)
		}
		st := step{command: tc.command, encoder: tc.encoder, fields: []string{tc.command, tc.encoder, "E"}, answer: d.answer}
		r, ok := st.read(all[0].fields, zone)
		if !ok || r.code != tc.code || r.uid != tc.uid || (r.card != nil) != (tc.command == "LT" || tc.command == vingRead) {
			t.Errorf("%s: got %+v, %t", tc.frame, r, ok)
		}
	}
}

// An error may name no encoder, and of a check-out the room. What no table knows
// is not taken for one.
func TestErrorsWithoutAnEncoder(t *testing.T) {
	out := step{command: "CO", encoder: noEncoder, room: "101", fields: []string{"CO", noEncoder, "101"}}
	key := step{command: "CN", encoder: "1", room: "101", fields: []string{"CN", "1", "E", "101"}}
	for _, tc := range []struct {
		step   step
		fields string
		code   string // "" if it is no result
	}{
		{out, "TD", "TD"}, {out, "TD|", "TD"}, {out, "TD|0", "TD"}, {out, "TD|101", "TD"}, {out, "NF", "NF"},
		{out, "TD|102", ""}, {out, "Q7", ""}, {out, "Q7|101", ""}, {out, "CO", ""}, {out, "CO|101", ""},
		{key, "NC", "NC"}, {key, "NC|", "NC"}, {key, "EG||x", "EG"}, {key, "ES", "ES"},
		{key, "TD|101", ""}, {key, "NC|2", ""}, {key, "Q7", ""}, {key, "Q7|", ""}, {key, "CN", ""}, {key, "CC", ""},
	} {
		r, ok := tc.step.read(strings.Split(tc.fields, "|"), testSite().Zone)
		if ok != (tc.code != "") || ok && r.code != tc.code {
			t.Errorf("%s answered %s: got %+v, %t", tc.step.command, tc.fields, r, ok)
		}
	}
}

// Worked requests come out of commands byte for byte.
func TestWorkedRequests(t *testing.T) {
	now := time.Date(2026, 7, 15, 8, 0, 0, 0, time.UTC)
	key := map[string]string{"room": "101", "until": "2026-07-17T11:00:00+02:00", "from": "2026-07-15T14:00:00+02:00"}
	again := map[string]string{"room": "101", "until": "2026-07-17T11:00:00+02:00", "key": keyDuplicate}
	for _, tc := range []struct {
		dialect, frame, action string
		params                 map[string]string
		change                 func(*Config)
	}{
		{"salto", "A1 new key", actionEncode, key, nil},
		{"salto", "A2 with serial", actionEncode, key, func(c *Config) { c.WantUID = true }},
		{"salto", "A5 copy", actionEncode, again, nil},
		{"salto", "A7 check-out", actionCancel, key, nil},
		{"salto", "A9 read", actionRead, nil, nil},
		{"onity", "B4 Onity check-out", actionCancel, map[string]string{"room": "RM101"}, nil},
		{"vingcard", "V1 new key", actionEncode, key, nil},
		{"vingcard", "V2 additional key", actionEncode, again, nil},
		{"vingcard", "V3 read", actionRead, nil, nil},
		{"vingcard", "V4 check-out", actionCancel, key, captured("B")},
	} {
		p, err := planner(func(c *Config) {
			dialects[tc.dialect](c)
			if tc.change != nil {
				tc.change(c)
			}
		}).plan(drivers.Command{Action: tc.action, Params: tc.params}, now)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range append(vectors, vingVectors...) {
			if v.name == tc.frame && !bytes.Equal(p.steps[0].frame, unhex(t, v.bytes)) {
				t.Errorf("%s: got % X, want %s", tc.frame, p.steps[0].frame, v.bytes)
			}
		}
	}
}

// With key: auto, a second card of the same key is a copy, in every dialect.
func TestAutoKeyOfEachDialect(t *testing.T) {
	now := time.Date(2026, 7, 15, 8, 0, 0, 0, time.UTC)
	for name, want := range map[string][2]string{"salto": {"CN", "CC"}, "onity": {"CN", "CC"}, "vingcard": {vingNew, vingCopy}} {
		d := planner(dialects[name])
		var kept map[string]string
		d.site.Known = func(string, string) map[string]string { return kept }
		plan := func(until, kind string) plan {
			p, err := d.plan(drivers.Command{Action: actionEncode, Params: map[string]string{
				"room": "101", "stay": "s", "until": until, "key": kind}}, now)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		first := plan("2026-07-17T11:00:00+02:00", keyAuto)
		kept = map[string]string{}
		first.remember(kept, now)
		var got []string
		for _, p := range []struct{ until, kind string }{
			{"2026-07-17T11:00:00+02:00", keyAuto}, {"2026-07-18T11:00:00+02:00", keyAuto}, {"2026-07-18T11:00:00+02:00", keyDuplicate},
		} {
			got = append(got, plan(p.until, p.kind).steps[0].command)
		}
		if diff := cmp.Diff([]string{want[0], want[1], want[0], want[1]}, append([]string{first.steps[0].command}, got...)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		// A copy of VingCard says nothing of its end, so it leaves what is known.
		values := map[string]string{}
		p := plan("2026-07-18T11:00:00+02:00", keyDuplicate)
		if p.remember(values, now); name == "vingcard" && values[valueKey] != kept[valueKey] {
			t.Errorf("%s: the copy is taken for another key", name)
		}
	}
}
