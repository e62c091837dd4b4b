package locksim

// resultSends is how often a result is sent that nobody acknowledges.
const resultSends = 3

// unacked is a result that waits for its ACK.
type unacked struct {
	raw   []byte
	sends int
	done  chan struct{} // closed when the waiting ends
}

// expectAck begins to wait for the ACK of a result, where the link has one.
// Without it the result is sent again.
func (se *session) expectAck(raw []byte) {
	p, s := se.port, se.port.sys
	if !p.lang.acked && !s.cfg.ResultAck {
		return
	}
	u := &unacked{raw: raw, sends: 1, done: make(chan struct{})}
	p.mu.Lock()
	if p.unacked != nil {
		close(p.unacked.done)
	}
	p.unacked = u
	p.mu.Unlock()
	if s.cfg.AckWait < 0 {
		return
	}
	s.spawn(func() {
		for s.await(s.cfg.AckWait, u.done) {
			p.violation("a result was not acknowledged in %v", s.cfg.AckWait)
			if !p.again(u) {
				return
			}
			se.send(u.raw)
		}
	})
}

// again counts one more sending; false when there were enough, and the waiting ends.
func (p *Port) again(u *unacked) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.unacked != u {
		return false
	}
	if u.sends == resultSends {
		close(u.done)
		p.unacked = nil
		return false
	}
	u.sends++
	return true
}

// acknowledged ends the waiting and returns the result that waited, or nil.
func (p *Port) acknowledged() *unacked {
	p.mu.Lock()
	defer p.mu.Unlock()
	u := p.unacked
	if u != nil {
		close(u.done)
		p.unacked = nil
	}
	return u
}

// unanswered ends the waiting because the other end goes on without an ACK.
func (se *session) unanswered() {
	if se.port.acknowledged() != nil {
		se.port.violation("the last result was not acknowledged")
	}
}

// repeat sends the last result again, as the other end asks for with NAK.
func (se *session) repeat() {
	p := se.port
	p.mu.Lock()
	u, last := p.unacked, p.lastOut
	p.mu.Unlock()
	switch {
	case u != nil:
		if p.again(u) {
			se.send(u.raw)
		}
	case p.sys.cfg.RepeatOnNak && last != nil:
		se.send(last)
	default:
		p.violation("a NAK that nobody waits for")
	}
}
