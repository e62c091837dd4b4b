package iptv

import (
	"context"
	"fmt"
	"slices"

	"edgeagent/drivers"
)

// Results of an ack.
const (
	resultDisplayed   = "displayed"
	resultCleared     = "cleared"
	resultReceived    = "received"
	resultStale       = "stale"
	resultUnsupported = "unsupported"
	resultRejected    = "rejected"
	resultFailed      = "failed"
)

// verdict is how the sets of a room have taken something.
type verdict struct {
	confirmed, pending, stale []string
	refused                   map[string]string // set -> why
	failed                    string            // what a set said about failing
	off                       int               // sets that have no say
}

func (v *verdict) settled() bool { return len(v.pending) == 0 && len(v.stale) == 0 }

// judge asks of every set that is online whether its screen shows gen (0: is
// clear). A set that is not online has no say: it learns the state when it
// comes. What a set has confirmed since first stands; what it has not counts
// from mark on, when it was asked once more.
func (r *room) judge(gen int64, first, mark uint64) verdict {
	v := verdict{refused: map[string]string{}}
	for _, name := range sortedKeys(r.tvs) {
		tv := r.tvs[name]
		if !tv.online {
			v.off++
			continue
		}
		if tv.shown != nil && *tv.shown == gen && (gen != 0 || tv.shownAt > first) {
			v.confirmed = append(v.confirmed, name)
			continue
		}
		v.weigh(name, tv.last(gen, first, mark), gen)
	}
	return v
}

// last is the newest ack that is about gen and still counts. A set that has
// nothing to clear gives no gen; a clear has none of its own.
func (t *set) last(gen int64, first, mark uint64) answer {
	for _, ack := range slices.Backward(t.acks) {
		if ack.at <= first {
			break
		}
		done := (gen == 0 && ack.Result == resultCleared) || (gen != 0 && ack.Gen == gen && ack.Result == resultDisplayed)
		trouble := gen != 0 && ack.Gen == gen && ack.Result != resultCleared && ack.Result != resultReceived && ack.at > mark
		if done || trouble {
			return ack
		}
	}
	return answer{}
}

func (v *verdict) weigh(name string, ack answer, gen int64) {
	switch ack.Result {
	case resultDisplayed, resultCleared:
		v.confirmed = append(v.confirmed, name)
	case resultStale:
		v.stale = append(v.stale, name)
		v.failed = orElse(v.failed, ack.Detail)
	case resultUnsupported:
		v.refused[name] = fmt.Sprintf("does not understand version %d of the contract", major)
	case resultRejected:
		v.refused[name] = orElse(ack.Detail, "gave no reason")
	case resultFailed:
		v.pending = append(v.pending, name)
		v.failed = orElse(ack.Detail, v.failed)
	default:
		v.pending = append(v.pending, name)
	}
}

// confirm waits until every set that is online confirms. Sets that stay silent
// are told to reload; sets that still think their screen is newer get the
// whole from scratch.
func (s *session) confirm(ctx context.Context, key string, mark uint64, gen int64, scratch func() error) outcome {
	var v verdict
	first := mark
	for try := 0; ; try++ {
		_, err := s.until(ctx, key, s.d.cfg.AckTimeout, func(r *room) bool {
			v = r.judge(gen, first, mark)
			return len(v.pending) == 0
		})
		if err != nil {
			return outcome{err: err}
		}
		if v.settled() || try >= *s.d.cfg.AckRetries {
			break
		}
		mark = s.house.mark()
		if len(v.stale) > 0 && try > 0 {
			err = scratch()
		} else {
			err = s.publish(ctx, s.d.roomTopic(key, topicCommand), false, s.d.commandText(newID(), "reload", nil))
		}
		if err != nil {
			return outcome{err: err}
		}
	}
	s.house.setSilent(v.pending)
	return v.outcome(key)
}

func (v *verdict) outcome(key string) outcome {
	switch {
	case len(v.stale) > 0:
		return outcome{err: fmt.Errorf("TV %s takes the screen for out of date (%s): check its clock", some(v.stale), v.failed)}
	case len(v.pending) > 0 && v.failed != "":
		return outcome{err: fmt.Errorf("TV %s could not do it: %s", some(v.pending), v.failed)}
	case len(v.pending) > 0:
		return outcome{err: fmt.Errorf("TV %s is online and does not confirm: check its app, or switch it off and on", some(v.pending))}
	case len(v.refused) > 0:
		name := sortedKeys(v.refused)[0]
		return outcome{err: fmt.Errorf("%w: TV %s: %s", drivers.ErrRefused, name, v.refused[name])}
	}
	return outcome{confirmed: len(v.confirmed), waiting: len(v.confirmed) == 0, off: v.off}
}

// lit says that a set of the room shows something, as far as it says.
func (h *house) lit(key string) bool {
	lit := false
	h.look(key, func(r *room) {
		for _, tv := range r.tvs {
			lit = lit || (tv.online && tv.shown != nil && *tv.shown != 0)
		}
	})
	return lit
}
