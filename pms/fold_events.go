package pms

import "slices"

// tell turns the edits into events: first what happened to stays, those that
// leave before those that come, then who is in which room, emptied rooms first.
func (f *fold) tell() []Event {
	events := make([]Event, 0, 2*len(f.edits)+len(f.news)+1)
	for i := range f.edits {
		if e := &f.edits[i]; e.leaves() {
			events = f.tellLeaving(events, e)
		}
	}
	for i := range f.edits {
		if e := &f.edits[i]; !e.leaves() && e.next.Status == StatusInHouse && e.next.Room != "" {
			events = f.tellStay(events, e)
		}
	}
	events = f.tellRooms(events)
	return append(events, f.news...)
}

// wasIn reports whether the guest was in house, in a room that counts.
func (e *edit) wasIn() bool { return e.old != nil && e.old.Status == StatusInHouse }

// leaves reports whether the stay ends with this edit, or is called off.
func (e *edit) leaves() bool {
	return e.old != nil && e.next.Status != StatusInHouse &&
		(e.wasIn() || e.old.Status == StatusExpected && e.next.Status == StatusCancelled)
}

func (f *fold) tellLeaving(events []Event, e *edit) []Event {
	kind := StayCheckedOut
	switch e.next.Status {
	case StatusExpected:
		kind = StayCheckInReversed
	case StatusCancelled:
		kind = StayCancelled
	}
	return append(events, f.stayEvent(kind, e))
}

func (f *fold) tellStay(events []Event, e *edit) []Event {
	if !e.wasIn() || e.old.Room == "" || e.reinstated {
		kind := StayCheckedIn
		switch {
		case e.reinstated:
			kind = StayReinstated
		case e.from != nil && e.from.Room != e.next.Room:
			kind = StayRoomMoved
		}
		return append(events, f.stayEvent(kind, e))
	}
	if e.old.Room != e.next.Room {
		events = append(events, f.stayEvent(StayRoomMoved, e))
	}
	switch was, is := e.old.Departure, e.next.Departure; {
	case is.IsZero() || is.Equal(was):
	case was.IsZero() || is.After(was):
		events = append(events, f.stayEvent(StayExtended, e))
	default:
		events = append(events, f.stayEvent(StayShortened, e))
	}
	if a, b := e.old, &e.next; a.Language != b.Language || a.VIP != b.VIP || a.Group != b.Group || a.RoomType != b.RoomType ||
		!slices.Equal(a.Guests, b.Guests) {
		events = append(events, f.stayEvent(StayUpdated, e))
	}
	return events
}

func (f *fold) stayEvent(kind EventKind, e *edit) Event {
	room := e.next.Room
	if e.leaves() {
		room = e.old.Room // with the check-in undone, another may be planned
	}
	in := f.after(room)
	ev := Event{
		Kind: kind, Room: room, Stay: e.next, Guests: e.next.Guests, Assumed: e.assumed,
		RoomVacant: len(in) == 0 && room != "", Shared: sharedWith(in, &e.next),
	}
	if e.assumed || e.next.Displaced || e.leaves() && e.old.Displaced {
		ev.Shared = false // the other guest has the room to himself
	}
	if kind == StayRoomMoved {
		ev.OldRoom = oldRoom(e)
		ev.OldRoomVacant = len(f.after(ev.OldRoom)) == 0
	}
	if e.reason != "" {
		ev.Extra = map[string]string{"reason": e.reason}
	}
	return ev
}

func oldRoom(e *edit) string {
	if e.wasIn() {
		return e.old.Room
	}
	return e.from.Room
}

// sharedWith reports whether another stay than s is in the room.
func sharedWith(in []*Stay, s *Stay) bool {
	return slices.ContainsFunc(in, func(o *Stay) bool { return o.ID != s.ID })
}

// tellRooms compares each room that an edit touches before and after.
func (f *fold) tellRooms(events []Event) []Event {
	var rooms []string
	touch := func(s *Stay) {
		if s != nil && s.Status == StatusInHouse && s.Room != "" && !slices.Contains(rooms, s.Room) {
			rooms = append(rooms, s.Room)
		}
	}
	for i := range f.edits {
		touch(f.edits[i].old)
	}
	for i := range f.edits {
		touch(&f.edits[i].next)
	}
	var occupied []Event
	for _, room := range rooms {
		before, after := f.before(room), f.after(room)
		switch {
		case sameScreen(before, after):
		case len(after) == 0:
			last := f.lastOf(before)
			events = append(events, Event{Kind: RoomVacated, Room: room, RoomVacant: true, Stay: last.next, Assumed: last.assumed})
		default:
			occupied = append(occupied, Event{
				Kind: RoomOccupied, Room: room, Stay: *after[0], Guests: guestsIn(after), Shared: len(after) > 1,
			})
		}
	}
	return append(events, occupied...)
}

// lastOf is the edit of the main one of those who were in a room that is empty now.
func (f *fold) lastOf(before []*Stay) *edit {
	return f.edited(before[0])
}

// guestsIn are all guests of a room, the main stay's first.
func guestsIn(in []*Stay) []Guest {
	if len(in) == 1 {
		return in[0].Guests
	}
	var guests []Guest
	for _, s := range in {
		guests = append(guests, s.Guests...)
	}
	return guests
}
