package pn532

import (
	"context"
	"errors"
	"fmt"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// Link carries frames to the chip and back. It is used by one goroutine at a
// time; Close alone may come from elsewhere once nothing is under way.
type Link interface {
	String() string
	// Open opens the bus, anew if it was open.
	Open() error
	// Close releases the bus.
	Close() error
	// Signals reports whether a ready line is wired, which the chip must drive.
	Signals() bool
	// Wake brings the chip out of low power.
	Wake() error
	// Reset pulses the reset line; ErrNoResetLine if there is none.
	Reset() error
	// Send sends one frame as it stands.
	Send(frame []byte) error
	// Receive gives the next frame. n is how many bytes it has at most, for
	// buses that must know before they read. It ends with ErrSilent at the
	// limit, or with the context's cause.
	Receive(ctx context.Context, n int, limit time.Duration) (Frame, error)
	// Drop forgets what has arrived and was not asked for.
	Drop()
}

var (
	// ErrSilent is the error of a wait in which the chip said nothing.
	ErrSilent = errors.New("no answer")
	// ErrNoResetLine is the error of a reset where none is wired.
	ErrNoResetLine = errors.New("no reset line is wired")

	errNotOpen = errors.New("the link is not open")
)

// Lines are the two lines that a module may have beside its bus. Either may be nil.
type Lines struct {
	// Ready is P70_IRQ: low while an answer waits.
	Ready gpio.PinIn
	// Reset is RSTPD_N: low holds the chip in reset.
	Reset gpio.PinOut
}

const (
	resetLow  = 20 * time.Millisecond
	resetWait = 10 * time.Millisecond
	// edgeWait is how long an edge is waited for before the context is looked at
	// and the chip asked.
	edgeWait = 20 * time.Millisecond
)

// prepare sets the lines up.
func (l Lines) prepare() error {
	if l.Reset != nil {
		if err := l.Reset.Out(gpio.High); err != nil {
			return fmt.Errorf("reset line %s: %w", l.Reset, err)
		}
	}
	if l.Ready != nil {
		if err := l.Ready.In(gpio.PullUp, gpio.FallingEdge); err != nil {
			return fmt.Errorf("ready line %s: %w", l.Ready, err)
		}
	}
	return nil
}

// pulse resets the chip.
func (l Lines) pulse() error {
	if l.Reset == nil {
		return ErrNoResetLine
	}
	if err := l.Reset.Out(gpio.Low); err != nil {
		return fmt.Errorf("reset line %s: %w", l.Reset, err)
	}
	time.Sleep(resetLow)
	if err := l.Reset.Out(gpio.High); err != nil {
		return fmt.Errorf("reset line %s: %w", l.Reset, err)
	}
	time.Sleep(resetWait)
	return nil
}

// await waits until poll says that an answer is ready. A ready line saves most
// of the polling; the chip is still asked now and then, in case the line is
// broken or the edge was missed.
func (l Lines) await(ctx context.Context, limit, pause time.Duration, poll func() (bool, error)) error {
	deadline := time.Now().Add(limit)
	for ask := l.Ready == nil; ; {
		late := !time.Now().Before(deadline)
		if ask || late || l.Ready.Read() == gpio.Low {
			switch ready, err := poll(); {
			case err != nil:
				return err
			case ready:
				return nil
			case late:
				return ErrSilent
			}
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if l.Ready == nil || l.Ready.Read() == gpio.Low {
			time.Sleep(pause)
		} else {
			ask = !l.Ready.WaitForEdge(max(pause, min(edgeWait, time.Until(deadline))))
		}
	}
}
