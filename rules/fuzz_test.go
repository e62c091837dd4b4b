package rules

import (
	"regexp"
	"testing"

	"edgeagent/pms"
)

// Whatever a rule file holds: no panic, errors that say where, and a table
// that can be evaluated, explained and shown.
func FuzzParse(f *testing.F) {
	f.Add(Default())
	f.Add([]byte(one(checkIn, encode(`room: "${room}", copies: 2`))))
	place := regexp.MustCompile(`^[0-9]+:[0-9]+: [^\n]+`)
	events := []*pms.Event{event(pms.StayCheckedIn), event(pms.KeyRequested), event(pms.RoomOccupied)}
	f.Fuzz(func(t *testing.T, source []byte) {
		list, err := Parse(source)
		if err != nil {
			if !place.MatchString(err.Error()) {
				t.Fatalf("an error without a place: %v", err)
			}
			return
		}
		table, problems := Compile(list, hotel(), "lobby-encoder", Options{RoomTypes: []string{"suite"}})
		for _, p := range problems {
			if p.Path == "" || p.Message == "" {
				t.Fatalf("an empty problem: %+v", p)
			}
		}
		for _, e := range events {
			table.Eval(e)
			render(table.Explain(e))
		}
	})
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"", "room", "${room}", "$$", "$", "${", "${}", "a${room}b$$c", "${ room }"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		parsed, err := parseTemplate(source)
		if err != nil {
			return
		}
		parsed.expand(func(name string) string {
			if name == "" {
				t.Fatal("an empty name")
			}
			return name
		})
	})
}
