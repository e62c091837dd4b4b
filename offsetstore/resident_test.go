package offsetstore

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// The store says that it is quiet once after the start and once after each burst,
// never in the middle of one, and not after every commit of a quiet hour.
func TestQuietAfterTheStartAndAfterBursts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var quiet atomic.Int64
		s, err := Open(filepath.Join(t.TempDir(), "store.db"), Options{Quiet: func() { quiet.Add(1) }})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		commits := func(count int, apart time.Duration) {
			for range count {
				n++
				accept(t, s, fmt.Sprint(n), job(fmt.Sprint(n), "room:101"))
				time.Sleep(apart) // the bubble's clock
			}
		}
		for _, step := range []struct {
			what  string
			count int
			apart time.Duration
			want  int64
		}{
			{"at once after the start", 1, time.Second, 0},
			{"after the start", 0, 0, 1},
			{"a few guests, far apart", thriftEvery - 1, time.Minute, 1},
			{"many by now", 1, time.Minute, 2},
			{"a burst goes on", 3 * thriftEvery, time.Second, 2},
			{"it is over", 0, 0, 3},
		} {
			commits(step.count, step.apart)
			if step.count == 0 {
				time.Sleep(time.Minute)
			}
			synctest.Wait()
			if got := quiet.Load(); got != step.want {
				t.Errorf("%s: told %d times, want %d", step.what, got, step.want)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
