// Package iptv puts guests' names on the TVs of a hotel, and takes them off
// again, over an MQTT broker.
//
//	Do --> document --> room/<key>/welcome (retained) --> broker --> TVs
//	                          ^                              |
//	        Site.Wanted --> reconcile <-- house <-- acks, states, retained screens
//
// One retained message per room says how its screens should be; an empty one
// means vacant. The broker's confirmation proves nothing about a screen, and
// in MQTT 3.1.1 not even that the message was allowed. What counts is that the
// message comes back, and that the sets that are online confirm it.
//
// A connection is never mended: when one breaks, a new client is made, what the
// broker retains is read anew, and every room is compared with what it should
// show.
package iptv

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"edgeagent/drivers"
	"edgeagent/internal/language"
)

// Driver is the TVs behind one broker.
type Driver struct {
	name      string
	cfg       Config
	site      drivers.Site
	root      string // prefix/property
	zone      *time.Location
	languages map[string]language.Tag
	phrases   *phrasebook
	now       func() time.Time
	// echo is how long a publication may take to come back; settle bounds one
	// publication or subscription.
	echo, settle time.Duration

	cancel context.CancelFunc
	done   chan struct{}
	once   sync.Once
	tried  chan struct{} // closes after the first attempt to connect
	// remapped holds one while rooms have other keys than the screens were compared by.
	remapped chan struct{}
	rooms    atomic.Pointer[map[string][]string]
	news     chan struct{} // holds one while stays are changed whose screens may have more on them

	mu      sync.Mutex
	session *session
	papers  *papers     // nil before the first were read
	breaks  []time.Time // when the last connections broke
	asked   time.Time   // when the log was last told that somebody may have our client id
	locks   map[string]chan struct{}
	applied map[string]int64 // by subject: Seq of the newest setting carried out
	spared  map[string]spare // by room key: clears that found another stay
	changed map[string]bool  // stays of which another device has made something that is shown
	status  status
}

// spare remembers that a clear rightly left a room alone.
type spare struct {
	seq  int64
	stay string
}

// Open makes the driver and begins to connect. It does not fail because the
// broker is away; the state says so then.
func Open(name string, cfg Config, site drivers.Site) (*Driver, error) {
	d, err := prepare(name, cfg, site)
	if err != nil {
		return nil, err
	}
	d.start()
	return d, nil
}

func (d *Driver) start() {
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel = cancel
	go d.supervise(ctx)
}

func prepare(name string, cfg Config, site drivers.Site) (*Driver, error) {
	cfg = cfg.WithDefaults(site.Property)
	for path, problem := range cfg.Problems() {
		return nil, fmt.Errorf("%s: %s: %s", name, path, problem)
	}
	if !slugPattern.MatchString(site.Property) {
		return nil, fmt.Errorf("%s: property %q cannot stand in a topic: use 1 to 64 of a-z, 0-9, - and _", name, site.Property)
	}
	d := &Driver{
		name: name, cfg: cfg, site: site, root: cfg.Prefix + "/" + site.Property, zone: site.Zone,
		languages: map[string]language.Tag{}, now: time.Now, echo: 5 * time.Second, settle: 15 * time.Second,
		done: make(chan struct{}), tried: make(chan struct{}), locks: map[string]chan struct{}{},
		applied: map[string]int64{}, spared: map[string]spare{}, changed: map[string]bool{}, news: make(chan struct{}, 1), remapped: make(chan struct{}, 1),
	}
	d.rooms.Store(&cfg.Rooms)
	if d.zone == nil {
		d.zone = time.UTC
	}
	var err error
	if d.phrases, err = readPhrases(greetings); err != nil {
		return nil, fmt.Errorf("%s: greetings: %w (a fault of edgeagent; please report it)", name, err)
	}
	for code, text := range cfg.Languages {
		tag, err := language.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s: languages.%s: %q is no language tag", name, code, text)
		}
		d.languages[upper(code)] = tag
	}
	d.status.since = d.now()
	return d, nil
}

// String is the device's name in the property file.
func (d *Driver) String() string { return d.name }

// Halt says goodbye to the broker and closes the connection. Screens stay as they are.
func (d *Driver) Halt() error {
	d.once.Do(d.cancel)
	<-d.done
	return nil
}

// Do carries out one of Actions. It may be called from many goroutines.
func (d *Driver) Do(ctx context.Context, cmd drivers.Command) (drivers.Receipt, error) {
	switch cmd.Action {
	case actionWelcome:
		return d.welcome(ctx, cmd)
	case actionClear:
		return d.clear(ctx, cmd)
	case actionMessage:
		return d.message(ctx, cmd)
	case actionPower, actionMute, actionWake:
		return d.tell(ctx, cmd)
	}
	return drivers.Receipt{}, fmt.Errorf("%w: TVs have no action %q", drivers.ErrRefused, cmd.Action)
}

// Follow is told of every code that a WiFi controller has given out.
func (d *Driver) Follow(device, subject string) {
	stay, ok := strings.CutPrefix(subject, "stay:")
	if !ok || device != d.cfg.ShowWifi {
		return
	}
	d.mu.Lock()
	d.changed[stay] = true
	d.mu.Unlock()
	select {
	case d.news <- struct{}{}:
	default: // it holds one already
	}
}

// takeChanged returns the stays that Follow has collected.
func (d *Driver) takeChanged() map[string]bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	stays := d.changed
	d.changed = map[string]bool{}
	return stays
}

// Probe waits for the first attempt to connect if there was none yet, and says
// how the connection stands.
func (d *Driver) Probe(ctx context.Context) error {
	select {
	case <-d.tried:
	case <-ctx.Done():
		return fmt.Errorf("broker %s has not answered yet: %w", d.cfg.Broker, ctx.Err())
	}
	_, err := d.live()
	return err
}

// Try connects once, beside a driver that may be running elsewhere: under a
// client id of its own and without a word to any room but the one for checks.
// It proves address, certificates, password and access list.
func Try(ctx context.Context, name string, cfg Config, site drivers.Site) error {
	cfg = cfg.WithDefaults(site.Property)
	cfg.ClientID = clip(cfg.ClientID, 64-len("-probe")) + "-probe" // no longer than an id may be
	d, err := prepare(name, cfg, site)
	if err != nil {
		return err
	}
	s, err := d.connect(ctx, false)
	if err != nil {
		return err
	}
	defer s.close()
	return s.check(ctx)
}

// live is the session in use, or an error that says why there is none.
func (d *Driver) live() (*session, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.session == nil {
		reason := d.status.reason
		if reason == "" {
			reason = "broker " + d.cfg.Broker + " is not connected yet"
		}
		return nil, &drivers.LinkDown{Err: errors.New(reason)}
	}
	return d.session, nil
}

// lock takes a room key for itself: a publication and its consequences are
// never mixed with another's.
func (d *Driver) lock(ctx context.Context, key string) (unlock func(), err error) {
	d.mu.Lock()
	turn, ok := d.locks[key]
	if !ok {
		turn = make(chan struct{}, 1)
		d.locks[key] = turn
	}
	d.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("room key %s is busy: %w", key, ctx.Err())
	}
}

// superseded says that a newer setting of the subject has been carried out.
func (d *Driver) superseded(subject string, seq int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.applied[subject] > seq
}

func (d *Driver) carriedOut(subject string, seq int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.applied[subject] = max(d.applied[subject], seq)
}
