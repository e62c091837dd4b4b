package console

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"
)

// FaultKind is a way in which a console misbehaves.
type FaultKind string

// The ways in which a console can misbehave.
const (
	// DropAfterCommit does the work, then closes the connection without a reply.
	DropAfterCommit FaultKind = "drop after commit"
	// SilentAfterCommit does the work, then never replies.
	SilentAfterCommit FaultKind = "silent after commit"
	// Silent reads the request, does nothing and never replies.
	Silent FaultKind = "silent"
	// Drop closes the connection without doing anything.
	Drop FaultKind = "drop"
	// TooMany answers 429, with Fault.RetryAfter as it stands if not empty.
	TooMany FaultKind = "429"
	// Unauthorized answers 401 as for a bad key.
	Unauthorized FaultKind = "401"
	// Forbidden answers 403 as for a key without the right.
	Forbidden FaultKind = "403"
	// ServerError answers 500.
	ServerError FaultKind = "500"
	// Redirect answers 302 to a log-in page.
	Redirect FaultKind = "302"
	// SlowBody sends the headers, then one byte every 50 ms for ever.
	SlowBody FaultKind = "slow body"
	// EndlessBody sends an answer that never ends, as fast as it is read.
	EndlessBody FaultKind = "endless body"
	// NotJSON answers 200 with an HTML page.
	NotJSON FaultKind = "not json"
	// Says answers 200 with the JSON text of Fault.Text.
	Says FaultKind = "says"
	// IgnoresFilter answers a list as if it had not been asked for a part of it.
	IgnoresFilter FaultKind = "ignores the filter"
)

// Fault is a misbehaviour that is waiting for its requests.
type Fault struct {
	Kind FaultKind
	// Match is a part of "METHOD /path?query" (decoded) that a request must
	// have; "" matches all.
	Match string
	// Count is how many requests are hit; 0 is one, negative all.
	Count int
	// RetryAfter is that header of a refusal: seconds, an HTTP date, or "" for none.
	RetryAfter string
	// Text is what Says answers.
	Text string
}

// Inject makes the next matching requests go wrong. Faults are tried in the
// order in which they were injected.
func (c *Console) Inject(f Fault) {
	if f.Count == 0 {
		f.Count = 1
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, &f)
}

// Heal removes all faults that are still waiting.
func (c *Console) Heal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = nil
}

func (c *Console) fault(line string) *Fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, f := range c.faults {
		if !strings.Contains(line, f.Match) {
			continue
		}
		if f.Count > 0 {
			f.Count--
		}
		if f.Count == 0 {
			c.faults = append(c.faults[:i:i], c.faults[i+1:]...)
		}
		return f
	}
	return nil
}

// misbehave carries out the fault in place of, or after, the request.
func (c *Console) misbehave(f *Fault, w http.ResponseWriter, r *http.Request, body []byte) {
	switch f.Kind {
	case DropAfterCommit:
		c.opts.Serve(httptest.NewRecorder(), r, body)
		panic(http.ErrAbortHandler)
	case SilentAfterCommit:
		c.opts.Serve(httptest.NewRecorder(), r, body)
		c.hold(r)
	case Silent:
		c.hold(r)
	case Drop:
		panic(http.ErrAbortHandler)
	case TooMany, Unauthorized, Forbidden, ServerError:
		if f.RetryAfter != "" {
			w.Header().Set("Retry-After", f.RetryAfter)
		}
		c.opts.Refuse(w, r, f.Kind)
	case Redirect:
		http.Redirect(w, r, "/login", http.StatusFound)
	case NotJSON:
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>Welcome</title>"))
	case Says:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(f.Text))
	case IgnoresFilter:
		c.opts.Serve(w, unfiltered(r), body)
	case SlowBody:
		c.drip(w, r, []byte(" "), 50*time.Millisecond)
	case EndlessBody:
		c.drip(w, r, []byte(strings.Repeat(" ", 64<<10)), 0)
	}
}

// unfiltered is a request without what narrows a list. What says how the list
// is to be shown stays: its pages, and the columns of a router.
func unfiltered(r *http.Request) *http.Request {
	query := r.URL.Query()
	for name := range query {
		switch name {
		case "limit", "offset", "page", "pageSize", "within", ".proplist":
		default:
			query.Del(name)
		}
	}
	r = r.Clone(r.Context())
	r.URL.RawQuery = query.Encode()
	return r
}

func (c *Console) hold(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-c.done:
	}
	panic(http.ErrAbortHandler)
}

func (c *Console) drip(w http.ResponseWriter, r *http.Request, part []byte, every time.Duration) {
	w.Header().Set("Content-Type", "application/json")
	flush := http.NewResponseController(w)
	// Aborted at the end: a proper last chunk could still reach a client that
	// is giving up, and look like an answer.
	defer panic(http.ErrAbortHandler)
	for {
		if _, err := w.Write(part); err != nil {
			return
		}
		if err := flush.Flush(); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-c.done:
			return
		case <-time.After(every):
		}
	}
}

// WriteJSON answers with one JSON value.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}
