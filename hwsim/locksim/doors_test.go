package locksim

import (
	"testing"
	"time"
)

// cutOne sends a key command over c and returns the UID of the card that it cut.
func cutOne(t *testing.T, s *System, c *client, command, result string) string {
	t.Helper()
	before := len(s.Audit())
	c.ask(command, result)
	entries := s.Audit()[before:]
	if len(entries) != 1 {
		t.Fatalf("%s: audit %+v", command, entries)
	}
	return entries[0].UID
}

func TestDoors(t *testing.T) {
	s := start(t, quick(nil))
	c, _ := overTCP(t, s)
	inside := time.Date(2026, 7, 16, 9, 0, 0, 0, time.UTC)
	check := func(what, uid, room string, at time.Time, want bool) {
		t.Helper()
		if got := s.OpensDoor(uid, room, at); got != want {
			t.Errorf("%s: opens %s is %v, want %v", what, room, got, want)
		}
	}

	first := cutOne(t, s, c, "CN|1|E|101|||||"+stay, "CN|1")
	check("first guest", first, "101", inside, true)
	check("first guest", first, "102", inside, false)
	check("before the stay", first, "101", noon.Add(2*time.Hour-time.Second), false)
	check("from its first second", first, "101", noon.Add(2*time.Hour), true)
	check("up to its last second", first, "101", time.Date(2026, 7, 17, 10, 59, 59, 0, time.UTC), true)
	check("after the stay", first, "101", time.Date(2026, 7, 17, 11, 0, 0, 0, time.UTC), false)
	sharer := cutOne(t, s, c, "CC|1|E|101|||||"+stay, "CC|1")
	check("sharer", sharer, "101", inside, true)
	check("first guest beside a copy", first, "101", inside, true)

	second := cutOne(t, s, c, "CN|1|E|101|||||"+stay, "CN|1")
	check("second guest", second, "101", inside, true)
	check("first guest after a new key", first, "101", inside, false)
	check("copy after a new key", sharer, "101", inside, false)

	c.ask("CO|0|101", "CO|0")
	check("after check-out", second, "101", inside, false)
	shot := cutOne(t, s, c, "CA|1|E|101|||||"+stay, "CA|1")
	check("one-shot for an empty room", shot, "101", inside, true)
	if !s.UseCard(shot, "101", inside) || s.UseCard(shot, "101", inside) {
		t.Error("a one-shot key opens once")
	}
	check("one-shot, used", shot, "101", inside, false)

	staff := s.AddCard(Staff)
	check("staff", staff, "103", inside, true)
	check("blank", s.AddCard(Blank), "103", inside, false)
	check("no such card", "0000", "103", inside, false)
	check("no such room", staff, "999", inside, false)
	if keys := s.Keys("101", inside); len(keys) != 0 {
		t.Errorf("keys left: %v", keys)
	}
}

func TestCardIsLostWhenTakenAwayDuringWriting(t *testing.T) {
	s := start(t, quick(nil))
	c, _ := overTCP(t, s)
	uid := cutOne(t, s, c, "CN|1|E|101|||||"+stay, "CN|1")
	s.Operator("1", Presentation{UID: uid, RemoveAt: 0.9})
	c.ask("CN|1|E|102|||||"+stay, "EF|1")
	if card, _ := s.Card(uid); card.Kind != Blank || card.Key != nil {
		t.Errorf("card %+v", card)
	}
	if r, _ := s.Room("102"); r.Generation != 0 || r.CheckedIn {
		t.Errorf("an error changed the room: %+v", r)
	}
}

func TestTheSameCardPressedTwice(t *testing.T) {
	s := start(t, quick(nil))
	c, _ := overTCP(t, s)
	s.Operator("1", Presentation{Twice: true})
	original := cutOne(t, s, c, "CN|1|E|101|||||"+stay, "CN|1")
	copied := cutOne(t, s, c, "CC|1|E|101|||||"+stay, "CC|1")
	if original != copied || len(s.Keys("101", noon.Add(3*time.Hour))) != 1 {
		t.Error("the copy should stand on the original's card")
	}
}

func TestModifyStay(t *testing.T) {
	s := start(t, quick(nil))
	c, _ := overTCP(t, s)
	uid := cutOne(t, s, c, "CN|1|E|101|||||"+stay, "CN|1")
	longer := time.Date(2026, 7, 18, 9, 0, 0, 0, time.UTC)
	c.ask("MC|101|101|1100180726|", "MC|101")
	if !s.OpensDoor(uid, "101", longer) {
		t.Error("not extended")
	}
	c.ask("MC|101|102|1100190726", "MC|101")
	if s.OpensDoor(uid, "101", longer) || !s.OpensDoor(uid, "102", longer) {
		t.Error("not moved")
	}
	cutOne(t, s, c, "CN|1|E|101|||||"+stay, "CN|1")
	c.ask("MC|101|102|1100190726", "EG|101|ROOM OCCUPIED")
	s.SetInService("103", false)
	c.ask("MC|101|103|1100190726", "OS|101")
}

func TestDatesInTheNightsOfTheClockChange(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		t.Fatal(err)
	}
	layout := saltoLimits().layout
	for _, tt := range []struct {
		name, text string
		end        bool
		want       string
	}{
		{"summer", "1400150726", false, "2026-07-15T12:00:00Z"},
		{"after midnight", "0005160726", true, "2026-07-15T22:05:00Z"},
		{"winter", "1100241226", true, "2026-12-24T10:00:00Z"},
		{"repeated hour, start takes the earlier", "0230251026", false, "2026-10-25T00:30:00Z"},
		{"repeated hour, end takes the later", "0230251026", true, "2026-10-25T01:30:00Z"},
		{"before the repeated hour", "0159251026", true, "2026-10-24T23:59:00Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := readDate(layout, zone, tt.text, tt.end)
			if !ok || got.UTC().Format(time.RFC3339) != tt.want {
				t.Errorf("got %v %v, want %s", got.UTC(), ok, tt.want)
			}
			if stamp(layout, zone, got) != tt.text {
				t.Errorf("written back as %s", stamp(layout, zone, got))
			}
		})
	}
}

func TestSeedRepeatsARun(t *testing.T) {
	run := func() (uids []string) {
		s := start(t, quick(func(c *Config) { c.Seed = 42 }))
		for range 5 {
			uids = append(uids, s.AddCard(Blank))
		}
		if s.Seed() != 42 {
			t.Errorf("seed %d", s.Seed())
		}
		return uids
	}
	a, b := run(), run()
	for i := range a {
		if a[i] != b[i] {
			t.Errorf("card %d: %s and %s", i, a[i], b[i])
		}
	}
	if New(Config{}).Seed() == 0 {
		t.Error("a seed that was not given is to be reported")
	}
}
