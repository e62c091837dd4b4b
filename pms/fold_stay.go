package pms

import "time"

// Limits of what is believed or kept.
const (
	// leastStay is given to a guest whose departure was over at check-in: a slip
	// at the desk, and never a reason to lock him out.
	leastStay = 4 * time.Hour
	// maxExpected bounds the reservations kept of guests who have not arrived.
	maxExpected = 5000
)

// checkIn brings a guest in. s is his stay as far as it is known.
func (f *fold) checkIn(s *Stay) {
	switch {
	case s == nil:
	case s.Status == StatusInHouse && (s.Room != "" || f.who.room == ""):
		f.repeat(s)
		return
	case s.Status == StatusDeparted || s.Status == StatusCancelled:
		if f.told || s.CheckedIn == f.n.ID || f.at.Before(s.Changed) {
			return // it was checked in before it left
		}
	case s.Status == StatusExpected && f.older(s.Since, s.Timed):
		return
	}
	e := edit{old: s, next: f.base(s)}
	if e.next.Room == "" && !f.who.named() {
		f.incomplete(nil, "the check-in names neither a room nor a reservation")
		return
	}
	f.arrive(&e)
	f.link(&e)
	if e.next.Room == "" {
		f.edit(e)
		f.incomplete(&e.next, "the check-in names no room")
		return
	}
	if !f.seatArrival(&e) {
		e.next.Status = StatusDeparted // the next guest is in that room since then
	}
	f.edit(e)
}

// repeat is a check-in of a guest who is in house already: information about
// the stay, and never news.
func (f *fold) repeat(s *Stay) {
	if f.who.room == "" || f.who.room == s.Room {
		f.told = true
	}
	f.update(s, meansUpdate)
}

// base is what is known of a stay, with what the notice adds.
func (f *fold) base(s *Stay) Stay {
	var next Stay
	if s != nil {
		next = *s
	} else {
		next = f.newStay()
	}
	if f.who.room != "" {
		next.Room = f.who.room
	}
	f.fill(&next)
	return next
}

func (f *fold) newStay() Stay {
	w := &f.who
	s := Stay{Source: w.source, Reservation: w.reservation, Confirmation: w.confirmation}
	if s.Reservation == "" {
		s.Reservation = w.confirmation
	}
	s.ID = w.source + "/" + s.Reservation
	if s.Reservation == "" {
		s.ID = w.source + "/" + w.room + "#" + f.n.ID
	} else if f.l.stays[s.ID] != nil {
		s.ID += "#" + f.n.ID
	}
	s.Key = StayKey(f.l.opt.Key, s.ID)
	return s
}

// arrive marks the stay as in house from now on.
func (f *fold) arrive(e *edit) {
	s := &e.next
	s.Status, s.Since, s.RoomSince, s.CheckedIn = StatusInHouse, f.at, f.at, f.n.ID
	s.Displaced, s.DisplacedAt = false, time.Time{}
	if !s.Departure.IsZero() && !s.Departure.After(f.at) {
		s.Departure = f.at.Add(leastStay).In(f.l.opt.Zone)
		e.reason = "the departure was over at check-in; four hours are given, please correct it"
	}
}

// checkOut ends a stay. Never by room alone if another guest may be in it.
func (f *fold) checkOut(s *Stay) {
	if s == nil {
		switch {
		case f.who.named() && f.timed && !f.told:
			// Its check-in may still come, older than this.
			next := f.newStay()
			next.Status, next.Since = StatusDeparted, f.at
			f.edit(edit{next: next})
		case !f.who.named() && f.who.room == "" && f.who.left == "":
			f.incomplete(nil, "the check-out names neither a room nor a reservation that is known")
			return
		}
		if f.who.room == "" && f.who.left == "" && !f.told {
			f.incomplete(nil, "the check-out names no room, and its reservation is not known")
		}
		return
	}
	if f.told && !f.who.named() {
		return // a departed guest's notice, and somebody else may be in the room
	}
	f.leave(s, StatusDeparted)
}

// leave ends a stay, or undoes its check-in, with the given status.
func (f *fold) leave(s *Stay, status Status) {
	if s == nil {
		return
	}
	switch {
	case s.Status == status, s.Status == StatusDeparted, s.Status == StatusCancelled:
		return
	case f.older(s.Since, s.Timed):
		return // of an earlier time in this stay, or of the guest before
	}
	next := f.departed(s)
	next.Status = status
	f.edit(edit{old: s, next: next})
}

// departed is the stay after its guest has left. It keeps the room it was in.
func (f *fold) departed(s *Stay) Stay {
	next := *s
	next.Status, next.Since, next.DND = StatusDeparted, f.at, false
	next.Displaced, next.DisplacedAt = false, time.Time{}
	return next
}

// checkOutUndo brings a guest back whose check-out was a mistake.
func (f *fold) checkOutUndo(s *Stay) {
	if s == nil || s.Status == StatusExpected || s.Status == StatusInHouse {
		f.told = f.told || s == nil // who it is we hear only now
		f.checkIn(s)
		return
	}
	if f.older(s.Since, s.Timed) {
		return
	}
	e := edit{old: s, next: f.base(s), reinstated: true}
	checkedIn := e.next.CheckedIn
	f.arrive(&e)
	if checkedIn != "" {
		e.next.CheckedIn = checkedIn
	}
	if e.next.Room == "" {
		f.edit(e)
		f.incomplete(&e.next, "the reversed check-out names no room")
		return
	}
	f.seatMover(&e)
	f.edit(e)
}

func (f *fold) cancelUndo(s *Stay) {
	if s == nil || s.Status != StatusCancelled || f.older(s.Since, s.Timed) {
		return
	}
	next := f.base(s)
	next.Status, next.Since = StatusExpected, f.at
	f.edit(edit{old: s, next: next})
}

// update takes over what a notice says of a stay, a new room included.
func (f *fold) update(s *Stay, m meaning) {
	if s == nil {
		f.unknown(m)
		return
	}
	switch s.Status {
	case StatusDeparted, StatusCancelled:
		return
	case StatusExpected:
		if f.told {
			f.checkIn(s) // we missed it
			return
		}
		if f.older(s.Changed, s.Timed) {
			return
		}
		if next := f.base(s); !sameStay(s, &next) {
			f.edit(edit{old: s, next: next})
		}
		return
	}
	e := edit{old: s, next: *s}
	if !f.older(s.Changed, s.Timed) {
		f.fill(&e.next)
	}
	if room := f.who.room; room != "" && room != s.Room && !f.older(s.RoomSince, s.Timed) {
		f.move(&e, room)
	}
	if !sameStay(s, &e.next) {
		f.edit(e)
	}
}

// move puts a guest in house into another room, or into the first one if the
// check-in named none.
func (f *fold) move(e *edit, room string) {
	late := e.old.Room == ""
	e.next.Room, e.next.RoomSince = room, f.at
	e.next.Displaced, e.next.DisplacedAt = false, time.Time{}
	if late {
		if !f.seatArrival(e) {
			e.next.Status, e.next.Since = StatusDeparted, f.at
		}
		return
	}
	f.told = f.told || f.who.roomTold
	e.next.DND = false // the wish was about the other room
	f.seatMover(e)
}

// unknown is an update of a stay that we know nothing of.
func (f *fold) unknown(m meaning) {
	switch {
	case f.told && (f.who.room != "" && (f.who.named() || f.who.last != "")):
		f.checkIn(nil) // he is in house, and we hear of him only now
	case m == meansMove && f.who.room != "" && (f.who.named() || f.who.last != ""):
		f.told = true
		f.checkIn(nil)
	case m == meansMove && !f.who.named() && f.who.oldRoom == "":
		f.incomplete(nil, "the room move names neither a reservation nor the room that was left")
	case f.who.named() && f.n.Kind != KindUnknown && f.l.expected < 2*maxExpected:
		next := f.base(nil)
		next.Status, next.Since = StatusExpected, f.at
		f.edit(edit{next: next})
	}
}
