package pn532sim

import (
	"bytes"
	"slices"
	"sync"
)

// Hold stops the next command that fits at one point until it is released.
type Hold struct {
	// Reached delivers the command, from its code on, once it stands at the point.
	Reached <-chan []byte

	chip    *Chip
	match   []byte
	reached chan []byte
	release chan struct{}
	once    sync.Once
	result  bool // after the work instead of before it
}

// HoldAfterAck stops the next command that begins with match (nil for any)
// between its ACK and its work.
func (c *Chip) HoldAfterAck(match []byte) *Hold { return c.hold(match, false) }

// HoldBeforeResponse stops it between its work and its response: the card is
// written, the host does not know yet.
func (c *Chip) HoldBeforeResponse(match []byte) *Hold { return c.hold(match, true) }

func (c *Chip) hold(match []byte, result bool) *Hold {
	h := &Hold{chip: c, match: match, reached: make(chan []byte, 1), release: make(chan struct{}), result: result}
	h.Reached = h.reached
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holds = append(c.holds, h)
	return h
}

// Release lets the command go on, or takes the hold back if none has come yet.
func (h *Hold) Release() {
	h.chip.mu.Lock()
	defer h.chip.mu.Unlock()
	if i := slices.Index(h.chip.holds, h); i >= 0 {
		h.chip.holds = slices.Delete(h.chip.holds, i, i+1)
	}
	h.once.Do(func() { close(h.release) })
}

// pause stands at a hold of that point, if there is one; false when the
// command was ended there.
func (c *Chip) pause(j *job, result bool) bool {
	c.mu.Lock()
	var hold *Hold
	fits := func(h *Hold) bool { return h.result == result && bytes.HasPrefix(j.command(), h.match) }
	if i := slices.IndexFunc(c.holds, fits); i >= 0 {
		hold = c.holds[i]
		c.holds = slices.Delete(c.holds, i, i+1)
	}
	c.mu.Unlock()
	if hold == nil {
		return true
	}
	hold.reached <- bytes.Clone(j.command())
	select {
	case <-hold.release:
		return true
	case <-j.stop:
		return false
	case <-c.done:
		return false
	}
}
