package pms

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// hotel is a front desk that always knows who is where, the PMS it types into,
// and what screens and door locks do when they follow our events.
type hotel struct {
	t       *rapid.T
	l       *Ledger
	now     time.Time
	dialect dialect
	ids     int
	people  []*person
	lastOut map[string]*person
	sent    []Notice
	screens map[string]string
	locks   map[string]bool
}

type person struct {
	reservation, name, room string // room "": not in house
}

// dialect is how a PMS words things.
type dialect struct {
	names     int // of whom: 0 nothing but the room, 1 the name, 2 the reservation, 3 the confirmation, 4 the reservation in a field
	asUpdate  bool
	oldApart  bool
	timed     bool
	shareFlag bool
}

func (h *hotel) named() bool { return h.dialect.names >= 2 }

func (h *hotel) in(room string) []*person {
	var in []*person
	for _, p := range h.people {
		if p.room == room {
			in = append(in, p)
		}
	}
	return in
}

func (h *hotel) inHouse() []*person {
	var in []*person
	for _, p := range h.people {
		if p.room != "" {
			in = append(in, p)
		}
	}
	return in
}

var rooms = []string{"101", "102", "103", "104"}

func (h *hotel) someone() *person {
	in := h.inHouse()
	if len(in) == 0 {
		h.t.Skip("nobody in house")
	}
	return in[rapid.IntRange(0, len(in)-1).Draw(h.t, "person")]
}

// tell sends one notice about p, sometimes twice, and lets the devices follow.
func (h *hotel) tell(kind Kind, p *person, fields ...Field) {
	h.ids++
	h.now = h.now.Add(time.Second)
	n := Notice{ID: fmt.Sprintf("p:%d", h.ids), Source: "p", Kind: kind, Fields: fields, NotBefore: h.now, Received: h.now}
	if h.dialect.timed {
		n.Received = h.now.Add(time.Second)
	}
	switch h.dialect.names {
	case 1:
		if _, ok := n.Get(FieldLastName); !ok {
			n.Fields = append(n.Fields, Field{Name: FieldLastName, Old: p.name, New: p.name})
		}
	case 2:
		n.Reservation = p.reservation
	case 3:
		n.Fields = append(n.Fields, Field{Name: FieldConfirmation, Old: p.reservation, New: p.reservation})
	case 4:
		n.Fields = append(n.Fields, Field{Name: FieldReservation, New: p.reservation})
	}
	h.sent = append(h.sent, n)
	h.hear(n)
	if rapid.IntRange(0, 3).Draw(h.t, "twice") == 0 {
		n.Replayed = rapid.Bool().Draw(h.t, "replayed")
		h.hear(n)
	}
}

// status words a change of status as an event name or as an update.
func (h *hotel) status(kind Kind, from, to string, p *person, fields ...Field) {
	if h.dialect.asUpdate {
		kind = KindReservationUpdate
		fields = append(fields, Field{Name: FieldStatus, Old: from, New: to})
	}
	h.tell(kind, p, fields...)
}

func (h *hotel) share(yes bool) []Field {
	if !h.dialect.shareFlag {
		return nil
	}
	if yes {
		return []Field{{Name: FieldShared, New: "Y"}}
	}
	return []Field{{Name: FieldShared, New: "N"}}
}

func (h *hotel) hear(n Notice) {
	c := h.l.Fold(n, h.now)
	h.l.Apply(c)
	for i := range c.Events {
		h.follow(&c.Events[i])
	}
}

// follow is a screen and a lock that do what the events say, and the check that
// nobody who has left is named in a room.
func (h *hotel) follow(e *Event) {
	switch e.Kind {
	case RoomOccupied:
		var names []string
		for _, g := range e.Guests {
			names = append(names, g.Last)
			if !slices.ContainsFunc(h.inHouse(), func(p *person) bool { return p.name == g.Last }) {
				h.t.Fatalf("%s of %s shows %s, who is not in house", e.Kind, e.Room, g.Last)
			}
		}
		slices.Sort(names)
		h.screens[e.Room] = strings.Join(names, "+")
	case RoomVacated:
		delete(h.screens, e.Room)
	case StayCheckedIn, StayReinstated:
		h.locks[e.Room] = true
	case StayRoomMoved:
		if e.OldRoomVacant {
			delete(h.locks, e.OldRoom)
		}
		h.locks[e.Room] = true
	case StayCheckedOut, StayCheckInReversed:
		if e.RoomVacant {
			delete(h.locks, e.Room)
		}
	case Incomplete:
		h.t.Fatalf("incomplete: %s", e.Field("reason"))
	}
}

// check compares ledger, screens and locks with what the desk knows.
func (h *hotel) check(t *rapid.T) {
	for _, room := range rooms {
		var names, kept []string
		for _, p := range h.in(room) {
			names = append(names, p.name)
		}
		for _, s := range h.l.Room(room) {
			for _, g := range s.Guests {
				kept = append(kept, g.Last)
			}
		}
		slices.Sort(names)
		slices.Sort(kept)
		if !slices.Equal(names, kept) {
			t.Fatalf("room %s: ledger has %v, the desk %v", room, kept, names)
		}
		if got := h.screens[room]; got != strings.Join(names, "+") {
			t.Fatalf("room %s: screen shows %q, want %v", room, got, names)
		}
		if h.locks[room] != (len(names) > 0) {
			t.Fatalf("room %s: lock has a key: %v, guests %v", room, h.locks[room], names)
		}
	}
}

func (h *hotel) checkIn(t *rapid.T) {
	h.t = t
	room := rapid.SampledFrom(rooms).Draw(t, "room")
	p := &person{reservation: fmt.Sprint("r", len(h.people)), name: fmt.Sprint("N", len(h.people))}
	share := h.dialect.shareFlag && h.dialect.names > 0 && rapid.Bool().Draw(t, "share")
	if !share {
		for _, old := range h.in(room) { // his check-out was lost
			old.room = ""
			h.left(old, room)
		}
	}
	p.room = room
	h.people = append(h.people, p)
	h.status(KindCheckIn, "RESERVED", "CHECKED IN", p, append(h.share(share), Field{Name: FieldRoom, New: room}, Field{Name: FieldLastName, New: p.name})...)
}

func (h *hotel) checkOut(t *rapid.T) {
	h.t = t
	p := h.someone()
	room := p.room
	p.room = ""
	h.left(p, room)
	var fields []Field
	if !h.named() || rapid.Bool().Draw(t, "with room") {
		fields = append(fields, Field{Name: FieldRoom, Old: room, New: room})
	}
	h.status(KindCheckOut, "CHECKED IN", "CHECKED OUT", p, fields...)
}

// left remembers whose check-out from a room can be taken back.
func (h *hotel) left(p *person, room string) {
	for r, last := range h.lastOut {
		if last == p {
			delete(h.lastOut, r)
		}
	}
	if room != "" {
		h.lastOut[room] = p
	}
}

func (h *hotel) reverse(t *rapid.T) {
	h.t = t
	room := rapid.SampledFrom(rooms).Draw(t, "room")
	p := h.lastOut[room]
	if p == nil || p.room != "" || len(h.in(room)) > 0 {
		t.Skip("nobody to bring back")
	}
	p.room = room
	h.status(KindCheckOutUndo, "CHECKED OUT", "CHECKED IN", p, Field{Name: FieldRoom, Old: room, New: room})
}

func (h *hotel) undoCheckIn(t *rapid.T) {
	h.t = t
	p := h.someone()
	room := p.room
	p.room = ""
	h.left(p, "")
	h.status(KindCheckInUndo, "CHECKED IN", "RESERVED", p, Field{Name: FieldRoom, Old: room, New: room})
}

func (h *hotel) moved(p *person, to string, share bool) {
	fields := h.share(share)
	if h.dialect.oldApart {
		fields = append(fields, Field{Name: FieldRoom, New: to}, Field{Name: FieldOldRoom, New: p.room})
	} else {
		fields = append(fields, Field{Name: FieldRoom, Old: p.room, New: to})
	}
	kind := KindRoomMove
	if h.dialect.asUpdate {
		kind = KindReservationUpdate
	}
	p.room = to
	h.tell(kind, p, fields...)
}

func (h *hotel) move(t *rapid.T) {
	h.t = t
	p := h.someone()
	to := rapid.SampledFrom(rooms).Draw(t, "to")
	share := len(h.in(to)) > 0
	if to == p.room || share && (!h.dialect.shareFlag || h.dialect.names == 0) {
		t.Skip("no room")
	}
	h.moved(p, to, share)
}

func (h *hotel) swap(t *rapid.T) {
	h.t = t
	a, b := h.someone(), h.someone()
	if a.room == b.room || len(h.in(a.room)) > 1 || len(h.in(b.room)) > 1 {
		t.Skip("no two to swap")
	}
	roomA, roomB := a.room, b.room
	h.moved(a, roomB, false)
	h.moved(b, roomA, false)
}

func (h *hotel) rename(t *rapid.T) {
	h.t = t
	p := h.someone()
	old := p.name
	p.name += "x"
	h.tell(KindReservationUpdate, p, Field{Name: FieldRoom, Old: p.room, New: p.room}, Field{Name: FieldLastName, Old: old, New: p.name})
}

// replay repeats something of the past, where the PMS gives times and numbers
// by which old can be told from new.
func (h *hotel) replay(t *rapid.T) {
	h.t = t
	if !h.dialect.timed || !h.named() || len(h.sent) == 0 {
		t.Skip("old and new cannot be told apart")
	}
	n := h.sent[rapid.IntRange(0, len(h.sent)-1).Draw(t, "old")]
	n.Replayed = true
	h.hear(n)
}

// Whatever the desk does and however the PMS words it, the ledger knows who is
// where, the screens show it, and every room that has a guest has a key.
func TestLedgerFollowsTheDesk(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &hotel{
			t: t, l: NewLedger(FoldOptions{}, nil), now: time.Date(2026, 6, 10, 8, 0, 0, 0, time.UTC),
			lastOut: map[string]*person{}, screens: map[string]string{}, locks: map[string]bool{},
			dialect: dialect{
				names: rapid.IntRange(0, 4).Draw(t, "names"), asUpdate: rapid.Bool().Draw(t, "as update"),
				oldApart: rapid.Bool().Draw(t, "old room apart"), timed: rapid.Bool().Draw(t, "timed"), shareFlag: rapid.Bool().Draw(t, "share flag"),
			},
		}
		t.Repeat(map[string]func(*rapid.T){
			"check in": h.checkIn, "check out": h.checkOut, "reverse": h.reverse, "undo": h.undoCheckIn,
			"move": h.move, "swap": h.swap, "rename": h.rename, "replay": h.replay, "": h.check,
		})
	})
}
