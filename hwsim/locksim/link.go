package locksim

import "slices"

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
	j, code, wrong := p.lang.read(s, fields)
	if code != "" {
		p.violation("%s ends in %s: %s", fields[0], code, wrong)
	}
	a := Ack{Command: fields[0], Room: at(j.rooms, 0), Encoder: j.encoder, At: s.cfg.Clock.Now()}
	if code != "" {
		a.Room, a.Encoder = "", ""
	}
	if s.cfg.OnAck != nil {
		s.cfg.OnAck(a.Command, a.Room)
	}
	s.pause(a, false)
	if f.Crash == CrashBeforeWork {
		p.crash(f)
		return
	}
	p.strike(f, BehindAck)
	if f.When == InWork {
		j.midway = func() { p.strike(f, InWork) }
	}
	result := []string{f.Code, at(fields, 1)}
	if f.Code == "" || f.CodeAfterWork {
		var done []string
		if code == "" {
			done, code = s.execute(j)
		}
		if f.Code == "" {
			result = p.lang.answer(j, fields, done, code)
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
	p.strike(f, BeforeResult)
	se.deliver(f, result)
}

func (p *Port) release() {
	p.mu.Lock()
	p.busy = false
	p.mu.Unlock()
	p.sys.wake()
}

// deliver sends the result as the fault wants it.
func (se *session) deliver(f Fault, fields []string) {
	p, s := se.port, se.port.sys
	whole := p.lang.render(p.named(f, fields), shape{wildcard: s.cfg.WildcardLRC})
	raw := p.bend(f, fields)
	if f.LateIdle || f.Drop {
		p.release()
	}
	if f.Drop {
		p.strike(f, InResult)
		p.strike(f, BehindResult)
		return
	}
	if f.Late > 0 && !s.sleep(f.Late) {
		p.release()
		return
	}
	p.mu.Lock()
	p.lastOut = whole
	if f.DuringNext {
		p.late = raw
		p.mu.Unlock()
		p.release()
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
	se.sendIn(f, raw, func() {
		if !f.LateIdle {
			p.release()
		}
		se.expectAck(whole)
	})
	if len(f.Trailing) > 0 {
		se.send(f.Trailing)
	}
	p.strike(f, BehindResult)
}

// named is the result with the names that the fault wants in it.
func (p *Port) named(f Fault, fields []string) []string {
	sent := slices.Clone(fields)
	if f.OtherCommand != "" && p.lang.echoes {
		sent[0] = f.OtherCommand
	}
	if f.OtherEncoder != "" {
		sent[1] = f.OtherEncoder
	}
	return sent
}

// bend puts the result into bytes as the fault wants them.
func (p *Port) bend(f Fault, fields []string) []byte {
	raw := p.lang.render(p.named(f, fields), shape{noTrailingSep: f.NoTrailingSep, badLRC: f.BadLRC,
		wildcard: f.WildcardLRC || p.sys.cfg.WildcardLRC && !f.BadLRC})
	checks := p.lang.checks
	switch f.Truncate {
	case NoETX:
		raw = raw[:len(raw)-checks-1]
	case NoCheck:
		raw = raw[:len(raw)-checks]
	case HalfCheck:
		raw = raw[:len(raw)-1]
	}
	return raw
}
