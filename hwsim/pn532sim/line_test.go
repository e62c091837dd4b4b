package pn532sim

import (
	"bytes"
	"errors"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"edgeagent/hwsim/line"
)

func TestLineSpeed(t *testing.T) {
	c := start(t, quick(nil))
	h, _ := overPTY(t, c, PortOptions{Baud: 115200})
	for _, wrong := range []struct {
		baud    uint32
		twoStop bool
	}{{9600, false}, {115200, true}} {
		h.SetSpeed(wrong.baud, wrong.twoStop)
		h.Send(toChip("02"))
		first := h.Read(8)
		h.Send(toChip("02"))
		if again := h.Read(8); !bytes.Equal(first, again) || bytes.Contains(first, []byte{0x00}) {
			t.Errorf("garbage % X, then % X", first, again)
		}
	}
	h.SetSpeed(115200, false)
	h.quiet()
	// Another speed, from the host's ACK on.
	ask(h, "10 00", "11")
	h.Send(ackFrame())
	eventually(t, c, "slow", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.core.baud == 9600
	})
	h.SetSpeed(9600, false)
	h.quiet()
	c.PowerCycle()
	h.SetSpeed(115200, false)
	h.Send(append([]byte{0x55, 0x55}, make([]byte, 14)...))
	h.quiet()
}

// A converter has a speed of its own, which no reset changes.
func TestSpeedOfAConverter(t *testing.T) {
	c := start(t, quick(nil))
	h, p := overPTY(t, c, PortOptions{Baud: 115200})
	h.SetSpeed(115200, false)
	h.quiet()
	p.SetSpeed(9600)
	c.PowerCycle()
	h.Send(append([]byte{0x55, 0x55}, make([]byte, 14)...))
	h.Read(8)
	if n := c.Requests(); n != 1 {
		t.Errorf("%d requests", n)
	}
	h.SetSpeed(9600, false)
	h.Send(append([]byte{0x55, 0x55}, make([]byte, 14)...))
	h.quiet()
	p.SetSpeed(0)
	h.SetSpeed(19200, false)
	h.quiet()
}

func TestEchoAndLoopBack(t *testing.T) {
	c := start(t, quick(nil))
	h, p := overTCP(t, c)
	p.SetEcho(true)
	h.Send(toChip("02"))
	h.Want(toChip("02"))
	h.Want(append(ackFrame(), toHost("03 32 01 06 07")...))
	p.SetEcho(false)
	p.SetLoopBack(true)
	h.Send(toChip("02"))
	h.Want(toChip("02"))
	p.SetLoopBack(false)
	h.quiet()
	p.Spurious(ackFrame())
	h.Want(ackFrame())
	if c.Requests() != 2 {
		t.Errorf("%d requests", c.Requests())
	}
}

func TestHangUpAndAnotherName(t *testing.T) {
	c := start(t, quick(nil))
	h, p := overPTY(t, c, PortOptions{})
	h.quiet()
	if err := p.Unplug(); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Conn.Read(make([]byte, 1)); err == nil {
		t.Error("no hang-up")
	}
	if _, err := os.Lstat(p.Name()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the name is still there: %v", err)
	}
	if !errors.Is(p.Unplug(), line.ErrUnplugged) {
		t.Error("unplugged twice")
	}
	other := filepath.Join(t.TempDir(), "ttyUSB1")
	if err := p.PlugAs(other); err != nil || p.Name() != other {
		t.Fatal(p.Name(), err)
	}
	if !errors.Is(p.Plug(), line.ErrPlugged) {
		t.Error("plugged in twice")
	}
	h = openTTY(t, p)
	h.quiet()
	c.Next(Fault{HangUp: true, DownFor: 1, Drop: true})
	h.Send(toChip("02"))
	eventually(t, c, "back", func() bool {
		return slices.ContainsFunc(c.Transcript(), func(l Line) bool { return l.Note == "plugged in again" })
	})
	openTTY(t, p).quiet()
}

func TestHangUpOnTCP(t *testing.T) {
	c := start(t, quick(nil))
	h, p := overTCP(t, c)
	h.quiet()
	if err := p.Unplug(); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Conn.Read(make([]byte, 1)); err == nil {
		t.Error("no hang-up")
	}
	if err := p.Plug(); err != nil {
		t.Fatal(err)
	}
	dial(t, p).quiet()
}

func TestCableAndBlockedReading(t *testing.T) {
	c := start(t, quick(nil))
	h, p := overTCP(t, c)
	p.PullCable()
	h.Send(toChip("02"))
	eventually(t, c, "lost", func() bool {
		return slices.ContainsFunc(c.Transcript(), func(l Line) bool { return l.Dir == Lost })
	})
	p.PlugCable()
	h.quiet()
	p.StopReading()
	h.Send(toChip("14 01"))
	p.Resume()
	h.Want(append(ackFrame(), toHost("15")...))
}

// Damage in either direction never becomes a good frame of other content.
func TestCorruption(t *testing.T) {
	c := start(t, quick(nil))
	h, p := overTCP(t, c)
	p.SetCorruption(1, 0)
	h.Send(toChip("02"))
	eventually(t, c, "read", func() bool {
		return heard(c) == len(toChip("02"))
	})
	if c.Requests() != 0 {
		t.Error("a damaged frame was taken")
	}
	p.SetCorruption(0, 1)
	h.Send(append(make([]byte, 300), toChip("02")...))
	if got := h.Read(6); bytes.Equal(got, ackFrame()) {
		t.Error("the ACK came through")
	}
	s, port := overSPI(t, c)
	port.SetCorruption(0, 1)
	s.Send(toChip("02"))
	eventually(t, c, "ready", s.ready)
	if got := s.transfer([]byte{0x03}, 6); bytes.Equal(got, ackFrame()) {
		t.Error("the ACK came through")
	}
}

// Of a damaged message, one bit is another.
func TestDamage(t *testing.T) {
	c := start(t, quick(nil))
	h, p := overTCP(t, c)
	p.SetDamage(1, 0)
	h.Send(toChip("02"))
	eventually(t, c, "read", func() bool { return heard(c) == len(toChip("02")) })
	if c.Requests() != 0 {
		t.Error("a damaged frame was taken")
	}
	p.SetDamage(0, 1)
	h.Send(append(make([]byte, 300), toChip("02")...))
	wrong := 0
	for i, b := range h.Read(6) {
		wrong += bits.OnesCount8(b ^ ackFrame()[i])
	}
	if wrong != 1 {
		t.Errorf("%d bits of the ACK are wrong", wrong)
	}
}

// With Pace, the bytes take the time that they take on a line.
func TestPace(t *testing.T) {
	clock := line.NewManual(time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC))
	c := start(t, Config{Clock: clock, Awake: true, Seed: 1, AckTime: time.Millisecond})
	h, _ := overPTY(t, c, PortOptions{Baud: 10000, Pace: true})
	h.SetSpeed(10000, false)
	h.Send(toChip("02")) // 2 bytes of data and 7 around them, then the time of an ACK
	clock.AwaitWaiters(1)
	clock.Advance(10*time.Millisecond - 1)
	if c.Requests() != 1 {
		t.Fatal("not taken")
	}
	clock.Advance(1)
	for i := range 6 {
		clock.AwaitWaiters(1)
		clock.Advance(time.Millisecond)
		if got := h.Read(1); got[0] != ackFrame()[i] {
			t.Fatalf("byte %d is %02X", i, got[0])
		}
	}
}

func TestPathThatIsTaken(t *testing.T) {
	c := start(t, quick(nil))
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.OpenPTY(path, PortOptions{}); err == nil {
		t.Error("a file was replaced")
	}
	c.Close()
	if _, err := c.OpenPTY(path+"2", PortOptions{}); err == nil {
		t.Error("a port of a closed chip")
	}
	if _, err := c.ListenTCP("127.0.0.1:0", PortOptions{}); err == nil {
		t.Error("a port of a closed chip")
	}
}

// Close ends whatever is at work.
func TestCloseInMidCommand(t *testing.T) {
	c := start(t, quick(nil))
	h, _ := overTCP(t, c)
	h.Send(toChip("4A 01 00"))
	h.Want(ackFrame())
	hold := c.HoldAfterAck(nil)
	h.Send(toChip("02"))
	<-hold.Reached
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}
