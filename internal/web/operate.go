package web

import (
	"context"
	"io"
	"net/http"
	"strings"

	"edgeagent/internal/slip"
)

// Operator is what a person can set off, and what only who asks for it may see.
type Operator struct {
	// Reconnect opens a PMS link anew.
	Reconnect func(link string) error
	// Retry has a command tried again, Cancel takes back one that nobody has begun.
	Retry, Cancel func(command string) error
	// Resolve ends the doubt about a command whose outcome is unknown: it was
	// done, or it was not.
	Resolve func(command string, done bool) error
	// Probe asks a device whether it is there. It changes nothing.
	Probe func(ctx context.Context, device string) error
	// Trace is what an encoder remembers of its line, without personal data.
	Trace func(device string) (string, error)
	// Slip is how the guests of a room get on the WiFi. It is secret, and asking
	// for it is logged.
	Slip func(room string) (slip.Slip, error)
}

// deeds are what can be set off, by its address.
var deeds = []struct {
	path string
	do   func(*Operator, *http.Request) error
}{
	{"POST /api/links/{id}/reconnect", func(o *Operator, r *http.Request) error { return o.Reconnect(r.PathValue("id")) }},
	{"POST /api/devices/{id}/probe", func(o *Operator, r *http.Request) error { return o.Probe(r.Context(), r.PathValue("id")) }},
	{"POST /api/commands/{id}/retry", func(o *Operator, r *http.Request) error { return o.Retry(r.PathValue("id")) }},
	{"POST /api/commands/{id}/cancel", func(o *Operator, r *http.Request) error { return o.Cancel(r.PathValue("id")) }},
	{"POST /api/commands/{id}/done", func(o *Operator, r *http.Request) error { return o.Resolve(r.PathValue("id"), true) }},
	{"POST /api/commands/{id}/not-done", func(o *Operator, r *http.Request) error { return o.Resolve(r.PathValue("id"), false) }},
}

// operate routes all that Operator has.
func (p *Page) operate(mux *http.ServeMux) {
	for _, deed := range deeds {
		mux.HandleFunc(deed.path, func(w http.ResponseWriter, r *http.Request) {
			if p.runs(w) && answered(w, deed.do(p.Operator, r)) {
				w.WriteHeader(http.StatusNoContent)
			}
		})
	}
	if p.Log != nil {
		mux.Handle("GET /api/log", p.Log)
	}
	mux.HandleFunc("GET /api/devices/{id}/trace", p.trace)
	mux.HandleFunc("GET /api/rooms/{room}/slip.txt", p.slip)
	mux.HandleFunc("GET /api/rooms/{room}/slip.png", p.slip)
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
	if strings.HasSuffix(r.URL.Path, ".txt") {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, s.Text())
		return
	}
	if picture, err := s.PNG(); answered(w, err) {
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write(picture)
	}
}
