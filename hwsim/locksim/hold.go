package locksim

import (
	"slices"
	"sync"
	"time"
)

// Ack is a command that was acknowledged and whose work has not started.
type Ack struct {
	Command, Room, Encoder string
	At                     time.Time
}

// Hold stops the next command at one point until it is released.
type Hold struct {
	// Reached delivers the command once it stands at the point.
	Reached <-chan Ack

	sys     *System
	reached chan Ack
	release chan struct{}
	once    sync.Once
	result  bool // after the work instead of before it
}

// HoldAfterAck stops the next command between its ACK and its work: no card
// has been cut yet. A demo kills the agent there, releases, and sees the card
// come out without anybody to tell.
func (s *System) HoldAfterAck() *Hold { return s.hold(false) }

// HoldBeforeResult stops the next command between its work and its result:
// the card is out, the agent does not know yet.
func (s *System) HoldBeforeResult() *Hold { return s.hold(true) }

func (s *System) hold(result bool) *Hold {
	h := &Hold{sys: s, reached: make(chan Ack, 1), release: make(chan struct{}), result: result}
	h.Reached = h.reached
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holds = append(s.holds, h)
	return h
}

// Release lets the command go on, or takes the hold back if none has come yet.
func (h *Hold) Release() {
	h.sys.mu.Lock()
	defer h.sys.mu.Unlock()
	if i := slices.Index(h.sys.holds, h); i >= 0 {
		h.sys.holds = slices.Delete(h.sys.holds, i, i+1)
	}
	h.once.Do(func() { close(h.release) })
}

// pause stands at a hold of that point, if there is one.
func (s *System) pause(a Ack, result bool) {
	s.mu.Lock()
	var hold *Hold
	if i := slices.IndexFunc(s.holds, func(h *Hold) bool { return h.result == result }); i >= 0 {
		hold = s.holds[i]
		s.holds = slices.Delete(s.holds, i, i+1)
	}
	s.mu.Unlock()
	if hold == nil {
		return
	}
	hold.reached <- a
	select {
	case <-hold.release:
	case <-s.done:
	}
}
