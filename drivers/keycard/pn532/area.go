package pn532

import (
	"bytes"
	"context"
	"errors"
	"slices"

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

// marker is the first unit of an area while the rest is written: no lock takes
// it, and we know it again. Only one of its bytes is another than at the end, so
// that a card torn away at the last write is the one or the other.
func marker(area []byte, unit int) []byte {
	m := bytes.Clone(area[:unit])
	if m[0] == tlvProprietary {
		m[3] = unfinished
	} else {
		m[0] = tlvProprietary // it is to be blank
	}
	return m
}

// voided is the first unit of what a card holds while it is overwritten: of a
// key, only the version is changed, so that it is either valid or known to be void.
func voided(held []byte, unit int) []byte {
	if held[0] == tlvProprietary && held[2] == blobMagic {
		return marker(held, unit)
	}
	return pad([]byte{tlvProprietary, 0, blobMagic, unfinished}, unit)
}

// torn reports whether a card's free bytes are those of a key that was not
// written to its end: also if its very first write was torn, on a blank card.
func torn(area []byte) bool {
	if len(area) < 4 || area[0] != tlvProprietary {
		return false
	}
	if area[2] == blobMagic && area[3] == unfinished {
		return true
	}
	// Zeros, an empty message, or the place of the lock bits: cards as they are sold.
	for _, sold := range [][4]byte{{}, {tlvNDEF, 0, tlvEnd}, {tlvLock, 3, 0xA0, 0x0C}} {
		if (area[2] == blobMagic || area[2] == sold[2]) && (area[3] == unfinished || area[3] == sold[3]) {
			if kind, _ := content(slices.Concat(sold[:], area[4:])); kind == Blank {
				return true
			}
		}
	}
	return false
}

// content sorts what stands in a card's free bytes, and gives the blob of a key
// or the message.
func content(area []byte) (Content, []byte) {
	if torn(area) {
		return Unfinished, nil
	}
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

// store writes the free bytes of a card from their start: first the units that
// make whatever the card was void, one after another, then the rest, each unit
// read back, and at last the first unit as it is to be. Then the card is selected
// anew, and all is read and compared.
//
// Its error says what became of the card: a *Failure that is unknown, spoilt or
// doubtful.
func (c *card) store(ctx context.Context, area []byte, voids ...[]byte) error {
	unit := c.model.unit
	area = pad(area, unit)
	addresses := c.model.addresses()
	for i, void := range voids {
		switch err := c.put(ctx, addresses[0], void); {
		case err != nil && i == 0:
			return doubtful(err)
		case err != nil:
			return spoilt(err)
		}
	}
	for i := unit; i < len(area); i += unit {
		if err := c.put(ctx, addresses[i/unit], area[i:i+unit]); err != nil {
			return spoilt(err)
		}
	}
	before := voids[len(voids)-1]
	if last := marker(area, unit); area[0] == tlvNDEF && area[1] == 0 || area[0] == tlvNull {
		if err := c.put(ctx, addresses[0], last); err != nil {
			return spoilt(err)
		}
		before = last
	}
	if err := c.put(ctx, addresses[0], area[:unit]); err != nil {
		if err := c.settle(ctx, addresses[0], area[:unit], before, err); err != nil {
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
// neither a buffer of the card nor an exchanged card can pass. What is another
// than it was when it was written is asked once more: a late answer to an earlier
// question may have come in between.
func (c *card) verify(ctx context.Context, area []byte) error {
	wrong := -1
	for range 2 {
		if err := c.mend(ctx, fieldReset); err != nil {
			return uncertain(err)
		}
		got, err := c.bytes(ctx, len(area))
		if err != nil {
			return uncertain(err)
		}
		if wrong = differs(got, area, c.model.unit); wrong < 0 {
			return nil
		}
		c.chip.suspect = true
	}
	return uncertain(refused(CardDamaged, "%s does not hold what was written: take another card", c.model.place(c.model.addresses()[wrong])))
}

// differs is the first unit that is another, -1 if there is none.
func differs(a, b []byte, unit int) int {
	for i := 0; i < len(b); i += unit {
		if !bytes.Equal(a[i:i+unit], b[i:i+unit]) {
			return i / unit
		}
	}
	return -1
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

// doubtful is the failure of a card whose old content may or may not be gone; it
// is nothing new.
func doubtful(err error) error {
	f := asFailure(err)
	f.kind, f.Doubtful = drivers.ErrRefused, true
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
