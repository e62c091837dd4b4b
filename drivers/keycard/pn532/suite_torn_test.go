package pn532

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/pn532sim"
)

// tearing is a card that is taken off in the middle: how it began, and what was
// asked for.
type tearing struct {
	name   string
	card   func(kind pn532sim.Kind) *pn532sim.Card
	before uint32 // what it opened with
	wanted uint32 // 0: it was to be erased
}

// uidOf is the number of the torn cards of a kind.
func uidOf(kind pn532sim.Kind) []byte {
	if kind == pn532sim.NTAG213 {
		return ntagUID
	}
	return classicUID
}

func tearings() []tearing {
	old := Credential{Kind: Guest, Rooms: []string{"101", "sauna"}, Until: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), Generation: 3}
	blank := func(kind pn532sim.Kind) *pn532sim.Card { return pn532sim.NewCard(kind, uidOf(kind), pn532sim.Traits{}) }
	sold := func(kind pn532sim.Kind) *pn532sim.Card {
		if kind != pn532sim.NTAG213 {
			return blank(kind)
		}
		return with(kind, uidOf(kind), 0x01, 0x03, 0xA0, 0x0C, 0x34, 0x03, 0x00, 0xFE)
	}
	ours := func(kind pn532sim.Kind) *pn532sim.Card { return holding(kind, uidOf(kind), "seaview", old) }
	return []tearing{{"blank", blank, 0, 9}, {"as it is sold", sold, 0, 9}, {"made anew", ours, 3, 9}, {"erased", ours, 3, 0}}
}

// Wherever a card is taken off, at each write, before, in the middle and behind
// it: what is said of the card is true, and it can be written again.
func TestSuiteTornCards(t *testing.T) {
	t.Parallel()
	// On one bus each byte at which a write can be torn, on the others some.
	onBuses(t, func(s *station) {
		switch s.bus {
		case "SPI+IRQ":
			s.tear(1, 2, 3, 8)
		case "HSU":
			s.tear(2)
		default:
			s.tear(0)
		}
	})
}

// tear tears cards after so many bytes of a write; 0 stands for the moment
// behind the write.
func (s *station) tear(bytes ...int) {
	kinds := []pn532sim.Kind{pn532sim.NTAG213, pn532sim.Classic1K}
	switch s.bus { // the others share them
	case "HSU", "I2C":
		kinds = kinds[1:]
	case "SPI", "I2C+IRQ":
		kinds = kinds[:1]
	}
	for _, kind := range kinds {
		unit := 4
		if kind == pn532sim.Classic1K {
			unit = 16
		}
		for _, how := range tearings() {
			if len(bytes) == 1 && (how.name == "as it is sold" || how.name == "blank" && s.bus != "HSU") {
				continue
			}
			whole := how.card(kind)
			s.lay(whole)
			if err := s.carryOut(how); err != nil {
				s.t.Errorf("%s, %s: not torn, and %v", kind, how.name, err)
			}
			s.expect(whole, how.wanted, how.name)
			last := len(whole.Writes())
			for n := range last + 1 {
				// In the middle, one write is like the next.
				if middle := n > 1 && n < last-2; middle && (n != last/2 || len(bytes) > 1) {
					continue
				}
				for _, torn := range bytes {
					if torn >= unit || torn == 0 && n == 0 || torn > 0 && n == last {
						continue
					}
					s.tearOne(how, how.card(kind), n, torn)
				}
			}
		}
	}
}

func (s *station) carryOut(how tearing) (err error) {
	if how.wanted == 0 {
		_, err = s.reader.Erase(s.t.Context(), s.how())
		return err
	}
	return s.encode(roomKey(how.wanted, "101"))
}

func (s *station) tearOne(how tearing, card *pn532sim.Card, n, torn int) {
	s.t.Helper()
	when := fmt.Sprintf("%s, torn after %d writes and %d bytes", how.name, n, torn)
	s.lay()
	s.chip.Operator(pn532sim.Visit{Cards: []*pn532sim.Card{card}, Writes: n, Torn: torn})
	err := s.carryOut(how)
	s.judge(card, err, how.before, how.wanted, 0, when)
	f, ok := errors.AsType[*Failure](err)
	if !ok || f.Reason != CardRemoved {
		s.t.Errorf("%s, %s: %v", card, when, err)
	}
	before := generation(card)
	s.lay(card)
	if how.wanted == 0 {
		how.wanted = 9
	}
	err = s.encode(roomKey(how.wanted, "101"))
	if err != nil {
		s.t.Errorf("%s, %s: cannot be written again: %v", card, when, err)
	}
	s.judge(card, err, before, how.wanted, n, when+", written again")
}

// The messages of a card that is taken off: nothing written, some, all.
func TestSuiteTornWords(t *testing.T) {
	t.Parallel()
	const removed = "the card was taken away too early: hold it until the beep"
	onBuses(t, func(s *station) {
		for _, tc := range []struct {
			visit pn532sim.Visit
			kind  error
			want  string
		}{
			{pn532sim.Visit{Exchanges: 3}, drivers.ErrRefused, "refused: " + removed},
			{pn532sim.Visit{Torn: 1}, drivers.ErrRefused, "refused: " + removed + "; what the card held before may still be valid"},
			{pn532sim.Visit{Writes: 5}, drivers.ErrRefused, "refused: " + removed + "; the card opens nothing now and can be written again"},
			{pn532sim.Visit{Writes: 25}, drivers.ErrUnknown, "outcome unknown: " + removed + "; read the card to see whether it was made"},
		} {
			card := numbered(pn532sim.NTAG213, 1, pn532sim.Traits{})
			tc.visit.Cards = []*pn532sim.Card{card}
			s.lay()
			s.chip.Operator(tc.visit)
			err := s.encode(roomKey(9, "101"))
			if !errors.Is(err, tc.kind) || err.Error() != tc.want {
				s.t.Errorf("%+v: %v\nwant %s", tc.visit, err, tc.want)
			}
			s.judge(card, err, 0, 9, 0, "taken off")
		}
	})
}

// Another card comes in the place of the one that is written.
func TestSuiteExchangedCards(t *testing.T) {
	t.Parallel()
	onBuses(t, func(s *station) {
		for _, n := range []int{1, 2, 12, 24, 25} {
			card, other := numbered(pn532sim.NTAG213, 1, pn532sim.Traits{}), numbered(pn532sim.NTAG213, 2, pn532sim.Traits{})
			s.lay()
			s.chip.Operator(pn532sim.Visit{Cards: []*pn532sim.Card{card}, Writes: n, Then: []*pn532sim.Card{other}})
			err := s.encode(roomKey(9, "101"))
			when := fmt.Sprintf("exchanged after %d writes", n)
			s.judge(card, err, 0, 9, 0, when)
			if f, ok := errors.AsType[*Failure](err); !ok || f.Reason != CardRemoved ||
				f.Hint[:len(hintOther)] != hintOther || len(other.Writes()) > 0 {
				s.t.Errorf("%s: %v; the other card was written %d times", when, err, len(other.Writes()))
			}
		}
	})
}

const hintOther = "another card lies on the encoder than before: use one card and hold it until the beep"

// Cards that are worn out, at the first, a middle and the last place.
func TestSuiteWornCards(t *testing.T) {
	t.Parallel()
	onBuses(t, func(s *station) {
		for _, kind := range []pn532sim.Kind{pn532sim.NTAG213, pn532sim.Classic1K} {
			units := []int{4, 10, 27}
			if kind == pn532sim.Classic1K {
				units = []int{4, 8, 10}
			}
			for i, unit := range units {
				place := fmt.Sprintf("page %d", unit)
				if kind == pn532sim.Classic1K {
					place = fmt.Sprintf("block %d (sector %d)", unit, unit/4)
				}
				end := "; the card opens nothing now and can be written again"
				if i == 0 {
					end = "; what the card held before may still be valid"
				}
				for _, worn := range []struct {
					traits pn532sim.Traits
					want   string
				}{
					{pn532sim.Traits{Stale: []int{unit}}, "refused: the card does not keep what is written to " + place + ": take another" + end},
					{pn532sim.Traits{Protected: []int{unit}}, "refused: the card does not take " + place + ": it is write-protected or worn out, take another" + end},
					{pn532sim.Traits{Dead: []int{unit}}, "refused: the card does not let %s be read: it is protected or damaged, take another"},
				} {
					card := pn532sim.NewCard(kind, uidOf(kind), worn.traits)
					s.lay(card)
					err := s.encode(roomKey(9, "101"))
					want, dead := worn.want, len(worn.traits.Dead) > 0
					early := i == 0 || kind == pn532sim.Classic1K // found before anything was written
					switch {
					case dead && early:
						want = fmt.Sprintf(want, place)
					case dead: // four pages are read at a time
						want = fmt.Sprintf(want, fmt.Sprint("page ", unit-3)) + end
					}
					refusal(s.t, err, CardDamaged, want)
					s.judge(card, err, 0, 9, 0, place)
					if dead && early && len(card.Writes()) > 0 {
						s.t.Errorf("%s was written", card)
					}
				}
			}
		}
	})
}

// A card that keeps what it is written only as long as it has power: each unit
// is read back well, and the last look finds it.
func TestSuiteForgetfulCard(t *testing.T) {
	t.Parallel()
	onBuses(t, func(s *station) {
		card := numbered(pn532sim.NTAG213, 1, pn532sim.Traits{})
		s.lay(card)
		last := s.chip.HoldAfterAck([]byte{cmdInDataExchange, 1, cardWritePage, 27})
		go func() {
			<-last.Reached
			off := s.chip.HoldAfterAck([]byte{cmdRFConfiguration, 1, 0})
			last.Release()
			<-off.Reached
			dump := card.Dump()
			dump[4*12]++
			s.must(card.Load(dump))
			off.Release()
		}()
		err := s.encode(roomKey(9, "101"))
		want := "outcome unknown: page 12 does not hold what was written: take another card; read the card to see whether it was made"
		if !errors.Is(err, drivers.ErrUnknown) || err.Error() != want {
			s.t.Errorf("got  %v\nwant %s", err, want)
		}
		s.expect(card, 0, "forgetful")
	})
}
