package pms

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"time"
)

// FoldOptions are what the ledger must know of the property. The zero value of
// a field takes the default.
type FoldOptions struct {
	// Key is the property's secret for StayKey.
	Key []byte
	// Zone is the property's time zone; UTC by default, never the gateway's.
	Zone *time.Location
	// CheckOut and CheckIn are the local times of day of departure and arrival
	// when the PMS names only a date, counted from midnight: 12 h and 15 h.
	CheckOut, CheckIn time.Duration
	// Freshness is how old a notice may be and still be news: 15 min.
	Freshness time.Duration
}

// WithDefaults fills what is not set.
func (o FoldOptions) WithDefaults() FoldOptions {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	o.CheckOut = cmp.Or(o.CheckOut, 12*time.Hour)
	o.CheckIn = cmp.Or(o.CheckIn, 15*time.Hour)
	o.Freshness = cmp.Or(o.Freshness, 15*time.Minute)
	return o
}

// Ledger holds the stays of the house and finds them by room and reservation.
// Fold reads it, Apply writes it; the caller keeps one from running during the other.
type Ledger struct {
	opt   FoldOptions
	stays map[string]*Stay
	// rooms holds the stays in house, displaced ones too, main stay first.
	rooms map[string][]*Stay
	// refs and guests find stays by what a PMS calls them.
	refs   map[ref]*Stay
	guests map[ref][]*Stay
	// displaced are the stays in house whose room was given away.
	displaced []*Stay
	expected  int
}

// ref is what a PMS calls a stay or a guest. Numbers of different links, and
// reservation and confirmation numbers, must not be taken for each other.
type ref struct {
	source string
	sort   refSort
	id     string
}

type refSort byte

const (
	refReservation refSort = iota
	refConfirmation
	refGuest
)

// NewLedger builds the ledger from the stays that the store remembers.
func NewLedger(opt FoldOptions, stays iter.Seq[Stay]) *Ledger {
	l := &Ledger{
		opt: opt.WithDefaults(), stays: map[string]*Stay{}, rooms: map[string][]*Stay{},
		refs: map[ref]*Stay{}, guests: map[ref][]*Stay{},
	}
	if stays != nil {
		for s := range stays {
			l.put(s)
		}
	}
	return l
}

// Change is what a notice comes to. The zero Change says: nothing.
type Change struct {
	// Stays are the changed stays as they are now.
	Stays []Stay
	// Forget lists the ids of stays that need not be kept any longer.
	Forget []string
	// Events are what rules see: what takes away before what gives, and what
	// happened to stays before who is in which room.
	Events []Event
	// Unmapped lists names that an installer could map, and events that meant nothing.
	Unmapped []string
}

// Apply makes a change part of the ledger.
func (l *Ledger) Apply(c Change) {
	for _, id := range c.Forget {
		l.drop(id)
	}
	for _, s := range c.Stays {
		l.drop(s.ID)
		l.put(s)
	}
}

// Zone is the property's time zone.
func (l *Ledger) Zone() *time.Location { return l.opt.Zone }

// Len is the number of stays in the ledger, of any status.
func (l *Ledger) Len() int { return len(l.stays) }

// Stay returns the stay of that ledger id.
func (l *Ledger) Stay(id string) (Stay, bool) {
	if s := l.stays[id]; s != nil {
		return *s, true
	}
	return Stay{}, false
}

// ByKey returns the stay of that opaque key, of any status.
func (l *Ledger) ByKey(key string) (Stay, bool) {
	for _, s := range l.stays {
		if s.Key == key && key != "" {
			return *s, true
		}
	}
	return Stay{}, false
}

// Room returns who is in a room, main stay first. Displaced stays are left out.
func (l *Ledger) Room(room string) []Stay {
	var in []Stay
	for _, s := range l.rooms[room] {
		if !s.Displaced {
			in = append(in, *s)
		}
	}
	return in
}

// InHouse yields all stays in house, displaced ones and those without a room too.
func (l *Ledger) InHouse() iter.Seq[Stay] {
	return func(yield func(Stay) bool) {
		for _, s := range l.stays {
			if s.Status == StatusInHouse && !yield(*s) {
				return
			}
		}
	}
}

func (l *Ledger) put(s Stay) {
	own := &s
	l.stays[s.ID] = own
	for _, r := range refsOf(own) {
		if r.id != "" {
			l.refs[r] = own
		}
	}
	for _, r := range guestsOf(own) {
		l.guests[r] = append(l.guests[r], own)
	}
	switch {
	case s.Status == StatusExpected:
		l.expected++
	case s.Status == StatusInHouse && s.Room != "":
		in := l.rooms[s.Room]
		at, _ := slices.BinarySearchFunc(in, own, byArrival)
		l.rooms[s.Room] = slices.Insert(in, at, own)
		if s.Displaced {
			l.displaced = append(l.displaced, own)
		}
	}
}

func (l *Ledger) drop(id string) {
	s := l.stays[id]
	if s == nil {
		return
	}
	delete(l.stays, id)
	for _, r := range refsOf(s) {
		if l.refs[r] == s {
			delete(l.refs, r)
		}
	}
	for _, r := range guestsOf(s) {
		l.guests[r] = without(l.guests[r], s)
		if len(l.guests[r]) == 0 {
			delete(l.guests, r)
		}
	}
	switch {
	case s.Status == StatusExpected:
		l.expected--
	case s.Status == StatusInHouse && s.Room != "":
		l.rooms[s.Room] = without(l.rooms[s.Room], s)
		if len(l.rooms[s.Room]) == 0 {
			delete(l.rooms, s.Room)
		}
		if s.Displaced {
			l.displaced = without(l.displaced, s)
		}
	}
}

func without(list []*Stay, s *Stay) []*Stay {
	if i := slices.Index(list, s); i >= 0 {
		return slices.Delete(list, i, i+1)
	}
	return list
}

// refsOf are the names under which notices may speak of a stay. A stay known
// by its confirmation alone has that as its reservation, too; it is not indexed
// as one, since another guest's reservation may have the same number.
func refsOf(s *Stay) [2]ref {
	var refs [2]ref
	if s.Reservation != s.Confirmation {
		refs[0] = ref{s.Source, refReservation, s.Reservation}
	}
	refs[1] = ref{s.Source, refConfirmation, s.Confirmation}
	return refs
}

// guestsOf are the profiles of a stay's guests, each once.
func guestsOf(s *Stay) []ref {
	var refs []ref
	add := func(id string) {
		r := ref{s.Source, refGuest, id}
		if id != "" && !slices.Contains(refs, r) {
			refs = append(refs, r)
		}
	}
	add(s.GuestID)
	for _, g := range s.Guests {
		add(g.ID)
	}
	return refs
}

// byArrival orders the stays of a room: who was there first is the main stay.
func byArrival(a, b *Stay) int {
	return cmp.Or(a.RoomSince.Compare(b.RoomSince), a.Since.Compare(b.Since), strings.Compare(a.ID, b.ID))
}
