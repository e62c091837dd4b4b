package keycard

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Pauses between questions to a busy lock system, and how long an answered one
// stays good.
const (
	askPause    = 200 * time.Millisecond
	askPauseMax = time.Second
	askFresh    = time.Second
)

// linkError means that the line or the lock system is gone: the link is opened anew.
type linkError struct {
	err error
	// line is what happened to the line, where err says what that means for the
	// command that was under way; it must not be told of any other.
	line error
}

func (e *linkError) Error() string { return e.err.Error() }
func (e *linkError) Unwrap() error { return e.err }

// lineOf is what happened to the line.
func lineOf(err error) error {
	if down, ok := errors.AsType[*linkError](err); ok && down.line != nil {
		return down.line
	}
	return err
}

// session is the conversation over one opened link.
//
//	ask ─ACK─> send ─ACK─> await ─frame─> result
//	 │NAK       │            │silence
//	 └poll      │            └> unknown, quarantine
//	            ├NAK─> refused: nothing else, ENQ ─ACK─> send
//	            │       ├ACK─> await                  the newer state
//	            │       └busy, cut, unreadable─> unknown
//	            └silence─> resolve: ENQ, ENQ ─ACK,ACK─> unknown; what may happen twice: send
//	                        ├NAK─> await              being worked on
//	                        └silence─> unknown, link down
type session struct {
	*link
	d     *Driver
	t     Timers
	asked time.Time // when the lock system last said that it can take a command
	// last is the latest result frame: a repetition of it is not the next result.
	last   []string
	lastAt time.Time
	// doubt is that of the step in hand; nil for none.
	doubt *doubt
	// tells and confirms: see Config.tells and Config.AckResult.
	tells, confirms bool
}

// answer is what came back to an ENQ.
type answer int

const (
	silent answer = iota
	ready
	busy
)

// poll asks once whether the lock system can take a command. heard gets every
// frame that comes instead; if it returns true the wait ends.
func (s *session) poll(ctx context.Context, heard func(token) bool) (answer, error) {
	s.asked = time.Time{}
	if err := s.write([]byte{enq}, nil); err != nil {
		return silent, &linkError{err: err}
	}
	deadline := time.Now().Add(s.t.Ack)
	for {
		tok, err := s.next(ctx, deadline)
		switch {
		case errors.Is(err, errTimeout):
			return silent, nil
		case err != nil:
			return silent, s.waitError(ctx, err)
		case tok.is(ack):
			s.asked = time.Now()
			return ready, nil
		case tok.is(nak):
			return busy, nil
		case tok.kind != kindControl && heard(tok):
			return silent, nil
		}
	}
}

// waitError tells an error of the line from an end that the caller or Halt asked for.
func (s *session) waitError(ctx context.Context, err error) error {
	if errors.Is(err, errHalted) || ctx.Err() != nil {
		return err
	}
	return &linkError{err: err}
}

// listen waits, dropping what comes; it ends early when heard returns true.
func (s *session) listen(ctx context.Context, wait time.Duration, heard func(token) bool) error {
	deadline := time.Now().Add(wait)
	for {
		tok, err := s.next(ctx, deadline)
		switch {
		case errors.Is(err, errTimeout):
			return nil
		case err != nil:
			return s.waitError(ctx, err)
		case heard(tok):
			return nil
		}
	}
}

// stray hears tokens that belong to no command of ours, and lets the wait go on.
func (s *session) stray(tok token) bool {
	s.unsolicited(tok)
	return false
}

// ask waits until the lock system can take a command, or heard returns true.
func (s *session) ask(ctx context.Context, heard func(token) bool) error {
	if time.Since(s.asked) < askFresh {
		return nil
	}
	ended := false
	hear := func(tok token) bool {
		ended = ended || heard(tok)
		return ended
	}
	end := time.Now().Add(s.t.Busy)
	misses := 0
	for pause := askPause; ; pause = min(2*pause, askPauseMax) {
		got, err := s.poll(ctx, hear)
		switch {
		case err != nil || ended:
			return err
		case got == ready && misses == 0:
			return nil
		case got == ready:
			// The answer may be the late one to the first question: let the other pass.
			return s.listen(ctx, askPause, hear)
		case got == silent:
			if misses++; misses == 2 {
				return &linkError{err: s.silence()}
			}
			continue
		}
		if misses = 0; time.Now().Add(pause).After(end) {
			return again(InterfaceBusy, "the lock system is busy and takes no command")
		}
		// An ACK on the heels of a NAK is the newer state.
		late := false
		err = s.listen(ctx, spread(pause), func(tok token) bool {
			late = tok.is(ack)
			return late || hear(tok)
		})
		if err != nil || ended {
			return err
		}
		if late {
			s.asked = time.Now()
			return nil
		}
	}
}

// spread makes a pause longer by up to a quarter: stations that found the lock
// system busy at the same moment would else ask again at the same moment.
func spread(pause time.Duration) time.Duration { return pause + rand.N(pause/4+1) }
