package keycard

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/spi"

	"edgeagent/drivers"
	"edgeagent/drivers/keycard/pn532"
)

// Deps are what an encoder is given beside its section. Whoever puts the agent
// together opens buses and lines; the driver sees no more than their interfaces.
type Deps struct {
	SPI  func(bus string) (spi.PortCloser, error)
	I2C  func(bus string) (i2c.BusCloser, error)
	GPIO func(chip, line string) (gpio.PinIO, error)
	// Transcript, if not nil, gets what goes over the line, from the first byte until Halt; see Recorder.
	Transcript io.Writer
}

var errNoBus = errors.New("this program cannot open such a bus")

// open gives the reader, which is made once the module's lines can be had. It
// opens no bus yet: the first request does.
func (m *Module) open() (*pn532.Reader, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.alive.Err() != nil {
		return nil, &drivers.LinkDown{Err: errHalted}
	}
	if m.reader != nil {
		return m.reader, nil
	}
	lines, err := m.lines()
	if err != nil {
		if m.state.Condition != drivers.Offline {
			m.state.Since = time.Now()
		}
		m.state.Condition, m.state.Reason = drivers.Offline, err.Error()
		return nil, &drivers.LinkDown{Err: err}
	}
	m.reader, err = pn532.Open(m.link(lines), pn532.Options{
		Property: m.property(), Signer: m.signer, Keys: m.keys, Wait: m.cfg.Timers.Result, Trace: m.heard,
	})
	return m.reader, err
}

// heard notes what goes over the line; the transcript has it as a note, for
// people: only links of lock systems can be played again.
func (m *Module) heard(sent bool, text string) {
	arrow := Received
	if sent {
		arrow = Sent
	}
	m.trace.note(string(arrow) + " " + text)
}

// Trace gives what lately went over the line, oldest first, without keys and numbers of cards.
func (m *Module) Trace() []TraceEntry { return m.trace.list() }

// lines finds the module's reset and ready lines. The caller holds m.mu.
func (m *Module) lines() (found pn532.Lines, err error) {
	p := m.cfg.PN532
	for at, line := range p.Lines() {
		if m.deps.GPIO == nil {
			return found, fmt.Errorf("%s line %s: %w", at, line, errNoBus)
		}
		pin, err := m.deps.GPIO(p.Chip, line)
		if err != nil {
			return found, errors.Join(fmt.Errorf("%s line: %w", at, err), m.dropPins())
		}
		m.pins = append(m.pins, pin)
		if at == "reset" {
			found.Reset = pin
		} else {
			found.Ready = pin
		}
	}
	return found, nil
}

func (m *Module) dropPins() error {
	pins := m.pins
	m.pins = nil
	return closePins(pins)
}

// link is the way to the module that the section names.
func (m *Module) link(lines pn532.Lines) pn532.Link {
	p, d := m.cfg.PN532, m.deps
	switch {
	case p.SPI != "":
		return pn532.SPI("PN532 on "+p.SPI, func() (spi.PortCloser, error) {
			if d.SPI == nil {
				return nil, errNoBus
			}
			return d.SPI(p.SPI)
		}, lines)
	case p.I2C != "":
		return pn532.I2C("PN532 on "+p.I2C, func() (i2c.BusCloser, error) {
			if d.I2C == nil {
				return nil, errNoBus
			}
			return d.I2C(p.I2C)
		}, lines)
	}
	path := m.cfg.Port
	return pn532.HSU("PN532 on "+path, func() (pn532.Port, error) { return openModulePort(path) }, lines)
}

const moduleBaud = 115200

// openModulePort opens a module's serial line as that of any other encoder:
// exclusively, with a lock file.
func openModulePort(path string) (pn532.Port, error) {
	s, err := openSerial(path, moduleBaud, 1)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), path+": ")) // the link's name has it
	}
	return modulePort{s.(*serialPort)}, nil
}

// modulePort gives our serial line the manners of the serial library's: a read
// ends with nothing when its time is over.
type modulePort struct{ *serialPort }

var _ pn532.Port = modulePort{}

func (p modulePort) SetReadTimeout(d time.Duration) error {
	return p.SetReadDeadline(time.Now().Add(d))
}

func (p modulePort) Read(b []byte) (int, error) {
	n, err := p.serialPort.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	return n, err
}

func (p modulePort) ResetInputBuffer() error { return p.settings.ResetInputBuffer() }
