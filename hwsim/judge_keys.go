package hwsim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"edgeagent/hwsim/locksim"
)

// Key is the card of this stay that opens its room now, "" if there is none.
func (h *Hotel) Key(s *Stay) string {
	now := time.Now()
	for _, e := range slices.Backward(h.Cuts(s.Room)) {
		if h.Opens(e.UID, s.Room, now) {
			return e.UID
		}
	}
	return ""
}

// Cuts are the cards cut for a room, oldest first, whatever the lock system
// calls it.
func (h *Hotel) Cuts(room string) []locksim.Entry {
	var cuts []locksim.Entry
	for _, name := range h.lockNames(room) {
		cuts = append(cuts, h.Locks.Cuts(name)...)
	}
	slices.SortFunc(cuts, func(a, b locksim.Entry) int { return cmp.Compare(a.Serial, b.Serial) })
	return cuts
}

// Opens says whether a card opens a room's door at a time.
func (h *Hotel) Opens(card, room string, at time.Time) bool {
	return slices.ContainsFunc(h.lockNames(room), func(name string) bool { return h.Locks.OpensDoor(card, name, at) })
}

// TryDoor holds a card to a room's door: "" if it opens, else why not.
func (h *Hotel) TryDoor(card, room string) (why string) {
	now := time.Now()
	for _, name := range h.lockNames(room) {
		if h.Locks.UseCard(card, name, now) {
			return ""
		}
		why = h.Locks.WhyShut(card, name, now)
	}
	return why
}

// WrongKeys says which doors open to the wrong card. Where the newest card of a
// room is a guest's who is in it, it opens the door, and so does no card of who
// was there before. (A room whose last card is of somebody who has left is
// nobody's now; old news ends no cards.)
func (h *Hotel) WrongKeys() []string {
	var wrong []string
	now := time.Now()
	in := h.House()
	for _, room := range h.Rooms {
		cuts := h.Cuts(room)
		if len(cuts) == 0 {
			continue
		}
		isIn := func(s Stay) bool {
			return slices.ContainsFunc(in[room], func(o Stay) bool { return o.Reservation == s.Reservation })
		}
		newest := cuts[len(cuts)-1]
		mine, known := h.ownerOf(room, newest.Until)
		if !known || !isIn(mine) {
			continue
		}
		if !h.Opens(newest.UID, room, now) {
			wrong = append(wrong, fmt.Sprintf("the newest card of %s, made for %s, does not open it", room, mine.Last))
		}
		for _, c := range cuts {
			if whose, known := h.ownerOf(room, c.Until); known && !isIn(whose) && h.Opens(c.UID, room, now) {
				wrong = append(wrong, fmt.Sprintf("a card of %s, who is not in %s, opens it", whose.Last, room))
			}
		}
	}
	return wrong
}

// ownerOf is whose card for a room ends then; false if nobody's who is known.
func (h *Hotel) ownerOf(room string, until time.Time) (Stay, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.owner[cardKey(room, until)]; s != nil {
		return *s, true
	}
	return Stay{}, false
}

// CutTwice lists the cards that were cut more often than anybody asked.
func (h *Hotel) CutTwice() []string {
	cut := map[string]int{}
	for _, room := range h.Rooms {
		for _, e := range h.Cuts(room) {
			if e.Deed == locksim.NewKey || e.Deed == locksim.Copied {
				cut[cardKey(room, e.Until)]++
			}
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

// OpenDoors are, by room, the cards that open its door at a time, staff's left
// out.
func (h *Hotel) OpenDoors(at time.Time) map[string][]string {
	doors := map[string][]string{}
	for _, room := range h.Rooms {
		for _, name := range h.lockNames(room) {
			for _, uid := range h.Locks.Keys(name, at) {
				if !slices.Contains(doors[room], uid) {
					doors[room] = append(doors[room], uid)
				}
			}
		}
	}
	return doors
}
