package locksim

import (
	"testing"
	"time"
)

// The card takes the writing and stays what it was: only the door tells.
func TestStubbornCards(t *testing.T) {
	everyFamily(t, nil, func(t *testing.T, sp speech, s *System, c *client, _ *Port) {
		s.Operator("1", Presentation{Kind: Stubborn})
		c.quiet()
		c.Send(sp.cut)
		c.Want(append([]byte{0x06}, sp.done...))
		if len(s.Cuts("101")) != 1 || len(s.Keys("101", noon)) != 0 {
			t.Errorf("keys %v", s.Keys("101", noon))
		}
	})
}

func TestClockSkew(t *testing.T) {
	s := start(t, quick(nil))
	c, _ := overTCP(t, s)
	s.SetClockSkew(3 * 24 * time.Hour)
	c.ask("CN|1|E|101|||||"+stay, "ES|1") // over, to the lock system
	s.SetClockSkew(-time.Hour)
	c.ask("CN|1|E|101|||||"+stay, "CN|1")
	if e := s.Cuts("101")[0]; !e.At.Equal(noon.Add(-time.Hour)) {
		t.Errorf("audit says %v", e.At)
	}
}

func TestLockSoftwareThatDoesNotRun(t *testing.T) {
	for _, sp := range speeches()[:2] {
		s := start(t, quick(nil))
		c, _ := overTCP(t, s, PortOptions{Family: sp.family})
		s.SetRunning(false)
		c.Send(append([]byte{0x05}, sp.cut...))
		deaf := func() bool {
			n := 0
			for _, l := range s.Transcript() {
				if l.Note == "the lock software is not running" {
					n++
				}
			}
			return n == 2
		}
		if err := s.Wait(t.Context(), deaf); err != nil {
			t.Fatal(err)
		}
		s.SetRunning(true)
		c.quiet() // and not an answer of before
		c.Send(sp.cut)
		c.Want(append([]byte{0x06}, sp.done...))
	}
}
