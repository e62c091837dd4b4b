//go:build real

package realtest

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"testing"
	"time"

	"edgeagent/drivers/keycard/pn532"
	"edgeagent/hwsim/pn532sim"

	"github.com/google/go-cmp/cmp"
)

var nfcSigner = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))

// siteKey opens the first sector of some cards.
var siteKey = [6]byte{0x51, 0x17, 0xE0, 0x4B, 0xE4, 0x01}

func nfcKey() pn532.Credential {
	return pn532.Credential{Kind: pn532.Guest, Property: "seaview", Rooms: []string{"101", "Spa 2"}, KeyID: 1, Generation: 4711,
		Until: time.Now().Add(48 * time.Hour).Truncate(time.Second).UTC()}
}

// ours opens our driver on the port that the tools of libnfc use too, one after
// the other: what one leaves behind in the chip, the other must cope with.
func (r *nfcReader) ours(do func(*pn532.Reader)) {
	r.t.Helper()
	reader, err := pn532.Open(pn532.Serial(r.port.Name(), pn532.Lines{}), pn532.Options{
		Property: "seaview", Signer: pn532.Signer{KeyID: 1, Key: nfcSigner},
		Keys: pn532.Keyring{1: nfcSigner.Public().(ed25519.PublicKey)}, Wait: 5 * time.Second,
		ClassicKeys: []pn532.ClassicKey{{Key: siteKey}},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	do(reader)
	if err := reader.Close(); err != nil {
		r.t.Error(err)
	}
}

// encodes makes a key on the card that lies there.
func (r *nfcReader) encodes(key pn532.Credential) {
	r.t.Helper()
	r.ours(func(reader *pn532.Reader) {
		if _, err := reader.Encode(r.t.Context(), key, pn532.How{}); err != nil {
			r.t.Fatal(err)
		}
	})
}

// reads checks what our driver reads, and gives it.
func (r *nfcReader) reads(want pn532.Content) (card pn532.Card) {
	r.t.Helper()
	r.ours(func(reader *pn532.Reader) {
		var err error
		if card, err = reader.ReadCard(r.t.Context(), pn532.How{}); err != nil || card.Content != want {
			r.t.Errorf("our driver reads %+v, %v; want %s", card, err, want)
		}
	})
	return card
}

// keyBlocks are the data blocks that a key takes, in order.
var keyBlocks = []int{4, 5, 6, 8, 9, 10, 12, 13, 14}

// keyImage puts a key for a card into a dump of it, as docs/credential.md says.
func keyImage(t *testing.T, dump, uid []byte, key pn532.Credential) []byte {
	t.Helper()
	blob, err := key.Seal(uid, pn532.Signer{KeyID: 1, Key: nfcSigner})
	if err != nil {
		t.Fatal(err)
	}
	area := append(append([]byte{0xFD, byte(len(blob))}, blob...), 0xFE)
	area = append(area, make([]byte, 15)...)
	dump = bytes.Clone(dump)
	for i := range len(area) / 16 {
		copy(dump[16*keyBlocks[i]:], area[16*i:16*i+16])
	}
	return dump
}

// What our driver has written, nfc-mfclassic dumps: byte for byte what is on the
// card, and what the document says of such a key.
func TestNFCDumpsWhatWeWrite(t *testing.T) {
	for _, kind := range []pn532sim.Kind{pn532sim.Classic1K, pn532sim.Classic4K} {
		for _, uid := range [][]byte{shortUID, longUID} {
			t.Run(fmt.Sprintf("%s %X", kind, uid), func(t *testing.T) {
				r := newNFCReader(t)
				card, key := pn532sim.NewCard(kind, uid, pn532sim.Traits{}), nfcKey()
				blank := card.Dump()
				if kind == pn532sim.Classic4K {
					// Where block 0 of a 4K card opens with a key that it knows, the tool
					// tries to write it, fails, and goes on without selecting the card.
					copy(blank[16*3:], siteKey[:])
					if err := card.Load(blank); err != nil {
						t.Fatal(err)
					}
				}
				r.lay(card)
				says(t, r.run("nfc-list"), "1 ISO14443A passive target(s) found", fmt.Sprintf("% 02x", uid[:1]))
				r.encodes(key)
				same(t, "the card", keyImage(t, blank, uid, key), card.Dump())
				blocks := len(blank) / 16
				r.put("keys.mfd", blank)
				says(t, r.run("nfc-mfclassic", "r", "a", "u", "ours.mfd", "keys.mfd"), fmt.Sprintf("Done, %d of %d blocks read", blocks, blocks))
				same(t, "the dump", card.Dump(), r.get("ours.mfd"))
				if diff := cmp.Diff(key, r.reads(pn532.OurKey).Key); diff != "" {
					t.Error(diff)
				}
				r.ours(func(reader *pn532.Reader) {
					if _, err := reader.Erase(t.Context(), pn532.How{}); err != nil {
						t.Error(err)
					}
				})
				same(t, "the erased card", blank, card.Dump())
				r.run("nfc-mfclassic", "r", "a", "u", "erased.mfd", "keys.mfd")
				same(t, "the dump of the erased card", blank, r.get("erased.mfd"))
			})
		}
	}
}

// nfc-mfclassic writes cards, and our driver reads them as what they are. libnfc
// 1.8.0 writes the first block of each sector only, whatever the card: that is
// the one which makes a key valid, so the tool can void a key and finish one.
func TestWeReadWhatNFCWrites(t *testing.T) {
	r := newNFCReader(t)
	card, key := pn532sim.NewCard(pn532sim.Classic1K, shortUID, pn532sim.Traits{}), nfcKey()
	blank := card.Dump()
	image := keyImage(t, blank, shortUID, key)
	r.put("keys.mfd", blank)
	writes := func(name string, dump []byte) {
		t.Helper()
		r.put(name, dump)
		says(t, r.run("nfc-mfclassic", "w", "a", "u", name, "keys.mfd"), "Done, 60 of 64 blocks written")
		same(t, "the card after "+name, dump, card.Dump())
	}
	r.lay(card)
	r.encodes(key)
	void := bytes.Clone(image)
	void[16*4+3] = 0
	writes("void.mfd", void)
	r.reads(pn532.Unfinished)
	writes("valid.mfd", image)
	if diff := cmp.Diff(key, r.reads(pn532.OurKey).Key); diff != "" {
		t.Error(diff)
	}
	staff := bytes.Clone(image)
	staff[16*4+5] = byte(pn532.Staff)
	writes("forged.mfd", staff)
	if got := r.reads(pn532.OtherKey); !errors.Is(got.Problem, pn532.ErrBadSignature) {
		t.Errorf("a forged key: %v", got.Problem)
	}
	foreign := bytes.Clone(image)
	copy(foreign[16*4:], "somebody's data.")
	writes("foreign.mfd", foreign)
	r.reads(pn532.Foreign)
	r.ours(func(reader *pn532.Reader) {
		_, err := reader.Encode(t.Context(), key, pn532.How{})
		if want := "refused: the card holds something that we did not write: take a blank card"; err == nil || err.Error() != want {
			t.Errorf("our driver says %v, want %s", err, want)
		}
	})
	same(t, "the foreign card", foreign, card.Dump())
}
