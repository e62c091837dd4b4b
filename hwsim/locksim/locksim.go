// Package locksim is a lock system with its encoders: the other end of the
// "Industry Standard" link in its SALTO dialect, on a pseudo-terminal or on TCP.
//
//	agent ==bytes==> Port (line faults) -> frame -> System (rooms, keys, cards)
//	      <==bytes== Port (line faults) <- frame <-    encoder <- Presentation (a person)
//
// Nothing is answered from a script: there are rooms with stays and generations
// of keys, encoders and cards, and a reply is what becomes of them. Whether a
// command worked is seen at the door, by OpensDoor.
//
// What it takes for granted, because no public source settles it:
//   - A new generation counts from the moment its card was cut, not from the
//     first use of that card at an offline lock, and all rooms named on a new
//     key get one. A request that ends in an error changes no generation.
//   - The answer to a command without an encoder echoes field 1, as CO does.
//   - ENQ and frames are answered NAK while a command of the same port is at
//     work; Config.AckWhileBusy makes ENQ answer ACK instead.
package locksim

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// Config describes a lock system. The zero value is one without rooms and encoders.
type Config struct {
	// Clock drives every wait and stamps the transcript; nil for Wall.
	Clock Clock
	// Now is the hotel's calendar: validity, audit. Nil for Clock.Now.
	Now func() time.Time
	// Zone is the property's time zone, in which the link's dates are read; nil for UTC.
	Zone *time.Location
	// Seed of every chance; 0 takes one from the time of day, see System.Seed.
	Seed uint64
	// Rooms and Encoders are the names that the lock system knows.
	Rooms, Encoders []string
	// AckTime passes between a frame and its ACK; 0 for 5 ms.
	AckTime time.Duration
	// WorkTime is what an encoder needs to write or read one card; 0 for 200 ms.
	WorkTime time.Duration
	// CardWait is how long an encoder waits for a card before it answers ED; 0 for 20 s.
	CardWait time.Duration
	// TakeTime is how long the card lies on the encoder after the work; a
	// request that waits for its removal (E, T) is answered only then.
	TakeTime time.Duration
	// FrameGap is the longest pause inside a frame, after which what came is
	// dropped; 0 for 1 s.
	FrameGap time.Duration
	// AckWhileBusy answers ENQ with ACK while a command is at work.
	AckWhileBusy bool
	// RepeatOnNak sends the last result again when the other end answers it
	// with NAK, as relatives of the protocol do on a serial line.
	RepeatOnNak bool
	// StrictLRC refuses the check byte 0D, which otherwise means "do not verify".
	StrictLRC bool
	// WildcardLRC sends 0D as the check byte of every result.
	WildcardLRC bool
	// UIDOnRead appends the card's UID to the answer of LT.
	UIDOnRead bool
	// OnAck, if not nil, is called after the ACK of a command was written and
	// before its work starts; the work waits until it returns. Room is "" for
	// commands without one.
	OnAck func(command, room string)
}

func (c Config) withDefaults() Config {
	if c.Clock == nil {
		c.Clock = Wall()
	}
	if c.Now == nil {
		c.Now = c.Clock.Now
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.Seed == 0 {
		c.Seed = uint64(time.Now().UnixNano())
	}
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{{&c.AckTime, 5 * time.Millisecond}, {&c.WorkTime, 200 * time.Millisecond}, {&c.CardWait, 20 * time.Second}, {&c.FrameGap, time.Second}} {
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	return c
}

// System is a lock system: rooms, encoders, cards and what was done with them.
// Its methods may be called from several goroutines.
type System struct {
	cfg  Config
	done chan struct{}
	wg   sync.WaitGroup

	mu        sync.Mutex
	rng       *rand.Rand
	rooms     map[string]*room
	encoders  map[string]*encoder
	cards     map[string]*Card
	order     []string // UIDs as they appeared
	serial    int64    // grows with every audit entry
	audit     []Entry
	nextFault []Fault
	chances   []chance
	holds     []*Hold
	damaged   bool
	ports     []*Port
	changed   chan struct{}
	lines     []Line
	closed    bool
}

// New returns a lock system without ports; add them with OpenPTY and ListenTCP.
func New(cfg Config) *System {
	cfg = cfg.withDefaults()
	s := &System{
		cfg: cfg, done: make(chan struct{}), changed: make(chan struct{}),
		rng:   rand.New(rand.NewPCG(cfg.Seed, 0x9E3779B97F4A7C15)),
		rooms: map[string]*room{}, encoders: map[string]*encoder{}, cards: map[string]*Card{},
	}
	for _, name := range cfg.Rooms {
		s.rooms[name] = &room{name: name, inService: true}
	}
	for _, name := range cfg.Encoders {
		s.encoders[name] = &encoder{name: name, online: true}
	}
	return s
}

// Seed reports the seed of every chance, to repeat a run.
func (s *System) Seed() uint64 { return s.cfg.Seed }

// Close releases holds, closes every port and waits for all goroutines to end.
func (s *System) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	ports := s.ports
	close(s.done)
	s.mu.Unlock()
	for _, p := range ports {
		p.shut()
	}
	s.wg.Wait()
	return nil
}

// sleep waits on the system's clock; false when the system was closed meanwhile.
func (s *System) sleep(d time.Duration) bool {
	if d <= 0 {
		select {
		case <-s.done:
			return false
		default:
			return true
		}
	}
	select {
	case <-s.cfg.Clock.After(d):
		return true
	case <-s.done:
		return false
	}
}

// change wakes everybody in Wait. The caller holds s.mu.
func (s *System) change() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Wait returns when cond holds, asking again after every change of the system
// (cards, rooms, encoders, bytes), or with ctx's error. cond may call any
// method of s.
func (s *System) Wait(ctx context.Context, cond func() bool) error {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
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
