package pn532

import (
	"context"
	"errors"
)

// Card is a card that was read.
type Card struct {
	UID     string
	Model   string
	Content Content
	Hints   []string
	// Key is what the card holds where Content is OurKey, and as far as it can
	// be read where it is OtherKey; Problem says why it is not ours.
	Key     Credential
	Problem error
	// Records are an NDEF message's.
	Records []Record
}

// ReadCard reads what the next card holds. It changes nothing.
func (r *Reader) ReadCard(ctx context.Context, how How) (Card, error) {
	var read Card
	res, err := r.with(ctx, how, false, func(ctx context.Context, c *card) error {
		err := c.describe(ctx, &read)
		f, ok := errors.AsType[*Failure](err)
		if ok && (f.Reason == AuthRefused || f.Reason == CardDamaged) {
			read.Content, err = Foreign, nil
			c.hint("%s", f.Hint)
		}
		return err
	})
	read.UID, read.Model, read.Hints = res.UID, res.Model, res.Hints
	return read, err
}

// describe reads as far as there is something to be understood.
func (c *card) describe(ctx context.Context, read *Card) error {
	if _, err := c.examine(ctx); err != nil {
		if f, ok := errors.AsType[*Failure](err); !ok || f.Reason != CardDamaged {
			return err
		}
		c.hint("it cannot be written any more")
	}
	held, err := c.bytes(ctx, keyArea)
	if err != nil {
		return err
	}
	kind, value := content(held)
	if kind == Foreign && !c.model.classic && c.model.capacity() > len(held) {
		// It may be a message that goes on behind what a key would take.
		if held, err = c.bytes(ctx, c.model.capacity()); err != nil {
			return err
		}
		kind, value = content(held)
	}
	switch read.Content = kind; kind {
	case OurKey:
		if read.Key, read.Problem = Unseal(value, c.target.uid, c.reader.opts.Property, c.reader.opts.Keys); read.Problem != nil {
			read.Content = OtherKey
		}
	case Message:
		if read.Records, err = parseNDEF(value); err != nil {
			read.Content, err = Foreign, nil
		}
	}
	return err
}
