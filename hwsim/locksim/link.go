package locksim

import (
	"slices"
	"sync"
	"time"
)

// wire is one connection: a pseudo-terminal, or one TCP connection.
type wire interface {
	// write sends bytes; false when nobody is at the other end.
	write(b []byte) bool
	// misread says whether the agent's line speed is not the port's.
	misread() bool
}

// session is the state of the byte stream of one wire.
type session struct {
	port *Port
	wire wire

	mu   sync.Mutex // the reader of a new terminal may overlap with that of the old
	scan scanner
	last time.Time
}

// feed takes what came in. It returns quickly: work is done elsewhere.
func (se *session) feed(b []byte) {
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
	if se.wire.misread() {
		p.record(Note, nil, "line speeds differ")
		p.record(In, garble(b), "")
		se.send(b[:min(len(b), 8)])
		return
	}
	b = p.corrupt(b, st.in)
	p.record(In, b, "")
	if st.echo || st.loop {
		se.send(b)
	}
	if st.loop || st.down {
		return
	}
	now := p.sys.cfg.Clock.Now()
	if now.Sub(se.last) > p.sys.cfg.FrameGap {
		se.scan.reset()
	}
	se.last = now
	for _, c := range b {
		if t, ok := se.scan.push(c); ok {
			se.take(t)
		}
	}
}

func (se *session) take(t token) {
	switch t.kind {
	case tokENQ:
		se.enquiry()
	case tokFrame:
		se.frame(t)
	case tokNAK:
		p := se.port
		p.mu.Lock()
		again := p.lastOut
		p.mu.Unlock()
		if p.sys.cfg.RepeatOnNak && again != nil {
			se.send(again)
		}
	}
}

// enquiry answers ENQ: ACK when idle, NAK when saturated or at work.
func (se *session) enquiry() {
	p := se.port
	st := p.now()
	reply := byte(ack)
	if st.full || st.busy && !p.sys.cfg.AckWhileBusy {
		reply = nak
	}
	f, refuse := p.sys.draw("", true)
	if refuse {
		reply = nak
		f = Fault{}
	}
	p.note(f)
	if f.Silent || f.DropAck {
		return
	}
	if f.AckDelay > 0 {
		p.sys.spawn(func() {
			if p.sys.sleep(f.AckDelay) {
				se.acknowledge(f, reply)
			}
		})
		return
	}
	se.acknowledge(f, reply)
}

// acknowledge sends the control byte as the fault wants it.
func (se *session) acknowledge(f Fault, reply byte) {
	if f.NakThenAck {
		se.send([]byte{nak})
	}
	se.send([]byte{reply})
	if f.DoubleAck {
		se.send([]byte{reply})
	}
}

// frame takes a complete frame: NAK, or a job in a goroutine of its own.
func (se *session) frame(t token) {
	p := se.port
	good := t.lrc == check(t.body) || t.lrc == anyLRC && !p.sys.cfg.StrictLRC
	fields, ok := open(t.body)
	if !good {
		se.send([]byte{nak})
		return
	}
	if !ok {
		// A good check byte around something else: taken, and a syntax error.
		fields = []string{"", ""}
	}
	st := p.now()
	if st.full || st.busy {
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
	if f.Silent {
		return
	}
	p.mu.Lock()
	p.busy = true
	p.mu.Unlock()
	p.sys.spawn(func() { se.job(f, fields) })
}

// job is one request from its ACK to its result.
func (se *session) job(f Fault, fields []string) {
	p, s := se.port, se.port.sys
	if !s.sleep(s.cfg.AckTime + f.AckDelay) {
		p.release()
		return
	}
	if !f.DropAck && !f.Coalesce {
		se.acknowledge(f, ack)
	}
	p.mu.Lock()
	late := p.late
	p.late = nil
	p.mu.Unlock()
	if late != nil {
		se.send(late)
	}
	a := s.acknowledged(fields)
	if s.cfg.OnAck != nil {
		s.cfg.OnAck(a.Command, a.Room)
	}
	s.pause(a, false)
	if f.Crash == CrashBeforeWork {
		p.crash(f)
		return
	}
	if f.HangUp && f.Crash == NoCrash && p.kind.unplug() == nil {
		s.spawn(func() { p.comeBack(f.DownFor) })
	}
	result := []string{f.Code, at(fields, 1)}
	if f.Code == "" || f.CodeAfterWork {
		done := s.execute(fields)
		if f.Code == "" {
			result = done
		}
	}
	if f.Code != "" && f.Text != "" {
		result = append(result, f.Text)
	}
	s.pause(a, true)
	if f.Crash == CrashAfterWork {
		p.crash(f)
		return
	}
	se.deliver(f, result)
}

// acknowledged names a command for those who wait for it.
func (s *System) acknowledged(fields []string) Ack {
	a := Ack{Command: fields[0], At: s.cfg.Clock.Now()}
	if j, ok := s.parse(fields); ok {
		if len(j.rooms) > 0 {
			a.Room = j.rooms[0]
		}
		if j.needsEncoder() {
			a.Encoder = j.first
		}
	}
	return a
}

func (p *Port) release() {
	p.mu.Lock()
	p.busy = false
	p.mu.Unlock()
	p.sys.mu.Lock()
	p.sys.change()
	p.sys.mu.Unlock()
}

// deliver sends the result as the fault wants it.
func (se *session) deliver(f Fault, fields []string) {
	p, s := se.port, se.port.sys
	sent := slices.Clone(fields)
	if f.OtherCommand != "" {
		sent[0] = f.OtherCommand
	}
	if f.OtherEncoder != "" {
		sent[1] = f.OtherEncoder
	}
	raw := render(sent, shape{noTrailingSep: f.NoTrailingSep, badLRC: f.BadLRC,
		wildcard: f.WildcardLRC || s.cfg.WildcardLRC && !f.BadLRC})
	switch f.Truncate {
	case NoETX:
		raw = raw[:len(raw)-2]
	case NoCheck:
		raw = raw[:len(raw)-1]
	}
	if f.LateIdle || f.DuringNext || f.Drop {
		p.release()
	}
	if f.Drop {
		return
	}
	if f.Late > 0 && !s.sleep(f.Late) {
		p.release()
		return
	}
	p.mu.Lock()
	p.lastOut = render(sent, shape{wildcard: s.cfg.WildcardLRC})
	if f.DuringNext {
		p.late = raw
		p.mu.Unlock()
		return
	}
	p.mu.Unlock()
	if len(f.Spurious) > 0 {
		se.send(f.Spurious)
	}
	if f.Coalesce {
		raw = append([]byte{ack}, raw...)
	}
	if f.Duplicate {
		raw = append(raw, raw...)
	}
	if f.LateIdle {
		se.sendIn(f, raw, func() {})
		return
	}
	se.sendIn(f, raw, p.release)
}
