package pn532sim

import (
	"bytes"
	"testing"
	"time"

	"edgeagent/hwsim/line"
)

const (
	listNTAG    = "4B 01 01 00 44 00 07 04 A2 B3 C4 D5 E6 80"
	listClassic = "4B 01 01 00 04 08 04 C1 D3 33 EA"
)

// desked is a chip with a script, which tries once for every listing.
func desked(t *testing.T, visits ...Visit) (*client, *Chip) {
	t.Helper()
	c := start(t, quick(nil))
	h, _ := overTCP(t, c)
	ask(h, "32 05 FF 01 00", "33")
	c.Operator(visits...)
	return h, c
}

// A write that is torn: part of the page is on the card, and the card is gone.
func TestTornWrite(t *testing.T) {
	card := NewCard(NTAG213, uid7(), Traits{})
	h, c := desked(t, Visit{Cards: []*Card{card}, Writes: 2, Torn: 3})
	ask(h, "4A 01 00", listNTAG)
	ask(h, "40 01 A2 04 11 11 11 11", "41 00")
	ask(h, "40 01 A2 05 22 22 22 22", "41 00")
	ask(h, "40 01 A2 06 33 33 33 33", "41 01")
	ask(h, "40 01 30 04", "41 01")
	ask(h, "4A 01 00", "4B 00")
	if got := card.Dump()[16:28]; !bytes.Equal(got, unhex("11 11 11 11 22 22 22 22 33 33 33 00")) {
		t.Errorf("% X", got)
	}
	w := card.Writes()
	if len(w) != 3 || !w[2].Torn || !bytes.Equal(w[2].Wanted, unhex("33 33 33 33")) || !bytes.Equal(w[2].New, unhex("33 33 33 00")) {
		t.Errorf("%+v", w)
	}
	if len(c.Cards()) != 0 || c.PendingVisits() != 0 {
		t.Error("the card still lies there")
	}
	// Presented again by hand, it is a card like any other.
	c.Present(card)
	ask(h, "4A 01 00", listNTAG)
	ask(h, "40 01 A2 06 33 33 33 33", "41 00")
}

func TestTornBlockOfAClassic(t *testing.T) {
	card := NewCard(Classic1K, uid4(), Traits{})
	h, _ := desked(t, Visit{Cards: []*Card{card}, Torn: 5})
	ask(h, "4A 01 00", listClassic)
	auth(h, card, 0x60, 4, factoryA, "00")
	ask(h, "40 01 A0 04 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F 10", "41 01")
	if got := card.Dump()[64:80]; !bytes.Equal(got, unhex("01 02 03 04 05 00 00 00 00 00 00 00 00 00 00 00")) {
		t.Errorf("% X", got)
	}
}

func TestTakenOffAfterWrites(t *testing.T) {
	first, second := NewCard(NTAG213, uid7(), Traits{}), NewCard(Classic1K, uid4(), Traits{})
	h, c := desked(t, Visit{Cards: []*Card{first}, Writes: 1, Then: []*Card{second}})
	ask(h, "4A 01 00", listNTAG)
	ask(h, "40 01 A2 04 11 11 11 11", "41 00") // confirmed, and then it is gone
	ask(h, "40 01 30 04", "41 01")
	ask(h, "00 06", "01 01")
	ask(h, "4A 01 00", listClassic)
	ask(h, "00 06", "01 00")
	if got := c.Cards(); len(got) != 1 || got[0] != second {
		t.Errorf("%v", got)
	}
}

func TestTakenOffAfterExchanges(t *testing.T) {
	card := NewCard(Classic1K, uid4(), Traits{})
	h, _ := desked(t, Visit{Cards: []*Card{card}, Exchanges: 2})
	ask(h, "4A 01 00", listClassic)
	auth(h, card, 0x60, 4, factoryA, "00")
	ask(h, "40 01 30 04", "41 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00")
	ask(h, "40 01 30 04", "41 01")
}

func TestTheCardComesLate(t *testing.T) {
	a, b := NewCard(NTAG213, uid7(), Traits{}), NewCard(Classic1K, uid4(), Traits{})
	h, c := desked(t, Visit{Cards: []*Card{a}, Tries: 3}, Visit{Cards: []*Card{b}, Tries: 1})
	for range 3 {
		ask(h, "4A 01 00", "4B 00")
	}
	ask(h, "4A 01 00", listNTAG)
	c.Take(a)
	ask(h, "4A 01 00", "4B 00")
	ask(h, "4A 01 00", listClassic)
}

func TestTheClockOfTheDesk(t *testing.T) {
	clock := line.NewManual(time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC))
	c := start(t, Config{Clock: clock, Awake: true, Seed: 1, PollTime: 100 * time.Millisecond})
	h, _ := overTCP(t, c)
	card := NewCard(NTAG213, uid7(), Traits{})
	c.Operator(Visit{Cards: []*Card{card}, After: 250 * time.Millisecond, Stay: time.Second})
	h.Send(toChip("4A 01 00")) // it tries for ever
	clock.AwaitWaiters(1)
	clock.Advance(time.Millisecond)
	h.Want(ackFrame())
	for range 3 { // at 0, 100 and 200 ms there is none
		clock.AwaitWaiters(1)
		clock.Advance(100 * time.Millisecond)
	}
	clock.AwaitWaiters(1)
	clock.Advance(5 * time.Millisecond)
	h.Want(toHost(listNTAG))
	step := func(command, answer string, waits ...time.Duration) {
		t.Helper()
		h.Send(toChip(command))
		for i, d := range waits {
			clock.AwaitWaiters(1)
			clock.Advance(d)
			if i == 0 {
				h.Want(ackFrame())
			}
		}
		h.Want(toHost(answer))
	}
	step("40 01 A2 04 11 11 11 11", "41 00", time.Millisecond, 5*time.Millisecond)
	clock.Advance(time.Second)
	step("40 01 30 04", "41 01", time.Millisecond, 100*time.Millisecond)
	if at := card.Writes()[0].At; at.Sub(time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC)) != 307*time.Millisecond {
		t.Errorf("written at %v", at)
	}
}

// Two cards: each listing finds the other one, since the active one takes a
// request as an offence; with two targets both are found.
func TestTwoCards(t *testing.T) {
	a, b := NewCard(NTAG213, uid7(), Traits{}), NewCard(Classic1K, uid4(), Traits{})
	h, _ := desked(t, Visit{Cards: []*Card{a, b}})
	ask(h, "4A 01 00", listNTAG)
	ask(h, "4A 01 00", listClassic)
	ask(h, "4A 01 00", listNTAG)
	ask(h, "32 01 00", "33")
	ask(h, "4A 02 00", "4B 02 01 00 44 00 07 04 A2 B3 C4 D5 E6 80 02 00 04 08 04 C1 D3 33 EA")
	ask(h, "04", "05 00 00 02 01 00 00 10 02 00 00 10 80")
	auth(h, b, 0x60, 4, factoryA, "14") // target 1 is the other one, which knows no keys
	ask(h, "40 02 60 04"+factoryA+"C1 D3 33 EA", "41 00")
	ask(h, "40 01 A2 04 11 11 11 11", "41 00") // the other one is woken
	ask(h, "54 02", "55 00")
	ask(h, "40 02 30 04", "41 01") // its key is forgotten
	ask(h, "52 01", "53 00")
	ask(h, "54 01", "55 27")
	// By UID only that one is found.
	ask(h, "32 01 00", "33")
	// Both answer at once, and their ATQA lie on top of each other: 0004 and 0044.
	ask(h, "4A 01 00 C1 D3 33 EA", "4B 01 01 00 44 08 04 C1 D3 33 EA")
	ask(h, "32 01 00", "33")
	ask(h, "4A 01 00 88 04 A2 B3 C4 D5 E6 80", listNTAG)
	ask(h, "32 01 00", "33")
	ask(h, "4A 01 00 01 02 03 04", "4B 00")
}

// A card that is listed and not let go is found by every second try.
func TestEverySecondListing(t *testing.T) {
	card := NewCard(NTAG213, uid7(), Traits{})
	h, _ := desked(t, Visit{Cards: []*Card{card}})
	for range 2 {
		ask(h, "4A 01 00", listNTAG)
		ask(h, "4A 01 00", "4B 00")
	}
	// Off and on again, which lets it go, cures it.
	for range 2 {
		ask(h, "4A 01 00", listNTAG)
		ask(h, "52 00", "53 00")
		ask(h, "32 01 00", "33")
		ask(h, "40 01 30 04", "41 27")
	}
}

func TestFieldOff(t *testing.T) {
	card := NewCard(NTAG213, uid7(), Traits{})
	h, _ := listed(t, card)
	ask(h, "32 01 00", "33")
	ask(h, "40 01 30 04", "41 0A")
	ask(h, "42 30 04", "43 0A")
	ask(h, "04", "05 0A 00 01 01 00 00 10 80")
}

// The commands that ask no card.
func TestTheRest(t *testing.T) {
	c := start(t, quick(nil))
	h, _ := overTCP(t, c)
	ask(h, "00 00 6C 69 62 6E 66 63", "01 00 6C 69 62 6E 66 63")
	ask(h, "00 01", "01 00")
	ask(h, "00 02", "01 00")
	ask(h, "0E 95 FF", "0F")
	ask(h, "0C", "0D 15 7F 01")
	ask(h, "12 00", "13")
	ask(h, "32 02 00 0B 05", "33")
	ask(h, "32 04 02", "33")
	ask(h, "06 63 02 63 3C", "07 80 10")
	ask(h, "32 05 FF 01 01", "33")
	ask(h, "4A 01 01 00 FF FF 00 00", "4B 00") // FeliCa
}

func TestAutoPoll(t *testing.T) {
	card := NewCard(NTAG213, uid7(), Traits{})
	h, c := desked(t, Visit{Cards: []*Card{card}, Tries: 4})
	ask(h, "60 03 01 20 10", "61 01 10 0C 01 00 44 00 07 04 A2 B3 C4 D5 E6 80")
	c.Take()
	ask(h, "60 01 01 10", "61 00")
}
