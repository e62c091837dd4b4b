package web

import (
	"io"
	"net/http"
	"strings"
)

// What a person sets off, or may see only when asking for it.

// ByHand is the header that a request which sets something off must have: a web
// page elsewhere cannot send it without asking first.
const ByHand = "Edgeagent-By-Hand"

// slip shows how the guests of a room get on the WiFi. It wants the header of
// what is set off by hand, since a page elsewhere must not even embed it.
func (p *Page) slip(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get(ByHand) == "" {
		http.Error(w, "the header "+ByHand+" is missing", http.StatusForbidden)
		return
	}
	if p.Slip == nil {
		http.Error(w, "nothing runs", http.StatusServiceUnavailable)
		return
	}
	s, err := p.Slip(r.PathValue("room"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	if strings.HasSuffix(r.URL.Path, ".txt") {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, s.Text()) // who has left needs no answer
		return
	}
	picture, err := s.PNG()
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	_, _ = w.Write(picture)
}

// resolve takes what a person has found out about a command.
func (p *Page) resolve(w http.ResponseWriter, r *http.Request) {
	outcome := r.PathValue("outcome")
	switch {
	case outcome != "done" && outcome != "not-done":
		http.NotFound(w, r)
	case r.Header.Get(ByHand) == "":
		http.Error(w, "the header "+ByHand+" is missing", http.StatusForbidden)
	case p.Resolve == nil:
		http.Error(w, "nothing runs", http.StatusServiceUnavailable)
	default:
		if err := p.Resolve(r.PathValue("id"), outcome == "done"); err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

// reconnect opens a PMS link anew.
func (p *Page) reconnect(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get(ByHand) == "" {
		http.Error(w, "the header "+ByHand+" is missing", http.StatusForbidden)
		return
	}
	if p.Reconnect == nil {
		http.Error(w, "nothing runs", http.StatusServiceUnavailable)
		return
	}
	if err := p.Reconnect(r.PathValue("name")); err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// trace shows what went over an encoder's line lately.
func (p *Page) trace(w http.ResponseWriter, r *http.Request) {
	if p.Trace == nil {
		http.Error(w, "nothing runs", http.StatusServiceUnavailable)
		return
	}
	text, err := p.Trace(r.PathValue("name"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, text)
}
