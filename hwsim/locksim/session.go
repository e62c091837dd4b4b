package locksim

import (
	"sync"
	"time"

	"edgeagent/hwsim/line"
)

// session is the state of the byte stream of one wire.
type session struct {
	port *Port
	wire line.Wire

	mu      sync.Mutex // the reader of a new terminal may overlap with that of the old
	scan    scanner
	last    time.Time
	asked   bool // an ENQ was answered ACK, and no frame has come since
	ignored int  // stray bytes that are written down already
}

func (p *Port) session(w line.Wire) *session {
	return &session{port: p, wire: w, scan: scanner{checks: p.lang.checks}}
}

// Feed takes what came in. It returns quickly: work is done elsewhere.
func (se *session) Feed(b []byte) {
	p := se.port
	if paused := p.now().paused; paused != nil {
		<-paused
	}
	se.mu.Lock()
	defer se.mu.Unlock()
	st := p.now()
	if st.cut {
		p.record(Lost, b, "")
		return
	}
	if st.garbled || se.wire.Misread(st.speed()) {
		p.record(Note, nil, "line speeds differ")
		p.record(In, line.Garble(b), "")
		se.send(b[:min(len(b), 8)])
		return
	}
	b = p.corrupt(b, st.in)
	now := p.sys.cfg.Clock.Now() // before the transcript tells that they have come
	p.record(In, b, "")
	if st.echo || st.loop {
		se.send(b)
	}
	if st.loop || st.down {
		return
	}
	if now.Sub(se.last) > p.sys.cfg.FrameGap {
		if se.scan.in {
			p.violation("a frame broke off after %d bytes", len(se.scan.body))
		}
		se.scan.reset()
	}
	se.last = now
	for _, c := range b {
		if t, ok := se.scan.push(c); ok {
			se.take(t)
		}
	}
	if n := se.scan.stray - se.ignored; n > 0 {
		se.ignored += n
		p.violation("%d bytes outside of a frame", n)
	}
}

func (se *session) take(t token) {
	p := se.port
	if p.sys.player != nil {
		p.sys.player.take(se, t)
		return
	}
	switch t.kind {
	case tokENQ:
		se.unanswered()
		se.enquiry()
	case tokFrame:
		se.unanswered()
		se.frame(t)
	case tokACK:
		if p.acknowledged() == nil && !p.sys.cfg.RepeatOnNak {
			p.violation("an ACK that nobody waits for")
		}
	case tokNAK:
		se.repeat()
	}
}

// enquiry answers ENQ: ACK when idle, NAK when saturated or at work.
func (se *session) enquiry() {
	p, s := se.port, se.port.sys
	st := p.now()
	reply := byte(ack)
	if st.full || st.busy && !s.cfg.AckWhileBusy {
		reply = nak
	}
	f, refuse := s.draw("", true)
	if refuse {
		reply = nak
		f = Fault{}
	}
	p.note(f)
	p.strike(f, BeforeAck)
	if f.Silent || f.DropAck || se.deaf() {
		p.strike(f, BehindAck)
		return
	}
	se.asked = se.asked || reply == ack
	if f.AckDelay > 0 {
		s.spawn(func() {
			if s.sleep(f.AckDelay) {
				se.acknowledge(f, reply)
				p.strike(f, BehindAck)
			}
		})
		return
	}
	se.acknowledge(f, reply)
	p.strike(f, BehindAck)
}

// deaf says whether there is nobody who could answer: the lock software itself
// is the other end of the Industry Standard link, and not of VingCard's.
func (se *session) deaf() bool {
	s := se.port.sys
	s.mu.Lock()
	stopped := s.stopped
	s.mu.Unlock()
	if !stopped || se.port.lang.family == VingCard {
		return false
	}
	se.port.record(Note, nil, "the lock software is not running")
	return true
}

// acknowledge sends the control byte as the fault wants it.
func (se *session) acknowledge(f Fault, reply byte) {
	if f.NakThenAck {
		se.transmit([]byte{nak}, f.Corrupt)
	}
	se.transmit([]byte{reply}, f.Corrupt)
	if f.DoubleAck {
		se.transmit([]byte{reply}, f.Corrupt)
	}
}

// frame takes a complete frame: NAK, or a job in a goroutine of its own.
func (se *session) frame(t token) {
	p, lang := se.port, se.port.lang
	st := p.now()
	refuse := !lang.sound(t, p.sys.cfg.StrictLRC)
	fields, ok := lang.open(t.body)
	switch {
	case refuse:
		p.violation("the check of a frame is % X", t.check)
	case !ok:
		// A good check around something else: taken, and a syntax error.
		p.violation("a frame that is no list of fields")
		fields = lang.malformed
	}
	if !refuse && st.busy {
		p.violation("a frame while another command is at work")
	}
	if refuse || st.full || st.busy {
		se.send([]byte{nak})
		return
	}
	if se.deaf() {
		return
	}
	if lang.asks && !se.asked {
		p.violation("a frame before an enquiry was answered ACK")
	}
	strange, policy := lang.unknown(fields[0])
	if strange && policy == UnknownNAK {
		p.violation("no command %q", fields[0])
		se.send([]byte{nak})
		return
	}
	f, refuse := p.sys.draw(fields[0], false)
	if refuse {
		p.record(Note, nil, "fault: NAK")
		se.send([]byte{nak})
		return
	}
	p.note(f)
	p.strike(f, BeforeAck)
	if f.Silent || strange && policy == UnknownIgnored {
		return
	}
	se.asked = false
	p.mu.Lock()
	p.busy = true
	p.mu.Unlock()
	p.sys.spawn(func() { se.job(f, fields) })
}
