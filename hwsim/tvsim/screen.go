package tvsim

import (
	"errors"
	"slices"
	"time"
)

// Screen is what a set shows. The zero Screen is that of a vacant room.
type Screen struct {
	Names      []string // as drawn, without bidi controls
	Greeting   string   // the line of greeting, without bidi controls
	Lang, Dir  string
	Room, Stay string
	Template   string
	VIP, Group string
	Departure  string
	WiFi       string   // network, user name and code, as drawn
	Messages   []string // kept for reading again, oldest first
	DND        bool
	Gen        int64
	ID         string
	Since      time.Time // by the wall clock of the bench
}

// Vacant says that no guest is greeted.
func (s Screen) Vacant() bool { return s.Gen == 0 }

// Showing is a screen and how long it stood. Until is zero while it stands.
type Showing struct {
	Screen
	Until time.Time
}

// Popup is a message that a set has shown.
type Popup struct {
	ID, Kind, Title, Body, Lang, Dir string
	Stay                             string
	At                               time.Time
}

// Ack is an answer that a set has given, or would have given.
type Ack struct {
	ID     string
	Gen    int64
	Result string
	Detail string
}

// glass is the state of a set: what it shows and what it remembers of the
// contract. It knows nothing of MQTT; its methods return the answers to give.
type glass struct {
	now      func() time.Time
	screen   Screen
	lastGen  int64 // last applied; volatile
	lastStay string
	expires  time.Time
	powered  bool
	powerOns int
	muted    bool
	history  []Showing
	popups   []Popup
	seen     []string // ids of recent messages
	reject   bool
}

const recent = 64

// welcome takes a message on the welcome topic. live is false for one that the
// broker had kept, first is true for the first since subscribing: another stay
// than before is then taken whatever its gen, for the broker may be a new one.
func (g *glass) welcome(payload []byte, live, first bool) []Ack {
	if len(payload) == 0 {
		return g.clear()
	}
	doc, expires, err := readWelcome(payload)
	id := doc.ID
	switch {
	case errors.Is(err, errMajor):
		return []Ack{{ID: id, Gen: doc.Gen, Result: "unsupported", Detail: err.Error()}}
	case err != nil:
		return []Ack{{ID: id, Gen: doc.Gen, Result: "rejected", Detail: err.Error()}}
	case g.reject:
		return []Ack{{ID: id, Gen: doc.Gen, Result: "rejected", Detail: "this set rejects everything"}}
	case g.lastGen != 0 && doc.Gen <= g.lastGen && !(first && doc.Stay != g.lastStay):
		return []Ack{{ID: id, Gen: doc.Gen, Result: "stale", Detail: "gen is not newer"}}
	case !expires.After(g.now()):
		g.show(Screen{})
		g.lastGen, g.lastStay = doc.Gen, doc.Stay
		return []Ack{{ID: id, Gen: doc.Gen, Result: "stale", Detail: "expired"}}
	}
	g.lastGen, g.lastStay, g.expires = doc.Gen, doc.Stay, expires
	if live && doc.PowerOn && !g.powered {
		g.powered = true
		g.powerOns++
	}
	g.show(Screen{
		Names: doc.names(), Greeting: read(doc.Greeting), Lang: doc.Lang, Dir: doc.Dir, Room: doc.Room, Stay: doc.Stay, Template: doc.Template,
		VIP: doc.VIP, Group: doc.Group, Departure: doc.Departure, WiFi: doc.WiFi.line(), Messages: doc.bodies(), DND: doc.DND, Gen: doc.Gen, ID: doc.ID, Since: time.Now(),
	})
	return []Ack{{ID: id, Gen: doc.Gen, Result: "displayed"}}
}

// clear empties the screen: an empty payload, or silence after subscribing.
// After it any gen is accepted.
func (g *glass) clear() []Ack {
	last := g.lastGen
	g.show(Screen{})
	g.lastGen = 0
	return []Ack{{Gen: last, Result: "cleared"}}
}

// forget is the set's own reset.
func (g *glass) forget() { g.lastGen = 0 }

// expire clears a screen whose time has come. It keeps the gen.
func (g *glass) expire() []Ack {
	if g.screen.Vacant() || g.expires.After(g.now()) {
		return nil
	}
	g.show(Screen{})
	return []Ack{{Gen: g.lastGen, Result: "cleared", Detail: "expired"}}
}

func (g *glass) show(s Screen) {
	now := time.Now()
	if !g.screen.Vacant() {
		g.history[len(g.history)-1].Until = now
	}
	g.screen = s
	if !s.Vacant() {
		g.history = append(g.history, Showing{Screen: s})
	}
}

// message takes a pop-up. One of an id seen before is answered, not shown again.
func (g *glass) message(doc messageDoc, payload int) Ack {
	ack := Ack{ID: doc.ID, Gen: g.lastGen}
	expires, err := time.Parse(time.RFC3339, doc.ExpiresAt)
	switch {
	case doc.V == nil || *doc.V != major:
		ack.Result, ack.Detail = "unsupported", errMajor.Error()
	case payload > maxDocument || doc.ID == "" || doc.Body == "" || err != nil || !isolated(doc.Title) || !isolated(doc.Body):
		ack.Result, ack.Detail = "rejected", "malformed message"
	case g.reject:
		ack.Result, ack.Detail = "rejected", "this set rejects everything"
	case !expires.After(g.now()):
		ack.Result, ack.Detail = "stale", "expired"
	case doc.Stay != g.screen.Stay:
		ack.Result, ack.Detail = "stale", "another stay is on the screen"
	case g.screen.DND && !doc.Urgent && doc.Kind != "alarm":
		ack.Result, ack.Detail = "rejected", "do not disturb"
	default:
		ack.Result = "displayed"
		g.pop(doc)
	}
	return ack
}

func (g *glass) pop(doc messageDoc) {
	if slices.Contains(g.seen, doc.ID) {
		return
	}
	if g.seen = append(g.seen, doc.ID); len(g.seen) > recent {
		g.seen = g.seen[1:]
	}
	g.popups = append(g.popups, Popup{
		ID: doc.ID, Kind: doc.Kind, Title: doc.Title, Body: doc.Body, Lang: doc.Lang, Dir: doc.Dir, Stay: doc.Stay, At: time.Now(),
	})
}

// power switches the set. Do-not-disturb forbids switching on.
func (g *glass) power(doc commandDoc) Ack {
	ack := Ack{ID: doc.ID, Gen: g.lastGen, Result: "received"}
	if doc.On && g.screen.DND {
		ack.Result, ack.Detail = "rejected", "do not disturb"
		return ack
	}
	if doc.On && !g.powered {
		g.powerOns++
	}
	g.powered = doc.On
	return ack
}
