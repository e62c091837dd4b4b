package pn532

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"edgeagent/drivers"

	"github.com/google/go-cmp/cmp"
)

// lockImage is a card image as a lock system might hand it out: two sectors with
// data, and the trailer that shuts the first.
func lockImage(t *testing.T) Image {
	t.Helper()
	image, err := ParseImage(strings.Split(
		"D|2|0|00112233445566778899AABBCCDDEEFF|T|2|3|A1A2A3A4A5A6FF078069B1B2B3B4B5B6|"+
			"D|5|1|0102030405060708090A0B0C0D0E0F10|D|2|1|CAFECAFECAFECAFECAFECAFECAFECAFE", "|"))
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func give(image Image) func(context.Context, Card) (Image, error) {
	return func(context.Context, Card) (Image, error) { return image, nil }
}

func TestImage(t *testing.T) {
	onAll(t, nil, func(b *bench) {
		image := lockImage(b.t)
		c := newClassic(0x08, 0xC1, 0xD3, 0x33, 0xEA)
		var order []byte
		c.onWrite = func(_ *double, _ int, addr byte) string { order = append(order, addr); return "" }
		b.chip.put(c)
		asked := ""
		res, err := b.reader.WriteImage(b.t.Context(), b.how(), func(_ context.Context, card Card) (Image, error) {
			asked = card.UID
			return image, nil
		})
		if err != nil || asked != "C1D333EA" || res.UID != asked {
			b.t.Fatalf("%v, asked for %s", err, asked)
		}
		// The last data block is voided first and written last, then the trailer.
		if diff := cmp.Diff([]byte{9, 8, 21, 9, 11}, order); diff != "" {
			b.t.Error(diff)
		}
		for _, block := range image {
			if !bytes.Equal(c.at(block.address()), block.Data[:]) {
				b.t.Errorf("block %d holds % X", block.address(), c.at(block.address()))
			}
		}
	})
}

func TestImagesThatAreRefused(t *testing.T) {
	data := Block{Sector: 1, Data: [16]byte{1}}
	for _, tc := range []struct {
		image Image
		want  string
	}{
		{nil, "refused: the lock system's card image is empty"},
		{Image{data, data}, "refused: the card image holds block 0 of sector 1 twice"},
		{Image{data, {Sector: 0, Block: 0}}, "refused: the card image holds block 0, which the maker of the card wrote: check the lock system's card type"},
		{Image{data, {Sector: 16}}, "refused: the card has no block 0 of sector 16: the lock system wants a larger card"},
		{Image{data, {Sector: 1, Block: 4}}, "refused: the card has no block 4 of sector 1: the lock system wants a larger card"},
		{Image{data, {Sector: 1, Block: 3}}, "refused: block 3 of sector 1 has access bits that would lock its sector for ever: ask the lock system's support"},
		{Image{{Sector: 1, Block: 3, Data: [16]byte{6: 0xFF, 7: 7, 8: 0x80}}}, "refused: the card image holds no data"},
	} {
		onAll(t, nil, func(b *bench) {
			c := newClassic(0x08, 1, 2, 3, 4)
			b.chip.put(c)
			_, err := b.reader.WriteImage(b.t.Context(), b.how(), give(tc.image))
			refusal(b.t, err, BadRequest, tc.want)
			if c.writes > 0 {
				b.t.Error("the card was written")
			}
		})
	}
	onAll(t, nil, func(b *bench) {
		c := newClassic(0x08, 1, 2, 3, 4)
		copy(c.at(8), "somebody's data")
		b.chip.put(c)
		_, err := b.reader.WriteImage(b.t.Context(), b.how(), give(lockImage(b.t)))
		refusal(b.t, err, CardWrongType, "refused: the card holds something that we did not write: take a blank card")
		b.chip.put(freshCards()[0])
		_, err = b.reader.WriteImage(b.t.Context(), b.how(), give(lockImage(b.t)))
		refusal(b.t, err, CardWrongType, "refused: the lock system's card image is for a MIFARE Classic: take such a card")
	})
}

// Nobody but the lock can tell a card image that is half there: it is void while
// the block that carries validity is not, and unknown from then on.
func TestTornImages(t *testing.T) {
	onAll(t, nil, func(b *bench) {
		for n := 1; n <= 5; n++ {
			c := newClassic(0x08, 1, 2, 3, 4)
			c.onWrite = func(d *double, k int, _ byte) string {
				if k == n {
					d.cards = nil
				}
				return ""
			}
			b.chip.put(c)
			_, err := b.reader.WriteImage(b.t.Context(), b.how(), give(lockImage(b.t)))
			f, ok := errors.AsType[*Failure](err)
			if !ok || f.Spoilt != (n == 2 || n == 3) || errors.Is(err, drivers.ErrUnknown) != (n >= 4) {
				b.t.Errorf("torn at write %d: %v", n, err)
			}
		}
	})
}

func TestParseImageRefuses(t *testing.T) {
	for fields, want := range map[string]string{
		"D|1|0":                                  "card image of 3 fields: each block has four",
		"D|1|0|00":                               "card image: block 1 cannot be read",
		"D|x|0|00112233445566778899AABBCCDDEEFF": "card image: block 1 cannot be read",
	} {
		if _, err := ParseImage(strings.Split(fields, "|")); err == nil || err.Error() != want {
			t.Errorf("%s: %v", fields, err)
		}
	}
}

// Access bits that do not stand there twice lock a sector for ever (MF1S50yyX, 8.7.1).
func TestAccessBits(t *testing.T) {
	for _, tc := range []struct {
		bits string
		want [4]byte
		ok   bool
	}{
		{"FF 07 80", [4]byte{0, 0, 0, 0b001}, true},
		{"7F 07 88", [4]byte{0, 0, 0, 0b011}, true},
		{"78 77 88", [4]byte{0b100, 0b100, 0b100, 0b011}, true},
		{"FF 07 81", [4]byte{}, false},
		{"00 00 00", [4]byte{}, false},
	} {
		trailer := append(make([]byte, 6), unhex(t, tc.bits)...)
		for group := range byte(4) {
			if got, ok := access(trailer, int(group)); ok != tc.ok || got != tc.want[group] {
				t.Errorf("%s, group %d: %03b, %t", tc.bits, group, got, ok)
			}
		}
	}
	for block, want := range map[byte]int{0: 0, 63: 15, 127: 31, 128: 32, 143: 32, 144: 33, 255: 39} {
		if got := sectorOf(block); got != want {
			t.Errorf("block %d lies in sector %d, want %d", block, got, want)
		}
	}
}
