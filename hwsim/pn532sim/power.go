package pn532sim

import (
	"maps"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// power is whether the chip hears its host.
type power int

const (
	awake            power = iota
	asleepAfterReset       // "LowVbat" (AN10609, 2.1): any bus wakes it
	poweredDown            // by PowerDown: what the host has chosen wakes it
)

// The bits of WakeUpEnable (UM0701-02, 7.2.11).
const (
	wakeHSU = 0x10
	wakeSPI = 0x20
	wakeI2C = 0x80
)

// wakeZeros is how long a chip on HSU needs to wake up, in bytes of the line:
// so many zeros between 55 55 and the preamble of a frame.
const wakeZeros = 3

// core is all that a reset makes the chip forget.
type core struct {
	ready   bool // SAMConfiguration has been done
	job     *job
	last    []byte // the last response, as it should have been
	late    []byte // a response that waits for the next command
	lastErr byte
	regs    map[uint16]byte
	fieldOn bool
	crypto  bool // talks encrypted to the active card
	tg      [2]*target
	active  int // index of the target that is selected, -1 for none
	retries [3]byte
	timings [2]byte // of ATR_RES and of other exchanges, as RFConfiguration codes them
	irqOff  bool    // SAMConfiguration left P70_IRQ alone

	parameters     byte
	gpio           [2]byte
	baud, baudNext int // set by SetSerialBaudRate, and what the host's ACK will make it

	wakeBy       byte
	sleepDue     bool      // SPI and I2C: the next frame is the response to PowerDown
	sleepNext    bool      // goes down once it has been read
	hears        time.Time // SPI and I2C: awake from then on
	fives, zeros int       // HSU: the wake-up so far
}

// target is a card that was listed.
type target struct{ card *Card }

func newCore() core {
	return core{
		regs: maps.Clone(registersAtReset), active: -1,
		retries: [3]byte{0xFF, 0x01, 0xFF}, timings: [2]byte{0x0B, 0x0A},
		gpio: [2]byte{0xFF, 0xFF}, parameters: 0x14,
	}
}

// restart is a reset: everything set up is gone, the field is off, the chip
// sleeps. The caller holds c.mu.
func (c *Chip) restart(why string) {
	c.halt()
	c.core = newCore()
	c.power = asleepAfterReset
	c.stuck = false
	c.unpower()
	for _, o := range c.waiting {
		o.drop()
	}
	c.signal()
	c.write("", Note, nil, why)
}

// unpower takes the field from the cards. The caller holds c.mu.
func (c *Chip) unpower() {
	c.core.fieldOn, c.core.crypto = false, false
	c.core.active = -1
	for _, card := range c.field {
		card.unpower()
	}
}

// PowerCycle cuts the chip's power for a moment.
func (c *Chip) PowerCycle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.restart("power cycled")
}

// Stick makes the chip deaf and dumb until its reset line goes low or its power
// is cut.
func (c *Chip) Stick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.freeze()
}

// freeze is Stick for a caller that holds c.mu.
func (c *Chip) freeze() {
	c.halt()
	c.stuck = true
	c.write("", Note, nil, "stuck")
}

// Awake says whether the chip hears its host and was set up by SAMConfiguration.
func (c *Chip) Awake() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.power == awake && c.core.ready && !c.inReset && !c.stuck
}

// ResetPin is the chip's RSTPDN: low holds it in reset, high lets it start.
func (c *Chip) ResetPin() *Pin { return c.reset }

// IRQPin is the chip's P70_IRQ: low while something waits to be read on SPI or I2C.
func (c *Chip) IRQPin() *Pin { return c.irq }

func (c *Chip) resetLine(l gpio.Level) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l == gpio.Low {
		if !c.inReset {
			c.inReset = true
			c.restart("reset line low")
		}
		return
	}
	if c.inReset {
		c.inReset = false
		c.core.hears = c.cfg.Clock.Now().Add(c.cfg.WakeTime)
		c.write("", Note, nil, "reset line high")
	}
}

// signal sets the IRQ line. The caller holds c.mu.
func (c *Chip) signal() {
	level := gpio.High
	for _, o := range c.waiting {
		if o.unread() && !c.core.irqOff {
			level = gpio.Low
		}
	}
	c.irq.set(level)
}

// hears says whether the chip hears a transfer on a bus; one that it sleeps
// through wakes it. The caller holds c.mu.
func (c *Chip) hears(source byte, port string, frame bool) bool {
	now := c.cfg.Clock.Now()
	if c.inReset || c.stuck {
		return false
	}
	if c.power != awake {
		if c.power == poweredDown && c.core.wakeBy&source == 0 {
			return false
		}
		c.power, c.core.hears = awake, now.Add(c.cfg.WakeTime)
		c.write(port, Note, nil, "woken up")
		if frame {
			c.blame(port, RuleWakeUp, "a frame for a chip that sleeps")
		}
		return false
	}
	if now.Before(c.core.hears) {
		if frame {
			c.blame(port, RuleWakeUp, "a frame for a chip that is waking up")
		}
		return false
	}
	return true
}

// hearSerial passes on what a chip on HSU hears of these bytes. The caller
// holds c.mu.
func (c *Chip) hearSerial(port string, b []byte) []byte {
	if c.inReset || c.stuck {
		return nil
	}
	if c.power == awake {
		return b
	}
	k := &c.core
	for i, x := range b {
		switch {
		case x == 0x55 && k.zeros > 0: // it begins anew
			k.fives, k.zeros = 1, 0
		case x == 0x55:
			k.fives++
		case x == 0x00:
			k.zeros++
		case x == 0xFF && k.zeros > 0: // the start code of a frame
			rest, heard := c.wake(port, b[i:])
			if heard {
				return rest
			}
		default:
			k.fives, k.zeros = 0, 0
		}
	}
	return nil
}

// wake is told that a frame begins while the chip sleeps. The caller holds c.mu.
func (c *Chip) wake(port string, frame []byte) (rest []byte, heard bool) {
	k := &c.core
	fives, zeros := k.fives, k.zeros
	k.fives, k.zeros = 0, 0
	switch {
	case c.power == poweredDown && k.wakeBy&wakeHSU == 0:
		return nil, false
	case fives < 2:
		c.blame(port, RuleWakeUp, "a frame for a chip that sleeps")
		return nil, false
	}
	c.power = awake
	c.write(port, Note, nil, "woken up")
	if zeros < wakeZeros+2 {
		c.blame(port, RuleWakeUp, "only %d zeros after 55 55: the frame came too early", max(0, zeros-2))
		return frame[1:], true // without its start code it is no frame
	}
	return append([]byte{0x00, 0x00}, frame...), true
}

// fallAsleep is what PowerDown has asked for. The caller holds c.mu.
func (c *Chip) fallAsleep() {
	c.core.sleepNext = false
	c.unpower()
	c.power = poweredDown
	c.write("", Note, nil, "powered down")
}
