package pn532

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/pn532sim"
)

// The work of a quick chip and of its cards.
const (
	paceAck  = time.Millisecond
	paceChip = time.Millisecond
	paceCard = 5 * time.Millisecond
	pacePoll = 5 * time.Millisecond
)

// exactClock waits to the microsecond, which the timers of an idle process do
// not: the simulated line shall not be slower than a real one.
type exactClock struct{}

func (exactClock) Now() time.Time { return time.Now() }

func (exactClock) After(d time.Duration) <-chan time.Time {
	due, ch := time.Now().Add(d), make(chan time.Time, 1)
	go func() {
		time.Sleep(d - 2*time.Millisecond)
		for time.Now().Before(due) {
			runtime.Gosched()
		}
		ch <- time.Now()
	}()
	return ch
}

// paced is what one request was made of, as the chip has seen it.
type paced struct {
	bytes, commands int
	own             time.Duration // the work of chip and cards
	driver          time.Duration // in which the line and the chip waited for the driver
}

// measure reads a stretch of a transcript.
func measurePace(lines []pn532sim.Line) (p paced) {
	var spoke time.Time // when the chip did last
	requests := 0       // on the air, of one search
	for _, l := range lines {
		switch l.Dir {
		case pn532sim.In:
			if !spoke.IsZero() {
				p.driver += l.At.Sub(spoke)
			}
			p.bytes += len(l.Bytes)
			p.commands++
			p.own += paceAck + workOf(l.Bytes[6:])
			requests = 0
		case pn532sim.Out:
			p.bytes += len(l.Bytes)
			spoke = l.At
		case pn532sim.Air:
			if len(l.Bytes) == 1 && l.Bytes[0] == 0x26 {
				if requests++; requests > 1 {
					p.own += pacePoll
				}
			}
		}
	}
	return p
}

// workOf is what a command takes the chip, from its code on.
func workOf(command []byte) time.Duration {
	switch {
	case command[0] == cmdInDataExchange && command[2] == cardWriteBlock:
		return 2 * paceCard // announced, then sent
	case command[0] == cmdInDataExchange, command[0] == cmdInCommunicateThru, command[0] == cmdInListPassiveTarget:
		return paceCard
	}
	return paceChip
}

// BenchmarkEncode measures a key from the request to its receipt, on a card that
// lies there already, as a multiple of the least possible time at 115200 baud:
// each byte takes ten bits of the line, each command waits for the one before,
// chip and card need their own time, and a card is without power twice. The
// median tells of the machine as well, the best of the driver alone.
func BenchmarkEncode(b *testing.B) {
	for _, kind := range []pn532sim.Kind{pn532sim.NTAG213, pn532sim.Classic1K} {
		b.Run(string(kind), func(b *testing.B) { benchEncode(b, kind) })
	}
}

func benchEncode(b *testing.B, kind pn532sim.Kind) {
	chip := pn532sim.New(pn532sim.Config{Seed: 1, Clock: exactClock{}, AckTime: paceAck, ChipTime: paceChip, CardTime: paceCard, PollTime: pacePoll})
	defer chip.Close()
	path := filepath.Join(b.TempDir(), "nfc")
	if _, err := chip.OpenPTY(path, pn532sim.PortOptions{Baud: hsuBaud, Pace: true}); err != nil {
		b.Fatal(err)
	}
	r, err := Open(Serial(path, Lines{}), options())
	if err != nil {
		b.Fatal(err)
	}
	if _, err := r.Probe(b.Context()); err != nil { // brings the chip up
		b.Fatal(err)
	}
	var beep time.Time
	var over, toBeep, waited []time.Duration
	var p paced
	var least time.Duration
	for i := 0; b.Loop(); i++ {
		card := numbered(kind, byte(i), pn532sim.Traits{})
		chip.Take()
		chip.Present(card)
		from := len(chip.Transcript())
		began := time.Now()
		_, err := r.Encode(b.Context(), guestKey(), How{Progress: func(step drivers.Step) {
			if step == drivers.StepCardDone {
				beep = time.Now()
			}
		}})
		took := time.Since(began)
		if err != nil || newDoor("101").try(card.UID(), card.Dump(), time.Now()).generation != 7 {
			b.Fatal(err)
		}
		p = measurePace(chip.Transcript()[from:])
		least = time.Duration(p.bytes)*10*time.Second/hsuBaud + p.own + 2*r.chip.limits.fieldOff
		over, toBeep, waited = append(over, took-least), append(toBeep, beep.Sub(began)), append(waited, p.driver-2*r.chip.limits.fieldOff)
	}
	for _, all := range [][]time.Duration{over, toBeep, waited} {
		slices.Sort(all)
	}
	times := func(over time.Duration) float64 { return float64(least+over) / float64(least) }
	b.ReportMetric(times(over[len(over)/2]), "x-least")
	b.ReportMetric(times(over[0]), "x-least-at-best")
	b.ReportMetric(least.Seconds()*1000, "ms-least")
	b.ReportMetric(toBeep[len(toBeep)/2].Seconds()*1000, "ms-to-beep")
	b.ReportMetric(waited[len(waited)/2].Seconds()*1000, "ms-driver")
	b.ReportMetric(float64(p.bytes), "bytes")
	b.ReportMetric(float64(p.commands), "commands")
	b.ReportMetric(0, "ns/op") // it is the time of the cards' being laid down as well
	if err := r.Close(); err != nil {
		b.Error(fmt.Errorf("closing: %w", err))
	}
}
