package locksim

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"time"

	"edgeagent/hwsim/line"
)

// send puts bytes on the wire, with everything that the line does to them.
func (se *session) send(b []byte) { se.transmit(b, 0) }

// transmit is send with a rate of corruption beside that of the port.
func (se *session) transmit(b []byte, rate float64) {
	p := se.port
	p.wmu.Lock()
	defer p.wmu.Unlock()
	st := p.now()
	if st.cut {
		p.record(Lost, b, "")
		return
	}
	if st.garbled || se.wire.Misread(st.speed()) {
		b = line.Garble(b)
	}
	b = p.corrupt(b, 1-(1-st.out)*(1-rate))
	each := time.Duration(0)
	if st.opts.Pace {
		each = line.ByteTime(st.opts.Baud)
	}
	line.Paced(p.sys.cfg.Clock, each, p.sys.done, b, se.put)
}

func (se *session) put(b []byte) {
	// Recorded first: who has read the bytes finds them in the transcript.
	se.port.record(Out, b, "")
	if !se.wire.Write(b) {
		se.port.record(Lost, b, "")
	}
}

// corrupt damages some bytes: one bit of every other, all of the rest.
func (p *Port) corrupt(b []byte, rate float64) []byte {
	if rate <= 0 {
		return b
	}
	s := p.sys
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.Clone(b)
	for i := range out {
		if s.rng.Float64() < rate {
			out[i] ^= damage(s.rng)
		}
	}
	return out
}

// damage is what changes in a byte: one bit, or any.
func damage(rng *rand.Rand) byte {
	if rng.IntN(2) == 0 {
		return 1 << rng.IntN(8)
	}
	return byte(1 + rng.IntN(255))
}

// note enters a fault into the transcript.
func (p *Port) note(f Fault) {
	var parts []string
	v := reflect.ValueOf(f)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; !v.Field(i).IsZero() && name != "Command" && name != "Enquiry" {
			parts = append(parts, fmt.Sprintf("%s %v", name, v.Field(i)))
		}
	}
	if len(parts) > 0 {
		p.record(Note, nil, "fault: "+strings.Join(parts, ", "))
	}
}

// Spurious sends bytes out of nothing to whoever is connected.
func (p *Port) Spurious(b []byte) {
	for _, se := range p.plug.Sessions() {
		se.send(b)
	}
}

// sendIn sends a result in the pieces that the fault wants. The port is idle
// before the last piece is out: whoever has read it may ask at once.
func (se *session) sendIn(f Fault, raw []byte, idle func()) {
	step, pause := len(raw), f.SplitPause
	if pause == 0 {
		pause = 5 * time.Millisecond
	}
	within := f.When == InResult && (f.HangUp || f.Line != "")
	switch {
	case f.Dribble > 0:
		step, pause = 1, f.Dribble
	case f.SplitAt > 0 && f.SplitAt < len(raw):
		step = f.SplitAt
	case within:
		step = len(raw) / 2
	}
	for len(raw) > step {
		se.transmit(raw[:step], f.Corrupt)
		raw = raw[step:]
		if f.Dribble == 0 {
			step = len(raw)
		}
		if within {
			within = false
			se.port.strike(f, InResult)
			if f.HangUp {
				// The rest went into the unplugged adapter.
				se.port.record(Lost, raw, "")
				idle()
				return
			}
		}
		if !se.port.sys.sleep(pause) {
			break
		}
	}
	idle()
	se.transmit(raw, f.Corrupt)
}

// strike lets the line suffer what the fault has for that moment.
func (p *Port) strike(f Fault, at Moment) {
	if f.When != at || f.Crash != NoCrash {
		return
	}
	if f.HangUp && p.plug.Unplug() == nil {
		p.record(Note, nil, "unplugged")
		p.sys.spawn(func() { p.comeBack(f.DownFor, f.ComeBackAs) })
	}
	if f.Line == "" {
		return
	}
	p.suffer(f.Line, true)
	if f.DownFor > 0 {
		p.sys.spawn(func() {
			if p.sys.sleep(f.DownFor) {
				p.suffer(f.Line, false)
			}
		})
	}
}

// suffer begins or ends a fault of the line.
func (p *Port) suffer(l LineFault, on bool) {
	switch {
	case l == CablePulled && on:
		p.PullCable()
	case l == CablePulled:
		p.PlugCable()
	case l == ReadingStopped && on:
		p.StopReading()
	case l == ReadingStopped:
		p.Resume()
	case l == Echoes:
		p.SetEcho(on)
	case l == LoopedBack:
		p.SetLoopBack(on)
	case l == WrongSpeed:
		p.SetGarbled(on)
	}
}

// crash restarts the lock system: deaf for a while, then idle.
func (p *Port) crash(f Fault) {
	p.acknowledged()
	p.set("crashed", func() { p.busy, p.down, p.late, p.lastOut = false, true, nil, nil })
	if f.HangUp && p.plug.Unplug() == nil {
		p.comeBack(f.DownFor, f.ComeBackAs)
	} else {
		p.sys.sleep(f.DownFor)
	}
	p.set("restarted", func() { p.down = false })
}

// comeBack plugs the port in again after a while, under the name, or under that
// which it had if name is "".
func (p *Port) comeBack(after time.Duration, name string) {
	if !p.sys.sleep(after) {
		return
	}
	if err := p.plug.Plug(name); err != nil {
		p.record(Note, nil, err.Error())
	} else {
		p.record(Note, nil, "plugged in again")
	}
	select {
	case <-p.sys.done: // closed meanwhile
		_ = p.plug.Unplug()
	default:
	}
}
