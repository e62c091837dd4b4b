package agent

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"

	"edgeagent/pms"
	"edgeagent/rules"
)

// Pulse is a number that changes when something has happened that Look shows. It
// looks into no file, so that a page can ask often and Look seldom. What time
// alone changes, such as a condition that has lasted long enough, it does not know.
func (a *Agent) Pulse() uint64 {
	var h maphash.Hash
	h.SetSeed(a.seed)
	number := func(n int64) { _, _ = h.Write(binary.LittleEndian.AppendUint64(nil, uint64(n))) } // it never fails
	for _, n := range []int64{
		a.counts.notices.Load(), a.counts.events.Load(), a.counts.commands.Load(), a.counts.processed.Load(), a.counts.cancelled.Load(),
		a.counts.failed.Load(), a.counts.unknown.Load(), a.counts.tries.Load(), a.changes.Load(),
	} {
		number(n)
	}
	for _, src := range a.sources {
		l := src.Link()
		h.WriteString(string(l.State))
		h.WriteString(l.Problem)
		h.WriteString(l.MonitorOnly)
		number(l.Since.UnixNano())
		number(l.LastNotice.UnixNano())
		number(int64(len(l.Alarms)))
	}
	for _, d := range a.devices {
		s := d.Driver.State()
		h.WriteString(string(s.Condition))
		h.WriteString(s.Reason)
		number(s.Since.UnixNano())
		for _, doing := range d.now.list() {
			h.WriteString(doing.Command)
			h.WriteString(string(doing.Step))
		}
	}
	return h.Sum64()
}

// Names are the guests of a room, the main guest first. They are personal: they
// are for who asked, and that somebody did is logged.
func (a *Agent) Names(room, who string) ([]pms.Guest, error) {
	a.mu.Lock()
	stays := a.ledger.Room(room)
	a.mu.Unlock()
	var guests []pms.Guest
	for _, stay := range stays {
		guests = append(guests, stay.Guests...)
	}
	if len(stays) == 0 { // nor is what was asked for a room: it may be anything, and is not logged
		return nil, fmt.Errorf("nobody is in room %q", room)
	}
	a.log.Info().Str("room", room).Str("user", who).Msg("names of guests asked for")
	return guests, nil
}

// Explain tells what the rules make of events that come together. Nothing moves.
func (a *Agent) Explain(events []pms.Event) rules.Together {
	return a.Table().ExplainAll(events)
}

// Happened is an event of the last ones again: Withheld stands in it for the names
// of guests and for what was written to them.
func (a *Agent) Happened(id string) (pms.Event, bool) {
	a.happened.mu.Lock()
	defer a.happened.mu.Unlock()
	i := slices.IndexFunc(a.happened.events, func(e happening) bool { return e.ID == id })
	if i < 0 {
		return pms.Event{}, false
	}
	e := a.happened.events[i].event
	e.Guests, e.Extra = slices.Clone(e.Guests), maps.Clone(e.Extra)
	e.Stay.Guests = e.Guests
	return e, true
}

// Withheld stands for a text that is personal, so that a rule finds it given.
const Withheld = "…"

func withheld(text string) string {
	if text == "" {
		return ""
	}
	return Withheld
}

// impersonal is an event without the names of guests and what was written to them,
// but with which of those it had: rules ask for that.
func impersonal(e *pms.Event) pms.Event {
	out := *e
	out.Guests = nil
	for _, g := range e.Guests {
		out.Guests = append(out.Guests, pms.Guest{Title: withheld(g.Title), First: withheld(g.First + g.AltFirst), Last: withheld(g.Last + g.AltLast)})
	}
	out.Stay.Guests = out.Guests
	out.Extra = maps.Clone(e.Extra)
	for _, name := range []string{"message", "message_title"} {
		if text, given := out.Extra[name]; given {
			out.Extra[name] = withheld(text)
		}
	}
	return out
}
