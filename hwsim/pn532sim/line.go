package pn532sim

import (
	"sync"
	"time"

	"edgeagent/hwsim/line"
)

// session is the state of the byte stream of one wire. It is the outlet of what
// came in there.
type session struct {
	port *Port
	wire line.Wire

	mu   sync.Mutex // the reader of a new terminal may overlap with that of the old
	scan scanner
}

func (se *session) name() string { return se.port.Name() }

// A serial line holds nothing back.
func (se *session) unread() bool { return false }
func (se *session) drop()        {}

func (se *session) hangUp(d time.Duration) { se.port.hangUp(d) }

// Feed takes what came in. It returns quickly: work is done elsewhere.
func (se *session) Feed(b []byte) {
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
	if se.wire.Misread(p.speed()) {
		c.record(name, In, line.Garble(b), "line speeds differ")
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
	if se.wire.Misread(p.speed()) {
		b = line.Garble(b)
	}
	c.mu.Lock()
	b = c.flip(b, st.noise.out, st.noise.outMessages)
	c.mu.Unlock()
	line.Paced(c.cfg.Clock, p.byteTime(), c.done, b, func(b []byte) { se.put(name, b) })
}

func (se *session) put(name string, b []byte) {
	// Recorded first: who has read the bytes finds them in the transcript.
	c := se.port.chip
	c.record(name, Out, b, "")
	if !se.wire.Write(b) {
		c.record(name, Lost, b, "")
	}
}
