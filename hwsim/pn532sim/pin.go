package pn532sim

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// Pin is a line between host and chip as the host's GPIO sees it. It implements
// gpio.PinIO. Of the IRQ line the chip sets the level, of the reset line the host.
type Pin struct {
	chip *Chip
	name string
	out  func(gpio.Level) // what the chip makes of the host's level; nil if the chip drives the line

	mu    sync.Mutex
	level gpio.Level
	pull  gpio.Pull
	edge  gpio.Edge
	edges chan struct{}
	halt  chan struct{} // closed by Halt, and made anew by In
}

var _ gpio.PinIO = (*Pin)(nil)

// Both lines are high when nobody pulls them down.
func newPin(c *Chip, name string, out func(gpio.Level)) *Pin {
	return &Pin{chip: c, name: name, out: out, level: gpio.High, edges: make(chan struct{}, 64), halt: make(chan struct{})}
}

// String implements conn.Resource.
func (p *Pin) String() string { return p.name }

// Halt implements conn.Resource. It ends WaitForEdge.
func (p *Pin) Halt() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.edge = gpio.NoEdge
	select {
	case <-p.halt:
	default:
		close(p.halt)
	}
	return nil
}

// Name implements pin.Pin.
func (p *Pin) Name() string { return p.name }

// Number implements pin.Pin.
func (p *Pin) Number() int { return -1 }

// Function implements pin.Pin.
func (p *Pin) Function() string {
	if p.out != nil {
		return "Out"
	}
	return "In"
}

// In implements gpio.PinIn. It forgets the edges up to now.
func (p *Pin) In(pull gpio.Pull, edge gpio.Edge) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pull, p.edge = pull, edge
	for len(p.edges) > 0 {
		<-p.edges
	}
	select {
	case <-p.halt:
		p.halt = make(chan struct{})
	default:
	}
	return nil
}

// Read implements gpio.PinIn.
func (p *Pin) Read() gpio.Level {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.level
}

// WaitForEdge implements gpio.PinIn. The timeout is of the chip's clock; below
// 0 it waits until the chip is closed or the pin halted.
func (p *Pin) WaitForEdge(timeout time.Duration) bool {
	p.mu.Lock()
	halt := p.halt
	p.mu.Unlock()
	var late <-chan time.Time
	select {
	case <-p.edges:
		return true
	default:
	}
	if timeout >= 0 {
		late = p.chip.cfg.Clock.After(timeout)
	}
	select {
	case <-p.edges:
		return true
	case <-late:
	case <-halt:
	case <-p.chip.done:
	}
	return false
}

// Pull implements gpio.PinIn.
func (p *Pin) Pull() gpio.Pull {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pull
}

// DefaultPull implements gpio.PinIn.
func (p *Pin) DefaultPull() gpio.Pull { return gpio.PullUp }

// Out implements gpio.PinOut.
func (p *Pin) Out(l gpio.Level) error {
	if p.out == nil {
		return fmt.Errorf("%s is driven by the chip", p.name)
	}
	p.set(l)
	p.out(l)
	return nil
}

// PWM implements gpio.PinOut. Neither line takes it.
func (p *Pin) PWM(gpio.Duty, physic.Frequency) error {
	return errors.New(p.name + " knows no PWM")
}

// set changes the level and tells who waits for that edge.
func (p *Pin) set(l gpio.Level) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.level == l {
		return
	}
	p.level = l
	if p.edge == gpio.BothEdges || p.edge == gpio.RisingEdge && l == gpio.High || p.edge == gpio.FallingEdge && l == gpio.Low {
		select {
		case p.edges <- struct{}{}:
		default: // nobody counts that many
		}
	}
}
