package pms

import (
	"cmp"
	"slices"
	"sort"
	"strconv"
	"time"
)

// How long stays are remembered that nobody is in.
const (
	// tombstoneFor is how long a departed stay is kept, so that a late notice
	// does not bring its guest back.
	tombstoneFor = 24 * time.Hour
	// expectedFor is how long a guest who never came is kept, after the day of
	// departure or, without one, after that of arrival.
	expectedFor = 7 * 24 * time.Hour
	// undatedFor is how long a reservation without dates is kept.
	undatedFor = 60 * 24 * time.Hour
)

// Sweep forgets stays that are long over and reservations of guests who never
// came, and checks out guests whose room was given away half an hour ago and
// who have not turned up elsewhere. It never forgets a guest in house. Like
// Fold it leaves the ledger alone.
func (l *Ledger) Sweep(now time.Time) Change {
	f := fold{l: l, now: now, at: now, said: now}
	f.settleDisplaced()
	if len(f.edits) > 0 {
		s := f.edits[0].old
		f.n.ID = "sweep/" + s.Key + "/" + strconv.FormatInt(s.DisplacedAt.Unix(), 10)
	}
	c := f.change(meansNothing)
	// A split stay's second half goes by the key of the first, which must not
	// be forgotten as long as devices work under it.
	inUse := map[string]bool{}
	for _, s := range l.stays {
		if s.Status == StatusInHouse {
			inUse[s.Key] = true
		}
	}
	var expected []*Stay
	for _, s := range l.stays {
		switch s.Status {
		case StatusInHouse:
		case StatusExpected:
			if stale(s, now) {
				c.Forget = append(c.Forget, s.ID)
			} else {
				expected = append(expected, s)
			}
		default:
			if left := later(later(s.Since, s.Changed), s.Version); now.Sub(left) > tombstoneFor && !inUse[s.Key] {
				c.Forget = append(c.Forget, s.ID)
			}
		}
	}
	if len(expected) > maxExpected {
		sort.Slice(expected, func(i, j int) bool { return byNeed(expected[i], expected[j], now) < 0 })
		for _, s := range expected[maxExpected:] {
			c.Forget = append(c.Forget, s.ID)
		}
	}
	slices.Sort(c.Forget)
	return c
}

// stale reports whether a guest who was expected will not come any more.
func stale(s *Stay, now time.Time) bool {
	switch {
	case !s.Departure.IsZero():
		return now.Sub(s.Departure) > expectedFor
	case !s.Arrival.IsZero():
		return now.Sub(s.Arrival) > expectedFor
	}
	return now.Sub(s.Changed) > undatedFor
}

// byNeed puts first the reservations that a check-in will ask for first: those
// due today and later, soonest first, then overdue ones, newest first.
func byNeed(a, b *Stay, now time.Time) int {
	today := now.Add(-24 * time.Hour)
	overdueA, overdueB := a.Arrival.Before(today), b.Arrival.Before(today)
	switch {
	case overdueA && !overdueB:
		return 1
	case overdueB && !overdueA:
		return -1
	case overdueA:
		return cmp.Or(b.Arrival.Compare(a.Arrival), cmp.Compare(a.ID, b.ID))
	}
	return cmp.Or(a.Arrival.Compare(b.Arrival), cmp.Compare(a.ID, b.ID))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
