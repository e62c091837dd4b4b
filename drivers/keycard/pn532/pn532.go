// Package pn532 drives NXP's PN532, a generic reader and writer of contactless
// cards, over HSU (a serial line), SPI or I2C. It makes keys for locks that we
// own, writes card images that a lock system hands out, and reads what a card
// holds. It cannot make a key for any brand's locks, and never claims to.
//
//	Encode, ReadCard ─> present ─> card ─────────> chip ───────> Link ───> HSU
//	Erase, WriteImage   wait, list identify, read, commands, ACK frames,   SPI
//	WriteNDEF, Probe               write, verify   abort, fence  ready     I2C
//	                                  └── errors ──> ladder: release, field,
//	                                                 wake-up, reset, re-open
//
// Sources: UM0701-02 (PN532 user manual), AN10609 (PN532 application note), the
// data sheets of MIFARE Classic, MIFARE Ultralight EV1 and NTAG213/215/216.
package pn532

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"edgeagent/drivers"
)

// Options are what a reader must know of its site.
type Options struct {
	// Property is the property's slug.
	Property string
	// Signer makes keys; without its Key, none are made.
	Signer Signer
	// Keys are the public keys of this property, also the ones that sign no
	// more: a card is overwritten only if what it holds can be told to be ours.
	Keys Keyring
	// ClassicKeys open sectors of a Classic; the factory's are tried after them.
	ClassicKeys []ClassicKey
	// Password opens protected NTAG and Ultralight EV1 cards; nil if there is none.
	Password *Password
	// Wait is how long a card is waited for. Default 60s.
	Wait time.Duration
	// Trace, if not nil, hears what goes over the line, without keys, numbers
	// and contents of cards. It returns at once.
	Trace func(sent bool, text string)
}

// Reader is one PN532. Its methods may be called from several goroutines; one
// request is carried out at a time.
type Reader struct {
	link  Link
	opts  Options
	chip  *chip
	turn  chan struct{} // holds one token while a request is carried out
	alive context.Context
	stop  context.CancelCauseFunc
	gone  chan struct{} // closed when Close is through

	mu       sync.Mutex
	state    drivers.State
	firmware Firmware // that answered last

	// Only the holder of the turn touches these.
	up     bool
	ails   string // why it is not up
	rung   int    // of the ladder, to be climbed next
	faults int    // times in a row that the whole ladder did not help
	last   []byte // number of the card that was finished last, while it has not been taken off
}

var errClosed = errors.New("the encoder is being closed")

// Open makes a reader. It touches no hardware: the bus is opened by the first
// request, and again after it was lost.
func Open(link Link, opts Options) (*Reader, error) {
	if link == nil {
		return nil, errors.New("no link is given")
	}
	if opts.Signer.Key != nil {
		if opts.Property == "" {
			return nil, fmt.Errorf("%s: keys need the property's name", link)
		}
		if _, known := opts.Keys[opts.Signer.KeyID]; !known {
			return nil, fmt.Errorf("%s: the public half of signing key %d is missing: our own cards could not be told", link, opts.Signer.KeyID)
		}
	}
	if opts.Wait == 0 {
		opts.Wait = time.Minute
	}
	alive, stop := context.WithCancelCause(context.Background())
	return &Reader{
		link: link, opts: opts, chip: &chip{link: link, limits: usualLimits(), trace: opts.Trace, suspect: true},
		turn: make(chan struct{}, 1), gone: make(chan struct{}), alive: alive, stop: stop,
		state: drivers.State{Condition: drivers.Unset, Since: time.Now()},
	}, nil
}

// String names the link.
func (r *Reader) String() string { return r.link.String() }

// Close ends what is under way, puts the chip to sleep and releases the bus. A
// card that is being written is finished first.
func (r *Reader) Close() error {
	r.stop(errClosed)
	select {
	case r.turn <- struct{}{}: // never given back
	case <-r.gone:
		return nil
	}
	defer close(r.gone)
	if !r.up {
		return r.link.Close()
	}
	r.up = false
	ctx := context.Background()
	_ = r.chip.field(ctx, false) // it may be gone already
	_ = r.chip.powerDown(ctx)
	return r.link.Close()
}

// State says how the module stands.
func (r *Reader) State() drivers.State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}

func (r *Reader) setState(c drivers.Condition, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state.Condition != c {
		r.state.Since = time.Now()
	}
	r.state.Condition, r.state.Reason = c, reason
}

// Probe asks the module for its firmware. While it is at work it is known to be
// there, and is not disturbed: what it said last is given.
func (r *Reader) Probe(ctx context.Context) (Firmware, error) {
	r.mu.Lock()
	found, busy := r.firmware, r.state.Condition == drivers.Busy
	r.mu.Unlock()
	if busy {
		return found, nil
	}
	err := r.exclusive(ctx, func(ctx context.Context) (err error) {
		found, err = r.chip.firmware(ctx)
		if _, what := remedyOf(err); err != nil && what == climb {
			if err = r.recover(ctx); err == nil {
				found, err = r.chip.firmware(ctx)
			}
		}
		return err
	})
	return found, err
}

// exclusive waits for the turn, brings the module up, and runs do.
func (r *Reader) exclusive(ctx context.Context, do func(context.Context) error) error {
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done():
		return verdict(context.Cause(ctx))
	case <-r.alive.Done():
		return &drivers.LinkDown{Err: errClosed}
	}
	defer func() { <-r.turn }()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(r.alive, func() { cancel(errClosed) })()
	if r.alive.Err() != nil {
		return &drivers.LinkDown{Err: errClosed}
	}
	err := r.bringUp(ctx)
	if err == nil {
		r.setState(drivers.Busy, "")
		err = do(ctx)
	}
	if _, what := remedyOf(err); what == climb && ctx.Err() == nil {
		err = r.down(err) // the next request starts anew
	}
	// Not only a LinkDown says that it is down: half a card has an error of its own.
	switch {
	case r.up:
		r.setState(drivers.Online, "")
	case r.ails != "":
		r.setState(drivers.Offline, r.ails)
	}
	return verdict(err)
}
