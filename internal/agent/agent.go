// Package agent is the data path: three loops that meet only in the store, so
// that whatever dies can simply be started again.
//
//	PMS --> Source.Notices --> Ledger.Fold --> Table.Eval --> Store.Accept      ingest, one per PMS link
//	        what the PMS       what it means   commands       ONE transaction
//	        said, in order     for a stay      (pure)              |
//	                           (pure)                              |
//	            one lane per device, order kept per subject  <-----+
//	                  v
//	        Store.Next --> Driver.Do --> Store.Settle                           drive, a few per device
//
//	PMS <-- Source.Acknowledge <-- Store.Untold                                 report, one per PMS link
//
// Until Accept has committed, the PMS would send it again; from then on it is
// ours. A job is marked before its first byte, so no restart cuts a second card.
package agent

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"edgeagent/drivers"
	"edgeagent/offsetstore"
	"edgeagent/pms"
	"edgeagent/rules"
)

// Device is a device with what the loops must know of it.
type Device struct {
	Driver drivers.Driver
	Kind   string
	// Keys says which keys an encoder makes: a room has one of each.
	Keys    string
	Actions []drivers.Action
	// Width is how many commands, each of another subject, may be under way at once.
	Width int
}

// Options are what an agent is made of. All are needed, but for Patience.
type Options struct {
	Store   *offsetstore.Store
	Ledger  *pms.Ledger
	Table   *rules.Table
	Sources []pms.Source
	Devices []Device
	Clock   *Clock
	Log     zerolog.Logger
	// Patience bounds waits; zero fields mean the defaults.
	Patience Patience
	// Standing are conditions that hold whatever the loops find, as others on the
	// gateway tell of them: Code, Text and Since. It is asked at each look; nil for none.
	Standing func() []Condition
}

// Patience is how long the loops wait.
type Patience struct {
	// Hold keeps settings from a replay back until the source has caught up,
	// but never longer than this. Default 2 min.
	Hold time.Duration
	// First and Most bound the wait between tries of a command, and of a lane
	// whose device is away; it doubles, with jitter. Default 2 s and 5 min.
	First, Most time.Duration
}

func (p Patience) withDefaults() Patience {
	if p.Hold == 0 {
		p.Hold = 2 * time.Minute
	}
	if p.First == 0 {
		p.First = 2 * time.Second
	}
	if p.Most == 0 {
		p.Most = 5 * time.Minute
	}
	return p
}

// Agent runs the loops. Its view methods may be called at any time.
type Agent struct {
	store    *offsetstore.Store
	sources  []pms.Source
	devices  []*device
	clock    *Clock
	log      zerolog.Logger
	patience Patience
	started  time.Time
	counts   counts
	recent   recent
	happened happened
	outcomes outcomes
	changes  atomic.Int64 // what has changed that no count tells of
	seed     maphash.Seed
	reloads  reloads
	seen     sightings
	collect  collection
	standing func() []Condition
	beats    beats
	// reporters tell each PMS how its device commands stand.
	reporters map[string]*reporter

	// turn is held from Fold until Accept is done, so that the store takes the
	// changes in the order in which the ledger took them.
	turn   sync.Mutex
	mu     sync.Mutex // guards ledger and table
	ledger *pms.Ledger
	table  *rules.Table
}

// device is a Device with its lane's own patience.
type device struct {
	Device
	name string
	lane laneWait
	now  steps
}

// counts are totals since the start, for metrics.
type counts struct {
	notices, quiet, events, commands             atomic.Int64
	processed, cancelled, failed, unknown, tries atomic.Int64
}

// New puts an agent together. It starts nothing.
func New(o Options) *Agent {
	a := &Agent{
		store: o.Store, ledger: o.Ledger, table: o.Table, sources: o.Sources, clock: o.Clock, log: o.Log,
		patience: o.Patience.withDefaults(), standing: o.Standing, started: time.Now(), seed: maphash.MakeSeed(), reporters: map[string]*reporter{},
	}
	a.collect.open(o.Store)
	a.recent.open(o.Store)
	for _, src := range o.Sources {
		a.reporters[src.String()] = newReporter(a, src)
	}
	a.outcomes.forgotten(func(yield func(string) bool) {
		for stay := range o.Ledger.InHouse() {
			if stay.Room != "" && !yield(stay.Room) {
				return
			}
		}
	})
	for _, d := range o.Devices {
		d.Width = max(d.Width, 1)
		a.devices = append(a.devices, &device{Device: d, name: d.Driver.String()})
	}
	return a
}

// Run runs the loops until ctx is done, then lets every Do that is under way
// end within its own limit, so that a half-cut card is finished. Cancelling
// hard cuts those short too. The error is the store's, or nil.
func (a *Agent) Run(ctx, hard context.Context) error {
	gone, err := a.gone()
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	loops, ctx := errgroup.WithContext(ctx)
	hard, cut := context.WithCancel(hard)
	defer cut()
	defer context.AfterFunc(hard, a.halt)()
	for _, src := range a.sources {
		loops.Go(func() error { return a.ingest(ctx, src) })
		loops.Go(func() error { return a.report(ctx, a.reporters[src.String()]) })
	}
	for _, d := range append(gone, a.devices...) {
		for range d.Width {
			loops.Go(func() error { return a.drive(ctx, hard, d) })
		}
	}
	loops.Go(func() error { return a.keepHouse(ctx) })
	loops.Go(func() error { return a.pulse(ctx) })
	loops.Go(func() error {
		select {
		case <-ctx.Done():
			return nil
		case <-a.store.Failed():
			cut() // without durability nothing may go on
			return a.store.Err()
		}
	})
	err = loops.Wait()
	if broken := a.store.Err(); broken != nil {
		return fmt.Errorf("store: %w", broken)
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// halt releases the devices, for a Do that does not end with its context: an
// encoder that holds a card waits for it whatever the caller wants.
func (a *Agent) halt() {
	for _, d := range a.devices {
		go func() { _ = d.Driver.Halt() }() // it is the end anyway
	}
}

// gone are the devices that have commands and stand in the property file no
// more. They have no driver: what they were to do is refused, so that the PMS
// gets its answers and nothing waits for ever.
func (a *Agent) gone() ([]*device, error) {
	open, err := a.store.Open()
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, d := range a.devices {
		known[d.name] = true
	}
	var gone []*device
	for _, c := range open {
		if !known[c.Lane] {
			known[c.Lane] = true
			gone = append(gone, &device{Device: Device{Width: 1}, name: c.Lane})
		}
	}
	return gone, nil
}

// keepHouse does what no event asks for: every ten minutes it settles what
// time alone settles for stays, and every hour it records the time and prunes.
func (a *Agent) keepHouse(ctx context.Context) error {
	b := a.beats.join("housekeeping")
	defer b.leave()
	for round := 0; ; round++ {
		b.work(storeLimit)
		if now := time.Now(); a.clock.Trusted() { // a wrong clock would forget the wrong things
			if len(a.behind()) == 0 { // nothing follows from a house as it was
				if err := a.sweep(now); err != nil {
					return err
				}
			}
			if round%6 == 0 {
				if err := a.store.Tick(now); err != nil {
					return err
				}
			}
		}
		b.rest()
		if wait(ctx, 10*time.Minute) != nil {
			return nil
		}
	}
}

func (a *Agent) sweep(now time.Time) error {
	a.turn.Lock()
	defer a.turn.Unlock()
	batch := newBatch("")
	a.mu.Lock()
	change := a.ledger.Sweep(now)
	for _, id := range change.Forget {
		if stay, ok := a.ledger.Stay(id); ok {
			batch.Unwanted = append(batch.Unwanted, "stay:"+stay.Key)
		}
	}
	a.absorb(&batch, change, &pms.Notice{Received: now}, now)
	a.mu.Unlock()
	return a.store.Accept(batch.seal())
}

// wait sleeps, and returns the error of ctx if that is done first.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
