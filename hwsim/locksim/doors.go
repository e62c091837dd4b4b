package locksim

import (
	"slices"
	"strings"
	"time"
)

// standing is what a key is worth for one of its rooms.
type standing int

const (
	valid standing = iota
	notThisRoom
	superseded
	cancelled // by check-out
	outside   // before its start or after its end
	used      // one-shot
)

// standing judges a key at a door by the generations of now and its validity
// at the given time. The caller holds s.mu.
func (s *System) standing(k *Key, name string, at time.Time) standing {
	i := slices.Index(k.Rooms, name)
	r := s.rooms[name]
	switch {
	case i < 0 || r == nil:
		return notThisRoom
	case k.Generations[i] != r.force(at):
		return superseded
	case k.Generations[i] == r.voided && k.Serial <= r.void:
		return cancelled
	case k.Copy == "A" && k.Used:
		return used
	case !k.From.IsZero() && at.Before(k.From), !k.Until.IsZero() && !at.Before(k.Until):
		return outside
	}
	return valid
}

// OpensDoor says whether the card opens the room's door: with the key
// generations as they are now, and the card's validity at the given time. It
// does not use up a one-shot key. A staff card opens every door.
func (s *System) OpensDoor(cardUID, room string, at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opens(cardUID, room, at)
}

func (s *System) opens(uid, room string, at time.Time) bool {
	c := s.cards[uid]
	switch {
	case c == nil || s.rooms[room] == nil:
		return false
	case c.Kind == Staff:
		return true
	case c.Key == nil || c.Kind != Guest && c.Kind != Mobile && c.Kind != Stubborn:
		return false
	}
	return s.standing(c.Key, room, at) == valid
}

// UseCard holds the card to the room's door and says whether it opened. A
// one-shot key is used up by it.
func (s *System) UseCard(cardUID, room string, at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.opens(cardUID, room, at) {
		return false
	}
	if c := s.cards[cardUID]; c.Key != nil && c.Key.Copy == "A" {
		c.Key.Used = true
	}
	return true
}

// WhyShut says why a card does not open a room's door, for people; "" if it does.
func (s *System) WhyShut(cardUID, room string, at time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.cards[cardUID]
	switch {
	case c == nil:
		return "there is no such card"
	case s.rooms[room] == nil:
		return "there is no such door"
	case s.opens(cardUID, room, at):
		return ""
	case c.Key == nil:
		return "no key is on it"
	}
	const layout = "2 January 15:04"
	k := c.Key
	switch s.standing(k, room, at) {
	case notThisRoom:
		return "it was made for " + strings.Join(k.Rooms, " and ")
	case superseded:
		return "a newer key was made for this room"
	case cancelled:
		return "the keys of this room were cancelled"
	case used:
		return "it opens once, and has done so"
	case outside:
		if at.Before(k.From) {
			return "it opens only from " + k.From.In(s.cfg.Zone).Format(layout)
		}
		return "it ended on " + k.Until.In(s.cfg.Zone).Format(layout)
	}
	return "the lock does not read such a card"
}

// Keys returns the UIDs of all cards that open the room's door at the given
// time, staff left out, in the order in which the cards appeared.
func (s *System) Keys(room string, at time.Time) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, uid := range s.order {
		if s.cards[uid].Kind != Staff && s.opens(uid, room, at) {
			out = append(out, uid)
		}
	}
	return out
}
