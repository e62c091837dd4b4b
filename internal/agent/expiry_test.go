package agent

import (
	"testing"
	"testing/synctest"
	"time"
)

// A key request waits until its own end, however old it is when it is heard of
// and whatever came in between.
func TestKeyRequestEndsWhenThePMSSays(t *testing.T) {
	for _, replayed := range []bool{false, true} {
		for _, age := range []time.Duration{-time.Minute, 0, time.Minute, 50 * time.Minute} {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				defer s.stop()
				s.desk.behave(encoder(time.Hour))
				s.say(cut("K0", "100")) // holds the encoder up
				n := cut("K1", "101")
				n.NotBefore, n.Replayed = time.Now().Add(-age), replayed
				n.Expires = time.Now().Add(4 * time.Minute)
				s.say(n)
				open, err := s.store.Open()
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range open {
					if c.Ask == "K1" && c.Deadline.Equal(n.Expires) {
						return
					}
				}
				t.Errorf("%s old, replayed %v: %+v, answers %v", age, replayed, open, s.pms.answers())
			})
		}
	}
}
