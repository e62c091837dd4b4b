package pn532sim

import (
	"bytes"
)

// slot holds what waits to be read on SPI or I2C.
type slot struct {
	chip   *Chip
	label  string
	source byte // its bit of WakeUpEnable

	// The rest is guarded by Chip.mu.
	frames   [][]byte
	noise    noise
	scan     scanner
	mute     int  // transfers that still find the chip busy, whatever waits
	detached bool // the bus is not connected
}

func newSlot(c *Chip, label string, source byte) *slot {
	s := &slot{chip: c, label: label, source: source}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = append(c.waiting, s)
	return s
}

func (s *slot) name() string { return s.label }
func (s *slot) unread() bool { return len(s.frames) > 0 }

// drop implements outlet. The caller holds Chip.mu.
func (s *slot) drop() {
	for _, f := range s.frames {
		s.chip.write(s.label, Lost, f, "not read")
	}
	s.frames = nil
	s.chip.signal()
}

// give implements outlet.
func (s *slot) give(raw []byte) {
	c := s.chip
	c.mu.Lock()
	defer c.mu.Unlock()
	s.frames = append(s.frames, bytes.Clone(raw))
	c.core.sleepNext, c.core.sleepDue = c.core.sleepNext || c.core.sleepDue, false
	c.signal()
	c.change()
}

// ready says whether something may be read now. The caller holds Chip.mu.
func (s *slot) ready() bool {
	if s.mute > 0 {
		s.mute--
		return false
	}
	return len(s.frames) > 0 && !s.chip.stuck && !s.chip.inReset
}

// consume takes n bytes of what waits, filled up with zeros. whole ends the
// frame even when not all of it was read. The caller holds Chip.mu.
func (s *slot) consume(n int, whole bool) []byte {
	c := s.chip
	out := make([]byte, n)
	if len(s.frames) == 0 {
		return out
	}
	got := copy(out, s.frames[0])
	rest := s.frames[0][got:]
	if whole && len(rest) > 0 {
		c.write(s.label, Lost, rest, "not read to its end")
		rest = nil
	}
	c.write(s.label, Out, out[:got], "")
	if len(rest) > 0 {
		s.frames[0] = rest
	} else {
		s.frames = s.frames[1:]
	}
	if len(s.frames) == 0 && c.core.sleepNext {
		c.fallAsleep()
	}
	c.signal()
	return c.flip(out, s.noise.out, s.noise.outMessages)
}

// write takes what the host sends behind the prefix or address.
func (s *slot) write(b []byte) {
	c := s.chip
	c.mu.Lock()
	b = c.flip(b, s.noise.in, s.noise.inMessages)
	c.write(s.label, In, b, "")
	// A transfer holds one whole frame; what it leaves open is never completed.
	s.scan.reset()
	tokens := s.scan.push(b)
	c.mu.Unlock()
	for _, t := range tokens {
		c.take(s, t, 0)
	}
}

// SetCorruption damages one bit of that part of the bytes, 0 to 1, per
// direction, drawn from the seeded generator.
func (s *slot) SetCorruption(in, out float64) {
	s.chip.mu.Lock()
	defer s.chip.mu.Unlock()
	s.noise.in, s.noise.out = in, out
}

// SetDamage damages one bit of that part of the messages, 0 to 1, per direction:
// of what is written, and of what is read at a time.
func (s *slot) SetDamage(in, out float64) {
	s.chip.mu.Lock()
	defer s.chip.mu.Unlock()
	s.noise.inMessages, s.noise.outMessages = in, out
}

// SetDetached takes the chip off the bus, or puts it back: on SPI every byte
// reads FF, on I2C nobody answers to the address.
func (s *slot) SetDetached(on bool) {
	s.chip.mu.Lock()
	defer s.chip.mu.Unlock()
	s.detached = on
}

// NotReady makes the chip look busy for the next n polls, whatever waits.
func (s *slot) NotReady(n int) {
	s.chip.mu.Lock()
	defer s.chip.mu.Unlock()
	s.mute = n
}

// Spurious puts bytes out of nothing where the host finds them.
func (s *slot) Spurious(b []byte) { s.give(b) }
