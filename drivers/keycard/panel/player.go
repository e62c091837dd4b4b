package panel

import (
	"fmt"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// player plays patterns on a lamp or a buzzer, in its own goroutine.
type player struct {
	pin     gpio.PinOut
	on      gpio.Level
	next    chan pattern // holds the newest
	trouble func(error)  // nil: well again
}

func newPlayer(pin gpio.PinOut, on gpio.Level, trouble func(error)) *player {
	return &player{pin: pin, on: on, next: make(chan pattern, 1), trouble: trouble}
}

// play puts a pattern in place of the one that is played. Only one goroutine
// at a time may call it; it returns at once.
func (p *player) play(t pattern) {
	select {
	case <-p.next: // overtaken
	default:
	}
	p.next <- t
}

// run plays until halt is closed, and leaves the output off, whatever ends it.
func (p *player) run(halt <-chan struct{}) {
	defer p.set(false)
	var now pattern
	var wait <-chan time.Time
	i := 0
	for {
		select {
		case <-halt:
			return
		case now = <-p.next:
			i = 0
		case <-wait:
			i++
		}
		wait = p.step(now, i)
	}
}

// step does the i-th part of a pattern, and gives the wait for the next; nil if there is none.
func (p *player) step(t pattern, i int) <-chan time.Time {
	if len(t.times) == 0 || i >= len(t.times) && !t.repeat {
		p.set(t.steady)
		return nil
	}
	i %= len(t.times)
	p.set(i%2 == 0)
	return time.After(t.times[i])
}

func (p *player) set(on bool) {
	level := p.on
	if !on {
		level = !level
	}
	if err := p.pin.Out(level); err != nil {
		p.trouble(fmt.Errorf("cannot be switched: %w", err))
		return
	}
	p.trouble(nil)
}
