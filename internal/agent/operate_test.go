package agent

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"edgeagent/drivers"
	"edgeagent/offsetstore"
)

func TestRetryByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		fail := fmt.Errorf("%w: no card was presented", drivers.ErrRefused)
		s.desk.behave(func(context.Context, drivers.Command) (drivers.Receipt, error) { return drivers.Receipt{}, fail })
		s.say(checkIn("R1", "101", "Silva"))
		v, err := s.agent.Look()
		if err != nil {
			t.Fatal(err)
		}
		id := ""
		for _, c := range v.Recent {
			if c.Device == "desk1" {
				id = c.ID
			}
		}
		s.desk.behave(nil)
		if err := s.agent.Retry(id); err != nil {
			t.Fatal(err)
		}
		s.rest()
		s.want("encoder", s.desk.saw(), []string{"encode room:101", "encode room:101"})
		if err := s.agent.Retry("nonsense"); err == nil || err.Error() != "there is no command of this id: edgeagent commands lists those that wait or have failed" {
			t.Error(err)
		}
	})
}

// A lane that pauses for a device that is away begins again at once.
func TestRetryWakesALane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		s.desk.behave(func(context.Context, drivers.Command) (drivers.Receipt, error) {
			return drivers.Receipt{}, &drivers.LinkDown{Err: errors.New("the line is dead")}
		})
		s.say(checkIn("R1", "101", "Silva"))
		time.Sleep(4 * time.Minute) // of ten in which the key is wanted
		tries := len(s.desk.saw())
		s.desk.behave(nil)
		v, err := s.agent.Look()
		if err != nil || len(v.Open) != 1 {
			t.Fatalf("%+v, %v", v.Open, err)
		}
		if err := s.agent.Retry(v.Open[0].ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if n := len(s.desk.saw()); n != tries+1 {
			t.Errorf("%d tries at once, want one", n-tries)
		}
	})
}

func TestCancelByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		s.desk.behave(func(context.Context, drivers.Command) (drivers.Receipt, error) {
			return drivers.Receipt{}, &drivers.LinkDown{Err: errors.New("the line is dead")}
		})
		s.say(checkIn("R1", "101", "Silva"))
		v, err := s.agent.Look()
		if err != nil || len(v.Open) != 1 {
			t.Fatalf("%+v, %v", v.Open, err)
		}
		if err := s.agent.Cancel(v.Open[0].ID); err != nil {
			t.Fatal(err)
		}
		if last := s.agent.recent.list(func(offsetstore.Command) bool { return false }); last[0].ID != v.Open[0].ID || last[0].State != offsetstore.Cancelled || last[0].Note != "a person called it off" {
			t.Errorf("among the last that ended: %+v", last)
		}
		s.desk.behave(nil)
		before := len(s.desk.saw())
		time.Sleep(time.Hour)
		if len(s.desk.saw()) != before {
			t.Error("it was tried all the same")
		}
		if err := s.agent.Cancel(v.Open[0].ID); err == nil || err.Error() != "no command of this id waits: it has ended, or never was" {
			t.Error(err)
		}
	})
}
