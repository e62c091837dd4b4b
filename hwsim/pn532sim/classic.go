package pn532sim

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"
)

// sectors is the number of sectors of a Classic with so many blocks.
func sectors(blocks int) int {
	if blocks <= 128 {
		return blocks / 4
	}
	return 32 + (blocks-128)/16
}

// sectorOf is the sector of a block: of 4 blocks each, and of 16 from block 128 on.
func sectorOf(block int) int {
	if block < 128 {
		return block / 4
	}
	return 32 + (block-128)/16
}

// trailerOf is the last block of a sector, with its keys and access bits.
func trailerOf(sector int) int {
	if sector < 32 {
		return sector*4 + 3
	}
	return 128 + (sector-32)*16 + 15
}

// authenticate says whether a key opens a sector, and whether the card has
// answered at all (MF1S50YYX data sheet, 9.1).
func (k *Card) authenticate(useB bool, block byte, key, uid []byte, nested bool) (ok, answered bool) {
	own := k.UID()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.state != cardActive || nested != (k.sector >= 0) {
		k.fallBack()
		return false, false
	}
	n := int(block)
	if !k.model.classic() || k.traits.RefuseAuth || n >= k.model.units || !bytes.Equal(uid, own[len(own)-4:]) {
		k.fallBack()
		return false, true
	}
	t := k.trailer(sectorOf(n))
	want := t[0:6]
	if useB {
		want = t[10:16]
	}
	if !bytes.Equal(key, want) {
		k.fallBack()
		return false, true
	}
	k.pending, k.value = 0, nil
	k.sector, k.keyB = sectorOf(n), useB
	return true, true
}

func (k *Card) trailer(sector int) []byte {
	at := 16 * trailerOf(sector)
	return k.mem[at : at+16]
}

// classic takes a command of an active Classic (MF1S50YYX data sheet, 9). The
// caller holds k.mu.
func (k *Card) classic(now time.Time, b []byte, crypto bool) (airFrame, bool) {
	if crypto != (k.sector >= 0) {
		return k.offended() // it hears noise
	}
	if k.pending != 0 {
		return k.classicData(now, b)
	}
	if len(b) != 2 || int(b[1]) >= k.model.units {
		return k.nak(0x04)
	}
	n := int(b[1])
	if k.unlock != 2 && k.sector != sectorOf(n) {
		return k.nak(0x04)
	}
	if k.dead(n) {
		return k.offended()
	}
	switch b[0] {
	case mfRead:
		data, ok := k.readable(n)
		if !ok {
			return k.nak(0x04)
		}
		return airFrame{data: withCRC(data...)}, true
	case mfWrite:
		if !k.writable(n) || slices.Contains(k.traits.Protected, n) {
			return k.nak(0x04)
		}
	case mfIncrement, mfDecrement, mfRestore:
		if _, ok := valueOf(k.mem[16*n : 16*n+16]); !ok || !k.may(n, b[0]) {
			return k.nak(0x04)
		}
	case mfTransfer:
		if k.value == nil || !k.may(n, mfTransfer) || n == 0 {
			return k.nak(0x04)
		}
		return k.keep(now, n, k.value, k.value)
	default:
		return k.nak(0x04)
	}
	k.pending, k.block = b[0], n
	return fourBits(airACK)
}

// classicData takes the second part of a command. The caller holds k.mu.
func (k *Card) classicData(now time.Time, b []byte) (airFrame, bool) {
	code, n := k.pending, k.block
	k.pending = 0
	if code != mfWrite {
		if len(b) != 4 {
			return k.nak(0x04)
		}
		old := k.mem[16*n : 16*n+16]
		v, _ := valueOf(old)
		d := int32(binary.LittleEndian.Uint32(b))
		switch code {
		case mfIncrement:
			v += d
		case mfDecrement:
			v -= d
		}
		k.value = valueBlock(v, old[12])
		return airFrame{}, false // silence is consent
	}
	if len(b) != 16 {
		return k.nak(0x04)
	}
	next := bytes.Clone(b)
	if k.unlock != 2 && n == trailerOf(sectorOf(n)) {
		next = k.trailerAfter(n, b)
	}
	return k.keep(now, n, next, b)
}

// keep stores a block and confirms it. The caller holds k.mu.
func (k *Card) keep(at time.Time, n int, next, wanted []byte) (airFrame, bool) {
	if !k.store(at, n, next, wanted) {
		return airFrame{}, false
	}
	return fourBits(airACK)
}

// valueOf reads a value block: the value three times, once inverted, and an
// address four times, twice inverted (MF1S50YYX data sheet, 8.6.2.1).
func valueOf(b []byte) (int32, bool) {
	v := binary.LittleEndian.Uint32(b)
	ok := v == ^binary.LittleEndian.Uint32(b[4:]) && v == binary.LittleEndian.Uint32(b[8:]) &&
		b[12] == ^b[13] && b[12] == b[14] && b[13] == b[15]
	return int32(v), ok
}

func valueBlock(v int32, addr byte) []byte {
	b := make([]byte, 16)
	binary.LittleEndian.PutUint32(b, uint32(v))
	binary.LittleEndian.PutUint32(b[4:], ^uint32(v))
	binary.LittleEndian.PutUint32(b[8:], uint32(v))
	b[12], b[13], b[14], b[15] = addr, ^addr, addr, ^addr
	return b
}
