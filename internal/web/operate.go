package web

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"edgeagent/internal/slip"
	"edgeagent/pms"
)

// deedLimit bounds what is waited for on behalf of a browser; the server gives an
// answer 30 s.
const deedLimit = 25 * time.Second

// Operator is what a person can set off, and what only who asks for it may see.
type Operator struct {
	// Reload takes rules and names of rooms over from the property file, and says
	// what of it counts only after a restart; "" for nothing.
	Reload func() (restart string, err error)
	// Reconnect opens a PMS link anew.
	Reconnect func(link string) error
	// Retry has a command tried again, Cancel takes back one that nobody has begun.
	Retry, Cancel func(command string) error
	// Resolve ends the doubt about a command whose outcome is unknown: it was
	// done, or it was not.
	Resolve func(command string, done bool) error
	// Probe asks a device whether it is there. It changes nothing.
	Probe func(ctx context.Context, device string) error
	// Names are the guests of a room. They are personal, and asking for them is logged.
	Names func(room, who string) ([]pms.Guest, error)
	// Trace is what an encoder remembers of its line, without personal data.
	Trace func(device string) (string, error)
	// Slip is how the guests of a room get on the WiFi. It is secret, and asking
	// for it is logged.
	Slip func(room string) (slip.Slip, error)
	// Snapshot writes the store as it is at one moment, after begin has been told
	// its size in bytes.
	Snapshot func(begin func(size int64) (io.Writer, error)) error
}

// runs says so if there is no agent.
func (p *Page) runs(w http.ResponseWriter) bool {
	if p.Operator == nil {
		http.Error(w, "nothing runs", http.StatusServiceUnavailable)
		return false
	}
	return true
}

// answered tells of an error.
func answered(w http.ResponseWriter, err error) bool {
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
	}
	return err == nil
}

// reload takes the property file over, and says what waits for a restart.
func (p *Page) reload(w http.ResponseWriter, _ *http.Request) {
	if !p.runs(w) {
		return
	}
	restart, err := p.Operator.Reload()
	switch {
	case !answered(w, err):
	case restart == "":
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, restart+"\n")
	}
}

// names shows who is in a room.
func (p *Page) names(w http.ResponseWriter, r *http.Request) {
	if !p.runs(w) {
		return
	}
	guests, err := p.Operator.Names(r.PathValue("room"), visitorOf(r).user)
	if !answered(w, err) {
		return
	}
	names := []string{}
	for _, g := range guests {
		words := []string{}
		for _, word := range []string{g.Title, g.First, g.Middle, g.Last} {
			if word != "" {
				words = append(words, word)
			}
		}
		names = append(names, strings.Join(words, " "))
	}
	asJSON(w, map[string][]string{"names": names})
}

// trace shows what went over an encoder's line lately.
func (p *Page) trace(w http.ResponseWriter, r *http.Request) {
	if !p.runs(w) {
		return
	}
	if text, err := p.Operator.Trace(r.PathValue("id")); answered(w, err) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, text) // who has left needs no answer
	}
}

// slip shows how the guests of a room get on the WiFi.
func (p *Page) slip(w http.ResponseWriter, r *http.Request) {
	if !p.runs(w) {
		return
	}
	s, err := p.Operator.Slip(r.PathValue("room"))
	if !answered(w, err) {
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	switch {
	case strings.HasSuffix(r.URL.Path, ".json"):
		asJSON(w, s)
		return
	case strings.HasSuffix(r.URL.Path, ".txt"):
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, s.Text())
		return
	}
	if picture, err := s.PNG(); answered(w, err) {
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write(picture)
	}
}
