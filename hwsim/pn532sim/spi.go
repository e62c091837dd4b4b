package pn532sim

import (
	"errors"
	"fmt"
	"math/bits"
	"sync"

	"periph.io/x/conn/v3"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"
)

// The first byte of an SPI transfer (UM0701-02, 6.2.5).
const (
	spiWrite  = 0x01
	spiStatus = 0x02
	spiRead   = 0x03
)

// maxSPI is the fastest clock that the chip takes (UM0701-02, 6.2.5).
const maxSPI = 5 * physic.MegaHertz

// SPIPort is the chip on an SPI bus. It implements spi.Port, and the spi.Conn
// that Connect returns.
//
// The chip shifts the lowest bit first. A port that is not told spi.LSBFirst
// shifts the highest first, as a Raspberry Pi always does: the host has to turn
// its bytes around. One Tx, or packets joined by KeepCS, is one transfer with
// the select line low. A frame may be read in several transfers.
type SPIPort struct {
	*slot
	refuseLSB bool

	mu        sync.Mutex
	connected bool
	lsbFirst  bool
	wrong     bool // another mode or too fast: the chip reads garbage
	open      []byte
	halted    bool
}

var (
	_ spi.PortCloser = (*SPIPort)(nil)
	_ spi.Conn       = (*spiConn)(nil)
)

// SPI adds the chip to an SPI bus. Like the hardware of a Raspberry Pi, its
// port refuses spi.LSBFirst unless lsbFirst is set.
func (c *Chip) SPI(name string, lsbFirst bool) *SPIPort {
	return &SPIPort{slot: newSlot(c, name, wakeSPI), refuseLSB: !lsbFirst}
}

// String implements spi.Port.
func (p *SPIPort) String() string { return p.label }

// Close implements spi.PortCloser.
func (p *SPIPort) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.connected = false
	return nil
}

// LimitSpeed implements spi.PortCloser.
func (p *SPIPort) LimitSpeed(physic.Frequency) error { return nil }

// Connect implements spi.Port. It may be called once until Close.
func (p *SPIPort) Connect(f physic.Frequency, mode spi.Mode, width int) (spi.Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.connected:
		return nil, errors.New(p.label + " is connected already")
	case width != 8:
		return nil, fmt.Errorf("%s takes words of 8 bits, not %d", p.label, width)
	case mode&spi.LSBFirst != 0 && p.refuseLSB:
		return nil, errors.New(p.label + " cannot shift the lowest bit first")
	}
	p.connected, p.lsbFirst = true, mode&spi.LSBFirst != 0
	p.wrong = mode&spi.Mode3 != spi.Mode0 || f > maxSPI || f < 0
	if p.wrong {
		c := p.chip
		c.mu.Lock()
		c.blame(p.label, RuleBus, "%s at %s: the chip takes mode 0 up to %s", mode, f, maxSPI)
		c.mu.Unlock()
	}
	return &spiConn{p}, nil
}

type spiConn struct{ p *SPIPort }

// String implements conn.Resource.
func (s *spiConn) String() string { return s.p.label }

// Duplex implements conn.Conn.
func (s *spiConn) Duplex() conn.Duplex { return conn.Full }

// Tx implements conn.Conn: one transfer.
func (s *spiConn) Tx(w, r []byte) error { return s.TxPackets([]spi.Packet{{W: w, R: r}}) }

// TxPackets implements spi.Conn.
func (s *spiConn) TxPackets(packets []spi.Packet) error {
	p := s.p
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.connected {
		return errors.New(p.label + " is closed")
	}
	for _, k := range packets {
		if len(k.W) != 0 && len(k.R) != 0 && len(k.W) != len(k.R) {
			return fmt.Errorf("%s: %d bytes out and %d in: they have to be as many", p.label, len(k.W), len(k.R))
		}
		if k.BitsPerWord != 0 && k.BitsPerWord != 8 {
			return fmt.Errorf("%s takes words of 8 bits, not %d", p.label, k.BitsPerWord)
		}
		p.clock(k)
		if !k.KeepCS {
			p.release()
		}
	}
	return nil
}

// clock moves the bytes of one packet. p.open is what the host has sent since
// the select line went low. The caller holds p.mu.
func (p *SPIPort) clock(k spi.Packet) {
	n := max(len(k.W), len(k.R))
	in := make([]byte, n)
	copy(in, k.W)
	for i := range in {
		in[i] = p.turned(in[i])
	}
	first := len(p.open)
	p.open = append(p.open, in...)
	out := p.answer(first, n)
	for i := range k.R {
		k.R[i] = p.turned(out[i])
	}
}

// turned is a byte as it arrives on the other side.
func (p *SPIPort) turned(b byte) byte {
	if p.wrong {
		b = b<<1 | b>>7
	}
	if p.lsbFirst {
		return b
	}
	return bits.Reverse8(b)
}

// answer is what the chip shifts out for bytes first to first+n of the transfer.
func (p *SPIPort) answer(first, n int) []byte {
	c := p.chip
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]byte, n)
	if p.detached {
		for i := range out {
			out[i] = 0xFF
		}
		return out
	}
	if first == 0 && !c.hears(p.source, p.label, n > 0 && p.open[0] == spiWrite) {
		p.halted = true // this transfer goes unheard to its end
	}
	if p.halted || n == 0 {
		return out
	}
	from := 0 // the byte of the prefix gets no answer
	if first == 0 {
		from = 1
	}
	switch p.open[0] {
	case spiStatus:
		if from < n && p.ready() {
			for i := from; i < n; i++ {
				out[i] = 0x01
			}
		}
	case spiRead:
		if from < n {
			if !p.unread() {
				c.blame(p.label, RuleReady, "%d bytes read, and none is there", n-from)
			}
			copy(out[from:], p.consume(n-from, false))
		}
	case spiWrite:
	default:
		c.blame(p.label, RuleBus, "a transfer that begins with %02X", p.open[0])
	}
	return out
}

// release is the select line going high: a frame is complete. The caller holds p.mu.
func (p *SPIPort) release() {
	b, unheard := p.open, p.halted
	p.open, p.halted = nil, false
	p.chip.mu.Lock()
	off := p.detached
	p.chip.mu.Unlock()
	if len(b) > 1 && b[0] == spiWrite && !unheard && !off {
		p.write(b[1:])
	}
}
