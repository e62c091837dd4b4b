package pn532sim

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"

	"edgeagent/hwsim/line"
)

// buses are the ways to the chip, each with what wakes it.
var buses = []struct {
	name string
	open func(t *testing.T, c *Chip) host
}{
	{"HSU on a pseudo-terminal", func(t *testing.T, c *Chip) host {
		h, _ := overPTY(t, c, PortOptions{})
		h.Send(append([]byte{0x55, 0x55}, make([]byte, 14)...))
		return h
	}},
	{"HSU on TCP", func(t *testing.T, c *Chip) host {
		h, _ := overTCP(t, c)
		h.Send(append([]byte{0x55, 0x55}, make([]byte, 3)...))
		return h
	}},
	{"SPI", func(t *testing.T, c *Chip) host {
		h, _ := overSPI(t, c)
		if h.ready() {
			t.Error("a chip that sleeps is ready")
		}
		return h
	}},
	{"I2C", func(t *testing.T, c *Chip) host {
		h := overI2C(t, c)
		if err := h.bus.Tx(0x24, nil, make([]byte, 1)); !errors.Is(err, errNoAck) {
			t.Errorf("a chip that sleeps answers: %v", err)
		}
		return h
	}},
}

// The worked frames, one after the other, from a chip that sleeps to a written card.
func TestTheSameOnEveryBus(t *testing.T) {
	for _, bus := range buses {
		t.Run(bus.name, func(t *testing.T) {
			c := start(t, quick(func(cfg *Config) { cfg.Awake = false }))
			card := NewCard(Classic1K, uid4(), Traits{})
			h := bus.open(t, c)
			ask(h, "14 01", "15")
			ask(h, "02", "03 32 01 06 07")
			ask(h, "32 05 FF 01 10", "33")
			ask(h, "4A 01 00", "4B 00")
			c.Present(card)
			ask(h, "4A 01 00", "4B 01 01 00 04 08 04 C1 D3 33 EA")
			ask(h, "40 01 60 04"+factoryA+"C1 D3 33 EA", "41 00")
			ask(h, "40 01 30 04", "41 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00")
			ask(h, "40 01 A0 04 00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F", "41 00")
			ask(h, "40 01 30 04", "41 00 00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F")
			ask(h, "40 01 60 08 00 00 00 00 00 00 C1 D3 33 EA", "41 14")
			ask(h, "40 01 30 04", "41 01")
			ask(h, "52 00", "53 00")
			ask(h, "32 01 00", "33")
			if got := card.Dump()[64:80]; !bytes.Equal(got, unhex("00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F")) {
				t.Errorf("on the card: % X", got)
			}
			if n := len(card.Writes()); n != 1 {
				t.Errorf("%d writes", n)
			}
			// PowerDown, and up again by the same bus.
			ask(h, "16 F0", "17 00")
			eventually(t, c, "asleep", func() bool { return !c.Awake() })
			if len(c.Violations()) > 0 {
				t.Error(c.Violations())
			}
		})
	}
}

// An abort by ACK ends a command that waits for a card forever, and NACK brings
// the last response again.
func TestAbortAndRepeatOnEveryBus(t *testing.T) {
	for _, bus := range buses {
		t.Run(bus.name, func(t *testing.T) {
			c := start(t, quick(func(cfg *Config) { cfg.Awake = false }))
			h := bus.open(t, c)
			ask(h, "14 01", "15")
			h.Send(toChip("4A 01 00"))
			h.Want(ackFrame())
			h.Send(ackFrame())
			ask(h, "02", "03 32 01 06 07")
			for range 2 {
				h.Send(unhex("00 00 FF FF 00 00"))
				h.Want(toHost("03 32 01 06 07"))
			}
			if len(c.Violations()) > 0 {
				t.Error(c.Violations())
			}
		})
	}
}

func TestSPIBitOrder(t *testing.T) {
	c := start(t, quick(nil))
	p := c.SPI("SPI0.0", true)
	conn, err := p.Connect(physic.MegaHertz, spi.Mode0|spi.LSBFirst, 8)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Tx(append([]byte{0x01}, toChip("02")...), nil); err != nil {
		t.Fatal(err)
	}
	r := make([]byte, 7)
	eventually(t, c, "ACK", func() bool {
		return errors.Join(conn.Tx([]byte{0x02, 0x00}, r[:2])) == nil && r[1] == 0x01
	})
	if err := conn.Tx([]byte{0x03, 0, 0, 0, 0, 0, 0}, r); err != nil || !bytes.Equal(r[1:], ackFrame()) {
		t.Errorf("% X, %v", r, err)
	}
}

// P15: the firmware command as it leaves a host that shifts the highest bit first.
func TestSPIWorkedFrame(t *testing.T) {
	c := start(t, quick(nil))
	h, _ := overSPI(t, c)
	if err := h.conn.Tx(unhex("80 00 00 FF 40 7F 2B 40 54 00"), nil); err != nil {
		t.Fatal(err)
	}
	h.Want(ackFrame())
	h.Want(toHost("03 32 01 06 07"))
}

func TestSPIRefuses(t *testing.T) {
	c := start(t, quick(nil))
	p := c.SPI("SPI0.0", false)
	if _, err := p.Connect(physic.MegaHertz, spi.Mode0|spi.LSBFirst, 8); err == nil {
		t.Error("a Raspberry Pi has shifted the lowest bit first")
	}
	if _, err := p.Connect(physic.MegaHertz, spi.Mode0, 9); err == nil {
		t.Error("words of 9 bits")
	}
	conn, err := p.Connect(10*physic.MegaHertz, spi.Mode0, 8)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Connect(physic.MegaHertz, spi.Mode0, 8); err == nil {
		t.Error("connected twice")
	}
	if err := conn.Tx(make([]byte, 3), make([]byte, 2)); err == nil {
		t.Error("3 bytes out and 2 in")
	}
	// Too fast: nothing that the host says is understood.
	if err := conn.Tx(mirrored(append([]byte{0x01}, toChip("02")...)), nil); err != nil {
		t.Fatal(err)
	}
	if c.Requests() != 0 || rules(c)[0] != RuleBus {
		t.Errorf("%d requests, %v", c.Requests(), c.Violations())
	}
}

// A frame is read in as many transfers as the host likes, and joined packets
// are one transfer.
func TestSPIReadsInPieces(t *testing.T) {
	c := start(t, quick(nil))
	h, _ := overSPI(t, c)
	h.Send(toChip("02"))
	h.Want(ackFrame())
	eventually(t, c, "response", h.ready)
	frame := toHost("03 32 01 06 07")
	got := h.transfer([]byte{0x03}, 5)
	r := make([]byte, len(frame)-5)
	if err := h.conn.TxPackets([]spi.Packet{{W: mirrored([]byte{0x03}), KeepCS: true}, {R: r}}); err != nil {
		t.Fatal(err)
	}
	if got = append(got, mirrored(r)...); !bytes.Equal(got, frame) {
		t.Errorf("% X", got)
	}
	if h.ready() {
		t.Error("ready after everything was read")
	}
	h.transfer([]byte{0x03}, 1)
	if r := rules(c); len(r) != 1 || r[0] != RuleReady {
		t.Errorf("%v", c.Violations())
	}
}

// On I2C a read takes the whole frame; a NACK brings it again.
func TestI2CReadTooShort(t *testing.T) {
	c := start(t, quick(nil))
	h := overI2C(t, c)
	h.Send(toChip("02"))
	h.Want(ackFrame())
	h.Want(toHost("03 32 01 06 07")[:5])
	h.Send(unhex("00 00 FF FF 00 00"))
	h.Want(toHost("03 32 01 06 07"))
	if err := h.bus.Tx(0x25, nil, make([]byte, 1)); !errors.Is(err, errNoAck) {
		t.Errorf("another address answers: %v", err)
	}
	if err := h.bus.SetSpeed(physic.MegaHertz); err != nil {
		t.Fatal(err)
	}
	if err := h.bus.Tx(0x24, nil, make([]byte, 1)); !errors.Is(err, errNoAck) {
		t.Errorf("a bus that is too fast works: %v", err)
	}
}

func TestUnreadAndDetached(t *testing.T) {
	c := start(t, quick(nil))
	h, p := overSPI(t, c)
	h.Send(toChip("02"))
	eventually(t, c, "response", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(p.frames) == 2
	})
	ask(h, "02", "03 32 01 06 07")
	if r := rules(c); len(r) != 1 || r[0] != RuleUnread {
		t.Errorf("%v", c.Violations())
	}
	p.SetDetached(true)
	h.Send(toChip("02"))
	if got := h.transfer([]byte{0x02}, 1); got[0] != 0xFF {
		t.Errorf("an empty bus reads %02X", got)
	}
	p.SetDetached(false)
	p.NotReady(2)
	h.Send(toChip("02"))
	eventually(t, c, "ACK", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return p.unread()
	})
	var ready []bool
	for range 3 {
		ready = append(ready, h.ready())
	}
	if !slices.Equal(ready, []bool{false, false, true}) {
		t.Errorf("ready: %v", ready)
	}
}

func TestIRQ(t *testing.T) {
	c := start(t, quick(nil))
	h, _ := overSPI(t, c)
	irq := c.IRQPin()
	if err := irq.In(gpio.PullUp, gpio.FallingEdge); err != nil {
		t.Fatal(err)
	}
	if irq.Read() != gpio.High || irq.WaitForEdge(0) {
		t.Error("the line is low, or fell, while nothing waits")
	}
	h.Send(toChip("02"))
	if !irq.WaitForEdge(-1) || irq.Read() != gpio.Low {
		t.Error("no ACK on the line")
	}
	h.Want(ackFrame())
	h.Want(toHost("03 32 01 06 07"))
	if irq.Read() != gpio.High {
		t.Error("the line stays low")
	}
	// SAMConfiguration can tell the chip to leave the line alone.
	ask(h, "14 01 14 00", "15")
	ask(h, "02", "03 32 01 06 07")
	if err := irq.In(gpio.PullUp, gpio.FallingEdge); err != nil {
		t.Fatal(err)
	}
	ask(h, "02", "03 32 01 06 07")
	if irq.WaitForEdge(0) {
		t.Error("the line fell although it was to be left alone")
	}
	if irq.Out(gpio.High) == nil {
		t.Error("the host drives the chip's line")
	}
	done := make(chan bool)
	go func() { done <- irq.WaitForEdge(-1) }()
	if err := irq.Halt(); err != nil || <-done {
		t.Error("Halt is to end the wait")
	}
}

func TestResetLine(t *testing.T) {
	c := start(t, quick(nil))
	h, _ := overSPI(t, c)
	card := NewCard(NTAG213, uid7(), Traits{})
	c.Present(card)
	ask(h, "4A 01 00", "4B 01 01 00 44 00 07 04 A2 B3 C4 D5 E6 80")
	c.Stick()
	h.Send(toChip("02"))
	if h.ready() {
		t.Error("a stuck chip is ready")
	}
	reset := c.ResetPin()
	for _, l := range []gpio.Level{gpio.Low, gpio.High} {
		if err := reset.Out(l); err != nil {
			t.Fatal(err)
		}
	}
	if c.Awake() {
		t.Error("awake right after a reset")
	}
	h.ready()
	ask(h, "14 01", "15")
	ask(h, "40 01 30 04", "41 27") // it has forgotten the card
	if reset.PWM(gpio.DutyHalf, physic.KiloHertz) == nil {
		t.Error("PWM on the reset line")
	}
}

// The chip takes its time to wake up.
func TestWakeTime(t *testing.T) {
	clock := line.NewManual(time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC))
	c := start(t, Config{Clock: clock, WakeTime: 2 * time.Millisecond})
	h := overI2C(t, c)
	if err := h.bus.Tx(0x24, toChip("14 01"), nil); !errors.Is(err, errNoAck) {
		t.Error(err)
	}
	if err := h.bus.Tx(0x24, toChip("14 01"), nil); !errors.Is(err, errNoAck) {
		t.Error(err)
	}
	clock.Advance(2 * time.Millisecond)
	h.Send(toChip("14 01"))
	clock.AwaitWaiters(1)
	clock.Advance(time.Millisecond)
	h.Want(ackFrame())
	clock.AwaitWaiters(1)
	clock.Advance(time.Millisecond)
	h.Want(toHost("15"))
	if r := rules(c); len(r) != 2 || r[0] != RuleWakeUp || r[1] != RuleWakeUp {
		t.Errorf("%v", c.Violations())
	}
}
