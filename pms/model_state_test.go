package pms

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// reader is a hotel of which only snapshots are known, read late, twice and in
// any order, and a device side that follows the events. With versions, the PMS's
// clock orders the snapshots of a stay, and that of the gateway is off by any
// amount, is corrected now and then, and shows whole seconds.
type reader struct {
	t       *rapid.T
	l       *Ledger
	now     time.Time
	ids     int
	guests  []*resident
	unread  []Notice
	screens map[string]string
	locks   map[string]bool

	versions bool
	// skew is how far the times of notices are off, own how far the gateway's
	// clock is; together less than what makes it give a guest up.
	skew, own time.Duration
}

type resident struct {
	id, name, room, status string
	newest                 Notice
}

func (r *reader) with(status string) *resident {
	var fit []*resident
	for _, g := range r.guests {
		if g.status == status {
			fit = append(fit, g)
		}
	}
	if len(fit) == 0 {
		r.t.Skip("nobody is ", status)
	}
	return rapid.SampledFrom(fit).Draw(r.t, status)
}

func (r *reader) free() string {
	room := rapid.SampledFrom(rooms).Draw(r.t, "room")
	for _, g := range r.guests {
		if g.room == room && g.status == "Started" {
			r.t.Skip("no room")
		}
	}
	return room
}

// write changes a reservation in the PMS; somebody will read it some time.
func (r *reader) write(guests ...*resident) {
	r.now = r.now.Add(time.Second)
	if r.versions {
		r.now = r.now.Add(-900 * time.Millisecond)
	}
	for _, g := range guests {
		r.ids++
		g.newest = Notice{
			ID: fmt.Sprint("p:", r.ids), Source: "p", Kind: KindStayState, Reservation: g.id, NotBefore: r.now, Received: r.now.Add(time.Hour),
			Fields: []Field{{Name: FieldStatus, New: g.status}, {Name: FieldRoom, New: g.room}, {Name: FieldLastName, New: g.name}},
		}
		if r.versions {
			g.newest.Version, g.newest.NotBefore = r.now, r.now.Add(r.skew).Truncate(time.Second)
			if rapid.Bool().Draw(r.t, "untimed") {
				g.newest.Received = g.newest.NotBefore
			}
		}
		if g.status != "Started" {
			g.newest.Fields = g.newest.Fields[:2]
		}
		r.unread = append(r.unread, g.newest)
	}
}

// read folds a snapshot twice; the second time it is nothing.
func (r *reader) read(n Notice) {
	c := r.l.Fold(n, r.now.Add(r.own))
	r.l.Apply(c)
	for i := range c.Events {
		r.follow(&c.Events[i])
	}
	if again := r.l.Fold(n, r.now.Add(r.own)); len(again.Events)+len(again.Stays) > 0 {
		r.t.Fatalf("%s once more: %+v", n.Reservation, again)
	}
}

func (r *reader) follow(e *Event) {
	switch e.Kind {
	case RoomOccupied:
		var names []string
		for _, g := range e.Guests {
			names = append(names, g.Last)
		}
		slices.Sort(names)
		r.screens[e.Room] = strings.Join(names, "+")
	case RoomVacated:
		delete(r.screens, e.Room)
	case StayCheckedIn, StayReinstated:
		r.locks[e.Room] = true
	case StayRoomMoved:
		if e.OldRoomVacant {
			delete(r.locks, e.OldRoom)
		}
		r.locks[e.Room] = true
	case StayCheckedOut, StayCheckInReversed, StayCancelled:
		if e.RoomVacant {
			delete(r.locks, e.Room)
		}
	case Incomplete:
		r.t.Fatalf("incomplete: %s", e.Field("reason"))
	}
}

// check reads the newest of everybody, and compares.
func (r *reader) check(t *rapid.T) {
	r.t = t
	for _, i := range rapid.Permutation(index(len(r.guests))).Draw(t, "order") {
		if g := r.guests[i]; g.newest.ID != "" {
			r.read(g.newest)
		}
	}
	for _, room := range rooms {
		who := ""
		for _, g := range r.guests {
			if g.room == room && g.status == "Started" {
				who = g.name
			}
		}
		var kept []string
		for _, s := range r.l.Room(room) {
			kept = append(kept, s.Guests[0].Last)
		}
		if got := strings.Join(kept, "+"); got != who || r.screens[room] != who || r.locks[room] != (who != "") {
			t.Fatalf("room %s has %q: ledger %q, screen %q, key %v", room, who, got, r.screens[room], r.locks[room])
		}
	}
	for _, g := range r.guests {
		s, known := r.l.Stay("p/" + g.id)
		if known && (s.Status != ParseStatus(g.status) || s.Displaced) || !known && g.status != "Canceled" {
			t.Fatalf("%s is %s: %+v", g.id, g.status, s)
		}
	}
}

func index(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// In whatever order snapshots are read, early and late ones among them: once
// the newest of each has been, the ledger, screens and locks are as the house is.
func TestSnapshotsInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &reader{
			t: t, l: NewLedger(FoldOptions{}, nil), now: time.Date(2026, 6, 10, 8, 0, 0, 0, time.UTC),
			screens: map[string]string{}, locks: map[string]bool{}, versions: rapid.Bool().Draw(t, "versions"),
		}
		change := func(from, to string, room bool) func(*rapid.T) {
			return func(t *rapid.T) {
				r.t = t
				g := r.with(from)
				if room {
					g.room = r.free()
				}
				g.status = to
				r.write(g)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"book": func(t *rapid.T) {
				r.t = t
				g := &resident{id: fmt.Sprint("r", len(r.guests)), name: fmt.Sprint("N", len(r.guests)), status: "Confirmed"}
				r.guests = append(r.guests, g)
				r.write(g)
			},
			"come": change("Confirmed", "Started", true), "move": change("Started", "Started", true), "leave": change("Started", "Processed", false),
			"return": change("Processed", "Started", true), "undo": change("Started", "Confirmed", false), "cancel": change("Confirmed", "Canceled", false),
			"book again": change("Canceled", "Confirmed", false),
			"swap": func(t *rapid.T) {
				r.t = t
				a, b := r.with("Started"), r.with("Started")
				a.room, b.room = b.room, a.room
				if a != b {
					r.write(a, b)
				}
			},
			"read": func(t *rapid.T) {
				r.t = t
				if len(r.unread) == 0 {
					t.Skip("all read")
				}
				i := rapid.IntRange(0, len(r.unread)-1).Draw(t, "which")
				r.read(r.unread[i])
				if rapid.Bool().Draw(t, "once") {
					r.unread = slices.Delete(r.unread, i, i+1)
				}
			},
			"clock": func(t *rapid.T) {
				if !r.versions {
					t.Skip("nothing else tells the order")
				}
				r.skew = time.Duration(rapid.Int64Range(-48*3600e9, 48*3600e9).Draw(t, "skew"))
				r.own = time.Duration(rapid.IntRange(-10, 10).Draw(t, "own")) * time.Minute
			},
			"check": r.check,
			"":      func(t *rapid.T) {},
		})
	})
}
