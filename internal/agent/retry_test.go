package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"edgeagent/drivers"
	"edgeagent/offsetstore"
	"edgeagent/pms"
)

var errNoCard = fmt.Errorf("%w: no card was presented", drivers.ErrRefused)

// failedKey is a stage on which the key of room 101 failed, and the command's id.
func failedKey(t *testing.T) (*stage, string) {
	t.Helper()
	s := newStage(t)
	s.desk.behave(func(context.Context, drivers.Command) (drivers.Receipt, error) { return drivers.Receipt{}, errNoCard })
	s.say(checkIn("R1", "101", "Silva"))
	s.desk.behave(nil)
	return s, s.failures()[0].ID
}

// failures are the failed commands that the page shows, the newest first.
func (s *stage) failures() (failed []CommandView) {
	s.t.Helper()
	v, err := s.agent.Look()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, c := range v.Recent {
		if c.State == offsetstore.Error {
			failed = append(failed, c)
		}
	}
	return failed
}

// refused has a retry refused, with those words, and checks that nobody offers it.
func (s *stage) refused(id, want string) {
	s.t.Helper()
	for _, c := range s.failures() {
		if c.ID == id && c.Retry {
			s.t.Errorf("%s is offered", id)
		}
	}
	before := len(s.desk.saw()) + len(s.tvs.saw()) + len(s.lan.saw())
	if err := s.agent.Retry(id); err == nil || err.Error() != want {
		s.t.Errorf("%v, want %s", err, want)
	}
	s.rest()
	if now := len(s.desk.saw()) + len(s.tvs.saw()) + len(s.lan.saw()); now != before {
		s.t.Errorf("%d commands were given out", now-before)
	}
}

// A failed command is given out again once, and what became of it may be tried
// again if it fails in turn.
func TestRetryIsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, id := failedKey(t)
		defer s.stop()
		if !s.failures()[0].Retry {
			t.Error("it is not offered")
		}
		s.desk.behave(func(context.Context, drivers.Command) (drivers.Receipt, error) { return drivers.Receipt{}, errNoCard })
		if err := s.agent.Retry(id); err != nil {
			t.Fatal(err)
		}
		s.rest()
		s.refused(id, "it was given out again already, as "+id+"/again-1: retry that one if it fails")
		s.desk.behave(nil)
		if err := s.agent.Retry(id + "/again-1"); err != nil {
			t.Fatal(err)
		}
		s.rest()
		for _, gone := range []string{id, id + "/again-1"} {
			s.refused(gone, "it was given out again already, as "+id+"/again-2: retry that one if it fails")
		}
		s.refused(id+"/again-2", "it has ended and did not fail, or failed before the agent was started, when what it was to do was forgotten: have the PMS send it again")
		s.want("encoder", s.desk.saw(), []string{"encode room:101", "encode room:101", "encode room:101"})
	})
}

func TestParallelRetriesAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, id := failedKey(t)
		defer s.stop()
		var all sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for range 6 {
			all.Go(func() {
				if s.agent.Retry(id) == nil {
					mu.Lock()
					won++
					mu.Unlock()
				}
			})
		}
		all.Wait()
		s.rest()
		if won != 1 {
			t.Errorf("%d won, want one", won)
		}
		s.want("encoder", s.desk.saw(), []string{"encode room:101", "encode room:101"})
	})
}

// A former guest gets no card, whoever asks and whatever has come since.
func TestRetryIsForThePresentGuest(t *testing.T) {
	const left = "the stay has left room 101: have the PMS send a key for the present guest"
	for name, tt := range map[string]struct {
		then []pms.Notice
		want string
	}{
		"checked out":     {[]pms.Notice{checkOut("R1", "101")}, left},
		"the next is in":  {[]pms.Notice{checkOut("R1", "101"), checkIn("R2", "101", "Okoro")}, left},
		"unannounced":     {[]pms.Notice{checkIn("R2", "101", "Okoro")}, left},
		"moved":           {[]pms.Notice{move("R1", "101", "102")}, "the stay has moved from room 101 to 102: have the PMS send a key for that room"},
		"a newer one":     {[]pms.Notice{cut("K1", "101")}, "pms/1/2#1/cut-the-key-that-the-pms-asks-for/1 came after it and is about the same: have the PMS send what is wanted now"},
		"left for 102":    {[]pms.Notice{checkOut("R1", "101"), checkIn("R1", "102", "Silva")}, "the stay has moved from room 101 to 102: have the PMS send a key for that room"},
		"in one and back": {[]pms.Notice{checkOut("R1", "101"), checkIn("R1", "101", "Silva")}, "pms/1/3#1/cut-a-key-at-check-in/1 came after it and is about the same: have the PMS send what is wanted now"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, id := failedKey(t)
				defer s.stop()
				for _, n := range tt.then {
					s.say(n)
				}
				s.refused(id, tt.want)
			})
		})
	}
}

func move(reservation, from, to string) pms.Notice {
	return pms.Notice{Kind: pms.KindRoomMove, Reservation: reservation, Fields: []pms.Field{{Name: pms.FieldRoom, Old: from, New: to}}}
}

// So it is with what waits, and with a message on the TV; what is taken away from
// a stay is taken away from one that has left.
func TestRetryAfterTheStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		s.say(checkIn("R1", "101", "Silva"))
		fail := func(context.Context, drivers.Command) (drivers.Receipt, error) { return drivers.Receipt{}, errNoCard }
		s.tvs.behave(fail)
		s.say(pms.Notice{Kind: pms.KindMessage, Reservation: "R1", Fields: []pms.Field{{Name: pms.FieldRoom, New: "101"}, {Name: pms.FieldMessage, New: "Your taxi"}}})
		s.tvs.behave(nil)
		message := s.failures()[0].ID
		s.lan.behave(fail)
		s.say(checkOut("R1", "101"))
		s.refused(message, "the stay has left room 101: have the PMS send it for the present guest")
		time.Sleep(31 * time.Minute)
		synctest.Wait()
		revoke := s.failures()[0]
		if !revoke.Retry || !strings.HasPrefix(revoke.Subject, "stay:") {
			t.Fatalf("%+v is not offered", revoke)
		}
		s.lan.behave(nil)
		if err := s.agent.Retry(revoke.ID); err != nil {
			t.Fatal(err)
		}
		s.desk.behave(func(context.Context, drivers.Command) (drivers.Receipt, error) {
			return drivers.Receipt{}, &drivers.LinkDown{Err: errors.New("the line is dead")}
		})
		s.say(checkIn("R2", "102", "Okoro"))
		s.say(checkOut("R2", "102"))
		v, err := s.agent.Look()
		if err != nil || len(v.Open) == 0 {
			t.Fatalf("%+v %v", v.Open, err)
		}
		for _, err := s.store.Waiting(v.Open[0].ID); errors.Is(err, offsetstore.ErrUnderWay); _, err = s.store.Waiting(v.Open[0].ID) {
			time.Sleep(10 * time.Millisecond) // it is between two tries sooner or later
		}
		if err := s.agent.Retry(v.Open[0].ID); err == nil || err.Error() != "the stay has left room 102: have the PMS send a key for the present guest" {
			t.Errorf("%s: %v", v.Open[0].ID, err)
		}
	})
}

// What a person found not done is tried again, also when the agent was started
// anew before and after he looked, and stays to be seen.
func TestRetryOfWhatWasNotDone(t *testing.T) {
	for _, restarts := range []int{0, 1} {
		synctest.Test(t, func(t *testing.T) {
			s, id := doubtful(t)
			restart := func() {
				for range restarts {
					s.stop()
					s.start()
				}
			}
			restart()
			s.refused(id, "nobody knows whether it was done: look first, and say so with edgeagent resolve")
			if err := s.agent.Resolve(id, false); err != nil {
				t.Fatal(err)
			}
			restart()
			if f := s.failures(); len(f) != 1 || f[0].ID != id || !f[0].Retry || f[0].Unknown {
				t.Fatalf("%+v", f)
			}
			s.desk.behave(nil)
			if err := s.agent.Retry(id); err != nil {
				t.Fatal(err)
			}
			s.rest()
			restart()
			want := "it was given out again already, as " + id + "/again-1: retry that one if it fails"
			if restarts > 0 { // it was done, so the store has forgotten the first
				want = "it has ended and did not fail, or failed before the agent was started, when what it was to do was forgotten: have the PMS send it again"
			}
			s.refused(id, want)
			s.want("encoder", s.desk.saw(), []string{"encode room:101", "encode room:101"})
			s.stop()
		})
	}
}

// One that was not done is not done for a guest who has left meanwhile.
func TestWhatWasNotDoneIsForItsGuest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, id := doubtful(t)
		s.desk.behave(nil)
		s.say(checkOut("R1", "101"))
		s.stop()
		s.start()
		defer s.stop()
		if err := s.agent.Resolve(id, false); err != nil {
			t.Fatal(err)
		}
		s.refused(id, "the stay has left room 101: have the PMS send a key for the present guest")
	})
}

// What a person found to be done is shown as done.
func TestResolvedStaysToBeSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, id := doubtful(t)
		defer s.stop()
		if err := s.agent.Resolve(id, true); err != nil {
			t.Fatal(err)
		}
		v, err := s.agent.Look()
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, c := range v.Recent {
			if c.ID == id && c.State == offsetstore.Processed && !c.Unknown && !c.Retry {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%+v", v.Recent)
		}
	})
}

// A house that came back from a backup does not know yet who is in its rooms.
func TestRetryWaitsForTheNewsAfterARestore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, id := doubtful(t)
		if err := s.agent.Resolve(id, false); err != nil {
			t.Fatal(err)
		}
		s.desk.behave(nil)
		backup := s.backUp()
		s.say(checkOut("R1", "101"))
		s.restore(backup)
		defer s.stop()
		s.refused(id, "nobody knows whether it was done: look first, and say so with edgeagent resolve")
		if err := s.agent.Resolve(id, false); err != nil {
			t.Fatal(err)
		}
		s.refused(id, "this gateway came back from a backup and has not heard yet who is in which room now: wait until the PMS link has caught up")
		s.say(replayed(checkOut("R1", "101"), time.Now().Add(-time.Hour)))
		s.caughtUp()
		s.refused(id, "the stay has left room 101: have the PMS send a key for the present guest")
	})
}
