package keycard

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestLines(t *testing.T) {
	at := time.Date(2026, 7, 15, 14, 0, 0, 4210000, time.UTC)
	for want, l := range map[string]Line{
		"2026-07-15T14:00:00.004210Z > ENQ":                     {At: at, Dir: Sent, Kind: KindENQ},
		"2026-07-15T14:00:00.004210Z < NAK":                     {At: at, Dir: Received, Kind: KindNAK},
		"2026-07-15T14:00:00.004210Z > frame CN|1||Suite 1|<5>": {At: at, Dir: Sent, Kind: KindFrame, Fields: []Field{{Text: "CN"}, {Text: "1"}, {}, {Text: "Suite 1"}, {Hidden: 5}}},
		`2026-07-15T14:00:00.004210Z < frame 00010|S<8>|a\x7cb`: {At: at, Dir: Received, Kind: KindFrame, Fields: []Field{{Text: "00010"}, {Text: "S", Hidden: 8}, {Text: "a|b"}}},
		"2026-07-15T14:00:00.004210Z < wildcard CN|1":           {At: at, Dir: Received, Kind: KindWildcard, Fields: []Field{{Text: "CN"}, {Text: "1"}}},
		"2026-07-15T14:00:00.004210Z < damaged 7":               {At: at, Dir: Received, Kind: KindDamaged, Size: 7},
		"2026-07-15T14:00:00.004210Z < truncated 0":             {At: at, Dir: Received, Kind: KindTruncated},
		"2026-07-15T14:00:00.004210Z < noise 80 .. ff":          {At: at, Dir: Received, Kind: KindNoise, Noise: []int{0x80, HiddenByte, 0xFF}},
		"2026-07-15T14:00:00.004210Z # the line was cut":        {At: at, Dir: Noted, Text: "the line was cut"},
	} {
		if got := l.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		back, err := ParseLine(want)
		if err != nil {
			t.Errorf("%s: %v", want, err)
		}
		if diff := cmp.Diff(l, back); diff != "" {
			t.Errorf("%s: %s", want, diff)
		}
	}
	const head = "2026-07-15T14:00:00.004210Z "
	for text, want := range map[string]string{
		"":                              `"" is no line of a transcript: it begins with no time`,
		"# edgeagent transcript 1":      `"# edgeagent transcript 1" is no line of a transcript: it begins with no time`,
		head + "= ENQ":                  `"=" is no direction: > and < and # are`,
		head + "> SYN":                  "SYN: not known: ENQ, ACK, NAK, frame, wildcard, damaged, truncated and noise are",
		head + "> ENQ 5":                "ENQ: nothing can follow a control byte",
		head + "< damaged x":            `damaged: "x" is no number of bytes`,
		head + "< noise 8000":           `noise: "8000" is no byte: two hexadecimal digits are, or ..`,
		head + "> frame CN|<x>":         `frame: "<x>": a number of hidden bytes is written <n>`,
		head + "> frame CN|<5":          `frame: "<5": a number of hidden bytes is written <n>`,
		head + `> frame CN|\7`:          `frame: "\\7": a hidden sign is written \xNN`,
		head + `> frame CN|\xzz`:        `frame: "\\xzz": a hidden sign is written \xNN`,
		head + "> frame CN|<99999999>":  `frame: "<99999999>": a number of hidden bytes is written <n>`,
		head + "< truncated 9999999999": `truncated: "9999999999" is no number of bytes`,
	} {
		if _, err := ParseLine(text); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

// anyLine draws a line that a recorder can write.
func anyLine(t *rapid.T) Line {
	l := Line{At: time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(t, "at")).UTC(), Dir: rapid.SampledFrom([]Direction{Sent, Received}).Draw(t, "direction")}
	l.Kind = rapid.SampledFrom([]LineKind{"", KindENQ, KindACK, KindNAK, KindFrame, KindWildcard, KindDamaged, KindTruncated, KindNoise}).Draw(t, "kind")
	switch l.Kind {
	case "":
		l.Dir, l.Text = Noted, rapid.StringMatching(`[!-~]([ -~]{0,40}[!-~])?`).Draw(t, "text")
	case KindFrame, KindWildcard:
		l.Fields = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Field {
			return Field{Text: string(rapid.SliceOfN(rapid.Byte(), 0, 12).Draw(t, "text")), Hidden: rapid.IntRange(0, 99).Draw(t, "hidden")}
		}), 1, 18).Draw(t, "fields")
	case KindDamaged, KindTruncated:
		l.Size = rapid.IntRange(0, maxFrame+1).Draw(t, "size")
	case KindNoise:
		l.Noise = rapid.SliceOfN(rapid.IntRange(HiddenByte, 255), 1, noiseLen).Draw(t, "noise")
	}
	return l
}

func TestLineRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anyLine(t)
		got, err := ParseLine(want.String())
		if err != nil {
			t.Fatalf("%s: %v", want, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s\n%s", want, diff)
		}
	})
}

func FuzzParseLine(f *testing.F) {
	f.Add("2026-07-15T14:00:00.004210Z > frame CN|1|E|101|<5>")
	f.Add("2026-07-15T14:00:00.004210Z < noise 80 .. 00")
	f.Add(`2026-07-15T14:00:00.004210Z < damaged 7`)
	f.Add(`2026-07-15T14:00:00.004210Z # text`)
	f.Fuzz(func(t *testing.T, text string) {
		l, err := ParseLine(text)
		if err != nil {
			return
		}
		again, err := ParseLine(l.String())
		if err != nil {
			t.Fatalf("%q became %q: %v", text, l, err)
		}
		if l.String() != again.String() {
			t.Fatalf("%q, then %q", l, again)
		}
	})
}

// A transcript of a key, with all that must not be in it.
func TestRecorder(t *testing.T) {
	for _, tc := range []struct {
		dialect      string
		play         func(b *bench)
		want, hidden string
	}{
		{"onity", func(b *bench) {
			b.say(0x80, int('Z'), ack, "CN|1|04A2B3")
		}, `# edgeagent transcript 1 protocol onity
TIME > ENQ
TIME < ACK
TIME > frame CN|1|E|101|||||||11170726|<6>||<9>
TIME < noise 80 ..
TIME < ACK
TIME < frame CN|1|<6>
`, "Muller 41=SECRET 04A2B3"},
		{"vingcard", func(b *bench) {
			b.say(ack, "00010|S04A2B3|FZoe|NDoe|XSECRET", []byte("\x0200010\x0333"), []byte("\x0200"), "00010")
		}, `# edgeagent transcript 1 protocol vingcard
TIME > ENQ
TIME < ACK
TIME > frame 0100I|R101|TSingle Room|UGuest|D200001010103|O202607171100|C1|2<9>
TIME < ACK
TIME < frame 00010|S<6>|F<3>|N<3>|X<6>
TIME > ACK
TIME < damaged 5
TIME < truncated 2
TIME < frame 00010
TIME > ACK
`, "Zoe Doe SECRET 04A2B3"},
	} {
		t.Run(tc.dialect, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, func(c *Config) {
					dialects[tc.dialect](c)
					c.Operator = "Müller"
				})
				b.ready()
				time.Sleep(2 * time.Second)
				var out bytes.Buffer
				r := b.d.Record(&out)
				cmd := encode("a", "1")
				cmd.Params["track2"] = "41=SECRET"
				p := b.do(t.Context(), cmd)
				<-b.got
				tc.play(b)
				p.succeeds()
				synctest.Wait()
				if err := r.Close(); err != nil {
					t.Error(err)
				}
				text := out.String()
				if diff := cmp.Diff(tc.want, regexp.MustCompile(`(?m)^\d\S+Z `).ReplaceAllString(text, "TIME ")); diff != "" {
					t.Error(diff)
				}
				for word := range strings.FieldsSeq(tc.hidden) {
					if strings.Contains(text, word) {
						t.Errorf("the transcript tells %s", word)
					}
				}
				for _, line := range strings.Split(strings.TrimSpace(text), "\n")[1:] {
					if _, err := ParseLine(line); err != nil {
						t.Error(err)
					}
				}
				if err := r.Close(); err != nil { // a second time is no harm
					t.Error(err)
				}
			})
		})
	}
}

// blocked is a disk that takes nothing until it is let go.
type blocked struct{ free chan struct{} }

func (b *blocked) Write(p []byte) (int, error) {
	<-b.free
	return len(p), nil
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// The conversation waits for no file.
func TestRecorderOfSlowDisk(t *testing.T) {
	disk := &blocked{free: make(chan struct{})}
	d := &Driver{cfg: Config{Protocol: "salto"}}
	r := d.Record(disk)
	for range recordAhead + 2*traceLen {
		d.trace.sent([]byte{enq}, nil)
	}
	close(disk.free)
	if err := r.Close(); err == nil || !strings.HasSuffix(err.Error(), "lines found no room, because writing was too slow") {
		t.Errorf("got %v", err)
	}
	r = d.Record(full{})
	d.trace.sent([]byte{enq}, nil)
	if err := r.Close(); err == nil || err.Error() != "the transcript is not whole: no space left on device" {
		t.Errorf("got %v", err)
	}
}

// Noise that has not ended is in the transcript all the same.
func TestRecorderOfNoise(t *testing.T) {
	d := &Driver{cfg: Config{Protocol: "salto"}}
	var out bytes.Buffer
	r := d.Record(&out)
	for range noiseLen + 1 {
		d.trace.received(token{kind: kindNoise, b: 0xFF})
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), " ff"); n != noiseLen+1 || strings.Count(out.String(), "noise") != 2 {
		t.Errorf("%d bytes of noise: %s", n, &out)
	}
}
