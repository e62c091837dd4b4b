package mewssim

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Audit is what the server saw, in order. It holds no token and no body.
type Audit struct {
	// Requests are those at the platform address; in a long run only the
	// latest 100,000 or so are kept.
	Requests []Request
	Connects []Connect
	// Violations are the client's breaches of the contract. Some belong to the
	// game: a client whose token was rotated leaves "credentials" behind.
	Violations []Violation
	// Open is the number of sockets now.
	Open int
}

// Request is one request at the platform address.
type Request struct {
	At time.Time // by Options.Now
	// Path is the operation, such as devices/getAll, or the whole path if it is
	// outside the API.
	Path string
	// Status is what was answered, 0 if nothing was.
	Status int
	// Reason is the message of a refusal.
	Reason string
	// IDs is how many values the filters named, Count and Cursor the page asked for.
	IDs, Count int
	Cursor     string
	// Rows is how many entities were found.
	Rows      int
	Client    string
	RequestID string
	// Trouble is true if the answer was tampered with.
	Trouble bool
	// Effect is true if the operation was carried out.
	Effect bool
}

// Connect is one request at the socket address and the socket that came of it.
type Connect struct {
	ID     int
	At     time.Time
	Status int // answered; 101 if upgraded
	Reason string
	// Linked is how many devices were linked, which is what it hears of.
	Linked int
	// Pings are when the client's control pings came, TextPings its texts "ping".
	Pings     []time.Time
	TextPings int
	Pongs     int
	// Frames and Events were handed to the socket.
	Frames, Events int
	// ServerClose and ClientClose are codes of close frames, 0 if there was none.
	ServerClose, ClientClose int
	Ended                    time.Time // zero while open
}

// PingGap is the longest time in which no control ping came, until the socket
// ended or, while it is open, until the last ping.
func (c Connect) PingGap() time.Duration {
	longest, last := time.Duration(0), c.At
	for _, at := range c.Pings {
		longest, last = max(longest, at.Sub(last)), at
	}
	if c.Ended.IsZero() {
		return longest
	}
	return max(longest, c.Ended.Sub(last))
}

// Violation is something a client must not do.
type Violation struct {
	At time.Time
	// Rule is one of: "host" (a socket at the platform address, or the API at
	// the socket's), "query token", "cookie", "credentials", "upgrade",
	// "client message", "method", "path", "content type", "json", "client
	// name", "language", "field" (unknown, missing or malformed), "limit"
	// (over the rate limit), "impatience" (again before Retry-After was over,
	// which requests already on their way are too), "transition".
	Rule   string
	Detail string // holds no token
}

func (v Violation) String() string { return v.Rule + ": " + v.Detail }

// keepRequests bounds the book of a long run.
const keepRequests = 100_000

type book struct {
	now func() time.Time

	mu         sync.Mutex
	wake       chan struct{}
	requests   []Request
	connects   []*Connect
	violations []Violation
	open       int
}

func newBook(now func() time.Time) *book { return &book{now: now, wake: make(chan struct{})} }

// write changes the book and wakes whoever waits for a change.
func (b *book) write(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
	close(b.wake)
	b.wake = make(chan struct{})
}

func (b *book) violate(rule, format string, args ...any) {
	b.write(func() {
		b.violations = append(b.violations, Violation{At: b.now(), Rule: rule, Detail: fmt.Sprintf(format, args...)})
	})
}

func (b *book) request(r Request) {
	b.write(func() {
		if len(b.requests) >= 2*keepRequests {
			b.requests = slices.Clone(b.requests[keepRequests:])
		}
		b.requests = append(b.requests, r)
	})
}

func (b *book) snapshot() (Audit, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := Audit{Requests: slices.Clone(b.requests), Violations: slices.Clone(b.violations), Open: b.open}
	for _, c := range b.connects {
		c := *c
		c.Pings = slices.Clone(c.Pings)
		a.Connects = append(a.Connects, c)
	}
	return a, b.wake
}

// Audit is what the server has seen so far.
func (s *Server) Audit() Audit {
	a, _ := s.book.snapshot()
	return a
}

// Violations are the client's breaches so far.
func (s *Server) Violations() []Violation { return s.Audit().Violations }

// Wait returns the first audit for which cond holds, or the context's error
// with the last audit seen.
func (s *Server) Wait(ctx context.Context, cond func(Audit) bool) (Audit, error) {
	for {
		a, wake := s.book.snapshot()
		if cond(a) {
			return a, nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return a, fmt.Errorf("waiting on the audit (%d requests, %d connects, violations %v): %w",
				len(a.Requests), len(a.Connects), a.Violations, ctx.Err())
		}
	}
}

// Peak is the greatest number of requests in any window of that length.
func (a Audit) Peak(window time.Duration) int {
	times := make([]time.Time, len(a.Requests)) // they stand in the order of their answers
	for i, r := range a.Requests {
		times[i] = r.At
	}
	slices.SortFunc(times, time.Time.Compare)
	most, first := 0, 0
	for i, at := range times {
		for at.Sub(times[first]) >= window {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// Calls are the requests to one operation.
func (a Audit) Calls(path string) []Request {
	return slices.DeleteFunc(slices.Clone(a.Requests), func(r Request) bool { return r.Path != path })
}
