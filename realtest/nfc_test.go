//go:build real

package realtest

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim/pn532sim"
)

// nfcReader is the simulated PN532 on a pseudo-terminal, for programs that know
// nothing of it.
type nfcReader struct {
	t    *testing.T
	chip *pn532sim.Chip
	port *pn532sim.Port
	dir  string
}

func newNFCReader(t *testing.T) *nfcReader {
	t.Helper()
	chip := pn532sim.New(pn532sim.Config{})
	t.Cleanup(func() { chip.Close() })
	dir := t.TempDir()
	port, err := chip.OpenPTY(filepath.Join(dir, "pn532"), pn532sim.PortOptions{Baud: 115200})
	if err != nil {
		t.Fatal(err)
	}
	r := &nfcReader{t: t, chip: chip, port: port, dir: dir}
	t.Cleanup(func() {
		for _, v := range chip.Violations() {
			t.Errorf("libnfc offends the simulated chip, or the chip is too easily offended: %s", v)
		}
		if t.Failed() {
			lines := chip.Transcript()
			for _, l := range lines[max(0, len(lines)-80):] {
				t.Log(l)
			}
		}
	})
	return r
}

// run starts a tool of libnfc on the reader, answers no to what it asks, and
// returns what it says.
func (r *nfcReader) run(tool string, args ...string) string {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program(r.t, tool), args...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "LIBNFC_DEVICE=pn532_uart:"+r.port.Name())
	cmd.Stdin = strings.NewReader("n\nn\nn\nn\n")
	out, err := cmd.CombinedOutput()
	r.t.Logf("%s %s\n%s", tool, strings.Join(args, " "), out)
	if err != nil {
		r.t.Errorf("%s: %v", tool, err)
	}
	return string(out)
}

func (r *nfcReader) put(name string, b []byte) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), b, 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r *nfcReader) get(name string) []byte {
	r.t.Helper()
	b, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		r.t.Fatal(err)
	}
	return b
}

// lay puts one card on the reader in the place of what lies there.
func (r *nfcReader) lay(cards ...*pn532sim.Card) {
	r.chip.Take()
	r.chip.Present(cards...)
}

// says checks that a tool has said all of these.
func says(t *testing.T, out string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(out, w) {
			t.Errorf("it does not say %q", w)
		}
	}
}

// same compares card and file block by block.
func same(t *testing.T, what string, want, got []byte) {
	t.Helper()
	if len(want) != len(got) {
		t.Errorf("%s: %d bytes, not %d", what, len(got), len(want))
		return
	}
	for i := 0; i < len(want); i += 16 {
		end := min(i+16, len(want))
		if !bytes.Equal(want[i:end], got[i:end]) {
			t.Errorf("%s, bytes %d to %d:\ngot  % X\nwant % X", what, i, end-1, got[i:end], want[i:end])
		}
	}
}

var (
	shortUID = []byte{0xC1, 0xD3, 0x33, 0xEA}
	longUID  = []byte{0x04, 0xA2, 0xB3, 0xC4, 0xD5, 0xE6, 0x80}
)

// filled is a Classic with data everywhere, and keys and open access bits in
// every sector.
func filled(t *testing.T, kind pn532sim.Kind, uid []byte, traits pn532sim.Traits) *pn532sim.Card {
	t.Helper()
	card := pn532sim.NewCard(kind, uid, traits)
	dump := card.Dump()
	random := rand.New(rand.NewPCG(1, uint64(len(dump))))
	for b := 1; b < len(dump)/16; b++ {
		block := dump[16*b : 16*b+16]
		if b < 128 && b%4 == 3 || b >= 128 && b%16 == 15 {
			copy(block, []byte{0xA0, 0xA1, 0xA2, 0xA3, 0xA4, byte(b)})
			copy(block[10:], []byte{0xB0, 0xB1, 0xB2, 0xB3, 0xB4, byte(b)})
			continue
		}
		for i := range block {
			block[i] = byte(random.Uint32())
		}
	}
	if err := card.Load(dump); err != nil {
		t.Fatal(err)
	}
	return card
}

func TestNFCListSeesTheCards(t *testing.T) {
	r := newNFCReader(t)
	says(t, r.run("nfc-scan-device"), "1 NFC device(s) found", r.port.Name())
	if out := r.run("nfc-list"); strings.Contains(out, "ISO14443A passive target") {
		t.Error("a card where none lies")
	}
	classic := pn532sim.NewCard(pn532sim.Classic1K, shortUID, pn532sim.Traits{})
	r.lay(classic)
	says(t, r.run("nfc-list", "-v"), "1 ISO14443A passive target(s) found", "ATQA (SENS_RES): 00  04",
		"UID (NFCID1): c1  d3  33  ea", "SAK (SEL_RES): 08", "MIFARE Classic 1K")
	ntag := pn532sim.NewCard(pn532sim.NTAG213, longUID, pn532sim.Traits{})
	r.lay(classic, pn532sim.NewCard(pn532sim.Classic1K, []byte{1, 2, 3, 4}, pn532sim.Traits{}))
	says(t, r.run("nfc-list", "-t", "1"), "2 ISO14443A passive target(s) found", "c1  d3  33  ea", "01  02  03  04")
	r.lay(pn532sim.NewCard(pn532sim.DESFire, longUID, pn532sim.Traits{}))
	says(t, r.run("nfc-list", "-t", "1"), "SAK (SEL_RES): 20", "ATS: 75  77  81  02  80")
	// It comes late, and goes after the tool has looked at it twice.
	r.lay()
	r.chip.Operator(pn532sim.Visit{Cards: []*pn532sim.Card{ntag}, Tries: 3, Exchanges: 2})
	says(t, r.run("nfc-poll"), "04  a2  b3  c4  d5  e6  80", "Waiting for card removing")
}

func TestNFCAnticollisionByHand(t *testing.T) {
	r := newNFCReader(t)
	r.lay(pn532sim.NewCard(pn532sim.Classic1K, longUID, pn532sim.Traits{}))
	says(t, r.run("nfc-anticol"), "UID: 04a2b3c4d5e680", "ATQA: 0044", "SAK: 08")
}

// The dump is the card, byte for byte, with either key and either length of UID.
func TestNFCDumpsTheCard(t *testing.T) {
	r := newNFCReader(t)
	for _, kind := range []pn532sim.Kind{pn532sim.Classic1K, pn532sim.Classic4K} {
		for _, uid := range [][]byte{shortUID, longUID} {
			card := filled(t, kind, uid, pn532sim.Traits{})
			blocks := len(card.Dump()) / 16
			r.lay(card)
			r.put("keys.mfd", card.Dump())
			says(t, r.run("nfc-mfclassic", "r", "a", "u", "a.mfd", "keys.mfd"), fmt.Sprintf("Done, %d of %d blocks read", blocks, blocks))
			same(t, "dump with key A", card.Dump(), r.get("a.mfd"))
		}
	}
	// Access bits under which key B is a key: data 100, trailer 011.
	card := filled(t, pn532sim.Classic1K, shortUID, pn532sim.Traits{})
	dump := card.Dump()
	for b := 3; b < 64; b += 4 {
		copy(dump[16*b+6:], []byte{0x78, 0x77, 0x88, 0x40})
	}
	if err := card.Load(dump); err != nil {
		t.Fatal(err)
	}
	r.lay(card)
	r.put("keys.mfd", card.Dump())
	says(t, r.run("nfc-mfclassic", "r", "b", "u", "b.mfd", "keys.mfd"), "Done, 64 of 64 blocks read")
	same(t, "dump with key B", card.Dump(), r.get("b.mfd"))
	// The factory's keys are guessed; key B, which was not used, stays unknown.
	blank := pn532sim.NewCard(pn532sim.Classic1K, shortUID, pn532sim.Traits{})
	r.lay(blank)
	says(t, r.run("nfc-mfclassic", "r", "a", "u", "blank.mfd"), "Done, 64 of 64 blocks read")
	want := blank.Dump()
	for b := 3; b < 64; b += 4 {
		clear(want[16*b+10 : 16*b+16])
	}
	same(t, "dump of a blank card", want, r.get("blank.mfd"))
}

// What the tool writes is on the card. nfc-mfclassic of libnfc 1.8.0 writes the
// first block of every sector but the first (and says 60 of 64): the dump
// differs from the card in those.
func TestNFCWritesTheCard(t *testing.T) {
	r := newNFCReader(t)
	card := filled(t, pn532sim.Classic1K, shortUID, pn532sim.Traits{})
	r.lay(card)
	r.put("keys.mfd", card.Dump())
	want := card.Dump()
	for b := 4; b < 64; b += 4 {
		copy(want[16*b:], fmt.Sprintf("room 101 block %d", b%10))
	}
	r.put("new.mfd", want)
	says(t, r.run("nfc-mfclassic", "w", "a", "u", "new.mfd", "keys.mfd"), "Done, 60 of 64 blocks written")
	same(t, "the card", want, card.Dump())
	if n := len(card.Writes()); n != 15 {
		t.Errorf("%d writes", n)
	}
	r.run("nfc-mfclassic", "r", "a", "u", "back.mfd", "keys.mfd")
	same(t, "read back", want, r.get("back.mfd"))
}

// Clones: unlocked by their back door, block 0 and all.
func TestNFCWritesClones(t *testing.T) {
	r := newNFCReader(t)
	card := filled(t, pn532sim.Classic1K, shortUID, pn532sim.Traits{Magic: pn532sim.Gen1a})
	r.lay(card)
	want := card.Dump()
	copy(want, []byte{0x01, 0x02, 0x03, 0x04, 0x04})
	copy(want[16:], "all of the first sector is written, ")
	says(t, r.run("nfc-mfclassic", "R", "a", "u", "open.mfd"), "Card unlocked", "Done, 64 of 64 blocks read")
	same(t, "dump without a key", card.Dump(), r.get("open.mfd"))
	r.put("new.mfd", want)
	says(t, r.run("nfc-mfclassic", "W", "a", "u", "new.mfd"), "Card unlocked", "Done, 64 of 64 blocks written")
	same(t, "the clone", want, card.Dump())
	if !bytes.Equal(card.UID(), []byte{1, 2, 3, 4}) {
		t.Errorf("its UID is % X", card.UID())
	}
	says(t, r.run("nfc-mfsetuid", "0a0b0c0d"), "Card unlocked")
	if !bytes.Equal(card.UID(), []byte{0x0A, 0x0B, 0x0C, 0x0D}) {
		t.Errorf("its UID is % X", card.UID())
	}
}

func TestNFCUltralight(t *testing.T) {
	for _, kind := range []pn532sim.Kind{pn532sim.Ultralight, pn532sim.UltralightE, pn532sim.NTAG213, pn532sim.NTAG215, pn532sim.NTAG216} {
		t.Run(string(kind), func(t *testing.T) {
			r := newNFCReader(t)
			card := pn532sim.NewCard(kind, longUID, pn532sim.Traits{})
			r.lay(card)
			args := []string{"r", "card.mfd"}
			if kind != pn532sim.Ultralight {
				args = append(args, "--pw", "ffffffff") // the tool puts it into the dump
			}
			says(t, r.run("nfc-mfultralight", args...), "0 pages failed")
			same(t, "dump", card.Dump(), r.get("card.mfd"))
			want := card.Dump()
			for i := 16; i < 64; i++ {
				want[i] = byte(3 * i)
			}
			r.put("new.mfd", want)
			says(t, r.run("nfc-mfultralight", "w", "new.mfd"), "0 pages failed")
			same(t, "the card", want, card.Dump())
		})
	}
}
