package mews

import (
	"context"
	"net/http"
	"time"

	"edgeagent/pms"
)

// lags is when a read that shows less than its event said is repeated, as
// multiples of the lag: what was written is seen a few seconds later elsewhere.
var lags = [...]time.Duration{1, 3, 10}

// hint notes that a reservation must be read. Several that come together are
// read together.
func (f *follower) hint(key string, h hint, now time.Time) {
	if f.gather.last.IsZero() {
		f.gather.first = now
	}
	f.gather.last = now
	f.hints[key] = h
	f.seen.told(key, f.clock.server())
}

// gathered is when the new hints may be read: after a moment of quiet, and soon
// in any case. Zero: there are none.
func (f *follower) gathered() time.Time {
	if f.gather.last.IsZero() {
		return time.Time{}
	}
	quiet, soon := f.gather.last.Add(f.waits.Gather), f.gather.first.Add(5*f.waits.Gather)
	if quiet.Before(soon) {
		return quiet
	}
	return soon
}

// nextHint is when a hint is to be read; zero for none.
func (f *follower) nextHint() time.Time {
	next := f.gathered()
	for _, h := range f.hints {
		if !h.due.IsZero() && (next.IsZero() || h.due.Before(next)) {
			next = h.due
		}
	}
	return next
}

func (f *follower) hintsDue(now time.Time) bool {
	next := f.nextHint()
	return !next.IsZero() && !now.Before(next)
}

// readingHints reads the reservations that events named.
func (f *follower) readingHints(now time.Time) func(context.Context) func() {
	asked := map[string]hint{}
	fresh := !f.gather.last.IsZero() && !now.Before(f.gathered())
	for key, h := range f.hints {
		if h.due.IsZero() && fresh || !h.due.IsZero() && !now.Before(h.due) {
			asked[key] = h
		}
	}
	if fresh {
		f.gather = gathering{}
	}
	ids := make([]string, 0, len(asked))
	for key := range asked {
		ids = append(ids, key)
	}
	h := f.house
	return func(ctx context.Context) func() {
		r, err := f.readStays(ctx, h, byIDs(ids), always)
		return func() {
			f.reading = false
			if err != nil {
				f.trouble(ctx, err)
				if statusOf(err) == http.StatusBadRequest {
					for key := range asked {
						delete(f.hints, key)
					}
					f.behind = true // whichever of them it is, the window finds the others
					return
				}
				f.again(asked)
				return
			}
			f.took(r)
			f.compare(asked, r)
			f.hand(f.stayNotices(r, false))
		}
	}
}

// again keeps hints whose read failed for good; they are read with the next.
func (f *follower) again(asked map[string]hint) {
	for key, h := range asked {
		if f.hints[key].at.Equal(h.at) {
			h.due = f.now().Add(f.waits.BackoffMax)
			f.hints[key] = h
		}
	}
}

// compare looks whether reads show what the events said. One that does not may
// have come too early; it is repeated a few times, then what was read stands:
// the event may have been older than the read.
func (f *follower) compare(asked map[string]hint, r *stayReading) {
	rows := make(map[string]*reservationRow, len(r.rows))
	for i := range r.rows {
		rows[id(r.rows[i].ID)] = &r.rows[i]
	}
	for key, h := range asked {
		now, waiting := f.hints[key]
		if !waiting || !now.at.Equal(h.at) {
			continue // a newer event has come
		}
		row := rows[key]
		if row != nil && row.State == h.state && (!h.told || id(row.AssignedResourceID) == h.room) || h.tries >= len(lags) {
			delete(f.hints, key)
			continue
		}
		h.due = f.now().Add(lags[h.tries] * f.waits.Lag)
		h.tries++
		f.hints[key] = h
	}
}

// trouble notes a read that failed for a reason that trying again at once does
// not mend. Whatever else can be read is read all the same.
func (f *follower) trouble(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	f.troubled = true
	f.board.Problem(problemOf(err))
	f.log.Error().Err(err).Msg("pms read failed")
}

// went notes that a read went well, so that no trouble before it stands any more.
func (f *follower) went() {
	if f.troubled && f.open {
		f.board.Problem("")
	}
	f.troubled = false
}

// prices are offered to rules, for a display that shows them.
func (f *follower) prices(list []price) {
	notices := make([]pms.Notice, 0, len(list))
	for _, p := range list {
		notices = append(notices, pms.Notice{
			ID: f.name + "/price/" + p.id, Source: f.name, Offset: f.mark.String(), Kind: pms.KindPrice, Name: "PriceUpdate",
			NotBefore: p.at, Received: p.at,
			Fields: []pms.Field{
				{Name: pms.FieldRate, New: p.rate}, {Name: pms.FieldCategory, New: p.category},
				{Name: pms.FieldFrom, New: p.from}, {Name: pms.FieldTo, New: p.to},
			},
		})
	}
	f.hand(notices)
}
