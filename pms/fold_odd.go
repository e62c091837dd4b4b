package pms

import "strconv"

// ambiguous says that a notice could be about several stays. Updates without
// a name are many and harmless; what would take a room away is shown.
func (f *fold) ambiguous(m meaning) {
	what := "the notice"
	switch m {
	case meansCheckOut:
		what = "the check-out"
	case meansMove:
		what = "the room move"
	case meansCheckInUndo:
		what = "the reversed check-in"
	case meansUpdate:
		if f.who.oldRoom == "" {
			return
		}
		what = "the room move"
	}
	room := f.who.room
	if m == meansCheckOut && room == "" {
		room = f.who.left
	}
	if f.who.oldRoom != "" && m != meansCheckOut {
		room = f.who.oldRoom
	}
	f.news = append(f.news, Event{
		Kind: Incomplete, Room: room,
		Extra: map[string]string{"reason": what + " names no reservation, and it could be about several guests (known in the room: " +
			strconv.Itoa(len(f.l.rooms[room])) + ")"},
	})
}

// incomplete says what a notice lacks; s is the stay, if it is known.
func (f *fold) incomplete(s *Stay, reason string) {
	e := Event{Kind: Incomplete, Room: f.who.room, Extra: map[string]string{"reason": reason}}
	if s != nil {
		e.Stay, e.Guests = *s, s.Guests
	}
	f.news = append(f.news, e)
}
