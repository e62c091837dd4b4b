package locksim

import (
	"slices"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim/line"
)

// notes are the reasons of the violations, without their times.
func notes(s *System) []string {
	var out []string
	for _, v := range s.Violations() {
		out = append(out, v.Note)
	}
	return out
}

// ackers runs a test on the links whose results are acknowledged: VingCard's,
// and the relatives of the Industry Standard link.
func ackers(t *testing.T, change func(*Config), f func(*testing.T, speech, *System, *client)) {
	for _, sp := range speeches() {
		t.Run(string(sp.family), func(t *testing.T) {
			s := start(t, quick(func(c *Config) {
				c.ResultAck = true
				if change != nil {
					change(c)
				}
			}))
			c, _ := overTCP(t, s, PortOptions{Family: sp.family})
			f(t, sp, s, c)
		})
	}
}

func TestADamagedResultIsAskedForAgain(t *testing.T) {
	ackers(t, nil, func(t *testing.T, sp speech, s *System, c *client) {
		s.Next(Fault{BadLRC: true})
		c.quiet()
		c.Send(sp.cut)
		c.Want(append([]byte{0x06}, wrongCheck(sp)...))
		c.Send([]byte{0x15})
		c.Want(sp.done)
		c.Send([]byte{0x15})
		c.Want(sp.done)
		c.Send([]byte{0x15, 0x06}) // sent three times: enough, and then nobody waits for this
		c.quiet()
		if n := len(s.Cuts("101")); n != 1 {
			t.Errorf("%d cards", n)
		}
		if got := notes(s); !slices.Equal(got, []string{"an ACK that nobody waits for"}) {
			t.Errorf("violations %q", got)
		}
	})
}

func TestAResultWithoutAckIsSentThreeTimes(t *testing.T) {
	clock := line.NewManual(noon)
	ackers(t, func(c *Config) { c.Clock, c.Now = clock, nil }, func(t *testing.T, sp speech, s *System, c *client) {
		c.quiet()
		c.Send(sp.cut)
		clock.AwaitWaiters(1)
		clock.Advance(1)
		c.Want([]byte{0x06})
		clock.AwaitWaiters(1) // the encoder's work
		clock.Advance(1)
		c.Want(sp.done)
		for range 2 {
			clock.AwaitWaiters(1)
			clock.Advance(3 * time.Second)
			c.Want(sp.done)
		}
		clock.AwaitWaiters(1)
		clock.Advance(3 * time.Second)
		if err := s.Wait(t.Context(), func() bool { return len(s.Violations()) == 3 }); err != nil {
			t.Fatal(err)
		}
		c.quiet()
		if got := notes(s); !strings.Contains(got[2], "not acknowledged in 3s") {
			t.Errorf("violations %q", got)
		}
	})
}

func TestAnAckEndsTheWaiting(t *testing.T) {
	clock := line.NewManual(noon)
	ackers(t, func(c *Config) { c.Clock, c.Now = clock, nil }, func(t *testing.T, sp speech, s *System, c *client) {
		c.quiet()
		c.Send(sp.cut)
		for range 2 {
			clock.AwaitWaiters(1)
			clock.Advance(1)
		}
		c.Want(append([]byte{0x06}, sp.done...))
		c.Send([]byte{0x06})
		c.quiet()
		clock.Advance(time.Minute)
		c.quiet()
		if got := notes(s); len(got) != 0 {
			t.Errorf("violations %q", got)
		}
	})
}

func TestAHostThatNeverAcknowledges(t *testing.T) {
	ackers(t, func(c *Config) { c.AckWait = -1 }, func(t *testing.T, sp speech, s *System, c *client) {
		for range 2 {
			c.quiet()
			c.Send(sp.cut)
			c.Want(append([]byte{0x06}, sp.done...))
		}
		c.quiet()
		want := []string{"the last result was not acknowledged", "the last result was not acknowledged"}
		if got := notes(s); !slices.Equal(got, want) {
			t.Errorf("violations %q", got)
		}
	})
}

func TestViolations(t *testing.T) {
	bad := func(b []byte) []byte {
		out := slices.Clone(b)
		out[len(out)-1] ^= 1
		return out
	}
	standard, ving := speeches()[0], speeches()[2]
	for _, tt := range []struct {
		name   string
		family Family
		send   []byte
		want   string // what is read back
		note   string
	}{
		{"check", SALTO, bad(standard.cut), "\x15", "the check of a frame is"},
		{"check", VingCard, bad(ving.cut), "\x15", "the check of a frame is"},
		{"no list of fields", SALTO, append([]byte("\x02CN\x03"), lrc([]byte("CN"))), "\x06" + string(wireFrame("ES|")), "no list of fields"},
		{"no list of fields", VingCard, vingWire("0100"), "\x06" + string(vingWire("00001")), "no list of fields"},
		{"stray bytes", SALTO, []byte{0x00, 0x41, 0x05}, "\x06", "2 bytes outside of a frame"},
		{"stray bytes", VingCard, []byte{0x00, 0x41, 0x05}, "\x06", "2 bytes outside of a frame"},
		{"syntax", SALTO, wireFrame("CN|1|X|101"), "\x06" + string(wireFrame("ES|1")), `CN ends in ES: field 2 ("X") is not one of ERT`},
		{"syntax", Onity, wireFrame("CN|1|T|101"), "\x06" + string(wireFrame("ES|1")), `CN ends in ES: field 2 ("T") is not one of ER`},
		{"no enquiry", VingCard, vingWire("0100E"), "\x06" + string(vingWire("00011")), "before an enquiry"},
		{"ACK", SALTO, []byte{0x06, 0x05}, "\x06", "an ACK that nobody waits for"},
		{"NAK", VingCard, []byte{0x15, 0x05}, "\x06", "a NAK that nobody waits for"},
	} {
		t.Run(tt.name+" "+string(tt.family), func(t *testing.T) {
			s := start(t, quick(nil))
			c, p := overTCP(t, s, PortOptions{Family: tt.family})
			if !strings.Contains(tt.note, "enquiry") {
				c.quiet()
			}
			c.Send(tt.send)
			c.Want([]byte(tt.want))
			if err := s.Wait(t.Context(), func() bool { return len(notes(s)) > 0 }); err != nil {
				t.Fatal(err)
			}
			v := s.Violations()[0]
			if !strings.Contains(v.Note, tt.note) || v.Port != p.Name() || v.At.IsZero() {
				t.Errorf("violation %+v", v)
			}
		})
	}
}

func TestAFrameAtABusyPortIsAViolation(t *testing.T) {
	s := start(t, quick(nil))
	c, p := overTCP(t, s)
	h := s.HoldBeforeResult()
	c.Send(wireFrame("CN|1|E|101"))
	c.Want([]byte{0x06})
	<-h.Reached
	c.Send(wireFrame("CO|0|101"))
	c.Want([]byte{0x15})
	h.Release()
	c.Want(wireFrame("CN|1"))
	if got := notes(s); len(got) != 1 || !strings.Contains(got[0], "while another") {
		t.Errorf("violations %q", got)
	}
	// A line that damages bytes is not the other end's doing.
	p.SetCorruption(1, 0)
	c.Send(wireFrame("CO|0|101"))
	if err := s.Wait(t.Context(), func() bool { l := s.Transcript(); return l[len(l)-1].Dir == In }); err != nil {
		t.Fatal(err)
	}
	if got := notes(s); len(got) != 1 {
		t.Errorf("violations %q", got)
	}
}
