package pn532sim

import (
	"bytes"
	"slices"
	"testing"
	"time"
)

// Each fault as the host sees it: what comes instead of ACK and response to the
// firmware command, byte for byte.
func TestFaults(t *testing.T) {
	ack, good := ackFrame(), toHost("03 32 01 06 07")
	changed := func(at int, mask byte) []byte {
		b := bytes.Clone(good)
		b[at] ^= mask
		return b
	}
	for _, tt := range []struct {
		name  string
		fault Fault
		want  []byte
	}{
		{"silent", Fault{Silent: true}, nil},
		{"no ACK", Fault{DropAck: true}, good},
		{"two ACKs", Fault{TwoAcks: true}, slices.Concat(ack, ack, good)},
		{"damaged ACK", Fault{BadAck: true}, slices.Concat(unhex("00 00 FF 00 EF 00"), good)},
		{"late ACK", Fault{AckDelay: time.Millisecond}, slices.Concat(ack, good)},
		{"ACK behind the response", Fault{AckLast: true}, slices.Concat(good, ack)},
		{"an ACK that nobody asked for", Fault{Before: ackFrame()}, slices.Concat(ack, ack, good)},
		{"error frame", Fault{ErrorFrame: true}, slices.Concat(ack, errorFrame())},
		{"wrong LCS", Fault{BadLCS: true}, slices.Concat(ack, changed(4, 0x55))},
		{"wrong DCS", Fault{BadDCS: true}, slices.Concat(ack, changed(len(good)-2, 0x55))},
		{"one bit", Fault{Corrupt: 8}, slices.Concat(ack, changed(7, 0x01))},
		{"several bits", Fault{Corrupt: 8, Mask: 0x81}, slices.Concat(ack, changed(7, 0x81))},
		{"wrong direction", Fault{WrongTFI: true}, slices.Concat(ack, byHand(0xD4, "03 32 01 06 07"))},
		{"another response", Fault{OtherCommand: 0x15}, slices.Concat(ack, toHost("15 32 01 06 07"))},
		{"extended frame", Fault{Extended: true}, slices.Concat(ack, unhex("00 00 FF FF FF 00 06 FA D5 03 32 01 06 07 E8 00"))},
		{"long preamble", Fault{Preamble: 3}, slices.Concat(ack, make([]byte, 3), good)},
		{"cut off", Fault{Cut: 7}, slices.Concat(ack, good[:7])},
		{"lost response", Fault{Drop: true}, ack},
		{"response twice", Fault{Dup: true}, slices.Concat(ack, good, good)},
		{"late response", Fault{Late: time.Millisecond}, slices.Concat(ack, good)},
		{"in two pieces", Fault{SplitAt: 6, SplitPause: 1}, slices.Concat(ack, good)},
		{"byte by byte", Fault{Dribble: 1}, slices.Concat(ack, good)},
		{"in one piece", Fault{Coalesce: true}, slices.Concat(ack, good)},
		{"spurious bytes", Fault{Spurious: []byte{0x80, 0x00}}, slices.Concat(ack, []byte{0x80, 0x00}, good)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := start(t, quick(nil))
			h, _ := overTCP(t, c)
			c.Next(tt.fault)
			h.Send(toChip("02"))
			h.Want(tt.want)
			if tt.fault.Silent || tt.fault.Drop { // nothing shows that it is over
				eventually(t, c, "taken", func() bool { return c.PendingFaults() == 0 && !c.busy() })
			}
			h.quiet()
		})
	}
}

// busy says whether a command is at work.
func (c *Chip) busy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.core.job != nil
}

func TestResponseDuringTheNext(t *testing.T) {
	c := start(t, quick(nil))
	h, _ := overTCP(t, c)
	c.Next(Fault{Match: []byte{0x14}, DuringNext: true})
	h.Send(toChip("14 01"))
	h.Want(ackFrame())
	eventually(t, c, "idle", func() bool { return !c.busy() })
	h.Send(toChip("02"))
	h.Want(ackFrame())
	h.Want(toHost("15"))
	h.Want(toHost("03 32 01 06 07"))
	c.Next(Fault{Late: 20 * time.Millisecond, LateIdle: true})
	h.Send(toChip("14 01"))
	h.Want(ackFrame())
	h.Want(toHost("15"))
}

func TestFaultsFitTheirCommand(t *testing.T) {
	c := start(t, quick(nil))
	h, _ := overTCP(t, c)
	card := NewCard(NTAG213, uid7(), Traits{})
	c.Present(card)
	c.Next(Fault{Match: []byte{0x40, 0x01, 0xA2}, Skip: 1, Status: 0x02}, Fault{Match: []byte{0x40, 0x01, 0xA2}, Skip: 1, Status: 0x2B})
	list := func() { ask(h, "4A 01 00", "4B 01 01 00 44 00 07 04 A2 B3 C4 D5 E6 80") }
	list()
	ask(h, "40 01 A2 04 01 01 01 01", "41 00")
	ask(h, "40 01 A2 05 02 02 02 02", "41 02") // not written, and the card has dropped out
	ask(h, "40 01 A2 06 03 03 03 03", "41 2B")
	list() // an active card takes the first try as an offence
	ask(h, "40 01 A2 07 04 04 04 04", "41 00")
	if c.PendingFaults() != 0 {
		t.Error("faults are left")
	}
	if got := card.Dump()[16:32]; !bytes.Equal(got, unhex("01 01 01 01 00 00 00 00 00 00 00 00 04 04 04 04")) {
		t.Errorf("% X", got)
	}
	// A status after the work: done all the same.
	list()
	c.Next(Fault{Match: []byte{0x40, 0x01, 0xA2, 0x08}, Status: 0x01, StatusAfterWork: true})
	ask(h, "40 01 A2 08 05 05 05 05", "41 01")
	if card.Dump()[32] != 0x05 {
		t.Error("it was to be written")
	}
	// Every command, also of those without a status, can end in the error frame.
	for _, command := range []string{"00 00 41", "02", "04", "06 63 02", "08 63 02 80", "0C", "0E 80 80", "12 14", "14 01", "32 01 01", "4A 01 00", "40 01 30 04", "42 30 04", "44 00", "52 00", "54 01"} {
		c.Next(Fault{ErrorFrame: true})
		h.Send(toChip(command))
		h.Want(append(ackFrame(), errorFrame()...))
	}
}

func TestChances(t *testing.T) {
	lost := func(seed uint64) (out []bool) {
		c := start(t, quick(func(cfg *Config) { cfg.Seed = seed }))
		h, _ := overTCP(t, c)
		c.Chance(0.3, Fault{DropAck: true})
		for range 100 {
			h.Send(toChip("02"))
			first := h.Read(5)
			out = append(out, first[3] != 0)
			if first[3] == 0 {
				h.Read(1)
				h.Want(toHost("03 32 01 06 07"))
			} else {
				h.Read(len(toHost("03 32 01 06 07")) - 5)
			}
		}
		c.ClearFaults()
		h.quiet()
		return out
	}
	first, again, other := lost(7), lost(7), lost(8)
	if !slices.Equal(first, again) || slices.Equal(first, other) {
		t.Error("the seed is to decide")
	}
	n := 0
	for _, l := range first {
		if l {
			n++
		}
	}
	if n < 10 || n > 60 {
		t.Errorf("%d of 100 lost at a rate of 0.3", n)
	}
}

func TestResetInMidExchange(t *testing.T) {
	for _, tt := range []struct {
		name    string
		when    Moment
		written bool
	}{{"before the work", BeforeWork, false}, {"after the work", AfterWork, true}} {
		t.Run(tt.name, func(t *testing.T) {
			c := start(t, quick(nil))
			h, _ := overTCP(t, c)
			card := NewCard(NTAG213, uid7(), Traits{})
			c.Present(card)
			ask(h, "4A 01 00", "4B 01 01 00 44 00 07 04 A2 B3 C4 D5 E6 80")
			c.Next(Fault{Reset: tt.when})
			h.Send(toChip("40 01 A2 04 01 02 03 04"))
			h.Want(ackFrame())
			eventually(t, c, "reset", func() bool { return !c.Awake() })
			if got := card.Dump()[16] == 0x01; got != tt.written {
				t.Errorf("written: %v", got)
			}
			h.Send(toChip("02")) // nobody hears it
			eventually(t, c, "blame", func() bool { return len(c.Violations()) == 1 })
			h.Send(append([]byte{0x55, 0x55}, make([]byte, 14)...))
			ask(h, "14 01", "15")
			ask(h, "40 01 30 04", "41 27")
			if r := rules(c); len(r) != 2 || r[0] != RuleWakeUp || r[1] != RuleTarget {
				t.Errorf("%v", c.Violations())
			}
		})
	}
}

func TestStuckUntilPowerIsCut(t *testing.T) {
	c := start(t, quick(nil))
	h, p := overPTY(t, c, PortOptions{Powered: true})
	c.Next(Fault{Stuck: AfterWork})
	h.Send(toChip("02"))
	h.Want(ackFrame())
	eventually(t, c, "stuck", func() bool { return !c.Awake() })
	before, more := heard(c), append(append([]byte{0x55, 0x55}, make([]byte, 14)...), toChip("14 01")...)
	h.Send(more)
	eventually(t, c, "heard", func() bool { return heard(c) == before+len(more) })
	if err := p.Unplug(); err != nil {
		t.Fatal(err)
	}
	if err := p.Plug(); err != nil {
		t.Fatal(err)
	}
	h = openTTY(t, p)
	h.Send(append([]byte{0x55, 0x55}, make([]byte, 14)...))
	ask(h, "14 01", "15")
}

// What a host must not do is written down, and has the consequence that the
// manual says.
func TestViolations(t *testing.T) {
	for _, tt := range []struct {
		name string
		rule Rule
		play func(t *testing.T, c *Chip, h *client)
	}{
		{"wrong DCS", RuleChecksum, func(t *testing.T, c *Chip, h *client) { h.Send(unhex("00 00 FF 02 FE D4 02 2B 00")) }},
		{"wrong LCS", RuleChecksum, func(t *testing.T, c *Chip, h *client) { h.Send(unhex("00 00 FF 02 FD D4 02 2A 00")) }},
		{"too long", RuleLength, func(t *testing.T, c *Chip, h *client) { h.Send(unhex("00 00 FF FF FF 01 0A F5")) }},
		{"busy", RuleBusy, func(t *testing.T, c *Chip, h *client) {
			h.Send(toChip("4A 01 00"))
			h.Want(ackFrame())
		}},
		{"before ACK", RuleEarly, func(t *testing.T, c *Chip, h *client) {
			c.Next(Fault{AckDelay: time.Hour})
			h.Send(toChip("4A 01 00"))
			eventually(t, c, "taken", c.busy)
		}},
		{"direction", RuleDirection, func(t *testing.T, c *Chip, h *client) {
			h.Send(byHand(0xD5, "02"))
			h.Want(append(ackFrame(), errorFrame()...))
		}},
		{"unknown command", RuleSyntax, func(t *testing.T, c *Chip, h *client) {
			h.Send(toChip("8C 00"))
			h.Want(append(ackFrame(), errorFrame()...))
		}},
		{"seven bytes of UID", RuleSyntax, func(t *testing.T, c *Chip, h *client) {
			h.Send(toChip("40 01 60 04" + factoryA + "04 A2 B3 C4 D5 E6 80"))
			h.Want(append(ackFrame(), errorFrame()...))
		}},
		{"no such target", RuleTarget, func(t *testing.T, c *Chip, h *client) { ask(h, "40 01 30 04", "41 27") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := start(t, quick(nil))
			h, _ := overTCP(t, c)
			tt.play(t, c, h)
			h.quiet()
			if r := rules(c); len(r) == 0 || r[0] != tt.rule {
				t.Errorf("%v", c.Violations())
			}
			if lines := c.Transcript(); len(lines) == 0 || lines[0].String() == "" {
				t.Error("no transcript")
			}
		})
	}
}

func TestSetUpIsNeeded(t *testing.T) {
	c := start(t, quick(func(cfg *Config) { cfg.Awake = false }))
	c.Present(NewCard(Classic1K, uid4(), Traits{}))
	h, _ := overTCP(t, c)
	h.Send(append([]byte{0x55, 0x55}, make([]byte, 5)...))
	ask(h, "02", "03 32 01 06 07")
	ask(h, "32 05 FF 01 00", "33")
	ask(h, "4A 01 00", "4B 00")
	ask(h, "14 01", "15")
	ask(h, "4A 01 00", "4B 01 01 00 04 08 04 C1 D3 33 EA")
	if r := rules(c); len(r) != 1 || r[0] != RuleSetUp {
		t.Errorf("%v", c.Violations())
	}
}

func TestWakeUpOnHSU(t *testing.T) {
	for _, tt := range []struct {
		name  string
		send  []byte
		heard bool
	}{
		{"as it should be", append(unhex("55 55 00 00 00"), toChip("02")...), true},
		{"none", toChip("02"), false},
		{"too early", append(unhex("55 55 00"), toChip("02")...), false},
		{"half", append(unhex("55 00 00 00 00"), toChip("02")...), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := start(t, quick(func(cfg *Config) { cfg.Awake = false }))
			h, _ := overTCP(t, c)
			h.Send(tt.send)
			if tt.heard {
				h.Want(append(ackFrame(), toHost("03 32 01 06 07")...))
				return
			}
			eventually(t, c, "blame", func() bool { return len(c.Violations()) == 1 })
			h.Send(append([]byte{0x55, 0x55}, make([]byte, 14)...))
			h.quiet()
			if r := rules(c); r[0] != RuleWakeUp || c.Requests() != 1 {
				t.Errorf("%d requests, %v", c.Requests(), c.Violations())
			}
		})
	}
}

func TestHolds(t *testing.T) {
	c := start(t, quick(nil))
	h, _ := overTCP(t, c)
	card := NewCard(NTAG213, uid7(), Traits{})
	c.Present(card)
	ask(h, "4A 01 00", "4B 01 01 00 44 00 07 04 A2 B3 C4 D5 E6 80")
	before, after := c.HoldAfterAck([]byte{0x40, 0x01, 0xA2}), c.HoldBeforeResponse([]byte{0x40, 0x01, 0xA2})
	h.Send(toChip("40 01 A2 04 01 02 03 04"))
	h.Want(ackFrame())
	if got := <-before.Reached; got[3] != 0x04 || card.Dump()[16] != 0x03 {
		t.Errorf("% X, and on the card %02X", got, card.Dump()[16])
	}
	before.Release()
	<-after.Reached
	if card.Dump()[16] != 0x01 {
		t.Error("it was to be written by now")
	}
	after.Release()
	h.Want(toHost("41 00"))
	c.HoldAfterAck(nil).Release()
	// A hold that the host runs away from.
	left := c.HoldAfterAck(nil)
	h.Send(toChip("02"))
	h.Want(ackFrame())
	<-left.Reached
	h.Send(ackFrame())
	h.quiet()
	left.Release()
}

func TestOnAck(t *testing.T) {
	got := make(chan string, 1)
	c := start(t, quick(func(cfg *Config) { cfg.OnAck = func(b []byte) { got <- Command(b) } }))
	h, _ := overTCP(t, c)
	h.quiet()
	if name := <-got; name != "GetFirmwareVersion " {
		t.Errorf("%q", name)
	}
}
