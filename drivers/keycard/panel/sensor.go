package panel

import (
	"fmt"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// sensor follows the card switch, in its own goroutine.
type sensor struct {
	pin      gpio.PinIn
	there    gpio.Level // the level while a card lies in the reader
	debounce time.Duration
	tell     func(there bool)
}

// patience bounds one wait for an edge, for pins whose Halt does not end it.
const patience = 10 * time.Second

func newSensor(pin gpio.PinIn, cfg *CardSwitch, tell func(bool)) (*sensor, error) {
	if err := pin.In(pulls[cfg.Pull], gpio.BothEdges); err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	return &sensor{pin: pin, there: cfg.Active == "high", debounce: cfg.Debounce, tell: tell}, nil
}

// run tells of each change until halt is closed.
func (s *sensor) run(halt <-chan struct{}) {
	last := false
	for {
		if now := s.pin.Read() == s.there; now != last {
			last = now
			s.tell(now)
		}
		if !s.edge(halt) {
			return
		}
		s.settle()
	}
}

// edge waits for one; false means that halt is closed.
func (s *sensor) edge(halt <-chan struct{}) bool {
	for {
		began := time.Now()
		came := s.pin.WaitForEdge(patience)
		var pause time.Duration
		if !came && time.Since(began) < patience/2 { // a line that is gone does not wait
			pause = time.Second
		}
		select {
		case <-halt:
			return false
		default:
		}
		if came {
			return true
		}
		select {
		case <-halt:
			return false
		case <-time.After(pause):
		}
	}
}

// settle returns when the contact has been still for a while. One that never
// is, such as a line that nothing is connected to, counts as it stands after
// ten times that, and does not keep a processor busy meanwhile.
func (s *sensor) settle() {
	end := time.Now().Add(10 * s.debounce)
	for s.pin.WaitForEdge(s.debounce) && time.Now().Before(end) {
		time.Sleep(time.Millisecond)
	}
}
