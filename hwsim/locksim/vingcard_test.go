package locksim

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	vingStay  = "|TSingle Room|UGuest|D202607151400|O202607171100"
	vingGuest = "|TSingle Room|FANNA|NMULLER|UGuest|D202607151400|O202607171100"
)

// say sends a command of VingCard's link with all that goes with it, reads the
// answer and acknowledges it. Both are bodies, fields written with bars.
func (c *client) say(command, answer string) {
	c.T.Helper()
	c.quiet()
	c.Send(vingWire(command))
	c.Want([]byte{0x06})
	c.Want(vingWire(answer))
	c.Send([]byte{0x06})
}

func atVingCard(t *testing.T, change func(*Config)) (*System, *client, *Port) {
	t.Helper()
	s := start(t, quick(change))
	c, p := overTCP(t, s, PortOptions{Family: VingCard})
	return s, c, p
}

func TestVingCardDay(t *testing.T) {
	for _, way := range []string{"pty", "tcp"} {
		t.Run(way, func(t *testing.T) {
			s, c, _ := atVingCard(t, nil)
			if way == "pty" {
				c, _ = overPTY(t, s, PortOptions{Family: VingCard})
			}
			inside := noon.Add(20 * time.Hour)
			c.say("0100I|R101"+vingStay+"|C1", "00010")
			first := s.Cuts("101")[0].UID
			s.Operator("1", Presentation{UID: first})
			c.say("0100E", "00010|R101"+vingStay)
			c.say("0100H|R101|C2", "00010")
			cuts := s.Cuts("101")
			if len(cuts) != 3 || cuts[1].Deed != Copied || cuts[2].Copy != "2" {
				t.Fatalf("cuts %+v", cuts)
			}
			// A copy without dates is good for the stay, and says whose it is.
			s.Operator("1", Presentation{UID: cuts[1].UID})
			c.say("0100E|S", "00010|R101"+vingStay+"|S"+cuts[1].UID)
			for _, e := range cuts {
				if !s.OpensDoor(e.UID, "101", inside) || s.OpensDoor(e.UID, "101", noon) || s.OpensDoor(e.UID, "101", noon.Add(48*time.Hour)) {
					t.Errorf("card %s does not open for the stay and nothing else", e.UID)
				}
			}
			// The next guest: a key and two copies at once, on another encoder.
			uid := s.AddCard(Blank)
			s.Operator("2", Presentation{}, Presentation{}, Presentation{UID: uid})
			c.say("0200I|R101"+vingGuest+"|C3|S", "00020|S"+uid)
			s.Operator("2", Presentation{UID: uid})
			c.say("0200E", "00020|R101"+vingGuest)
			if keys := s.Keys("101", inside); len(keys) != 3 || slices.Contains(keys, first) {
				t.Errorf("keys %v", keys)
			}
			c.say("0100B|R101", "00010")
			if keys := s.Keys("101", inside); len(keys) != 0 {
				t.Errorf("keys after check-out: %v", keys)
			}
			c.say("0100I|R101|O202607171100|L102,103|1ROOM 101|2101=1", "00010")
			suite := s.Cuts("101")[6].UID
			for _, room := range []string{"101", "102", "103"} {
				if !s.OpensDoor(suite, room, inside) {
					t.Errorf("the key with L does not open %s", room)
				}
			}
			if card, _ := s.Card(suite); card.Tracks[0] != "ROOM 101" || card.Tracks[1] != "101=1" {
				t.Errorf("tracks %q", card.Tracks)
			}
			if v := s.Violations(); len(v) != 0 {
				t.Errorf("violations %v", v)
			}
		})
	}
}

// The worked frames V1 to V7, to the byte.
func TestVingWorkedFramesAreAnswered(t *testing.T) {
	s, c, _ := atVingCard(t, nil)
	uid := s.AddCard(Blank)
	s.OperatorUsually("1", Presentation{UID: uid})
	hex := func(name string) []byte {
		i := slices.IndexFunc(vingWorked, func(w struct{ name, text, hex string }) bool { return strings.HasPrefix(w.name, name) })
		return unhex(t, vingWorked[i].hex)
	}
	for _, tt := range []struct {
		request, answer string
		do              func()
	}{
		{"V1", "V5 answer ok", func() {}},
		{"V3", "V7", func() {}},
		{"V2", "V5 answer ok", func() {}},
		{"V4", "V5 answer ok", func() {}},
		{"V1", "V6 no card", func() { s.Operator("1", Presentation{Never: true}) }},
		{"V1", "V6 device busy", func() { s.SetEncoderBusy("1", true) }},
	} {
		tt.do()
		c.quiet()
		c.Send(hex(tt.request))
		c.Want(append([]byte{0x06}, hex(tt.answer)...))
		c.Send([]byte{0x06})
	}
	if v := s.Violations(); len(v) != 0 {
		t.Errorf("violations %v", v)
	}
}

func TestVingAnswers(t *testing.T) {
	cut := "0100I|R101" + vingStay
	here := func(p Presentation) func(*System) { return func(s *System) { s.Operator("1", p) } }
	none := func(*System) {}
	for _, tt := range []struct {
		name, command, answer string
		do                    func(*System)
	}{
		{"done", cut, "0", none},
		{"unknown command", "0100Z|R101", "1", none},
		{"no frame of this link", "0107I|R101", "", none},
		{"forbidden character", "0100I|R101|NM\xFCller|O202607171100", "1", none},
		{"field of another command", "0100B|R101|C1", "1", none},
		{"field twice", "0100I|R101|R102|O202607171100", "1", none},
		{"no room", "0100I|O202607171100", "1", none},
		{"no cards", "0100I|R101|O202607171100|C0", "1", none},
		{"cards in words", "0100I|R101|O202607171100|CX", "1", none},
		{"serial given", "0100I|R101|O202607171100|S04", "1", none},
		{"track 2 in letters", "0100I|R101|O202607171100|2ABC", "1", none},
		{"track 1 of 77", "0100I|R101|O202607171100|1" + strings.Repeat("A", 77), "1", none},
		{"foreign card", cut, "1", here(Presentation{Kind: Foreign})},
		{"staff card", cut, "1", here(Presentation{Kind: Staff})},
		{"taken away", cut, "1", here(Presentation{RemoveAt: 0.5})},
		{"blank is not recognised", "0100E", "1", none},
		{"database damaged", cut, "1", func(s *System) { s.SetDatabaseDamaged(true) }},
		{"out of service", cut, "1", func(s *System) { s.SetInService("101", false) }},
		{"Vision not running", cut, "2", func(s *System) { s.SetRunning(false) }},
		{"encoder in use", cut, "5", func(s *System) { s.SetEncoderBusy("1", true) }},
		{"room in use", cut, "5", func(s *System) { s.SetRoomBusy("101", true) }},
		{"too many cards", cut + "|C10", "6", none},
		{"no card", cut, "8", here(Presentation{Never: true})},
		{"wrongly inserted", cut, "8", here(Presentation{Wrong: true})},
		{"encoder off", cut, "8", func(s *System) { s.SetEncoderOnline("1", false) }},
		{"no such encoder", "0900I|R101" + vingStay, "8", none},
		{"no guest for a copy", "0100H|R101", "9", none},
		{"no guest to check out", "0100B|R101", "9", none},
		{"no guest to move", "0100C|R101|R102", "9", none},
		{"check-in is no date", "0100I|R101|D2026071514|O202607171100", "D", none},
		{"check-in on a later day", "0100I|R101|D202607161400|O202607171100", "D", none},
		{"arrival without check-in", "0100G|R101|O202607171100", "D", none},
		{"arrival today", "0100G|R101" + vingStay, "D", none},
		{"check-out is no date", "0100I|R101|O202609311100", "O", none},
		{"check-out missing", "0100I|R101", "O", none},
		{"check-out in the past", "0100I|R101|O202607151159", "O", none},
		{"check-out before check-in", "0100I|R101|D202607151500|O202607151400", "O", none},
		{"unknown room", "0100I|R999" + vingStay, "R", none},
		{"unknown further room", cut + "|L102,999", "R", none},
		{"undefined", cut, "z", func(s *System) { s.Next(Fault{Code: "z"}) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, c, _ := atVingCard(t, nil)
			tt.do(s)
			from := tt.command[:2]
			if tt.answer == "" {
				from, tt.answer = pmsAddress, "1"
			}
			c.say(tt.command, "00"+from+tt.answer)
			c.quiet()
			r, _ := s.Room("101")
			if cut := tt.answer == "0"; (r.Generation == 1) != cut || (len(s.Keys("101", noon.Add(3*time.Hour))) == 1) != cut {
				t.Errorf("room %+v after %s", r, tt.answer)
			}
		})
	}
}

func TestVingMaximumOfCards(t *testing.T) {
	s, c, _ := atVingCard(t, func(c *Config) { c.VingCard.MaxCards = 3 })
	c.say("0100I|R101|O202607171100|C2", "00010")
	c.say("0100H|R101|C2", "00016")
	c.say("0100H|R101", "00010")
	c.say("0100H|R101", "00016")
	if n := len(s.Cuts("101")); n != 3 {
		t.Errorf("%d cards", n)
	}
	c.say("0100I|R101|O202607171100|C3", "00010") // another guest, another count
}

func TestVingUserTypesOfTheSite(t *testing.T) {
	_, c, _ := atVingCard(t, func(c *Config) {
		c.VingCard = VingCardSite{UserTypes: []string{"Single Room"}, UserGroups: []string{"Guest"}}
	})
	c.say("0100I|R101|O202607171100", "00011")
	c.say("0100I|R101|TSuite|UGuest|O202607171100", "00011")
	c.say("0100I|R101|TSingle Room|UVIP|O202607171100", "00011")
	c.say("0100I|R101"+vingStay, "00010")
	c.say("0100H|R101", "00010")
}

// A key for a later guest leaves the present one in until that guest's time.
func TestVingFutureArrival(t *testing.T) {
	now := noon
	s, c, _ := atVingCard(t, func(c *Config) { c.Now = func() time.Time { return now } })
	c.say("0100I|R101|O202607171100", "00010")
	present := s.Cuts("101")[0].UID
	c.say("0100G|R101|NLATER|D202607161500|O202607181100|C2", "00010")
	later := s.Cuts("101")[1:]
	arrival := time.Date(2026, 7, 16, 15, 0, 0, 0, time.UTC)
	opens := func(uid string, at time.Time) bool { return s.OpensDoor(uid, "101", at) }
	for _, e := range later {
		if opens(e.UID, arrival.Add(-time.Second)) || !opens(e.UID, arrival) {
			t.Errorf("card %s does not open from the arrival on", e.UID)
		}
	}
	if !opens(present, arrival.Add(-time.Second)) || opens(present, arrival) {
		t.Error("the present guest's key does not end with the arrival")
	}
	if r, _ := s.Room("101"); r.Generation != 1 || !r.Expected {
		t.Errorf("room %+v", r)
	}
	// The present guest leaves early; the keys for the later one are good.
	c.say("0100B|R101", "00010")
	if opens(present, noon) || !opens(later[0].UID, arrival) {
		t.Error("check-out is to end the present guest's keys only")
	}
	now = arrival.Add(time.Hour)
	c.say("0100H|R101", "00010") // for the guest who is there now
	copied := s.Cuts("101")[3].UID
	if r, _ := s.Room("101"); r.Generation != 2 || r.Expected || !r.CheckedIn || !opens(copied, now) {
		t.Errorf("room %+v, copy opens %v", r, opens(copied, now))
	}
}

func TestVingCheckInWithoutCheckOut(t *testing.T) {
	s, c, _ := atVingCard(t, nil)
	c.say("0100A|R101|O202607171100", "00010")
	c.say("0100A|R101|O202607171100", "00010")
	if keys := s.Keys("101", noon); len(keys) != 2 {
		t.Errorf("A ends no keys, and %v open", keys)
	}
	c.say("0100I|R101|O202607171100", "00010")
	if keys := s.Keys("101", noon); len(keys) != 1 {
		t.Errorf("I ends all keys before it, and %v open", keys)
	}
}

func TestVingChange(t *testing.T) {
	s, c, _ := atVingCard(t, nil)
	c.say("0100I|R101"+vingGuest, "00010")
	at := noon.Add(3 * time.Hour)
	c.say("0100C|R101|NMULLER|R101|NMEIER", "00010")
	if len(s.Keys("101", at)) != 1 {
		t.Error("another name ended a key")
	}
	c.say("0100C|R101|R102", "00010")
	if len(s.Keys("101", at)) != 0 || len(s.Keys("102", at)) != 0 {
		t.Error("a card opens although none was made for the new room")
	}
	c.say("0100H|R101", "00019")
	c.say("0100H|R102", "00010")
	uid := s.Cuts("102")[0].UID
	s.Operator("1", Presentation{UID: uid})
	c.say("0100E", "00010|R102|TSingle Room|FANNA|NMEIER|UGuest|D202607151400|O202607171100")
	if !s.OpensDoor(uid, "102", at) {
		t.Error("the key to the new room does not open it")
	}
	c.say("0100I|R101|O202607171100", "00010")
	c.say("0100C|R101|R102", "00011") // a guest is there
	c.say("0100C|R101", "00011")
}
