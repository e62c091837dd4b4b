// Package room is the control room of the simulated hotel: a page on which a
// person is the guest, the desk and the bad luck. It shows the floor as a guest
// finds it, and what the judge finds wrong with it.
//
//	page --POST /api/act--> guard --> deed --> Hotel (desk, encoders, doors, phones, faults)
//	     <--GET /api/live-- View, whenever it has changed
//
// It is a bench tool on an installer's laptop: it listens on loopback only, and
// a page of another site can neither read nor change anything. It uses the same
// hotel that the day plays and the judge judges, and knows nothing that they do
// not know.
package room

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"sync"
	"time"

	"edgeagent/hwsim"
	"edgeagent/hwsim/locksim"
)

//go:embed page
var page embed.FS

// Options describe a control room.
type Options struct {
	Hotel *hwsim.Hotel
	// Power is the agent's plug; nil if somebody else starts the agent.
	Power *hwsim.Power
	// LogFile is the agent's log, which must name nobody; "" for none to look at.
	LogFile string
	// Locked says why nobody may touch anything now, "" if one may; nil for always.
	Locked func() string
}

// Room is a control room.
type Room struct {
	opt  Options
	done chan struct{}
	srv  *http.Server
	url  string
	host string

	acting sync.Mutex // one deed at a time

	mu       sync.Mutex
	broken   map[string]bool   // faults that last, by name
	reversed map[string]bool   // reservations whose check-in was taken back
	commands []string          // ids of key commands, in their order
	joined   map[string]string // phone -> what became of its last try
	hold     *locksim.Hold     // a power cut that waits for a card

	judging sync.Mutex // guards what follows
	judged  time.Time
	wrong   []hwsim.Finding
	agent   []Condition
}

// New makes a control room that nobody can reach yet.
func New(o Options) *Room {
	return &Room{opt: o, done: make(chan struct{}), broken: map[string]bool{}, reversed: map[string]bool{}, joined: map[string]string{}}
}

// Listen serves the page at a loopback address.
func (r *Room) Listen(address string) error {
	if err := Loopback(address); err != nil {
		return err
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("the control room: %w", err)
	}
	r.host = l.Addr().String()
	r.url = "http://" + r.host + "/"
	r.srv = &http.Server{Handler: r, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = r.srv.Serve(l) }() // until Close
	return nil
}

// Loopback says why an address is not one of this machine alone.
func Loopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is no address: write one such as 127.0.0.1:8090", address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%q can be reached from outside: the control room is for this machine only, write one such as 127.0.0.1:8090", address)
	}
	return nil
}

// URL is where the page is.
func (r *Room) URL() string { return r.url }

// Close shuts the page. The hotel stays open.
func (r *Room) Close() error {
	close(r.done)
	r.disarm()
	if r.srv == nil {
		return nil
	}
	return r.srv.Close()
}

// ServeHTTP lets in who comes from the page itself.
func (r *Room) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	for name, value := range map[string]string{
		"Content-Security-Policy":      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
		"Referrer-Policy":              "no-referrer",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Cache-Control":                "no-store",
	} {
		w.Header().Set(name, value)
	}
	if why := r.refuses(req); why != "" {
		http.Error(w, why, http.StatusForbidden)
		return
	}
	switch req.Method + " " + req.URL.Path {
	case "GET /", "HEAD /":
		r.asset(w, "index.html", "text/html; charset=utf-8")
	case "GET /style.css":
		r.asset(w, "style.css", "text/css; charset=utf-8")
	case "GET /app.js":
		r.asset(w, "app.js", "text/javascript; charset=utf-8")
	case "GET /favicon.ico":
		w.WriteHeader(http.StatusNoContent)
	case "GET /api/state":
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(r.View(req.Context())) // the reader may have left
	case "GET /api/live":
		r.live(w, req)
	case "POST /api/act":
		r.act(w, req)
	default:
		http.NotFound(w, req)
	}
}

func (r *Room) asset(w http.ResponseWriter, name, kind string) {
	text, err := fs.ReadFile(page, "page/"+name)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(text) // the reader may have left
}

// refuses says why a request does not come from the page itself. The name that
// it asked for is looked at too: a site's own name may point to this machine.
func (r *Room) refuses(req *http.Request) string {
	_, port, err := net.SplitHostPort(r.host)
	if err != nil || req.Host != r.host && req.Host != net.JoinHostPort("localhost", port) {
		return "this page answers to " + r.url + " only"
	}
	switch site := req.Header.Get("Sec-Fetch-Site"); {
	case site == "cross-site", site == "same-site":
		return "this page does not answer to other sites"
	case req.Method != http.MethodPost:
		return ""
	case req.Header.Get("Origin") != "http://"+req.Host:
		return "an act comes from the page itself: the header Origin names another one, or none"
	case req.Header.Get("X-Control-Room") == "":
		return "an act comes from the page itself: the header X-Control-Room is missing"
	}
	return ""
}

// liveEvery is how often the house is looked at while somebody watches, and
// stillEvery how often somebody is told that the line stands.
const (
	liveEvery  = 250 * time.Millisecond
	stillEvery = 10 * time.Second
)

// live sends the view whenever it has changed.
func (r *Room) live(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	flush := http.NewResponseController(w)
	tick := time.NewTicker(liveEvery)
	defer tick.Stop()
	var last string
	var told time.Time
	for {
		text, err := json.Marshal(r.View(req.Context()))
		if err != nil {
			return
		}
		switch {
		case string(text) != last:
			last, told = string(text), time.Now()
			_, err = fmt.Fprintf(w, "data: %s\n\n", text)
		case time.Since(told) > stillEvery:
			told = time.Now()
			_, err = fmt.Fprint(w, ": still here\n\n")
		}
		if err = errors.Join(err, flush.Flush()); err != nil {
			return
		}
		select {
		case <-req.Context().Done():
			return
		case <-r.done:
			return
		case <-tick.C:
		}
	}
}

// judge looks at the whole house, at most twice a second.
func (r *Room) judge(ctx context.Context) ([]hwsim.Finding, []Condition) {
	r.judging.Lock()
	defer r.judging.Unlock()
	if time.Since(r.judged) < 500*time.Millisecond {
		return r.wrong, r.agent
	}
	r.wrong = r.opt.Hotel.Wrong()
	if r.opt.LogFile != "" {
		for _, text := range r.opt.Hotel.Leaks(r.opt.LogFile) {
			r.wrong = append(r.wrong, hwsim.Finding{About: "log", Text: text})
		}
	}
	r.agent = r.conditions(ctx)
	r.judged = time.Now()
	return r.wrong, r.agent
}

// conditions is what the agent says of itself.
func (r *Room) conditions(ctx context.Context) []Condition {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	list := []Condition{}
	s, err := r.opt.Hotel.Status(ctx)
	if err != nil {
		return append(list, Condition{Text: "the agent does not answer"})
	}
	for _, l := range s.Links {
		if l.Link.State != "live" {
			list = append(list, Condition{"", "PMS link " + l.Name, "is " + l.Link.State})
		}
	}
	for _, d := range s.Devices {
		if d.State.Condition == "offline" {
			list = append(list, Condition{"", d.Name, "is offline: " + d.State.Reason})
		}
	}
	for _, c := range s.Conditions {
		list = append(list, Condition{c.Code, c.About, c.Text})
	}
	return list
}
