package panel

import (
	"errors"
	"time"

	"edgeagent/drivers"
)

// face is what a panel shows to who stands before it.
type face int

const (
	idle    face = iota // ready
	busy                // at work
	present             // hold a card to the reader now
	done                // the card is made
	failed              // it is not
)

// How long a face that tells how it went stays.
const (
	doneFor   = 3 * time.Second
	failedFor = 10 * time.Second
)

func (p *Panel) readPatterns() {
	p.blinks, p.beeps = map[face]pattern{}, map[face]pattern{}
	if l := p.cfg.Lamp; l != nil {
		for f, text := range map[face]string{idle: l.Idle, busy: l.Busy, present: l.Present, done: l.OK, failed: l.Error} {
			p.blinks[f], _ = parseBlink(text) // Problems has seen it
		}
	}
	if b := p.cfg.Buzzer; b != nil {
		for f, text := range map[face]string{present: b.Present, done: b.OK, failed: b.Error} {
			p.beeps[f], _ = parseBeep(text)
		}
	}
}

// show puts on a face, sounds what belongs to it if that is wanted, and goes
// back to idle after a while; with 0 it stays until another comes.
func (p *Panel) show(f face, sound bool, stay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.put(f)
	if beep, ok := p.beeps[f]; ok && sound && p.buzzer != nil {
		p.buzzer.play(beep)
	}
	if turn := p.turn; stay > 0 {
		time.AfterFunc(stay, func() {
			defer p.guard()
			p.rest(turn)
		})
	}
}

// rest goes back to idle, unless the face it is about is gone.
func (p *Panel) rest(turn int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.turn != turn:
	case p.face == done && p.there:
		p.kept = true // until the card is taken
	default:
		p.put(idle)
	}
}

func (p *Panel) put(f face) {
	p.face, p.kept = f, false
	p.turn++
	p.paint()
}

// paint sets the lamp. Somebody whose card lies there already is not asked for one.
func (p *Panel) paint() {
	f := p.face
	if f == present && p.there {
		f = busy
	}
	if p.lamp != nil {
		p.lamp.play(p.blinks[f])
	}
}

// card hears of the card switch.
func (p *Panel) card(there bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.there = there
	switch {
	case !there && p.kept:
		p.put(idle)
	case p.face == present:
		p.paint()
	}
}

// step hears of the steps of a command.
func (p *Panel) step(s drivers.Step) {
	switch s {
	case drivers.StepSent:
		p.show(busy, false, 0)
	case drivers.StepAccepted:
		p.show(present, true, 0)
	case drivers.StepCardDone:
		p.show(done, true, 0)
	}
}

// end hears how a command ended. Only what a person must know of sounds: what
// will be tried again by itself shows on the lamp alone, and stays there while
// the encoder cannot be reached.
func (p *Panel) end(err error) {
	_, down := errors.AsType[*drivers.LinkDown](err)
	switch {
	case err == nil:
		p.show(done, false, doneFor)
	case down:
		p.show(failed, false, 0)
	default:
		p.show(failed, errors.Is(err, drivers.ErrRefused) || errors.Is(err, drivers.ErrUnknown), failedFor)
	}
}
