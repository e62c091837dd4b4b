package mewssim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The types of events (Connector API, WebSockets).
const (
	typeCommand     = "DeviceCommand"
	typeReservation = "Reservation"
	typeResource    = "Resource"
	typePrice       = "PriceUpdate"
)

// object is JSON to be.
type object = map[string]any

// event is a hint on its way to the sockets.
type event struct {
	kind   string
	device string // of a DeviceCommand
	body   object
}

// wireTime is the canonical spelling; a fraction shows only if there is one.
const wireTime = "2006-01-02T15:04:05.999Z"

func instant(t time.Time) string { return t.UTC().Format(wireTime) }

func commandEvent(c *Command) event {
	return event{kind: typeCommand, device: c.Device, body: object{"Type": typeCommand, "Id": c.ID, "State": c.State}}
}

func (s *Server) reservationEvent(r *Reservation) event {
	state := r.State
	if state == Inquired && s.faults.Socket.Enquired {
		state = "Enquired"
	}
	body := object{"Type": typeReservation, "Id": r.ID, "State": state, "StartUtc": instant(r.start()), "EndUtc": instant(r.end())}
	if r.Room != "" {
		body["AssignedResourceId"] = r.Room
	} else if s.faults.Socket.NullRoom {
		body["AssignedResourceId"] = nil
	}
	return event{kind: typeReservation, body: body}
}

func resourceEvent(r *Room) event {
	return event{kind: typeResource, body: object{"Type": typeResource, "Id": r.ID, "State": r.State}}
}

// raise tells the sockets, or keeps it while events are held; the caller holds mu.
func (s *Server) raise(events ...event) {
	for _, e := range events {
		switch {
		case !s.enabled[e.kind] || s.faults.Socket.Lose:
		case s.faults.Socket.LoseNext > 0:
			s.faults.Socket.LoseNext--
		default:
			s.held = append(s.held, e)
		}
	}
	if s.holding == 0 {
		s.flush()
	}
}

// flush sends what is held; the caller holds mu.
func (s *Server) flush() {
	events := s.held
	s.held = nil
	if len(events) == 0 {
		return
	}
	f := &s.faults.Socket
	texts := make([][]byte, len(events))
	for i, e := range events {
		if f.Pad > 0 {
			e.body["Pad"] = strings.Repeat("x", f.Pad)
		}
		texts[i], _ = json.Marshal(e.body) // texts and nulls only
	}
	for l := range s.links {
		var mine [][]byte
		for i, e := range events {
			if e.kind != typeCommand || l.linked[e.device] {
				for range 1 + f.Duplicate {
					mine = append(mine, texts[i])
				}
			}
		}
		if f.Reverse {
			slices.Reverse(mine)
		}
		for frame := range slices.Chunk(mine, or(f.PerFrame, defaultPerFrame)) {
			l.send(frameOf(frame), len(frame))
		}
	}
}

func frameOf(events [][]byte) []byte {
	out := []byte(`{"Events":[`)
	for i, e := range events {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, e...)
	}
	return append(out, "]}"...)
}

// Together sends what happens within do in as few frames as Socket.PerFrame allows.
func (s *Server) Together(do func()) {
	s.HoldEvents()
	defer s.ReleaseEvents()
	do()
}

// HoldEvents keeps events back until ReleaseEvents, which sends them together.
func (s *Server) HoldEvents() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holding++
}

// ReleaseEvents undoes one HoldEvents.
func (s *Server) ReleaseEvents() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holding = max(0, s.holding-1)
	if s.holding == 0 {
		s.flush()
	}
}

// SendRaw sends a text to all sockets, whatever it is.
func (s *Server) SendRaw(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.links {
		l.send([]byte(text), 0)
	}
}

// nullEvents is the answer to a text ping, seen in the field.
const nullEvents = `{"Events":null}`

// SendNullEvents sends an envelope whose list is null.
func (s *Server) SendNullEvents() { s.SendRaw(nullEvents) }

// SendUnknownEvent sends an event of a type no document knows.
func (s *Server) SendUnknownEvent(kind string) {
	s.SendRaw(fmt.Sprintf(`{"Events":[{"Type":%q,"Id":%q,"Nested":{"List":[1,null]}}]}`, kind, newID()))
}

// PriceChange tells of a change of prices, of which the property keeps nothing;
// category may be "".
func (s *Server) PriceChange(category string, from, to time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raise(event{kind: typePrice, body: object{"Type": typePrice, "Id": newID(), "StartUtc": instant(from), "EndUtc": instant(to),
		"RateId": newID(), "ResourceCategoryId": optional(category)}})
}
