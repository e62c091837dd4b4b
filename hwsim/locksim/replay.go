package locksim

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"edgeagent/hwsim/line"
)

// ReplayConfig says how a recording is played.
type ReplayConfig struct {
	// Family of the recorded line; "" for SALTO.
	Family Family
	// Clock drives the times between the lines; nil for real time. line.Scaled plays faster.
	Clock line.Clock
	// FreeEnquiries makes nothing of an ENQ more or less than was recorded: how
	// often an idle line is asked is a matter of time.
	FreeEnquiries bool
}

// Deviation is a point at which the other end did not do what was recorded.
type Deviation struct {
	At   time.Time
	Line int    // of the recording, from 1; 0 when all of it has been played
	Want string // what was recorded, "" when nothing more
	Got  string // what came, "" when it was left out
}

// String tells a deviation to people.
func (d Deviation) String() string {
	switch {
	case d.Got == "":
		return fmt.Sprintf("line %d: %s did not come", d.Line, d.Want)
	case d.Want == "":
		return fmt.Sprintf("behind the last line: %s came", d.Got)
	}
	return fmt.Sprintf("line %d: %s came in place of %s", d.Line, d.Got, d.Want)
}

// Player is a lock system that answers as a recording says.
type Player struct {
	sys  *System
	lang *dialect
	cfg  ReplayConfig

	mu         sync.Mutex // never held while waiting or sending
	events     []event
	pos        int      // the next event of the agent's
	last       *pattern // the last frame of the agent's that was played
	deviations []Deviation
	queue      []answer
	sending    bool
}

// answer is a piece of the lock system's side, some time behind what came before.
type answer struct {
	se    *session
	after time.Duration
	raw   []byte
}

// Replay returns a lock system that answers as the recording says, and notes
// where the other end deviates from it.
func Replay(rec *Recording, cfg ReplayConfig) (*Player, error) {
	sys := New(Config{Clock: cfg.Clock, Seed: 1})
	lang, err := sys.dialect(cfg.Family)
	if err != nil {
		return nil, err
	}
	pl := &Player{sys: sys, lang: lang, cfg: cfg, events: rec.script(lang)}
	sys.player = pl
	return pl, nil
}

// OpenPTY is System.OpenPTY; the family is that of the recording.
func (pl *Player) OpenPTY(path string, opts PortOptions) (*Port, error) {
	opts.Family = pl.cfg.Family
	return pl.sys.OpenPTY(path, opts)
}

// ListenTCP is System.ListenTCP; the family is that of the recording.
func (pl *Player) ListenTCP(addr string, opts PortOptions) (*Port, error) {
	opts.Family = pl.cfg.Family
	return pl.sys.ListenTCP(addr, opts)
}

// Transcript returns what has been on the lines.
func (pl *Player) Transcript() []Line { return pl.sys.Transcript() }

// Deviations returns what the other end has done otherwise so far.
func (pl *Player) Deviations() []Deviation {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	return slices.Clone(pl.deviations)
}

// Wait returns when the whole recording has been played, or with ctx's error.
func (pl *Player) Wait(ctx context.Context) error {
	return pl.sys.Wait(ctx, func() bool {
		pl.mu.Lock()
		defer pl.mu.Unlock()
		return pl.pos == len(pl.events) && !pl.sending
	})
}

// Close ends the lock system and returns all deviations: to those of before it
// adds what the other end never sent.
func (pl *Player) Close() []Deviation {
	_ = pl.sys.Close() // never an error
	pl.mu.Lock()
	defer pl.mu.Unlock()
	pl.skip(len(pl.events))
	return slices.Clone(pl.deviations)
}

// take plays on with a token of the other end.
func (pl *Player) take(se *session, t token) {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	pl.answer(se) // what the lock system said before it was first asked
	at, exact := pl.find(t)
	switch {
	case exact:
		pl.skip(at)
		pl.play(se)
	case t.kind == tokENQ && pl.cfg.FreeEnquiries:
		pl.send(se, answer{raw: []byte{ack}})
	case at >= 0:
		// Another frame where one was recorded: the show goes on.
		pl.skip(at)
		pl.deviate(at, t.String())
		pl.play(se)
	default:
		pl.deviate(pl.pos, t.String())
		if t.kind == tokENQ {
			// Else the other end would come to nothing but ENQs.
			pl.send(se, answer{raw: []byte{ack}})
		}
	}
}

// find looks for the event that a token plays: the next that is just so, before
// which a frame may leave out anything and a control byte only other control
// bytes. For a frame that is nowhere it returns the next frame, unless it is
// one sent again; -1 if there is no event.
func (pl *Player) find(t token) (at int, exact bool) {
	at = -1
	for i := pl.pos; i < len(pl.events); i++ {
		want := pl.events[i].want
		switch {
		case want == nil:
			continue
		case want.matches(t, pl.lang):
			return i, true
		case want.kind != tokFrame:
			continue
		case t.kind != tokFrame:
			return -1, false
		case at < 0:
			at = i
		}
	}
	if pl.last != nil && t.kind == tokFrame && pl.last.matches(t, pl.lang) {
		return -1, false
	}
	return at, false
}

// skip leaves out events up to that one, and notes those of the agent's.
func (pl *Player) skip(to int) {
	for ; pl.pos < to; pl.pos++ {
		want := pl.events[pl.pos].want
		if want != nil && (want.kind != tokENQ || !pl.cfg.FreeEnquiries) {
			pl.deviate(pl.pos, "")
		}
	}
}

// deviate notes what came in the place of an event.
func (pl *Player) deviate(at int, got string) {
	d := Deviation{At: pl.sys.cfg.Clock.Now(), Got: got}
	if at < len(pl.events) {
		e := pl.events[at]
		d.Line = e.line
		if e.want != nil {
			d.Want = e.want.String()
		}
	}
	pl.deviations = append(pl.deviations, d)
}

// play passes the agent's event at which the player stands, and sends what the
// lock system said behind it.
func (pl *Player) play(se *session) {
	if w := pl.events[pl.pos].want; w.kind == tokFrame {
		pl.last = w
	}
	pl.pos++
	pl.answer(se)
}

// answer sends the lock system's pieces up to the next event of the agent's.
func (pl *Player) answer(se *session) {
	for ; pl.pos < len(pl.events) && pl.events[pl.pos].want == nil; pl.pos++ {
		e, after := pl.events[pl.pos], time.Duration(0)
		if pl.pos > 0 {
			after = max(0, e.at-pl.events[pl.pos-1].at)
		}
		pl.send(se, answer{after: after, raw: e.out})
	}
}

// send queues a piece; one goroutine keeps them in order.
func (pl *Player) send(se *session, a answer) {
	a.se = se
	pl.queue = append(pl.queue, a)
	if pl.sending {
		return
	}
	pl.sending = true
	pl.sys.spawn(pl.work)
}

func (pl *Player) work() {
	for {
		pl.mu.Lock()
		if len(pl.queue) == 0 {
			pl.sending = false
			pl.mu.Unlock()
			pl.sys.wake()
			return
		}
		a := pl.queue[0]
		pl.queue = pl.queue[1:]
		pl.mu.Unlock()
		if !pl.sys.sleep(a.after) {
			return
		}
		a.se.send(a.raw)
	}
}
