package pn532

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// vectors are frames worked out by hand, shared as plain data with whoever
// stands in for the chip.
var vectors = []struct {
	name, bytes string
	tfi         byte
	data        string
}{
	{"P1 GetFirmwareVersion", "00 00 FF 02 FE D4 02 2A 00", 0xD4, "02"},
	{"P1 answer", "00 00 FF 06 FA D5 03 32 01 06 07 E8 00", 0xD5, "03 32 01 06 07"},
	{"P2 SAMConfiguration", "00 00 FF 03 FD D4 14 01 17 00", 0xD4, "14 01"},
	{"P2 answer", "00 00 FF 02 FE D5 15 16 00", 0xD5, "15"},
	{"P3 retries", "00 00 FF 06 FA D4 32 05 FF 01 10 E5 00", 0xD4, "32 05 FF 01 10"},
	{"P3 answer", "00 00 FF 02 FE D5 33 F8 00", 0xD5, "33"},
	{"P4 list one card", "00 00 FF 04 FC D4 4A 01 00 E1 00", 0xD4, "4A 01 00"},
	{"P5 Classic 1K", "00 00 FF 0C F4 D5 4B 01 01 00 04 08 04 C1 D3 33 EA 1D 00", 0xD5, "4B 01 01 00 04 08 04 C1 D3 33 EA"},
	{"P6 NTAG21x", "00 00 FF 0F F1 D5 4B 01 01 00 44 00 07 04 A2 B3 C4 D5 E6 80 3B 00", 0xD5, "4B 01 01 00 44 00 07 04 A2 B3 C4 D5 E6 80"},
	{"P7 no card", "00 00 FF 03 FD D5 4B 00 E0 00", 0xD5, "4B 00"},
	{"P8 authenticate", "00 00 FF 0F F1 D4 40 01 60 04 FF FF FF FF FF FF C1 D3 33 EA DC 00", 0xD4, "40 01 60 04 FF FF FF FF FF FF C1 D3 33 EA"},
	{"P9 ok", "00 00 FF 03 FD D5 41 00 EA 00", 0xD5, "41 00"},
	{"P9 authentication failed", "00 00 FF 03 FD D5 41 14 D6 00", 0xD5, "41 14"},
	{"P9 card silent", "00 00 FF 03 FD D5 41 01 E9 00", 0xD5, "41 01"},
	{"P10 read", "00 00 FF 05 FB D4 40 01 30 04 B7 00", 0xD4, "40 01 30 04"},
	{"P11 Classic write", "00 00 FF 15 EB D4 40 01 A0 04 00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F CF 00", 0xD4, "40 01 A0 04 00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F"},
	{"P12 NTAG write", "00 00 FF 09 F7 D4 40 01 A2 04 03 0F D1 01 61 00", 0xD4, "40 01 A2 04 03 0F D1 01"},
	{"P13 field off", "00 00 FF 04 FC D4 32 01 00 F9 00", 0xD4, "32 01 00"},
	{"P14 release all", "00 00 FF 03 FD D4 52 00 DA 00", 0xD4, "52 00"},
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// decode gives what a decoder makes of pieces, one after another.
func decode(pieces ...[]byte) []Frame {
	var d decoder
	var all []Frame
	for _, piece := range pieces {
		d.feed(piece)
		for f, ok := d.next(); ok; f, ok = d.next() {
			all = append(all, f)
		}
	}
	return all
}

var frames = cmp.AllowUnexported(Frame{})

func TestWorkedFrames(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			want, data := unhex(t, v.bytes), unhex(t, v.data)
			got, err := appendFrame(nil, v.tfi, data...)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("built % X (%v), want % X", got, err, want)
			}
			// Between an ACK and a NACK, split at every boundary.
			stream := append(append(ackFrame[:], want...), nackFrame[:]...)
			for cut := range len(stream) + 1 {
				all := []Frame{{kind: kindAck}, {kind: kindData, tfi: v.tfi, data: data}, {kind: kindNack}}
				if diff := cmp.Diff(all, decode(stream[:cut], stream[cut:]), frames); diff != "" {
					t.Fatalf("cut at %d:\n%s", cut, diff)
				}
			}
		})
	}
}

func TestDecoder(t *testing.T) {
	ok := Frame{kind: kindData, tfi: tfiChip, data: []byte{0x15}}
	for _, tc := range []struct {
		name, in string
		want     []Frame
	}{
		{"ACK", "00 00 FF 00 FF 00", []Frame{{kind: kindAck}}},
		{"NACK", "00 00 FF FF 00 00", []Frame{{kind: kindNack}}},
		{"error frame", "00 00 FF 01 FF 7F 81 00", []Frame{{kind: kindError}}},
		{"no preamble, no postamble", "00 FF 02 FE D5 15 16", []Frame{ok}},
		{"long preamble", "00 00 00 00 00 00 FF 02 FE D5 15 16 00 00 00", []Frame{ok}},
		{"extended", "00 00 FF FF FF 00 02 FE D5 15 16 00", []Frame{ok}},
		{"extended, wrong length check", "00 00 FF FF FF 00 02 FD D5 15 16 00 00 FF 02 FE D5 15 16", []Frame{ok}},
		{"extended, longer than a frame can be", "00 00 FF FF FF 01 0A F5 00 FF 02 FE D5 15 16", []Frame{ok}},
		{"wrong checksum", "00 00 FF 02 FE D5 15 17 00", []Frame{{kind: kindDamaged}}},
		{"wrong length check", "00 00 FF 02 FD D5 15 16 00 00 00 FF 02 FE D5 15 16 00", []Frame{ok}},
		{"start code twice", "00 FF 00 FF 02 FE D5 15 16", []Frame{{kind: kindAck}}},
		{"garbage before", "55 FF 12 00 FF 00 00 FF 02 FE D5 15 16 00", []Frame{ok}},
		{"wake-up echo before", "55 55 00 00 00 00 00 FF 02 FE D5 15 16 00", []Frame{ok}},
		{"a frame inside a damaged one is no frame", "00 00 FF 08 F8 D5 41 00 00 FF 00 FF 00 16 00", []Frame{{kind: kindDamaged}}},
		{"two in one read", "00 00 FF 00 FF 00 00 00 FF 02 FE D5 15 16 00", []Frame{{kind: kindAck}, ok}},
		{"truncated", "00 00 FF 02 FE D5", nil},
		{"empty content", "00 00 FF FF FF 00 00 00 00 00 FF 02 FE D5 15 16", []Frame{ok}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, decode(unhex(t, tc.in)), frames); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAppendFrameBounds(t *testing.T) {
	if got, err := appendFrame([]byte{1}, tfiHost, make([]byte, maxContent)...); len(got) != 1 || err == nil ||
		err.Error() != "frame with 265 bytes of data: at most 264 can be sent" {
		t.Errorf("got % X, %v", got, err)
	}
	for _, n := range []int{253, 254, 255, 264} {
		b, err := appendFrame(nil, tfiHost, make([]byte, n)...)
		if err != nil {
			t.Fatal(err)
		}
		if extended := bytes.HasPrefix(b, []byte{0, 0, 0xFF, 0xFF, 0xFF}); extended != (n > 254) {
			t.Errorf("%d bytes of data: extended is %t", n, extended)
		}
	}
}

func TestEncodeDecodeIdentity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tfi := rapid.SampledFrom([]byte{tfiHost, tfiChip}).Draw(t, "tfi")
		data := rapid.SliceOfN(rapid.Byte(), 1, maxContent-1).Draw(t, "data")
		b, err := appendFrame(rapid.SliceOfN(rapid.Just(byte(0)), 0, 5).Draw(t, "preamble"), tfi, data...)
		if err != nil {
			t.Fatal(err)
		}
		cut := rapid.IntRange(0, len(b)).Draw(t, "cut")
		if diff := cmp.Diff([]Frame{{kind: kindData, tfi: tfi, data: data}}, decode(b[:cut], b[cut:]), frames); diff != "" {
			t.Fatal(diff)
		}
	})
}

// One wrong byte is never a different frame with content: the length has a
// check of its own, and the content another.
func TestOneWrongByteIsNoOtherFrame(t *testing.T) {
	for _, v := range vectors {
		good := unhex(t, v.bytes)
		for at := range good {
			for wrong := range 256 {
				bad := bytes.Clone(good)
				bad[at] = byte(wrong)
				for _, f := range decode(bad) {
					if f.kind == kindData && !bytes.Equal(f.data, unhex(t, v.data)) {
						t.Fatalf("%s: byte %d as %02X reads as % X", v.name, at, wrong, f.data)
					}
				}
			}
		}
	}
}

func FuzzDecoder(f *testing.F) {
	for _, v := range vectors {
		f.Add(unhex(f, v.bytes))
	}
	good := unhex(f, vectors[3].bytes)
	f.Fuzz(func(t *testing.T, garbage []byte) {
		var d decoder
		d.feed(garbage)
		for found, ok := d.next(); ok; found, ok = d.next() {
			if found.kind != kindData {
				continue
			}
			// Whatever is taken for a frame can be built again.
			b, err := appendFrame(nil, found.tfi, found.data...)
			if err != nil {
				t.Fatal(err)
			}
			if again := decode(b); len(again) != 1 || !cmp.Equal(again[0], found, frames) {
				t.Fatalf("% X reads as %+v", b, again)
			}
		}
		if len(d.buf) > maxContent+16 {
			t.Fatalf("holds %d bytes", len(d.buf))
		}
		// Whatever came before swallows one frame at most.
		d.feed(make([]byte, maxContent+16))
		for _, ok := d.next(); ok; _, ok = d.next() {
		}
		d.feed(good)
		if found, ok := d.next(); !ok || found.kind != kindData || found.data[0] != 0x15 {
			t.Fatalf("after % X: got %+v", garbage, found)
		}
	})
}

// What an adapter with echo sends back of a wake-up, and what stands around
// frames, is no noise.
func TestWhatIsNoise(t *testing.T) {
	for _, tc := range []struct {
		fed  []byte
		want int
	}{
		{wakeUp[:], 0}, {append(slices.Clone(ackFrame[:]), 0x00, 0x00), 0}, {[]byte{0x80, 0xE0, 0xF8, 0x00}, 3},
		{append([]byte{0xFE, 0x55}, ackFrame[:]...), 1},
	} {
		var d decoder
		d.feed(tc.fed)
		for _, ok := d.next(); ok; _, ok = d.next() {
		}
		if d.noise != tc.want {
			t.Errorf("% X: %d bytes of noise, want %d", tc.fed, d.noise, tc.want)
		}
		if d.reset(); d.noise != 0 {
			t.Error("a reset forgets nothing")
		}
	}
}
