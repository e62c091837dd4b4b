package locksim

import (
	"strings"
	"testing"
	"time"
)

const stay = "|1400150726|1100170726|AGENT" // fields 9 to 11

// bothWays runs a test over a pseudo-terminal and over TCP.
func bothWays(t *testing.T, change func(*Config), f func(*testing.T, *System, *client, *Port)) {
	for _, way := range []string{"pty", "tcp"} {
		t.Run(way, func(t *testing.T) {
			s := start(t, quick(change))
			if way == "pty" {
				c, p := overPTY(t, s, PortOptions{})
				f(t, s, c, p)
				return
			}
			c, p := overTCP(t, s)
			f(t, s, c, p)
		})
	}
}

func TestADayOfCommands(t *testing.T) {
	bothWays(t, nil, func(t *testing.T, s *System, c *client, _ *Port) {
		c.quiet()
		c.ask("CN|1|E|101|||||"+stay, "CN|1")
		original := s.Cuts("101")[0].UID
		s.Operator("1", Presentation{UID: original})
		c.ask("LT|1|E", "LT|1|101||||CI|0||1400150726|1100170726|AGENT")
		c.ask("CC|1|E|101|||||||1100170726|AGENT", "CC|1")
		c.ask("CC2|1|R|101|||||||1100170726|AGENT", "CC2|1")
		for _, want := range []string{"0", "1", "2", "I"} {
			for _, e := range s.Cuts("101") {
				if e.Copy != want {
					continue
				}
				s.Operator("2", Presentation{UID: e.UID})
				from := ""
				if want == "0" {
					from = "1400150726"
				}
				c.ask("LT|2|R", "LT|2|101||||CI|"+want+"||"+from+"|1100170726|AGENT")
			}
		}
		c.ask("CA|1|T|102||||||||AGENT", "CA|1")
		s.Operator("1", Presentation{UID: s.Cuts("102")[0].UID})
		c.ask("LT|1|E", "LT|1|102||||CI|A||||AGENT")
		c.ask("CN|Online Encoder 1|R|Room 1", "CN|Online Encoder 1")
		c.ask("CO|0|101", "CO|0")
		c.ask("CO|0|101", "CO|0")
		s.Operator("1", Presentation{UID: original})
		c.ask("LT|1|E", "LT|1|101||||CO|0||1400150726|1100170726|AGENT")
		r, _ := s.Room("101")
		if r.NewKeys != 1 || r.CheckOuts != 2 || r.CheckedIn || r.Generation != 1 || r.Copies != 3 || len(s.Cuts("101")) != 4 {
			t.Errorf("room %+v", r)
		}
	})
}

func TestManyCardsInOneCommand(t *testing.T) {
	bothWays(t, nil, func(t *testing.T, s *System, c *client, _ *Port) {
		c.Send(wireFrame("CN3|1|E|101|102||||" + stay + "||||2"))
		c.Want([]byte{0x06})
		answer := string(c.Read(len(wireFrame("CN3|1|" + strings.Repeat("04000000000000|", 2) + "04000000000000"))))
		cuts := s.Cuts("101")
		if len(cuts) != 3 || cuts[0].Deed != NewKey || cuts[1].Deed != Copied || cuts[2].Deed != Copied {
			t.Fatalf("cuts %+v", cuts)
		}
		for _, e := range cuts {
			if !strings.Contains(answer, e.UID) || !s.OpensDoor(e.UID, "102", noon.Add(3*time.Hour)) {
				t.Errorf("card %s not in %q, or does not open the second room", e.UID, answer)
			}
		}
		s.Operator("1", Presentation{}, Presentation{Never: true})
		c.ask("CN2|1|E|103|||||"+stay, "ED|1")
		if len(s.Cuts("103")) != 1 {
			t.Error("the first of two cards should be out")
		}
	})
}

func TestCardSerialOnRequest(t *testing.T) {
	s := start(t, quick(func(c *Config) { c.UIDOnRead = true }))
	c, _ := overTCP(t, s)
	uid := s.AddCard(Blank)
	s.OperatorUsually("1", Presentation{UID: uid})
	c.ask("CN|1|E|101|||||"+stay+"||||1", "CN|1|"+uid)
	c.ask("CC|1|E|101|||||"+stay+"||||2", "CC|1|"+uid)
	c.ask("CC|1|E|101|||||"+stay+"||||0", "CC|1")
	c.ask("LT|1|E", "LT|1|101||||CI|2||1400150726|1100170726|AGENT|"+uid)
}

func TestTracks(t *testing.T) {
	bothWays(t, nil, func(t *testing.T, s *System, c *client, _ *Port) {
		uid := s.AddCard(Blank)
		s.OperatorUsually("1", Presentation{UID: uid})
		c.ask("P1|1|E|ROOM 101", "P1|1")
		c.ask("P2|1|R|1234=5", "P2|1")
		c.ask("P3|1|E|999", "P3|1")
		c.ask("L1|1|E", "L1|1|ROOM 101")
		c.ask("L2|1|E", "L2|1|1234=5")
		c.ask("L3|1|E", "L3|1|999")
		c.ask("P2|1|E|LETTERS", "ES|1")
		c.ask("P1|1|E|lower", "ES|1")
		c.ask("P1|1|E", "ES|1")
		c.ask("P2|1|E|"+strings.Repeat("1", 38), "ES|1")
		c.ask("P4|1|E|1", "ES|1")
	})
}

func TestMobileAndImage(t *testing.T) {
	bothWays(t, nil, func(t *testing.T, s *System, c *client, _ *Port) {
		at := noon.Add(3 * time.Hour)
		c.ask("CNM|+41791234567|101|||||"+stay+"||||Welcome\nhome", "CNM|+41791234567")
		c.ask("CCM|+41797654321|101|||||"+stay, "CCM|+41797654321")
		for _, phone := range []string{"+41791234567", "+41797654321"} {
			if !s.OpensDoor(phone, "101", at) {
				t.Errorf("phone %s does not open", phone)
			}
		}
		c.ask("CCM|+41797654321|102|||||"+stay, "EA|+41797654321")
		c.ask("CNM|reception|102|||||"+stay, "ES|reception")
		c.Send(wireFrame("CNB|04A2B3C4|M1|103|||||" + stay))
		c.Want([]byte{0x06})
		prefix := []byte("\x02\xB3CNB\xB304A2B3C4\xB3M1\xB31\xB30\xB3")
		c.Want(prefix)
		c.Read(32 + len("\xB3M1\xB31\xB31\xB3") + 32 + 3)
		if !s.OpensDoor("04A2B3C4", "103", at) {
			t.Error("the card of the image does not open")
		}
		c.ask("CCB|04A2B3C5|M1|102|||||"+stay, "EA|04A2B3C5")
		c.ask("CNB|nothex!!|M1|102|||||"+stay, "ES|nothex!!")
	})
}

func TestReadingOtherCards(t *testing.T) {
	s := start(t, quick(nil))
	c, _ := overTCP(t, s)
	for kind, status := range map[Kind]string{Staff: "LM", Spare: "LR", Diagnostic: "LS", Foreign: "LD", Blank: "LD"} {
		s.Operator("1", Presentation{Kind: kind})
		c.ask("LT|1|E", "LT|1|"+status)
	}
	c.ask("CN|1|E|101|||||"+stay, "CN|1")
	old := s.Cuts("101")[0].UID
	c.ask("CN|1|E|101|||||"+stay, "CN|1")
	s.Operator("1", Presentation{UID: old})
	c.ask("LT|1|E", "LT|1|LC")
}

func TestStrictness(t *testing.T) {
	long := strings.Repeat("X", 25)
	for _, tt := range []struct{ name, command, result string }{
		{"no command", "|1", "ES|1"},
		{"unknown command", "XX|1", "ES|1"},
		{"command without a documented meaning", "INFO|1", "ES|1"},
		{"CN0", "CN0|1|E|101", "ES|1"},
		{"no card handling", "CN|1||101", "ES|1"},
		{"unknown card handling", "CN|1|X|101", "ES|1"},
		{"no room", "CN|1|E|", "ES|1"},
		{"room too long", "CN|1|E|" + long, "ES|1"},
		{"room twice", "CN|1|E|101|101", "ES|1"},
		{"quote as authorisation", "CN|1|E|101||||'", "ES|1"},
		{"all authorisations", `CN|1|E|101||||19az!#$%&()*+,-./:;<=>?@[\]^_{}`, "CN|1"},
		{"capital as authorisation", "CN|1|E|101||||A", "ES|1"},
		{"dates without minutes", "CN|1|E|101||||||14150726|11170726", "ES|1"},
		{"hour 24", "CN|1|E|101||||||2400150726", "ES|1"},
		{"31 September", "CN|1|E|101|||||||1100310926", "ES|1"},
		{"end before start", "CN|1|E|101||||||1400170726|1100170726", "ES|1"},
		{"end in the past", "CN|1|E|101|||||||1159150726", "ES|1"},
		{"operator too long", "CN|1|E|101||||||||" + long, "ES|1"},
		{"operator with umlaut", "CN|1|E|101||||||||M\xFCller", "ES|1"},
		{"control character", "CN|1|E|101||||||||A\x07B", "ES|1"},
		{"serial 3", "CN|1|E|101||||||||||||3", "ES|1"},
		{"authorisation code", "CN|1|E|101|||||||||||||12,13", "CN|1"},
		{"too many fields", "CN|1|E|101||||||||||||||x", "ES|1"},
		{"one-shot for two rooms", "CA|1|E|101|102", "ES|1"},
		{"check-out at an encoder", "CO|1|101", "ES|1"},
		{"check-out of nothing", "CO|0", "ES|0"},
		{"read without handling", "LT|1", "ES|1"},
		{"unknown room", "CN|1|E|999", "TD|1"},
		{"unknown further room", "CN|1|E|101|||999", "TD|1"},
		{"unknown room at check-out", "CO|0|999", "TD|0"},
		{"copy for an empty room", "CC|1|E|101", "EA|1"},
		{"unknown encoder", "CN|7|E|101", "NC|7"},
		{"modify without end", "MC|101|102|", "ES|101"},
		{"modify an empty room", "MC|101|102|1100180726|", "EA|101"},
		{"modify to an unknown room", "MC|101|999|1100180726", "TD|101"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, quick(nil))
			c, _ := overTCP(t, s)
			c.ask(tt.command, tt.result)
			c.quiet()
			if failed := tt.result[:2] != tt.command[:2]; failed && len(s.Audit()) != 0 {
				t.Errorf("a refused command left %+v", s.Audit())
			}
		})
	}
}

func TestCodesOfTheHouse(t *testing.T) {
	cut := "CN|1|E|101"
	for _, tt := range []struct {
		name, command, result string
		do                    func(*System)
	}{
		{"encoder off", cut, "NC|1", func(s *System) { s.SetEncoderOnline("1", false) }},
		{"encoder busy", cut, "OV|1", func(s *System) { s.SetEncoderBusy("1", true) }},
		{"room busy elsewhere", cut, "EO|1", func(s *System) { s.SetRoomBusy("101", true) }},
		{"room out of service", cut, "OS|1", func(s *System) { s.SetInService("101", false) }},
		{"check-out while out of service", "CO|0|101", "CO|0", func(s *System) { s.SetInService("101", false) }},
		{"database damaged", cut, "NF|1", func(s *System) { s.SetDatabaseDamaged(true) }},
		{"staff card", cut, "EV|1", func(s *System) { s.Operator("1", Presentation{Kind: Staff}) }},
		{"foreign card", cut, "EF|1", func(s *System) { s.Operator("1", Presentation{Kind: Foreign}) }},
		{"damaged card", "LT|1|E", "EF|1", func(s *System) { s.Operator("1", Presentation{Kind: Damaged}) }},
		{"wrongly inserted", cut, "EP|1", func(s *System) { s.Operator("1", Presentation{Wrong: true}) }},
		{"never", cut, "ED|1", func(s *System) { s.Operator("1", Presentation{Never: true}) }},
		{"too late", cut, "ED|1", func(s *System) { s.Operator("1", Presentation{After: time.Hour}) }},
		{"in time", cut, "CN|1", func(s *System) { s.Operator("1", Presentation{After: 5 * time.Millisecond}) }},
		{"removed early", cut, "EF|1", func(s *System) { s.Operator("1", Presentation{RemoveAt: 0.5}) }},
		{"swapped", cut, "EF|1", func(s *System) { s.Operator("1", Presentation{Swap: true}) }},
		{"two cards", cut, "EF|1", func(s *System) { s.Operator("1", Presentation{Two: true}) }},
		{"text of a general error", cut, "EG|1|KEY FAIL", func(s *System) { s.Next(Fault{Code: "EG", Text: "KEY FAIL"}) }},
		{"weak signal", cut, "EN|1", func(s *System) { s.Next(Fault{Code: "EN"}) }},
		{"another general error", cut, "ER|1", func(s *System) { s.Next(Fault{Code: "ER"}) }},
		{"undefined code", cut, "ZZ|1", func(s *System) { s.Next(Fault{Code: "ZZ"}) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bothWays(t, nil, func(t *testing.T, s *System, c *client, _ *Port) {
				tt.do(s)
				c.ask(tt.command, tt.result)
				c.quiet()
				r, _ := s.Room("101")
				if cut := tt.result == "CN|1"; (r.Generation == 1) != cut || (len(s.Keys("101", noon)) == 1) != cut {
					t.Errorf("room %+v, keys %v after %s", r, s.Keys("101", noon), tt.result)
				}
			})
		})
	}
}
