package locksim

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func noted(s *System, text string) bool {
	return slices.ContainsFunc(s.Transcript(), func(l Line) bool { return l.Dir == Note && l.Note == text })
}

// again opens the port anew, as an agent does after a hang-up.
func again(t *testing.T, p *Port) *client {
	if strings.HasPrefix(p.Name(), "/") {
		return openTTY(t, p)
	}
	return dial(t, p)
}

// A hang-up in each phase of a request: the line comes back and serves, and
// whether a card is out depends on nothing but whether the frame was taken.
func TestHangUpInEveryPhase(t *testing.T) {
	for _, tt := range []struct {
		name string
		when Moment
		sent func(speech) int // bytes of ACK and result that were out before
	}{
		{"before the ACK", BeforeAck, func(speech) int { return 0 }},
		{"behind the ACK", BehindAck, func(speech) int { return 1 }},
		{"in the encoder's work", InWork, func(speech) int { return 1 }},
		{"before the result", BeforeResult, func(speech) int { return 1 }},
		{"in the result", InResult, func(sp speech) int { return 1 + len(sp.done)/2 }},
		{"behind the result", BehindResult, func(sp speech) int { return 1 + len(sp.done) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			everyFamily(t, nil, func(t *testing.T, sp speech, s *System, c *client, p *Port) {
				c.quiet()
				s.Next(Fault{HangUp: true, When: tt.when})
				before := len(s.Transcript())
				c.Send(sp.cut)
				if err := s.Wait(t.Context(), func() bool { return noted(s, "plugged in again") && !p.Busy() && len(s.Cuts("101")) == 1 }); err != nil {
					t.Fatal(err)
				}
				sent := 0
				for _, l := range s.Transcript()[before:] {
					if l.Dir == Note && l.Note == "unplugged" {
						break
					}
					if l.Dir == Out {
						sent += len(l.Bytes)
					}
				}
				if sent != tt.sent(sp) {
					t.Errorf("%d bytes before the hang-up, want %d", sent, tt.sent(sp))
				}
				c = again(t, p)
				if strings.HasPrefix(p.Name(), "/") && tt.when != InResult && tt.when != BehindResult {
					return // what is left may be on its way to the new terminal
				}
				c.quiet()
				c.Send(sp.read)
				c.Want(append([]byte{0x06}, sp.blank...))
			})
		})
	}
}

func TestHangUpAtAnEnquiry(t *testing.T) {
	for _, when := range []Moment{BeforeAck, BehindAck} {
		everyFamily(t, nil, func(t *testing.T, _ speech, s *System, c *client, p *Port) {
			s.Next(Fault{Enquiry: true, HangUp: true, When: when, DropAck: when == BeforeAck})
			c.Send([]byte{0x05})
			if err := s.Wait(t.Context(), func() bool { return noted(s, "plugged in again") }); err != nil {
				t.Fatal(err)
			}
			again(t, p).quiet()
		})
	}
}

// What befalls a line passes, and until then it is what the name says.
func TestLineFaults(t *testing.T) {
	everyFamily(t, nil, func(t *testing.T, sp speech, s *System, c *client, p *Port) {
		gone := func(note string) {
			t.Helper()
			if err := s.Wait(t.Context(), func() bool { return noted(s, note) }); err != nil {
				t.Fatal(err)
			}
		}
		c.quiet()
		s.Next(Fault{Line: CablePulled, When: BeforeResult, DownFor: time.Millisecond})
		c.Send(sp.cut)
		c.Want([]byte{0x06})
		gone("cable plugged")
		var result Line
		if err := s.Wait(t.Context(), func() bool {
			i := slices.IndexFunc(s.Transcript(), func(l Line) bool { return bytes.Equal(l.Bytes, sp.done) })
			if i >= 0 {
				result = s.Transcript()[i]
			}
			return i >= 0
		}); err != nil {
			t.Fatal(err)
		}
		if result.Dir == Out { // the cable was back before it
			c.Want(sp.done)
		}
		s.Next(Fault{Line: ReadingStopped, DownFor: time.Millisecond})
		c.quiet()
		c.Send(sp.cut)
		c.Want(append([]byte{0x06}, sp.done...))
		gone("reads again")
		s.Next(Fault{Line: Echoes, When: BehindResult})
		c.quiet()
		c.Send(sp.cut)
		c.Want(append([]byte{0x06}, sp.done...))
		if err := s.Wait(t.Context(), func() bool { return p.now().echo }); err != nil {
			t.Fatal(err)
		}
		c.Send([]byte{0x05})
		c.Want([]byte{0x05, 0x06})
		p.SetEcho(false)
		s.Next(Fault{Line: LoopedBack, When: BeforeAck, Silent: true})
		c.quiet()
		c.Send(sp.cut)
		if err := s.Wait(t.Context(), func() bool { return p.now().loop }); err != nil {
			t.Fatal(err)
		}
		c.Send(sp.cut)
		c.Want(sp.cut)
		p.SetLoopBack(false)
		if n := len(s.Cuts("101")); n != 3 {
			t.Errorf("%d cards", n)
		}
	})
}

func TestWrongSpeedOnAnyLine(t *testing.T) {
	everyFamily(t, nil, func(t *testing.T, sp speech, s *System, c *client, p *Port) {
		c.quiet()
		s.Next(Fault{Line: WrongSpeed, When: BeforeResult})
		c.Send(sp.cut)
		c.Want([]byte{0x06})
		if got := c.Read(len(sp.done)); bytes.ContainsAny(got, string([]byte{stx, etx, enq, ack, nak})) {
			t.Errorf("garbage that means something: % X", got)
		}
		c.Send(sp.cut)
		c.Read(8)
		p.SetGarbled(false)
		c.quiet()
		if n := len(s.Cuts("101")); n != 1 {
			t.Errorf("%d cards", n)
		}
	})
}

func TestSpeedByTermiosInEveryFamily(t *testing.T) {
	for _, sp := range speeches() {
		t.Run(string(sp.family), func(t *testing.T) {
			s := start(t, quick(nil))
			c, p := overPTY(t, s, PortOptions{Family: sp.family, Baud: 9600})
			c.SetSpeed(4800, false)
			c.Send([]byte{0x05})
			if got := c.Read(1); got[0] == 0x06 || got[0] == 0x15 {
				t.Errorf("% X at the wrong speed", got)
			}
			p.SetSpeed(4800, false) // the device was set to the agent's speed
			c.quiet()
			c.Send(sp.cut)
			c.Want(append([]byte{0x06}, sp.done...))
			p.SetSpeed(0, false)
			c.SetSpeed(115200, true)
			c.quiet()
		})
	}
}

// A device that comes back under another name is found under its udev link.
func TestComesBackUnderAnotherName(t *testing.T) {
	for _, sp := range speeches() {
		t.Run(string(sp.family), func(t *testing.T) {
			s := start(t, quick(nil))
			dev := t.TempDir()
			byID := filepath.Join(dev, "usb-Locks_Encoder_0001-if00-port0")
			tty := func(n int) string { return filepath.Join(dev, fmt.Sprintf("ttyUSB%d", n)) }
			p, err := s.OpenPTY(tty(0), PortOptions{Family: sp.family, ByID: byID})
			if err != nil {
				t.Fatal(err)
			}
			for n := 1; n < 4; n++ {
				if err := p.Unplug(); err != nil {
					t.Fatal(err)
				}
				for _, name := range []string{byID, tty(n - 1)} {
					if _, err := os.Lstat(name); !os.IsNotExist(err) {
						t.Errorf("%s is still there: %v", name, err)
					}
				}
				if err := p.PlugAs(tty(n)); err != nil {
					t.Fatal(err)
				}
				if to, err := os.Readlink(byID); err != nil || to != tty(n) || p.Name() != tty(n) {
					t.Errorf("%s leads to %s, the port is %s: %v", byID, to, p.Name(), err)
				}
				openTTY(t, p).quiet()
			}
			// The same as a fault, in the middle of a request.
			s.Next(Fault{HangUp: true, ComeBackAs: tty(9), When: BehindResult})
			c := openTTY(t, p)
			c.quiet()
			c.Send(sp.cut)
			if err := s.Wait(t.Context(), func() bool { return noted(s, "plugged in again") }); err != nil {
				t.Fatal(err)
			}
			if p.Name() != tty(9) {
				t.Errorf("came back as %s", p.Name())
			}
			openTTY(t, p).quiet()
			if len(s.Cuts("101")) != 1 {
				t.Error("the card came out all the same")
			}
		})
	}
}

func TestCorruptionOfOneRequest(t *testing.T) {
	everyFamily(t, nil, func(t *testing.T, sp speech, s *System, c *client, _ *Port) {
		s.Next(Fault{Command: sp.command, Corrupt: 1})
		c.quiet()
		c.Send(sp.cut)
		for i, b := range c.Read(1 + len(sp.done)) {
			if b == append([]byte{0x06}, sp.done...)[i] {
				t.Errorf("byte %d came through", i)
			}
		}
		c.quiet()
	})
}

func TestFaultsByChanceInEveryFamily(t *testing.T) {
	for _, sp := range speeches() {
		t.Run(string(sp.family), func(t *testing.T) {
			s := start(t, quick(func(c *Config) { c.AckWait = -1 }))
			c, _ := overTCP(t, s, PortOptions{Family: sp.family})
			s.Chance(0.5, Fault{Code: sp.code})
			failed := 0
			for range 40 {
				c.quiet()
				c.Send(sp.cut)
				c.Want([]byte{0x06})
				answer := c.Read(min(len(sp.done), len(sp.noCard)))
				if bytes.Equal(answer, sp.noCard[:len(answer)]) {
					failed++
				}
			}
			if failed < 8 || failed > 32 || len(s.Cuts("101")) != 40-failed {
				t.Errorf("seed %d: %d of 40 failed, %d cards", s.Seed(), failed, len(s.Cuts("101")))
			}
		})
	}
}

func TestLateAndDuringTheNextInEveryFamily(t *testing.T) {
	everyFamily(t, nil, func(t *testing.T, sp speech, s *System, c *client, p *Port) {
		s.Next(Fault{DuringNext: true})
		c.quiet()
		c.Send(sp.cut)
		c.Want([]byte{0x06})
		if err := s.Wait(t.Context(), func() bool { return len(s.Cuts("101")) == 1 && !p.Busy() }); err != nil {
			t.Fatal(err)
		}
		c.quiet()
		c.Send(sp.read)
		c.Want(slices.Concat([]byte{0x06}, sp.done, sp.blank))
	})
}
