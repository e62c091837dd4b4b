package pms

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// house is a ledger in a hotel of the tests, with its clock.
type house struct {
	t   testing.TB
	l   *Ledger
	now time.Time
	ids int
}

func berlin(t testing.TB) *time.Location { return zone(t, "Europe/Berlin") }

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func newHouse(t testing.TB) *house {
	t.Helper()
	return &house{
		t: t, now: time.Date(2026, 6, 10, 14, 0, 0, 0, berlin(t)),
		l: NewLedger(FoldOptions{Key: []byte("k"), Zone: berlin(t)}, nil),
	}
}

// told makes a notice of kind and reservation. Fields are "name=new",
// "name=old>new" or, unchanged, "name==value"; accompanying guests count up.
func (h *house) told(kind Kind, reservation string, fields ...string) Notice {
	h.t.Helper()
	h.ids++
	n := Notice{
		ID: fmt.Sprintf("p:1:%d", h.ids), Source: "p", Kind: kind, Reservation: reservation,
		NotBefore: h.now, Received: h.now.Add(time.Second),
	}
	seq := map[string]int{}
	for _, text := range fields {
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			h.t.Fatalf("no field: %q", text)
		}
		f := Field{Name: name, New: value, Seq: seq[name]}
		seq[name]++
		if same, ok := strings.CutPrefix(value, "="); ok {
			f.Old, f.New = same, same
		} else if old, is, ok := strings.Cut(value, ">"); ok {
			f.Old, f.New = old, is
		}
		n.Fields = append(n.Fields, f)
	}
	return n
}

// fold folds and applies, and checks that a second folding comes to nothing.
func (h *house) fold(n Notice) Change {
	h.t.Helper()
	before := h.dump()
	c := h.l.Fold(n, h.now)
	if diff := cmp.Diff(before, h.dump()); diff != "" {
		h.t.Fatalf("Fold changed the ledger:\n%s", diff)
	}
	h.l.Apply(c)
	checkLedger(h.t, h.l)
	return c
}

func (h *house) dump() map[string]Stay {
	all := map[string]Stay{}
	for id, s := range h.l.stays {
		own := *s
		own.Guests = slices.Clone(s.Guests)
		all[id] = own
	}
	return all
}

// say folds a notice and returns what it came to, one line per event.
func (h *house) say(kind Kind, reservation string, fields ...string) []string {
	h.t.Helper()
	return lines(h.fold(h.told(kind, reservation, fields...)))
}

// want fails unless got is what is wanted.
func want(t testing.TB, got []string, wanted ...string) {
	t.Helper()
	if diff := cmp.Diff(wanted, got); diff != "" && len(got)+len(wanted) > 0 {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func lines(c Change) []string {
	var out []string
	for i := range c.Events {
		out = append(out, line(&c.Events[i]))
	}
	return out
}

// line is an event in one line: kind, room, names, and what is set.
func line(e *Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", e.Kind, e.Room)
	if e.OldRoom != "" {
		fmt.Fprintf(&b, " from %s", e.OldRoom)
	}
	var names []string
	for _, g := range e.Guests {
		names = append(names, g.Last)
	}
	if len(names) > 0 {
		fmt.Fprintf(&b, " %s", strings.Join(names, "+"))
	}
	for _, flag := range []struct {
		set  bool
		name string
	}{
		{!e.Fresh, "old"}, {e.RoomVacant, "vacant"}, {e.OldRoom != "" && e.OldRoomVacant, "oldvacant"},
		{e.Shared, "shared"}, {e.Assumed, "assumed"}, {e.Stay.DND, "dnd"},
	} {
		if flag.set {
			b.WriteString(" " + flag.name)
		}
	}
	return b.String()
}

// in returns who is in the room, by last name.
func (h *house) in(room string) string {
	var names []string
	for _, s := range h.l.Room(room) {
		for _, g := range s.Guests {
			names = append(names, g.Last)
		}
	}
	return strings.Join(names, "+")
}

func (h *house) wantIn(room, names string) {
	h.t.Helper()
	if got := h.in(room); got != names {
		h.t.Errorf("in room %s: %q, want %q", room, got, names)
	}
}

func (h *house) later(d time.Duration) { h.now = h.now.Add(d) }

// stay is the ledger's stay of a reservation.
func (h *house) stay(reservation string) Stay {
	h.t.Helper()
	s, ok := h.l.Stay("p/" + reservation)
	if !ok {
		h.t.Fatalf("no stay of reservation %s", reservation)
	}
	return s
}

// checkLedger compares every index of the ledger with its stays.
func checkLedger(t testing.TB, l *Ledger) {
	t.Helper()
	fresh := NewLedger(l.opt, func(yield func(Stay) bool) {
		for _, s := range l.stays {
			if !yield(*s) {
				return
			}
		}
	})
	ids := func(list []*Stay) []string {
		var out []string
		for _, s := range list {
			out = append(out, s.ID)
		}
		return out
	}
	view := func(l *Ledger) map[string][]string {
		v := map[string][]string{}
		for room, in := range l.rooms {
			v["room "+room] = ids(in)
		}
		for r, s := range l.refs {
			v[fmt.Sprint("ref ", r)] = []string{s.ID}
		}
		for r, in := range l.guests {
			v[fmt.Sprint("guest ", r)] = ids(in)
			slices.Sort(v[fmt.Sprint("guest ", r)])
		}
		v["displaced"] = ids(l.displaced)
		slices.Sort(v["displaced"])
		v["expected"] = []string{fmt.Sprint(l.expected)}
		return v
	}
	if diff := cmp.Diff(view(fresh), view(l)); diff != "" {
		t.Fatalf("the ledger's indexes are wrong (-rebuilt +kept):\n%s", diff)
	}
}
