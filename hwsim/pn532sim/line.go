package pn532sim

import (
	"bytes"
	"sync"
	"time"
)

// wire is one connection: a pseudo-terminal, or one TCP connection.
type wire interface {
	// write sends bytes; false when nobody is at the other end.
	write(b []byte) bool
	// misread says whether the host's line speed is not the chip's.
	misread() bool
}

// session is the state of the byte stream of one wire. It is the outlet of what
// came in there.
type session struct {
	port *Port
	wire wire

	mu   sync.Mutex // the reader of a new terminal may overlap with that of the old
	scan scanner
}

func (se *session) name() string { return se.port.Name() }

// A serial line holds nothing back.
func (se *session) unread() bool { return false }
func (se *session) drop()        {}

func (se *session) hangUp(d time.Duration) { se.port.hangUp(d) }

// feed takes what came in. It returns quickly: work is done elsewhere.
func (se *session) feed(b []byte) {
	p, c := se.port, se.port.chip
	if paused := p.now().paused; paused != nil {
		<-paused
	}
	se.mu.Lock()
	defer se.mu.Unlock()
	st, name := p.now(), p.Name()
	if st.cut {
		c.record(name, Lost, b, "cable pulled")
		return
	}
	if se.wire.misread() {
		c.record(name, In, garble(b), "line speeds differ")
		se.give(b[:min(len(b), 8)])
		return
	}
	c.mu.Lock()
	b = c.flip(b, st.noise.in, st.noise.inMessages)
	c.write(name, In, b, "")
	if c.power != awake || c.inReset {
		se.scan.reset() // what comes now is not the end of a frame from before
	}
	var heard []byte
	if !st.loop {
		heard = c.hearSerial(name, b)
	}
	c.mu.Unlock()
	if st.echo || st.loop {
		se.give(b)
	}
	pace := p.byteTime()
	for _, t := range se.scan.push(heard) {
		c.take(se, t, pace*time.Duration(len(t.data)+frameAround))
	}
}

// give implements outlet: bytes on the wire, with everything that the line does
// to them.
func (se *session) give(b []byte) {
	p, c := se.port, se.port.chip
	p.wmu.Lock()
	defer p.wmu.Unlock()
	st, name := p.now(), p.Name()
	if st.cut {
		c.record(name, Lost, b, "cable pulled")
		return
	}
	if se.wire.misread() {
		b = garble(b)
	}
	c.mu.Lock()
	b = c.flip(b, st.noise.out, st.noise.outMessages)
	c.mu.Unlock()
	pace := p.byteTime()
	if pace == 0 {
		se.put(name, b)
		return
	}
	// Slept to a plan: what one wait takes too long, the next makes up for.
	start := c.cfg.Clock.Now()
	for i := range b {
		if !c.sleep(start.Add(pace*time.Duration(i+1)).Sub(c.cfg.Clock.Now()), nil) {
			return
		}
		se.put(name, b[i:i+1])
	}
}

func (se *session) put(name string, b []byte) {
	// Recorded first: who has read the bytes finds them in the transcript.
	c := se.port.chip
	c.record(name, Out, b, "")
	if !se.wire.write(b) {
		c.record(name, Lost, b, "")
	}
}

// garble is what a receiver at another speed makes of bytes: runs of equal
// bits, the same for the same bytes, and never the start of a frame.
func garble(b []byte) []byte {
	patterns := [...]byte{0x80, 0xE0, 0xF8, 0xFE, 0xC0, 0xFC, 0xF0, 0x78}
	out := bytes.Clone(b)
	for i, c := range b {
		out[i] = patterns[(c^c>>3)&7]
	}
	return out
}
