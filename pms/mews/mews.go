// Package mews is the link to Mews: a WebSocket that says that something has
// changed, and the Connector API that says how it is now.
//
//	socket --event--> hints: which reservations, rooms, commands to read again
//	                    |
//	polls, catching up -+--> API reads --> house, stays, commands --> Notices
//	                                                                    |
//	          API <-- Received, Processing, Processed ... <-- Acknowledge
//
// The socket has no replay and acknowledges nothing, so an event is never more
// than a hint: what a notice says was read from the API, and polls find what no
// event told. How far they have read, by the server's clock, is the offset.
//
// One goroutine, the one that ranges over Notices, decides everything; reads
// run beside it one at a time, so that what it hands over never goes back in time.
package mews

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"edgeagent/pms"
)

// Deps is what a Source needs from the agent around it.
type Deps struct {
	Log zerolog.Logger
	// Secret reads the secret that a *_file setting names.
	Secret func(file string) (string, error)
	// Zone is the hotel's; nil is UTC.
	Zone *time.Location
	// Version of the agent, for the Client name that every request carries.
	Version string
	// InHouse lists the reservations of this link that the ledger holds in
	// house; they are read again after a long absence. nil: none.
	InHouse func() []string
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Source is one Mews property. It implements pms.Source.
type Source struct {
	name  string
	cfg   Config
	waits Waits
	deps  Deps
	log   zerolog.Logger
	board *pms.Board
	clock *clock
	api   *client
	net   *transport
	desk  *desk
	in    *inbox
	busy  atomic.Bool
	// open says that a socket is. Only its end moves the page from live, so
	// openMu keeps the two in order.
	openMu sync.Mutex
	open   bool
	// redial has one token while somebody wants the socket opened anew.
	redial chan struct{}
	// everybody says that the next catching up reads all who are in house.
	everybody atomic.Bool
}

// errBusy is returned to a second caller.
var errBusy = errors.New("the pms link is in use already; its notices go to one reader")

// New makes the link; it does not connect yet. The error names the first
// setting that cannot work.
func New(name string, cfg Config, deps Deps) (*Source, error) {
	for path, text := range cfg.Problems() {
		return nil, fmt.Errorf("pms %s: %s %s", name, path, text)
	}
	if deps.Secret == nil {
		return nil, fmt.Errorf("pms %s: no way to read secrets", name)
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Zone == nil {
		deps.Zone = time.UTC
	}
	if deps.InHouse == nil {
		deps.InHouse = func() []string { return nil }
	}
	full := cfg.WithDefaults()
	net, err := newTransport(full.CAFile)
	if err != nil {
		return nil, fmt.Errorf("pms %s: %w", name, err)
	}
	s := &Source{
		name: name, cfg: full, waits: full.Waits, deps: deps, net: net,
		log:   deps.Log.With().Str("source", name).Logger(),
		board: pms.NewBoard(deps.Now, passing[:]...), clock: newClock(deps.Now),
		in: newInbox(), redial: make(chan struct{}, 1),
	}
	s.api = newClient(s)
	s.desk = newDesk(s)
	return s, nil
}

// String names the link as the property file does.
func (s *Source) String() string { return s.name }

// Link says how the connection stands. It can be called from anywhere.
func (s *Source) Link() pms.Link { return s.board.View() }

// Reconnect opens the socket anew: Mews fixes which devices a socket hears of
// when it is opened. It has everybody in house read as well. It can be called
// from anywhere, and returns at once.
func (s *Source) Reconnect() {
	s.everybody.Store(true)
	select {
	case s.redial <- struct{}{}:
	default: // somebody has asked already
	}
}

func (s *Source) now() time.Time { return s.deps.Now() }

// Notices follows the property until ctx is done. It reconnects by itself, so
// the sequence ends with an error only when it cannot even begin.
func (s *Source) Notices(ctx context.Context, after string) iter.Seq2[[]pms.Notice, error] {
	return func(yield func([]pms.Notice, error) bool) {
		if !s.busy.CompareAndSwap(false, true) {
			yield(nil, fmt.Errorf("pms %s: %w", s.name, errBusy))
			return
		}
		defer s.busy.Store(false)
		f := newFollower(s, after, yield)
		f.run(ctx)
	}
}

// id brings an id into the one form in which ids are compared.
func id(text string) string { return strings.ToLower(strings.TrimSpace(text)) }

// isID reports whether a text is an id as Mews has them. One that is not spoils
// the whole request that names it.
func isID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i := range len(text) {
		switch c := text[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case !('0' <= c && c <= '9' || 'a' <= c && c <= 'f'):
			return false
		}
	}
	return true
}

// chunks cuts a list into pieces that one filter takes.
func chunks(ids []string) [][]string { return slices.Collect(slices.Chunk(ids, maxIDs)) }
