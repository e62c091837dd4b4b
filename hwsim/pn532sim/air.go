package pn532sim

import (
	"bytes"
	"slices"
)

// airFrame is what goes through the air at 106 kbit/s type A, parity left out.
type airFrame struct {
	data []byte
	bits int // of the last byte; 0 for all eight
}

// The first bytes of the air (ISO/IEC 14443-3, 6.4).
const (
	airREQA  = 0x26 // 7 bits
	airWUPA  = 0x52 // 7 bits
	airHLTA  = 0x50
	airACK   = 0x0A // 4 bits
	airRATS  = 0xE0
	cascade  = 0x88 // a longer UID goes on at the next level
	selLevel = 0x93 // 93, 95, 97: the cascade levels
)

// crcA is the CRC of ISO/IEC 14443-3, 6.2.4, as it is sent: low byte first.
func crcA(b []byte) [2]byte {
	crc := uint16(0x6363)
	for _, x := range b {
		x ^= byte(crc)
		x ^= x << 4
		crc = crc>>8 ^ uint16(x)<<8 ^ uint16(x)<<3 ^ uint16(x)>>4
	}
	return [2]byte{byte(crc), byte(crc >> 8)}
}

func withCRC(b ...byte) []byte {
	crc := crcA(b)
	return append(bytes.Clone(b), crc[0], crc[1])
}

// uncrc checks and removes the CRC.
func uncrc(b []byte) ([]byte, bool) {
	if len(b) < 3 {
		return nil, false
	}
	body := b[:len(b)-2]
	crc := crcA(body)
	return body, crc[0] == b[len(b)-2] && crc[1] == b[len(b)-1]
}

// empower turns the field on. The caller holds c.mu.
func (c *Chip) empower() {
	if !c.core.fieldOn {
		c.core.fieldOn = true
		c.write("", Note, nil, "field on")
		for _, card := range c.field {
			card.power()
		}
	}
}

// transmit sends a frame to all cards and returns what comes back: nothing, one
// answer, or several that lie on top of each other. The caller holds c.mu.
func (c *Chip) transmit(f airFrame) (answers []airFrame) {
	if !c.core.fieldOn {
		return nil
	}
	now := c.cfg.Clock.Now()
	c.write("air", Air, f.data, "")
	for _, card := range slices.Clone(c.field) {
		if c.overstayed(card, now) {
			continue
		}
		got, answered, leaves := card.hear(now, f, c.core.crypto)
		if answered {
			c.write("air", Air, got.data, "from "+card.String())
			answers = append(answers, got)
		}
		if leaves {
			c.goes(card)
		}
	}
	return answers
}

// short sends a frame of seven bits, without CRC.
func (c *Chip) short(b byte) []airFrame {
	return c.transmit(airFrame{data: []byte{b}, bits: 7})
}

// pickUp finds one card with an anticollision and makes it active: the first of
// those that lie there, or the one of that UID. The caller holds c.mu.
func (c *Chip) pickUp(request byte, uid []byte) (card *Card, atqa [2]byte, found bool) {
	answers := c.short(request)
	if len(answers) == 0 {
		return nil, atqa, false
	}
	for _, a := range answers {
		atqa[0] |= a.data[0]
		atqa[1] |= a.data[1]
	}
	// The bits of the anticollision are not played through: they end with one of
	// the cards that have answered.
	for _, k := range c.field {
		if k.waits() && (uid == nil || bytes.Equal(k.UID(), uid)) {
			card = k
			break
		}
	}
	if uid == nil && card != nil {
		uid = card.UID()
	}
	for i, part := range levels(uid) {
		sel := append([]byte{selLevel + byte(2*i), 0x70}, part...)
		if len(c.transmit(airFrame{data: withCRC(sel...)})) == 0 {
			return nil, atqa, false
		}
	}
	return card, atqa, card != nil
}

// levels cuts a UID into what each cascade level selects, with its check byte.
func levels(uid []byte) (out [][]byte) {
	for len(uid) > 0 {
		var part []byte
		if len(uid) > 4 {
			part, uid = append([]byte{cascade}, uid[:3]...), uid[3:]
		} else {
			part, uid = bytes.Clone(uid), nil
		}
		var bcc byte
		for _, b := range part {
			bcc ^= b
		}
		out = append(out, append(part, bcc))
	}
	return out
}

// inField says whether a card lies in front of the antenna. The caller holds c.mu.
func (c *Chip) inField(card *Card) bool { return slices.Contains(c.field, card) }

// activeTarget is the target that is selected, or nil. The caller holds c.mu.
func (c *Chip) activeTarget() *target {
	if c.core.active < 0 {
		return nil
	}
	return c.core.tg[c.core.active]
}

// deactivate makes the active card drop out, as after an error. The caller holds c.mu.
func (c *Chip) deactivate() {
	if t := c.activeTarget(); t != nil {
		t.card.dropOut()
	}
	c.cryptoOff()
}

// cryptoOff ends the encrypted talk. The caller holds c.mu.
func (c *Chip) cryptoOff() {
	c.core.crypto = false
	c.setBits(regStatus2, cryptoOn, 0)
}
