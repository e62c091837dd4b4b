package iptv

import (
	"encoding/json"
	"slices"
	"sync"
	"time"
)

// Bounds of what the broker can make the gateway remember.
const (
	maxRooms = 10_000
	maxTVs   = 16 // per room
	maxAcks  = 8  // per set
	// restless is how often a set must come online within a minute to be
	// suspected of sharing its client id: two such sets end each other's
	// connections for ever.
	restless = 5
)

// house is what the broker has told since it was connected: what it retains
// for each room, and how each set stands. It belongs to one connection.
type house struct {
	mu     sync.Mutex
	rooms  map[string]*room
	nonces map[string]chan struct{} // open until that nonce comes back
	silent map[string]bool          // sets that are online and did not confirm
	// bridged is what the broker retains for bridges, by topic.
	bridged map[string]string
	count   uint64          // of messages heard
	events  chan guestEvent // for the log; dropped when nobody keeps up
}

// guestEvent is what a guest did at a set.
type guestEvent struct{ key, tv, what string }

// guestEvents are what a set can tell of its guest.
var guestEvents = []string{"message_read", "bill_request", "checkout_request", "dnd", "language"}

// readEvent takes the event's name only: what else a set says of it is the
// guest's own affair. A word that is not of the contract is "" then.
func readEvent(payload []byte) string {
	var doc struct {
		Event string `json:"event"`
	}
	if json.Unmarshal(payload, &doc) != nil || !slices.Contains(guestEvents, doc.Event) {
		return ""
	}
	return doc.Event
}

type room struct {
	welcome *welcomeDoc // nil: vacant
	heardAt uint64      // count at the last message on the welcome topic
	tvs     map[string]*set
	changed chan struct{}
}

// set is a TV.
type set struct {
	online  bool
	shown   *int64 // gen on its screen; nil if it does not say, 0 for none
	shownAt uint64
	acks    []answer    // newest last
	came    []time.Time // when it last came online, at most restless
}

// answer is an ack as a set sends it.
type answer struct {
	ID     string `json:"id"`
	Gen    int64  `json:"gen"`
	Result string `json:"result"`
	Detail string `json:"detail"`
	at     uint64
}

// stateDoc is the state topic of a set.
type stateDoc struct {
	State string `json:"state"`
	Shown *int64 `json:"shown_gen"`
}

func newHouse() *house {
	return &house{rooms: map[string]*room{}, nonces: map[string]chan struct{}{}, silent: map[string]bool{}, bridged: map[string]string{}, events: make(chan guestEvent, 64)}
}

// hear takes a message from the broker. It only changes memory: it runs in the
// client's receiving loop, in order.
func (h *house) hear(at heard, payload []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count++
	if at.key == checkKey {
		nonce := string(payload[:min(len(payload), 64)])
		if back, waiting := h.nonces[nonce]; waiting {
			close(back)
			delete(h.nonces, nonce)
		}
		return
	}
	if !slugPattern.MatchString(at.key) {
		return
	}
	r := h.room(at.key)
	if r == nil {
		return
	}
	switch {
	case at.tv == "" && at.name == topicWelcome:
		r.heardAt, r.welcome = h.count, nil
		if len(payload) > 0 {
			r.welcome = readWelcome(payload)
		}
	case at.tv != "" && at.name == "event":
		if what := readEvent(payload[:min(len(payload), maxDocument)]); what != "" && clientPattern.MatchString(at.tv) {
			select {
			case h.events <- guestEvent{at.key, at.tv, what}:
			default:
			}
		}
		return
	case at.tv != "" && clientPattern.MatchString(at.tv) && len(payload) <= maxDocument:
		r.hearSet(at, payload, h.count)
		delete(h.silent, at.tv) // it speaks, or it is gone
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *room) hearSet(at heard, payload []byte, count uint64) {
	tv := r.tvs[at.tv]
	if tv == nil {
		if len(r.tvs) >= maxTVs {
			return
		}
		tv = &set{}
		r.tvs[at.tv] = tv
	}
	switch at.name {
	case "state":
		var state stateDoc
		if len(payload) > 0 && json.Unmarshal(payload, &state) != nil {
			return
		}
		was := tv.online
		tv.online = state.State == "online"
		if tv.online && !was {
			if tv.came = append(tv.came, time.Now()); len(tv.came) > restless {
				tv.came = slices.Clone(tv.came[1:])
			}
		}
		if tv.online {
			tv.shown, tv.shownAt = state.Shown, count
		}
	case "ack":
		var ack answer
		if json.Unmarshal(payload, &ack) != nil {
			return
		}
		ack.at, ack.Detail = count, clean(ack.Detail, 200)
		if tv.acks = append(tv.acks, ack); len(tv.acks) > maxAcks {
			tv.acks = slices.Clone(tv.acks[1:])
		}
	}
}

// room is the room of that key, nil if there are too many. The caller holds mu.
func (h *house) room(key string) *room {
	r := h.rooms[key]
	if r == nil && len(h.rooms) < maxRooms {
		r = &room{tvs: map[string]*set{}, changed: make(chan struct{})}
		h.rooms[key] = r
	}
	return r
}

// expect makes a channel that closes when the nonce comes back.
func (h *house) expect(nonce string) <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	back := make(chan struct{})
	h.nonces[nonce] = back
	return back
}

// mark is the present, for telling later news from older.
func (h *house) mark() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count
}

// retained is what the broker retains for a room; nil if it is vacant.
func (h *house) retained(key string) *welcomeDoc {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.rooms[key]; r != nil {
		return r.welcome
	}
	return nil
}

// occupied are the keys of the rooms for which the broker retains a screen.
func (h *house) occupied() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var keys []string
	for key, r := range h.rooms {
		if r.welcome != nil {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// look shows a room to judge, under the lock, and returns a channel that
// closes at the room's next change.
func (h *house) look(key string, judge func(*room)) <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.room(key)
	if r == nil {
		r = &room{changed: make(chan struct{})}
	}
	judge(r)
	return r.changed
}

// restless are sets that come and go.
func (h *house) restless(now time.Time) (names []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.rooms {
		for name, tv := range r.tvs {
			if len(tv.came) == restless && now.Sub(tv.came[0]) < time.Minute && len(names) < 8 {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// setSilent notes sets that are online and do not confirm.
func (h *house) setSilent(tvs []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, tv := range tvs {
		h.silent[tv] = true
	}
}

func (h *house) silentSets() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return sortedKeys(h.silent)
}
