// Package web shows how the agent stands: a page of text, JSON, Prometheus
// metrics and the two health checks. What a person can set off is on the control
// socket only, where the file's permissions say who that is.
package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"edgeagent/internal/agent"
	"edgeagent/internal/metrics"
)

// Page is what the server shows.
type Page struct {
	Version, Property string
	// Problems is what is wrong with the property file, as check prints it;
	// "" if nothing. With problems there may be no agent, and Look is nil.
	Problems string
	Look     func() (agent.View, error)
	// Operator is what a person can do; nil where there is no agent.
	Operator *Operator
	// Log shows the last lines of the log; nil where there are none.
	Log http.Handler
}

// Serve answers on the listener until ctx is done, and returns when nobody is
// being answered any more: what Look looks at may be closed then.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		MaxHeaderBytes:    16 << 10,
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if server.Shutdown(patience) != nil {
			_ = server.Close() // somebody reads very slowly
		}
	})
	err := server.Serve(l)
	if !stop() {
		<-ended
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("status page: %w", err)
	}
	return nil
}

// Handler is what everybody on this machine may see.
func (p *Page) Handler() http.Handler {
	mux := http.NewServeMux()
	p.look(mux)
	return onlyHere(mux)
}

// Control is all that there is, for whoever may open the control socket.
func (p *Page) Control() http.Handler {
	mux := http.NewServeMux()
	p.look(mux)
	p.operate(mux)
	return mux
}

// look routes what changes nothing and tells no secret.
func (p *Page) look(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", p.text)
	mux.HandleFunc("GET /api/status", p.status)
	mux.HandleFunc("GET /metrics", p.metrics)
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "healthy\n") })
	mux.HandleFunc("GET /-/ready", p.ready)
}

// onlyHere refuses requests under another name than this machine's own: a web
// page elsewhere could otherwise have a browser on the gateway read this one.
func onlyHere(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if ip := net.ParseIP(strings.Trim(host, "[]")); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "this page answers to localhost only", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// view takes a view, or answers the request with why there is none.
func (p *Page) view(w http.ResponseWriter) (agent.View, bool) {
	if p.Look == nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintf(w, "The property file has problems; nothing runs until they are mended and edgeagent is restarted.\n\n%s", p.Problems)
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
		v.Conditions = []agent.Condition{agent.ConfigInvalid(p.Problems)}
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

func (p *Page) metrics(w http.ResponseWriter, _ *http.Request) {
	v, ok := p.view(w)
	if !ok {
		return
	}
	for name, n := range v.Counts {
		metrics.WriteCounterUint64(w, "edgeagent_"+name+"_total", uint64(n))
	}
	for _, l := range v.Links {
		metrics.WriteGaugeUint64(w, label("edgeagent_pms_live", "pms", l.Name), boolean(l.Link.State == "live"))
	}
	for _, d := range v.Devices {
		metrics.WriteGaugeUint64(w, label("edgeagent_device_online", "device", d.Name), boolean(d.State.Condition == "online" || d.State.Condition == "busy"))
		metrics.WriteGaugeUint64(w, label("edgeagent_device_waiting", "device", d.Name), uint64(d.Waiting))
	}
	metrics.WriteGaugeUint64(w, "edgeagent_rooms_in_house", uint64(len(v.Rooms)))
	metrics.WriteGaugeUint64(w, "edgeagent_conditions", uint64(len(v.Conditions)))
	metrics.WriteGaugeUint64(w, "edgeagent_store_bytes", uint64(v.StoreBytes))
	metrics.WriteGaugeUint64(w, "edgeagent_quarantined", uint64(v.Quarantine))
	metrics.WriteProcessMetrics(w)
}

func label(name, key, value string) string {
	return name + "{" + key + "=" + strconv.Quote(value) + "}"
}

func boolean(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
