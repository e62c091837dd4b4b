package locksim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// vingWire builds a frame of VingCard's link from its text, fields written with
// bars: "0100I|R101".
func vingWire(text string) []byte {
	body := strings.ReplaceAll(text, "|", "\x1E") + "\x03"
	var x byte
	for i := range len(body) {
		x ^= body[i]
	}
	return fmt.Appendf([]byte("\x02"+body), "%02X", x)
}

// speech is one and the same conversation in the words of a family.
type speech struct {
	family              Family
	cut, done           []byte // a key for 101 at encoder 1
	read, blank         []byte // what is on a blank card
	ofEncoder2, ofOther []byte // done, named after another encoder or command; nil for what the family has not
	wildcard, noSep     []byte
	noCard              []byte // and its code
	code, command       string
	checks              int
}

func speeches() []speech {
	standard := func(f Family) speech {
		good := wireFrame("CN|1")
		wild := slices.Clone(good)
		wild[len(wild)-1] = 0x0D
		return speech{family: f, cut: wireFrame("CN|1|E|101"), done: good, read: wireFrame("LT|1|E"), blank: wireFrame("LT|1|LD"),
			ofEncoder2: wireFrame("CN|2"), ofOther: wireFrame("CC|1"), wildcard: wild,
			noSep:  append([]byte("\x02\xB3CN\xB31\x03"), lrc([]byte("\xB3CN\xB31"))),
			noCard: wireFrame("ED|1"), code: "ED", command: "CN", checks: 1}
	}
	return []speech{standard(SALTO), standard(Onity), {
		family: VingCard, cut: vingWire("0100I|R101|O202607171100"), done: vingWire("00010"),
		read: vingWire("0100E"), blank: vingWire("00011"), ofEncoder2: vingWire("00020"),
		noCard: vingWire("00018"), code: "8", command: "I", checks: 2,
	}}
}

// everyFamily runs a test in each family, over a pseudo-terminal and over TCP.
func everyFamily(t *testing.T, change func(*Config), f func(*testing.T, speech, *System, *client, *Port)) {
	for _, sp := range speeches() {
		t.Run(string(sp.family), func(t *testing.T) {
			t.Run("pty", func(t *testing.T) {
				s := start(t, quick(change))
				c, p := overPTY(t, s, PortOptions{Family: sp.family})
				f(t, sp, s, c, p)
			})
			t.Run("tcp", func(t *testing.T) {
				s := start(t, quick(change))
				c, p := overTCP(t, s, PortOptions{Family: sp.family})
				f(t, sp, s, c, p)
			})
		})
	}
}

// Each fault is judged by the bytes on the wire, and by whether a card came out.
func TestFaultsOnTheWire(t *testing.T) {
	with := func(parts ...[]byte) []byte { return slices.Concat(parts...) }
	ack, nak := []byte{0x06}, []byte{0x15}
	type outcome struct {
		name  string
		fault Fault
		want  func(speech) []byte
		cards int
	}
	fixed := func(b []byte) func(speech) []byte { return func(speech) []byte { return b } }
	behindAck := func(f func(speech) []byte) func(speech) []byte {
		return func(sp speech) []byte {
			if b := f(sp); b != nil {
				return with(ack, b)
			}
			return nil
		}
	}
	done := func(sp speech) []byte { return sp.done }
	less := func(n func(speech) int) func(speech) []byte {
		return behindAck(func(sp speech) []byte { return sp.done[:len(sp.done)-n(sp)] })
	}
	for _, tt := range []outcome{
		{"none", Fault{}, behindAck(done), 1},
		{"ACK delayed", Fault{AckDelay: 10 * time.Millisecond}, behindAck(done), 1},
		{"ACK dropped", Fault{DropAck: true}, done, 1},
		{"ACK twice", Fault{DoubleAck: true}, func(sp speech) []byte { return with(ack, ack, sp.done) }, 1},
		{"NAK then ACK", Fault{NakThenAck: true}, func(sp speech) []byte { return with(nak, ack, sp.done) }, 1},
		{"wrong check", Fault{BadLRC: true}, behindAck(wrongCheck), 1},
		{"wildcard check byte", Fault{WildcardLRC: true}, behindAck(func(sp speech) []byte { return sp.wildcard }), 1},
		{"no trailing separator", Fault{NoTrailingSep: true}, behindAck(func(sp speech) []byte { return sp.noSep }), 1},
		{"no ETX", Fault{Truncate: NoETX}, less(func(sp speech) int { return sp.checks + 1 }), 1},
		{"no check", Fault{Truncate: NoCheck}, less(func(sp speech) int { return sp.checks }), 1},
		{"last byte missing", Fault{Truncate: HalfCheck}, less(func(speech) int { return 1 }), 1},
		{"coalesced", Fault{Coalesce: true}, behindAck(done), 1},
		{"dribble", Fault{Dribble: time.Millisecond}, behindAck(done), 1},
		{"result dropped", Fault{Drop: true}, fixed(ack), 1},
		{"duplicate", Fault{Duplicate: true}, func(sp speech) []byte { return with(ack, sp.done, sp.done) }, 1},
		{"late", Fault{Late: 20 * time.Millisecond}, behindAck(done), 1},
		{"other encoder", Fault{OtherEncoder: "2"}, behindAck(func(sp speech) []byte { return sp.ofEncoder2 }), 1},
		{"other command", Fault{OtherCommand: "CC"}, behindAck(func(sp speech) []byte { return sp.ofOther }), 1},
		{"spurious bytes", Fault{Spurious: []byte{0x00, 0x06}, Trailing: []byte{0xFF}},
			func(sp speech) []byte { return with(ack, []byte{0x00, 0x06}, sp.done, []byte{0xFF}) }, 1},
		{"code", Fault{Code: "?"}, behindAck(func(sp speech) []byte { return sp.noCard }), 0},
		{"code and card", Fault{Code: "?", CodeAfterWork: true}, behindAck(func(sp speech) []byte { return sp.noCard }), 1},
		{"silent", Fault{Silent: true}, fixed([]byte{}), 0},
		{"crash before the work", Fault{Crash: CrashBeforeWork}, fixed(ack), 0},
		{"crash after the work", Fault{Crash: CrashAfterWork}, fixed(ack), 1},
		{"for another command", Fault{Command: "CO", Silent: true}, behindAck(done), 1},
		{"for this command", Fault{Command: "?", Silent: true}, fixed([]byte{}), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			everyFamily(t, nil, func(t *testing.T, sp speech, s *System, c *client, p *Port) {
				want, fault := tt.want(sp), tt.fault
				if want == nil {
					return // nothing of the kind in this family
				}
				if fault.Code != "" {
					fault.Code = sp.code
				}
				if fault.Command == "?" {
					fault.Command = sp.command
				}
				if sp.family == VingCard && fault.OtherEncoder != "" {
					fault.OtherEncoder = "02"
				}
				s.Next(fault)
				c.quiet()
				c.Send(sp.cut)
				c.Want(want)
				if err := s.Wait(t.Context(), func() bool { return !p.now().busy && !p.now().down }); err != nil {
					t.Fatal(err)
				}
				// A second request is served as if nothing had been.
				c.quiet()
				if got := len(s.Cuts("101")); got != tt.cards {
					t.Errorf("%d cards, want %d", got, tt.cards)
				}
				c.Send(sp.read)
				c.Want(with(ack, sp.blank))
			})
		})
	}
}

func wrongCheck(sp speech) []byte {
	bad := slices.Clone(sp.done)
	if sp.checks == 1 {
		bad[len(bad)-1] ^= 0xFF
		return bad
	}
	var x byte
	for _, b := range bad[1 : len(bad)-2] {
		x ^= b
	}
	return fmt.Appendf(bad[:len(bad)-2], "%02X", x^0xFF)
}

func TestTheFamilyOfAPort(t *testing.T) {
	s := start(t, quick(nil))
	if _, err := s.ListenTCP("127.0.0.1:0", PortOptions{Family: "saflok"}); err == nil {
		t.Error("a family that nobody speaks was taken")
	}
	// One house behind three lines: a key of each family ends that before.
	var before string
	for _, sp := range speeches() {
		c, _ := overTCP(t, s, PortOptions{Family: sp.family})
		c.quiet()
		c.Send(sp.cut)
		c.Want(append([]byte{0x06}, sp.done...))
		cuts := s.Cuts("101")
		now := cuts[len(cuts)-1].UID
		if !s.OpensDoor(now, "101", noon) || before != "" && s.OpensDoor(before, "101", noon) {
			t.Errorf("%s: the new key opens %v, the one before %v", sp.family, s.OpensDoor(now, "101", noon), s.OpensDoor(before, "101", noon))
		}
		before = now
	}
}

func TestSplitAtEveryBoundaryInEveryFamily(t *testing.T) {
	for _, sp := range speeches() {
		t.Run(string(sp.family), func(t *testing.T) {
			s := start(t, quick(func(c *Config) { c.VingCard.MaxCards = 99 }))
			c, _ := overTCP(t, s, PortOptions{Family: sp.family})
			for at := 1; at < len(sp.cut); at++ {
				// The request in two pieces, and the result in two others.
				s.Next(Fault{SplitAt: at % len(sp.done), SplitPause: 1})
				c.quiet()
				c.Send(sp.cut[:at])
				c.Send(sp.cut[at:])
				c.Want(append([]byte{0x06}, sp.done...))
			}
			if got := len(s.Cuts("101")); got != len(sp.cut)-1 {
				t.Errorf("%d cards", got)
			}
		})
	}
}
