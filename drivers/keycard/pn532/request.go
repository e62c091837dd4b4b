package pn532

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"edgeagent/drivers"
)

// How is what all requests have in common.
type How struct {
	// Progress, if not nil, hears of steps that a person waits for. It returns at once.
	Progress func(drivers.Step)
	// Overwrite takes cards that hold something we did not write, and staff cards.
	Overwrite bool
}

// Result is a card that was made.
type Result struct {
	UID   string // in upper-case hexadecimal
	Model string
	// Hints say what is odd about the card, such as that it is a copy.
	Hints []string
}

// writeLimit bounds the work on one card once writing has begun; the caller's
// context counts no more then.
const writeLimit = 30 * time.Second

// with waits for a card, does something with it, and lets the field rest.
func (r *Reader) with(ctx context.Context, how How, fresh bool, do func(context.Context, *card) error) (res Result, err error) {
	progress := report(how.Progress)
	err = r.exclusive(ctx, func(ctx context.Context) error {
		defer r.rest()
		if err := r.between(ctx); err != nil {
			return err
		}
		c, err := r.present(ctx, fresh, progress)
		if c != nil {
			res = Result{UID: fmt.Sprintf("%X", c.target.uid), Model: c.model.name}
		}
		if err != nil {
			return err
		}
		err = do(ctx, c)
		res.Hints = c.hints
		if err == nil {
			if fresh {
				r.last = c.target.uid
			}
			progress(drivers.StepCardDone)
		}
		return err
	})
	return res, err
}

// committed is the context of writing: the caller can stop nothing half-way.
func committed(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), writeLimit)
}

// Encode makes a key on the next card: it waits for one, looks whether it may be
// overwritten, signs for its number, writes, reads back and compares. The
// context counts until the first byte is written.
//
// Errors: drivers.ErrRefused with what a person can do, drivers.ErrUnknown if the
// card may be a valid key, *drivers.LinkDown if the module is gone and nothing
// was written; any other if nothing happened. Most are or wrap a *Failure.
func (r *Reader) Encode(ctx context.Context, key Credential, how How) (Result, error) {
	key.Property = r.opts.Property
	if r.opts.Signer.Key == nil {
		return Result{}, refused(BadRequest, "no signing key is set: name one in the property file")
	}
	if problem := key.problem(); problem != "" {
		return Result{}, refused(BadRequest, "%s", problem)
	}
	if !key.Until.After(time.Now()) {
		return Result{}, refused(BadRequest, "the key would have ended already: correct the departure in the PMS")
	}
	return r.with(ctx, how, true, func(ctx context.Context, c *card) error {
		blob, err := key.Seal(c.target.uid, r.opts.Signer)
		if err != nil {
			return again(BadRequest, "%s", err)
		}
		area := wrap(blob)
		if len(area) > c.model.capacity() {
			return refused(CardWrongType, "a key of %d bytes does not fit this card (%s, %d bytes): take an NTAG213 or a MIFARE Classic 1K", len(area), c.model.name, c.model.capacity())
		}
		if _, err := c.examine(ctx); err != nil {
			return err
		}
		held, err := c.admit(ctx, how.Overwrite)
		if err != nil {
			return err
		}
		if bytes.HasPrefix(held, area) {
			return nil // the same key, asked for again
		}
		ctx, cancel := committed(ctx)
		defer cancel()
		void, next := voided(held, c.model.unit), marker(area, c.model.unit)
		if kind, _ := content(held); kind == Blank || bytes.Equal(void, next) {
			return c.store(ctx, area, next)
		}
		return c.store(ctx, area, void, next)
	})
}

// Erase makes a key of ours a blank card again: void first, then zeroed.
func (r *Reader) Erase(ctx context.Context, how How) (Result, error) {
	return r.with(ctx, how, true, func(ctx context.Context, c *card) error {
		if _, err := c.examine(ctx); err != nil {
			return err
		}
		held, err := c.admit(ctx, how.Overwrite)
		if err != nil {
			return err
		}
		ctx, cancel := committed(ctx)
		defer cancel()
		area := make([]byte, min(keyArea, c.model.capacity()))
		if !c.model.classic {
			copy(area, []byte{tlvNDEF, 0, tlvEnd}) // as such cards are sold
		}
		void, empty := voided(held, c.model.unit), voided(area, c.model.unit)
		if bytes.Equal(void, empty) {
			return c.store(ctx, area, void)
		}
		return c.store(ctx, area, void, empty)
	})
}

// admit reads what a card holds and refuses to overwrite what we did not write.
func (c *card) admit(ctx context.Context, overwrite bool) ([]byte, error) {
	if c.model.classic && !overwrite {
		if err := c.unused(ctx); err != nil {
			return nil, err
		}
	}
	held, err := c.held(ctx)
	if err != nil {
		return nil, err
	}
	kind, blob := content(held)
	if overwrite || kind == Blank || kind == Unfinished {
		return held, nil
	}
	if kind != OurKey {
		return nil, refused(CardWrongType, "the card holds something that we did not write: take a blank card")
	}
	key, err := Unseal(blob, c.target.uid, c.reader.opts.Property, c.reader.opts.Keys)
	switch {
	case err != nil:
		return nil, refused(CardWrongType, "the card holds a key that is not ours (%s): take a blank card", err)
	case key.Kind != Guest:
		return nil, refused(CardIsStaff, "this is a staff card: take a blank one")
	}
	return held, nil
}

// held reads what a card holds, as far as it tells what the card is: behind the
// end of an empty message or of a key, nothing counts.
func (c *card) held(ctx context.Context) ([]byte, error) {
	b, err := c.bytes(ctx, readSize)
	if err != nil {
		return nil, err
	}
	n := keyArea
	switch {
	case bytes.HasPrefix(b, []byte{tlvNDEF, 0, tlvEnd}):
		return b, nil
	case b[0] == tlvProprietary && b[2] == blobMagic && b[3] == blobVersion:
		n = min(n, 2+int(b[1])+1) // with its end mark
	}
	return c.more(ctx, b, n)
}

// unused refuses a Classic on which other applications have signed themselves
// in; its directory stands in blocks 1 and 2 (AN10787, 3).
func (c *card) unused(ctx context.Context) error {
	for _, block := range []byte{1, 2} {
		b, err := c.read(ctx, block)
		if err != nil {
			return err
		}
		if block == 1 {
			b = b[2:] // check byte and info
		}
		for i := 0; i < len(b); i += 2 {
			if id := [2]byte(b[i:]); id != [2]byte{} && id != [2]byte{0x03, 0xE1} { // free, or NDEF
				return refused(CardWrongType, "the card serves another application: take a blank card")
			}
		}
	}
	return nil
}
