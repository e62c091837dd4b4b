package pn532

import (
	"bytes"
	"context"
	"errors"
)

// Password is the four bytes that open a protected NTAG or Ultralight EV1, and
// the two with which it must answer; Ack may be left zero.
type Password struct {
	Pwd [4]byte
	Ack [2]byte
}

// password opens a protected card for as long as it stays selected.
func (c *card) password(ctx context.Context) error {
	p := c.reader.opts.Password
	if p == nil {
		return refused(AuthRefused, "the card is protected by a password: take a blank card")
	}
	got, err := c.chip.communicateThru(ctx, 2, append([]byte{cardPasswordAuth}, p.Pwd[:]...)...)
	_, wrong := errors.AsType[statusError](err) // which one, the refusal of a card does not settle
	switch {
	case wrong || err == nil && p.Ack != [2]byte{} && !bytes.Equal(got, p.Ack[:]):
		return refused(AuthRefused, "the card is protected by another password: take a blank card")
	case err != nil:
		return err
	}
	c.passed = true
	return nil
}

// pageZero is what the first four pages say: number, lock bits, capability container.
type pageZero []byte

// locked reports whether the lock bits protect a page from 4 to 15. Bits 0 to 2
// of the first byte only freeze the others.
func (z pageZero) locked() bool { return z[10]&0xF0 != 0 || z[11] != 0 }

// container is the capability container, page 3.
func (z pageZero) container() []byte { return z[12:16] }

// examine looks, before anything is written, whether the card can be written at
// all: its locks are one-way.
func (c *card) examine(ctx context.Context) (pageZero, error) {
	first, err := c.read(ctx, 0)
	if err != nil {
		return nil, err
	}
	c.genuine(first)
	if c.model.classic {
		return nil, nil
	}
	zero := pageZero(first)
	locked := zero.locked()
	if c.model.lock != 0 {
		b, err := c.read(ctx, c.model.lock)
		if err != nil {
			return nil, err
		}
		locked = locked || b[0] != 0 || b[1] != 0
	}
	if c.model.config != 0 {
		b, err := c.read(ctx, c.model.config)
		if err != nil {
			return nil, err
		}
		c.gated = b[3] <= c.model.last
	}
	if locked {
		return zero, refused(CardDamaged, "the card is write-protected for ever: take another")
	}
	return zero, nil
}
