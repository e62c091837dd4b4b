package pn532

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Block is one block of a card image.
type Block struct {
	// Kind is the lock system's own word for the block, kept as it came.
	Kind   string
	Sector int
	Block  int // within the sector
	Data   [16]byte
}

// Image is what a lock system wants a MIFARE Classic to hold. The block that
// makes the card valid is the last one that is no trailer: it is written after
// all other data, the trailers after it.
type Image []Block

// ParseImage reads the fields that a lock system answers to CNB and CCB: kind,
// sector, block and 16 bytes in hexadecimal, again and again.
func ParseImage(fields []string) (Image, error) {
	if len(fields) == 0 || len(fields)%4 != 0 {
		return nil, fmt.Errorf("card image of %d fields: each block has four", len(fields))
	}
	var image Image
	for i := 0; i < len(fields); i += 4 {
		b := Block{Kind: fields[i]}
		var errSector, errBlock error
		b.Sector, errSector = strconv.Atoi(fields[i+1])
		b.Block, errBlock = strconv.Atoi(fields[i+2])
		data, err := hex.DecodeString(strings.TrimSpace(fields[i+3]))
		if errSector != nil || errBlock != nil || err != nil || len(data) != len(b.Data) {
			return nil, fmt.Errorf("card image: block %d cannot be read", i/4+1)
		}
		copy(b.Data[:], data)
		image = append(image, b)
	}
	return image, nil
}

// address is a block's number on the card.
func (b Block) address() byte { return firstBlock(b.Sector) + byte(b.Block) }

// problem says what keeps an image from being written to a card, or "".
func (image Image) problem(m model) string {
	if !m.classic {
		return "the lock system's card image is for a MIFARE Classic: take such a card"
	}
	if len(image) == 0 {
		return "the lock system's card image is empty"
	}
	seen, data := map[byte]bool{}, 0
	for _, b := range image {
		sectors, blocks := sectorOf(m.last)+1, 4
		if b.Sector >= 32 {
			blocks = 16
		}
		name := fmt.Sprintf("block %d of sector %d", b.Block, b.Sector)
		switch {
		case b.Sector < 0 || b.Sector >= sectors || b.Block < 0 || b.Block >= blocks:
			return "the card has no " + name + ": the lock system wants a larger card"
		case b.address() == 0:
			return "the card image holds block 0, which the maker of the card wrote: check the lock system's card type"
		case seen[b.address()]:
			return "the card image holds " + name + " twice"
		}
		seen[b.address()] = true
		if !isTrailer(b.address()) {
			data++
		} else if _, ok := access(b.Data[:], 3); !ok {
			return name + " has access bits that would lock its sector for ever: ask the lock system's support"
		}
	}
	if data == 0 {
		return "the card image holds no data"
	}
	return ""
}

// split gives the data blocks and the trailers in the order they are written.
func (image Image) split() (data, trailers []Block) {
	for _, b := range image {
		if isTrailer(b.address()) {
			trailers = append(trailers, b)
		} else {
			data = append(data, b)
		}
	}
	return data, trailers
}

// vacant reports whether all data blocks that the image would overwrite are
// zero. Where they already hold the image, nothing is lost either.
func (c *card) vacant(ctx context.Context, image Image) (bool, error) {
	data, _ := image.split()
	var zero [16]byte
	for _, b := range data {
		got, err := c.read(ctx, b.address())
		if err != nil {
			return false, err
		}
		if !bytes.Equal(got, zero[:]) && !bytes.Equal(got, b.Data[:]) {
			return false, nil
		}
	}
	return true, nil
}

// apply writes an image: the block that carries validity zeroed first, the other
// data, that block, the trailers; each read back, and all once more at the end.
func (c *card) apply(ctx context.Context, image Image) error {
	data, trailers := image.split()
	last, void := data[len(data)-1], make([]byte, readSize)
	if err := c.put(ctx, last.address(), void); err != nil {
		return doubtful(err)
	}
	for _, b := range data[:len(data)-1] {
		if err := c.put(ctx, b.address(), b.Data[:]); err != nil {
			return spoilt(err)
		}
	}
	if err := c.put(ctx, last.address(), last.Data[:]); err != nil {
		if err := c.settle(ctx, last.address(), last.Data[:], void, err); err != nil {
			return err
		}
	}
	for _, b := range trailers {
		if err := c.putTrailer(ctx, b.address(), b.Data[:]); err != nil {
			return uncertain(err)
		}
	}
	return c.compare(ctx, data, trailers)
}

// compare reads the data of an image again after the card has lost its power, as
// far as the new trailers let anybody read it.
func (c *card) compare(ctx context.Context, data, trailers []Block) error {
	if err := c.mend(ctx, fieldReset); err != nil {
		return uncertain(err)
	}
	for _, b := range data {
		readable := true // if not, it was read back before its sector was shut
		for _, t := range trailers {
			if t.Sector != b.Sector {
				continue
			}
			var key ClassicKey
			if key, readable = readableBy(t.Data[:], b.address()); readable && c.found[b.Sector] != key {
				c.found[b.Sector], c.sector = key, -1
			}
		}
		if !readable {
			continue
		}
		got, err := c.read(ctx, b.address())
		if err != nil {
			return uncertain(err)
		}
		if !bytes.Equal(got, b.Data[:]) {
			return uncertain(refused(CardDamaged, "%s does not hold what was written: take another card", c.model.place(b.address())))
		}
	}
	return nil
}
