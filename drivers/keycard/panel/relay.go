package panel

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"edgeagent/drivers"
)

// relay keeps a door's relay off, but for bounded times.
//
// Whatever its callers do, it is put back by timers of its own. They run before
// the pin is touched, and the one of the cap is not touched again until the
// relay is back. Where the safe level cannot be written it is tried again and
// again, and the relay takes no more requests.
type relay struct {
	pin             gpio.PinOut
	on              gpio.Level
	open, cap, rest time.Duration
	trouble         func(error) // nil: well again
	guard           func()      // deferred in each goroutine

	mu      sync.Mutex
	spell   *spell      // while it is on
	free    time.Time   // when its rest is over
	stuck   error       // why it could not be put back
	again   *time.Timer // puts it back nevertheless
	retired error       // why it takes no more requests, ever
	halted  bool        // it is not tried again either
}

// spell is one time of being on.
type spell struct {
	since, until time.Time
	end, cap     *time.Timer
	over         chan struct{} // closed when the relay is back, or could not be put back
	took         time.Duration
	err          error
}

// How often it is tried to put a relay back that did not go.
const (
	firstAgain = 100 * time.Millisecond
	mostAgain  = time.Second
)

// newRelay puts the relay back before anything else.
func newRelay(pin gpio.PinOut, on gpio.Level, cfg *Relay, trouble func(error), guard func()) *relay {
	r := &relay{pin: pin, on: on, open: cfg.Open, cap: cfg.Cap, rest: cfg.Rest, trouble: trouble, guard: guard}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.putBack(firstAgain)
	return r
}

// hold switches the relay on, or joins a spell that is under way, and returns
// when it is off again. The end of the context ends the spell.
func (r *relay) hold(ctx context.Context) (time.Duration, error) {
	s, err := r.begin(ctx)
	if err != nil {
		return 0, err
	}
	defer context.AfterFunc(ctx, func() {
		defer r.guard()
		r.finish(s, context.Cause(ctx))
	})()
	<-s.over
	return s.took, s.err
}

// begin switches on. What it returns is over within the cap.
func (r *relay) begin(ctx context.Context) (*spell, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("given up before the door was opened: %w", context.Cause(ctx))
	case r.retired != nil:
		return nil, fmt.Errorf("%w: the door relay takes no more requests: %w", drivers.ErrRefused, r.retired)
	case r.stuck != nil:
		return nil, fmt.Errorf("%w: the door relay %w", drivers.ErrRefused, r.stuck)
	case r.spell != nil:
		r.extend(now)
		return r.spell, nil
	case now.Before(r.free):
		left := r.free.Sub(now)
		return nil, &drivers.RetryAfter{Wait: left, Alone: true, Err: fmt.Errorf("the door was open a moment ago, and its relay rests for %s yet", left.Round(time.Millisecond))}
	}
	s := &spell{since: now, until: now.Add(min(r.open, r.cap)), over: make(chan struct{})}
	s.cap = time.AfterFunc(r.cap, func() { defer r.guard(); r.finish(s, nil) })
	s.end = time.AfterFunc(s.until.Sub(now), func() { defer r.guard(); r.finish(s, nil) })
	r.spell = s
	if err := r.out(r.on); err != nil {
		r.close(s, err) // it may have got there all the same
		return nil, fmt.Errorf("the door relay cannot be switched: %w", err)
	}
	return s, nil
}

// extend lets a spell last for one more opening, within the cap of its first.
func (r *relay) extend(now time.Time) {
	until := now.Add(r.open)
	if most := r.spell.since.Add(r.cap); until.After(most) {
		until = most
	}
	if until.After(r.spell.until) {
		r.spell.until = until
		r.spell.end.Reset(until.Sub(now))
	}
}

// finish ends a spell unless it is over; why is nil if its time was up.
func (r *relay) finish(s *spell, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.spell == s && s != nil {
		r.close(s, why)
	}
}

// close puts the relay back, then settles the spell.
func (r *relay) close(s *spell, why error) {
	r.putBack(firstAgain)
	s.end.Stop()
	s.cap.Stop()
	r.spell = nil
	s.took = time.Since(s.since)
	switch {
	case r.stuck != nil:
		s.err = fmt.Errorf("%w: the door may still be open: its relay %w", drivers.ErrUnknown, r.stuck)
	case why != nil:
		s.err = fmt.Errorf("%w: the door was shut again after %s: %w", drivers.ErrRefused, s.took.Round(time.Millisecond), why)
	}
	close(s.over)
}

// putBack writes the safe level, and sees to it that it is tried again if that fails.
func (r *relay) putBack(pause time.Duration) {
	r.free = time.Now().Add(r.rest)
	if r.again != nil {
		r.again.Stop()
	}
	if err := r.out(!r.on); err != nil {
		r.stuck = fmt.Errorf("cannot be put back: %w; cut its power", err)
		r.trouble(r.stuck)
		if r.halted {
			return
		}
		r.again = time.AfterFunc(pause, func() {
			defer r.guard()
			r.mu.Lock()
			defer r.mu.Unlock()
			if r.stuck != nil && !r.halted {
				r.putBack(min(2*pause, mostAgain))
			}
		})
		return
	}
	r.stuck = nil
	r.trouble(nil)
}

// shut ends the spell that is under way, if there is one.
func (r *relay) shut(why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.spell != nil {
		r.close(r.spell, why)
	}
}

// retire puts the relay back for good.
func (r *relay) retire(why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.retired == nil {
		r.retired = why
	}
	if r.spell != nil {
		r.close(r.spell, why)
	} else {
		r.putBack(firstAgain)
	}
}

// halt is retire for a process that ends: a relay that did not go back is not tried again.
func (r *relay) halt() error {
	r.mu.Lock()
	r.halted = true
	r.mu.Unlock()
	r.retire(errors.New("edgeagent stops"))
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stuck != nil {
		return fmt.Errorf("the door relay %w", r.stuck)
	}
	return nil
}

// out sets the pin. A pin that panics has failed, no more: what follows a
// failure is what must follow a panic too.
func (r *relay) out(level gpio.Level) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("its pin broke off: %v", p)
		}
	}()
	return r.pin.Out(level)
}
