package locksim

import (
	"bytes"
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

	"golang.org/x/sys/unix"
)

// setSpeed does what a serial library does after opening the port.
func setSpeed(t *testing.T, c *client, baud uint32, twoStop bool) {
	t.Helper()
	raw, err := c.c.(*os.File).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		set, err := unix.IoctlGetTermios(int(fd), unix.TCGETS2)
		if err != nil {
			t.Error(err)
			return
		}
		set.Cflag = set.Cflag&^(unix.CBAUD|unix.CSTOPB) | unix.BOTHER
		if twoStop {
			set.Cflag |= unix.CSTOPB
		}
		set.Ispeed, set.Ospeed = baud, baud
		if err := unix.IoctlSetTermios(int(fd), unix.TCSETS2, set); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLineSpeed(t *testing.T) {
	s := start(t, quick(nil))
	c, _ := overPTY(t, s, PortOptions{Baud: 9600})
	control := []byte{stx, etx, enq, ack, nak}
	for _, wrong := range []struct {
		baud    uint32
		twoStop bool
	}{{19200, false}, {9600, true}} {
		setSpeed(t, c, wrong.baud, wrong.twoStop)
		frame := wireFrame("CN|1|E|101")
		c.send(frame)
		first := c.read(8)
		c.send(frame)
		if again := c.read(8); !bytes.Equal(first, again) {
			t.Errorf("garbage is to be the same: % X and % X", first, again)
		}
		if bytes.ContainsAny(first, string(control)) {
			t.Errorf("garbage that means something: % X", first)
		}
	}
	setSpeed(t, c, 9600, false)
	c.quiet()
	c.ask("CN|1|E|101", "CN|1")
	if n := len(s.Cuts("101")); n != 1 {
		t.Errorf("%d cards", n)
	}
}

func TestAll256BytesPass(t *testing.T) {
	s := start(t, quick(nil))
	c, p := overPTY(t, s, PortOptions{})
	p.SetLoopBack(true)
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	c.send(all)
	c.want(all)
}

func TestUnplug(t *testing.T) {
	bothWays(t, nil, func(t *testing.T, s *System, c *client, p *Port) {
		c.quiet()
		name := p.Name()
		if err := p.Unplug(); err != nil {
			t.Fatal(err)
		}
		if err := p.Unplug(); !errors.Is(err, errUnplugged) {
			t.Errorf("second: %v", err)
		}
		if _, err := c.c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
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
		if err := p.Plug(); !errors.Is(err, errPlugged) {
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
	held, err := openTerminal(PortOptions{}) // takes the number that came free
	if err != nil {
		t.Fatal(err)
	}
	defer held.master.Close()
	if err := p.Plug(); err != nil {
		t.Fatal(err)
	}
	after, err := os.Readlink(p.Name())
	if err != nil || after == before && held.slave != before {
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
		c.send(wireFrame("CN|1|E|101"))
		c.want([]byte{0x06})
		<-h.Reached
		p.PullCable()
		h.Release()
		c.send([]byte{0x05, 0x05})
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
	c.send(wireFrame("CN|1|E|101"))
	c.want([]byte{0x06})
	a := <-h.Reached
	if a.Command != "CN" || a.Room != "101" || a.Encoder != "1" {
		t.Errorf("held %+v", a)
	}
	if n := len(s.Cuts("101")); n != 0 {
		t.Errorf("%d cards before the work", n)
	}
	c.c.Close() // killed
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
	c.send(wireFrame("CN|1|E|101"))
	c.want([]byte{0x06})
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
	c.send([]byte{0x05})
	c.want([]byte{0x15})
	h.Release()
	c.want(wireFrame("CN|1"))
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

func TestEchoAndLoopBack(t *testing.T) {
	bothWays(t, nil, func(t *testing.T, s *System, c *client, p *Port) {
		p.SetEcho(true)
		c.send([]byte{0x05})
		c.want([]byte{0x05, 0x06})
		frame := wireFrame("CN|1|E|101")
		c.send(frame)
		c.want(slices.Concat(frame, []byte{0x06}, wireFrame("CN|1")))
		p.SetEcho(false)
		p.SetLoopBack(true)
		c.send(append([]byte{0x05}, frame...))
		c.want(append([]byte{0x05}, frame...))
		p.SetLoopBack(false)
		c.quiet()
		if n := len(s.Cuts("101")); n != 1 {
			t.Errorf("%d cards", n)
		}
	})
}

func TestSpuriousBytesWhileIdle(t *testing.T) {
	bothWays(t, nil, func(t *testing.T, s *System, c *client, p *Port) {
		c.quiet()
		p.Spurious([]byte{0x06, 0x02, 0x00})
		c.want([]byte{0x06, 0x02, 0x00})
	})
}

func TestCorruption(t *testing.T) {
	s := start(t, quick(nil))
	c, p := overTCP(t, s)
	p.SetLoopBack(true)
	p.SetCorruption(0, 1)
	sent := bytes.Repeat([]byte{0x55}, 100)
	c.send(sent)
	for i, b := range c.read(100) {
		if b == 0x55 {
			t.Errorf("byte %d came through", i)
		}
	}
	p.SetLoopBack(false)
	p.SetCorruption(1, 0)
	frame := wireFrame("CN|1|E|101")
	c.send(frame)
	if err := s.Wait(t.Context(), func() bool {
		l := s.Transcript()
		return l[len(l)-1].Dir == In && len(l[len(l)-1].Bytes) == len(frame)
	}); err != nil {
		t.Fatal(err)
	}
	p.SetCorruption(0, 0)
	c.quiet()
	if len(s.Audit()) != 0 {
		t.Error("a damaged frame was obeyed")
	}
}

func TestStopReading(t *testing.T) {
	bothWays(t, nil, func(t *testing.T, _ *System, c *client, p *Port) {
		c.quiet()
		p.StopReading()
		block := bytes.Repeat([]byte{0x00}, 64<<10)
		w := c.c.(interface{ SetWriteDeadline(time.Time) error })
		if err := w.SetWriteDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		var err error
		for i := 0; err == nil && i < 1000; i++ {
			_, err = c.c.Write(block)
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("the agent's writes should block: %v", err)
		}
		p.Resume()
		if err := w.SetWriteDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		c.quiet()
	})
}

func TestCrashWithHangUp(t *testing.T) {
	bothWays(t, nil, func(t *testing.T, s *System, c *client, p *Port) {
		s.Next(Fault{Crash: CrashAfterWork, HangUp: true, DownFor: time.Millisecond})
		h := s.HoldBeforeResult() // a hang-up takes along what was not yet read
		c.send(wireFrame("CN|1|E|101"))
		c.want([]byte{0x06})
		h.Release()
		if _, err := io.ReadAll(c.c); err != nil && !errors.Is(err, syscall.EIO) && !errors.Is(err, syscall.ECONNRESET) {
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

func TestPacing(t *testing.T) {
	clock := NewManual(noon)
	s := start(t, quick(func(c *Config) { c.Clock, c.Now = clock, nil }))
	p, err := s.ListenTCP("127.0.0.1:0", PortOptions{Baud: 1000, Pace: true})
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, p)
	p.SetEcho(true)
	c.send([]byte{0x00, 0x01})
	for _, b := range []byte{0x00, 0x01} {
		clock.AwaitWaiters(1)
		clock.Advance(9 * time.Millisecond)
		if l := s.Transcript(); l[len(l)-1].Dir == Out && l[len(l)-1].Bytes[0] == b {
			t.Errorf("byte %X before its time", b)
		}
		clock.Advance(time.Millisecond)
		c.want([]byte{b})
	}
}

func TestOneInterfaceOneCommandTwoInterfacesTwo(t *testing.T) {
	s := start(t, quick(nil))
	a, _ := overTCP(t, s)
	b, _ := overPTY(t, s, PortOptions{})
	h := s.HoldBeforeResult()
	a.send(wireFrame("CN|1|E|101"))
	a.want([]byte{0x06})
	<-h.Reached
	a.send(wireFrame("CN|2|E|102"))
	a.want([]byte{0x15})
	b.ask("CN|2|E|102", "CN|2")
	h.Release()
	a.want(wireFrame("CN|1"))

	clock := NewManual(noon)
	s = start(t, quick(func(c *Config) { c.Clock, c.Now = clock, nil }))
	a, _ = overTCP(t, s)
	b, _ = overTCP(t, s)
	s.Operator("1", Presentation{Never: true})
	a.send(wireFrame("CN|1|E|101"))
	clock.AwaitWaiters(1)
	clock.Advance(1)
	a.want([]byte{0x06})
	for command, result := range map[string]string{"CN|1|E|102": "OV|1", "CN|2|E|101": "EO|2"} {
		if err := s.Wait(t.Context(), func() bool { e, _ := s.Encoder("1"); return e.WaitsForCard }); err != nil {
			t.Fatal(err)
		}
		clock.AwaitWaiters(1)
		b.send(wireFrame(command))
		clock.AwaitWaiters(2)
		clock.Advance(1)
		b.want(slices.Concat([]byte{0x06}, wireFrame(result)))
	}
}

func TestScaledClock(t *testing.T) {
	c := Scaled(noon, 1000)
	before := c.Now()
	<-c.After(time.Second)
	if d := c.Now().Sub(before); d < time.Second {
		t.Errorf("only %v passed", d)
	}
	if before.Before(noon) {
		t.Errorf("started at %v", before)
	}
}

func TestCloseEndsEverything(t *testing.T) {
	s := New(quick(func(c *Config) { c.CardWait = time.Hour }))
	c, p := overPTY(t, s, PortOptions{})
	overTCP(t, s)
	s.Operator("1", Presentation{Never: true})
	c.send(wireFrame("CN|1|E|101"))
	c.want([]byte{0x06})
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
