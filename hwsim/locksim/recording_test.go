package locksim

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func recorded(t *testing.T, text string) *Recording {
	t.Helper()
	rec, err := ReadRecording(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func TestReadRecording(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		host       Direction
		at         []time.Duration
	}{
		{"dates", "2026-07-15T12:00:00Z > 05\n2026-07-15T14:00:00.25+02:00  <  06\n", ">", []time.Duration{0, 250 * time.Millisecond}},
		{"seconds", "10.5 < 05\n+11 > 06", "<", []time.Duration{0, 500 * time.Millisecond}},
		{"durations", "1m > 05\n1m0.1s < 06", ">", []time.Duration{0, 100 * time.Millisecond}},
		{"hex in every dress", "0 < 02b3 4 3??\t0306\r\n0 > 06", "<", []time.Duration{0, 0}},
		{"comments", "# SALTO, HT28\n\n0 > 06 # a late one\n  # more\n1 < 05", "<", []time.Duration{0, time.Second}},
		{"host in a comment", "# host <\n0 > 05\n", "<", []time.Duration{0}},
		{"host without ENQ", "0 < 02 B3 03 B0\n1 > 06", "<", []time.Duration{0, time.Second}},
		{"back in time", "5 > 05\n4 < 06", ">", []time.Duration{0, -time.Second}},
		{"nothing", "# nothing\n", "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rec := recorded(t, tt.text)
			if rec.host != tt.host || len(rec.pieces) != len(tt.at) {
				t.Fatalf("recording %+v", rec)
			}
			for i, p := range rec.pieces {
				if p.at != tt.at[i] {
					t.Errorf("piece %d at %v, want %v", i, p.at, tt.at[i])
				}
			}
		})
	}
}

func TestBadRecordings(t *testing.T) {
	for text, want := range map[string]string{
		"0 > 05\n0 06":                      "line 2: no time, direction and bytes",
		"0 >":                               "line 1: no time",
		"0 x 05":                            `line 1: "x" is no direction`,
		"0 > 5":                             `line 1: "5" is no byte`,
		"0 > 05 ?":                          `line 1: "?" is no byte`,
		"0 > ENQ":                           `line 1: "EN" is no byte`,
		"noon > 05":                         `line 1: "noon" is no time`,
		"1e9 > 05":                          "is no time",
		"1..2 > 05":                         "is no number of seconds",
		"99999999999 > 05":                  "is no number of seconds",
		"0 > 05\n2026-07-15T12:00:00Z < 06": "is a date, and earlier lines",
		"2026-07-15T12:00:00Z > 05\n1 < 06": "is no date, and earlier lines",
		"2026-07-15T12:00:00Z > 05\n2036-07-15T12:00:00Z < 06": "more than a year",
		"# host <\n# host >":       "both directions",
		strings.Repeat("0", 2<<20): "line 1: ",
	} {
		_, err := ReadRecording(strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}

// A simulated day, written down and played again.
func TestATranscriptIsARecording(t *testing.T) {
	for _, sp := range speeches() {
		t.Run(string(sp.family), func(t *testing.T) {
			s := start(t, quick(nil))
			c, p := overPTY(t, s, PortOptions{Family: sp.family})
			_, other := overTCP(t, s)
			other.Spurious([]byte{0x00})
			c.quiet()
			s.Next(Fault{SplitAt: 2})
			c.Send(sp.cut)
			c.Want(append([]byte{0x06}, sp.done...))
			c.Send([]byte{0x06})
			c.quiet()
			var out bytes.Buffer
			if err := WriteRecording(&out, s.Transcript(), p.Name()); err != nil {
				t.Fatal(err)
			}
			pl, err := Replay(recorded(t, out.String()), ReplayConfig{Family: sp.family})
			if err != nil {
				t.Fatal(err)
			}
			again, err := pl.ListenTCP("127.0.0.1:0", PortOptions{})
			if err != nil {
				t.Fatal(err)
			}
			c = dial(t, again)
			c.quiet()
			c.Send(sp.cut)
			c.Want(append([]byte{0x06}, sp.done...))
			c.Send([]byte{0x06})
			c.quiet()
			if err := pl.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			if d := pl.Close(); len(d) != 0 {
				t.Errorf("deviations %v\nof\n%s", d, out.String())
			}
		})
	}
}

func FuzzRecording(f *testing.F) {
	f.Add("# host >\n2026-07-15T12:00:00.000Z > 05\n2026-07-15T12:00:00.012Z < 06\n")
	f.Add("0.25 < 02 B3 43 4E B3 ?? ?? B3 03 8C\n+0.5 > 06\n1s > 02??03??")
	f.Add("0 > 02 30 31 30 30 45 03 34 37\n0 < 02 ?? 03 ?? ??")
	f.Fuzz(func(t *testing.T, text string) {
		rec, err := ReadRecording(strings.NewReader(text))
		if err != nil {
			return
		}
		if rec.host == "" && len(rec.pieces) > 0 {
			t.Fatal("nobody is the agent")
		}
		s := &System{}
		for _, family := range []Family{SALTO, VingCard} {
			lang, err := s.dialect(family)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range rec.script(lang) {
				if e.want != nil && e.want.kind == tokFrame && !e.want.redacted() && !e.want.matches(e.want.token, lang) {
					t.Fatalf("%v does not match itself", e.want)
				}
			}
		}
	})
}
