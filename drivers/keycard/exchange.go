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

// exchange sends a step and gives its result. An error that is *Failure with
// drivers.ErrUnknown means that the step may have been carried out; any other
// that it has not. After an ACK it is never sent again.
func (s *session) exchange(ctx context.Context, st *step, progress func(sent bool)) (result, error) {
	for range s.t.Sends {
		if err := s.distinct(ctx, st); err != nil {
			return result{}, err
		}
		if err := s.ask(ctx); err != nil {
			return result{}, err
		}
		s.drain(func(tok token) { s.unsolicited(tok) })
		if err := context.Cause(ctx); err != nil {
			return result{}, err
		}
		if err := s.write(st.frame, st.fields); err != nil {
			return result{}, &linkError{err: err}
		}
		s.asked = time.Time{}
		progress(true)
		r, got, err := s.handed(st)
		switch {
		case err != nil:
			return result{}, err
		case got == answered:
			progress(false)
			return r, nil
		case got == accepted:
			progress(false)
			return s.await(st)
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

// handed waits for the ACK of a frame that has been sent. From here on the
// caller's context counts no more: the frame may have been taken.
func (s *session) handed(st *step) (result, verdict, error) {
	ctx := context.Background()
	deadline := time.Now().Add(s.t.Ack)
	traces := false // the lock system said something, and it may have been its ACK
	for {
		tok, err := s.next(ctx, deadline)
		switch {
		case errors.Is(err, errTimeout) && !s.tells && !st.repeatable:
			// Asking would tell nothing: only a result can.
			return result{}, accepted, nil
		case errors.Is(err, errTimeout):
			return s.resolve(st, traces)
		case err != nil:
			return result{}, unclear, s.lost(st, err)
		case tok.is(ack):
			return result{}, accepted, nil
		case tok.is(nak):
			return result{}, declined, nil
		case s.isOwn(tok):
			continue
		}
		traces = true
		if r, ok := s.early(st, tok); ok {
			return r, answered, nil
		}
	}
}

// early takes a frame that comes before the ACK for the result, unless it may be
// that of an earlier command.
func (s *session) early(st *step, tok token) (result, bool) {
	if tok.kind != kindFrame || time.Now().Before(s.suspect) || s.isRepeated(tok) {
		s.unsolicited(tok)
		return result{}, false
	}
	r, ok := st.read(tok.fields, s.d.site.Zone)
	if !ok {
		s.unsolicited(tok)
		return result{}, false
	}
	s.concluded(tok)
	return r, true
}

// resolve finds out whether a frame was taken whose ACK did not come. One ENQ is
// not enough: its ACK could be the frame's own, late.
func (s *session) resolve(st *step, traces bool) (result, verdict, error) {
	for range 2 {
		var r result
		early := false
		got, err := s.poll(context.Background(), func(tok token) bool {
			if s.isOwn(tok) {
				return false
			}
			traces = true
			r, early = s.early(st, tok)
			return early
		})
		switch {
		case err != nil:
			return r, unclear, s.lost(st, err)
		case early:
			return r, answered, nil
		case got == busy:
			return r, accepted, nil // it is working on it
		case got == silent:
			return r, unclear, s.lost(st, errors.New("the lock system fell silent before it confirmed"))
		}
	}
	// Two questions, two answers: a third would be the frame's own ACK, late.
	late := false
	err := s.listen(context.Background(), s.t.Ack, func(tok token) bool {
		late = tok.kind == kindControl
		traces = traces || !s.isOwn(tok)
		return late
	})
	switch {
	case err != nil:
		return result{}, unclear, s.lost(st, err)
	case late:
		return result{}, accepted, nil
	case traces:
		// A damaged ACK and a lost or damaged result would look like this.
		return result{}, unclear, s.unknown(st, ProtocolError, "the answer of the lock system could not be read")
	}
	return result{}, declined, nil
}

// await waits for the result of a step that has been accepted.
func (s *session) await(st *step) (result, error) {
	deadline := time.Now().Add(s.t.Result)
	naks := 0
	for {
		tok, err := s.next(context.Background(), deadline)
		switch {
		case errors.Is(err, errTimeout):
			return result{}, s.unknown(st, Timeout, fmt.Sprintf("no result came within %s", s.t.Result))
		case err != nil:
			return result{}, s.lost(st, err)
		case tok.kind == kindDamaged && !s.confirms, tok.kind == kindDamaged && naks >= s.t.Sends:
			return result{}, s.unknown(st, ProtocolError, "the result arrived damaged")
		case tok.kind == kindDamaged:
			naks++
			if err := s.write([]byte{nak}, nil); err != nil {
				return result{}, s.lost(st, err)
			}
			continue
		case tok.kind != kindFrame || s.isOwn(tok):
			continue
		}
		r, ok := st.read(tok.fields, s.d.site.Zone)
		if !ok {
			s.unsolicited(tok)
			continue
		}
		r, tok = s.second(st, r, tok)
		s.concluded(tok)
		return r, nil
	}
}

// second looks whether another result follows while an earlier command's may
// still come: the lock system sends that one first.
func (s *session) second(st *step, r result, tok token) (result, token) {
	if !time.Now().Before(s.suspect) {
		return r, tok
	}
	_ = s.listen(context.Background(), s.t.Duplicate, func(next token) bool {
		if next.kind != kindFrame {
			return false
		}
		if again, ok := st.read(next.fields, s.d.site.Zone); ok {
			s.unsolicited(tok)
			r, tok = again, next
			s.suspect = time.Time{}
		}
		return false
	}) // if the line is gone, the next wait says so
	return r, tok
}

// isRepeated reports whether a frame only repeats the latest result.
func (s *session) isRepeated(tok token) bool {
	return s.last != nil && time.Since(s.lastAt) < s.t.Duplicate && sameFields(tok.fields, s.last)
}

// concluded remembers a result, and confirms it where the site wants that.
func (s *session) concluded(tok token) {
	s.last, s.lastAt = tok.fields, time.Now()
	s.confirm()
}

func (s *session) confirm() {
	if s.confirms {
		_ = s.write([]byte{ack}, nil) // if the line is gone, the next wait says so
	}
}

// unknown marks the link: until the result has come or cannot come any more, no
// command is sent, or its result would be taken for the other's.
func (s *session) unknown(st *step, reason Reason, what string) error {
	s.d.orphan = &orphan{step: st, until: time.Now().Add(s.t.Late), firm: !s.tells}
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
