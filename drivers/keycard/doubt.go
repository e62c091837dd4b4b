package keycard

import (
	"context"
	"time"
)

// doubt is what is known of a step's result while that of an earlier command
// may still come, although the lock system has called itself ready. Then the
// first result that fits both says nothing: it may be either's. The lock system
// sends the earlier one first, so the second is the step's; but a success behind
// an error is believed only if the step was seen to be at work between the two.
type doubt struct {
	earlier *orphan
	// shown: NAK answered ENQ while the lock system was at work on this very
	// step, so ACK tells that it no longer is.
	shown bool
	// first is the result that may be either's; nil until it has come.
	first *token
	r     result
	at    time.Time
	// between: the step was still at work when the first had come. torn: a
	// success has come behind an error, and nobody can say whose is which.
	between, torn bool
}

// whose is whose result a token is.
type whose int

const (
	nobodys whose = iota
	either
	ours
)

// doubts is the doubt that a step begins with; nil for none. Where the earlier
// command was the same, and twice is as good as once, either result will do.
func (s *session) doubts(st *step) *doubt {
	o := s.d.suspect()
	if o == nil || o.step != nil && st.repeatable && st.atOnce() && sameFields(o.step.fields, st.fields) {
		return nil
	}
	return &doubt{earlier: o, shown: s.d.cfg.NakWhileBusy != nil && s.tells}
}

// suspect is the command whose result may still come, although the lock system
// has called itself ready since; nil for none.
func (d *Driver) suspect() *orphan {
	if o := d.earlier; o != nil && (o.came || !o.old && !time.Now().Before(o.until)) {
		d.earlier = nil
	}
	return d.earlier
}

// open reports whether a result has come that may be either's.
func (dt *doubt) open() bool { return dt != nil && dt.first != nil }

// isTorn reports whether nobody can say any more whose the results are.
func (dt *doubt) isTorn() bool { return dt != nil && dt.torn }

// judge says whose result a token is that comes after the step was sent.
func (s *session) judge(st *step, tok token) (result, whose) {
	if tok.kind != kindFrame || s.isOwn(tok) || s.isRepeated(tok) {
		s.unsolicited(tok)
		return result{}, nobodys
	}
	r, ok := st.read(tok.fields, s.d.site.Zone)
	if !ok {
		s.unsolicited(tok)
		return result{}, nobodys
	}
	dt := s.doubt
	switch {
	case dt == nil || s.d.suspect() != dt.earlier || !dt.earlier.reads(tok.fields, s.d.site.Zone):
		return r, ours
	case s.d.dialect.codeOf(st.command, r.code).ours:
		// It is given at once and not after a while: to us, because of the earlier one.
		return r, ours
	case dt.first == nil:
		dt.first, dt.r, dt.at = &tok, r, time.Now()
		s.confirm()
		return result{}, either
	case sameFields(tok.fields, dt.first.fields) && time.Since(dt.at) < s.t.Duplicate:
		s.confirm() // the first, repeated
		return result{}, either
	case dt.r.code != "" && r.code == "" && !dt.between:
		s.confirm()
		dt.torn = true
		return result{}, either
	}
	s.arrived(dt.earlier, *dt.first)
	return r, ours
}

// shown asks once, right behind the ACK, whether the lock system tells that it
// is at work.
func (w *waiting) shown() error {
	if w.doubt.shown || w.doubt.earlier.old {
		return nil
	}
	got, err := w.poll(context.Background(), w.hear)
	if err != nil || got != busy || w.done {
		return err
	}
	// An ACK on the heels of a NAK is the newer state.
	late := false
	err = w.listen(context.Background(), w.breath(), func(tok token) bool {
		late = tok.is(ack)
		return late || w.hear(tok)
	})
	w.doubt.shown = !late
	return err
}

// settle finds out whose the first result was. If the lock system has shown that
// it would say if it were still at work, and does not, the result was the
// step's. In all else only a second one tells.
func (w *waiting) settle() error {
	dt := w.doubt
	switch {
	case dt.shown, dt.earlier.old:
	case w.st.atOnce() && w.st.repeatable:
		return w.listen(context.Background(), w.t.Duplicate, w.hear) // and then once more
	case dt.earlier.step == nil && (w.st.atOnce() || dt.r.code != ""):
		// No earlier command is known of, and what is done at once has no time
		// to show anything: the lock system is believed.
	default:
		return nil
	}
	if err := w.listen(context.Background(), w.breath(), w.hear); err != nil || w.done {
		return err
	}
	for range 2 { // one byte could have been damaged
		got, err := w.poll(context.Background(), w.hear)
		dt.between = dt.between || got == busy
		if err != nil || got != ready || w.done {
			return err
		}
	}
	// The step's own result would follow on the heels of the earlier one.
	if err := w.listen(context.Background(), w.t.Duplicate, w.hear); err != nil || w.done {
		return err
	}
	w.settled(dt.first.fields, dt.at)
	w.r, w.done = dt.r, true
	return nil
}

// breath is a short wait for what the lock system says next.
func (s *session) breath() time.Duration { return min(askPause, s.t.Settle) }
