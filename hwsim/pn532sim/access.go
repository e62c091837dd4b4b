package pn532sim

import "bytes"

// who may do something with a block: nobody, who knows key A, key B, or either.
type who byte

const (
	nobody who = 0
	withA  who = 1
	withB  who = 2
	either     = withA | withB
)

// dataAccess are the conditions of a data block by C1 C2 C3: read, write,
// increment, and decrement with transfer and restore (MF1S50YYX data sheet, table 8).
var dataAccess = [8]struct{ read, write, inc, dec who }{
	0b000: {either, either, either, either},
	0b010: {either, nobody, nobody, nobody},
	0b100: {either, withB, nobody, nobody},
	0b110: {either, withB, withB, either},
	0b001: {either, nobody, nobody, either},
	0b011: {withB, withB, nobody, nobody},
	0b101: {withB, nobody, nobody, nobody},
	0b111: {nobody, nobody, nobody, nobody},
}

// trailerAccess are the conditions of a sector trailer by C1 C2 C3: write key
// A, read and write the access bits, read and write key B (table 7). Key A is
// never read.
var trailerAccess = [8]struct{ writeA, readBits, writeBits, readB, writeB who }{
	0b000: {withA, withA, nobody, withA, withA},
	0b010: {nobody, withA, nobody, withA, nobody},
	0b100: {withB, either, nobody, nobody, withB},
	0b110: {nobody, either, nobody, nobody, nobody},
	0b001: {withA, withA, withA, withA, withA},
	0b011: {withB, either, withB, nobody, withB},
	0b101: {nobody, either, withB, nobody, nobody},
	0b111: {nobody, either, nobody, nobody, nobody},
}

// condition is C1 C2 C3 of a group of a sector: 0 to 2 are data, 3 is the
// trailer. ok is false when the access bits contradict themselves: such a
// sector is lost for good.
func condition(trailer []byte, group int) (c int, ok bool) {
	b6, b7, b8 := trailer[6], trailer[7], trailer[8]
	c1, c2, c3 := b7>>4, b8&0x0F, b8>>4
	ok = b6&0x0F == ^c1&0x0F && b6>>4 == ^c2&0x0F && b7&0x0F == ^c3&0x0F
	bit := func(v byte) int { return int(v >> group & 1) }
	return bit(c1)<<2 | bit(c2)<<1 | bit(c3), ok
}

// groupOf is a block's group in the access bits of its sector.
func groupOf(block int) int {
	if block < 128 {
		return block % 4
	}
	return block % 16 / 5
}

// rights is the condition of a block and who has authenticated: nobody where
// key B can be read, since it is no key then. The caller holds k.mu.
func (k *Card) rights(block int) (c int, me who, ok bool) {
	t := k.trailer(sectorOf(block))
	c, ok = condition(t, groupOf(block))
	me = withA
	if k.keyB {
		me = withB
		if tc, _ := condition(t, 3); trailerAccess[tc].readB != nobody {
			me = nobody
		}
	}
	return c, me, ok
}

// may says whether a value command is allowed. The caller holds k.mu.
func (k *Card) may(block int, code byte) bool {
	if k.unlock == 2 {
		return true
	}
	if block == trailerOf(sectorOf(block)) {
		return false
	}
	c, me, ok := k.rights(block)
	allowed := dataAccess[c].dec
	if code == mfIncrement {
		allowed = dataAccess[c].inc
	}
	return ok && allowed&me != 0
}

// readable is what a read of a block gives. The caller holds k.mu.
func (k *Card) readable(block int) ([]byte, bool) {
	data := bytes.Clone(k.mem[16*block : 16*block+16])
	if k.unlock == 2 {
		return data, true
	}
	c, me, ok := k.rights(block)
	if !ok {
		return nil, false
	}
	if block != trailerOf(sectorOf(block)) {
		return data, dataAccess[c].read&me != 0
	}
	a := trailerAccess[c]
	if a.readBits&me == 0 {
		return nil, false
	}
	clear(data[:6])
	if a.readB&me == 0 {
		clear(data[10:])
	}
	return data, true
}

// writable says whether a write of a block has any effect. The caller holds k.mu.
func (k *Card) writable(block int) bool {
	if k.unlock == 2 {
		return true
	}
	if block == 0 && k.traits.Magic != Gen2 {
		return false
	}
	c, me, ok := k.rights(block)
	if !ok {
		return false
	}
	if block != trailerOf(sectorOf(block)) {
		return dataAccess[c].write&me != 0
	}
	a := trailerAccess[c]
	return (a.writeA|a.writeBits|a.writeB)&me != 0
}

// trailerAfter is what a trailer becomes: each part only if it may be written.
// The caller holds k.mu.
func (k *Card) trailerAfter(block int, b []byte) []byte {
	next := bytes.Clone(k.mem[16*block : 16*block+16])
	c, me, _ := k.rights(block)
	a := trailerAccess[c]
	if a.writeA&me != 0 {
		copy(next[:6], b[:6])
	}
	if a.writeBits&me != 0 {
		copy(next[6:10], b[6:10])
	}
	if a.writeB&me != 0 {
		copy(next[10:], b[10:])
	}
	return next
}
