package web

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"edgeagent/internal/agent"
)

// view takes a view, or answers the request with why there is none.
func (p *Page) view(w http.ResponseWriter) (agent.View, bool) {
	if p.Look == nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintf(w, "The property file has problems; nothing runs until they are mended and edgeagent is restarted.\n\n%s", p.Problems)
		for _, c := range agent.Idle("", p.Standing).Conditions[1:] {
			fmt.Fprintf(w, "\n%s: %s. What to do: %s.\n", c.Code, c.Text, c.Do)
		}
		return agent.View{}, false
	}
	v, err := p.Look()
	if err != nil {
		http.Error(w, "the store cannot be read: "+err.Error(), http.StatusInternalServerError)
		return v, false
	}
	return v, true
}

func (p *Page) status(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	var v agent.View
	if p.Look == nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		v = agent.Idle(p.Problems, p.Standing)
	} else {
		var ok bool
		if v, ok = p.view(w); !ok {
			return
		}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(struct { // a browser that has left needs no answer
		Version  string `json:"version"`
		Property string `json:"property"`
		Problems string `json:"problems,omitempty"`
		agent.View
	}{p.Version, p.Property, p.Problems, v})
}

// ready is yes when every link is live or catching up. A device that is away
// makes the agent no less ready: its commands wait.
func (p *Page) ready(w http.ResponseWriter, _ *http.Request) {
	v, ok := p.view(w)
	if !ok {
		return
	}
	var waits []string
	for _, l := range v.Links {
		if s := string(l.Link.State); s != "live" && s != "catching up" {
			waits = append(waits, fmt.Sprintf("%s is %s", l.Name, s))
		}
	}
	if len(waits) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, "not ready:", strings.Join(waits, ", "))
		return
	}
	_, _ = io.WriteString(w, "ready\n")
}

// commands are the device commands of PMSs that are under way, or whose outcome
// the PMS has not taken yet.
func (p *Page) commands(w io.Writer, links []agent.LinkView) {
	n := 0
	for _, l := range links {
		n += len(l.Commands)
	}
	if n == 0 {
		return // most PMSs have none
	}
	section(w, "Device commands of the PMS", n)
	for _, l := range links {
		for _, c := range l.Commands {
			text := strings.TrimSpace(fmt.Sprintf("%s since %s %s", c.State, c.Since.Format(time.TimeOnly), c.Note))
			if c.Problem != "" {
				text += "; not told yet: " + c.Problem
			}
			fmt.Fprintf(w, "  %-18s %s %s\n", l.Name, c.ID, text)
		}
	}
}

func (p *Page) text(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	v, ok := p.view(w)
	if !ok {
		return
	}
	fmt.Fprintf(w, "edgeagent %s, %s, since %s\n", p.Version, p.Property, v.Started.Format(time.RFC3339))
	if p.Problems != "" {
		fmt.Fprintf(w, "\nIn the property file\n%s", p.Problems)
	}
	section(w, "What needs a person", len(v.Conditions))
	for _, c := range v.Conditions {
		fmt.Fprintf(w, "  %-18s %s: %s. What to do: %s.\n", c.Code, c.About, c.Text, c.Do)
	}
	section(w, "PMS links", len(v.Links))
	for _, l := range v.Links {
		fmt.Fprintf(w, "  %-18s %s since %s\n", l.Name, l.Link.State, l.Link.Since.Format(time.RFC3339))
	}
	p.commands(w, v.Links)
	section(w, "Devices", len(v.Devices))
	for _, d := range v.Devices {
		fmt.Fprintf(w, "  %-18s %s\n", d.Name, strings.TrimSpace(fmt.Sprintf("%s, waiting %d %s", d.State.Condition, d.Waiting, d.State.Reason)))
		if d.Remark != "" {
			fmt.Fprintf(w, "  %-18s %s\n", "", d.Remark)
		}
	}
	section(w, "Rooms in house", len(v.Rooms))
	for _, r := range v.Rooms {
		fmt.Fprintf(w, "  %-18s guests %d, until %s\n", r.Room, r.Guests, r.Departure.Format(time.RFC3339))
	}
	if len(v.Unknown) > 0 {
		section(w, "Outcome unknown: edgeagent resolve ID done, or not-done", len(v.Unknown))
		for _, c := range v.Unknown {
			fmt.Fprintf(w, "  %-18s %-14s %s\n", c.Device, c.Subject, c.ID)
		}
	}
	section(w, "Waiting", len(v.Open))
	for _, c := range v.Open {
		fmt.Fprintf(w, "  %-18s %-14s %s, tries %d %s\n", c.Device, c.Subject, c.State, c.Tries, c.Note)
	}
	section(w, "Lately", len(v.Recent))
	for _, c := range v.Recent {
		fmt.Fprintf(w, "  %s %-18s %-14s %s %s\n", c.Settled.Format(time.TimeOnly), c.Device, c.Subject, c.State, c.Note)
	}
	section(w, "Names of the PMS that nothing maps", len(v.Unmapped))
	for _, u := range v.Unmapped {
		fmt.Fprintf(w, "  %-18s %q, seen %d\n", u.Source, u.Name, u.Count)
	}
}

func section(w io.Writer, title string, n int) { fmt.Fprintf(w, "\n%s (%d)\n", title, n) }
