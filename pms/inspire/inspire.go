// Package inspire is the link to a Destinity Inspire event stream and, from
// the same implementation, to OPERA Cloud (OHIP) streaming, which Inspire
// copies. One Source is one chain code is one WebSocket:
//
//	wait -> token -> upgrade -> connection_init -> ack -> subscribe -> replay -> live
//	  ^                                                                 |        |
//	  +---- the table of ends: how long, which fallback, who is told <--+--------+
//
// A reader goroutine answers pings, decodes frames and fills a bounded inbox.
// The goroutine that ranges over Notices empties it: there repetitions are
// recognised, a restarted counter is noticed, other hotels are sorted out, and
// what remains is handed over in groups.
//
// Nothing that the vendor leaves open is taken for granted: how offsets are
// written, whether a replay includes the offset asked for, which subprotocol
// is spoken, whether pings are answered. Fallbacks that worked are remembered.
package inspire

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
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
	// Memory keeps waits and learned fallbacks across restarts; nil keeps none.
	Memory pms.Memory
	// Zone is the hotel's; nil is UTC.
	Zone *time.Location
	// Version of the agent, for the User-Agent header.
	Version string
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Waits replace those of the configuration; nil leaves them.
	Waits *Waits
}

// Source is one PMS link. It implements pms.Source.
type Source struct {
	name     string
	cfg      Config
	dialect  *dialect
	waits    Waits
	deps     Deps
	log      zerolog.Logger
	names    *names
	net      *transport
	board    *pms.Board
	host     string
	identity string
	busy     atomic.Bool

	// From here on everything belongs to the goroutine that ranges over Notices.
	mem       remembered
	loaded    bool
	known     bool      // there was a memory at start
	connected bool      // this process has been connected before
	notBefore time.Time // no connection before this
	past      *history
	place     place
	fromZero  bool // replay all there is: the counter began again
	token     *token
	protocol  *string  // to try next, nil for the learned or the first
	attempt   *attempt // to try next, nil for the learned or the first
	parked    bool
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
	full := cfg.WithDefaults()
	d, _ := dialectByName(full.Dialect)
	s := &Source{
		name: name, cfg: full, dialect: d, waits: full.Waits, deps: deps,
		log:   deps.Log.With().Str("source", name).Logger(),
		names: newNames(full.Aliases), board: pms.NewBoard(deps.Now, passing[:]...),
		identity: streamIdentity(&full), past: newHistory(),
	}
	if deps.Waits != nil {
		s.waits = deps.Waits.withDefaults(d)
	}
	u, err := url.Parse(full.StreamURL)
	if err != nil {
		return nil, fmt.Errorf("pms %s: stream_url is not an address", name)
	}
	s.host = u.Host
	if s.net, err = newTransport(full.CAFile); err != nil {
		return nil, fmt.Errorf("pms %s: %w", name, err)
	}
	return s, nil
}

// String names the link as the property file does.
func (s *Source) String() string { return s.name }

// Link says how the connection stands. It can be called from anywhere.
func (s *Source) Link() pms.Link { return s.board.View() }

// Acknowledge answers nothing: the stream carries no commands.
func (s *Source) Acknowledge(context.Context, pms.Answer) error { return nil }

func (s *Source) now() time.Time { return s.deps.Now() }

func (s *Source) agent() string {
	if s.deps.Version == "" {
		return "edgeagent"
	}
	return "edgeagent/" + s.deps.Version
}

// Notices connects once, after whatever wait the last ending calls for, and
// yields what arrives. Planned renewals of the connection happen inside.
//
// When ctx is done the stream is ended properly, which takes up to the
// shutdown wait (5 s); what arrives in it is still yielded.
func (s *Source) Notices(ctx context.Context, after string) iter.Seq2[[]pms.Notice, error] {
	return func(yield func([]pms.Notice, error) bool) {
		if !s.busy.CompareAndSwap(false, true) {
			yield(nil, fmt.Errorf("pms %s: %w", s.name, errBusy))
			return
		}
		defer s.busy.Store(false)
		err := s.resume(after)
		for err == nil {
			var out outcome
			if out, err = s.connect(ctx, yield); out == outcomeStopped {
				return
			}
			if ctx.Err() != nil {
				return
			}
		}
		yield(nil, fmt.Errorf("pms %s: %w", s.name, err))
	}
}

// resume puts the link at the offset that the caller has processed.
func (s *Source) resume(after string) error {
	if !s.loaded {
		mem, known, err := loadMemory(s.deps.Memory, s.identity)
		if err != nil {
			return err
		}
		s.mem, s.known, s.loaded = mem, known, true
	}
	s.fromZero = false
	start := cursor{epoch: 1, identity: s.identity}
	if after == "" {
		s.place.resumeAt(start)
		return nil
	}
	c, err := parseCursor(after)
	switch {
	case err != nil:
		// An epoch that no earlier notice can have had, so that none is taken for another.
		start.epoch = int(max(s.now().Unix(), 2))
		s.board.Raise(alarmCursor, "the stored place in the stream cannot be read; the link starts anew, rooms may be out of date")
	case c.identity != s.identity:
		start.epoch = c.epoch + 1
		s.board.Raise(alarmCursor, "the link points at another server, enterprise or chain than before; it starts anew, rooms may be out of date")
	case after == s.mem.Reset:
		start.epoch, s.fromZero = c.epoch+1, true
	default:
		start = c
	}
	s.place.resumeAt(start)
	return nil
}

// resumeOffset is what the subscription asks for, "" for nothing.
func (s *Source) resumeOffset() string {
	if s.place.offset == "" && (s.fromZero || s.cfg.Bootstrap == "zero") {
		return "0"
	}
	return s.place.offset
}
