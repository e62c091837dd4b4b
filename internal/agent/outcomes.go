package agent

import (
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"edgeagent/offsetstore"
)

// Outcome is how the newest command stands that a kind of device was given about
// a room, or about a stay in it.
type Outcome struct {
	Device  string            `json:"device"`
	Action  string            `json:"action,omitempty"`
	State   offsetstore.State `json:"state"`
	Unknown bool              `json:"unknown,omitempty"`
	Note    string            `json:"note,omitempty"`
	// At is when it ended, or when it was taken on if it has not.
	At      time.Time `json:"at"`
	Command string    `json:"command"`
	// Forgotten: there may have been one before the start, and nobody knows what
	// became of it. All else is empty then.
	Forgotten bool `json:"forgotten,omitempty"`
}

// about is a kind of device with what its commands are about.
type about struct{ kind, subject string }

// outcomes remembers the newest settled command of each. It is filled from the
// store when somebody first looks, so that a start waits for nothing.
type outcomes struct {
	mu     sync.Mutex
	last   map[about]Outcome
	filled bool
}

// maxOutcomes bounds what is remembered: a large house and its last guests.
const maxOutcomes = 10_000

// add remembers a settled command. An older one changes nothing.
func (o *outcomes) add(kind string, c offsetstore.Command) {
	if kind == "" || !strings.HasPrefix(c.Subject, "room:") && !strings.HasPrefix(c.Subject, "stay:") {
		return
	}
	key := about{kind, c.Subject}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.last == nil {
		o.last = map[about]Outcome{}
	}
	if old, ok := o.last[key]; ok && old.At.After(c.Settled) {
		return
	}
	if len(o.last) >= maxOutcomes {
		o.forget()
	}
	o.last[key] = outcome(c)
}

// forget drops the older half. o.mu is held.
func (o *outcomes) forget() {
	var oldest, newest time.Time
	for _, out := range o.last {
		if oldest.IsZero() || out.At.Before(oldest) {
			oldest = out.At
		}
		if out.At.After(newest) {
			newest = out.At
		}
	}
	middle := oldest.Add(newest.Sub(oldest) / 2) // what was forgotten at the start goes first
	maps.DeleteFunc(o.last, func(_ about, out Outcome) bool { return !out.At.After(middle) })
}

// resolved notes what a person found out about a command.
func (o *outcomes) resolved(command string, done bool, note string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for key, out := range o.last {
		if out.Command == command {
			out.Unknown, out.Note = false, note
			if done {
				out.State = offsetstore.Processed
			}
			o.last[key] = out
		}
	}
}

// now is the newest of each: what is open is newer than what has ended. Only what
// is asked for is copied: much of what is remembered is of guests who have left.
func (a *Agent) outcomesNow(open []offsetstore.Command) (now func(about) (Outcome, bool), err error) {
	if err := a.fillOutcomes(); err != nil {
		return nil, err
	}
	kinds := map[string]string{}
	for _, d := range a.devices {
		kinds[d.name] = d.Kind
	}
	unsettled := map[about]Outcome{}
	for _, c := range open { // the oldest first
		if kind := kinds[c.Lane]; kind != "" {
			unsettled[about{kind, c.Subject}] = outcome(c)
		}
	}
	return func(key about) (Outcome, bool) {
		if out, ok := unsettled[key]; ok {
			return out, true
		}
		return a.outcomes.of(key)
	}, nil
}

// of is the newest settled command of one.
func (o *outcomes) of(key about) (Outcome, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	out, ok := o.last[key]
	return out, ok
}

// forgotten notes, at the start, of which rooms it is not known how the newest key
// command ended: what the store keeps is which key a room has, not who asked for one
// in vain since. What is remembered of a key is looked for in made.
func (o *outcomes) forgotten(rooms iter.Seq[string]) {
	o.last = map[about]Outcome{}
	for room := range rooms {
		o.last[about{"keycard", "room:" + room}] = Outcome{Forgotten: true}
	}
}

// made is the outcome of a room's key as it is to be shown. That it was cut for a
// guest who is in the room now is true after a restart too, and after a check-out
// of somebody before that left the room alone.
func (o Outcome) made(k madeKey) Outcome {
	older := o.Forgotten || o.Action == "cancel_room" && o.State == offsetstore.Processed
	if !older || k.until.IsZero() {
		return o
	}
	return Outcome{Device: k.device, Action: "encode", State: offsetstore.Processed, At: k.at}
}

// fillOutcomes reads, once, which settings TVs and WiFi hold, and which cards nobody
// knows of whether they were cut, or were found not to be: the power cut that left
// one so has also taken what this process knew of its room.
func (a *Agent) fillOutcomes() error {
	a.outcomes.mu.Lock()
	filled := a.outcomes.filled
	a.outcomes.filled = true
	a.outcomes.mu.Unlock()
	if filled {
		return nil
	}
	unknown, err := a.store.Unknown()
	if err != nil {
		return err
	}
	notDone, err := a.store.NotDone()
	if err != nil {
		return err
	}
	for _, d := range a.devices {
		for _, c := range slices.Concat(unknown, notDone) {
			if c.Lane == d.name {
				a.outcomes.add(d.Kind, c)
			}
		}
		if d.Kind == "keycard" {
			continue // that a room's keys were cancelled says nothing of a card cut since
		}
		settings, err := a.store.Wanted(d.name)
		if err != nil {
			return err
		}
		for _, c := range settings {
			if c.State.Final() {
				a.outcomes.add(d.Kind, c)
			}
		}
	}
	return nil
}

func outcome(c offsetstore.Command) Outcome {
	out := Outcome{Device: c.Lane, Action: actionOf(c), State: c.State, Unknown: c.Unknown, Note: c.Note, At: c.Settled, Command: c.ID}
	if out.At.IsZero() {
		out.At = c.Created
	}
	return out
}

// actionOf is the action of a stored command, "" if its body is gone.
func actionOf(c offsetstore.Command) string {
	var b struct {
		Action string `json:"action"`
	}
	if json.Unmarshal(c.Body, &b) != nil {
		return ""
	}
	return b.Action
}

// ofRoom picks what is about a room and the stays in it, by kind of device.
func ofRoom(now func(about) (Outcome, bool), kinds []string, r *RoomView) map[string]Outcome {
	var found map[string]Outcome
	keep := func(kind, subject string) {
		out, ok := now(about{kind, subject})
		if !ok {
			return
		}
		if found == nil {
			found = map[string]Outcome{}
		}
		if old, twice := found[kind]; !twice || out.At.After(old.At) {
			found[kind] = out
		}
	}
	for _, kind := range kinds {
		keep(kind, "room:"+r.Room)
		for _, stay := range r.Stays {
			keep(kind, "stay:"+stay)
		}
	}
	return found
}
