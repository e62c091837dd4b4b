package pms

import "strings"

// find returns the stay that the notice is about, nil for none. several is true
// when it could be one of several stays, and the notice does not say which.
func (f *fold) find(m meaning) (s *Stay, several bool) {
	if s := f.findNamed(); s != nil {
		return s, false
	}
	switch m {
	case meansMove, meansUpdate:
		if f.who.oldRoom != "" {
			if s, several = f.pick(f.who.oldRoom, m); s != nil || several {
				return s, several
			}
			// Perhaps it is known already, and the guest is where the notice says.
			if s, _ = f.pick(f.who.room, m); s != nil {
				return s, false
			}
			return nil, false
		}
	case meansCheckOutUndo, meansCancelUndo:
		// Who is back in the room already has had his check-out taken back.
		if s, several = f.pick(f.who.room, m); s != nil || several {
			return s, several
		}
		return f.findDeparted(), false
	}
	room := f.who.room
	if room == "" {
		room = f.who.left
	}
	if room != "" {
		return f.pick(room, m)
	}
	return f.onlyStayOfGuest(), false
}

// heard reports whether the notice has been folded before, as far as the guests
// of its rooms remember. Without a reservation the same words a second time, in
// the middle of a swap, would move the wrong guest.
func (f *fold) heard() bool {
	if f.who.named() {
		return false
	}
	for _, room := range [...]string{f.who.room, f.who.oldRoom} {
		for _, s := range f.l.rooms[room] {
			if s.Notice == f.n.ID && s.Source == f.who.source {
				return true
			}
		}
	}
	return false
}

// findNamed looks the notice's numbers up.
func (f *fold) findNamed() *Stay {
	w := &f.who
	if w.reservation != "" {
		if s := f.l.refs[ref{w.source, refReservation, w.reservation}]; s != nil {
			return s
		}
	}
	if w.confirmation == "" {
		return nil
	}
	s := f.l.refs[ref{w.source, refConfirmation, w.confirmation}]
	if s == nil || w.reservation == "" || s.Reservation == "" || s.Reservation == s.Confirmation {
		return s
	}
	return nil // rooms of one booking can share the confirmation number
}

// pick finds the stay by its room. A notice that names an unknown reservation
// can only be about a stay whose reservation was never told.
func (f *fold) pick(room string, m meaning) (found *Stay, several bool) {
	var sure, open, displaced, strange *Stay
	var nSure, nOpen, nDisplaced, nStrange int
	for _, s := range f.l.rooms[room] {
		if s.Source != f.who.source || f.who.named() && (s.Reservation != "" || s.Confirmation != "") {
			continue
		}
		switch v := f.sameGuest(s, m); {
		case v > 0:
			sure, nSure = s, nSure+1
		case v < 0:
			strange, nStrange = s, nStrange+1
		default:
			open, nOpen = s, nOpen+1
		}
		if s.Displaced {
			displaced, nDisplaced = s, nDisplaced+1
		}
	}
	switch {
	case nSure == 1:
		return sure, false
	case f.who.named() && m == meansCheckIn:
		return nil, false // nothing says that it is the same guest
	case nDisplaced == 1 && nSure+nOpen > 1 && (f.who.oldRoom == room || m == meansCheckOut) && f.sameGuest(displaced, m) >= 0:
		return displaced, false // his room was given away, so it is he who goes
	case nSure+nOpen > 1:
		return nil, m != meansCheckIn
	case nOpen == 1 && m == meansCheckOut && f.who.share == shareYes && !f.who.named():
		return nil, true // one of a shared room left; whether it is the one we know, nobody says
	case nOpen == 1:
		return open, false
	case nStrange == 1 && m == meansUpdate && !f.who.named() && f.who.oldRoom == "":
		return strange, false // the name of a guest in house changed
	}
	return nil, false
}

// sameGuest compares the guest of a notice with the one of a stay: 1 the same,
// -1 another, 0 nobody can say.
func (f *fold) sameGuest(s *Stay, m meaning) int {
	w := &f.who
	if w.guest != "" && s.GuestID != "" {
		if w.guest == s.GuestID {
			return 1
		}
		for _, g := range s.Guests {
			if g.ID == w.guest {
				return 1
			}
		}
		return -1
	}
	if len(s.Guests) > 0 && (w.last != "" || w.oldLast != "") && s.Guests[0].Last != "" {
		g := s.Guests[0]
		if !same(g.Last, w.last) && !same(g.Last, w.oldLast) {
			return -1
		}
		if g.First != "" && (w.first != "" || w.oldFirst != "") && !same(g.First, w.first) && !same(g.First, w.oldFirst) {
			return -1
		}
		return 1
	}
	if m == meansCheckIn && !s.Departure.IsZero() && s.Departure.Before(f.at) {
		return -1 // a nameless check-in after the departure is the next guest's
	}
	return 0
}

func same(a, b string) bool { return b != "" && strings.EqualFold(a, b) }

// findDeparted finds the stay whose check-out or cancellation is taken back,
// when the notice names no reservation: the last that left the room.
func (f *fold) findDeparted() *Stay {
	room := f.who.room
	if room == "" {
		room = f.who.left
	}
	if f.who.named() || room == "" {
		return nil
	}
	var last *Stay
	for _, s := range f.l.stays {
		if s.Source == f.who.source && s.Room == room && s.Status == StatusDeparted && f.sameGuest(s, meansCheckOutUndo) >= 0 &&
			(last == nil || byLeaving(s, last) > 0) {
			last = s
		}
	}
	return last
}

func byLeaving(a, b *Stay) int {
	if c := a.Since.Compare(b.Since); c != 0 {
		return c
	}
	return strings.Compare(a.ID, b.ID)
}

// onlyStayOfGuest finds the stay of a notice that names only the profile.
func (f *fold) onlyStayOfGuest() *Stay {
	if f.who.guest == "" || f.who.named() {
		return nil
	}
	var only *Stay
	for _, s := range f.l.guests[ref{f.who.source, refGuest, f.who.guest}] {
		if s.Status != StatusInHouse {
			continue
		}
		if only != nil {
			return nil
		}
		only = s
	}
	return only
}
