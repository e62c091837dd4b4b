package agent

import (
	"slices"
	"sync"
	"time"

	"edgeagent/pms"
)

// EventView is an event with what it caused. It names a stay by its key, and
// nobody by name.
type EventView struct {
	ID      string        `json:"id"`
	Kind    pms.EventKind `json:"kind"`
	Source  string        `json:"source"`
	At      time.Time     `json:"at"` // when it was taken in
	Room    string        `json:"room,omitempty"`
	OldRoom string        `json:"old_room,omitempty"`
	Stay    string        `json:"stay,omitempty"`
	Fresh   bool          `json:"fresh"`
	// Commands are the ids of what the rules made of it.
	Commands []string `json:"commands,omitempty"`
}

// maxHappened is how many events are remembered: a busy hour of a large house.
const maxHappened = 300

// happened remembers the last events.
type happened struct {
	mu     sync.Mutex
	events []happening
}

// happening is an event with what its view leaves out, for Explain.
type happening struct {
	EventView
	event pms.Event
}

func (h *happened) add(e *pms.Event, now time.Time, commands []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.events) >= maxHappened {
		h.events = slices.Delete(h.events, 0, maxHappened/10)
	}
	h.events = append(h.events, happening{EventView{
		ID: e.ID, Kind: e.Kind, Source: e.Source, At: now, Room: e.Room, OldRoom: e.OldRoom, Stay: e.Stay.Key, Fresh: e.Fresh, Commands: commands,
	}, impersonal(e)})
}

// list is the newest first.
func (h *happened) list() []EventView {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]EventView, 0, len(h.events))
	for _, e := range slices.Backward(h.events) {
		all = append(all, e.EventView)
	}
	return all
}
