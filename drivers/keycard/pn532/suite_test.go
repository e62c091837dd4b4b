package pn532

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/pn532sim"

	"github.com/google/go-cmp/cmp"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/spi"
)

// The suite runs the driver against the simulated chip, on every bus. On SPI and
// I2C all time is that of a bubble. A pseudo-terminal is of this world, so there
// chip and driver both run faster instead.

// quick is how much faster the chip's clock runs on a pseudo-terminal.
const quick = 10

// suiteBuses are the ways to a chip. IRQ is the line that says an answer is ready.
var suiteBuses = []string{"HSU", "SPI", "SPI+IRQ", "I2C", "I2C+IRQ"}

// station is a reader with a simulated chip, and the doors of the house.
type station struct {
	t    *testing.T
	bus  string
	seed uint64
	chip *pn532sim.Chip
	port *pn532sim.Port // of HSU
	slot interface {    // of SPI and I2C
		SetDetached(bool)
		NotReady(int)
		Spurious([]byte)
	}
	line interface { // of all
		SetCorruption(in, out float64)
		SetDamage(in, out float64)
	}
	reader *Reader
	steps  []drivers.Step
	rungs  []string // of the ladder, as they were climbed
	opens  int      // how often the bus was opened
}

// quickClock is a clock of the chip's that runs faster than the wall's.
type quickClock struct{ start time.Time }

func (q quickClock) Now() time.Time { return q.start.Add(quick * time.Since(q.start)) }
func (q quickClock) After(d time.Duration) <-chan time.Time {
	return time.After(d / quick)
}

// quickLimits leave a busy machine room, so that what times out was meant to.
func quickLimits() limits {
	return limits{ack: 100 * time.Millisecond, config: 100 * time.Millisecond, exchange: 100 * time.Millisecond,
		list: 120 * time.Millisecond, stale: 5 * time.Millisecond, fieldOff: time.Millisecond}
}

// patient is for tests in which all goes well: however busy this machine is, the
// driver shall not take the chip for silent.
func (s *station) patient() {
	if s.bus == "HSU" {
		l := &s.reader.chip.limits
		l.ack, l.config, l.exchange, l.list = 5*time.Second, 5*time.Second, 5*time.Second, 5*time.Second
	}
}

// onBuses runs a behaviour on each bus.
func onBuses(t *testing.T, do func(*station)) { onSome(t, suiteBuses, do, 1) }

// onSome runs it on some buses, once for each seed that chances are drawn from.
// The pseudo-terminals mostly wait, so they do it side by side.
func onSome(t *testing.T, buses []string, do func(*station), seeds ...uint64) {
	var terminals sync.WaitGroup
	defer terminals.Wait()
	for _, bus := range buses {
		for _, seed := range seeds {
			if bus == "HSU" {
				terminals.Go(func() { atStation(t, bus, seed, do) })
				continue
			}
			t.Run(fmt.Sprintf("%s/%d", bus, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { atStation(t, bus, seed, do) })
			})
		}
	}
}

func atStation(t *testing.T, bus string, seed uint64, do func(*station)) {
	s := newStation(t, bus, seed)
	defer func() {
		if err := s.reader.Close(); err != nil && !t.Failed() {
			t.Error(err)
		}
		_ = s.chip.Close()
		if t.Failed() {
			lines := s.chip.Transcript()
			for _, l := range lines[max(0, len(lines)-60):] {
				t.Log(l)
			}
		}
	}()
	do(s)
}

func newStation(t *testing.T, bus string, seed uint64) *station {
	cfg := pn532sim.Config{Seed: seed}
	if bus == "HSU" {
		cfg.Clock = quickClock{time.Now()}
		cfg.AckTime, cfg.ChipTime, cfg.CardTime, cfg.PollTime = 1, 1, 1, 1 // no timer of this world is finer than a millisecond
	}
	s := &station{t: t, bus: bus, seed: seed, chip: pn532sim.New(cfg)}
	lines := Lines{Reset: s.chip.ResetPin()}
	if strings.HasSuffix(bus, "+IRQ") {
		lines.Ready = s.chip.IRQPin()
	}
	var link Link
	switch bus[:3] {
	case "HSU":
		link = s.serial(lines)
	case "SPI":
		port := s.chip.SPI("SPI0.0", false)
		s.slot, s.line = port, port
		link = SPI("SPI0.0", func() (spi.PortCloser, error) { s.opens++; return port, nil }, lines)
	default:
		port := s.chip.I2C("I2C1")
		s.slot, s.line = port, port
		link = I2C("I2C1", func() (i2c.BusCloser, error) { s.opens++; return port, nil }, lines)
	}
	opts := options()
	opts.Trace = func(_ bool, text string) {
		if rung, ok := strings.CutPrefix(text, "recovery: "); ok {
			s.rungs = append(s.rungs, rung)
		}
	}
	if bus == "HSU" {
		opts.Wait = 2 * time.Second
	}
	var err error
	if s.reader, err = Open(link, opts); err != nil {
		t.Fatal(err)
	}
	if bus == "HSU" {
		s.reader.chip.limits = quickLimits()
	}
	return s
}

// serial is a link over a pseudo-terminal.
func (s *station) serial(lines Lines) Link {
	path := filepath.Join(s.t.TempDir(), "nfc")
	port, err := s.chip.OpenPTY(path, pn532sim.PortOptions{Baud: hsuBaud})
	if err != nil {
		s.t.Fatal(err)
	}
	s.port, s.line = port, port
	plain := Serial(path, lines).(*hsu)
	return HSU("/dev/serial/nfc", func() (Port, error) { s.opens++; return plain.open() }, lines)
}

func (s *station) how() How {
	s.steps = nil
	return How{Progress: func(step drivers.Step) { s.steps = append(s.steps, step) }}
}

// roomKey is a guest's key of a generation.
func roomKey(generation uint32, rooms ...string) Credential {
	now := time.Now().Truncate(time.Second).UTC()
	return Credential{Kind: Guest, Rooms: rooms, From: now, Until: now.Add(48 * time.Hour), Generation: generation}
}

func (s *station) encode(key Credential) error {
	_, err := s.reader.Encode(s.t.Context(), key, s.how())
	return err
}

// lay takes off what lies there, and lays down these once the reader has seen
// that the place is empty.
func (s *station) lay(cards ...*pn532sim.Card) {
	s.t.Helper()
	s.chip.Take()
	if err := s.reader.AwaitRemoval(s.t.Context(), nil); err != nil {
		s.t.Error(err)
	}
	s.chip.Present(cards...)
}

// generation is that of the key with which a card opens room 101, 0 if it does not.
func generation(card *pn532sim.Card) uint32 {
	o := newDoor("101").try(card.UID(), card.Dump(), time.Now())
	return o.generation
}

// expect checks what opens: room 101 by a key of this generation, 0 for none.
func (s *station) expect(card *pn532sim.Card, want uint32, when string) {
	s.t.Helper()
	if got := generation(card); got != want {
		o := newDoor("101").try(card.UID(), card.Dump(), time.Now())
		s.t.Errorf("%s, %s: room 101 opens for generation %d, want %d (%s)", card, when, got, want, o.shut)
	}
}

// judge holds what a request for a key has come to against what the card opens.
// before is the generation that it had, wanted that of the request, 0 for none;
// wrote is how often it had been written before.
func (s *station) judge(card *pn532sim.Card, err error, before, wanted uint32, wrote int, when string) {
	s.t.Helper()
	if lie := lieAbout(card, err, before, wanted, wrote); lie != "" {
		s.t.Errorf("%s: %s, %s, opens for %d (before: %d, asked for: %d), written %d times: %v",
			lie, card, when, generation(card), before, wanted, len(card.Writes())-wrote, err)
	}
}

// The ways in which an outcome can be untrue.
const (
	falseOK    = "FALSE OK"
	failedOpen = "said to have failed, and opens"
	notAsSaid  = "is not as it is said to be"
)

// lieAbout says in what way an outcome is untrue, "" if it is true.
func lieAbout(card *pn532sim.Card, err error, before, wanted uint32, wrote int) string {
	got := generation(card)
	f, isFailure := errors.AsType[*Failure](err)
	switch {
	case err == nil && got != wanted:
		return falseOK
	case err == nil, errors.Is(err, drivers.ErrUnknown):
	case got == wanted && wanted != before && wanted != 0, isFailure && f.Spoilt && got != 0:
		return failedOpen
	case isFailure && !f.Spoilt && !f.Doubtful && got != before, !isFailure && (got != before || len(card.Writes()) != wrote):
		return notAsSaid
	}
	return ""
}

// refused checks a refusal, and that the cards were not written.
func (s *station) refused(err error, reason Reason, text string, untouched ...*pn532sim.Card) {
	s.t.Helper()
	refusal(s.t, err, reason, text)
	for _, card := range untouched {
		if n := len(card.Writes()); n > 0 {
			s.t.Errorf("%s was written %d times", card, n)
		}
	}
}

// polite checks that the chip was never asked what it must not be asked.
func (s *station) polite() {
	s.t.Helper()
	for _, v := range s.chip.Violations() {
		s.t.Errorf("the driver offends the chip: %s", v)
	}
}

// inOrder checks the steps that a person has seen.
func (s *station) inOrder(want ...drivers.Step) {
	s.t.Helper()
	if !slices.Equal(want, s.steps) {
		s.t.Error(cmp.Diff(want, s.steps))
	}
}

var (
	ntagUID    = []byte{0x04, 0xA2, 0xB3, 0xC4, 0xD5, 0xE6, 0x80}
	classicUID = []byte{0xC1, 0xD3, 0x33, 0xEA}
)

// numbered is a card with a number of its own.
func numbered(kind pn532sim.Kind, n byte, traits pn532sim.Traits) *pn532sim.Card {
	uid := ntagUID
	if kind == pn532sim.Classic1K || kind == pn532sim.Classic4K {
		uid = classicUID
	}
	uid = slices.Clone(uid)
	uid[len(uid)-1] = n
	return pn532sim.NewCard(kind, uid, traits)
}
