package wifi

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestPaceKeepsCallsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pace{single: true, every: 100 * time.Millisecond}
		began := time.Now()
		var mu sync.Mutex
		var at []time.Duration
		var busy, most int
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				done, err := p.turn(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				at = append(at, time.Since(began))
				busy++
				most = max(most, busy)
				mu.Unlock()
				time.Sleep(30 * time.Millisecond)
				mu.Lock()
				busy--
				mu.Unlock()
				done()
			})
		}
		all.Wait()
		if most != 1 {
			t.Errorf("%d calls at once", most)
		}
		for i, d := range at {
			if want := time.Duration(i) * 100 * time.Millisecond; d != want {
				t.Errorf("call %d began after %v, want %v", i, d, want)
			}
		}
	})
}

func TestPaceGivesUpWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pace{single: true, every: time.Hour}
		done, err := p.turn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := p.turn(ctx); !errors.Is(err, context.DeadlineExceeded) { // the turn is taken
			t.Error(err)
		}
		done()
		ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := p.turn(ctx); !errors.Is(err, context.DeadlineExceeded) { // too early
			t.Error(err)
		}
		time.Sleep(time.Hour)
		if done, err = p.turn(t.Context()); err != nil { // who gave up left the turn free
			t.Fatal(err)
		}
		done()
	})
}
