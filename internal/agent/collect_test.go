package agent

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"edgeagent/drivers"
)

// made is an encoder that holds a card by the time that the key is called off.
func made(ctx context.Context, _ drivers.Command) (drivers.Receipt, error) {
	_ = wait(ctx, 30*time.Second)
	return drivers.Receipt{Note: "1 card", Values: map[string]string{"cards": "1"}}, nil
}

// stray lists what the view says of cards to collect.
func (s *stage) stray() []string {
	s.t.Helper()
	v, err := s.agent.Look()
	if err != nil {
		s.t.Fatal(err)
	}
	out := []string{}
	for _, c := range v.Conditions {
		if c.Code == "card-to-collect" {
			out = append(out, c.About+": "+c.Text)
			if !c.Serious || c.Do != "take the card off the encoder and keep it: the desk has called the key off" || c.Since.IsZero() {
				s.t.Errorf("%+v", c)
			}
		}
	}
	return out
}

// A card that was made although the desk had called the key off lies on the
// encoder and opens the room. A person is told, also by the next process.
func TestCardOfAWithdrawnCommandIsToBeCollected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer func() { s.stop() }()
		s.desk.behave(made)
		s.say(cut("K1", "101"))
		s.want("under way", s.stray(), []string{})
		s.say(withdrawn("K1"))
		told := []string{"desk1: a card for room 101 was made after the desk had called it off"}
		s.want("withdrawn", s.stray(), told)
		s.say(cut("K2", "102"))
		time.Sleep(time.Minute)
		s.want("another room's key", s.stray(), told)
		s.say(checkOut("R1", "101"))
		s.stop()
		s.start()
		s.want("after a restart", s.stray(), told)
		time.Sleep(3 * time.Hour)
		s.want("hours later", s.stray(), told)
		time.Sleep(time.Hour)
		s.want("the next shift", s.stray(), []string{})
	})
}

func TestNextKeyEndsTheSearchForACard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer func() { s.stop() }()
		s.desk.behave(made)
		for _, id := range []string{"1", "2"} { // called off twice: one card counts
			s.say(cut("K"+id, "101"))
			s.say(withdrawn("K" + id))
		}
		if got := s.stray(); len(got) != 1 {
			t.Errorf("%q", got)
		}
		s.desk.behave(func(context.Context, drivers.Command) (drivers.Receipt, error) {
			return drivers.Receipt{}, fmt.Errorf("%w: no card was presented", drivers.ErrRefused)
		})
		s.say(cut("K3", "101"))
		if got := s.stray(); len(got) != 1 {
			t.Errorf("after a key that was not made: %q", got)
		}
		s.desk.behave(nil)
		s.say(cut("K4", "101"))
		s.want("after the next key", s.stray(), []string{})
		s.stop()
		s.start()
		s.want("and a restart", s.stray(), []string{})
	})
}

// What was withdrawn before a card was made, and what is no card, is nobody's concern.
func TestNothingToCollect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		s.desk.behave(encoder(time.Minute))
		s.say(cut("K1", "101"))
		s.say(withdrawn("K1"))
		s.want("given up in time", s.stray(), []string{})
		s.desk.behave(func(ctx context.Context, _ drivers.Command) (drivers.Receipt, error) {
			<-ctx.Done()
			return drivers.Receipt{Values: map[string]string{"cards": "1"}}, fmt.Errorf("%w: 1 of 2 cards were made", drivers.ErrRefused)
		})
		s.say(cut("K2", "102"))
		s.say(withdrawn("K2"))
		s.want("one of two", s.stray(), []string{"desk1: a card for room 102 was made after the desk had called it off"})
	})
}
