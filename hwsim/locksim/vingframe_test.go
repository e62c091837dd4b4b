package locksim

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// vingWorked are the worked frames of VingCard's link, computed by hand; the
// text is the body, fields written with bars.
var vingWorked = []struct{ name, text, hex string }{
	{"V1 new key", "0100I|R101|TSingle Room|UGuest|D202607151400|O202607171100|C1", "02 30 31 30 30 49 1E 52 31 30 31 1E 54 53 69 6E 67 6C 65 20 52 6F 6F 6D 1E 55 47 75 65 73 74 1E 44 32 30 32 36 30 37 31 35 31 34 30 30 1E 4F 32 30 32 36 30 37 31 37 31 31 30 30 1E 43 31 03 32 33"},
	{"V2 additional key", "0100H|R101|C1", "02 30 31 30 30 48 1E 52 31 30 31 1E 43 31 03 35 41"},
	{"V3 read", "0100E", "02 30 31 30 30 45 03 34 37"},
	{"V4 check-out", "0100B|R101", "02 30 31 30 30 42 1E 52 31 30 31 03 33 43"},
	{"V5 answer ok", "00010", "02 30 30 30 31 30 03 33 32"},
	{"V5 with serial", "00010|S04A2B3C4", "02 30 30 30 31 30 1E 53 30 34 41 32 42 33 43 34 03 30 45"},
	{"V6 no card", "00018", "02 30 30 30 31 38 03 33 41"},
	{"V6 device busy", "00015", "02 30 30 30 31 35 03 33 37"},
	{"V7 answer to read", "00010|R101|TSingle Room|UGuest|D202607151400|O202607171100", "02 30 30 30 31 30 1E 52 31 30 31 1E 54 53 69 6E 67 6C 65 20 52 6F 6F 6D 1E 55 47 75 65 73 74 1E 44 32 30 32 36 30 37 31 35 31 34 30 30 1E 4F 32 30 32 36 30 37 31 37 31 31 30 30 03 33 36"},
}

// vingScan pushes bytes and returns the tokens.
func vingScan(b []byte) []token {
	sc := scanner{checks: 2}
	var out []token
	for _, c := range b {
		if t, ok := sc.push(c); ok {
			out = append(out, t)
		}
	}
	return out
}

func TestVingWorkedFrames(t *testing.T) {
	for _, w := range vingWorked {
		t.Run(w.name, func(t *testing.T) {
			raw := unhex(t, w.hex)
			if got := vingWire(w.text); !bytes.Equal(got, raw) {
				t.Errorf("the test builds % X", got)
			}
			got := vingScan(append(raw, 0x05))
			if len(got) != 2 || got[0].kind != tokFrame || got[1].kind != tokENQ {
				t.Fatalf("tokens %v", got)
			}
			if !soundVing(got[0], true) || string(got[0].body) != strings.ReplaceAll(w.text, "|", "\x1E") {
				t.Errorf("scanned %v", got[0])
			}
			parts := strings.Split(w.text, "|")
			fields := append([]string{parts[0][4:], ""}, parts[1:]...)
			if strings.HasPrefix(w.text, pmsAddress) { // an answer
				fields[1] = w.text[2:4]
				if got := renderVing(fields, shape{}); !bytes.Equal(got, raw) {
					t.Errorf("rendered % X\nwant     % X", got, raw)
				}
				return
			}
			fields[1] = w.text[:2]
			if opened, ok := openVing(got[0].body); !ok || cmp.Diff(fields, opened) != "" {
				t.Errorf("opened %q %v, want %q", opened, ok, fields)
			}
		})
	}
}

func TestVingChecksAreUpperCase(t *testing.T) {
	raw := unhex(t, "02 30 31 30 30 48 1E 52 31 30 31 1E 43 31 03 35 41")
	for _, tt := range []struct {
		last string
		want bool
	}{{"5A", true}, {"5a", false}, {"5B", false}, {"\x0D\x0D", false}} {
		frame := append(slices.Clone(raw[:len(raw)-2]), tt.last...)
		if got := soundVing(vingScan(frame)[0], false); got != tt.want {
			t.Errorf("check %q: %v", tt.last, got)
		}
	}
}

func TestVingMalformedFrames(t *testing.T) {
	for _, body := range []string{"", "0100", "0x00I", "0102I", "0100II", "0100I|", "0100I||R101", "010I|R101"} {
		if f, ok := openVing([]byte(strings.ReplaceAll(body, "|", "\x1E"))); ok {
			t.Errorf("%q gave %q", body, f)
		}
	}
}

func TestVingRequestsAreRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fields := rapid.SliceOfN(rapid.StringMatching(`[A-Z12][ -{]{0,30}`), 0, 12).Draw(t, "fields")
		address := rapid.StringMatching(`[0-9]{2}`).Draw(t, "address")
		letter := rapid.StringMatching(`[A-Z]`).Draw(t, "letter")
		body := strings.Join(append([]string{address + "00" + letter}, fields...), "\x1E")
		got := vingScan(vingWire(body))
		if len(got) != 1 || !soundVing(got[0], true) {
			t.Fatalf("tokens %v", got)
		}
		opened, ok := openVing(got[0].body)
		if want := append([]string{letter, address}, fields...); !ok || !slices.Equal(want, opened) {
			t.Fatalf("got %q, want %q", opened, want)
		}
	})
}

// FuzzVingCard feeds bytes to the scanner of VingCard's link, and what it finds
// to the reader of commands.
func FuzzVingCard(f *testing.F) {
	for _, w := range vingWorked {
		b := vingWire(w.text)
		f.Add(b)
		f.Add(b[:len(b)-1])
	}
	f.Add(vingWire("0100C|R101|TX|R102|TY"))
	s := New(quick(nil))
	f.Cleanup(func() { s.Close() })
	f.Fuzz(func(t *testing.T, b []byte) {
		sc := scanner{checks: 2}
		for _, c := range b {
			tok, ok := sc.push(c)
			if len(sc.body) > maxBody {
				t.Fatalf("kept %d bytes of one frame", len(sc.body))
			}
			if !ok || tok.kind != tokFrame {
				continue
			}
			soundVing(tok, false)
			fields, ok := openVing(tok.body)
			if !ok {
				continue
			}
			j, code, wrong := readVing(s, fields)
			if (code == "") != (wrong == "") {
				t.Fatalf("%q: code %q without a reason, or the reverse: %q", fields, code, wrong)
			}
			if code == "" && j.count > 99 {
				t.Fatalf("%q asks for %d cards", fields, j.count)
			}
		}
		// Whatever came, two frames later the scanner is in step again.
		frame := vingWire("0100E")
		var last token
		for _, c := range append(slices.Clone(frame), frame...) {
			if tok, ok := sc.push(c); ok {
				last = tok
			}
		}
		if last.kind != tokFrame || !bytes.Equal(last.body, []byte("0100E")) {
			t.Fatalf("out of step after % X: %v", b, last)
		}
	})
}

// FuzzCommands feeds fields to the readers of the Industry Standard link.
func FuzzCommands(f *testing.F) {
	for _, w := range worked {
		f.Add(w.fields)
	}
	s := New(quick(nil))
	f.Cleanup(func() { s.Close() })
	f.Fuzz(func(t *testing.T, v string) {
		for _, l := range []*limits{saltoLimits(), onityLimits(OnitySite{}.withDefaults())} {
			j, code, wrong := l.read(s, strings.Split(v, "|"))
			if (code == "") != (wrong == "") {
				t.Fatalf("%q: code %q, reason %q", v, code, wrong)
			}
			if code == "" && (j.verb == "" || len(j.rooms) > 4) {
				t.Fatalf("%q became %+v", v, j)
			}
		}
	})
}
