package locksim

import (
	"slices"
	"testing"
)

// controls are the check bytes that look like something else.
var controls = []byte{stx, etx, enq, ack, anyLRC, nak}

// Requests whose check byte looks like a control byte, split at every boundary
// by a read of the lock system's.
func TestRequestsWhoseCheckIsAControlByte(t *testing.T) {
	for _, family := range []Family{SALTO, Onity} {
		s := start(t, quick(func(c *Config) { c.Rooms = []string{"148", "149", "129", "9", "2"} }))
		c, _ := overTCP(t, s, PortOptions{Family: family})
		var seen []byte
		for _, tt := range []struct{ command, result string }{
			{"CO|0|148", "CO|0"}, {"CO|0|149", "CO|0"}, {"CO|0|129", "CO|0"}, {"CO|0|9", "CO|0"}, {"CO|0|2", "CO|0"}, {"VS", "ES|"},
		} {
			frame := wireFrame(tt.command)
			seen = append(seen, frame[len(frame)-1])
			for at := 1; at < len(frame); at++ {
				before := len(s.Transcript())
				c.Send(frame[:at])
				if err := s.Wait(t.Context(), func() bool { return len(s.Transcript()) > before }); err != nil {
					t.Fatal(err)
				}
				c.Send(frame[at:])
				c.Want(append([]byte{0x06}, wireFrame(tt.result)...))
			}
		}
		if want := []byte{stx, etx, enq, ack, anyLRC, ack}; !slices.Equal(seen, want) {
			t.Errorf("check bytes % X, want % X", seen, want)
		}
	}
}

// Results whose check byte looks like a control byte, split at every boundary.
func TestResultsWhoseCheckIsAControlByte(t *testing.T) {
	for _, family := range []Family{SALTO, Onity} {
		s := start(t, quick(nil))
		c, _ := overTCP(t, s, PortOptions{Family: family})
		for _, want := range controls {
			// Two letters, of which the second makes the check what it shall be.
			text := "A" + string(lrc([]byte("\xB3EG\xB31\xB3A\xB3"))^want)
			if text[1] < 0x20 || text[1] == '|' { // the bar of wireFrame
				text = "a" + string(text[1]^'A'^'a')
			}
			frame := wireFrame("EG|1|" + text)
			if got := frame[len(frame)-1]; got != want {
				t.Fatalf("check byte %02X, want %02X", got, want)
			}
			for at := 1; at < len(frame); at++ {
				s.Next(Fault{Code: "EG", Text: text, SplitAt: at, SplitPause: 1})
				c.ask("CN|1|E|101", "EG|1|"+text)
			}
		}
		if len(s.Audit()) != 0 {
			t.Error("a card was cut")
		}
	}
}
