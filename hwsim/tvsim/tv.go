package tvsim

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"slices"
	"sync"
	"time"
)

// Access is how a client reaches a broker: this package's, or a real one.
type Access struct {
	URL                string // tcp://host:port or tls://host:port
	Username, Password string
	TLS                *tls.Config // CA, and a certificate where the broker wants one
}

// AckMode is how a set answers.
type AckMode int

// The ways in which a set answers.
const (
	AcksNormal   AckMode = iota
	AcksNone             // shows everything, answers nothing and never updates its state
	AcksLate             // answers after TVOptions.AckDelay
	AcksRejected         // shows nothing and rejects everything
)

// TVOptions set up a set.
type TVOptions struct {
	Access Access
	// Prefix and Property begin every topic. Prefix defaults to "htl/v1".
	Prefix, Property string
	// Room is the room key; ID tells the sets of a room apart. The client id,
	// and the set's level in the topics, is "{Room}-{ID}".
	Room, ID string
	// Silence after subscribing that means vacant; default 5 s.
	Silence time.Duration
	// Redial is the pause between attempts to connect; default 1 s.
	Redial time.Duration
	// AckDelay is how late AcksLate is; default 1 s.
	AckDelay time.Duration
	// Now is the set's own clock; default time.Now.
	Now func() time.Time
	// Cache makes the set draw what it last showed as soon as it has power,
	// before it has heard from the broker.
	Cache bool
}

// TV is a set in a room.
type TV struct {
	opts TVOptions
	id   string
	base string // prefix/property/room/{r}

	mu      sync.Mutex
	glass   glass
	mode    AckMode
	cached  Screen
	acks    []Ack
	changed chan struct{}
	expiry  *time.Timer
	link    *link
	stop    context.CancelFunc
	stopped chan struct{}
}

// NewTV makes a set that has no power yet.
func NewTV(o TVOptions) *TV {
	if o.Prefix == "" {
		o.Prefix = "htl/v1"
	}
	o.Silence = orElse(o.Silence, 5*time.Second)
	o.Redial = orElse(o.Redial, time.Second)
	o.AckDelay = orElse(o.AckDelay, time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	return &TV{
		opts: o, id: o.Room + "-" + o.ID, base: o.Prefix + "/" + o.Property + "/room/" + o.Room,
		glass: glass{now: o.Now}, changed: make(chan struct{}),
	}
}

func orElse(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// ID is the set's client id.
func (t *TV) ID() string { return t.id }

// Room is the room key.
func (t *TV) Room() string { return t.opts.Room }

// Plug gives the set power: it boots, in standby, and connects.
func (t *TV) Plug() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stop != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.stop, t.stopped = cancel, make(chan struct{})
	t.glass.forget()
	if t.opts.Cache && !t.cached.Vacant() {
		t.glass.show(t.cached)
	}
	go t.run(ctx, t.stopped)
}

// Unplug takes the power away. The broker hears nothing but a closed socket,
// and publishes the set's will. It returns when the set is dark.
func (t *TV) Unplug() {
	t.mu.Lock()
	if t.stop == nil {
		t.mu.Unlock()
		return
	}
	cancel, stopped := t.stop, t.stopped
	t.stop = nil
	t.mu.Unlock()
	cancel()
	<-stopped
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cached = t.glass.screen
	t.glass.show(Screen{})
	t.glass.forget()
	t.glass.powered = false
	t.watch()
	t.touch()
}

// Answer changes how the set answers from now on.
func (t *TV) Answer(mode AckMode) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mode = mode
	t.glass.reject = mode == AcksRejected
}

// Shown is what is on the screen now; vacant when the set has no power.
func (t *TV) Shown() Screen {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.glass.screen
}

// History is everything that the set ever showed, oldest first.
func (t *TV) History() []Showing {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.glass.history)
}

// Popups are the messages that the set ever showed, oldest first.
func (t *TV) Popups() []Popup {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.glass.popups)
}

// Acks are the answers of the set, oldest first, the unsent ones included.
func (t *TV) Acks() []Ack {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.acks)
}

// Powered says whether the panel is on, and how often it was switched on.
func (t *TV) Powered() (on bool, times int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.glass.powered, t.glass.powerOns
}

// Muted says whether the sound is off.
func (t *TV) Muted() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.glass.muted
}

// Act has the guest do something at the set, such as message_read, which it
// tells if it is connected.
func (t *TV) Act(event string) {
	t.mu.Lock()
	l := t.link
	t.mu.Unlock()
	if l == nil {
		return
	}
	payload, _ := json.Marshal(eventDoc{V: major, TV: t.id, Event: event, At: t.opts.Now().UTC().Format(time.RFC3339)})
	l.post(outgoing{topic: t.base + "/tv/" + t.id + "/event", payload: payload})
}

// Connected says whether the set is connected and has subscribed.
func (t *TV) Connected() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.link != nil
}

// Until waits until cond holds. It is asked again whenever anything about the
// set changes. cond may call the set's methods.
func (t *TV) Until(ctx context.Context, cond func(*TV) bool) error {
	for {
		t.mu.Lock()
		changed := t.changed
		t.mu.Unlock()
		if cond(t) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// watch sets the clock for the end of what is shown. It runs whether or not
// the broker is there. The caller holds mu.
func (t *TV) watch() {
	if t.expiry != nil {
		t.expiry.Stop()
		t.expiry = nil
	}
	if !t.glass.screen.Vacant() {
		t.expiry = time.AfterFunc(t.glass.expires.Sub(t.opts.Now()), t.expire)
	}
}

func (t *TV) expire() {
	t.mu.Lock()
	l := t.link
	if l == nil {
		t.glass.expire()
		t.watch()
		t.touch()
	}
	t.mu.Unlock()
	if l != nil {
		l.update(func(g *glass) []Ack { return g.expire() })
	}
}

// touch tells those who wait that something changed. The caller holds mu.
func (t *TV) touch() {
	close(t.changed)
	t.changed = make(chan struct{})
}
