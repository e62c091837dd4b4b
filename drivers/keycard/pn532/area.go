package pn532

import (
	"bytes"
	"context"
	"errors"

	"edgeagent/drivers"
)

// The types of the blocks in a card's free bytes (NFC Forum Type 2 Tag, 2.3).
const (
	tlvNull        = 0x00
	tlvLock        = 0x01
	tlvMemory      = 0x02
	tlvNDEF        = 0x03
	tlvProprietary = 0xFD
	tlvEnd         = 0xFE
)

// keyArea is how many bytes a key has at most: what an NTAG213 holds, and
// sectors 1 to 3 of a Classic.
const keyArea = 144

// Content is what a card holds.
type Content string

// What a card can hold.
const (
	Blank      Content = "blank"
	OurKey     Content = "key"
	OtherKey   Content = "other key"  // of another property, unknown signer, or forged
	Unfinished Content = "unfinished" // a key that was not written to its end
	Message    Content = "message"    // NDEF
	Foreign    Content = "foreign"    // what we did not write
)

// wrap puts a blob into a block that other readers skip. The length fits one byte.
func wrap(blob []byte) []byte {
	return append(append([]byte{tlvProprietary, byte(len(blob))}, blob...), tlvEnd)
}

// marker is the first unit of a key while the rest is written: no lock takes it,
// and we know it again.
func marker(area []byte, unit int) []byte {
	m := make([]byte, unit)
	copy(m, area[:3])
	m[3] = unfinished
	return m
}

// content sorts what stands in a card's free bytes, and gives the blob of a key
// or the message.
func content(area []byte) (Content, []byte) {
	for at := 0; at < len(area); {
		kind := area[at]
		if kind == tlvNull {
			at++
			continue
		}
		if kind == tlvEnd {
			return Blank, nil
		}
		value, next, ok := tlv(area[at:])
		switch {
		case !ok:
			return Foreign, nil
		case kind == tlvLock || kind == tlvMemory || kind == tlvNDEF && len(value) == 0:
		case kind == tlvNDEF:
			return Message, value
		case kind == tlvProprietary && at == 0 && len(value) > 1 && value[0] == blobMagic && value[1] == unfinished:
			return Unfinished, nil
		case kind == tlvProprietary && at == 0 && len(value) > 1 && value[0] == blobMagic:
			return OurKey, value
		default:
			return Foreign, nil
		}
		at += next
	}
	return Blank, nil
}

// tlv reads a block: its value, and where the next begins. A length over 254 has
// three bytes.
func tlv(b []byte) (value []byte, next int, ok bool) {
	if len(b) < 2 {
		return nil, 0, false
	}
	head, n := 2, int(b[1])
	if b[1] == 0xFF {
		if len(b) < 4 {
			return nil, 0, false
		}
		head, n = 4, int(b[2])<<8|int(b[3])
	}
	if len(b) < head+n {
		return nil, 0, false
	}
	return b[head : head+n], head + n, true
}

// pad fills up to whole units.
func pad(b []byte, unit int) []byte {
	return append(bytes.Clone(b), make([]byte, (unit-len(b)%unit)%unit)...)
}

// store writes the free bytes of a card from their start: first a unit that
// makes whatever the card was void, then the rest, each unit read back, and at
// last the first unit, which makes it valid. Then the card is selected anew, and
// all is read and compared.
//
// Its error says what became of the card: a *Failure that is unknown, or spoilt.
func (c *card) store(ctx context.Context, area, first []byte) error {
	unit := c.model.unit
	area = pad(area, unit)
	addresses := c.model.addresses()
	if err := c.put(ctx, addresses[0], first); err != nil {
		return err // it may still be what it was, and is nothing new
	}
	for i := unit; i < len(area); i += unit {
		if err := c.put(ctx, addresses[i/unit], area[i:i+unit]); err != nil {
			return spoilt(err)
		}
	}
	if err := c.put(ctx, addresses[0], area[:unit]); err != nil {
		if err := c.settle(ctx, addresses[0], area[:unit], first, err); err != nil {
			return err
		}
	}
	return c.verify(ctx, area)
}

// settle finds out what became of the unit that makes a card valid, when writing
// it ended in an error.
func (c *card) settle(ctx context.Context, addr byte, want, first []byte, cause error) error {
	got, err := c.returned(ctx, addr)
	switch {
	case err != nil:
		return uncertain(cause)
	case bytes.Equal(got[:len(want)], want):
		return nil
	case bytes.Equal(got[:len(first)], first):
		return spoilt(cause)
	}
	return spoilt(refused(CardDamaged, "the card does not keep what is written to %s: take another", c.model.place(addr)))
}

// returned waits a moment for the same card to lie in the field again, and reads
// from it.
func (c *card) returned(ctx context.Context, addr byte) (b []byte, err error) {
	for range returnTries {
		if err = c.reselect(ctx); err == nil {
			if b, err = c.read(ctx, addr); err == nil {
				return b, nil
			}
		}
		if down := (*drivers.LinkDown)(nil); errors.As(err, &down) {
			return nil, err
		}
	}
	return nil, err
}

// verify reads everything again after the card has lost its power, so that
// neither a buffer of the card nor an exchanged card can pass.
func (c *card) verify(ctx context.Context, area []byte) error {
	if err := c.mend(ctx, fieldReset); err != nil {
		return uncertain(err)
	}
	got, err := c.bytes(ctx, len(area))
	if err != nil {
		return uncertain(err)
	}
	for i := 0; i < len(area); i += c.model.unit {
		if !bytes.Equal(got[i:i+c.model.unit], area[i:i+c.model.unit]) {
			return refused(CardDamaged, "%s does not hold what was written: take another card", c.model.place(c.model.addresses()[i/c.model.unit]))
		}
	}
	return nil
}

// returnTries is how often a card that was taken off too early is looked for,
// half a second each.
const returnTries = 4

// spoilt is the failure of a card whose old content is gone and whose new one is
// not valid: a person can write it again.
func spoilt(err error) error {
	f := asFailure(err)
	f.kind, f.Spoilt = drivers.ErrRefused, true
	return f
}

// uncertain is the failure of a card that may be a valid key.
func uncertain(err error) error {
	f := asFailure(err)
	f.kind = drivers.ErrUnknown
	f.Hint += "; read the card to see whether it was made"
	return f
}

func asFailure(err error) *Failure {
	err = verdict(err)
	if f, ok := errors.AsType[*Failure](err); ok {
		clone := *f
		return &clone
	}
	f := refused(ProtocolError, "%s", err)
	if _, ok := errors.AsType[*drivers.LinkDown](err); ok {
		f.Reason = LinkLost
	}
	return f
}
