// Package pn532sim is an NXP PN532 with cards in its field: a reader and writer
// for 13.56 MHz, on a pseudo-terminal, on TCP, on SPI and on I2C.
//
//	agent ==bytes==> Port (HSU: line faults) --\
//	agent ==periph==> SPIPort, I2CBus ----------> dialog (frames, ACK) -> Chip (commands)
//	                                                                        |
//	      person: Present, Remove, Operator -> Card (Classic, NTAG) <==air==/
//
// There is one model of the chip whatever bus it hangs on, and cards that obey
// their own data sheets: a reply is what becomes of the bytes on the air.
// Whether a write worked is seen on the card, by Dump and Writes.
//
// What it takes for granted, because the manual (NXP UM0701-02, firmware 1.6)
// leaves it open or because clones differ:
//   - A try of InListPassiveTarget is one REQA. A card that is still active
//     takes it as an offence and falls back to idle without a word, so that
//     with a single try every second listing of a card fails. InDeselect and
//     InRelease say nothing to a card that has no ISO 14443-4 protocol.
//   - A card that answers NAK, or not at all, is status 01 in InDataExchange.
//     Through InCommunicateThru a 4-bit answer fails the check of a CRC that the
//     receiver was told to expect: status 02.
//   - InDataExchange knows the commands of MIFARE (60, 61, 30, A0, A2, B0, C0,
//     C1, C2) and their lengths, and passes all others on as they are.
//   - Before SAMConfiguration the chip answers, but finds no card.
//   - Encryption is not simulated, who may do what after which key is.
package pn532sim

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"edgeagent/hwsim/line"
)

// Config describes a chip and how quick it is. The zero value is a usual one.
type Config struct {
	// Clock drives every wait and stamps the transcript; nil for real time.
	Clock line.Clock
	// Seed of every chance; 0 takes one from the time of day, see Chip.Seed.
	Seed uint64
	// AckTime passes between the end of a command frame and its ACK; 0 for 1 ms.
	AckTime time.Duration
	// ChipTime is what a command needs that asks no card; 0 for 1 ms.
	ChipTime time.Duration
	// CardTime is one exchange with a card that answers; 0 for 5 ms.
	CardTime time.Duration
	// PollTime is one try of InListPassiveTarget; 0 for 5 ms.
	PollTime time.Duration
	// WakeTime is what the chip needs after a reset or out of power down before
	// it hears a frame on SPI or I2C; 0 for 2 ms. On HSU the zeros after 55 55
	// stand for it.
	WakeTime time.Duration
	// Awake starts the chip in normal mode, as if it had been set up before.
	Awake bool
	// Firmware is IC, Ver, Rev, Support of GetFirmwareVersion; zero for
	// 32 01 06 07 (UM0701-02, 7.2.2).
	Firmware [4]byte
	// OnAck, if not nil, is called after the ACK of a command was given out and
	// before its work starts, with the bytes from the command code on; the work
	// waits until it returns.
	OnAck func(command []byte)
}

func (c Config) withDefaults() Config {
	if c.Clock == nil {
		c.Clock = line.Wall()
	}
	if c.Seed == 0 {
		c.Seed = uint64(time.Now().UnixNano())
	}
	if c.Firmware == [4]byte{} {
		c.Firmware = [4]byte{0x32, 1, 6, 7}
	}
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{{&c.AckTime, time.Millisecond}, {&c.ChipTime, time.Millisecond}, {&c.CardTime, 5 * time.Millisecond},
		{&c.PollTime, 5 * time.Millisecond}, {&c.WakeTime, 2 * time.Millisecond}} {
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	return c
}

// Chip is one PN532, the cards in its field and the person who lays them there.
// Its methods may be called from several goroutines.
type Chip struct {
	cfg  Config
	done chan struct{}
	wg   sync.WaitGroup

	mu         sync.Mutex
	rng        *rand.Rand
	core       core // what a reset forgets
	power      power
	inReset    bool
	stuck      bool
	field      []*Card // cards in front of the antenna
	desk       desk
	faults     []Fault
	chances    []chance
	holds      []*Hold
	requests   int
	ports      []closer
	irq, reset *Pin
	waiting    []outlet // outlets that drive the IRQ line while they hold a frame
	changed    chan struct{}
	lines      []Line
	violations []Violation
	closed     bool
}

// closer is what Close has to shut.
type closer interface{ shut() }

// New returns a chip without a bus; add one with OpenPTY, ListenTCP, SPI or I2C.
// A real chip listens on the one bus that its pins select; this one answers
// where it was asked.
func New(cfg Config) *Chip {
	cfg = cfg.withDefaults()
	c := &Chip{
		cfg: cfg, done: make(chan struct{}), changed: make(chan struct{}),
		rng: rand.New(rand.NewPCG(cfg.Seed, 0x9E3779B97F4A7C15)),
	}
	c.irq, c.reset = newPin(c, "PN532_IRQ", nil), newPin(c, "PN532_RSTPDN", c.resetLine)
	c.core = newCore()
	c.power = asleepAfterReset
	if cfg.Awake {
		c.power, c.core.ready = awake, true
	}
	return c
}

// Seed reports the seed of every chance, to repeat a run.
func (c *Chip) Seed() uint64 { return c.cfg.Seed }

// Close releases holds, closes every bus and waits for all goroutines to end.
func (c *Chip) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	ports := c.ports
	close(c.done)
	c.mu.Unlock()
	for _, p := range ports {
		p.shut()
	}
	c.wg.Wait()
	return nil
}

// sleep waits on the chip's clock; false when the chip was closed, or stop came,
// meanwhile.
func (c *Chip) sleep(d time.Duration, stop <-chan struct{}) bool {
	return line.Pause(c.cfg.Clock, d, c.done, stop)
}

// change wakes everybody in Wait. The caller holds c.mu.
func (c *Chip) change() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// Wait returns when cond holds, asking again after every change (bytes, cards,
// writes), or with ctx's error. cond may call any method of c and of cards.
func (c *Chip) Wait(ctx context.Context, cond func() bool) error {
	for {
		c.mu.Lock()
		changed := c.changed
		c.mu.Unlock()
		if cond() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
