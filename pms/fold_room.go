package pms

import (
	"slices"
	"sort"
	"strings"
	"time"
)

// seatArrival settles what a check-in means for those in the room: with a
// share they stay, without one they must have left. It returns false if the
// check-in is older than that of the guest in the room, so that it is this one
// who has left.
func (f *fold) seatArrival(e *edit) bool {
	others := f.others(e)
	for _, s := range others {
		if !f.sharing(&e.next, s) && f.older(s.RoomSince, s.Timed) {
			return false
		}
	}
	for _, s := range others {
		if !f.sharing(&e.next, s) {
			f.edit(edit{old: s, next: f.departed(s), assumed: true})
		}
	}
	return true
}

// seatMover settles what a move means for those in the room. Without a share
// two guests may be about to swap rooms, so who is in it now is displaced until
// he turns up elsewhere. If he came later than this move, it is the mover who is.
func (f *fold) seatMover(e *edit) {
	for _, s := range f.others(e) {
		if f.sharing(&e.next, s) {
			continue
		}
		if f.older(s.RoomSince, s.Timed) {
			e.next.Displaced, e.next.DisplacedAt = true, f.now
			continue
		}
		next := *s
		next.Displaced, next.DisplacedAt = true, f.now
		f.edit(edit{old: s, next: next})
	}
	f.restore(e)
}

// restore gives the room that a mover leaves back to the guest whom he had
// displaced: the desk has corrected itself.
func (f *fold) restore(e *edit) {
	if e.old == nil || e.old.Status != StatusInHouse || e.old.Displaced || e.old.Room == e.next.Room {
		return
	}
	var displaced []*Stay
	for _, s := range f.l.rooms[e.old.Room] {
		switch {
		case s == e.old:
		case !s.Displaced:
			return
		default:
			displaced = append(displaced, s)
		}
	}
	if f.n.Kind == KindStayState && len(displaced) > 1 { // who was told to be there last
		displaced = []*Stay{slices.MaxFunc(displaced, byWord)}
	}
	for _, s := range displaced {
		next := *s
		next.Displaced, next.DisplacedAt = false, time.Time{}
		f.edit(edit{old: s, next: next})
	}
}

// others are the guests of the same link who are in the room of a stay, and
// whose room it still is.
func (f *fold) others(e *edit) []*Stay {
	var others []*Stay
	for _, s := range f.l.rooms[e.next.Room] {
		if s != e.old && s.Source == e.next.Source && !s.Displaced {
			others = append(others, s)
		}
	}
	return others
}

// sharing reports whether a newcomer shares the room with a guest in it. What
// the notice says decides. Where it says nothing, the guest's own share flag,
// one booking or one group are evidence, unless he should be gone by now.
func (f *fold) sharing(newcomer, s *Stay) bool {
	switch f.who.share {
	case shareYes:
		return true
	case shareNo:
		return false
	}
	if !s.Departure.IsZero() && !dateOf(s.Departure.In(f.l.opt.Zone)).After(dateOf(f.at.In(f.l.opt.Zone))) {
		return false
	}
	if f.n.Kind == KindStayState {
		return s.Shared // a snapshot tells all there is; a group has many rooms, and swaps them
	}
	return s.Shared || newcomer.Group != "" && newcomer.Group == s.Group ||
		booking(s) != "" && booking(s) == booking(newcomer)
}

// booking is the confirmation number without its leg.
func booking(s *Stay) string {
	number, _, _ := strings.Cut(s.Confirmation, "/")
	return number
}

// before lists who was in the room, main stay first, displaced ones left out.
func (f *fold) before(room string) []*Stay {
	var in []*Stay
	for _, s := range f.l.rooms[room] {
		if !s.Displaced {
			in = append(in, s)
		}
	}
	return in
}

// after lists who is in the room once the edits are applied.
func (f *fold) after(room string) []*Stay {
	var in []*Stay
	if room == "" {
		return nil
	}
	for _, s := range f.l.rooms[room] {
		if !s.Displaced && f.edited(s) == nil {
			in = append(in, s)
		}
	}
	for i := range f.edits {
		if s := &f.edits[i].next; s.Status == StatusInHouse && s.Room == room && !s.Displaced {
			in = append(in, s)
		}
	}
	sort.Slice(in, func(i, j int) bool { return byArrival(in[i], in[j]) < 0 })
	return in
}

// sameScreen reports whether a screen in the room would show the same.
func sameScreen(a, b []*Stay) bool {
	return slices.EqualFunc(a, b, func(a, b *Stay) bool {
		return a.ID == b.ID && a.Language == b.Language && a.VIP == b.VIP && a.Group == b.Group && a.DND == b.DND &&
			a.Arrival.Equal(b.Arrival) && a.Departure.Equal(b.Departure) && slices.Equal(a.Guests, b.Guests)
	})
}

// sameStay reports whether nothing of a stay has changed.
func sameStay(a, b *Stay) bool {
	return a.ID == b.ID && a.Key == b.Key && a.Reservation == b.Reservation && a.Confirmation == b.Confirmation &&
		a.GuestID == b.GuestID && a.Status == b.Status && a.Room == b.Room && a.RoomType == b.RoomType &&
		a.Language == b.Language && a.VIP == b.VIP && a.Group == b.Group && a.Shared == b.Shared &&
		a.Displaced == b.Displaced && a.DND == b.DND && a.CheckedIn == b.CheckedIn &&
		a.Arrival.Equal(b.Arrival) && a.Departure.Equal(b.Departure) && slices.Equal(a.Guests, b.Guests)
}
