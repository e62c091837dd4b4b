package locksim

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"edgeagent/hwsim/line"
)

func TestLineSpeed(t *testing.T) {
	s := start(t, quick(nil))
	c, _ := overPTY(t, s, PortOptions{Baud: 9600})
	control := []byte{stx, etx, enq, ack, nak}
	for _, wrong := range []struct {
		baud    uint32
		twoStop bool
	}{{19200, false}, {9600, true}} {
		c.SetSpeed(wrong.baud, wrong.twoStop)
		frame := wireFrame("CN|1|E|101")
		c.Send(frame)
		first := c.Read(8)
		c.Send(frame)
		if again := c.Read(8); !bytes.Equal(first, again) {
			t.Errorf("garbage is to be the same: % X and % X", first, again)
		}
		if bytes.ContainsAny(first, string(control)) {
			t.Errorf("garbage that means something: % X", first)
		}
	}
	c.SetSpeed(9600, false)
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
	c.Send(all)
	c.Want(all)
}

func TestEchoAndLoopBack(t *testing.T) {
	bothWays(t, nil, func(t *testing.T, s *System, c *client, p *Port) {
		p.SetEcho(true)
		c.Send([]byte{0x05})
		c.Want([]byte{0x05, 0x06})
		frame := wireFrame("CN|1|E|101")
		c.Send(frame)
		c.Want(slices.Concat(frame, []byte{0x06}, wireFrame("CN|1")))
		p.SetEcho(false)
		p.SetLoopBack(true)
		c.Send(append([]byte{0x05}, frame...))
		c.Want(append([]byte{0x05}, frame...))
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
		c.Want([]byte{0x06, 0x02, 0x00})
	})
}

func TestCorruption(t *testing.T) {
	s := start(t, quick(nil))
	c, p := overTCP(t, s)
	p.SetLoopBack(true)
	p.SetCorruption(0, 1)
	sent := bytes.Repeat([]byte{0x55}, 100)
	c.Send(sent)
	for i, b := range c.Read(100) {
		if b == 0x55 {
			t.Errorf("byte %d came through", i)
		}
	}
	p.SetLoopBack(false)
	p.SetCorruption(1, 0)
	frame := wireFrame("CN|1|E|101")
	c.Send(frame)
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
		w := c.Conn.(interface{ SetWriteDeadline(time.Time) error })
		if err := w.SetWriteDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		var err error
		for i := 0; err == nil && i < 1000; i++ {
			_, err = c.Conn.Write(block)
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

func TestPacing(t *testing.T) {
	clock := line.NewManual(noon)
	s := start(t, quick(func(c *Config) { c.Clock, c.Now = clock, nil }))
	p, err := s.ListenTCP("127.0.0.1:0", PortOptions{Baud: 1000, Pace: true})
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, p)
	p.SetEcho(true)
	c.Send([]byte{0x00, 0x01})
	for _, b := range []byte{0x00, 0x01} {
		clock.AwaitWaiters(1)
		clock.Advance(9 * time.Millisecond)
		if l := s.Transcript(); l[len(l)-1].Dir == Out && l[len(l)-1].Bytes[0] == b {
			t.Errorf("byte %X before its time", b)
		}
		clock.Advance(time.Millisecond)
		c.Want([]byte{b})
	}
}

func TestOneInterfaceOneCommandTwoInterfacesTwo(t *testing.T) {
	s := start(t, quick(nil))
	a, _ := overTCP(t, s)
	b, _ := overPTY(t, s, PortOptions{})
	h := s.HoldBeforeResult()
	a.Send(wireFrame("CN|1|E|101"))
	a.Want([]byte{0x06})
	<-h.Reached
	a.Send(wireFrame("CN|2|E|102"))
	a.Want([]byte{0x15})
	b.ask("CN|2|E|102", "CN|2")
	h.Release()
	a.Want(wireFrame("CN|1"))

	clock := line.NewManual(noon)
	s = start(t, quick(func(c *Config) { c.Clock, c.Now = clock, nil }))
	a, _ = overTCP(t, s)
	b, _ = overTCP(t, s)
	s.Operator("1", Presentation{Never: true})
	a.Send(wireFrame("CN|1|E|101"))
	clock.AwaitWaiters(1)
	clock.Advance(1)
	a.Want([]byte{0x06})
	for command, result := range map[string]string{"CN|1|E|102": "OV|1", "CN|2|E|101": "EO|2"} {
		if err := s.Wait(t.Context(), func() bool { e, _ := s.Encoder("1"); return e.WaitsForCard }); err != nil {
			t.Fatal(err)
		}
		clock.AwaitWaiters(1)
		b.Send(wireFrame(command))
		clock.AwaitWaiters(2)
		clock.Advance(1)
		b.Want(slices.Concat([]byte{0x06}, wireFrame(result)))
	}
}
