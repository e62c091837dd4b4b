package pms

import (
	"slices"
	"strings"
	"time"
)

// stayState folds a snapshot. It says how a reservation is; what happened
// follows from the difference to what is known. Each snapshot was true when it
// was taken, so of two the newer counts, in whatever order they come: see outdated.
func (f *fold) stayState() {
	status := ParseStatus(f.n.Value(FieldStatus))
	if !f.who.named() || status == StatusUnknown {
		return
	}
	s := f.findNamed()
	if f.about = s; s != nil && f.outdated(s) {
		return
	}
	switch status {
	case StatusInHouse:
		f.stateInHouse(s)
	case StatusExpected:
		f.stateExpected(s)
	default:
		f.stateOver(s, status)
	}
}

// stateOver is a stay that has ended, or was called off.
func (f *fold) stateOver(s *Stay, status Status) {
	if s == nil {
		// An older snapshot of it may still come, and must bring nobody in.
		if f.ordered() && f.now.Sub(later(f.said, f.n.Version)) < tombstoneFor {
			next := f.newStay()
			next.Status, next.Since = status, f.at
			f.edit(edit{next: next})
		}
		return
	}
	next := *s
	if s.Status != status {
		next = f.departed(s)
		next.Status = status
	}
	f.state(edit{old: s, next: next})
}

// stateExpected is a stay that has not begun, perhaps not any more.
func (f *fold) stateExpected(s *Stay) {
	if s == nil && f.l.expected >= 2*maxExpected {
		return
	}
	next := f.snapshot(s)
	if s == nil || s.Status != StatusExpected {
		next.Status, next.Since, next.DND = StatusExpected, f.at, false
		next.Displaced, next.DisplacedAt = false, time.Time{}
	}
	f.state(edit{old: s, next: next})
}

// stateInHouse is a stay whose guest is in house: he came, came back, moved, or
// something about him changed.
func (f *fold) stateInHouse(s *Stay) {
	e := edit{old: s, next: f.snapshot(s)}
	back := s != nil && s.Status == StatusDeparted
	if s == nil || s.Room == "" || s.Status != StatusInHouse && !back {
		// It counts from when he came: that somebody has edited the stay since makes it no news.
		f.happened(f.n.Value(FieldCheckedIn))
	}
	switch {
	case s != nil && s.Status == StatusInHouse:
		f.stateMove(&e)
	default:
		e.reinstated = back
		checkedIn := e.next.CheckedIn
		f.arrive(&e)
		if back && checkedIn != "" {
			e.next.CheckedIn = checkedIn
		} else if !back {
			f.link(&e)
		}
		f.seatState(&e)
	}
	f.state(e)
	if e.next.Room == "" && (s == nil || s.Status != StatusInHouse || s.Room != "") {
		f.incomplete(&e.next, "the guest is in house, and the PMS names no room")
	}
}

// happened dates the event before the notice that tells of it.
func (f *fold) happened(text string) {
	t, err := time.Parse(time.RFC3339, strings.TrimSpace(text))
	if err == nil && sane(t.Year()) && t.Before(f.at) {
		f.at = t.In(f.l.opt.Zone)
		f.fresh = f.isFresh()
	}
}

// stateMove settles the room of a guest who was in house before.
func (f *fold) stateMove(e *edit) {
	s := e.old
	if e.next.Room == s.Room {
		if s.Displaced && f.newestIn(e) { // it is the other who has moved on
			e.next.Displaced, e.next.DisplacedAt = false, time.Time{}
			e.reinstated = true // the other's key has ended his
			f.seatState(e)
		}
		return
	}
	e.next.RoomSince, e.next.DND = f.at, false // the wish for quiet was about the other room
	e.next.Displaced, e.next.DisplacedAt = false, time.Time{}
	f.seatState(e)
}

// newestIn reports whether nothing as new is known of another guest in the room.
func (f *fold) newestIn(e *edit) bool {
	return !slices.ContainsFunc(f.others(e), func(s *Stay) bool {
		return !f.sharing(&e.next, s) && f.asNew(s)
	})
}

// seatState settles who has a room that two snapshots claim. The guest of the
// older one has moved on, and is displaced until his next snapshot tells where
// to. Nobody is taken for gone because of another's snapshot: they come in any
// order.
func (f *fold) seatState(e *edit) {
	if e.next.Room == "" {
		f.restore(e)
		return
	}
	others := slices.DeleteFunc(f.others(e), func(s *Stay) bool { return f.sharing(&e.next, s) })
	if slices.ContainsFunc(others, f.outdated) {
		f.between(e)
		return
	}
	for _, s := range others {
		next := *s
		next.Displaced, next.DisplacedAt = true, f.now
		f.edit(edit{old: s, next: next})
	}
	f.restore(e)
}

// between is a guest who has left the room of this snapshot already. The room
// that we last knew him in stays his, so that its keys are ended once we hear
// where he is; no screen shows him there.
func (f *fold) between(e *edit) {
	f.told = true
	if s := e.old; s != nil && s.Status == StatusInHouse && s.Room != "" {
		e.next.Room, e.next.RoomSince, e.next.DND = s.Room, s.RoomSince, s.DND
		if s.Displaced {
			e.next.Displaced, e.next.DisplacedAt = true, s.DisplacedAt
			return
		}
	}
	e.next.Displaced, e.next.DisplacedAt = true, f.now
}

// state edits a stay after its snapshot. One that changes nothing is kept if it
// is newer, since all that is older than it counts no more.
func (f *fold) state(e edit) {
	if e.old == nil || !sameStay(e.old, &e.next) || f.overtakes(e.old) {
		f.edit(e)
	}
}

// snapshot is the stay as the notice tells it. What is told empty is empty; what
// is not told at all stays as it was.
func (f *fold) snapshot(s *Stay) Stay {
	var next Stay
	if s != nil {
		next = *s
	} else {
		next = f.newStay()
	}
	w := &f.who
	if w.reservation != "" && next.Reservation == next.Confirmation {
		next.Reservation = w.reservation
	}
	if w.confirmation != "" {
		next.Confirmation = w.confirmation
	}
	next.Shared = w.share == shareYes
	var when times
	for i := range f.n.Fields {
		fl := &f.n.Fields[i]
		switch fl.Name {
		case FieldRoom:
			next.Room = w.room
		case FieldRoomType:
			next.RoomType = name(fl.New)
		case FieldLanguage:
			next.Language = name(fl.New)
		case FieldVIP:
			next.VIP = name(fl.New)
		case FieldGroup:
			next.Group = name(fl.New)
		default:
			when.note(fl)
		}
	}
	f.snapshotGuests(&next)
	f.fillTimes(&next, &when)
	return next
}

// snapshotGuests takes over the guests. A snapshot without any name says nothing
// of them; one with names has all of them.
func (f *fold) snapshotGuests(s *Stay) {
	var main Guest
	var others []Guest
	named, joined := false, false
	for i := range f.n.Fields {
		switch fl := &f.n.Fields[i]; fl.Name {
		case FieldTitle, FieldFirstName, FieldMiddleName, FieldLastName, FieldAltFirstName, FieldAltLastName:
			named = true
		case FieldAccompanying:
			joined = true
			if g := f.companionOf(fl); g.Last != "" || g.First != "" {
				others = append(others, g)
			}
		}
	}
	if !named && !joined {
		return
	}
	if named {
		s.GuestID = f.who.guest
		f.fillName(&main)
		if main != (Guest{}) {
			main.ID = s.GuestID
		}
	} else if len(s.Guests) > 0 {
		main = s.Guests[0]
	}
	guests := make([]Guest, 1, 1+len(others))
	guests[0] = main
	for _, g := range others {
		if len(guests) < maxGuests && (g.ID == "" || !slices.ContainsFunc(guests, func(o Guest) bool { return o.ID == g.ID })) {
			guests = append(guests, g)
		}
	}
	if len(guests) == 1 && main == (Guest{}) {
		guests = nil
	}
	if !slices.Equal(guests, s.Guests) {
		s.Guests = guests
	}
}

// companionOf is another guest, with what the fields of the same number add.
func (f *fold) companionOf(fl *Field) Guest {
	g := companion(fl.New)
	for i := range f.n.Fields {
		if o := &f.n.Fields[i]; o.Seq == fl.Seq {
			switch o.Name {
			case FieldAccompanyingID:
				g.ID = number(o.New)
			case FieldAccompanyingTitle:
				g.Title = name(o.New)
			}
		}
	}
	return g
}
