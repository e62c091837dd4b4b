package keycard

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// waiting is the wait for the result of a step that has been accepted.
type waiting struct {
	*session
	st   *step
	r    result
	err  error
	done bool
	naks int
}

// errOnceMore: the result may be either's, and doing the step twice is as good as
// once. The next result is the step's in any case.
var errOnceMore = errors.New("the result may be that of an earlier command")

// await waits for the result of a step that has been accepted.
func (s *session) await(st *step) (result, error) {
	w := &waiting{session: s, st: st}
	end := time.Now().Add(s.t.Result)
	if s.doubt != nil {
		if err := w.shown(); err != nil {
			return result{}, s.lost(st, err)
		}
	}
	for asked := false; !w.done; asked = true {
		// What comes first while in doubt ends the wait once, to be asked about.
		var err error
		if asked || !s.doubt.open() {
			err = s.listen(context.Background(), time.Until(end), func(tok token) bool {
				return w.hear(tok) || !asked && s.doubt.open()
			})
		}
		if err == nil && !w.done && !asked && s.doubt.open() {
			if err = w.settle(); err == nil && !w.done && st.atOnce() && st.repeatable {
				return result{}, errOnceMore
			}
		}
		switch {
		case err != nil:
			return result{}, s.lost(st, err)
		case w.done || time.Now().Before(end) && !s.doubt.isTorn():
		case s.doubt.open():
			return result{}, s.unknown(st, Timeout, "one result came, and it may be that of an earlier command")
		default:
			return result{}, s.unknown(st, Timeout, fmt.Sprintf("no result came within %s", s.t.Result))
		}
	}
	return w.r, w.err
}

// hear takes what comes behind the ACK, and returns true once that settles it.
func (w *waiting) hear(tok token) bool {
	switch {
	case w.done:
	case tok.kind == kindDamaged && (!w.confirms || w.naks >= w.t.Sends):
		w.err, w.done = w.unknown(w.st, ProtocolError, "the result arrived damaged"), true
	case tok.kind == kindDamaged:
		w.naks++
		if err := w.write([]byte{nak}, nil); err != nil {
			w.err, w.done = w.lost(w.st, err), true
		}
	case tok.kind == kindFrame && !w.isOwn(tok):
		r, whose := w.judge(w.st, tok)
		switch {
		case whose == ours:
			w.concluded(tok)
			w.r, w.done = r, true
		case w.doubt != nil && w.doubt.torn:
			w.err, w.done = w.unknown(w.st, ProtocolError, "two results came, one good and one not, and one of them is that of an earlier command"), true
		}
	}
	return w.done
}
