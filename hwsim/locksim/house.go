package locksim

import (
	"fmt"
	"slices"
	"time"
)

type room struct {
	name       string
	inService  bool
	checkedIn  bool
	generation int
	latest     int // the highest generation that was given out
	// void is the serial of the latest check-out, of generation voided: its keys
	// that were cut before it are cancelled.
	void     int64
	voided   int
	copies   int // copies of the current generation
	oneShots int
	busy     bool // a job is at it
	foreign  bool // another station is at it, by SetRoomBusy
	// guest is what the register of the lock system knows of the stay.
	guest   guest
	arrival *arrival // keys are out for a future guest, or nil
}

// guest is what a key without these fields takes from the stay.
type guest struct {
	userType, group, first, last string
	from, until                  time.Time
}

// arrival is a stay that is to begin, with keys cut ahead: from that moment on
// its generation counts, and that of the present guest does not.
type arrival struct {
	generation, copies int
	guest              guest
}

// force is the generation that opens the room's door at the given time.
func (r *room) force(at time.Time) int {
	if r.arrival != nil && !at.Before(r.arrival.guest.from) {
		return r.arrival.generation
	}
	return r.generation
}

// arrive lets a future guest in whose time has come.
func (r *room) arrive(now time.Time) {
	if a := r.arrival; a != nil && !now.Before(a.guest.from) {
		r.generation, r.copies, r.guest = a.generation, a.copies, a.guest
		r.checkedIn, r.oneShots, r.arrival = true, 0, nil
	}
}

// begin gives out the next generation.
func (r *room) begin() int {
	r.latest++
	return r.latest
}

// leave cancels the keys of the present generation that were cut before the serial.
func (r *room) leave(serial int64) {
	r.checkedIn, r.void, r.voided, r.guest = false, serial, r.generation, guest{}
}

// Room is how a room stands in the lock system.
type Room struct {
	Name      string
	InService bool
	CheckedIn bool
	// Generation grows with every new key; keys of earlier ones no longer open.
	Generation int
	// Copies and OneShots count what was cut of the current generation.
	Copies, OneShots int
	// NewKeys and CheckOuts count over the whole run: NewKeys tells a key cut twice.
	NewKeys, CheckOuts int
	// Old lists the earlier generations, oldest first.
	Old []int
	// Expected: keys are out for a guest whose stay is to begin.
	Expected bool
}

// Kind is what a card is.
type Kind string

// The kinds of cards.
const (
	Blank      Kind = "blank"
	Guest      Kind = "guest"
	Staff      Kind = "staff"
	Spare      Kind = "spare"
	Diagnostic Kind = "diagnostic"
	Foreign    Kind = "foreign"
	Damaged    Kind = "damaged"
	Mobile     Kind = "mobile" // a key on a phone; its UID is the phone's number
	// Clone does not authenticate, and Protected cannot be written: a key for
	// them ends like one for a damaged card.
	Clone     Kind = "clone"
	Protected Kind = "write-protected"
	// Stubborn takes the writing and stays what it was: the encoder is content.
	Stubborn Kind = "stubborn"
)

// Card is a card (or a phone) and what is on it.
type Card struct {
	UID    string
	Kind   Kind
	Key    *Key      // of guest and mobile cards
	Tracks [3]string // text of the magnetic tracks 1 to 3
}

// Key is the key on a card.
type Key struct {
	Rooms       []string // main room first
	Generations []int    // per room
	// Copy is 0 for the original, 1, 2, I (third or later) or A (one-shot).
	Copy            string
	Grants, Denials string
	From, Until     time.Time // zero: since ever, for ever
	Operator        string
	// What VingCard's keys say beside it.
	UserType, UserGroup, FirstName, LastName string

	Serial int64 // of the audit entry
	Used   bool  // a one-shot key that has opened its door
}

func (k *Key) clone() *Key {
	if k == nil {
		return nil
	}
	c := *k
	c.Rooms, c.Generations = slices.Clone(k.Rooms), slices.Clone(k.Generations)
	return &c
}

// Deed is what an audit entry tells of.
type Deed string

// The deeds.
const (
	NewKey   Deed = "new key"
	Copied   Deed = "copy"
	OneShot  Deed = "one-shot"
	CheckOut Deed = "check-out"
	Modified Deed = "stay modified"
	Wrote    Deed = "track written"
	Read     Deed = "read"
)

// Entry is one line of the lock system's audit: one card, or one change of a room.
type Entry struct {
	Serial     int64
	At         time.Time
	Deed       Deed
	Command    string // as sent: CN2 cuts one new key and one copy
	Encoder    string
	Room       string
	Generation int
	UID        string
	Copy       string
	From       time.Time
	Until      time.Time
	Operator   string
}

// log appends an audit entry and returns its serial. The caller holds s.mu.
func (s *System) log(e Entry) int64 {
	s.serial++
	e.Serial, e.At = s.serial, s.now()
	s.audit = append(s.audit, e)
	s.change()
	return e.Serial
}

// Audit returns all entries, oldest first.
func (s *System) Audit() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.audit)
}

// Cuts returns the cards cut for a room (as main room), oldest first: new
// keys, copies and one-shots, mobile ones and card images included.
func (s *System) Cuts(room string) []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Entry
	for _, e := range s.audit {
		if e.Room == room && (e.Deed == NewKey || e.Deed == Copied || e.Deed == OneShot) {
			out = append(out, e)
		}
	}
	return out
}

// Room returns how a room stands; false if there is none of that name.
func (s *System) Room(name string) (Room, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.rooms[name]
	if !ok {
		return Room{}, false
	}
	r.arrive(s.now())
	v := Room{Name: r.name, InService: r.inService, CheckedIn: r.checkedIn, Generation: r.generation,
		Copies: r.copies, OneShots: r.oneShots}
	for g := 1; g <= r.latest; g++ {
		if g != r.generation && (r.arrival == nil || g != r.arrival.generation) {
			v.Old = append(v.Old, g)
		}
	}
	v.Expected = r.arrival != nil
	for _, e := range s.audit {
		switch {
		case e.Room == name && e.Deed == NewKey:
			v.NewKeys++
		case e.Room == name && e.Deed == CheckOut:
			v.CheckOuts++
		}
	}
	return v, true
}

// Cards returns every card that ever appeared, in that order.
func (s *System) Cards() []Card {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Card, 0, len(s.order))
	for _, uid := range s.order {
		c := *s.cards[uid]
		c.Key = c.Key.clone()
		out = append(out, c)
	}
	return out
}

// Card returns one card; false if none has that UID.
func (s *System) Card(uid string) (Card, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.cards[uid]
	if !ok {
		return Card{}, false
	}
	v := *c
	v.Key = c.Key.clone()
	return v, true
}

// AddCard brings a card into the house and returns its UID.
func (s *System) AddCard(kind Kind) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newCard(kind).UID
}

// newCard makes a card with a UID like NXP's, 7 bytes that begin with 04. The
// caller holds s.mu.
func (s *System) newCard(kind Kind) *Card {
	for {
		uid := fmt.Sprintf("04%012X", s.rng.Uint64()&0xFFFFFFFFFFFF)
		if s.cards[uid] != nil {
			continue
		}
		c := &Card{UID: uid, Kind: kind}
		s.cards[uid] = c
		s.order = append(s.order, uid)
		return c
	}
}
