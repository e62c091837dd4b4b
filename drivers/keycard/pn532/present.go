package pn532

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"edgeagent/drivers"
)

// The steps of a request that a person waits for, beside drivers.StepAccepted
// (present the card now) and drivers.StepCardDone.
const (
	// StepTakeOff: the card that was finished before still lies there.
	StepTakeOff drivers.Step = "take the card off"
	// StepCardFound: hold the card still.
	StepCardFound drivers.Step = "card found"
	// StepTakenOff: the card has been taken off.
	StepTakenOff drivers.Step = "card taken off"
)

// present waits for a card. With fresh, the card that was finished last does
// not count until it has been taken off: else the second of two keys would
// overwrite the first.
func (r *Reader) present(ctx context.Context, fresh bool, progress func(drivers.Step)) (*card, error) {
	progress(drivers.StepAccepted)
	told := false
	for deadline := time.Now().Add(r.opts.Wait); ; {
		t, found, err := r.search(ctx)
		switch {
		case err != nil:
			return nil, err
		case found && fresh && bytes.Equal(t.uid, r.last):
			if !told {
				told = true
				progress(StepTakeOff)
			}
		case found:
			progress(StepCardFound)
			return r.accept(ctx, t)
		default:
			r.last = nil
		}
		if !time.Now().Before(deadline) {
			if told && r.last != nil {
				return nil, refused(NoCard, "the finished card was not taken off: take it, ask again and hold a new one to the encoder")
			}
			return nil, refused(NoCard, "no card was presented: ask again and hold a card to the encoder")
		}
		if err := r.between(ctx); err != nil {
			return nil, err
		}
	}
}

// search lists once; a module that does not answer is brought back.
func (r *Reader) search(ctx context.Context) (target, bool, error) {
	for {
		t, found, err := r.chip.list(ctx)
		if err == nil {
			r.healthy()
			return t, found, nil
		}
		if _, what := remedyOf(err); what != climb || ctx.Err() != nil {
			return t, false, err
		}
		if err := r.recover(ctx); err != nil {
			return t, false, err
		}
	}
}

// between readies the field for the next card.
func (r *Reader) between(ctx context.Context) error {
	err := r.chip.cycle(ctx)
	if _, what := remedyOf(err); err != nil && what == climb && ctx.Err() == nil {
		return r.recover(ctx)
	}
	return err
}

func (r *Reader) accept(ctx context.Context, t target) (*card, error) {
	c := &card{
		reader: r, chip: r.chip, target: t, sector: -1, found: map[int]ClassicKey{},
		keys: slices.Concat(r.opts.ClassicKeys, factoryKeys[:]),
	}
	if err := c.try(ctx, func() error { return c.alone(ctx) }); err != nil {
		return c, err
	}
	return c, c.try(ctx, func() error { return identify(ctx, c) })
}

// alone searches once more: a card that is selected keeps silent at first, so
// that a second one is heard. Which of two is given to the guest, nobody knows.
func (c *card) alone(ctx context.Context) error {
	t, found, err := c.chip.list(ctx)
	switch {
	case err != nil:
		return err
	case !found:
		return c.reselect(ctx)
	case !bytes.Equal(t.uid, c.target.uid):
		return refused(statuses[0x06].reason, "%s", statuses[0x06].hint)
	}
	c.target = t
	return nil
}

// AwaitRemoval waits until no card lies in the field, and says so.
func (r *Reader) AwaitRemoval(ctx context.Context, progress func(drivers.Step)) error {
	return r.exclusive(ctx, func(ctx context.Context) error {
		defer r.rest()
		if err := r.between(ctx); err != nil {
			return err
		}
		for {
			_, found, err := r.search(ctx)
			if err != nil {
				return err
			}
			if !found {
				r.last = nil
				report(progress)(StepTakenOff)
				return nil
			}
			if err := r.between(ctx); err != nil {
				return err
			}
		}
	})
}

// rest lets the card go and leaves the module without a field, which costs most
// of its power.
func (r *Reader) rest() {
	if !r.up {
		return
	}
	ctx := context.Background()
	err := r.chip.deselect(ctx)
	if err == nil {
		err = r.chip.field(ctx, false)
	}
	if err != nil && !errors.Is(err, errSyntax) {
		r.up, r.ails = false, fmt.Sprintf("%s: %s", r.link, err) // the next request brings it up
	}
}

// report lets progress be nil.
func report(progress func(drivers.Step)) func(drivers.Step) {
	if progress == nil {
		return func(drivers.Step) {}
	}
	return progress
}
