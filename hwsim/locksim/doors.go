package locksim

import (
	"slices"
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
