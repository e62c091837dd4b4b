package pn532sim

import (
	"bytes"
	"slices"
	"time"
)

// limit is how long a card lies there, for who looks at what is done with it.
type limit struct {
	on        bool
	writes    int // so many more before it is taken off; with torn, before the torn one
	torn      int // so many bytes of the write after them get through
	exchanges int // so many more before it is taken off; 0 for no limit
}

func (k *Card) bound(l limit) { k.set(func() { k.limit, k.pulled = l, false }) }

// hear takes a frame from the air. leaves says that the card is taken away now.
func (k *Card) hear(now time.Time, f airFrame, crypto bool) (got airFrame, answered, leaves bool) {
	uid := k.UID()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.state == cardOff {
		return airFrame{}, false, false
	}
	if k.state == cardActive {
		k.spend()
	}
	got, answered = k.answer(now, f, crypto, uid)
	return got, answered, k.pulled
}

// used counts an exchange that did not go through hear; true when the card is
// taken away now.
func (k *Card) used() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.spend()
	return k.pulled
}

// spend counts an exchange. The caller holds k.mu.
func (k *Card) spend() {
	if k.limit.exchanges > 0 {
		k.limit.exchanges--
		k.pulled = k.pulled || k.limit.exchanges == 0
	}
}

// answer is the state machine of ISO/IEC 14443-3, 6.3. The caller holds k.mu.
func (k *Card) answer(now time.Time, f airFrame, crypto bool, uid []byte) (airFrame, bool) {
	if f.bits == 7 && len(f.data) == 1 {
		return k.woken(f.data[0])
	}
	if f.bits != 0 {
		return k.offended()
	}
	if k.unlock == 1 && bytes.Equal(f.data, []byte{0x43}) {
		k.unlock, k.state = 2, cardActive
		return fourBits(airACK)
	}
	switch k.state {
	case cardReady:
		return k.selected(f.data, uid)
	case cardActive:
	default:
		return airFrame{}, false
	}
	body, ok := uncrc(f.data)
	switch {
	case !ok:
		return k.nak(0x01)
	case k.pending == 0 && len(body) == 2 && body[0] == airHLTA && body[1] == 0x00:
		k.forget()
		k.state, k.halted = cardHalted, true
		return airFrame{}, false
	case k.isoDEP():
		if body[0] == airRATS {
			return airFrame{data: withCRC(0x06, 0x75, 0x77, 0x81, 0x02, 0x80)}, true
		}
		return airFrame{}, false
	case k.model.classic():
		return k.classic(now, body, crypto)
	}
	return k.type2(now, body)
}

// woken takes REQA and WUPA, and the first half of a clone's back door.
func (k *Card) woken(b byte) (airFrame, bool) {
	asleep := k.state == cardIdle || k.state == cardHalted && b != airREQA
	switch {
	case b == 0x40 && k.traits.Magic == Gen1a && asleep:
		k.unlock = 1
		return fourBits(airACK)
	case b != airREQA && b != airWUPA || k.state == cardHalted && b == airREQA:
		return airFrame{}, false
	case !asleep:
		return k.offended() // an active card does not expect it
	}
	k.halted = k.state == cardHalted
	k.forget()
	k.state = cardReady
	a := k.atqa()
	return airFrame{data: a[:]}, true
}

// selected takes the anticollision and the selection.
func (k *Card) selected(b, uid []byte) (airFrame, bool) {
	all := levels(uid)
	if len(b) < 2 || k.level >= len(all) || b[0] != selLevel+byte(2*k.level) {
		return k.offended()
	}
	part := all[k.level]
	switch {
	case b[1] == 0x20 && len(b) == 2:
		return airFrame{data: part}, true
	case b[1] == 0x70:
		body, ok := uncrc(b)
		if !ok || !bytes.Equal(body[2:], part) {
			return k.offended()
		}
		k.level++
		if k.level < len(all) {
			return airFrame{data: withCRC(0x04)}, true // the UID is not complete
		}
		k.state = cardActive
		return airFrame{data: withCRC(k.model.sak)}, true
	}
	return k.offended()
}

func (k *Card) offended() (airFrame, bool) {
	k.fallBack()
	return airFrame{}, false
}

// nak refuses a command; the card drops out. The caller holds k.mu.
func (k *Card) nak(code byte) (airFrame, bool) {
	k.fallBack()
	return fourBits(code)
}

func fourBits(b byte) (airFrame, bool) { return airFrame{data: []byte{b}, bits: 4}, true }

func (k *Card) dead(unit int) bool { return slices.Contains(k.traits.Dead, unit) }

// store writes a block or page as far as the card's traits and the person let
// it; false when the card was taken away meanwhile. now is what is to be there,
// wanted what the host has sent. The caller holds k.mu.
func (k *Card) store(at time.Time, unit int, now, wanted []byte) bool {
	size := k.model.unit
	cell := k.mem[unit*size : (unit+1)*size]
	w := Write{At: at, Unit: unit, Old: bytes.Clone(cell), Wanted: bytes.Clone(wanted)}
	switch {
	case k.limit.on && k.limit.writes == 0 && k.limit.torn > 0:
		w.Torn, k.pulled = true, true
		copy(cell, now[:min(k.limit.torn, len(now))])
	case slices.Contains(k.traits.Stale, unit):
		w.Stale = true
	default:
		copy(cell, now)
	}
	if k.limit.on && k.limit.writes > 0 {
		k.limit.writes--
		if k.limit.writes == 0 && k.limit.torn == 0 {
			k.pulled = true
		}
	}
	w.New = bytes.Clone(cell)
	k.writes = append(k.writes, w)
	return !w.Torn
}
