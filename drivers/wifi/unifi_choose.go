package wifi

import (
	"cmp"
	"slices"
	"sort"
	"strings"
	"time"
)

// Which voucher a stay keeps, and when it ends.

// choose finds the voucher to keep among those of the stay: the one whose code
// the guest was told, else one in use, else the oldest. The rest has to go.
func (u *unifi) choose(mine []voucher, g Grant) (keep *voucher, rest []voucher) {
	told := g.Known["code"]
	rank := func(v voucher) int {
		switch {
		case !u.fits(v, g):
			return 3
		case v.Code == told:
			return 0
		case v.Used > 0:
			return 1
		}
		return 2
	}
	sorted := slices.Clone(mine)
	sort.Slice(sorted, func(i, j int) bool {
		a, b := &sorted[i], &sorted[j]
		return cmp.Or(cmp.Compare(rank(*a), rank(*b)), a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID)) < 0
	})
	if len(sorted) > 0 && rank(sorted[0]) < 3 {
		return &sorted[0], sorted[1:]
	}
	return nil, sorted
}

// fits reports whether a voucher gives what the grant says.
func (u *unifi) fits(v voucher, g Grant) bool {
	now := u.now()
	if v.Expired || v.Devices != g.Devices || v.DownKbps != g.DownKbps || v.UpKbps != g.UpKbps || v.DataMB != g.DataMB {
		return false
	}
	end := u.end(v, g.Stay)
	if v.Minutes == unifiMaxMinutes && end.Before(g.Until) {
		return now.Before(end) // the longest there is
	}
	least, most := g.Until, g.Until
	if g.Overdue {
		least = g.Departed // made before the departure passed, it is still right
		if now.After(least) {
			least = now
		}
	}
	return now.Before(end) && !end.Before(least.Add(-tolerance)) && !end.After(most.Add(tolerance))
}

// end is when a voucher ends, by the gateway's clock. Of the one that was made
// for the stay the receipt says so: worked out from when it was made it would
// move with every step of the controller's clock, and the guest's code change.
func (u *unifi) end(v voucher, stay Stay) time.Time {
	if until, err := time.Parse(time.RFC3339, stay.Known["until"]); err == nil && v.ID == stay.Known["voucher"] {
		return until
	}
	return u.created(v).Add(time.Duration(v.Minutes) * time.Minute)
}

// created is when a voucher was made, by the gateway's clock.
func (u *unifi) created(v voucher) time.Time {
	return v.CreatedAt.Add(-time.Duration(u.skew.Load()))
}

// minutes is what is left of a grant, rounded up. It counts elapsed time, so no
// change of the clocks matters.
func (u *unifi) minutes(until time.Time) int {
	left := until.Sub(u.now())
	n := int64((left + time.Minute - 1) / time.Minute)
	return int(min(max(n, 1), unifiMaxMinutes))
}
