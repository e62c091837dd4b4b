package wifi

import (
	"fmt"
	"sync"
	"testing"
)

// A coach arrives: 500 check-ins at once. None may be lost, and none may cost
// more calls than the product's least, but for the few that log in.
func TestBurstOfCheckIns(t *testing.T) {
	for _, p := range suiteProducts {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			burst(t, p)
		})
	}
}

func burst(t *testing.T, p suiteProduct) {
	const stays, lanes, extra = 500, 8, 20
	s := newStage(t, p)
	s.drv.web.pace.every = 0 // its own test has the time
	work := make(chan string)
	var all sync.WaitGroup
	for range lanes {
		all.Go(func() {
			for key := range work {
				if _, err := s.drv.Do(t.Context(), s.wish(ensure(key, tomorrow))); err != nil {
					t.Errorf("%s: %v", key, err)
				}
			}
		})
	}
	for i := range stays {
		work <- fmt.Sprintf("%016x", i)
	}
	close(work)
	all.Wait()
	live := 0
	for _, a := range s.Access() {
		if a.Works {
			live++
		}
	}
	calls := len(s.Requests())
	t.Logf("%d stays: %d calls, %.2f a stay; the least possible is %d", stays, calls, float64(calls)/stays, p.least)
	if live != stays || calls > stays*p.least+extra {
		t.Errorf("%d credentials work after %d calls", live, calls)
	}
}
