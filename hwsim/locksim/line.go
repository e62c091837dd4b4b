package locksim

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// send puts bytes on the wire, with everything that the line does to them.
func (se *session) send(b []byte) {
	p := se.port
	p.wmu.Lock()
	defer p.wmu.Unlock()
	st := p.now()
	if st.cut {
		p.record(Lost, b, "")
		return
	}
	if se.wire.misread() {
		b = garble(b)
	}
	b = p.corrupt(b, st.out)
	if !p.opts.Pace || p.opts.Baud <= 0 {
		se.put(b)
		return
	}
	for i := range b {
		if !p.sys.sleep(10 * time.Second / time.Duration(p.opts.Baud)) {
			return
		}
		se.put(b[i : i+1])
	}
}

func (se *session) put(b []byte) {
	// Recorded first: who has read the bytes finds them in the transcript.
	se.port.record(Out, b, "")
	if !se.wire.write(b) {
		se.port.record(Lost, b, "")
	}
}

// corrupt flips one bit of some bytes.
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
			out[i] ^= 1 << s.rng.IntN(8)
		}
	}
	return out
}

// garble is what a receiver at another speed makes of bytes: runs of equal
// bits, the same for the same bytes, and never a control byte of the link.
func garble(b []byte) []byte {
	patterns := [...]byte{0x00, 0x80, 0xE0, 0xF8, 0xFE, 0xFF, 0xC0, 0xFC}
	out := make([]byte, len(b))
	for i, c := range b {
		out[i] = patterns[(c^c>>3)&7]
	}
	return out
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
	for _, se := range p.kind.sessions() {
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
	switch {
	case f.Dribble > 0:
		step, pause = 1, f.Dribble
	case f.SplitAt > 0 && f.SplitAt < len(raw):
		step = f.SplitAt
	}
	for len(raw) > step {
		se.send(raw[:step])
		raw = raw[step:]
		if f.Dribble == 0 {
			step = len(raw)
		}
		if !se.port.sys.sleep(pause) {
			break
		}
	}
	idle()
	se.send(raw)
}

// crash restarts the lock system: deaf for a while, then idle.
func (p *Port) crash(f Fault) {
	p.set("crashed", func() { p.busy, p.down, p.late, p.lastOut = false, true, nil, nil })
	if f.HangUp && p.kind.unplug() == nil {
		p.comeBack(f.DownFor)
	} else {
		p.sys.sleep(f.DownFor)
	}
	p.set("restarted", func() { p.down = false })
}

// comeBack plugs the port in again after a while.
func (p *Port) comeBack(after time.Duration) {
	if !p.sys.sleep(after) {
		return
	}
	if err := p.kind.plug(""); err != nil {
		p.record(Note, nil, err.Error())
	} else {
		p.record(Note, nil, "plugged in again")
	}
	select {
	case <-p.sys.done: // closed meanwhile
		p.kind.shut()
	default:
	}
}
