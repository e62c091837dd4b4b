package pn532sim

import (
	"errors"
	"fmt"
	"sync"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"
)

// I2CAddress is the chip's address, of 7 bits (UM0701-02, 6.2.4).
const I2CAddress = 0x24

// maxI2C is the fastest clock that the chip takes.
const maxI2C = 400 * physic.KiloHertz

// I2CBus is a bus with the chip on it. It implements i2c.Bus.
//
// Every read begins with a byte that says whether a frame follows: 01, or 00.
// Reading that byte alone takes nothing. A read of more takes the frame, also
// what it leaves over of it; the host can have the frame again by a NACK.
type I2CBus struct {
	*slot
	mu    sync.Mutex
	wrong bool // too fast
}

var _ i2c.BusCloser = (*I2CBus)(nil)

// errNoAck is what a bus says when nobody answers to an address.
var errNoAck = errors.New("no acknowledge")

// I2C adds the chip to an I2C bus.
func (c *Chip) I2C(name string) *I2CBus { return &I2CBus{slot: newSlot(c, name, wakeI2C)} }

// String implements i2c.Bus.
func (b *I2CBus) String() string { return b.label }

// Close implements i2c.BusCloser.
func (b *I2CBus) Close() error { return nil }

// SetSpeed implements i2c.Bus.
func (b *I2CBus) SetSpeed(f physic.Frequency) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wrong = f > maxI2C
	if b.wrong {
		c := b.chip
		c.mu.Lock()
		defer c.mu.Unlock()
		c.blame(b.label, RuleBus, "%s: the chip takes up to %s", f, maxI2C)
	}
	return nil
}

// Tx implements i2c.Bus. A chip that sleeps does not answer to its address, and
// is woken by it.
func (b *I2CBus) Tx(addr uint16, w, r []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.chip
	c.mu.Lock()
	there := addr == I2CAddress && !b.wrong && !b.detached && c.hears(b.source, b.label, len(w) > 0)
	c.mu.Unlock()
	if !there {
		return fmt.Errorf("%s: address %#02x: %w", b.label, addr, errNoAck)
	}
	if len(w) > 0 {
		b.write(w)
	}
	if len(r) > 0 {
		b.read(r)
	}
	return nil
}

func (b *I2CBus) read(r []byte) {
	c := b.chip
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(r)
	if !b.ready() {
		return
	}
	r[0] = 0x01
	if len(r) > 1 {
		copy(r[1:], b.consume(len(r)-1, true))
	}
}
