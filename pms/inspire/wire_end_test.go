package inspire

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim/inspiresim"
)

func TestQ19_RotationLosesNothing(t *testing.T) {
	t.Parallel()
	sim := startPMS(t, inspiresim.Options{})
	sim.ChangeTokens(func(f *inspiresim.TokenFaults) { f.Lifetime = 2 * time.Second })
	sim.Change(func(f *inspiresim.Faults) {
		f.Subscribe.EndOnExpiry = true
		f.Subscribe.CloseDelay = 30 * time.Millisecond
	})
	l := newLink(t, quickConfig(sim)).run("")
	l.waitLive()
	n := 0
	for len(sim.Audit().Subscriptions) < 3 && n < 5000 {
		n++
		sim.Publish(testChain, checkIn(fmt.Sprint(n)))
		time.Sleep(2 * time.Millisecond)
	}
	l.waitNotices(n)
	for i, id := range l.ids() {
		if id != fmt.Sprintf("1/%d", i+1) {
			t.Fatalf("notice %d is %s", i, id)
		}
	}
	if len(l.errs) > 0 {
		t.Errorf("a planned renewal shows as error: %v", l.errs)
	}
	a := sim.Audit()
	if c := a.Connects; c[0].TokenSerial == c[1].TokenSerial {
		t.Error("the second connection has the first token")
	}
	if s := a.Subscriptions[0]; !s.Completed {
		t.Error("ended without complete")
	}
	if a.Tokens[1].At.After(a.Subscriptions[0].Ended) {
		t.Error("the stream was ended before there was a new token")
	}
	l.stop()
	noViolations(t, sim)
}

func TestQ19_TokenOutageKeepsTheRunningStream(t *testing.T) {
	t.Parallel()
	sim := startPMS(t, inspiresim.Options{})
	sim.ChangeTokens(func(f *inspiresim.TokenFaults) { f.Lifetime = time.Second })
	l := newLink(t, quickConfig(sim)).run("")
	l.waitLive()
	sim.ChangeTokens(func(f *inspiresim.TokenFaults) { f.Status, f.Times = 503, -1 })
	auditUntil(t, sim, func(a inspiresim.Audit) bool { return len(a.Tokens) >= 3 })
	sim.Publish(testChain, checkIn("1"))
	l.waitNotices(1)
	if n := len(sim.Audit().Connects); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestQ19_RotateNever(t *testing.T) {
	t.Parallel()
	sim := startPMS(t, inspiresim.Options{})
	sim.ChangeTokens(func(f *inspiresim.TokenFaults) { f.Lifetime = 300 * time.Millisecond })
	sim.Change(func(f *inspiresim.Faults) { f.Subscribe.EndOnExpiry = true })
	cfg := quickConfig(sim)
	cfg.Rotate = "never"
	l := newLink(t, cfg).run("")
	l.wait("the server's close", func(l *link) bool { return len(l.errs) > 0 })
	if msg := l.errs[0].Error(); !strings.Contains(msg, "4401") {
		t.Error(msg)
	}
	l.waitLive()
}

func TestQ20_LateEventsAfterCompleteAreProcessed(t *testing.T) {
	t.Parallel()
	sim := startPMS(t, inspiresim.Options{})
	sim.Change(func(f *inspiresim.Faults) { f.Subscribe.CloseDelay = 200 * time.Millisecond })
	l := newLink(t, quickConfig(sim)).run("")
	l.waitLive()
	l.cancel()
	auditUntil(t, sim, func(a inspiresim.Audit) bool { return a.Subscriptions[0].Completed })
	sim.Publish(testChain, checkIn("1"))
	<-l.done
	if ids := l.ids(); fmt.Sprint(ids) != "[1/1]" {
		t.Errorf("notices %v", ids)
	}
	if m := l.mem.read(t); m.Open || m.For != quickWaits().Gap || m.LastLive.IsZero() {
		t.Errorf("remembered %+v", m)
	}
	noViolations(t, sim)
}

func TestQ20_ShutdownClosesWhenTheServerDoesNot(t *testing.T) {
	t.Parallel()
	sim := startPMS(t, inspiresim.Options{})
	sim.Change(func(f *inspiresim.Faults) { f.Subscribe.KeepOpen = true })
	w := quickWaits()
	w.Shutdown = 100 * time.Millisecond
	l := newLink(t, quickConfig(sim), func(_ *Config, d *Deps) { d.Waits = w }).run("")
	l.waitLive()
	l.stop()
	a := auditUntil(t, sim, func(a inspiresim.Audit) bool { return a.Open == 0 })
	if c := a.Connects[0]; c.ClientClose != 1000 || !a.Subscriptions[0].Completed {
		t.Errorf("closed with %d, completed %v", c.ClientClose, a.Subscriptions[0].Completed)
	}
}

func TestQ21_GapSurvivesRestart(t *testing.T) {
	now := time.Now()
	tests := []struct {
		name   string
		memory string
		after  bool
		want   time.Duration
	}{
		{"the very first start", ``, false, 0},
		{"memory lost, offset kept", ``, true, 10 * time.Second},
		{"clean stop long ago", `"wait_from":"` + now.Add(-time.Hour).Format(time.RFC3339Nano) + `","wait_for":10000000000,"clock_trusted":true`, true, 0},
		{"clean stop just now", `"wait_from":"` + now.Add(-4*time.Second).Format(time.RFC3339Nano) + `","wait_for":10000000000,"clock_trusted":true`, true, 6 * time.Second},
		{"crash", `"open":true`, true, 10 * time.Second},
		{"clock not set when written", `"wait_from":"` + now.Add(-time.Hour).Format(time.RFC3339Nano) + `","wait_for":120000000000`, true, 120 * time.Second},
		{"clock gone back", `"clock":"` + now.Add(time.Hour).Format(time.RFC3339Nano) + `","wait_from":"` + now.Add(-time.Hour).Format(time.RFC3339Nano) + `","wait_for":120000000000,"clock_trusted":true`, true, 120 * time.Second},
		{"unreadable", `:`, true, 10 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := &memory{}
			l := newLink(t, validConfig(), func(_ *Config, d *Deps) {
				d.Memory, d.Waits, d.Now = m, nil, func() time.Time { return now }
			})
			if tt.memory != "" {
				m.data = []byte(`{"identity":"` + l.src.identity + `",` + tt.memory + `}`)
			}
			after := ""
			if tt.after {
				after = cursor{epoch: 1, offset: "5", identity: l.src.identity}.String()
			}
			if err := l.src.resume(after); err != nil {
				t.Fatal(err)
			}
			if got := l.src.pendingWait(); got.Round(time.Millisecond) != tt.want {
				t.Errorf("waits %s, want %s", got, tt.want)
			}
		})
	}
}

func TestQ21_WaitIsKeptBetweenConnections(t *testing.T) {
	t.Parallel()
	sim := startPMS(t, inspiresim.Options{})
	sim.Change(func(f *inspiresim.Faults) { f.Lock.Gap, f.Lock.For = 100*time.Millisecond, 100*time.Millisecond })
	w := quickWaits()
	w.Gap = 150 * time.Millisecond
	l := newLink(t, quickConfig(sim), func(_ *Config, d *Deps) { d.Waits = w }).run("")
	for i := range 3 {
		l.waitLive()
		l.wait("a connection", func(*link) bool { return len(sim.Audit().Subscriptions) == i+1 })
		sim.Do(testChain, inspiresim.Trouble{Do: inspiresim.ActClose, Code: 1001})
		l.wait("the end of it", func(l *link) bool { return len(l.errs) == i+1 })
	}
	l.waitLive()
	l.stop()
	noViolations(t, sim)
}
