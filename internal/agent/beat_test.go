package agent

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"edgeagent/drivers"
	"edgeagent/pms"
)

// wantStuck compares the loops that are stuck, with how long each has been.
func (s *stage) wantStuck(when string, want ...string) {
	s.t.Helper()
	var got []string
	for _, one := range s.agent.Stuck() {
		got = append(got, fmt.Sprintf("%s %s", one.Loop, time.Since(one.Since).Round(time.Minute)))
	}
	s.want(when, got, want)
}

// A guest may take a while with the card; a driver that never comes back is
// something that only a restart ends.
func TestStuckLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		card := make(chan bool)
		s.desk.behave(func(context.Context, drivers.Command) (drivers.Receipt, error) {
			<-card
			return drivers.Receipt{}, nil
		})
		s.say(checkIn("R1", "101", "Silva"))
		s.wantStuck("begun")
		time.Sleep(time.Minute + finishLimit - 2*time.Second) // the fakes' limit is a minute
		s.wantStuck("a slow guest")
		time.Sleep(4 * time.Second)
		s.wantStuck("no guest is that slow", "the lane of desk1 6m0s")
		card <- true
		s.rest()
		s.wantStuck("back at last")
		time.Sleep(24 * time.Hour)
		s.wantStuck("nothing to do all day")
	})
}

// Neither a device that is away nor a PMS that cannot be reached is helped by a restart.
func TestTroubleOutsideIsNotStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		s.desk.behave(func(context.Context, drivers.Command) (drivers.Receipt, error) {
			return drivers.Receipt{}, &drivers.LinkDown{Err: fmt.Errorf("unplugged")}
		})
		s.pms.mu.Lock()
		s.pms.fail = 1 << 30
		s.pms.mu.Unlock()
		n := checkIn("R1", "101", "Silva")
		n.Kind, n.CommandID = pms.KindKeyRequest, "C1"
		s.say(n)
		for range 8 {
			s.pms.feed <- nil // the line is cut
			time.Sleep(3 * time.Hour)
			s.wantStuck("a day without anybody")
		}
	})
}

// An answer to the PMS has its own time limit; a source that does not keep to it
// holds up the answers of one command for ever.
func TestStuckReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.agent.reporters["pms"].src = deaf{s.pms, make(chan bool)}
		n := checkIn("R1", "101", "Silva")
		n.Kind, n.CommandID = pms.KindKeyRequest, "C1"
		s.say(n)
		time.Sleep(tellLimit + storeLimit - 2*time.Second)
		s.wantStuck("slow")
		time.Sleep(4 * time.Second)
		s.wantStuck("too slow", "an answer to pms 3m0s")
		close(s.agent.reporters["pms"].src.(deaf).heard)
		s.stop()
	})
}

// deaf is a PMS whose calls do not end with their context.
type deaf struct {
	*source
	heard chan bool
}

func (d deaf) Acknowledge(context.Context, pms.Answer) error {
	<-d.heard
	return nil
}

// A lock that nobody gives back keeps all loops waiting, and none at work.
func TestStuckLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		s.agent.turn.Lock()
		time.Sleep(storeLimit)
		s.wantStuck("a slow card")
		time.Sleep(pulseEvery + time.Second)
		s.wantStuck("a lock for ever", "the store 2m0s")
		s.agent.turn.Unlock()
		time.Sleep(2 * time.Second)
		s.wantStuck("given back")
	})
}

// What came from the stream must get somewhere.
func TestStuckIngest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		pipe := make(full)
		s.agent.log = zerolog.New(pipe)
		s.pms.feed <- nil // the line is cut, and that is logged
		time.Sleep(storeLimit)
		s.wantStuck("a slow journal")
		time.Sleep(time.Second)
		s.wantStuck("a journal that stands still", "ingest from pms 2m0s")
		close(pipe)
		s.rest()
		s.wantStuck("it moves again")
		s.stop()
	})
}

// full is a pipe that nobody reads until it is closed.
type full chan bool

func (f full) Write(p []byte) (int, error) {
	<-f
	return len(p), nil
}

// A loop is stuck from the moment on at which its time is over, and not before.
func TestBeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		b := s.agent.beats.join("ingest from nowhere")
		b.work(storeLimit)
		time.Sleep(storeLimit)
		s.wantStuck("in time")
		time.Sleep(time.Nanosecond)
		if got := fmt.Sprint(s.agent.Stuck()); got != "[ingest from nowhere has been at one thing since 2000-01-01T00:00:00Z]" {
			t.Error(got)
		}
		b.leave()
		s.wantStuck("gone")
	})
}

// What others on the gateway tell of is on the page for as long as they do.
func TestStandingConditions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		since := time.Now().Add(-time.Hour)
		holds := []Condition{{Code: "stepped-back", Text: "2 did not hold", Since: since}}
		s.agent.standing = func() []Condition { return holds }
		v, err := s.agent.Look()
		if err != nil || len(v.Conditions) == 0 {
			t.Fatal(v.Conditions, err)
		}
		c := v.Conditions[len(v.Conditions)-1]
		if c.Code != "stepped-back" || c.Text != "2 did not hold" || c.Do == "" || !c.Serious || !c.Since.Equal(since) {
			t.Errorf("%+v", c)
		}
		holds = nil
		if v, err := s.agent.Look(); err != nil || slices.ContainsFunc(v.Conditions, func(c Condition) bool { return c.Code == "stepped-back" }) {
			t.Error("it is over, and still shown", err)
		}
	})
}
