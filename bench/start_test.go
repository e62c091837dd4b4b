package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"edgeagent/hwsim/inspiresim"
)

// start is the time from the start of the process until the PMS has its
// subscription: with an empty store, after an orderly stop, and after kill -9.
func start(b *testing.B, t *table) {
	s := newSite(b, 12)
	var fresh, stopped, killed []time.Duration
	for range rounds {
		if err := os.RemoveAll(filepath.Join(s.dir, "store.db")); err != nil {
			b.Fatal(err)
		}
		fresh = append(fresh, s.subscribed(b))
		s.stop(b)
		stopped = append(stopped, s.subscribed(b))
		s.kill(b)
		killed = append(killed, s.subscribed(b))
		s.stop(b)
	}
	for _, l := range []struct {
		what string
		took []time.Duration
	}{{"an empty store", fresh}, {"an orderly stop", stopped}, {"kill -9", killed}} {
		median := quantile(l.took, 0.5)
		t.add("start to subscribed after "+l.what, ms(median), fmt.Sprintf("most %s; waits.gap 1ms", ms(quantile(l.took, 1))), "<= 50 ms", median <= 50*time.Millisecond)
	}
}

// subscribed starts the agent and returns how long it took to subscribe.
func (s *site) subscribed(b *testing.B) time.Duration {
	before := len(s.PMS.Audit().Subscriptions)
	began := s.start(b)
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	audit, err := s.PMS.Wait(ctx, func(a inspiresim.Audit) bool { return len(a.Subscriptions) > before })
	if err != nil {
		s.fail(b, err)
	}
	s.live(b)
	return audit.Subscriptions[before].At.Sub(began)
}

// size is that of the binaries as they are shipped.
func size(b *testing.B, t *table) {
	for _, arch := range []string{"arm64", "armv6"} {
		info := must(os.Stat(built(b, "build/out/edgeagent-"+arch)))(b)
		t.add("size of the "+arch+" binary", mb(info.Size()), "static, stripped", "<= 12 MB", info.Size() <= 12_000_000)
	}
}
