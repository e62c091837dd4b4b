// Package locksim is a lock system with its encoders: the other end of a line
// on which a hotel's software asks for keys, on a pseudo-terminal or on TCP. It
// speaks the "Industry Standard" link in the dialects of SALTO and of
// Onity/TESA, and VingCard's RS-232 link; see Family.
//
//	agent ==bytes==> Port (line faults) -> dialect -> System (rooms, keys, cards)
//	      <==bytes== Port (line faults) <- dialect <-    encoder <- Presentation (a person)
//
// Nothing is answered from a script: there are rooms with stays and generations
// of keys, encoders and cards, and a reply is what becomes of them. Whether a
// command worked is seen at the door, by OpensDoor. What the other end does
// against the rules of the link is written down, see System.Violations.
//
// Replay is the exception: a lock system that answers as a recording from a
// site says, and reports where the other end does something else.
//
// # Recordings
//
// ReadRecording reads one line per piece of the byte stream, in order:
//
//	# host >
//	2026-07-15T12:00:00.000Z > 05
//	2026-07-15T12:00:00.012Z < 06
//	0.250 > 02 B3 43 4E B3 ?? ?? B3 03 8C
//
// that is a time, a direction and bytes, parted by blanks. The time is RFC 3339,
// seconds since the start (0.250, +0.250) or a duration (250ms); only the time
// between lines counts. The bytes are hex digits, with or without blanks
// between them; ?? stands for a redacted byte, which matches any byte of the
// other end, and for which the lock system sends 0 with a check that fits.
// What follows # is a comment. Which of < and > is the agent's is told by a
// comment "host >" or "host <"; without one it is the direction of the first
// ENQ, since a lock system never asks, or else that of the first line. A frame
// may be spread over lines, and a line may hold more than one.
//
// # What is taken for granted
//
// No public source settles these points:
//   - A new generation counts from the moment its card was cut, not from the
//     first use of that card at an offline lock, and all rooms named on a new
//     key get one. A request that ends in an error changes no generation.
//   - The answer to a command without an encoder echoes field 1, as CO does.
//   - ENQ and frames are answered NAK while a command of the same port is at
//     work; Config.AckWhileBusy makes ENQ answer ACK instead.
//   - An Onity encoder answers ES to a command that it does not know; see
//     OnitySite.Unknown.
//   - VingCard's letters A, B, C and G; see vingcard.go.
package locksim

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"edgeagent/hwsim/line"
)

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
	stopped   bool          // the lock software is not running
	skew      time.Duration // of the lock system's calendar
	player    *Player       // answers in the house's place, or nil
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

// now is the lock system's calendar. The caller holds s.mu.
func (s *System) now() time.Time { return s.cfg.Now().Add(s.skew) }

// SetClockSkew sets the lock system's calendar ahead of Config.Now, or behind it.
func (s *System) SetClockSkew(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skew = d
}

// await waits on the system's clock for d, at most until stop is closed or the
// system is; true when the time has passed.
func (s *System) await(d time.Duration, stop <-chan struct{}) bool {
	return line.Pause(s.cfg.Clock, d, s.done, stop)
}

// sleep waits on the system's clock; false when the system was closed meanwhile.
func (s *System) sleep(d time.Duration) bool { return s.await(d, nil) }

// change wakes everybody in Wait. The caller holds s.mu.
func (s *System) change() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// wake is change for a caller that does not hold s.mu.
func (s *System) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.change()
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
