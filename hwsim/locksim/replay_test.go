package locksim

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim/line"
)

// played is a recording on a line, and a client of it.
func played(t *testing.T, text string, cfg ReplayConfig) (*Player, *client) {
	t.Helper()
	pl, err := Replay(recorded(t, text), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pl.Close() })
	p, err := pl.OpenPTY(filepath.Join(t.TempDir(), "encoder"), PortOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return pl, openTTY(t, p)
}

// spoken is a frame as a recording has it.
func spoken(dir, fields string) string { return fmt.Sprintf("0 %s % X\n", dir, wireFrame(fields)) }

// aKey is a site that asks, has a key made, and asks again.
func aKey() string {
	return "0 > 05\n0 < 06\n" + spoken(">", "CN|1|E|101") + "0 < 06\n" + spoken("<", "CN|1") + "0 > 05\n0 < 06\n"
}

func TestReplay(t *testing.T) {
	pl, c := played(t, aKey(), ReplayConfig{})
	c.quiet()
	c.ask("CN|1|E|101", "CN|1")
	c.quiet()
	if err := pl.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := pl.Deviations(); len(d) != 0 {
		t.Errorf("deviations %v", d)
	}
	if lines := pl.Transcript(); len(lines) == 0 {
		t.Error("no transcript")
	}
}

func TestReplayDeviations(t *testing.T) {
	cn := fmt.Sprintf("% X", wireFrame("CN|1|E|101"))
	for _, tt := range []struct {
		name string
		free bool
		do   func(*client)
		want []string
	}{
		{"another room", false, func(c *client) {
			c.quiet()
			c.ask("CN|1|E|102", "CN|1")
			c.quiet()
		}, []string{fmt.Sprintf("line 3: % X came in place of %s", wireFrame("CN|1|E|102"), cn)}},
		{"no enquiry", false, func(c *client) {
			c.ask("CN|1|E|101", "CN|1")
			c.quiet()
		}, []string{"line 1: ENQ did not come"}},
		{"no enquiry, and nobody minds", true, func(c *client) {
			c.ask("CN|1|E|101", "CN|1")
		}, nil},
		{"one enquiry more", false, func(c *client) {
			c.quiet()
			c.quiet()
			c.ask("CN|1|E|101", "CN|1")
			c.quiet()
		}, []string{"line 3: ENQ came in place of " + cn}},
		{"one enquiry more, and nobody minds", true, func(c *client) {
			c.quiet()
			c.quiet()
			c.ask("CN|1|E|101", "CN|1")
			c.quiet()
			c.quiet()
		}, nil},
		{"frame sent again", false, func(c *client) {
			c.quiet()
			c.ask("CN|1|E|101", "CN|1")
			c.Send(wireFrame("CN|1|E|101"))
			c.quiet()
		}, []string{"line 6: " + cn + " came in place of ENQ"}},
		{"an ACK that was not recorded", false, func(c *client) {
			c.quiet()
			c.ask("CN|1|E|101", "CN|1")
			c.Send([]byte{0x06})
			c.quiet()
		}, []string{"line 6: ACK came in place of ENQ"}},
		{"more than was recorded", false, func(c *client) {
			c.quiet()
			c.ask("CN|1|E|101", "CN|1")
			c.quiet()
			c.quiet()
		}, []string{"behind the last line: ENQ came"}},
		{"less than was recorded", false, func(c *client) { c.quiet() },
			[]string{"line 3: " + cn + " did not come", "line 6: ENQ did not come"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pl, c := played(t, aKey(), ReplayConfig{FreeEnquiries: tt.free})
			tt.do(c)
			var got []string
			for _, d := range pl.Close() {
				got = append(got, d.String())
				if d.At.IsZero() {
					t.Errorf("no time in %+v", d)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("deviations\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestReplayKeepsTheTimes(t *testing.T) {
	clock := line.NewManual(noon)
	pl, c := played(t, "1 > 05\n3.5 < 06\n4 < 15\n", ReplayConfig{Clock: clock})
	c.Send([]byte{0x05})
	for _, step := range []struct {
		wait time.Duration
		b    byte
	}{{2500 * time.Millisecond, 0x06}, {500 * time.Millisecond, 0x15}} {
		clock.AwaitWaiters(1)
		clock.Advance(step.wait - 1)
		for _, l := range pl.Transcript() {
			if l.Dir == Out && l.Bytes[0] == step.b {
				t.Errorf("%X before its time", step.b)
			}
		}
		clock.Advance(1)
		c.Want([]byte{step.b})
	}
}

// Redacted bytes match what the agent sends in their place, and the answer is
// given a check that fits what stands in for them.
func TestReplayOfARedactedRecording(t *testing.T) {
	hidden := func(fields, secret string) string {
		text := fmt.Sprintf("% X", wireFrame(fields))
		return strings.Replace(text, fmt.Sprintf("% X", secret), strings.TrimSpace(strings.Repeat("?? ", len(secret))), 1)
	}
	text := "0 > 05\n0 < 06\n0 > " + hidden("CN|1|E|101||||||||MULLER", "MULLER") + "\n0 < 06\n0 < " + hidden("CN|1|04A2", "04A2") + "\n" +
		"0 > " + hidden("LT|1|E", "1") + "\n0 < 06\n"
	pl, c := played(t, text, ReplayConfig{})
	c.quiet()
	c.ask("CN|1|E|101||||||||AGENT1", "CN|1|0000")
	c.Send(wireFrame("LT|2|E"))
	c.Want([]byte{0x06})
	if d := pl.Deviations(); len(d) != 0 {
		t.Errorf("deviations %v", d)
	}

	// A damaged frame is none that matches, and another length is another frame.
	damaged := wireFrame("CN|1|E|101||||||||AGENT1")
	damaged[len(damaged)-1] ^= 1
	for _, frame := range [][]byte{damaged, wireFrame("CN|1|E|101||||||||AGENT")} {
		pl, c := played(t, text, ReplayConfig{})
		c.quiet()
		c.Send(frame)
		c.Want([]byte{0x06})
		if d := pl.Deviations(); len(d) != 1 || !strings.Contains(d[0].Want, "?? ?? ?? ?? ?? ??") {
			t.Errorf("% X: deviations %v", frame, d)
		}
	}
}

func TestReplayOfVingCard(t *testing.T) {
	hex := func(dir, text string) string { return fmt.Sprintf("0 %s % X\n", dir, vingWire(text)) }
	// Cut to pieces as a serial port delivers it, the answer's name redacted.
	text := "0 < 05\n0 > 06\n0 < 02 30 31 30 30\n0 < 45 03 34\n0 < 37\n0 > 06 02 30 30 30 31 30 1E\n0 > 4E ?? ?? 03 ??\n0 > ??\n0 < 06\n" +
		hex("<", "0100B|R101") + "0 > 06\n" + hex(">", "00019")
	pl, err := Replay(recorded(t, text), ReplayConfig{Family: VingCard})
	if err != nil {
		t.Fatal(err)
	}
	defer pl.Close()
	p, err := pl.ListenTCP("127.0.0.1:0", PortOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, p)
	c.say("0100E", "00010|N00")
	c.Send(vingWire("0100B|R101"))
	c.Want(append([]byte{0x06}, vingWire("00019")...))
	if err := pl.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := pl.Deviations(); len(d) != 0 {
		t.Errorf("deviations %v", d)
	}
	if _, err := Replay(recorded(t, text), ReplayConfig{Family: "saflok"}); err == nil {
		t.Error("a family that nobody speaks was taken")
	}
}

// What a lock system said before it was asked comes before its first answer.
func TestReplayOfALateResult(t *testing.T) {
	pl, c := played(t, "# a recording that begins in the middle\n"+spoken("<", "CN|1")+"0 > 05\n0 < 06\n", ReplayConfig{})
	c.Send([]byte{0x05})
	c.Want(append(wireFrame("CN|1"), 0x06))
	if d := pl.Close(); len(d) != 0 {
		t.Errorf("deviations %v", d)
	}
}
