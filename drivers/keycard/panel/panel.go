// Package panel is the front panel of a key card encoder: a lamp and a buzzer
// that say when to hold a card to it, a switch that tells that one lies there,
// and a relay that opens a door. Every part may be left out.
//
//	Wrap ─> station ── steps of a command ──> Panel ─> player: lamp, buzzer
//	           └────── open_door ──────────────┘   └─> relay: on for a bounded time
//	                                  sensor: card switch ─┘
//
// It is no reason for a key not to be cut: whatever is wrong with a panel, the
// encoder behind it serves, and the status page tells. A relay is put back at
// the start, at Halt, when a goroutine of the panel panics, when a request is
// called off, and in any case when its cap is over. What a process that was
// killed has left on, Safe puts back.
package panel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"edgeagent/drivers"
)

// Finder finds a GPIO line. Pins that are closers are closed by who asked for them.
type Finder func(chip, line string) (gpio.PinIO, error)

// Panel is a front panel.
type Panel struct {
	name   string
	site   drivers.Site
	cfg    Config
	lamp   *player // nil, as all of them, if there is none or it cannot be had
	buzzer *player
	relay  *relay
	pins   []gpio.PinIO

	halt    chan struct{}
	ending  sync.Once
	running sync.WaitGroup
	blinks  map[face]pattern
	beeps   map[face]pattern

	mu     sync.Mutex
	face   face
	turn   int // counts faces, so that a late timer finds its own gone
	kept   bool
	there  bool // a card lies in the reader
	faults map[string]string
	since  time.Time // of the first of the faults
}

// Open starts a panel. A line that cannot be had is no error: that part does
// not work then, and State says why.
func Open(name string, cfg Config, site drivers.Site, find Finder) (*Panel, error) {
	for path, problem := range cfg.Problems() {
		return nil, fmt.Errorf("%s: %s: %s", name, strings.TrimSuffix("panel."+path, "."), problem)
	}
	p := &Panel{
		name: name, site: site, cfg: cfg.WithDefaults(),
		halt: make(chan struct{}), faults: map[string]string{},
	}
	p.readPatterns()
	// The relay first: it may have been left on.
	for _, open := range []func(Finder){p.openRelay, p.openPlayers, p.openSwitch} {
		func() {
			defer p.guard()
			open(find)
		}()
	}
	p.show(idle, false, 0)
	return p, nil
}

func (p *Panel) openRelay(find Finder) {
	cfg := p.cfg.Relay
	if cfg == nil {
		return
	}
	if pin, on, ok := p.pin(find, relayPart, cfg.Line, cfg.Active); ok {
		p.relay = newRelay(pin, on, cfg, func(err error) { p.trouble(relayPart, err) }, p.guard)
	}
}

func (p *Panel) openPlayers(find Finder) {
	start := func(part, line, active string) *player {
		pin, on, ok := p.pin(find, part, line, active)
		if !ok {
			return nil
		}
		made := newPlayer(pin, on, func(err error) { p.trouble(part, err) })
		made.set(false) // at once, so that a line which somebody else has is told of
		p.start(func() { made.run(p.halt) })
		return made
	}
	if l := p.cfg.Lamp; l != nil {
		p.lamp = start(lampPart, l.Line, l.Active)
	}
	if b := p.cfg.Buzzer; b != nil {
		p.buzzer = start(buzzerPart, b.Line, b.Active)
	}
}

func (p *Panel) openSwitch(find Finder) {
	cfg := p.cfg.CardSwitch
	if cfg == nil {
		return
	}
	pin, _, ok := p.pin(find, switchPart, cfg.Line, cfg.Active)
	if !ok {
		return
	}
	s, err := newSensor(pin, cfg, p.card)
	if err != nil {
		p.trouble(switchPart, err)
		return
	}
	p.start(func() { s.run(p.halt) })
}

// The parts of a panel, as the status page names them.
const (
	lampPart, buzzerPart, switchPart, relayPart = "lamp", "buzzer", "card switch", "door relay"
	wholePart                                   = "panel"
)

// pin finds the line of a part, and its active level.
func (p *Panel) pin(find Finder, part, line, active string) (gpio.PinIO, gpio.Level, bool) {
	level, err := levelOf(active)
	if err != nil {
		p.trouble(part, err)
		return nil, level, false
	}
	pin, err := find(p.cfg.Chip, line)
	if err != nil {
		p.trouble(part, err)
		return nil, level, false
	}
	p.pins = append(p.pins, pin)
	return pin, level, true
}

// start runs a goroutine of the panel.
func (p *Panel) start(work func()) {
	p.running.Go(func() {
		defer p.guard()
		work()
	})
}

// guard is deferred in every goroutine and timer of the panel. After a panic
// the panel is dead and the relay back; the encoder serves on.
func (p *Panel) guard() {
	cause := recover()
	if cause == nil {
		return
	}
	broken := errors.New("broke off (a fault of edgeagent; please report it)")
	if p.relay != nil {
		p.relay.retire(fmt.Errorf("the panel %w", broken))
	}
	p.ending.Do(func() { close(p.halt) })
	p.trouble(wholePart, broken)
	p.site.Log.Error().Str("device", p.name).Str("panic", fmt.Sprint(cause)).Bytes("stack", debug.Stack()).Msg("panel panicked")
}

// trouble notes that a part does not work, or, with nil, that it does.
func (p *Panel) trouble(part string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		delete(p.faults, part)
		return
	}
	if len(p.faults) == 0 {
		p.since = time.Now()
	}
	p.faults[part] = err.Error()
}

// Faults says what does not work and since when; "" if all does.
func (p *Panel) Faults() (string, time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var parts []string
	for _, part := range slices.Sorted(maps.Keys(p.faults)) {
		parts = append(parts, part+": "+p.faults[part])
	}
	return strings.Join(parts, "; "), p.since
}

// Card reports whether a card lies in the reader; false too if no switch can tell.
func (p *Panel) Card() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.there
}

// Halt puts the relay back, then everything else out, and gives the lines back.
func (p *Panel) Halt() error {
	var errs []error
	if p.relay != nil {
		errs = append(errs, p.relay.halt())
	}
	p.ending.Do(func() { close(p.halt) })
	for _, pin := range p.pins {
		errs = append(errs, pin.Halt()) // ends a wait for the card switch
	}
	p.running.Wait()
	errs = append(errs, release(p.pins))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s: panel: %w", p.name, err)
	}
	return nil
}

// release gives lines back.
func release(pins []gpio.PinIO) error {
	var errs []error
	for _, pin := range pins {
		if c, ok := pin.(io.Closer); ok {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}

// openDoor is the action open_door.
func (p *Panel) openDoor(ctx context.Context) (drivers.Receipt, error) {
	if p.relay == nil {
		why := "the property file gives this panel none"
		if faults, _ := p.Faults(); faults != "" {
			why = faults
		}
		return drivers.Receipt{}, fmt.Errorf("%w: there is no door relay: %s", drivers.ErrRefused, why)
	}
	took, err := p.relay.hold(ctx)
	if err != nil {
		return drivers.Receipt{}, err
	}
	return drivers.Receipt{Note: fmt.Sprintf("the door was open for %s", took.Round(100*time.Millisecond))}, nil
}
