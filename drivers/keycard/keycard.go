// Package keycard makes key cards through the lock system of a hotel: it speaks
// the Industry Standard link, as SALTO and Onity do, and that of VingCard, over a
// serial line or TCP.
//
// The lock system owns cryptography and cards; we ask it for a key, it accepts,
// and seconds later, when somebody has held a card to the encoder, it says what
// came of it. A result names no request, so the whole package turns on one
// question: whose result is this?
//
//	Do ─> plan ─> run (owns the port) ─> session ─> link ─> stream
//	      steps   open, idle, re-open    ask, send,  tokens,  serial
//	                                     await       deadlines or TCP
package keycard

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"edgeagent/drivers"
)

// Driver is one lock system, reached over one link.
type Driver struct {
	name    string
	cfg     Config
	site    drivers.Site
	dialect *dialect
	dial    func(context.Context) (stream, error)

	jobs   chan *job
	halt   chan struct{}
	done   chan struct{}
	stop   sync.Once
	memory memory
	rooms  roomMap
	trace  trace
	rec    *Recorder // of the transcript that Deps wants

	mu    sync.Mutex
	state drivers.State

	// Only the goroutine that owns the port touches these.
	first  bool
	orphan *orphan
	// earlier is an orphan whose wait the lock system's word has ended; see suspect.
	earlier *orphan
	unheard map[string]bool // encoders that the lock system cannot reach
	down    string          // why the lock system makes no card at all; "" if it does
	alarm   string          // what is set wrong, by the latest result; "" for nothing
}

var _ drivers.Driver = (*Driver)(nil)

// Open starts the driver. A port that is not there is no error: the driver is
// offline then, says why in State, and opens it as soon as it is.
func Open(name string, cfg Config, site drivers.Site) (*Driver, error) {
	for path, problem := range cfg.Problems() {
		return nil, fmt.Errorf("%s: %s: %s", name, path, problem)
	}
	if cfg.IsPN532() {
		return nil, fmt.Errorf("%s: a PN532 has no lock system behind it", name)
	}
	return open(name, cfg, site, dial)
}

// OpenEncoder starts the driver that the section calls for: Driver for a lock
// system, Module for a PN532.
func OpenEncoder(name string, cfg Config, site drivers.Site, deps Deps) (drivers.Driver, error) {
	for path, problem := range cfg.Problems() {
		return nil, fmt.Errorf("%s: %s: %s", name, path, problem)
	}
	if cfg.IsPN532() {
		m, err := newModule(name, cfg, site, deps)
		if err != nil {
			return nil, err // not a nil module that looks like a driver
		}
		return m, nil
	}
	d, err := newDriver(name, cfg, site, dial)
	if err != nil {
		return nil, err
	}
	if deps.Transcript != nil {
		d.rec = d.Record(deps.Transcript)
	}
	go d.run()
	return d, nil
}

func open(name string, cfg Config, site drivers.Site, dial func(context.Context, Config) (stream, error)) (*Driver, error) {
	d, err := newDriver(name, cfg, site, dial)
	if err == nil {
		go d.run()
	}
	return d, err
}

// newDriver makes a driver that does not run yet.
func newDriver(name string, cfg Config, site drivers.Site, dial func(context.Context, Config) (stream, error)) (*Driver, error) {
	if site.Zone == nil {
		return nil, fmt.Errorf("%s: the property has no time zone: lock systems want local time", name)
	}
	cfg = cfg.WithDefaults()
	d := &Driver{
		name: name, cfg: cfg, site: site, dialect: protocols[cfg.Protocol],
		dial:  func(ctx context.Context) (stream, error) { return dial(ctx, cfg) },
		trace: trace{shows: protocols[cfg.Protocol].shows},
		jobs:  make(chan *job), halt: make(chan struct{}), done: make(chan struct{}),
		state: drivers.State{Condition: drivers.Unset, Since: time.Now()},
		first: true, unheard: map[string]bool{},
	}
	return d, nil
}

// String names the device as the property file does.
func (d *Driver) String() string { return d.name }

// Halt stops the driver and releases the port. A card that is being made then
// has an unknown outcome.
func (d *Driver) Halt() error {
	d.stop.Do(func() { close(d.halt) })
	<-d.done
	return d.rec.Close()
}

// State says how the link and its encoders stand.
func (d *Driver) State() drivers.State {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state
}

// Trace gives what lately went over the line, oldest first, without operators,
// tracks and card numbers.
func (d *Driver) Trace() []TraceEntry { return d.trace.list() }

// Do carries a command out and returns once the lock system has said what came
// of it. The context counts until the lock system has accepted the command;
// from then on its own time limits do. A command that made cards, or may have,
// is answered from memory if it comes again.
//
// Errors: drivers.ErrRefused with what a person can do, drivers.ErrUnknown,
// *drivers.LinkDown if nothing was sent; any other if nothing happened. Most are
// or wrap a *Failure. The receipt counts the cards that were made in any case.
func (d *Driver) Do(ctx context.Context, cmd drivers.Command) (drivers.Receipt, error) {
	e, mine := d.memory.begin(cmd.ID)
	if !mine {
		select {
		case <-e.done:
			return d.memory.recall(e)
		case <-ctx.Done():
			return drivers.Receipt{}, context.Cause(ctx)
		}
	}
	out := d.carryOut(ctx, cmd)
	d.memory.finish(cmd.ID, e, out.receipt, out.err, out.keep)
	return out.receipt, out.err
}

func (d *Driver) carryOut(ctx context.Context, cmd drivers.Command) outcome {
	p, err := d.plan(cmd, time.Now())
	if err != nil {
		return outcome{err: err}
	}
	return d.submit(&job{ctx: ctx, cmd: cmd, plan: p, reply: make(chan outcome, 1)})
}

// Probe asks whether the lock system answers. Encoders behind it cannot be
// asked without a card.
func (d *Driver) Probe(ctx context.Context) error {
	switch d.State().Condition {
	case drivers.Busy, drivers.Quarantined:
		return nil // it is talking to us
	}
	return d.submit(&job{ctx: ctx, probe: true, reply: make(chan outcome, 1)}).err
}

// submit hands a job to the owner of the port and waits for its answer. It waits
// its turn behind another job, but not long for a link that takes none. A probe
// waits for no late answer: who is asked whether one comes has answered.
func (d *Driver) submit(j *job) outcome {
	look := d.cfg.Timers.Busy
	if j.probe {
		look /= 20
	}
	for waited := look; ; waited += look {
		patience := time.NewTimer(look)
		select {
		case d.jobs <- j:
			patience.Stop()
			return <-j.reply
		case <-j.ctx.Done():
			patience.Stop()
			return outcome{err: fmt.Errorf("given up before anything was sent: %w", context.Cause(j.ctx))}
		case <-d.done:
			patience.Stop()
			return outcome{err: &drivers.LinkDown{Err: errHalted}}
		case <-patience.C:
		}
		switch st := d.State(); {
		case j.probe && st.Condition == drivers.Quarantined:
			return outcome{}
		case waited >= d.cfg.Timers.Busy && st.Condition != drivers.Busy:
			return outcome{err: &drivers.LinkDown{Err: errors.New(or(st.Reason, "the link is not open yet"))}}
		}
	}
}

func (d *Driver) setState(c drivers.Condition, reason string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.state.Condition != c || d.state.Reason != reason {
		if d.state.Condition != c {
			d.state.Since = time.Now()
		}
		d.state.Condition, d.state.Reason = c, reason
	}
}

// setIdle is online, or degraded while the lock system cannot reach an encoder.
func (d *Driver) setIdle() {
	switch {
	case d.down != "":
		d.setState(drivers.Degraded, d.down)
	case len(d.unheard) > 0:
		names := strings.Join(slices.Sorted(maps.Keys(d.unheard)), ", ")
		d.setState(drivers.Degraded, fmt.Sprintf("encoder %s does not answer the lock system: check its power and cable", names))
	case d.alarm != "":
		d.setState(drivers.Degraded, d.alarm)
	default:
		d.setState(drivers.Online, d.dialect.caveat)
	}
}

// noteEncoder learns from a result whether the lock system and an encoder are there.
func (d *Driver) noteEncoder(r result, st *step) {
	info := codeInfo{}
	if r.code != "" {
		info = d.dialect.codeOf(st.command, r.code)
	}
	if d.down = ""; info.down {
		d.down = info.hint
		return
	}
	if d.alarm = ""; info.alarm {
		d.alarm = info.hint
		if st.room != "" {
			d.alarm = "room " + st.room + ": " + info.hint
		}
	}
	switch {
	case st.encoder == noEncoder:
	case info.reason == EncoderOffline:
		d.unheard[st.encoder] = true
	default:
		delete(d.unheard, st.encoder)
	}
}
