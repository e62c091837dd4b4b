package pn532sim

import (
	"bytes"
	"time"
)

// respond gives the response out as the fault wants it.
func (c *Chip) respond(j *job, answer reply) {
	f := j.fault
	raw, whole := c.shaped(f, answer)
	if f.LateIdle || f.DuringNext || f.Drop {
		if !c.settle(j, whole, answer.sleep) {
			return
		}
	}
	if f.Late > 0 && !c.sleep(f.Late, j.stop) {
		return
	}
	switch {
	case f.Drop:
		return
	case f.DuringNext:
		c.mu.Lock()
		c.core.late = raw
		c.mu.Unlock()
		return
	}
	if len(f.Spurious) > 0 {
		j.out.give(f.Spurious)
	}
	if f.Coalesce {
		raw = append(ackFrame(), raw...)
	}
	// The chip is idle before the last byte is out: who has read it may go on at once.
	if !f.LateIdle && !c.settle(j, whole, answer.sleep) {
		return
	}
	c.pieces(j, raw)
	if f.Dup {
		j.out.give(raw)
	}
	if f.AckLast {
		j.out.give(ackFrame())
	}
}

// settle ends a job; false when it had been ended before.
func (c *Chip) settle(j *job, whole []byte, sleep bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.core.job != j {
		return false
	}
	c.core.job, c.core.last = nil, whole
	switch _, holds := j.out.(*slot); {
	case !sleep:
	case holds:
		c.core.sleepDue = true // once it has been read
	default:
		c.fallAsleep()
	}
	c.change()
	return true
}

// shaped is the response as it goes out, and as it should have been.
func (c *Chip) shaped(f Fault, answer reply) (raw, whole []byte) {
	c.mu.Lock()
	bare := c.core.parameters&paramBare != 0
	c.mu.Unlock()
	if answer.syntax {
		return errorFrame(), errorFrame()
	}
	whole = render(answer.data, shape{bare: bare})
	sh := shape{badLCS: f.BadLCS, badDCS: f.BadDCS, extended: f.Extended, preamble: f.Preamble, bare: bare}
	if f.WrongTFI {
		sh.tfi = tfiHost
	}
	data := bytes.Clone(answer.data)
	if f.OtherCommand != 0 && len(data) > 0 {
		data[0] = f.OtherCommand
	}
	raw = render(data, sh)
	if f.Corrupt > 0 && f.Corrupt <= len(raw) {
		mask := f.Mask
		if mask == 0 {
			mask = 0x01
		}
		raw[f.Corrupt-1] ^= mask
	}
	if f.Cut > 0 && f.Cut < len(raw) {
		raw = raw[:f.Cut]
	}
	return raw, whole
}

// pieces gives a response out in the pieces that the fault wants.
func (c *Chip) pieces(j *job, raw []byte) {
	f := j.fault
	step, pause := len(raw), f.SplitPause
	if pause == 0 {
		pause = 5 * time.Millisecond
	}
	switch {
	case f.Dribble > 0:
		step, pause = 1, f.Dribble
	case f.SplitAt > 0:
		step = f.SplitAt
	}
	for len(raw) > step {
		j.out.give(raw[:step])
		raw = raw[step:]
		if f.Dribble == 0 {
			step = len(raw)
		}
		if !c.sleep(pause, nil) {
			return
		}
	}
	j.out.give(raw)
}
