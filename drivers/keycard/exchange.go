package keycard

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// verdict is how the lock system took a frame.
type verdict int

const (
	accepted verdict = iota
	declined
	unclear
	answered // with the result at once: its ACK was lost
)

// attempt is a step on its way, and what has been heard of it since it was first sent.
type attempt struct {
	*session
	st *step
	r  result // once it is answered
	// answered: the step's result has come. traces: the lock system said
	// something that could not be read, and it may have been an answer.
	answered, traces bool
}

// exchange sends a step and gives its result. An error that is *Failure with
// drivers.ErrUnknown means that the step may have been carried out; any other
// that it has not. What must not happen twice is sent again only after a NAK
// that nothing has contradicted.
func (s *session) exchange(ctx context.Context, st *step, progress func(sent bool)) (result, error) {
	s.doubt = s.doubts(st)
	if err := s.distinct(ctx, st); err != nil {
		return result{}, err
	}
	a := &attempt{session: s, st: st}
	hear := s.stray // until the first sending nothing can be this step's
	for range s.t.Sends {
		if err := s.ask(ctx, hear); err != nil {
			return result{}, err
		}
		s.drain(func(tok token) { hear(tok) })
		if a.answered {
			return a.r, nil
		}
		if err := context.Cause(ctx); err != nil {
			return result{}, err
		}
		if err := s.write(st.frame, st.fields); err != nil {
			return result{}, &linkError{err: err}
		}
		hear = a.hear
		s.asked = time.Time{}
		progress(true)
		got, err := a.handed()
		switch {
		case err != nil:
			return result{}, err
		case got == answered:
			progress(false)
			return a.r, nil
		case got == accepted:
			progress(false)
			if r, err := s.await(st); !errors.Is(err, errOnceMore) {
				return r, err
			}
		}
	}
	return result{}, again(ProtocolError, "the lock system did not take the command in %d tries: check the line", s.t.Sends)
}

// distinct waits until a repetition of the latest result can no longer be taken
// for the result of this step; after the ACK nobody could tell them apart.
func (s *session) distinct(ctx context.Context, st *step) error {
	rest := time.Until(s.lastAt.Add(s.t.Duplicate))
	if rest <= 0 || s.last == nil {
		return nil
	}
	if _, ok := st.read(s.last, s.d.site.Zone); !ok {
		return nil
	}
	return s.listen(ctx, rest, s.stray)
}

// hear takes what comes before an ACK. A result is one all the same; it returns
// true then.
func (a *attempt) hear(tok token) bool {
	if tok.kind == kindControl || a.isOwn(tok) || a.answered {
		return a.answered
	}
	r, whose := a.judge(a.st, tok)
	if whose != ours {
		a.traces = a.traces || whose == either || tok.kind != kindFrame
		return false
	}
	a.concluded(tok)
	a.r, a.answered = r, true
	return true
}

// handed waits for the ACK of a frame that has been sent. From here on the
// caller's context counts no more: the frame may have been taken.
func (a *attempt) handed() (verdict, error) {
	deadline := time.Now().Add(a.t.Ack)
	for {
		tok, err := a.next(context.Background(), deadline)
		switch {
		case errors.Is(err, errTimeout) && !a.tells && !a.st.repeatable:
			// Asking would tell nothing: only a result can.
			return accepted, nil
		case errors.Is(err, errTimeout):
			return a.resolve()
		case err != nil:
			return unclear, a.lost(a.st, err)
		case tok.is(ack):
			return accepted, nil
		case tok.is(nak):
			return a.refused(deadline)
		case a.hear(tok):
			return answered, nil
		}
	}
}

// refused finds out whether the NAK to a frame is the last word on it. An ACK on
// its heels would be the newer state; and a NAK that was an ACK before the line
// damaged it is followed by a result, or by a lock system that is at work.
func (a *attempt) refused(deadline time.Time) (verdict, error) {
	if a.st.repeatable {
		return declined, nil
	}
	late := false
	err := a.listen(context.Background(), time.Until(deadline), func(tok token) bool {
		late = tok.is(ack)
		return late || a.hear(tok)
	})
	if err == nil && !late && !a.answered {
		err = a.ask(context.Background(), a.hear)
	}
	_, stays := errors.AsType[*Failure](err)
	switch {
	case a.answered:
		return answered, nil
	case late:
		return accepted, nil
	case stays:
		return unclear, a.unknown(a.st, InterfaceBusy, "the lock system refused the command and has been busy since, perhaps with it")
	case err != nil:
		return unclear, a.lost(a.st, err)
	case a.traces:
		return unclear, a.unknown(a.st, ProtocolError, unreadable)
	}
	return declined, nil
}

const unreadable = "the answer of the lock system could not be read"

// resolve finds out whether a frame was taken whose ACK did not come. One ENQ is
// not enough: its ACK could be the frame's own, late. That the lock system is
// ready says that it is not at work, not that it never was: a line that failed
// for a moment can have swallowed ACK and result. So what must not happen twice
// is not sent again.
func (a *attempt) resolve() (verdict, error) {
	for range 2 {
		got, err := a.poll(context.Background(), a.hear)
		switch {
		case err != nil:
			return unclear, a.lost(a.st, err)
		case a.answered:
			return answered, nil
		case got == busy:
			return accepted, nil // it is working on it
		case got == silent:
			return unclear, a.lost(a.st, errors.New("the lock system fell silent before it confirmed"))
		}
	}
	// Two questions, two answers: a third would be the frame's own ACK, late.
	late := false
	err := a.listen(context.Background(), a.t.Ack, func(tok token) bool {
		late = tok.kind == kindControl
		return late || a.hear(tok)
	})
	switch {
	case a.answered:
		return answered, nil
	case err != nil:
		return unclear, a.lost(a.st, err)
	case late:
		return accepted, nil
	case a.st.repeatable:
		return declined, nil
	case a.traces:
		return unclear, a.unknown(a.st, ProtocolError, unreadable)
	}
	return unclear, a.unknown(a.st, Timeout, fmt.Sprintf("the lock system did not confirm the command within %s", a.t.Ack))
}

// isRepeated reports whether a frame only repeats the latest result.
func (s *session) isRepeated(tok token) bool {
	return s.last != nil && time.Since(s.lastAt) < s.t.Duplicate && sameFields(tok.fields, s.last)
}

// concluded remembers a result, and confirms it where the site wants that.
func (s *session) concluded(tok token) {
	s.settled(tok.fields, time.Now())
	s.confirm()
}

// settled remembers the result of a step. What was held back would have come before it.
func (s *session) settled(fields []string, at time.Time) {
	s.last, s.lastAt = fields, at
	if o := s.d.earlier; o != nil && o.old {
		s.d.earlier = nil
	}
}

func (s *session) confirm() {
	if s.confirms {
		_ = s.write([]byte{ack}, nil) // if the line is gone, the next wait says so
	}
}

// unknown marks the link: until the result has come or cannot come any more, no
// command is sent, or its result would be taken for the other's.
func (s *session) unknown(st *step, reason Reason, what string) error {
	s.d.orphan = &orphan{step: st, until: time.Now().Add(s.t.Late), firm: !s.tells || s.doubt != nil, several: s.doubt != nil}
	return unknown(reason, "%s: %s", what, st.whatToDo())
}

// lost is unknown, and the link is down.
func (s *session) lost(st *step, err error) error {
	return &linkError{err: s.unknown(st, LinkLost, err.Error()), line: err}
}

// whatToDo tells a person how to find out.
func (st *step) whatToDo() string {
	switch st.command {
	case "CO", "B":
		return "see in the lock system whether the room is checked out"
	case "LT", "L1", "L2", "L3", "P1", "P2", "P3", "E":
		return "read the card again"
	case "MC":
		return "see in the lock system until when the room's stay lasts"
	case "C":
		return "see in the lock system which room the guest has"
	case "CNM", "CCM":
		return "see in the lock system whether the phone has its key"
	}
	return "read the card to see whether it was made, then make a new one if needed"
}
