package pn532

import (
	"bytes"
	"context"
	"fmt"
)

// WriteImage writes a card image that a lock system hands out. ask gets it for
// the card that lies in the field, which must stay there meanwhile: the lock
// system wants the card's number. Its errors are returned as they are.
func (r *Reader) WriteImage(ctx context.Context, how How, ask func(context.Context, Card) (Image, error)) (Result, error) {
	return r.with(ctx, how, true, func(ctx context.Context, c *card) error {
		if !c.model.classic {
			return refused(CardWrongType, "%s", Image(nil).problem(c.model))
		}
		image, err := ask(ctx, Card{UID: fmt.Sprintf("%X", c.target.uid), Model: c.model.name})
		if err != nil {
			return err
		}
		if problem := image.problem(c.model); problem != "" {
			return refused(BadRequest, "%s", problem)
		}
		if err := c.reselect(ctx); err != nil {
			return err
		}
		if !how.Overwrite {
			vacant, err := c.vacant(ctx, image)
			if err != nil {
				return err
			}
			if !vacant {
				return refused(CardWrongType, "the card holds something that we did not write: take a blank card")
			}
		}
		ctx, cancel := committed(ctx)
		defer cancel()
		return c.apply(ctx, image)
	})
}

// WriteNDEF writes a message, such as an address that a phone opens, to an NTAG
// or Ultralight. A key of ours that stands there ends.
func (r *Reader) WriteNDEF(ctx context.Context, how How, records ...Record) (Result, error) {
	message, err := appendNDEF(nil, records...)
	if err != nil {
		return Result{}, refused(BadRequest, "%s", err)
	}
	return r.with(ctx, how, true, func(ctx context.Context, c *card) error {
		area, first := ndefArea(message)
		switch {
		case c.model.classic:
			return refused(CardWrongType, "messages are written to NTAG and Ultralight cards only: take such a card")
		case len(area) > c.model.capacity():
			return refused(CardWrongType, "a message of %d bytes does not fit this card (%s, %d bytes): take an NTAG216", len(message), c.model.name, c.model.capacity())
		}
		zero, err := c.examine(ctx)
		if err != nil {
			return err
		}
		held, err := c.bytes(ctx, min(len(area), c.model.capacity()))
		if err != nil || bytes.Equal(held, area) {
			return err // the same message, asked for again
		}
		if _, err := c.admit(ctx, how.Overwrite); err != nil {
			return err
		}
		ctx, cancel := committed(ctx)
		defer cancel()
		if err := c.announce(ctx, zero.container()); err != nil {
			return err
		}
		return c.store(ctx, area, first)
	})
}

// pageContainer is the page of the capability container. Its bits can be set and
// never cleared again.
const pageContainer = 3

// announce makes sure that the card says it carries messages.
func (c *card) announce(ctx context.Context, container []byte) error {
	switch {
	case container[0] == 0xE1 && container[3]&0x0F == 0:
		return nil
	case container[0] == 0xE1:
		return refused(CardDamaged, "the card says that it is read-only: take another")
	case !bytes.Equal(container, make([]byte, 4)):
		return refused(CardWrongType, "the card is set up for something else: take another")
	}
	return c.put(ctx, pageContainer, []byte{0xE1, 0x10, c.model.size, 0x00})
}
