package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"edgeagent/drivers"
	"edgeagent/pms"
)

// busy behaves as a device that is asked too much: it wants to be left alone,
// for an hour, and then does what it is told.
func (s *stage) busy(wait time.Duration) (tries func() []time.Time) {
	var mu sync.Mutex
	var list []time.Time
	s.lan.behave(func(context.Context, drivers.Command) (drivers.Receipt, error) {
		mu.Lock()
		defer mu.Unlock()
		list = append(list, time.Now())
		if time.Since(list[0]) >= time.Hour {
			return drivers.Receipt{}, nil
		}
		return drivers.Receipt{}, &drivers.RetryAfter{Wait: wait, Err: errors.New("the controller answered 429")}
	})
	return func() []time.Time {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(list)
	}
}

// A device that is busy is asked again as seldom as one that is away, however
// many commands wait and however soon it says to come back.
func TestBusyDevicePausesItsLane(t *testing.T) {
	for _, test := range []struct {
		wait        time.Duration
		least, most int
	}{{0, 12, 60}, {time.Second, 12, 60}, {20 * time.Minute, 3, 6}} {
		t.Run(test.wait.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				tries := s.busy(test.wait)
				var all []pms.Notice
				for i := range 50 {
					all = append(all, checkIn(fmt.Sprintf("R%d", i), fmt.Sprint(1000+i), "Silva"))
				}
				s.say(all...)
				time.Sleep(59 * time.Minute)
				synctest.Wait()
				at := tries()
				if n := len(at); n < test.least || n > test.most {
					t.Errorf("asked %d times within an hour, want %d to %d", n, test.least, test.most)
				}
				for i := 1; i < len(at); i++ {
					if gap := at[i].Sub(at[i-1]); gap != 0 && gap < max(test.wait, time.Second) { // two workers wake together
						t.Errorf("asked again after %v", gap)
					}
				}
				time.Sleep(time.Hour)
				synctest.Wait()
				s.stop()
				for _, c := range s.lan.done {
					if c.Try > 1 {
						t.Errorf("%s was try %d: that the device was busy is no try", c.ID, c.Try)
					}
				}
			})
		})
	}
}

// A command that waits alone leaves the lane to the others.
func TestCommandWaitsAlone(t *testing.T) {
	for _, test := range []struct {
		wait, least, most time.Duration
	}{{0, time.Second, 2 * time.Second}, {30 * time.Second, 30 * time.Second, 30 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t)
			var first drivers.Command
			at := map[string][]time.Time{}
			var mu sync.Mutex
			s.lan.behave(func(_ context.Context, c drivers.Command) (drivers.Receipt, error) {
				mu.Lock()
				defer mu.Unlock()
				at[c.Subject] = append(at[c.Subject], time.Now())
				if first.ID == "" {
					first = c
					return drivers.Receipt{}, &drivers.RetryAfter{Wait: test.wait, Alone: true, Err: errors.New("the door was open a moment ago")}
				}
				return drivers.Receipt{}, nil
			})
			s.say(checkIn("R1", "101", "Silva"), checkIn("R2", "102", "Rossi"))
			time.Sleep(time.Minute)
			synctest.Wait()
			s.stop()
			mu.Lock()
			defer mu.Unlock()
			mine := at[first.Subject]
			delete(at, first.Subject)
			if len(mine) != 2 || mine[1].Sub(mine[0]) < test.least || mine[1].Sub(mine[0]) > test.most {
				t.Errorf("tried at %v, want a gap of %v to %v", mine, test.least, test.most)
			}
			for _, others := range at {
				if len(others) != 1 || others[0].Sub(mine[0]) > 100*time.Millisecond {
					t.Errorf("the other waited too: %v", others)
				}
			}
		})
	}
}

// What was under way when the device asked to be left alone does not end that;
// a person's wish does.
func TestWhatEndsARest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l laneWait
		p := Patience{}.withDefaults()
		begin := time.Now()
		l.rest(time.Minute, p)
		l.rest(time.Second, p) // of another worker: no shorter
		l.worked()
		if err := l.wait(t.Context()); err != nil || time.Since(begin) < time.Minute || time.Since(begin) > 66*time.Second {
			t.Errorf("%v after %v, want a minute and a tenth at most", err, time.Since(begin))
		}
		begin = time.Now()
		l.rest(time.Minute, p)
		go func() {
			time.Sleep(5 * time.Second)
			l.reset()
		}()
		if err := l.wait(t.Context()); err != nil || time.Since(begin) != 5*time.Second {
			t.Errorf("%v after %v, want 5s", err, time.Since(begin))
		}
	})
}
