package keycard

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// vectors are frames worked out by hand, shared as plain data with whoever
// checks the same link: fields joined with "|", then the bytes.
var vectors = []struct{ name, fields, bytes string }{
	{"A1 new key", "CN|1|E|101||||||1400150726|1100170726|AGENT", "02 B3 43 4E B3 31 B3 45 B3 31 30 31 B3 B3 B3 B3 B3 B3 31 34 30 30 31 35 30 37 32 36 B3 31 31 30 30 31 37 30 37 32 36 B3 41 47 45 4E 54 B3 03 A7"},
	{"A2 with serial", "CN|1|E|101||||||1400150726|1100170726|AGENT||||1", "02 B3 43 4E B3 31 B3 45 B3 31 30 31 B3 B3 B3 B3 B3 B3 31 34 30 30 31 35 30 37 32 36 B3 31 31 30 30 31 37 30 37 32 36 B3 41 47 45 4E 54 B3 B3 B3 B3 31 B3 03 96"},
	{"A3 answer with serial", "CN|1|04A2B3C4D5E680", "02 B3 43 4E B3 31 B3 30 34 41 32 42 33 43 34 44 35 45 36 38 30 B3 03 44"},
	{"A4 answer", "CN|1", "02 B3 43 4E B3 31 B3 03 8C"},
	{"A5 copy", "CC|1|E|101|||||||1100170726|AGENT", "02 B3 43 43 B3 31 B3 45 B3 31 30 31 B3 B3 B3 B3 B3 B3 B3 31 31 30 30 31 37 30 37 32 36 B3 41 47 45 4E 54 B3 03 A8"},
	{"A6 named encoder", "CN|Online Encoder 1|R|Room 1", "02 B3 43 4E B3 4F 6E 6C 69 6E 65 20 45 6E 63 6F 64 65 72 20 31 B3 52 B3 52 6F 6F 6D 20 31 B3 03 8B"},
	{"A7 check-out", "CO|0|101", "02 B3 43 4F B3 30 B3 31 30 31 B3 03 0F"},
	{"A8 its answer", "CO|0", "02 B3 43 4F B3 30 B3 03 8C"},
	{"A9 read", "LT|1|E", "02 B3 4C 54 B3 31 B3 45 B3 03 6F"},
	{"A10 guest card", "LT|1|101||||CI|0||1400150726|1100170726|AGENT", "02 B3 4C 54 B3 31 B3 31 30 31 B3 B3 B3 B3 43 49 B3 30 B3 B3 31 34 30 30 31 35 30 37 32 36 B3 31 31 30 30 31 37 30 37 32 36 B3 41 47 45 4E 54 B3 03 CD"},
	{"A11 expired card", "LT|1|LC", "02 B3 4C 54 B3 31 B3 4C 43 B3 03 25"},
	{"A12 no card", "EP|1", "02 B3 45 50 B3 31 B3 03 94"},
	{"A13 busy", "OV|1", "02 B3 4F 56 B3 31 B3 03 98"},
	{"A14 unknown room", "TD|1", "02 B3 54 44 B3 31 B3 03 91"},
	{"A15 syntax", "ES|1", "02 B3 45 53 B3 31 B3 03 97"},
	{"A16 general error", "EG|1|KEY FAIL", "02 B3 45 47 B3 31 B3 4B 45 59 20 46 41 49 4C B3 03 45"},
	{"B1 Onity new key and a copy", "CN2|2|E|101|||||||11170726|AGENT", "02 B3 43 4E 32 B3 32 B3 45 B3 31 30 31 B3 B3 B3 B3 B3 B3 B3 31 31 31 37 30 37 32 36 B3 41 47 45 4E 54 B3 03 94"},
	{"B2 Onity two rooms", "CN1|2|E|101|102|||12|3|14150726|11170726|AGENT", "02 B3 43 4E 31 B3 32 B3 45 B3 31 30 31 B3 31 30 32 B3 B3 B3 31 32 B3 33 B3 31 34 31 35 30 37 32 36 B3 31 31 31 37 30 37 32 36 B3 41 47 45 4E 54 B3 03 96"},
	{"B3 Onity answer with serial", "CN1|2|7B887824", "02 B3 43 4E 31 B3 32 B3 37 42 38 38 37 38 32 34 B3 03 71"},
	{"B4 Onity check-out", "CO|0|RM101", "02 B3 43 4F B3 30 B3 52 4D 31 30 31 B3 03 10"},
	{"worked check", "CO|0", "02 B3 43 4F B3 30 B3 03 8C"},
	{"check byte STX", "CO|0|148", "02 B3 43 4F B3 30 B3 31 34 38 B3 03 02"},
	{"check byte ETX", "CO|0|149", "02 B3 43 4F B3 30 B3 31 34 39 B3 03 03"},
	{"check byte ENQ", "CO|0|129", "02 B3 43 4F B3 30 B3 31 32 39 B3 03 05"},
	{"check byte ACK", "CO|0|9", "02 B3 43 4F B3 30 B3 39 B3 03 06"},
	{"check byte ACK, one field", "VS", "02 B3 56 53 B3 03 06"},
	{"check byte wildcard", "CO|0|2", "02 B3 43 4F B3 30 B3 32 B3 03 0D"},
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// tokens feeds pieces to a parser and gives what it made of them.
func tokens(p *parser, pieces ...[]byte) []token {
	var all []token
	for _, piece := range pieces {
		for _, b := range piece {
			if tok, ok := p.feed(b); ok {
				all = append(all, tok)
			}
		}
	}
	return all
}

func frames(all []token) []string {
	var found []string
	for _, tok := range all {
		if tok.kind == kindFrame {
			found = append(found, strings.Join(tok.fields, "|"))
		}
	}
	return found
}

func TestWorkedFrames(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			want := unhex(t, v.bytes)
			got, err := standardFraming.appendFrame(nil, strings.Split(v.fields, "|")...)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("built % X (%v), want % X", got, err, want)
			}
			// Between an ACK and another one, split at every boundary, strictly checked.
			stream := append(append([]byte{ack}, want...), ack)
			for cut := range len(stream) + 1 {
				p := &parser{form: &standardFraming}
				all := tokens(p, stream[:cut], stream[cut:])
				if len(all) != 3 || !all[0].is(ack) || !all[2].is(ack) {
					t.Fatalf("cut at %d: got %+v, want ACK, frame, ACK", cut, all)
				}
				if diff := cmp.Diff([]string{v.fields}, frames(all)); diff != "" {
					t.Fatalf("cut at %d:\n%s", cut, diff)
				}
			}
		})
	}
}

func TestParser(t *testing.T) {
	good := "02 B3 43 4E B3 31 B3 03 8C"
	for _, tc := range []struct {
		name, in string
		strict   bool
		want     []string
		kinds    string
	}{
		{"no separator at the end", "02 B3 43 4E B3 31 03 3F", false, []string{"CN|1"}, "frame"},
		{"wildcard accepted", "02 B3 43 4E B3 31 B3 03 0D", false, []string{"CN|1"}, "frame"},
		{"wildcard not accepted", "02 B3 43 4E B3 31 B3 03 0D", true, nil, "damaged"},
		{"wrong check byte", "02 B3 43 4E B3 31 B3 03 8D", false, nil, "damaged"},
		{"no separator at the start", "02 43 4E B3 31 B3 03 3F", false, nil, "damaged"},
		{"control byte inside", "02 B3 43 06 B3 31 B3 03 C4", false, nil, "damaged"},
		{"broken off, then whole", "02 B3 43 4E " + good, false, []string{"CN|1"}, "truncated frame"},
		{"two starts", "02 " + good, false, []string{"CN|1"}, "frame"},
		{"start lost: its check byte is no control byte", "B3 4F B3 39 B3 03 06 " + good, false, []string{"CN|1"}, "noise noise noise noise noise noise noise frame"},
		{"empty", "02 03 03", false, nil, "damaged"},
		{"two in one read", good + good, false, []string{"CN|1", "CN|1"}, "frame frame"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			all := tokens(&parser{form: &standardFraming, acceptWildcard: !tc.strict}, unhex(t, tc.in))
			var kinds []string
			for _, tok := range all {
				kinds = append(kinds, string(tok.kind))
			}
			if diff := cmp.Diff(tc.want, frames(all)); diff != "" {
				t.Error(diff)
			}
			if got := strings.Join(kinds, " "); got != tc.kinds {
				t.Errorf("got %s, want %s", got, tc.kinds)
			}
		})
	}
}

func TestAppendFrameRefuses(t *testing.T) {
	for name, fields := range map[string][]string{
		"nothing":       nil,
		"separator":     {"CN", "a\xb3b"},
		"control byte":  {"CN", "a\x02b"},
		"not ASCII":     {"CN", "Müller"},
		"beyond limits": {"CN", strings.Repeat("x", maxFrame)},
	} {
		if got, err := standardFraming.appendFrame([]byte{1}, fields...); err == nil || len(got) != 1 {
			t.Errorf("%s: got % X, %v, want an error and nothing added", name, got, err)
		}
	}
}

func TestParserIsBounded(t *testing.T) {
	p := &parser{form: &standardFraming}
	p.feed(stx)
	for range 16 << 20 {
		p.feed('x')
	}
	if cap(p.body) > 2*maxFrame {
		t.Errorf("an endless frame holds %d bytes", cap(p.body))
	}
	good := unhex(t, vectors[3].bytes)
	if got := frames(tokens(p, good)); len(got) != 1 {
		t.Errorf("after an endless frame: got %q, want the next frame", got)
	}
}

func TestEncodeParseIdentity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fields := rapid.SliceOfN(rapid.StringMatching(`[ -~]{0,30}`), 1, 20).Draw(t, "fields")
		b, err := standardFraming.appendFrame(nil, fields...)
		if err != nil {
			t.Fatal(err)
		}
		all := tokens(&parser{form: &standardFraming}, b)
		if len(all) != 1 || all[0].kind != kindFrame {
			t.Fatalf("got %+v", all)
		}
		if diff := cmp.Diff(fields, all[0].fields); diff != "" {
			t.Fatal(diff)
		}
	})
}

func FuzzParser(f *testing.F) {
	for _, v := range vectors {
		b, _ := hex.DecodeString(strings.ReplaceAll(v.bytes, " ", ""))
		f.Add(b)
	}
	good := []byte{stx, sep, 'C', 'N', sep, '1', sep, etx, 0x8C}
	f.Fuzz(func(t *testing.T, garbage []byte) {
		p := &parser{form: &standardFraming, acceptWildcard: true}
		tokens(p, garbage)
		if cap(p.body) > 2*maxFrame+64 {
			t.Fatalf("holds %d bytes", cap(p.body))
		}
		// Whatever came before may swallow one frame, never two.
		if got := frames(tokens(p, good, good)); len(got) == 0 || got[len(got)-1] != "CN|1" {
			t.Fatalf("after % X: got %q", garbage, got)
		}
		// Whatever is taken for a frame can be built again.
		for _, tok := range tokens(&parser{form: &standardFraming}, garbage) {
			if tok.kind != kindFrame {
				continue
			}
			if b, err := standardFraming.appendFrame(nil, tok.fields...); err == nil && frames(tokens(&parser{form: &standardFraming}, b)) == nil {
				t.Fatalf("fields %q do not survive", tok.fields)
			}
		}
	})
}
