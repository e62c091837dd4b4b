package pn532

import (
	"context"
	"errors"
	"fmt"

	"edgeagent/drivers"
)

// rung is one way to bring a module back.
type rung struct {
	name string
	do   func(*Reader, context.Context) error
}

// ladder lists them from the mildest. A rung that worked once and did not help
// is not climbed again: the next trouble before a card was found starts above it.
func ladder() []rung {
	return []rung{
		{"release", func(r *Reader, ctx context.Context) error { return r.chip.release(ctx) }},
		{"field", func(r *Reader, ctx context.Context) error { return r.chip.cycle(ctx) }},
		{"wake-up", (*Reader).setUp},
		{"reset line", func(r *Reader, ctx context.Context) error {
			if err := r.link.Reset(); err != nil {
				return err
			}
			return r.setUp(ctx)
		}},
		{"re-open", func(r *Reader, ctx context.Context) error {
			if err := r.link.Open(); err != nil {
				return &lineError{err}
			}
			return r.setUp(ctx)
		}},
	}
}

// rungReset is where the ladder starts for a module that did not answer at all.
const rungReset = 3

// faulty is how often in a row the ladder may fail before the module is said to be broken.
const faulty = 3

// bringUp opens the bus and configures the chip, if that is not done.
func (r *Reader) bringUp(ctx context.Context) error {
	if r.up {
		return nil
	}
	if err := r.link.Open(); err != nil {
		return r.down(&lineError{err})
	}
	err := r.setUp(ctx)
	if err == nil || ctx.Err() != nil {
		return err
	}
	if errors.Is(err, errNotPN532) {
		return r.down(err)
	}
	r.rung = rungReset
	return r.recover(ctx)
}

// setUp wakes the chip and configures it.
func (r *Reader) setUp(ctx context.Context) error {
	if err := r.link.Wake(); err != nil {
		return &lineError{err}
	}
	// The wake-up and what was asked before it leave nothing behind.
	r.chip.suspect = false
	if err := r.chip.samConfiguration(ctx, r.link.Signals()); err != nil {
		return err
	}
	firmware, err := r.chip.firmware(ctx)
	if err != nil {
		return err
	}
	if err := r.chip.retries(ctx); err != nil {
		return err
	}
	if err := r.chip.field(ctx, true); err != nil {
		return err
	}
	r.up, r.ails = true, ""
	r.mu.Lock()
	defer r.mu.Unlock()
	r.firmware = firmware
	return nil
}

// recover climbs the ladder until a rung works. At its end the module is down,
// and the next request starts anew.
func (r *Reader) recover(ctx context.Context) error {
	last := errTimeout
	for steps := ladder(); r.rung < len(steps); {
		step := steps[r.rung]
		r.rung++
		if r.opts.Trace != nil {
			r.opts.Trace(true, "recovery: "+step.name)
		}
		err := step.do(r, ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !errors.Is(err, ErrNoResetLine) {
			last = err
		}
	}
	return r.down(last)
}

// healthy notes that a search for cards was answered.
func (r *Reader) healthy() { r.rung, r.faults = 0, 0 }

// down says, in words for the desk, that the module cannot be used.
func (r *Reader) down(err error) error {
	r.up, r.rung = false, 0
	r.faults++
	r.chip.suspect = true
	_ = r.link.Close() // a descriptor held open would keep a replugged adapter from its old name
	text := fmt.Errorf("%s: %w: check its power, its wiring and that its switches are set to this bus", r.link, err)
	switch line := (*lineError)(nil); {
	case errors.As(err, &line):
		text = fmt.Errorf("%s: %w", r.link, err)
	case Garbled(err):
		text = fmt.Errorf("%s: %w: it is set to another speed: turn its power off and on; `edgeagent probe` tries the speeds", r.link, err)
	}
	if r.faults >= faulty {
		text = fmt.Errorf("%w; it has failed %d times in a row: its supply is too weak, or it is broken", text, r.faults)
	}
	r.ails = text.Error()
	return &drivers.LinkDown{Err: text}
}
