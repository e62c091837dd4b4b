package pn532sim

import (
	"bytes"
	"slices"
	"time"
)

// The commands of Ultralight and NTAG (NTAG213/215/216 data sheet, 10).
const (
	t2Version  = 0x60
	t2FastRead = 0x3A
	t2Password = 0x1B
	t2ReadSig  = 0x3C
)

// type2 takes a command of an active Ultralight or NTAG. The caller holds k.mu.
func (k *Card) type2(now time.Time, b []byte) (airFrame, bool) {
	if k.pending == mfWrite {
		k.pending = 0
		if len(b) != 16 {
			return k.nak(0x00)
		}
		return k.writePage(now, k.block, b[:4])
	}
	m := k.model
	switch {
	case b[0] == mfRead && len(b) == 2:
		return k.readPages(int(b[1]))
	case b[0] == mfWritePage && len(b) == 6:
		return k.writePage(now, int(b[1]), b[2:])
	case b[0] == mfWrite && len(b) == 2 && int(b[1]) < m.units:
		k.pending, k.block = mfWrite, int(b[1])
		return fourBits(airACK)
	case m.version == nil:
		return k.offended() // an Ultralight of the first kind knows no more
	case b[0] == t2Version && len(b) == 1:
		return airFrame{data: withCRC(m.version...)}, true
	case b[0] == t2FastRead && len(b) == 3:
		return k.fastRead(int(b[1]), int(b[2]))
	case b[0] == t2Password && len(b) == 5:
		return k.password(b[1:])
	case b[0] == t2ReadSig && len(b) == 2:
		return airFrame{data: withCRC(make([]byte, 32)...)}, true
	}
	return k.nak(0x00)
}

// page is what a read gives of a page: password and its answer are never read.
func (k *Card) page(n int) []byte {
	if c := k.model.config; c != 0 && (n == c+2 || n == c+3) {
		return make([]byte, 4)
	}
	return k.mem[4*n : 4*n+4]
}

// ends is the first page that a read cannot reach: all are there, or those
// before AUTH0 while the password is not given and protects reading.
func (k *Card) ends() int {
	m := k.model
	if m.config != 0 && !k.known && k.mem[4*m.config+4]&0x80 != 0 {
		return min(m.units, int(k.mem[4*m.config+3]))
	}
	return m.units
}

// readPages reads four pages, from the start again behind the last.
func (k *Card) readPages(first int) (airFrame, bool) {
	end := k.ends()
	if first >= end {
		return k.nak(0x00)
	}
	var out []byte
	for i := range 4 {
		n := (first + i) % end
		if k.dead(n) {
			return k.offended()
		}
		out = append(out, k.page(n)...)
	}
	return airFrame{data: withCRC(out...)}, true
}

func (k *Card) fastRead(first, last int) (airFrame, bool) {
	if first > last || last >= k.ends() {
		return k.nak(0x00)
	}
	var out []byte
	for n := first; n <= last; n++ {
		if k.dead(n) {
			return k.offended()
		}
		out = append(out, k.page(n)...)
	}
	return airFrame{data: withCRC(out...)}, true
}

// password compares PWD and answers PACK. After AUTHLIM wrong ones, none is
// right any more.
func (k *Card) password(pwd []byte) (airFrame, bool) {
	config := k.mem[4*k.model.config:]
	most := int(config[4] & 0x07)
	if most > 0 && k.misses >= most {
		return k.nak(0x04)
	}
	if !bytes.Equal(pwd, config[8:12]) {
		k.misses++
		return k.nak(0x00)
	}
	k.known, k.misses = true, 0
	return airFrame{data: withCRC(config[12], config[13])}, true
}

// writePage writes four bytes as far as the locks allow.
func (k *Card) writePage(now time.Time, n int, b []byte) (airFrame, bool) {
	m := k.model
	if n >= m.units || n < 2 && k.traits.Magic == Genuine || k.locked(n) || slices.Contains(k.traits.Protected, n) {
		return k.nak(0x00)
	}
	if m.config != 0 && !k.known && n >= int(k.mem[4*m.config+3]) {
		return k.nak(0x00)
	}
	if k.dead(n) {
		return k.offended()
	}
	old := k.mem[4*n : 4*n+4]
	next := bytes.Clone(b)
	switch {
	case n == 2 && k.traits.Magic == Genuine:
		next = []byte{old[0], old[1], old[2] | b[2]&^k.frozen(old[2], 0), old[3] | b[3]&^k.frozen(old[2], 1)}
	case n == 3 && k.traits.Magic == Genuine:
		for i := range next {
			next[i] = old[i] | b[i] // one-way
		}
	case n == m.dynamic && m.dynamic != 0:
		next = k.dynamicAfter(old, b)
	case m.config != 0 && (n == m.config || n == m.config+1) && k.mem[4*m.config+4]&0x40 != 0:
		return k.nak(0x00) // the configuration is locked
	}
	if !k.store(now, n, next, b) {
		return airFrame{}, false
	}
	return fourBits(airACK)
}

// frozen are the bits of a static lock byte that its block-locking bits hold:
// bit 0 for page 3, bit 1 for pages 4 to 9, bit 2 for pages 10 to 15
// (NTAG213/215/216 data sheet, 8.5.2).
func (k *Card) frozen(lock0 byte, which int) (bits byte) {
	for i, held := range [3][2]byte{{0x08, 0x00}, {0xF0, 0x03}, {0x00, 0xFC}} {
		if lock0>>i&1 != 0 {
			bits |= held[which]
		}
	}
	return bits
}

// dynamicAfter is what the dynamic lock bytes become: bits only ever set, and
// not those that a bit of the third byte holds, two each (8.5.3).
func (k *Card) dynamicAfter(old, b []byte) []byte {
	held := uint16(0)
	for i := range 8 {
		if old[2]>>i&1 != 0 {
			held |= 3 << (2 * i)
		}
	}
	return []byte{old[0] | b[0]&^byte(held), old[1] | b[1]&^byte(held>>8), old[2] | b[2], old[3]}
}

// locked says whether lock bits forbid to write a page. The caller holds k.mu.
func (k *Card) locked(n int) bool {
	m := k.model
	static := uint16(k.mem[10]) | uint16(k.mem[11])<<8
	switch {
	case n < 3:
		return false
	case n < 16:
		return static>>n&1 != 0
	case m.dynamic == 0 || n >= m.dynamic:
		return false
	}
	d := k.mem[4*m.dynamic:]
	bits := uint16(d[0]) | uint16(d[1])<<8
	return bits>>((n-16)/m.grain)&1 != 0
}
