package inspiresim

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// Audit is what the server saw, in order. It holds no token and no secret.
type Audit struct {
	Tokens        []TokenCall
	Connects      []Connect
	Subscriptions []Subscription
	// Violations are the client's breaches of the protocol or of good manners.
	Violations []Violation
	// Sent counts events sent per chain, LastSent is the last offset sent.
	Sent     map[string]int
	LastSent map[string]uint64
	// Open is the number of sockets, Live that of subscriptions now.
	Open, Live int
}

// TokenCall is one request at the token endpoint.
type TokenCall struct {
	At                   time.Time
	Status               int
	Problem              string // why it was refused, "" if it was not
	RequestID            string
	Enterprise, ClientID string
	Cookies              []string // names
	Serial               int      // number of the token given, 0 if none
}

// Connect is one request for an upgrade and the connection that came of it.
type Connect struct {
	ID          int
	At          time.Time
	Status      int // HTTP status answered; 101 if upgraded
	Problem     string
	Offered     []string // subprotocols
	Subprotocol string   // the one named in the answer
	Cookies     []string // names
	RequestID   string
	TokenSerial int // token of connection_init, 0 before
	Acked       bool
	// Pings and Pongs are the client's JSON ones, ControlPings and
	// ControlPongs its WebSocket-level ones.
	Pings, Pongs, ControlPings, ControlPongs int
	LongestPingGap                           time.Duration
	// ServerClose and ClientClose are close codes, 0 if none was sent or came.
	ServerClose, ClientClose int
	Ended                    time.Time // zero while open
}

// Subscription is one subscribe message that could be read.
type Subscription struct {
	Conn      int
	At        time.Time
	ID, Chain string
	Query     string
	// Offset is the position as JSON text (42 or "42"), "" if none was given.
	Offset string
	// Fields are the selected output fields, such as metadata.offset.
	Fields []string
	// Accepted is true once it is live; Refused says why it will not be.
	Accepted bool
	Refused  string
	Sent     int // events sent on it
	// Completed is true once the client has ended it with complete.
	Completed bool
	Ended     time.Time
}

// Violation is something a client must not do, or should not. Some belong to
// the game: a client that tries an extended query leaves a "query" behind.
type Violation struct {
	At   time.Time
	Conn int // 0 for the token endpoint
	// Rule is one of: "token request", "upgrade", "key", "subprotocol",
	// "connection_init" (late, or a second one), "credentials", "subscribe"
	// (early, late, incomplete, or an id in use), "query" (does not validate),
	// "position" (in the wrong place), "complete" (of an unknown id, or none
	// before leaving), "message" and "frame" (not the protocol's), "reconnect"
	// (too early), "ping", "pong" and "heartbeat" (too rare).
	Rule string
	What string // holds no credentials
}

func (v Violation) String() string {
	return fmt.Sprintf("connection %d: %s: %s", v.Conn, v.Rule, v.What)
}

type auditBook struct {
	now func() time.Time

	mu         sync.Mutex
	wake       chan struct{}
	tokens     []TokenCall
	connects   []*Connect
	subs       []*Subscription
	violations []Violation
	sent       map[string]int
	lastSent   map[string]uint64
	open, live int
}

func newAuditBook(now func() time.Time) *auditBook {
	return &auditBook{now: now, wake: make(chan struct{}), sent: map[string]int{}, lastSent: map[string]uint64{}}
}

// write changes the book and wakes whoever waits for a change.
func (b *auditBook) write(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
	close(b.wake)
	b.wake = make(chan struct{})
}

func (b *auditBook) violate(conn int, rule, format string, args ...any) {
	b.write(func() {
		b.violations = append(b.violations, Violation{At: b.now(), Conn: conn, Rule: rule, What: fmt.Sprintf(format, args...)})
	})
}

func (b *auditBook) snapshot() (Audit, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := Audit{
		Tokens:     slices.Clone(b.tokens),
		Violations: slices.Clone(b.violations),
		Sent:       maps.Clone(b.sent),
		LastSent:   maps.Clone(b.lastSent),
		Open:       b.open,
		Live:       b.live,
	}
	for _, c := range b.connects {
		a.Connects = append(a.Connects, *c)
	}
	for _, s := range b.subs {
		a.Subscriptions = append(a.Subscriptions, *s)
	}
	return a, b.wake
}

// Audit is what the server has seen so far.
func (s *Server) Audit() Audit {
	a, _ := s.audit.snapshot()
	return a
}

// Wait returns the first audit for which cond holds, or the context's error
// with the last audit seen.
func (s *Server) Wait(ctx context.Context, cond func(Audit) bool) (Audit, error) {
	for {
		a, wake := s.audit.snapshot()
		if cond(a) {
			return a, nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return a, fmt.Errorf("waiting on the audit (%d tokens, %d connects, %d subscriptions, violations %v): %w",
				len(a.Tokens), len(a.Connects), len(a.Subscriptions), a.Violations, ctx.Err())
		}
	}
}
