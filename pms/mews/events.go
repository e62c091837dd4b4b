package mews

import (
	"encoding/json"
	"strings"
	"sync"
	"time"
)

// maxHints bounds what may wait to be read again. Beyond it the events of a
// kind are forgotten, and all that has changed is read from the watermark on.
const maxHints = 50000

// maxPrices bounds the price changes that wait; they are for a display.
const maxPrices = 1000

// hint is what an event said of a reservation: not the truth, but what a read
// must show at the least.
type hint struct {
	state string
	// room is the assigned resource; told says that the event has that field.
	room string
	told bool
	at   time.Time
	// tries counts the reads that did not show it; due is when to read next.
	tries int
	due   time.Time
}

// price is a PriceUpdate as it came.
type price struct {
	id, rate, category string
	from, to           string
	at                 time.Time
}

// inbox collects what the socket says, each thing once however often it comes,
// until somebody takes it.
type inbox struct {
	ready chan struct{} // one token: there is something

	mu       sync.Mutex
	opened   bool // a socket has been opened since
	closed   error
	stays    map[string]hint
	rooms    map[string]string // resource -> state
	commands map[string]string // command -> newest state
	prices   []price
	spoilt   [][]byte // frames that nobody could read
	overflow bool
	lost     int  // device commands that nobody could read
	begun    bool // a device command is in hand since
	events   eventCounts
}

// eventCounts are how many events of each type have come.
type eventCounts struct {
	stays, rooms, commands, prices, unknown, frames int
}

// catch is what an inbox held.
type catch struct {
	opened   bool
	closed   error
	stays    map[string]hint
	rooms    map[string]string
	commands map[string]string
	prices   []price
	spoilt   [][]byte
	overflow bool
	lost     int
	begun    bool
}

func newInbox() *inbox {
	in := &inbox{ready: make(chan struct{}, 1)}
	in.empty()
	return in
}

func (in *inbox) empty() {
	in.stays, in.rooms, in.commands = map[string]hint{}, map[string]string{}, map[string]string{}
	in.prices, in.spoilt, in.opened, in.closed, in.overflow, in.lost, in.begun = nil, nil, false, nil, false, 0, false
}

// take empties the inbox.
func (in *inbox) take() catch {
	in.mu.Lock()
	defer in.mu.Unlock()
	c := catch{in.opened, in.closed, in.stays, in.rooms, in.commands, in.prices, in.spoilt, in.overflow, in.lost, in.begun}
	in.empty()
	return c
}

// counts are the events so far.
func (in *inbox) counts() eventCounts {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.events
}

func (in *inbox) change(f func()) {
	in.mu.Lock()
	f()
	in.mu.Unlock()
	select {
	case in.ready <- struct{}{}:
	default:
	}
}

// event is one event of a frame (Connector API, WebSockets). All values are
// text or missing.
type event struct {
	Type               string
	ID                 string `json:"Id"`
	State              string
	AssignedResourceID *string `json:"AssignedResourceId"`
	StartUtc           string
	EndUtc             string
	RateID             string `json:"RateId"`
	ResourceCategoryID string `json:"ResourceCategoryId"`
}

// told are the types of events whose ids are read.
var told = map[string]bool{"Reservation": true, "Resource": true, "DeviceCommand": true}

// foreign reports whether an event is of a type that is not known, whatever
// else it looks like.
func foreign(raw []byte) bool {
	var least struct{ Type string }
	return json.Unmarshal(raw, &least) == nil && least.Type != "" && !told[least.Type] && least.Type != "PriceUpdate"
}

// frame takes a message of the socket in. Events may be null: that is how Mews
// answers a ping in text. A frame or an event that cannot be read spoils no
// other; it reports whether all could be.
func (in *inbox) frame(text []byte, at time.Time) (events int, ok bool) {
	var envelope struct{ Events []json.RawMessage }
	if err := json.Unmarshal(text, &envelope); err != nil {
		in.change(func() { in.spoil(text) })
		return 0, false
	}
	ok = true
	in.change(func() {
		in.events.frames++
		for _, raw := range envelope.Events {
			var e event
			err := json.Unmarshal(raw, &e)
			switch {
			case err != nil && foreign(raw):
				in.events.unknown++
			case err != nil || told[e.Type] && !isID(id(e.ID)):
				in.spoil(raw)
				ok = false
			default:
				in.add(&e, at)
			}
		}
	})
	return len(envelope.Events), ok
}

// spoil keeps what could not be read for the quarantine. in.mu is held.
func (in *inbox) spoil(text []byte) {
	const most, longest = 16, 4096
	if len(in.spoilt) < most {
		in.spoilt = append(in.spoilt, append([]byte(nil), text[:min(len(text), longest)]...))
	}
	in.overflow = true // who knows what it said: read what has changed
}

// add sorts an event in; in.mu is held. A type that is not known means nothing
// to a room.
func (in *inbox) add(e *event, at time.Time) {
	key := id(e.ID)
	if len(in.stays)+len(in.rooms)+len(in.commands) >= maxHints {
		in.overflow = true
		return
	}
	switch e.Type {
	case "Reservation":
		in.events.stays++
		h := hint{state: stayState(e.State), at: at}
		if e.AssignedResourceID != nil {
			h.room, h.told = id(*e.AssignedResourceID), true
		}
		in.stays[key] = h
	case "Resource":
		in.events.rooms++
		in.rooms[key] = e.State
	case "DeviceCommand":
		in.events.commands++
		in.commands[key] = e.State
	case "PriceUpdate":
		in.events.prices++
		key = printable(key, 64)
		if len(in.prices) < maxPrices {
			in.prices = append(in.prices, price{key, e.RateID, e.ResourceCategoryID, e.StartUtc, e.EndUtc, at})
		}
	default:
		in.events.unknown++
	}
}

// stayState brings the two spellings of one state together: the socket may
// still use the one of an older schema.
func stayState(state string) string {
	if strings.EqualFold(state, "Enquired") {
		return "Inquired"
	}
	return state
}
