package pn532sim

import (
	"bytes"
	"time"
)

// outlet is one host on one bus.
type outlet interface {
	name() string
	// give puts a frame where the host finds it.
	give(raw []byte)
	// unread says whether frames wait to be read; drop forgets them. The caller
	// of both holds Chip.mu.
	unread() bool
	drop()
}

// job is one command from its frame to its response.
type job struct {
	out   outlet
	data  []byte // from TFI on
	fault Fault
	pace  time.Duration // what the frame needs to come in at the line's speed
	stop  chan struct{} // closed when the host or a reset ends it
	acked bool
}

// command is the bytes from the command code on.
func (j *job) command() []byte { return j.data[min(1, len(j.data)):] }

// spawn runs f until the chip is closed. The caller holds c.mu.
func (c *Chip) spawn(f func()) {
	if !c.closed {
		c.wg.Go(f)
	}
}

// take is what the chip does with a frame of the host. It returns quickly.
func (c *Chip) take(out outlet, t token, pace time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.change()
	if c.stuck || c.inReset || c.power != awake { // since it heard the frame
		return
	}
	switch t.kind {
	case tokBadLCS:
		c.blame(out.name(), RuleChecksum, "LCS")
	case tokBadDCS:
		c.blame(out.name(), RuleChecksum, "DCS")
	case tokLong:
		c.blame(out.name(), RuleLength, "more than %d bytes, or none", maxData)
	case tokACK:
		c.confirm(out)
	case tokNACK:
		c.repeat(out)
	case tokFrame:
		c.begin(out, t.data, pace)
	}
}

// confirm takes an ACK of the host: it ends the command that runs, without a
// response (UM0701-02, 6.2.1.3), or has no meaning. The caller holds c.mu.
func (c *Chip) confirm(out outlet) {
	if c.core.job != nil {
		c.write(out.name(), Note, nil, "aborted by the host")
		c.halt()
	}
	out.drop()
	if c.core.baudNext != 0 {
		c.core.baud, c.core.baudNext = c.core.baudNext, 0
	}
}

// repeat takes a NACK: the last response once more. The caller holds c.mu.
func (c *Chip) repeat(out outlet) {
	if c.core.job != nil || c.core.last == nil {
		return
	}
	out.drop()
	raw := c.core.last
	c.spawn(func() { out.give(raw) })
}

// halt ends the command that runs. The caller holds c.mu.
func (c *Chip) halt() {
	if j := c.core.job; j != nil {
		close(j.stop)
		c.core.job = nil
	}
}

// begin takes a command frame. The caller holds c.mu.
func (c *Chip) begin(out outlet, data []byte, pace time.Duration) {
	j := &job{out: out, data: data, pace: pace, stop: make(chan struct{})}
	if before := c.core.job; before != nil {
		rule := RuleBusy
		if !before.acked {
			rule = RuleEarly
		}
		c.blame(out.name(), rule, "% X while % X is at work", j.command(), before.command())
		c.halt()
	}
	if out.unread() {
		c.blame(out.name(), RuleUnread, "% X", j.command())
		out.drop()
	}
	if j.data[0] != tfiHost {
		c.blame(out.name(), RuleDirection, "%02X", j.data[0])
	}
	j.fault = c.draw(j.command())
	if text := j.fault.String(); text != "" {
		c.write(out.name(), Note, nil, "fault: "+text)
	}
	if j.fault.Silent {
		return
	}
	c.requests++
	c.core.job = j
	c.spawn(func() { c.run(j) })
}

// run is a command's life in a goroutine of its own.
func (c *Chip) run(j *job) {
	f := j.fault
	if !c.sleep(c.cfg.AckTime+f.AckDelay+j.pace, j.stop) || !c.acknowledge(j) {
		return
	}
	if c.cfg.OnAck != nil {
		c.cfg.OnAck(bytes.Clone(j.command()))
	}
	if !c.pause(j, false) {
		return
	}
	if f.HangUp {
		if p, ok := j.out.(interface{ hangUp(time.Duration) }); ok {
			p.hangUp(f.DownFor)
		}
	}
	if c.accident(f.Reset, f.Stuck, BeforeWork) {
		return
	}
	answer := c.execute(j)
	if !c.pause(j, true) || c.accident(f.Reset, f.Stuck, AfterWork) || answer.none {
		return
	}
	c.respond(j, answer)
}

// accident restarts or freezes the chip if it is time; true when it did.
func (c *Chip) accident(reset, stuck, now Moment) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch now {
	case stuck:
		c.freeze()
	case reset:
		c.restart("reset by itself")
	default:
		return false
	}
	return true
}

// acknowledge gives the ACK out as the fault wants it; false when the command
// was ended meanwhile.
func (c *Chip) acknowledge(j *job) bool {
	f := j.fault
	c.mu.Lock()
	if c.core.job != j {
		c.mu.Unlock()
		return false
	}
	j.acked = true
	late := c.core.late
	c.core.late = nil
	c.mu.Unlock()
	if len(f.Before) > 0 {
		j.out.give(f.Before)
	}
	if !f.DropAck && !f.AckLast && !f.Coalesce {
		ack := ackFrame()
		if f.BadAck {
			ack[4] ^= 0x10
		}
		j.out.give(ack)
		if f.TwoAcks {
			j.out.give(ackFrame())
		}
	}
	if late != nil {
		j.out.give(late)
	}
	return true
}
