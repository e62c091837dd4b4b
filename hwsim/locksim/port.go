package locksim

import (
	"errors"
	"sync"

	"edgeagent/hwsim/line"
)

// PortOptions describe the line of a port. The zero value: no speed is
// checked, bytes arrive at once.
type PortOptions struct {
	// Family is the language of the port; "" for SALTO.
	Family Family
	// ByID is a second symlink to a pseudo-terminal, such as udev's
	// /dev/serial/by-id/...: it comes and goes with the device and stays the same
	// when the device comes back under another name. "" for none.
	ByID string
	// Baud is the speed that a pseudo-terminal expects the agent to set; 0 for
	// any. At another speed, or with TwoStop unlike the agent's stop bits,
	// both directions carry garbage.
	Baud    int
	TwoStop bool
	// Pace sends one byte per ten bit times of Baud.
	Pace bool
}

// Port is one interface of a lock system: a pseudo-terminal or a TCP listener.
// Both behave alike. At most one command is at work on a port.
type Port struct {
	sys  *System
	plug line.Line[*session]
	lang *dialect

	mu      sync.Mutex // guards what follows; never held together with sys.mu
	opts    PortOptions
	garbled bool // the speeds differ, whatever the agent sets
	busy    bool
	down    bool // restarting after a crash
	cut     bool // cable pulled
	full    bool // saturated
	echo    bool
	loop    bool
	paused  chan struct{} // not nil: reading has stopped, closed on resume
	in, out float64       // rates of corruption
	late    []byte        // a result that waits for the next request
	lastOut []byte        // the last result, as it should have been
	unacked *unacked      // a result that waits for its ACK

	wmu sync.Mutex // one writer at a time
}

// Name is what the agent is to open: a device path, or host:port.
func (p *Port) Name() string { return p.plug.Name() }

// Unplug pulls the device out of the computer: the other end sees a hang-up,
// and the device name is gone. A job at work goes on without anybody to tell.
func (p *Port) Unplug() error {
	p.record(Note, nil, "unplugged")
	return p.plug.Unplug()
}

// Plug puts the device back, behind the same name.
func (p *Port) Plug() error {
	p.record(Note, nil, "plugged in")
	return p.plug.Plug("")
}

// PlugAs puts the device back under another name; see Name.
func (p *Port) PlugAs(name string) error {
	p.record(Note, nil, "plugged in as "+name)
	return p.plug.Plug(name)
}

// PullCable interrupts the line without a hang-up: what is sent vanishes, in
// both directions. PlugCable joins it again.
func (p *Port) PullCable() { p.set("cable pulled", func() { p.cut = true }) }

// PlugCable joins the line again.
func (p *Port) PlugCable() { p.set("cable plugged", func() { p.cut = false }) }

// SetSaturated makes ENQ and frames end in NAK, or stops that.
func (p *Port) SetSaturated(on bool) { p.set("", func() { p.full = on }) }

// SetEcho sends back every byte that comes in, beside the answers.
func (p *Port) SetEcho(on bool) { p.set("", func() { p.echo = on }) }

// SetLoopBack sends back every byte that comes in, and nothing else: a loop
// plug instead of a device.
func (p *Port) SetLoopBack(on bool) { p.set("", func() { p.loop = on }) }

// SetCorruption damages that part of the bytes, 0 to 1, per direction: one bit
// or all of a byte, drawn from the seeded generator.
func (p *Port) SetCorruption(in, out float64) { p.set("", func() { p.in, p.out = in, out }) }

// SetSpeed sets the device to another speed than that of its options, as a
// person does who replaces it; baud 0 agrees with any.
func (p *Port) SetSpeed(baud int, twoStop bool) {
	p.set("set to another speed", func() { p.opts.Baud, p.opts.TwoStop = baud, twoStop })
}

// SetGarbled lets both directions carry the garbage of a wrong speed, whatever
// the agent sets: over TCP, a device server with the wrong speed at its far end.
func (p *Port) SetGarbled(on bool) { p.set("", func() { p.garbled = on }) }

// StopReading leaves what the agent sends in the kernel until Resume: once its
// buffer is full, the agent's writes block.
func (p *Port) StopReading() {
	p.set("stopped reading", func() {
		if p.paused == nil {
			p.paused = make(chan struct{})
		}
	})
}

// Resume ends StopReading.
func (p *Port) Resume() {
	p.set("reads again", func() {
		if p.paused != nil {
			close(p.paused)
			p.paused = nil
		}
	})
}

// Busy says whether a command is at work on this port.
func (p *Port) Busy() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.busy
}

func (p *Port) set(note string, f func()) {
	p.mu.Lock()
	f()
	p.mu.Unlock()
	if note == "" {
		p.sys.wake()
		return
	}
	p.record(Note, nil, note)
}

// settings is a copy of the line's state.
type settings struct {
	busy, down, cut, full, echo, loop bool
	garbled                           bool
	in, out                           float64
	paused                            chan struct{}
	opts                              PortOptions
}

func (p *Port) now() settings {
	p.mu.Lock()
	defer p.mu.Unlock()
	return settings{p.busy, p.down, p.cut, p.full, p.echo, p.loop, p.garbled, p.in, p.out, p.paused, p.opts}
}

// speed is what the agent is to set.
func (st settings) speed() line.Speed {
	return line.Speed{Baud: st.opts.Baud, TwoStop: st.opts.TwoStop}
}

func (p *Port) shut() {
	p.mu.Lock()
	if p.paused != nil {
		close(p.paused)
		p.paused = nil
	}
	p.mu.Unlock()
	_ = p.plug.Unplug()
}

// OpenPTY adds a port on a new pseudo-terminal and makes path a symlink to it,
// which must not exist or be a symlink.
func (s *System) OpenPTY(path string, opts PortOptions) (*Port, error) {
	return s.open(opts, func(d line.Device[*session]) line.Line[*session] { return line.PTY(path, opts.ByID, d) })
}

// ListenTCP adds a port on a TCP listener. addr is host:port; Port.Name tells
// the address in use when its port is 0.
func (s *System) ListenTCP(addr string, opts PortOptions) (*Port, error) {
	return s.open(opts, func(d line.Device[*session]) line.Line[*session] { return line.TCP(addr, d) })
}

func (s *System) open(opts PortOptions, plug func(line.Device[*session]) line.Line[*session]) (*Port, error) {
	lang, err := s.dialect(opts.Family)
	if err != nil {
		return nil, err
	}
	p := &Port{sys: s, opts: opts, lang: lang}
	p.plug = plug(line.Device[*session]{Session: p.session, Go: s.spawn, Done: s.done})
	if err := s.addPort(p); err != nil {
		return nil, err
	}
	if err := p.plug.Plug(""); err != nil {
		return nil, err
	}
	return p, nil
}

// addPort enters a port, or says that the system is closed.
func (s *System) addPort(p *Port) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.New("the lock system is closed")
	}
	s.ports = append(s.ports, p)
	return nil
}

// spawn runs f until the system is closed.
func (s *System) spawn(f func()) {
	s.wg.Go(func() {
		f()
	})
}
