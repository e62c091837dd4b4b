package panel

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpiotest"

	"edgeagent/drivers"
)

// recorder is a pin that notes when it was set, and can fail.
type recorder struct {
	gpiotest.Pin

	mu     sync.Mutex
	began  time.Time
	log    []string
	fail   func(gpio.Level) error // may panic
	closed bool
}

func newPin(name string) *recorder {
	return &recorder{Pin: gpiotest.Pin{N: name, EdgesChan: make(chan gpio.Level, 8)}, began: time.Now()}
}

func (p *recorder) Out(l gpio.Level) error {
	p.mu.Lock()
	fail := p.fail
	p.mu.Unlock()
	if fail != nil {
		if err := fail(l); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.Pin.Out(l); err != nil {
		return err
	}
	p.log = append(p.log, fmt.Sprintf("%s %s", time.Since(p.began), l))
	return nil
}

// Read is the pin's, and fails where Out would.
func (p *recorder) Read() gpio.Level {
	p.mu.Lock()
	fail := p.fail
	p.mu.Unlock()
	if fail != nil && fail(gpio.Low) != nil {
		return gpio.Low
	}
	return p.Pin.Read()
}

func (p *recorder) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	return nil
}

// failing has the pin fail from now on; nil ends that.
func (p *recorder) failing(fail func(gpio.Level) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail = fail
}

// told is what was set since it was last called.
func (p *recorder) told() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	log := p.log
	p.log = nil
	return log
}

// level is what the pin is at.
func (p *recorder) level() gpio.Level { return p.Pin.Read() }

// bench is a panel on recording pins.
type bench struct {
	t                           *testing.T
	panel                       *Panel
	lamp, buzzer, relay, sensor *recorder
	missing                     map[string]error
}

func full() Config {
	return Config{Lamp: &Lamp{Line: "lamp"}, Buzzer: &Buzzer{Line: "buzzer"}, Relay: &Relay{Line: "relay"}, CardSwitch: &CardSwitch{Line: "switch"}}
}

func newBench(t *testing.T, cfg Config) *bench {
	b := &bench{t: t, lamp: newPin("lamp"), buzzer: newPin("buzzer"), relay: newPin("relay"), sensor: newPin("switch"), missing: map[string]error{}}
	b.open(cfg)
	return b
}

func (b *bench) open(cfg Config) {
	b.t.Helper()
	var err error
	if b.panel, err = Open("desk", cfg, drivers.Site{}, b.find); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) find(_, line string) (gpio.PinIO, error) {
	pins := map[string]*recorder{"lamp": b.lamp, "buzzer": b.buzzer, "relay": b.relay, "switch": b.sensor}
	return pins[line], b.missing[line]
}

// halt ends the panel; its goroutines are gone then.
func (b *bench) halt() {
	b.t.Helper()
	if err := b.panel.Halt(); err != nil {
		b.t.Error(err)
	}
}
