package locksim

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"edgeagent/hwsim/line"
)

func TestUnplug(t *testing.T) {
	bothWays(t, nil, func(t *testing.T, s *System, c *client, p *Port) {
		c.quiet()
		name := p.Name()
		if err := p.Unplug(); err != nil {
			t.Fatal(err)
		}
		if err := p.Unplug(); !errors.Is(err, line.ErrUnplugged) {
			t.Errorf("second: %v", err)
		}
		if _, err := c.Conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("no hang-up: %v", err)
		}
		isPTY := strings.HasPrefix(name, "/")
		if isPTY {
			if _, err := os.Lstat(name); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the name is still there: %v", err)
			}
		} else if _, err := net.Dial("tcp", name); err == nil {
			t.Error("still listens")
		}
		if err := p.Plug(); err != nil {
			t.Fatal(err)
		}
		if err := p.Plug(); !errors.Is(err, line.ErrPlugged) {
			t.Errorf("second: %v", err)
		}
		again := func() *client {
			if isPTY {
				return openTTY(t, p)
			}
			return dial(t, p)
		}
		if p.Name() != name {
			t.Errorf("came back as %s", p.Name())
		}
		c = again()
		c.quiet()
		if err := p.Unplug(); err != nil {
			t.Fatal(err)
		}
		other := "127.0.0.1:0"
		if isPTY {
			other = filepath.Join(t.TempDir(), "other")
		}
		if err := p.PlugAs(other); err != nil {
			t.Fatal(err)
		}
		if isPTY && p.Name() != other {
			t.Errorf("name %s", p.Name())
		}
		again().ask("CN|1|E|101", "CN|1")
	})
}

func TestSymlinkStaysAndPointsElsewhere(t *testing.T) {
	s := start(t, quick(nil))
	_, p := overPTY(t, s, PortOptions{})
	before, err := os.Readlink(p.Name())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Unplug(); err != nil {
		t.Fatal(err)
	}
	_, another := overPTY(t, s, PortOptions{}) // takes the number that came free
	held, err := os.Readlink(another.Name())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Plug(); err != nil {
		t.Fatal(err)
	}
	after, err := os.Readlink(p.Name())
	if err != nil || after == before && held != before {
		t.Errorf("%s, then %s: %v", before, after, err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.OpenPTY(file, PortOptions{}); err == nil {
		t.Error("a file was replaced by a symlink")
	}
}

func TestPulledCable(t *testing.T) {
	bothWays(t, nil, func(t *testing.T, s *System, c *client, p *Port) {
		h := s.HoldAfterAck()
		c.Send(wireFrame("CN|1|E|101"))
		c.Want([]byte{0x06})
		<-h.Reached
		p.PullCable()
		h.Release()
		c.Send([]byte{0x05, 0x05})
		lost := func() (in, out int) {
			for _, l := range s.Transcript() {
				switch {
				case l.Dir == Lost && l.Bytes[0] == 0x05:
					in += len(l.Bytes)
				case l.Dir == Lost:
					out += len(l.Bytes)
				}
			}
			return in, out
		}
		if err := s.Wait(t.Context(), func() bool { in, out := lost(); return in == 2 && out > 0 }); err != nil {
			t.Fatal(err)
		}
		p.PlugCable()
		c.quiet()
		if len(s.Cuts("101")) != 1 {
			t.Error("the card came out all the same")
		}
	})
}

func TestAgentClosesAndComesBack(t *testing.T) {
	s := start(t, quick(nil))
	c, p := overPTY(t, s, PortOptions{})
	h := s.HoldAfterAck()
	c.Send(wireFrame("CN|1|E|101"))
	c.Want([]byte{0x06})
	a := <-h.Reached
	if a.Command != "CN" || a.Room != "101" || a.Encoder != "1" {
		t.Errorf("held %+v", a)
	}
	if n := len(s.Cuts("101")); n != 0 {
		t.Errorf("%d cards before the work", n)
	}
	c.Conn.Close() // killed
	h.Release()
	if err := s.Wait(t.Context(), func() bool {
		return slices.ContainsFunc(s.Transcript(), func(l Line) bool { return l.Dir == Lost })
	}); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Cuts("101")); n != 1 {
		t.Errorf("%d cards after it", n)
	}
	// A result that nobody was there for is gone.
	openTTY(t, p).quiet()
}

func TestAgentIsBackBeforeTheResult(t *testing.T) {
	s := start(t, quick(nil))
	c, p := overPTY(t, s, PortOptions{})
	h := s.HoldBeforeResult()
	c.Send(wireFrame("CN|1|E|101"))
	c.Want([]byte{0x06})
	<-h.Reached
	if n := len(s.Cuts("101")); n != 1 {
		t.Errorf("%d cards", n)
	}
	if err := p.Unplug(); err != nil {
		t.Fatal(err)
	}
	if err := p.Plug(); err != nil {
		t.Fatal(err)
	}
	c = openTTY(t, p)
	c.Send([]byte{0x05})
	c.Want([]byte{0x15})
	h.Release()
	c.Want(wireFrame("CN|1"))
}

func TestOnAck(t *testing.T) {
	var seen []string
	var s *System
	s = start(t, quick(func(c *Config) {
		c.OnAck = func(command, room string) {
			seen = append(seen, command+" "+room)
			if len(s.Cuts("101")) != 0 {
				t.Error("the work came first")
			}
		}
	}))
	c, _ := overTCP(t, s)
	c.ask("CN|1|E|101", "CN|1")
	if !slices.Equal(seen, []string{"CN 101"}) {
		t.Errorf("seen %q", seen)
	}
}

func TestCrashWithHangUp(t *testing.T) {
	bothWays(t, nil, func(t *testing.T, s *System, c *client, p *Port) {
		s.Next(Fault{Crash: CrashAfterWork, HangUp: true, DownFor: time.Millisecond})
		h := s.HoldBeforeResult() // a hang-up takes along what was not yet read
		c.Send(wireFrame("CN|1|E|101"))
		c.Want([]byte{0x06})
		h.Release()
		if _, err := io.ReadAll(c.Conn); err != nil && !errors.Is(err, syscall.EIO) && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("hang-up: %v", err)
		}
		restarted := func() bool {
			return slices.ContainsFunc(s.Transcript(), func(l Line) bool { return l.Note == "restarted" })
		}
		if err := s.Wait(t.Context(), restarted); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(p.Name(), "/") {
			openTTY(t, p).quiet()
		} else {
			dial(t, p).quiet()
		}
		if n := len(s.Cuts("101")); n != 1 {
			t.Errorf("%d cards", n)
		}
	})
}

func TestHangUpBehindTheAck(t *testing.T) {
	bothWays(t, nil, func(t *testing.T, s *System, c *client, p *Port) {
		s.Next(Fault{HangUp: true})
		ack, result := s.HoldAfterAck(), s.HoldBeforeResult()
		c.Send(wireFrame("CN|1|E|101"))
		c.Want([]byte{0x06})
		<-ack.Reached
		ack.Release()
		<-result.Reached
		if n := len(s.Cuts("101")); n != 1 {
			t.Errorf("%d cards: the work goes on behind a hang-up", n)
		}
		if _, err := io.ReadAll(c.Conn); err != nil && !errors.Is(err, syscall.EIO) && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("hang-up: %v", err)
		}
		back := func() bool {
			return slices.ContainsFunc(s.Transcript(), func(l Line) bool { return l.Note == "plugged in again" })
		}
		if err := s.Wait(t.Context(), back); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(p.Name(), "/") {
			c = openTTY(t, p)
			result.Release()
			c.Want(wireFrame("CN|1"))
			return
		}
		c = dial(t, p)
		result.Release()
		if err := s.Wait(t.Context(), func() bool { return !p.Busy() }); err != nil {
			t.Fatal(err)
		}
		c.quiet()
	})
}

func TestCloseEndsEverything(t *testing.T) {
	s := New(quick(func(c *Config) { c.CardWait = time.Hour }))
	c, p := overPTY(t, s, PortOptions{})
	overTCP(t, s)
	s.Operator("1", Presentation{Never: true})
	c.Send(wireFrame("CN|1|E|101"))
	c.Want([]byte{0x06})
	p.StopReading()
	s.HoldAfterAck()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ListenTCP("127.0.0.1:0", PortOptions{}); err == nil {
		t.Error("a closed system opened a port")
	}
}
