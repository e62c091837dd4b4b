package locksim

import (
	"slices"
	"testing"
	"time"

	"edgeagent/hwsim/line"
)

func TestNaksBeforeTheFrameIsTaken(t *testing.T) {
	s := start(t, quick(nil))
	c, _ := overTCP(t, s)
	s.Next(Fault{Naks: 2, WildcardLRC: true})
	for range 2 {
		c.Send(wireFrame("CN|1|E|101"))
		c.Want([]byte{0x15})
		c.quiet()
	}
	c.Send(wireFrame("CN|1|E|101"))
	c.Want(append([]byte{0x06}, append(wireFrame("CN|1")[:8], 0x0D)...))
	if s.PendingFaults() != 0 || len(s.Cuts("101")) != 1 {
		t.Errorf("%d faults left, %d cards", s.PendingFaults(), len(s.Cuts("101")))
	}
}

func TestEnquiries(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault Fault
		want  []byte
	}{
		{"NAK three times", Fault{Enquiry: true, Naks: 3}, []byte{0x15, 0x15, 0x15, 0x06}},
		{"NAK then ACK", Fault{Enquiry: true, NakThenAck: true}, []byte{0x15, 0x06, 0x06, 0x06, 0x06}},
		{"ACK twice", Fault{Enquiry: true, DoubleAck: true}, []byte{0x06, 0x06, 0x06, 0x06, 0x06}},
		{"dropped", Fault{Enquiry: true, DropAck: true}, []byte{0x06, 0x06, 0x06}},
		{"delayed past the others", Fault{Enquiry: true, AckDelay: 20 * time.Millisecond}, []byte{0x06, 0x06, 0x06, 0x06}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, quick(nil))
			c, p := overTCP(t, s)
			s.Next(tt.fault)
			c.Send([]byte{0x05, 0x05, 0x05, 0x05})
			c.Want(tt.want)
			p.SetSaturated(true)
			c.Send([]byte{0x05})
			c.Want([]byte{0x15})
			c.Send(wireFrame("CN|1|E|101"))
			c.Want([]byte{0x15})
		})
	}
}

func TestResultSplitAtEveryBoundary(t *testing.T) {
	s := start(t, quick(nil))
	c, _ := overPTY(t, s, PortOptions{})
	n := len(wireFrame("CN|1"))
	for at := 1; at < n; at++ {
		s.Next(Fault{SplitAt: at, SplitPause: 1})
		c.ask("CN|1|E|101", "CN|1")
		var sent []int
		for _, l := range s.Transcript() {
			if l.Dir == Out {
				sent = append(sent, len(l.Bytes))
			}
		}
		if last := sent[len(sent)-2:]; last[0] != at || last[1] != n-at {
			t.Errorf("split at %d: pieces of %v", at, last)
		}
	}
}

func TestResultDuringTheNextRequest(t *testing.T) {
	bothWays(t, nil, func(t *testing.T, s *System, c *client, _ *Port) {
		s.Next(Fault{DuringNext: true})
		c.Send(wireFrame("CN|1|E|101"))
		c.Want([]byte{0x06})
		if err := s.Wait(t.Context(), func() bool { return len(s.Cuts("101")) == 1 }); err != nil {
			t.Fatal(err)
		}
		// Idle meanwhile; poll until the job has let go of the port.
		for answer := byte(0x15); answer != 0x06; {
			c.Send([]byte{0x05})
			answer = c.Read(1)[0]
		}
		c.Send(wireFrame("CN|1|E|102"))
		c.Want(slices.Concat([]byte{0x06}, wireFrame("CN|1"), wireFrame("CN|1")))
	})
}

func TestLateResultOfAnIdlePort(t *testing.T) {
	clock := line.NewManual(noon)
	s := start(t, quick(func(c *Config) { c.Clock, c.Now = clock, nil }))
	c, p := overTCP(t, s)
	s.Next(Fault{Late: time.Minute, LateIdle: true})
	c.Send(wireFrame("CO|0|101"))
	clock.AwaitWaiters(1)
	clock.Advance(time.Second) // the ACK
	c.Want([]byte{0x06})
	clock.AwaitWaiters(1)
	if p.Busy() {
		t.Error("busy")
	}
	c.quiet()
	clock.Advance(time.Minute)
	c.Want(wireFrame("CO|0"))
}

func TestCardWaitInNoTime(t *testing.T) {
	clock := line.NewManual(noon)
	s := start(t, quick(func(c *Config) { c.Clock, c.Now, c.CardWait = clock, nil, time.Minute }))
	c, _ := overTCP(t, s)
	s.Operator("1", Presentation{Never: true})
	c.Send(wireFrame("CN|1|E|101"))
	clock.AwaitWaiters(1)
	clock.Advance(time.Second)
	c.Want([]byte{0x06})
	clock.AwaitWaiters(1)
	c.Send([]byte{0x05})
	c.Want([]byte{0x15}) // at work
	if e, _ := s.Encoder("1"); !e.WaitsForCard || !e.Busy || e.Jobs != 1 {
		t.Errorf("encoder %+v", e)
	}
	clock.Advance(59 * time.Second)
	clock.Advance(time.Second)
	c.Want(wireFrame("ED|1"))
	// A frame whose rest comes after more than a second is dropped.
	frame := wireFrame("CO|0|101")
	c.Send(frame[:6])
	if err := s.Wait(t.Context(), func() bool { l := s.Transcript(); return len(l[len(l)-1].Bytes) == 6 }); err != nil {
		t.Fatal(err)
	}
	clock.Advance(2 * time.Second)
	c.Send(frame[6:])
	c.quiet()
}

func TestFaultsByChance(t *testing.T) {
	s := start(t, quick(nil))
	c, _ := overTCP(t, s)
	s.Chance(0.5, Fault{Code: "EF"})
	s.Chance(1, Fault{Code: "ED"})
	seen := map[string]int{}
	for range 40 {
		c.Send(wireFrame("CN|1|E|101"))
		c.Want([]byte{0x06})
		seen[string(c.Read(len(wireFrame("EF|1")))[2:4])]++
	}
	if seen["EF"] < 8 || seen["ED"] < 8 || seen["EF"]+seen["ED"] != 40 {
		t.Errorf("seed %d: %v", s.Seed(), seen)
	}
	s.ClearFaults()
	c.ask("CN|1|E|101", "CN|1")
}

func TestRepeatOnNak(t *testing.T) {
	s := start(t, quick(func(c *Config) { c.RepeatOnNak, c.WildcardLRC = true, false }))
	c, _ := overTCP(t, s)
	s.Next(Fault{BadLRC: true})
	c.Send(wireFrame("CN|1|E|101"))
	c.Read(1 + len(wireFrame("CN|1")))
	c.Send([]byte{0x15})
	c.Want(wireFrame("CN|1"))
	c.Send([]byte{0x06})
	c.quiet()
	if len(s.Cuts("101")) != 1 {
		t.Error("repeating a result cuts no card")
	}
}

func TestCheckByteOfRequests(t *testing.T) {
	for _, strict := range []bool{false, true} {
		s := start(t, quick(func(c *Config) { c.StrictLRC = strict }))
		c, _ := overTCP(t, s)
		frame := wireFrame("CO|0|101")
		frame[len(frame)-1] ^= 1
		c.Send(frame)
		c.Want([]byte{0x15})
		frame[len(frame)-1] = 0x0D
		c.Send(frame)
		if strict {
			c.Want([]byte{0x15})
			continue
		}
		c.Want(append([]byte{0x06}, wireFrame("CO|0")...))
	}
}
