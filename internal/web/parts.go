package web

import (
	"encoding/json"
	"time"

	"edgeagent/internal/agent"
)

// part is a list on the page, such as the rooms: what is in it, by id, in order.
type part struct {
	name  string
	order []string
	items map[string]json.RawMessage
}

func (p *part) add(id string, item any) {
	text, err := json.Marshal(item)
	if err != nil {
		panic(err) // text, times and numbers always marshal
	}
	if _, twice := p.items[id]; twice {
		return
	}
	if p.items == nil {
		p.items = map[string]json.RawMessage{}
	}
	p.order = append(p.order, id)
	p.items[id] = text
}

// shownEvents is how many events the page shows.
const shownEvents = 100

// caused is an event with what became of the commands that it caused.
type caused struct {
	agent.EventView
	Caused []agent.CommandView `json:"caused,omitempty"`
}

// wait is something that waits for a person.
type wait struct {
	// Kind is unknown, failed, parked, quarantined, unmapped or messages.
	Kind string `json:"kind"`
	// ID is what the buttons are about: a command, a link or a device.
	ID   string `json:"id,omitempty"`
	Text string `json:"text,omitempty"`
	// Reconnects: the parked link can be opened anew.
	Reconnects bool               `json:"reconnects,omitempty"`
	Count      int                `json:"count,omitempty"`
	Since      time.Time          `json:"since,omitzero"`
	Command    *agent.CommandView `json:"command,omitempty"`
}

// parts cuts a view into the lists of the page.
func parts(v agent.View) []part {
	head := part{name: "head"}
	head.add("head", struct {
		Started    time.Time        `json:"started"`
		Quarantine int              `json:"quarantine"`
		StoreBytes int64            `json:"store_bytes"`
		Counts     map[string]int64 `json:"counts"`
	}{v.Started, v.Quarantine, v.StoreBytes, v.Counts})
	conditions := part{name: "conditions"}
	for _, c := range v.Conditions {
		conditions.add(c.Code+" "+c.About, c)
	}
	links, devices, rooms, open := part{name: "links"}, part{name: "devices"}, part{name: "rooms"}, part{name: "commands"}
	for _, l := range v.Links {
		l.Link.Last = time.Time{} // each heartbeat changes it
		l.Offset = ""             // and each event this
		links.add(l.Name, l)
	}
	for _, d := range v.Devices {
		devices.add(d.Name, d)
	}
	for _, r := range v.Rooms {
		rooms.add(r.Room, r)
	}
	for _, c := range v.Open {
		open.add(c.ID, c)
	}
	return []part{head, conditions, waits(v), open, links, devices, rooms, events(v)}
}

// events are the last ones with what they caused.
func events(v agent.View) part {
	commands := map[string]agent.CommandView{}
	for _, list := range [][]agent.CommandView{v.Recent, v.Unknown, v.Open} {
		for _, c := range list {
			commands[c.ID] = c
		}
	}
	all := part{name: "events"}
	for _, e := range v.Events[:min(len(v.Events), shownEvents)] {
		shown := caused{EventView: e}
		for _, id := range e.Commands {
			c, known := commands[id]
			if !known {
				c = agent.CommandView{ID: id} // it settled a while ago, and well
			}
			shown.Caused = append(shown.Caused, c)
		}
		shown.Commands = nil
		all.add(e.ID, shown)
	}
	return all
}

// waits are what waits for a person, what is worst first.
func waits(v agent.View) part {
	all := part{name: "waits"}
	for _, c := range v.Unknown {
		all.add("unknown "+c.ID, wait{Kind: "unknown", ID: c.ID, Text: c.Note, Since: c.Settled, Command: &c})
	}
	for _, d := range v.Devices {
		if d.State.Condition == "quarantined" {
			all.add("quarantined "+d.Name, wait{Kind: "quarantined", ID: d.Name, Text: d.State.Reason, Since: d.State.Since})
		}
	}
	for _, l := range v.Links {
		if l.Link.State == "parked" {
			all.add("parked "+l.Name, wait{Kind: "parked", ID: l.Name, Text: l.Link.Problem, Since: l.Link.Since, Reconnects: l.Reconnects})
		}
	}
	for _, c := range v.Recent {
		if c.Retry { // any other failure is old news
			all.add("failed "+c.ID, wait{Kind: "failed", ID: c.ID, Text: c.Note, Since: c.Settled, Command: &c})
		}
	}
	for _, u := range v.Unmapped {
		all.add("unmapped "+u.Source+" "+u.Name, wait{Kind: "unmapped", ID: u.Source, Text: u.Name, Count: u.Count, Since: u.Last})
	}
	if v.Quarantine > 0 {
		all.add("messages", wait{Kind: "messages", Count: v.Quarantine})
	}
	return all
}
