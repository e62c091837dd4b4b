package pn532

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// model is a type of card that can be written.
type model struct {
	name string
	// unit is how many bytes one write takes: a page of 4 or a block of 16.
	unit int
	// first and last are the pages or blocks free to use, trailers left out.
	first, last byte
	classic     bool
	// size is what byte 2 of the capability container says, 0 if there is none.
	size byte
	// lock is the page of the dynamic lock bytes, config that of AUTH0; 0 if there is none.
	lock, config byte
}

var (
	classic1K  = model{name: "MIFARE Classic 1K", unit: 16, first: 4, last: 62, classic: true}
	classic4K  = model{name: "MIFARE Classic 4K", unit: 16, first: 4, last: 254, classic: true}
	ultralight = model{name: "MIFARE Ultralight", unit: 4, first: 4, last: 15, size: 0x06}
)

// storages are the cards that answer GET_VERSION, by product type and storage
// size (NTAG213/215/216 data sheet, 10.1; MF0ULx1 data sheet, 10.1).
var storages = map[[2]byte]model{
	{0x03, 0x0B}: {name: "MIFARE Ultralight EV1, 48 bytes", unit: 4, first: 4, last: 15, size: 0x06, config: 0x10},
	{0x03, 0x0E}: {name: "MIFARE Ultralight EV1, 128 bytes", unit: 4, first: 4, last: 35, size: 0x10, lock: 0x24, config: 0x25},
	{0x04, 0x0F}: {name: "NTAG213", unit: 4, first: 4, last: 39, size: 0x12, lock: 0x28, config: 0x29},
	{0x04, 0x11}: {name: "NTAG215", unit: 4, first: 4, last: 129, size: 0x3E, lock: 0x82, config: 0x83},
	{0x04, 0x13}: {name: "NTAG216", unit: 4, first: 4, last: 225, size: 0x6D, lock: 0xE2, config: 0xE3},
}

// addresses are the pages or blocks free to use, in the order of the bytes they hold.
func (m model) addresses() []byte {
	var all []byte
	for a := int(m.first); a <= int(m.last); a++ {
		if !m.classic || !isTrailer(byte(a)) {
			all = append(all, byte(a))
		}
	}
	return all
}

// capacity is how many bytes are free to use.
func (m model) capacity() int { return len(m.addresses()) * m.unit }

// place names a page or block for people.
func (m model) place(addr byte) string {
	if m.classic {
		return fmt.Sprintf("block %d (sector %d)", addr, sectorOf(addr))
	}
	return fmt.Sprintf("page %d", addr)
}

const vendorNXP = 0x04

// identify finds out what card lies in the field. Makers use the same SAK for
// different cards, so the small ones are asked for their version as well.
func identify(ctx context.Context, c *card) error {
	switch sak := c.target.sak; {
	case sak == 0x08 || sak == 0x88:
		c.model = classic1K
	case sak == 0x18:
		c.model = classic4K
	case sak == 0x00:
		return c.version(ctx)
	case sak&0x20 != 0:
		return refused(CardWrongType, "this is a DESFire or another card with a system of its own (SAK %02X): take an NTAG213 or a MIFARE Classic 1K", sak)
	default:
		return refused(CardWrongType, "cards of this type (SAK %02X) cannot be written: take an NTAG213 or a MIFARE Classic 1K", sak)
	}
	if len(c.target.uid) == 4 && c.target.uid[0] == 0x08 {
		return refused(CardWrongType, "the card shows another number each time (a phone, or a card with random UID): take a plain card")
	}
	return nil
}

// version asks a card with SAK 00 what it is. The oldest ones do not know the
// question and fall silent.
func (c *card) version(ctx context.Context) error {
	v, err := c.chip.communicateThru(ctx, 8, 0x60)
	if _, isStatus := errors.AsType[statusError](err); isStatus || err == nil && len(v) < 8 {
		c.model = ultralight
		return c.reselect(ctx)
	}
	if err != nil {
		return err
	}
	m, known := storages[[2]byte{v[2], v[6]}]
	if !known {
		return refused(CardWrongType, "cards of this type (version % X) cannot be written: take an NTAG213 or a MIFARE Classic 1K", v)
	}
	c.model = m
	if v[1] != vendorNXP {
		c.hint("the chip is a copy by another maker (vendor %02X)", v[1])
	}
	return nil
}

// genuine notes what tells a copy with a changed number from a card as it left
// its maker: the number is also in its memory, with check bytes.
func (c *card) genuine(first []byte) {
	uid := c.target.uid
	switch {
	case c.model.classic && len(uid) == 4:
		if !bytes.Equal(first[:4], uid) || first[4] != uid[0]^uid[1]^uid[2]^uid[3] {
			c.hint("its first block does not agree with its number: a clone")
		}
	case !c.model.classic && len(uid) == 7:
		stored := append(bytes.Clone(first[:3]), first[4:8]...)
		checks := first[3] == 0x88^uid[0]^uid[1]^uid[2] && first[8] == uid[3]^uid[4]^uid[5]^uid[6]
		if !bytes.Equal(stored, uid) || !checks {
			c.hint("its first pages do not agree with its number: a clone")
		} else if uid[0] != vendorNXP {
			c.hint("its number is not of NXP: a copy by another maker")
		}
	}
}

func (c *card) hint(format string, args ...any) {
	c.hints = append(c.hints, fmt.Sprintf(format, args...))
}
