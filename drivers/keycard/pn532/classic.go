package pn532

import (
	"bytes"
	"context"
	"errors"
	"slices"
)

// ClassicKey is a key of a MIFARE Classic sector.
type ClassicKey struct {
	B   bool // key B, else key A
	Key [6]byte
}

// factoryKeys are the keys of cards as they are sold: as made, formatted with an
// application directory, formatted for NDEF, zeroed.
var factoryKeys = [...]ClassicKey{
	{Key: [6]byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}},
	{Key: [6]byte{0xD3, 0xF7, 0xD3, 0xF7, 0xD3, 0xF7}},
	{Key: [6]byte{0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5}},
	{Key: [6]byte{}},
}

// bigSectors is the block from which the sectors of a 4K card have 16 blocks.
const bigSectors = 128

func sectorOf(block byte) int {
	if block < bigSectors {
		return int(block) / 4
	}
	return 32 + (int(block)-bigSectors)/16
}

// firstBlock is the first block of a sector.
func firstBlock(sector int) byte {
	if sector < 32 {
		return byte(sector * 4)
	}
	return byte(bigSectors + (sector-32)*16)
}

// isTrailer reports whether a block holds keys and access bits. One wrong value
// there locks its sector for ever.
func isTrailer(block byte) bool {
	return block < bigSectors && block%4 == 3 || block >= bigSectors && block%16 == 15
}

// authenticate opens a sector. A failure lets the card go, so it is selected
// again before the next key. The number's last four bytes count (AN10609, 3.3).
func (c *card) authenticate(ctx context.Context, sector int) error {
	if c.sector == sector {
		return nil
	}
	keys := c.keys
	if key, known := c.found[sector]; known {
		keys = []ClassicKey{key}
	}
	for _, key := range keys {
		command := []byte{cardAuthA, firstBlock(sector)}
		if key.B {
			command[0] = cardAuthB
		}
		uid := c.target.uid
		_, err := c.chip.dataExchange(ctx, c.target, 0, slices.Concat(command, key.Key[:], uid[len(uid)-4:])...)
		if err == nil {
			c.sector, c.found[sector] = sector, key
			return nil
		}
		c.sector = -1
		// Some copies fall silent instead of refusing.
		if !errors.Is(err, statusError(0x14)) && !errors.Is(err, statusError(0x01)) {
			return err
		}
		if err := c.reselect(ctx); err != nil {
			return err
		}
	}
	f := refused(AuthRefused, "%s", hintAuth)
	f.Code = "14"
	return f
}

// access gives the access condition C1 C2 C3 of a group of blocks, 0 to 3, from
// bytes 6 to 8 of a trailer. ok is false unless each bit stands there twice, once
// inverted (MF1S50yyX data sheet, 8.7.1).
func access(trailer []byte, group int) (condition byte, ok bool) {
	b6, b7, b8 := trailer[6], trailer[7], trailer[8]
	if b6 != ^(b8&0x0F<<4|b7>>4) || b7&0x0F != ^b8>>4&0x0F {
		return 0, false
	}
	bit := func(b byte, n int) byte { return b >> n & 1 }
	return bit(b7, 4+group)<<2 | bit(b8, group)<<1 | bit(b8, 4+group), true
}

// group is the place of a block among the four of its sector's access bits.
func group(block byte) int {
	if block < bigSectors {
		return int(block) % 4
	}
	return (int(block) % 16) / 5
}

// readableBy says which of a trailer's keys reads a data block: A, B or none.
func readableBy(trailer []byte, block byte) (key ClassicKey, ok bool) {
	condition, ok := access(trailer, group(block))
	switch {
	case !ok || condition == 0b111:
		return key, false
	case condition == 0b011 || condition == 0b101:
		return ClassicKey{B: true, Key: [6]byte(trailer[10:16])}, true
	}
	return ClassicKey{Key: [6]byte(trailer[:6])}, true
}

// putTrailer writes a trailer, opens its sector with the new key and compares
// what can be read: key A never can. Whether a write that ended in an error
// arrived, the new key tells.
func (c *card) putTrailer(ctx context.Context, block byte, trailer []byte) error {
	sector := sectorOf(block)
	failed := c.write(ctx, block, trailer)
	c.found[sector], c.sector = ClassicKey{Key: [6]byte(trailer[:6])}, -1
	got, err := c.read(ctx, block)
	switch {
	case err != nil && failed != nil:
		return failed
	case err != nil:
		return err
	}
	if !bytes.Equal(got[6:10], trailer[6:10]) {
		return refused(CardDamaged, "the card does not keep what is written to %s: take another", c.model.place(block))
	}
	return nil
}
