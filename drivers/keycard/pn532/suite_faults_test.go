package pn532

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/pn532sim"

	"github.com/google/go-cmp/cmp"
)

// suiteFaults are all that the simulated chip can do wrong with one command. Each
// alone is got over, whichever command it hits.
func suiteFaults() []pn532sim.Fault {
	ack := ackFrame[:]
	return []pn532sim.Fault{
		{Silent: true}, {AckDelay: 30 * time.Millisecond}, {AckDelay: 300 * time.Millisecond}, {DropAck: true}, {TwoAcks: true},
		{BadAck: true}, {AckLast: true}, {Before: ack}, {Before: []byte{0x00, 0xFF, 0x55, 0x00}}, {Before: nackFrame[:]},
		{ErrorFrame: true},
		{Reset: pn532sim.BeforeWork}, {Reset: pn532sim.AfterWork}, {Stuck: pn532sim.BeforeWork}, {Stuck: pn532sim.AfterWork},
		{BadLCS: true}, {BadDCS: true}, {Corrupt: 1, Mask: 0x80}, {Corrupt: 3}, {Corrupt: 4, Mask: 0x04}, {Corrupt: 6}, {Corrupt: 8, Mask: 0x10},
		{WrongTFI: true}, {OtherCommand: 0x03}, {OtherCommand: 0x15}, {Extended: true}, {Preamble: 1}, {Preamble: 7},
		{Cut: 1}, {Cut: 5}, {Cut: 8}, {Drop: true}, {Dup: true}, {Late: 50 * time.Millisecond}, {Late: 3 * time.Second},
		{Late: 3 * time.Second, LateIdle: true}, {DuringNext: true}, {SplitAt: 1}, {SplitAt: 6, SplitPause: 30 * time.Millisecond},
		{Dribble: 2 * time.Millisecond}, {Coalesce: true}, {Spurious: []byte{0x00, 0x00, 0xFF}}, {Spurious: ack}, {Spurious: []byte{0xAA, 0x55}},
	}
}

// suitePlaces are the commands that a fault hits: the search, the first read, the
// first write, one in the middle, the last, the last read of all, the field.
func suitePlaces() []pn532sim.Fault {
	exchange := func(skip int, command ...byte) pn532sim.Fault {
		return pn532sim.Fault{Match: append([]byte{cmdInDataExchange, 1}, command...), Skip: skip}
	}
	return []pn532sim.Fault{
		{Match: []byte{cmdInListPassiveTarget}}, exchange(0, cardRead), exchange(0, cardWritePage, 4), exchange(0, cardWritePage, 12),
		exchange(1, cardWritePage, 4), exchange(1, cardRead, 24), {Match: []byte{cmdRFConfiguration, 1, 0}, Skip: 1},
	}
}

// One fault at one command: the card is made, or what is said of it is true.
func TestSuiteOneFault(t *testing.T) {
	t.Parallel()
	do := func(s *station) {
		made := map[bool]int{}
		for i, fault := range suiteFaults() {
			for j, place := range suitePlaces() {
				// Each bus sees each fault, and each fault most places, on one bus or another.
				if j != (i+slices.Index(suiteBuses, s.bus))%len(suitePlaces()) || s.bus == "HSU" && i%4 != int(s.seed)%4 {
					continue
				}
				fault.Match, fault.Skip = place.Match, place.Skip
				card := numbered(pn532sim.NTAG213, byte(i*8+j), pn532sim.Traits{})
				s.lay(card)
				s.chip.Next(fault)
				err := s.encode(roomKey(9, "101"))
				when := fmt.Sprintf("%s at % X", fault, fault.Match)
				s.judge(card, err, 0, 9, 0, when)
				if n := s.chip.PendingFaults(); n > 0 {
					s.t.Errorf("%s has not happened", when)
					s.chip.ClearFaults()
				}
				made[err == nil]++
				if err != nil && !fault.ErrorFrame {
					s.t.Errorf("%s: %v", when, err)
				}
			}
		}
		s.t.Logf("%s: %d made, %d not", s.bus, made[true], made[false])
	}
	// On a pseudo-terminal most of the time is spent waiting: so four at once.
	onSome(t, suiteBuses[:1], do, 1, 2, 3, 4)
	onSome(t, suiteBuses[1:], do, 1)
}

// A status at a command that a card is written with: tried again as often as its
// class says, or given to a person in words.
func TestSuiteStatuses(t *testing.T) {
	t.Parallel()
	onBuses(t, func(s *station) {
		for status := byte(1); status < 0x40; status++ {
			info := statusError(status).info()
			if info.name == "not in the manual" && status%16 != 15 {
				continue // one is like the other
			}
			for _, work := range []bool{false, true} {
				if work != (int(status)%2 == slices.Index(suiteBuses, s.bus)%2) {
					continue // half of them each
				}
				card := numbered(pn532sim.NTAG213, status, pn532sim.Traits{})
				s.lay(card)
				s.chip.Next(pn532sim.Fault{Match: []byte{cmdInDataExchange, 1, cardWritePage, 12}, Status: status, StatusAfterWork: work})
				err := s.encode(roomKey(9, "101"))
				when := fmt.Sprintf("status %02X", status)
				s.judge(card, err, 0, 9, 0, when)
				if (err == nil) != (info.tries > 0) {
					s.t.Errorf("%s, tried %d times: %v", when, info.tries, err)
				}
				if f, ok := errors.AsType[*Failure](err); err != nil && (!ok || !f.Spoilt || f.Code != fmt.Sprintf("%02X", status) || f.Hint != info.hint) {
					s.t.Errorf("%s: %v", when, err)
				}
			}
		}
	})
}

// A chip that hangs is brought back by its reset line, from the mildest rung on.
func TestSuiteStuckChip(t *testing.T) {
	t.Parallel()
	onBuses(t, func(s *station) {
		s.impatient()
		card := numbered(pn532sim.NTAG213, 1, pn532sim.Traits{})
		s.lay(card)
		s.chip.Next(pn532sim.Fault{Match: []byte{cmdInDataExchange, 1, cardWritePage, 10}, Stuck: pn532sim.AfterWork})
		opens := s.opens
		if err := s.encode(roomKey(9, "101")); err != nil {
			s.t.Error(err)
		}
		if diff := cmp.Diff([]string{"release", "field", "wake-up", "reset line"}, s.rungs); diff != "" || s.opens != opens {
			s.t.Errorf("opened %d times\n%s", s.opens-opens, diff)
		}
		s.expect(card, 9, "after the reset")
		// Without anything that helps, it is said, and the state says so too.
		s.chip.Stick()
		s.reader.link.(interface{ cutReset() }).cutReset()
		next := numbered(pn532sim.NTAG213, 2, pn532sim.Traits{})
		s.chip.Take()
		s.chip.Present(next)
		err := s.encode(roomKey(9, "101"))
		want := s.reader.String() + ": the NFC module does not answer: check its power, its wiring and that its switches are set to this bus"
		if s.bus == "I2C" || s.bus == "I2C+IRQ" {
			want = s.reader.String() + ": I2C: address 24h: I2C1: address 0x24: no acknowledge"
		}
		if down, ok := errors.AsType[*drivers.LinkDown](err); !ok || down.Error() != want || len(next.Writes()) > 0 {
			s.t.Errorf("got  %v\nwant %s", err, want)
		}
		if st := s.reader.State(); st.Condition != drivers.Offline || st.Reason != want {
			s.t.Errorf("state %+v", st)
		}
		s.chip.PowerCycle()
		if err := s.encode(roomKey(9, "101")); err != nil || s.reader.State().Condition != drivers.Online {
			s.t.Errorf("after its power was cut: %v, %+v", err, s.reader.State())
		}
		s.expect(next, 9, "after its power was cut")
	})
}

// impatient is for a chip on a pseudo-terminal that will not answer at all.
func (s *station) impatient() {
	if s.bus == "HSU" {
		s.reader.chip.limits.ack = 30 * time.Millisecond
	}
}

// cutReset takes the reset line off.
func (h *hsu) cutReset()     { h.lines.Reset = nil }
func (s *spiLink) cutReset() { s.lines.Reset = nil }
func (l *i2cLink) cutReset() { l.lines.Reset = nil }

// A chip that is stuck while a card is half written: what is said is true, and
// the encoder is known to be down.
func TestSuiteDownInTheMiddle(t *testing.T) {
	t.Parallel()
	onBuses(t, func(s *station) {
		s.impatient()
		for _, place := range [][2]int{{4, 0}, {12, 0}, {4, 1}} {
			card := numbered(pn532sim.NTAG213, byte(place[0]+place[1]), pn532sim.Traits{})
			s.lay(card)
			s.reader.link.(interface{ cutReset() }).cutReset()
			s.chip.Next(pn532sim.Fault{Match: []byte{cmdInDataExchange, 1, cardWritePage, byte(place[0])}, Skip: place[1], Stuck: pn532sim.AfterWork})
			err := s.encode(roomKey(9, "101"))
			s.judge(card, err, 0, 9, 0, fmt.Sprint("stuck at page ", place))
			f, ok := errors.AsType[*Failure](err)
			if !ok || f.Reason != LinkLost || f.Doubtful != (place == [2]int{4, 0}) || f.Spoilt != (place[0] == 12) || errors.Is(err, drivers.ErrUnknown) != (place[1] == 1) {
				s.t.Errorf("stuck at page %v: %v", place, err)
			}
			if st := s.reader.State(); st.Condition != drivers.Offline || !strings.HasPrefix(st.Reason, s.reader.String()) {
				s.t.Errorf("state %+v", st)
			}
			s.chip.PowerCycle()
			if _, err := s.reader.Probe(s.t.Context()); err != nil {
				s.t.Error(err)
			}
		}
	})
}

// Everything at once, drawn from fixed seeds.
func TestSuiteChances(t *testing.T) {
	t.Parallel()
	onSome(t, suiteBuses, func(s *station) {
		for _, fault := range suiteFaults() {
			if !fault.ErrorFrame {
				s.chip.Chance(0.001, fault)
			}
		}
		s.line.SetCorruption(0.0003, 0.0003)
		oks, cards := 0, 6
		if s.bus == "HSU" {
			s.impatient()
			cards = 4
		}
		for i := range cards {
			card := numbered([]pn532sim.Kind{pn532sim.NTAG213, pn532sim.Classic1K}[i%2], byte(i), pn532sim.Traits{})
			s.chip.Take()
			s.chip.Present(card)
			err := s.encode(roomKey(9, "101"))
			s.judge(card, err, 0, 9, 0, fmt.Sprint("chance ", i))
			if err == nil {
				oks++
			} else {
				s.t.Log(err)
			}
		}
		if oks < cards/2 {
			s.t.Errorf("only %d of %d cards were made", oks, cards)
		}
		s.line.SetCorruption(0, 0)
		s.chip.ClearFaults()
	}, 1, 2, 3)
}
