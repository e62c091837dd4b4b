package hwsim

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"edgeagent/hwsim/locksim"
)

// Key is the card of this stay that opens its room now, "" if there is none.
func (h *Hotel) Key(s *Stay) string {
	now := time.Now()
	for _, e := range slices.Backward(h.Locks.Cuts(s.Room)) {
		if h.Locks.OpensDoor(e.UID, s.Room, now) {
			return e.UID
		}
	}
	return ""
}

// WrongKeys says which doors open to the wrong card. Where the newest card of a
// room is a guest's who is in it, it opens the door, and so does no card of who
// was there before. (A room whose last card is of somebody who has left is
// nobody's now; old news ends no cards.)
func (h *Hotel) WrongKeys() []string {
	var wrong []string
	now := time.Now()
	in := h.inHouse()
	for _, room := range h.Rooms {
		cuts := h.Locks.Cuts(room)
		if len(cuts) == 0 {
			continue
		}
		newest := cuts[len(cuts)-1]
		mine := h.ownerOf(room, newest.Until)
		if mine == nil || !slices.Contains(in[room], mine) {
			continue
		}
		if !h.Locks.OpensDoor(newest.UID, room, now) {
			wrong = append(wrong, fmt.Sprintf("the newest card of %s, made for %s, does not open it", room, mine.Last))
		}
		for _, c := range cuts {
			if whose := h.ownerOf(room, c.Until); whose != nil && !slices.Contains(in[room], whose) && h.Locks.OpensDoor(c.UID, room, now) {
				wrong = append(wrong, fmt.Sprintf("a card of %s, who is not in %s, opens it", whose.Last, room))
			}
		}
	}
	return wrong
}

func (h *Hotel) ownerOf(room string, until time.Time) *Stay {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.owner[cardKey(room, until)]
}

// CutTwice lists the cards that were cut more often than anybody asked.
func (h *Hotel) CutTwice() []string {
	cut := map[string]int{}
	for _, e := range h.Locks.Audit() {
		if e.Deed == locksim.NewKey || e.Deed == locksim.Copied {
			cut[cardKey(e.Room, e.Until)]++
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var wrong []string
	for _, key := range slices.Sorted(maps.Keys(cut)) {
		if cut[key] > h.asked[key] {
			wrong = append(wrong, fmt.Sprintf("%d cards were cut for room %s, asked for %d", cut[key], key, h.asked[key]))
		}
	}
	return wrong
}
