package pn532sim

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Fault is what goes wrong with one request. The zero value: nothing. It is
// used up by the next command frame that arrives undamaged and fits. Waits are
// of the chip's clock.
type Fault struct {
	// Match restricts the fault to commands whose bytes, from the command code
	// on, begin so: {0x4A}, or {0x40, 0x01, 0xA0, 0x04}; nil for any.
	Match []byte
	// Skip lets so many commands that fit pass first. Each fault counts for itself
	// those that no fault before it has taken.
	Skip int

	// The acknowledgement.

	// Silent takes no notice at all: no ACK, no work, no response.
	Silent   bool
	AckDelay time.Duration // in addition to Config.AckTime
	DropAck  bool          // the work is done all the same
	TwoAcks  bool
	BadAck   bool // one bit of the ACK is wrong
	// AckLast sends the response first and the ACK behind it.
	AckLast bool
	// Before are bytes that come out of nothing right before the ACK, such as an
	// ACK that nobody asked for.
	Before []byte

	// The work.

	// ErrorFrame answers with the error frame instead of doing the work.
	ErrorFrame bool
	// Status answers so instead of doing the work, for commands that have a
	// status byte (UM0701-02, 7.1); 0 for none. StatusAfterWork does the work first.
	Status          byte
	StatusAfterWork bool
	// Reset restarts the chip between ACK and response, before or after the
	// work: no response, nothing is set up any more, asleep.
	Reset Moment
	// Stuck makes the chip deaf and dumb at that moment, until its reset line
	// goes low or its power is cut.
	Stuck Moment
	// HangUp takes the port away right after the ACK, for DownFor. On SPI and
	// I2C it does nothing.
	HangUp  bool
	DownFor time.Duration

	// The response.

	BadLCS, BadDCS bool
	// Corrupt changes the bits that are set in Mask (0 for 01) of the byte at
	// this place of the frame, counted from 1; 0 for none.
	Corrupt  int
	Mask     byte
	WrongTFI bool // D4 instead of D5
	// OtherCommand takes the place of the response code; 0 for none.
	OtherCommand byte
	Extended     bool // an extended frame where a normal one would do
	Preamble     int  // so many more zeros in front
	// Cut sends only so many bytes of the frame; 0 for all.
	Cut  int
	Drop bool
	Dup  bool
	// Late sends the response so much later. The chip is busy until then, unless
	// LateIdle is set.
	Late     time.Duration
	LateIdle bool
	// DuringNext keeps the response back until the ACK of the next command is out.
	DuringNext bool
	// SplitAt sends so many bytes, and the rest SplitPause later (0 for 5 ms).
	// Dribble sends byte by byte with this pause between. Coalesce holds the ACK
	// back and sends it in one piece with the response. HSU only.
	SplitAt    int
	SplitPause time.Duration
	Dribble    time.Duration
	Coalesce   bool
	// Spurious bytes come right before the response.
	Spurious []byte
}

// Moment says when something happens to a command.
type Moment int

// The moments.
const (
	Never Moment = iota
	BeforeWork
	AfterWork
)

type chance struct {
	p     float64
	fault Fault
}

// Next sets faults for the next requests, one each, in this order, after those
// that are still waiting.
func (c *Chip) Next(faults ...Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, faults...)
}

// Chance makes the fault happen to any request that fits with probability p,
// drawn from the seeded generator, whenever no fault of Next waits for it. Of
// several chances the first that hits counts.
func (c *Chip) Chance(p float64, fault Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.chances = append(c.chances, chance{p, fault})
}

// ClearFaults forgets what Next and Chance have set and not yet used.
func (c *Chip) ClearFaults() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults, c.chances = nil, nil
}

// PendingFaults is the number of faults of Next that have not yet happened.
func (c *Chip) PendingFaults() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.faults)
}

// draw takes the fault for a command. The caller holds c.mu.
func (c *Chip) draw(command []byte) Fault {
	for i := range c.faults {
		f := &c.faults[i]
		if !bytes.HasPrefix(command, f.Match) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		got := *f
		c.faults = slices.Delete(c.faults, i, i+1)
		return got
	}
	for _, ch := range c.chances {
		if bytes.HasPrefix(command, ch.fault.Match) && c.rng.Float64() < ch.p {
			return ch.fault
		}
	}
	return Fault{}
}

// String names what is not zero.
func (f Fault) String() string {
	v := reflect.ValueOf(f)
	if v.IsZero() { // as for nearly every command
		return ""
	}
	var parts []string
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if v.Field(i).IsZero() || name == "Match" || name == "Skip" {
			continue
		}
		parts = append(parts, fmt.Sprintf("%s %v", name, v.Field(i)))
	}
	return strings.Join(parts, ", ")
}

// noise is how a line damages what passes, for each direction: one bit of that
// part of the bytes, or of that part of the messages.
type noise struct{ in, out, inMessages, outMessages float64 }

// flip damages a message. The caller holds c.mu.
func (c *Chip) flip(b []byte, bytewise, once float64) []byte {
	if bytewise <= 0 && once <= 0 {
		return b
	}
	out := bytes.Clone(b)
	for i := range out {
		if bytewise > 0 && c.rng.Float64() < bytewise {
			out[i] ^= 1 << c.rng.IntN(8)
		}
	}
	if len(out) > 0 && c.rng.Float64() < once {
		out[c.rng.IntN(len(out))] ^= 1 << c.rng.IntN(8)
	}
	return out
}
