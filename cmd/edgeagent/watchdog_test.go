package main

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"edgeagent/internal/agent"
)

// The watchdog is fed while all is well, and goes hungry while a loop is stuck.
func TestFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var mu sync.Mutex
		var out bytes.Buffer
		var bites []time.Duration
		var stuck []agent.Stuck
		began := time.Now()
		ended := make(chan bool)
		go func() {
			feed(ctx, 20*time.Second, func() []agent.Stuck { mu.Lock(); defer mu.Unlock(); return stuck }, zerolog.New(&out),
				func() { bites = append(bites, time.Since(began)) })
			close(ended)
		}()
		time.Sleep(50 * time.Second)
		mu.Lock()
		stuck = []agent.Stuck{{Loop: "the lane of desk", Since: began}}
		mu.Unlock()
		time.Sleep(time.Hour)
		mu.Lock()
		stuck = nil
		mu.Unlock()
		time.Sleep(15 * time.Second)
		cancel()
		<-ended
		want := []time.Duration{0, 20 * time.Second, 40 * time.Second, time.Hour + time.Minute}
		if len(bites) != len(want) || bites[1] != want[1] || bites[3] != want[3] {
			t.Errorf("fed at %v, want %v", bites, want)
		}
		line := `{"level":"error","loop":"the lane of desk","since":"2000-01-01T00:00:00Z","message":"a loop is stuck; systemd restarts the agent"}` + "\n"
		if out.String() != line {
			t.Errorf("said %s, want once %s", &out, line)
		}
	})
}

// Without systemd there is nothing to feed; with a wrong word for it that is said.
func TestWatchdogIsSetBySystemd(t *testing.T) {
	t.Setenv("WATCHDOG_USEC", "")
	if err := watchdog(t.Context(), nil, zerolog.Nop()); err != nil {
		t.Error(err)
	}
	t.Setenv("WATCHDOG_PID", "")
	t.Setenv("WATCHDOG_USEC", "often")
	if err := watchdog(t.Context(), nil, zerolog.Nop()); err == nil || !strings.HasSuffix(err.Error(), "; it is set by systemd, not by hand") {
		t.Error(err)
	}
}
