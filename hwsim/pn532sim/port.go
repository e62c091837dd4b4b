package pn532sim

import (
	"errors"
	"sync"
	"time"

	"edgeagent/hwsim/line"
)

// PortOptions describe the chip's serial line (HSU). The zero value: no speed
// is checked, bytes arrive at once.
type PortOptions struct {
	// Baud is the speed, in bit/s, that a pseudo-terminal expects the host to
	// set, with one stop bit; 0 for any. The chip starts with 115200
	// (UM0701-02, 6.2.3); SetSerialBaudRate changes it. At another speed both
	// directions carry garbage.
	Baud int
	// Pace sends one byte per ten bit times, and acknowledges a frame no sooner
	// than it can have arrived.
	Pace bool
	// Powered: the chip takes its power from this port, as one behind a USB
	// adapter does. Unplugging resets it.
	Powered bool
}

// Port is the chip's serial line: a pseudo-terminal or a TCP listener. Both
// behave alike.
type Port struct {
	chip *Chip
	plug line.Line[*session]
	opts PortOptions

	mu     sync.Mutex // guards what follows; never held together with Chip.mu
	baud   int        // that of the options, or set since
	cut    bool       // cable pulled
	echo   bool
	loop   bool
	paused chan struct{} // not nil: reading has stopped, closed on resume
	noise  noise

	wmu sync.Mutex // one writer at a time
}

// Name is what the host is to open: a device path, or host:port.
func (p *Port) Name() string { return p.plug.Name() }

// Unplug pulls the device out of the computer: the other end sees a hang-up,
// and the device name is gone. A command at work goes on without anybody to
// tell, unless the port powers the chip.
func (p *Port) Unplug() error {
	p.chip.record(p.Name(), Note, nil, "unplugged")
	err := p.plug.Unplug()
	if err == nil && p.opts.Powered {
		p.chip.PowerCycle()
	}
	return err
}

// Plug puts the device back, behind the same name.
func (p *Port) Plug() error {
	p.chip.record(p.Name(), Note, nil, "plugged in")
	return p.plug.Plug("")
}

// PlugAs puts the device back under another name; see Name.
func (p *Port) PlugAs(name string) error {
	p.chip.record(p.Name(), Note, nil, "plugged in as "+name)
	return p.plug.Plug(name)
}

// PullCable interrupts the line without a hang-up: what is sent vanishes, in
// both directions. PlugCable joins it again.
func (p *Port) PullCable() { p.set("cable pulled", func() { p.cut = true }) }

// PlugCable joins the line again.
func (p *Port) PlugCable() { p.set("cable plugged", func() { p.cut = false }) }

// SetSpeed sets the far end to another speed than that of its options, as a
// converter in front of the chip has one; baud 0 agrees with any. The chip's own,
// once SetSerialBaudRate has set it, counts before.
func (p *Port) SetSpeed(baud int) { p.set("set to another speed", func() { p.baud = baud }) }

// SetEcho sends back every byte that comes in, beside the answers.
func (p *Port) SetEcho(on bool) { p.set("", func() { p.echo = on }) }

// SetLoopBack sends back every byte that comes in, and nothing else: a loop
// plug instead of a chip.
func (p *Port) SetLoopBack(on bool) { p.set("", func() { p.loop = on }) }

// SetCorruption damages one bit of that part of the bytes, 0 to 1, per
// direction, drawn from the seeded generator.
func (p *Port) SetCorruption(in, out float64) {
	p.set("", func() { p.noise.in, p.noise.out = in, out })
}

// SetDamage damages one bit of that part of the messages, 0 to 1, per direction:
// of what the chip sends, ACK or response, and of what comes in at a time.
func (p *Port) SetDamage(in, out float64) {
	p.set("", func() { p.noise.inMessages, p.noise.outMessages = in, out })
}

// StopReading leaves what the host sends in the kernel until Resume: once its
// buffer is full, the host's writes block.
func (p *Port) StopReading() {
	p.set("stopped reading", func() {
		if p.paused == nil {
			p.paused = make(chan struct{})
		}
	})
}

// Resume ends StopReading.
func (p *Port) Resume() { p.set("reads again", p.resume) }

// resume is for a caller that holds p.mu.
func (p *Port) resume() {
	if p.paused != nil {
		close(p.paused)
		p.paused = nil
	}
}

// Spurious sends bytes out of nothing to whoever is connected.
func (p *Port) Spurious(b []byte) {
	for _, se := range p.plug.Sessions() {
		se.give(b)
	}
}

func (p *Port) set(note string, f func()) {
	p.mu.Lock()
	f()
	p.mu.Unlock()
	if note != "" {
		p.chip.record(p.Name(), Note, nil, note)
	}
}

// settings is a copy of the line's state.
type settings struct {
	cut, echo, loop bool
	noise           noise
	paused          chan struct{}
}

func (p *Port) now() settings {
	p.mu.Lock()
	defer p.mu.Unlock()
	return settings{p.cut, p.echo, p.loop, p.noise, p.paused}
}

// shut implements closer.
func (p *Port) shut() {
	p.mu.Lock()
	p.resume()
	p.mu.Unlock()
	_ = p.plug.Unplug()
}

// hangUp takes the port away, and brings it back later.
func (p *Port) hangUp(downFor time.Duration) {
	if p.Unplug() != nil {
		return
	}
	p.chip.mu.Lock()
	defer p.chip.mu.Unlock()
	p.chip.spawn(func() {
		if !p.chip.sleep(downFor, nil) {
			return
		}
		if err := p.plug.Plug(""); err != nil {
			p.chip.record(p.Name(), Note, nil, err.Error())
			return
		}
		p.chip.record(p.Name(), Note, nil, "plugged in again")
		select {
		case <-p.chip.done: // closed meanwhile
			_ = p.plug.Unplug()
		default:
		}
	})
}

// speed is that of the far end now.
func (p *Port) speed() line.Speed {
	p.mu.Lock()
	baud := p.baud
	p.mu.Unlock()
	p.chip.mu.Lock()
	defer p.chip.mu.Unlock()
	if baud != 0 && p.chip.core.baud != 0 {
		baud = p.chip.core.baud
	}
	return line.Speed{Baud: baud}
}

// byteTime is what one byte takes on the line, 0 without pace.
func (p *Port) byteTime() time.Duration {
	if p.opts.Pace {
		return line.ByteTime(p.speed().Baud)
	}
	return 0
}

// OpenPTY adds a port on a new pseudo-terminal and makes path a symlink to it,
// which must not exist or be a symlink.
func (c *Chip) OpenPTY(path string, opts PortOptions) (*Port, error) {
	return c.open(opts, func(d line.Device[*session]) line.Line[*session] { return line.PTY(path, "", d) })
}

// ListenTCP adds a port on a TCP listener. addr is host:port; Port.Name tells
// the address in use when its port is 0.
func (c *Chip) ListenTCP(addr string, opts PortOptions) (*Port, error) {
	return c.open(opts, func(d line.Device[*session]) line.Line[*session] { return line.TCP(addr, d) })
}

func (c *Chip) open(opts PortOptions, plug func(line.Device[*session]) line.Line[*session]) (*Port, error) {
	p := &Port{chip: c, opts: opts, baud: opts.Baud}
	p.plug = plug(line.Device[*session]{
		Session: func(w line.Wire) *session { return &session{port: p, wire: w} },
		Go:      c.watch, Done: c.done,
	})
	if err := c.addPort(p); err != nil {
		return nil, err
	}
	if err := p.plug.Plug(""); err != nil {
		return nil, err
	}
	return p, nil
}

// addPort enters a port, or says that the chip is closed.
func (c *Chip) addPort(p *Port) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return errors.New("the chip is closed")
	}
	c.ports = append(c.ports, p)
	return nil
}

// watch runs f until the chip is closed.
func (c *Chip) watch(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spawn(f)
}
