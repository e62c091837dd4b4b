package pn532

import (
	"bytes"
	"context"
	"errors"
)

// Commands of the cards (MF1S50yyX data sheet, 9; NTAG21x data sheet, 10).
const (
	cardAuthA        = 0x60
	cardAuthB        = 0x61
	cardRead         = 0x30
	cardWriteBlock   = 0xA0
	cardWritePage    = 0xA2
	cardPasswordAuth = 0x1B
)

const readSize = 16 // one block, or four pages

// card is a selected card. It is let go by any error, so every operation can
// select it again, and goes on only with the same number.
type card struct {
	reader *Reader
	chip   *chip
	target target
	model  model
	hints  []string

	keys   []ClassicKey
	sector int                // of a Classic, that is open; -1 for none
	found  map[int]ClassicKey // what opened a sector
	gated  bool               // writing needs the password, which is given after each selection
	passed bool
}

// try does an operation, and after an error what may mend it, as often as the
// error's line says.
func (c *card) try(ctx context.Context, op func() error) error {
	for n := 0; ; n++ {
		err := op()
		if err == nil {
			return nil
		}
		tries, what := remedyOf(err)
		if n >= tries {
			return err
		}
		if err := c.mend(ctx, what); err != nil {
			return err
		}
	}
}

// mend does what may help after an error, and selects the card again. A chip
// that falls silent meanwhile is brought back as well.
func (c *card) mend(ctx context.Context, what remedy) error {
	var err error
	switch what {
	case climb:
		err = c.reader.recover(ctx)
	case initialise:
		err = c.reader.setUp(ctx)
	case fieldReset:
		err = c.chip.cycle(ctx)
	}
	for {
		if err == nil {
			err = c.reselect(ctx)
		}
		if _, what := remedyOf(err); what != climb || ctx.Err() != nil {
			return err
		}
		err = c.reader.recover(ctx)
	}
}

// reselect selects the same card again; any other is refused.
func (c *card) reselect(ctx context.Context) error {
	c.sector, c.passed = -1, false
	refresh := c.chip.release
	for range 2 {
		if err := refresh(ctx); err != nil {
			return err
		}
		t, found, err := c.chip.list(ctx)
		switch {
		case err != nil:
			return err
		case !found:
			refresh = c.chip.cycle
			continue
		}
		c.reader.healthy()
		if !bytes.Equal(t.uid, c.target.uid) {
			return refused(CardRemoved, "another card lies on the encoder than before: use one card and hold it until the beep")
		}
		c.target = t
		return nil
	}
	return refused(CardRemoved, hintRemoved)
}

// read reads 16 bytes from a block, or from a page and the three behind it.
func (c *card) read(ctx context.Context, addr byte) (data []byte, err error) {
	err = c.try(ctx, func() error {
		if err := c.enter(ctx, addr); err != nil {
			return err
		}
		data, err = c.chip.dataExchange(ctx, c.target, readSize, cardRead, addr)
		if err == nil && len(data) < readSize {
			err = statusError(0x13)
		}
		return err
	})
	if errors.Is(err, statusError(0x01)) && c.reselect(ctx) == nil {
		return nil, refused(CardDamaged, "the card does not let %s be read: it is protected or damaged, take another", c.model.place(addr))
	}
	return data, err
}

// write writes one unit. Whether it arrived, only reading back can tell.
func (c *card) write(ctx context.Context, addr byte, unit []byte) error {
	command := byte(cardWritePage)
	if c.model.classic {
		command = cardWriteBlock
	}
	err := c.try(ctx, func() error {
		if err := c.enter(ctx, addr); err != nil {
			return err
		}
		_, err := c.chip.dataExchange(ctx, c.target, 0, append([]byte{command, addr}, unit...)...)
		return err
	})
	if errors.Is(err, statusError(0x01)) && c.reselect(ctx) == nil {
		return refused(CardDamaged, "the card does not take %s: it is write-protected or worn out, take another", c.model.place(addr))
	}
	return err
}

// put writes one unit and reads it back.
func (c *card) put(ctx context.Context, addr byte, unit []byte) error {
	for range 2 {
		if err := c.write(ctx, addr, unit); err != nil {
			return err
		}
		got, err := c.read(ctx, addr)
		if err != nil {
			return err
		}
		if bytes.Equal(got[:len(unit)], unit) {
			return nil
		}
	}
	return refused(CardDamaged, "the card does not keep what is written to %s: take another", c.model.place(addr))
}

// enter does what a card wants before its memory is touched.
func (c *card) enter(ctx context.Context, addr byte) error {
	if c.model.classic {
		return c.authenticate(ctx, sectorOf(addr))
	}
	if c.gated && !c.passed {
		return c.password(ctx)
	}
	return nil
}

// bytes reads the first n bytes that are free to use.
func (c *card) bytes(ctx context.Context, n int) ([]byte, error) { return c.more(ctx, nil, n) }

// more reads on behind what was read before, up to n bytes in all.
func (c *card) more(ctx context.Context, all []byte, n int) ([]byte, error) {
	addresses := c.model.addresses()
	for i := len(all) / c.model.unit; len(all) < n && i < len(addresses); i += readSize / c.model.unit {
		b, err := c.read(ctx, addresses[i])
		if err != nil {
			return nil, err
		}
		all = append(all, b...)
	}
	return all[:min(n, len(all))], nil
}
