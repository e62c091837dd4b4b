package pn532

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// A text of 8 letters makes the record that begins D1 01 0B 54 02 65 6E, and the
// block that begins 03 0F.
func TestWorkedMessage(t *testing.T) {
	message, err := appendNDEF(nil, TextRecord("en", "Room 101"))
	if err != nil {
		t.Fatal(err)
	}
	area, first := ndefArea(message)
	if diff := cmp.Diff(unhex(t, "03 0F D1 01 0B 54 02 65 6E 52 6F 6F 6D 20 31 30 31 FE"), area); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(unhex(t, "03 00 FE 00"), first); diff != "" {
		t.Error(diff)
	}
}

func TestRecords(t *testing.T) {
	for uri, want := range map[string]string{
		"https://www.example.com/": "02 65 78 61 6D 70 6C 65 2E 63 6F 6D 2F",
		"https://example.com":      "04 65 78 61 6D 70 6C 65 2E 63 6F 6D",
		"tel:+491":                 "05 2B 34 39 31",
		"wifi:x":                   "00 77 69 66 69 3A 78",
	} {
		r := URIRecord(uri)
		if got, ok := r.URI(); !bytes.Equal(r.Payload, unhex(t, want)) || got != uri || !ok {
			t.Errorf("%s: % X, read as %s", uri, r.Payload, got)
		}
	}
	utf16 := Record{TNF: 1, Type: "T", Payload: unhex(t, "82 64 65 00 5A 00 FC")}
	if language, text, ok := utf16.Text(); language != "de" || text != "Zü" || !ok {
		t.Errorf("%s %s %t", language, text, ok)
	}
	for _, payload := range []string{"", "05 65 6E", "82 64 65 00"} {
		if _, _, ok := (Record{TNF: 1, Type: "T", Payload: unhex(t, payload)}).Text(); ok {
			t.Errorf("%s is a text", payload)
		}
	}
}

func TestParseNDEFRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"cut off": "D1 01 0B 54", "chunk": "F1 01 01 54 00", "no begin": "51 01 01 54 00", "no end": "91 01 01 54 00",
		"endless": "C1 01 FF FF FF FF 54", "nothing": "", "two begins": "91 01 01 54 00 D1 01 01 54 00",
	} {
		if got, err := parseNDEF(unhex(t, in)); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestMessageIdentity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Record {
			return Record{
				TNF: rapid.Byte().Draw(t, "tnf") % 6, Type: rapid.StringN(0, 20, 40).Draw(t, "type"), ID: rapid.StringN(0, 5, 10).Draw(t, "id"),
				Payload: rapid.SliceOfN(rapid.Byte(), 1, 400).Draw(t, "payload"),
			}
		}), 1, 4).Draw(t, "records")
		b, err := appendNDEF(nil, records...)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseNDEF(b)
		if diff := cmp.Diff(records, got); err != nil || diff != "" {
			t.Fatalf("%v\n%s", err, diff)
		}
	})
}

func TestWriteNDEF(t *testing.T) {
	onAll(t, nil, func(b *bench) {
		for _, text := range []string{"Room 101", strings.Repeat("long ", 70)} {
			c := newNTAG("216", 4, 1, 2, 3, 4, 5, 6)
			clear(c.memory[12:20]) // a card that nobody has set up
			b.chip.put(c)
			if _, err := b.reader.WriteNDEF(b.t.Context(), b.how(), TextRecord("en", text), URIRecord("https://example.com")); err != nil {
				b.t.Fatal(err)
			}
			if !bytes.Equal(c.at(3), []byte{0xE1, 0x10, 0x6D, 0}) {
				b.t.Errorf("capability container % X", c.at(3))
			}
			card, err := b.reader.ReadCard(b.t.Context(), b.how())
			if err != nil || card.Content != Message || len(card.Records) != 2 {
				b.t.Fatalf("%+v, %v", card, err)
			}
			if _, got, _ := card.Records[0].Text(); got != text {
				b.t.Errorf("read %q", got)
			}
			b.chip.put()
			_ = b.reader.AwaitRemoval(b.t.Context(), nil)
		}
		b.chip.put(newClassic(0x08, 1, 2, 3, 4))
		_, err := b.reader.WriteNDEF(b.t.Context(), b.how(), TextRecord("en", "x"))
		refusal(b.t, err, CardWrongType, "refused: messages are written to NTAG and Ultralight cards only: take such a card")
		b.chip.put(newNTAG("213", 4, 1, 2, 3, 4, 5, 6))
		_, err = b.reader.WriteNDEF(b.t.Context(), b.how(), TextRecord("en", strings.Repeat("x", 200)))
		refusal(b.t, err, CardWrongType, "refused: a message of 207 bytes does not fit this card (NTAG213, 144 bytes): take an NTAG216")
	})
}

func TestReadOtherCards(t *testing.T) {
	onAll(t, nil, func(b *bench) {
		for name, tc := range map[string]struct {
			card    func() *testCard
			content Content
		}{
			"blank":  {func() *testCard { return newNTAG("213", 4, 1, 2, 3, 4, 5, 6) }, Blank},
			"raw":    {func() *testCard { c := newNTAG("215", 4, 1, 2, 3, 4, 5, 6); c.fill([]byte{9, 9, 9}); return c }, Foreign},
			"locked": {func() *testCard { c := newNTAG("213", 4, 1, 2, 3, 4, 5, 6); c.memory[11] = 1; return c }, Blank},
			"other keys": {func() *testCard {
				c := newClassic(0x08, 1, 2, 3, 4)
				copy(c.memory[7*16:], []byte{1, 2, 3})
				return c
			}, Foreign},
			"torn": {func() *testCard { c := newNTAG("213", 4, 1, 2, 3, 4, 5, 6); c.fill([]byte{0xFD, 90, 'K', 0}); return c }, Unfinished},
			"elsewhere's": {func() *testCard {
				c := newNTAG("213", 4, 1, 2, 3, 4, 5, 6)
				sealOn(b.t, c, "hilltop", guestKey())
				return c
			}, OtherKey},
		} {
			c := tc.card()
			before := bytes.Clone(c.memory)
			b.chip.put(c)
			card, err := b.reader.ReadCard(b.t.Context(), b.how())
			if err != nil || card.Content != tc.content || card.UID == "" || !c.unchanged(before) {
				b.t.Errorf("%s: %+v, %v", name, card, err)
			}
		}
	})
}
