package pms

import (
	"strings"
	"time"
)

// splitGap is how far apart check-out and check-in may be when the PMS splits
// one guest's stay into two reservations.
const splitGap = 15 * time.Minute

// link recognises a stay that the PMS split into two reservations: the same
// guest went out and in within minutes. The new stay keeps the key of the old,
// so that the guest's WiFi access goes on.
func (f *fold) link(e *edit) {
	if e.old != nil && e.old.Status != StatusExpected || e.next.GuestID == "" {
		return
	}
	var from *Stay
	for _, s := range f.l.guests[ref{f.who.source, refGuest, e.next.GuestID}] {
		gap := f.at.Sub(s.Since)
		sameDay := dateOf(s.Since.In(f.l.opt.Zone)).Equal(dateOf(f.at.In(f.l.opt.Zone)))
		if s.Status == StatusDeparted && s.Room != "" && s.GuestID == e.next.GuestID && sameDay && gap >= 0 && gap <= splitGap &&
			sameMain(s, &e.next) && (from == nil || byLeaving(s, from) > 0) {
			from = s
		}
	}
	if from == nil {
		return
	}
	for _, s := range f.l.guests[ref{f.who.source, refGuest, e.next.GuestID}] {
		if s.Status == StatusInHouse && s.Key == from.Key {
			return // another room continues that stay
		}
	}
	e.from, e.next.Key = from, from.Key
}

// sameMain compares names, since one profile can stand for a whole group.
func sameMain(a, b *Stay) bool {
	return len(a.Guests) > 0 && len(b.Guests) > 0 && a.Guests[0].Last != "" &&
		strings.EqualFold(a.Guests[0].Last, b.Guests[0].Last) && strings.EqualFold(a.Guests[0].First, b.Guests[0].First)
}
