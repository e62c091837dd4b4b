package locksim

import (
	"strings"
	"testing"
	"time"
)

const hours = "|14150726|11170726|AGENT" // fields 9 to 11 of Onity

// atOnity runs a test on an Onity line.
func atOnity(t *testing.T, change func(*Config)) (*System, *client, *Port) {
	t.Helper()
	s := start(t, quick(func(c *Config) {
		c.Rooms = append(c.Rooms, "RM101")
		if change != nil {
			change(c)
		}
	}))
	c, p := overTCP(t, s, PortOptions{Family: Onity})
	return s, c, p
}

// The worked frames B1 to B4, and the answers that fit them.
func TestOnityWorkedFrames(t *testing.T) {
	s, c, _ := atOnity(t, func(c *Config) { c.Onity.UIDs = true })
	uid := func(command string) string {
		cuts := s.Cuts("101")
		return command + "|2|" + cuts[len(cuts)-1].UID
	}
	for _, tt := range []struct {
		hex    string
		result func() string
	}{
		{"02 B3 43 4E 32 B3 32 B3 45 B3 31 30 31 B3 B3 B3 B3 B3 B3 B3 31 31 31 37 30 37 32 36 B3 41 47 45 4E 54 B3 03 94", func() string { return uid("CN2") }},
		{"02 B3 43 4E 31 B3 32 B3 45 B3 31 30 31 B3 31 30 32 B3 B3 B3 31 32 B3 33 B3 31 34 31 35 30 37 32 36 B3 31 31 31 37 30 37 32 36 B3 41 47 45 4E 54 B3 03 96", func() string { return uid("CN1") }},
		{"02 B3 43 4F B3 30 B3 52 4D 31 30 31 B3 03 10", func() string { return "CO|0" }},
	} {
		c.Send(unhex(t, tt.hex))
		c.Want([]byte{0x06})
		head := c.Read(5) // the work is done once the result begins
		want := wireFrame(tt.result())
		if string(head) != string(want[:5]) {
			t.Fatalf("% X, want % X", head, want)
		}
		c.Want(want[5:])
	}
	if cuts := s.Cuts("101"); len(cuts) != 3 || cuts[0].Deed != NewKey || cuts[1].Deed != Copied || cuts[2].Deed != NewKey {
		t.Errorf("cuts %+v", cuts)
	}
	last := s.Cuts("101")[2]
	if !s.OpensDoor(last.UID, "102", noon.Add(3*time.Hour)) || s.OpensDoor(last.UID, "101", noon) {
		t.Error("B2 opens both rooms, from 14 h on")
	}
	if v := s.Violations(); len(v) != 0 {
		t.Errorf("violations %v", v)
	}
	// B3 is a result with the card's UID.
	if got := render([]string{"CN1", "2", "7B887824"}, shape{}); string(got) != string(unhex(t, "02 B3 43 4E 31 B3 32 B3 37 42 38 38 37 38 32 34 B3 03 71")) {
		t.Errorf("B3 is rendered % X", got)
	}
}

func TestOnityDay(t *testing.T) {
	for _, way := range []string{"pty", "tcp"} {
		t.Run(way, func(t *testing.T) {
			s := start(t, quick(nil))
			c, _ := overTCP(t, s, PortOptions{Family: Onity})
			if way == "pty" {
				c, _ = overPTY(t, s, PortOptions{Family: Onity})
			}
			c.quiet()
			c.ask("CN|1|E|101|||||"+hours, "CN|1")
			original := s.Cuts("101")[0].UID
			s.Operator("1", Presentation{UID: original})
			c.ask("LT|1|E", "LT|1|101||||CI|0||14150726|11170726|AGENT")
			c.ask("CC2|1|R|101|||||||11170726|AGENT", "CC2|1")
			c.ask("CA|1|E|102||||||||AGENT", "CA|1")
			c.ask("CN|01|E|103|||||"+hours+"|ROOM 103|103=1", "CN|01") // the same encoder, written otherwise
			s.Operator("1", Presentation{UID: s.Cuts("103")[0].UID})
			c.ask("L2|1|E", "L2|1|103=1")
			c.ask("P1|1|E|TEXT", "P1|1")
			c.ask("CO|0|101", "CO|0")
			s.Operator("1", Presentation{UID: original})
			c.ask("LT|1|E", "LT|1|101||||CO|0||14150726|11170726|AGENT")
			for kind, status := range map[Kind]string{Staff: "LM", Spare: "LR", Diagnostic: "LS", Foreign: "LD", Blank: "LD"} {
				s.Operator("1", Presentation{Kind: kind})
				c.ask("LT|1|E", "LT|1|"+status)
			}
			if v := s.Violations(); len(v) != 0 {
				t.Errorf("violations %v", v)
			}
		})
	}
}

func TestOnityStrictness(t *testing.T) {
	for _, tt := range []struct{ name, command, result string }{
		{"encoder with a name", "CN|Online Encoder 1|E|101", "ES|Online Encoder 1"},
		{"encoder 0", "CN|0|E|101", "ES|0"},
		{"encoder above the highest", "CN|100|E|101", "ES|100"},
		{"signed encoder", "CN|+1|E|101", "ES|+1"},
		{"encoder that is not there", "CN|9|E|101", "NC|9"},
		{"card at the rear", "CN|1|T|101", "ES|1"},
		{"letter as authorisation", "CN|1|E|101||||1a", "ES|1"},
		{"digits as authorisations", "CN|1|E|101||||159|3", "CN|1"},
		{"dates with minutes", "CN|1|E|101|||||" + stay, "ES|1"},
		{"hour 24", "CN|1|E|101|||||||24170726", "ES|1"},
		{"31 September", "CN|1|E|101|||||||11310926", "ES|1"},
		{"end in the past", "CN|1|E|101|||||||12150726", "ES|1"},
		{"end before start", "CN|1|E|101||||||14170726|11160726", "ES|1"},
		{"operator of 20", "CN|1|E|101||||||||" + strings.Repeat("X", 20), "CN|1"},
		{"operator of 21", "CN|1|E|101||||||||" + strings.Repeat("X", 21), "ES|1"},
		{"track 1 in small letters", "CN|1|E|101|||||||||small", "ES|1"},
		{"track 2 of letters", "CN|1|E|101||||||||||LETTERS", "ES|1"},
		{"track 2 of 38", "CN|1|E|101||||||||||" + strings.Repeat("1", 38), "ES|1"},
		{"track 3", "CN|1|E|101|||||||||||1", "ES|1"},
		{"track that the model has not", "P3|1|E|1", "ES|1"},
		{"modify", "MC|101|102|11180726|", "ES|101"},
		{"mobile key", "CNM|+41791234567|101", "ES|+41791234567"},
		{"card image", "CNB|04A2B3C4|M1|103", "ES|04A2B3C4"},
		{"unknown command", "XX|1", "ES|1"},
		{"unknown room", "CN|1|E|999", "TD|1"},
		{"copy for an empty room", "CC|1|E|101", "EA|1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, c, _ := atOnity(t, nil)
			c.ask(tt.command, tt.result)
			c.quiet()
			if failed := tt.result[:2] != tt.command[:2]; failed && len(s.Audit()) != 0 {
				t.Errorf("a refused command left %+v", s.Audit())
			}
			if n := len(s.Violations()); (n == 1) != strings.HasPrefix(tt.result, "ES") {
				t.Errorf("violations %v", s.Violations())
			}
		})
	}
}

func TestOnityCodesOfTheHouse(t *testing.T) {
	cut := "CN|1|E|101"
	for _, tt := range []struct {
		code string
		do   func(*System)
	}{
		{"NC", func(s *System) { s.SetEncoderOnline("1", false) }},
		{"OV", func(s *System) { s.SetEncoderBusy("1", true) }},
		{"EO", func(s *System) { s.SetRoomBusy("101", true) }},
		{"OS", func(s *System) { s.SetInService("101", false) }},
		{"NF", func(s *System) { s.SetDatabaseDamaged(true) }},
		{"EP", func(s *System) { s.Operator("1", Presentation{Wrong: true}) }},
		{"ED", func(s *System) { s.Operator("1", Presentation{Never: true}) }},
		{"EF", func(s *System) { s.Operator("1", Presentation{Kind: Staff}) }}, // EV is SALTO's
		{"EF", func(s *System) { s.Operator("1", Presentation{Kind: Foreign}) }},
		{"EF", func(s *System) { s.Operator("1", Presentation{Kind: Protected}) }},
		{"EF", func(s *System) { s.Operator("1", Presentation{Kind: Clone}) }},
		{"EF", func(s *System) { s.Operator("1", Presentation{RemoveAt: 0.5}) }},
		{"EN", func(s *System) { s.Next(Fault{Code: "EN"}) }},
		{"ER", func(s *System) { s.Next(Fault{Code: "ER"}) }},
		{"ZZ", func(s *System) { s.Next(Fault{Code: "ZZ"}) }},
	} {
		t.Run(tt.code, func(t *testing.T) {
			s, c, _ := atOnity(t, nil)
			tt.do(s)
			c.ask(cut, tt.code+"|1")
			c.quiet()
			if r, _ := s.Room("101"); r.Generation != 0 || len(s.Keys("101", noon)) != 0 {
				t.Errorf("room %+v after %s", r, tt.code)
			}
		})
	}
}

func TestOnityUnknownCommands(t *testing.T) {
	for policy, want := range map[Unknown][]byte{
		UnknownES: append([]byte{0x06}, wireFrame("ES|1")...), UnknownNAK: {0x15}, UnknownIgnored: nil,
	} {
		s, c, _ := atOnity(t, func(c *Config) { c.Onity.Unknown = policy })
		c.Send(wireFrame("MC|1"))
		c.Want(want)
		c.quiet()
		c.ask("CN|1|E|101", "CN|1")
		if len(s.Cuts("101")) != 1 {
			t.Error("an unknown command cut a card")
		}
	}
}

func TestOnitySiteLimits(t *testing.T) {
	s, c, _ := atOnity(t, func(c *Config) {
		c.Onity = OnitySite{Encoders: 2, Rooms: 2, Authorisations: "12", Tracks: "2", NoOneShot: true}
	})
	c.ask("CN|2|E|101|102|||12|1", "CN|2")
	c.ask("CN|3|E|101", "ES|3")
	c.ask("CN|1|E|101|102|103", "ES|1")
	c.ask("CN|1|E|101||||3", "ES|1")
	c.ask("P1|1|E|TEXT", "ES|1")
	c.ask("P2|1|E|123", "P2|1")
	c.ask("CA|1|E|101", "ES|1")
	var why []string
	for _, v := range s.Violations() {
		why = append(why, v.Note)
	}
	for i, want := range []string{"field 1", "3 rooms, at most 2", "authorisations", "no command \"P1\"", "no command \"CA\""} {
		if i >= len(why) || !strings.Contains(why[i], want) {
			t.Errorf("violation %d of %q, want %q", i, why, want)
		}
	}
}

func TestOnityHourOfTheClockChange(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		t.Fatal(err)
	}
	layout := onityLimits(OnitySite{}).layout
	for _, tt := range []struct {
		text string
		end  bool
		want string
	}{
		{"13150726", false, "2026-07-15T11:00:00Z"},
		{"13150726", true, "2026-07-15T11:00:00Z"},
		{"00160726", true, "2026-07-15T22:00:00Z"},
		{"23151226", true, "2026-12-15T22:00:00Z"},
		{"02251026", false, "2026-10-25T00:00:00Z"}, // the hour comes twice
		{"02251026", true, "2026-10-25T01:00:00Z"},
	} {
		got, ok := readDate(layout, zone, tt.text, tt.end)
		if !ok || got.UTC().Format(time.RFC3339) != tt.want || stamp(layout, zone, got) != tt.text {
			t.Errorf("%s, end %v: %v %v, want %s", tt.text, tt.end, got.UTC(), ok, tt.want)
		}
	}
}
