package pn532sim

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// worked are frames from public tables and computed by hand: what the host
// sends, from the command code on, and the same on the wire.
var worked = []struct{ name, data, hex string }{
	{"P1 firmware", "02", "00 00 FF 02 FE D4 02 2A 00"},
	{"P2 SAMConfiguration", "14 01", "00 00 FF 03 FD D4 14 01 17 00"},
	{"P3 retries", "32 05 FF 01 10", "00 00 FF 06 FA D4 32 05 FF 01 10 E5 00"},
	{"P4 list one", "4A 01 00", "00 00 FF 04 FC D4 4A 01 00 E1 00"},
	{"P8 authenticate", "40 01 60 04 FF FF FF FF FF FF C1 D3 33 EA", "00 00 FF 0F F1 D4 40 01 60 04 FF FF FF FF FF FF C1 D3 33 EA DC 00"},
	{"P10 read", "40 01 30 04", "00 00 FF 05 FB D4 40 01 30 04 B7 00"},
	{"P11 write", "40 01 A0 04 00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F", "00 00 FF 15 EB D4 40 01 A0 04 00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F CF 00"},
	{"P12 write page", "40 01 A2 04 03 0F D1 01", "00 00 FF 09 F7 D4 40 01 A2 04 03 0F D1 01 61 00"},
	{"P13 field off", "32 01 00", "00 00 FF 04 FC D4 32 01 00 F9 00"},
	{"P14 release all", "52 00", "00 00 FF 03 FD D4 52 00 DA 00"},
}

// answers are what the chip sends, from the response code on.
var answers = []struct{ name, data, hex string }{
	{"P1 firmware", "03 32 01 06 07", "00 00 FF 06 FA D5 03 32 01 06 07 E8 00"},
	{"P2 SAMConfiguration", "15", "00 00 FF 02 FE D5 15 16 00"},
	{"P3 retries", "33", "00 00 FF 02 FE D5 33 F8 00"},
	{"P5 Classic", "4B 01 01 00 04 08 04 C1 D3 33 EA", "00 00 FF 0C F4 D5 4B 01 01 00 04 08 04 C1 D3 33 EA 1D 00"},
	{"P6 NTAG", "4B 01 01 00 44 00 07 04 A2 B3 C4 D5 E6 80", "00 00 FF 0F F1 D5 4B 01 01 00 44 00 07 04 A2 B3 C4 D5 E6 80 3B 00"},
	{"P7 no card", "4B 00", "00 00 FF 03 FD D5 4B 00 E0 00"},
	{"P9 ok", "41 00", "00 00 FF 03 FD D5 41 00 EA 00"},
	{"P9 refused", "41 14", "00 00 FF 03 FD D5 41 14 D6 00"},
	{"P9 silent", "41 01", "00 00 FF 03 FD D5 41 01 E9 00"},
}

// specials are the frames without data.
var specials = []struct {
	name string
	got  []byte
	hex  string
}{
	{"ACK", ackFrame(), "00 00 FF 00 FF 00"},
	{"error", errorFrame(), "00 00 FF 01 FF 7F 81 00"},
}

func TestWorkedFrames(t *testing.T) {
	for _, s := range specials {
		if !bytes.Equal(s.got, unhex(s.hex)) {
			t.Errorf("%s: % X", s.name, s.got)
		}
	}
	for _, w := range worked {
		var sc scanner
		got := sc.push(unhex(w.hex))
		want := []token{{kind: tokFrame, data: append([]byte{0xD4}, unhex(w.data)...)}}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(token{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", w.name, diff)
		}
	}
	for _, a := range answers {
		if got := render(unhex(a.data), shape{}); !bytes.Equal(got, unhex(a.hex)) {
			t.Errorf("%s: % X", a.name, got)
		}
	}
}

func kinds(tokens []token) (out []tokenKind) {
	for _, k := range tokens {
		out = append(out, k.kind)
	}
	return out
}

func TestScanner(t *testing.T) {
	firmware := "00 00 FF 02 FE D4 02 2A 00"
	for _, tt := range []struct {
		name, hex string
		want      []tokenKind
	}{
		{"ACK", "00 00 FF 00 FF 00", []tokenKind{tokACK}},
		{"NACK", "00 00 FF FF 00 00", []tokenKind{tokNACK}},
		{"long preamble", "00 00 00 00 " + firmware, []tokenKind{tokFrame}},
		{"no preamble, no postamble", "00 FF 02 FE D4 02 2A", []tokenKind{tokFrame}},
		{"two in a row", firmware + firmware, []tokenKind{tokFrame, tokFrame}},
		{"wake-up before", "55 55 00 00 00 " + firmware, []tokenKind{tokFrame}},
		{"garbage before", "80 12 FF 34 " + firmware, []tokenKind{tokFrame}},
		{"wrong LCS, then a good one", "00 00 FF 02 FF D4 02 2A 00" + firmware, []tokenKind{tokBadLCS, tokFrame}},
		{"wrong DCS, then a good one", "00 00 FF 02 FE D4 02 2B 00" + firmware, []tokenKind{tokBadDCS, tokFrame}},
		{"extended", "00 00 FF FF FF 00 02 FE D4 02 2A 00", []tokenKind{tokFrame}},
		{"extended, wrong LCS", "00 00 FF FF FF 00 02 FF D4 02 2A 00", []tokenKind{tokBadLCS}},
		{"too long", "00 00 FF FF FF 01 0A F5", []tokenKind{tokLong}},
		{"a cut frame takes from what follows, and gives it back", "00 00 FF 0F F1 D4 40 01" + firmware + firmware, []tokenKind{tokBadDCS, tokFrame, tokFrame}},
		{"unfinished", "00 00 FF 02 FE D4", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var whole, single scanner
			got := kinds(whole.push(unhex(tt.hex)))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("in one piece (-want +got):\n%s", diff)
			}
			var bytewise []tokenKind
			for _, b := range unhex(tt.hex) {
				bytewise = append(bytewise, kinds(single.push([]byte{b}))...)
			}
			if diff := cmp.Diff(tt.want, bytewise); diff != "" {
				t.Errorf("byte by byte (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFramesOfAnyLength(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 0, maxData-1).Draw(t, "data")
		sh := shape{
			extended: rapid.Bool().Draw(t, "extended"), preamble: rapid.IntRange(0, 5).Draw(t, "preamble"),
			bare: rapid.Bool().Draw(t, "bare"), tfi: tfiHost,
		}
		raw := render(data, sh)
		cut := rapid.IntRange(0, len(raw)).Draw(t, "cut")
		var sc scanner
		got := append(sc.push(raw[:cut]), sc.push(raw[cut:])...)
		if len(got) != 1 || got[0].kind != tokFrame || !bytes.Equal(got[0].data[1:], data) {
			t.Fatalf("% X became %v", raw, got)
		}
	})
}

func FuzzScanner(f *testing.F) {
	for _, w := range worked {
		f.Add(unhex(w.hex))
	}
	f.Add(unhex("55 55 00 00 00 00 00 FF 03 FD D4 14 01 17 00"))
	f.Add(unhex("00 FF FF FF 01 09 F6"))
	firmware := unhex("00 00 FF 02 FE D4 02 2A 00")
	f.Fuzz(func(t *testing.T, b []byte) {
		var sc scanner
		for _, k := range sc.push(b) {
			if k.kind == tokFrame && (len(k.data) == 0 || len(k.data) > maxData) {
				t.Fatalf("a frame of %d bytes", len(k.data))
			}
		}
		if len(sc.buf) > maxData+16 {
			t.Fatalf("%d bytes are kept", len(sc.buf))
		}
		// However the garbage ends, it swallows no more than the longest frame.
		for range maxData/len(firmware) + 2 {
			for _, k := range sc.push(firmware) {
				if k.kind == tokFrame && bytes.Equal(k.data, []byte{0xD4, 0x02}) {
					return
				}
			}
		}
		t.Fatalf("out of step after % X", b)
	})
}
