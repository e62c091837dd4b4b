package mewssim

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"edgeagent/hwsim/door"
)

func (t Trouble) late() bool {
	return t.Late || t.Kind == Truncate || t.Kind == Break || t.Kind == Garbage
}

// takeTrouble finds what is to happen to a request; the zero Trouble is nothing.
func (s *Server) takeTrouble(path string) Trouble {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.troubles {
		t := &s.troubles[i]
		if !strings.HasPrefix(path, t.Path) {
			continue
		}
		if t.Skip > 0 {
			t.Skip--
			continue
		}
		taken := *t
		if t.Times > 0 {
			if t.Times--; t.Times == 0 {
				s.troubles = append(s.troubles[:i:i], s.troubles[i+1:]...)
			}
		}
		return taken
	}
	return Trouble{}
}

// act answers with a trouble, after a good answer that may be used for it.
func (s *Server) act(w http.ResponseWriter, r *http.Request, t Trouble, good answer, seen *Request) {
	seen.Trouble = true
	switch t.Kind {
	case Status, HTML:
		seen.Status = or(t.Status, http.StatusOK)
	case Truncate, Garbage:
		seen.Status = good.status
	}
	s.book.request(*seen)
	switch t.Kind {
	case Status:
		a := answer{status: seen.Status, body: errorBody(t.Message, seen.RequestID)}
		if t.Retry != "" {
			a.header = map[string]string{"Retry-After": t.Retry}
		}
		a.write(w)
	case HTML:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(seen.Status)
		_, _ = io.WriteString(w, "<!DOCTYPE html><title>Welcome</title><h1>Please sign in</h1>") // the client may have left
	case Hang:
		<-r.Context().Done()
	case Reset:
		if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
			door.ResetTCP(c)
		}
	case Break:
		breakOff(w, good)
	case Truncate:
		good.body = good.body[:len(good.body)/2]
		good.write(w)
	case Garbage:
		good.body = []byte("\x00\xff{\"Message\":")
		good.write(w)
	}
}

// breakOff promises a whole answer and ends the connection after half of it.
func breakOff(w http.ResponseWriter, a answer) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return // the client is gone
	}
	_, _ = fmt.Fprintf(c, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		a.status, http.StatusText(a.status), len(a.body), a.body[:len(a.body)/2]) // the client may have left
	_ = c.Close() // as above
}

// sleep waits, and reports false if the context ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
