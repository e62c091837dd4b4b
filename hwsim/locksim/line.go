package locksim

import (
	"fmt"
	"slices"
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
	plain := Fault{Command: f.Command, Enquiry: f.Enquiry}
	if got := fmt.Sprintf("%+v", f); got != fmt.Sprintf("%+v", plain) {
		p.record(Note, nil, "fault: "+got)
	}
}

// Spurious sends bytes out of nothing to whoever is connected.
func (p *Port) Spurious(b []byte) {
	for _, se := range p.kind.sessions() {
		se.send(b)
	}
}
