package web

import (
	"encoding/json"
	"net/http"
	"time"
)

const (
	// heartbeat is how often a word goes to a page that has no news, so that either
	// end finds out when the other has gone.
	heartbeat = 15 * time.Second
	// slowest is how long a page may take to read what it is told.
	slowest = 10 * time.Second
)

// stream tells a page what changes, as server-sent events.
func (p *Page) stream(w http.ResponseWriter, r *http.Request) {
	visitor := visitorOf(r)
	l := p.hub.join(visitor.user, p.watch)
	if l == nil {
		w.Header().Set("Retry-After", "30")
		http.Error(w, "too many pages are open; close some", http.StatusServiceUnavailable)
		return
	}
	defer p.hub.leave(l)
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	alive := time.NewTicker(heartbeat)
	defer alive.Stop()
	var version, line int64
	for {
		m, now, news := p.hub.since(version)
		m.Log, line = p.Lines.After(line)
		_ = control.SetWriteDeadline(time.Now().Add(slowest)) // instead of the server's own; a recorder in a test has none
		if now > 0 && (m.Parts != nil || m.Log != nil || m.Problem != "") {
			version = now
			if tell(w, m) != nil {
				return
			}
		} else if _, err := w.Write([]byte(":\n\n")); err != nil {
			return
		}
		if control.Flush() != nil {
			return
		}
		select {
		case <-news:
		case <-alive.C:
		case <-l.out:
			_ = control.SetWriteDeadline(time.Now().Add(slowest))
			_, _ = tell(w, message{Full: true}), control.Flush() // who has left needs no answer
			return
		case <-r.Context().Done():
			return
		case <-p.Closing:
			return
		}
		if visitor.session != (digest{}) {
			if _, still := p.sessions.byKey(visitor.session, false); !still {
				return
			}
		}
	}
}

func tell(w http.ResponseWriter, m message) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = w.Write(append(append([]byte("data: "), text...), "\n\n"...))
	return err
}
