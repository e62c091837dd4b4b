package inspire

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim/inspiresim"
)

func TestQ14_LongDowntimeRaisesPossibleLoss(t *testing.T) {
	t.Parallel()
	sim := startPMS(t, inspiresim.Options{})
	sim.JumpTo(testChain, 41)
	l := newLink(t, quickConfig(sim))
	l.mem.data = fmt.Appendf(nil, `{"identity":%q,"last_live":%q}`, l.src.identity, time.Now().Add(-25*time.Hour).Format(time.RFC3339))
	l.run(cursor{epoch: 1, offset: "40", hash: 1, identity: l.src.identity}.String())
	if a := l.waitAlarm(alarmGap); !strings.Contains(a.Text, "25h") {
		t.Error(a.Text)
	}
}

func TestQ15_CounterRestartIsANewEpoch(t *testing.T) {
	t.Parallel()
	sim := startPMS(t, inspiresim.Options{})
	l := newLink(t, quickConfig(sim)).run("")
	l.waitLive()
	sim.JumpTo(testChain, 900)
	sim.Publish(testChain, checkIn("1"))
	l.waitNotices(1)
	sim.ResetOffsets(testChain)
	sim.Change(func(f *inspiresim.Faults) { f.Replay.NoOffset = inspiresim.NoOffsetFull })
	sim.Publish(testChain, checkIn("2"))
	sim.Publish(testChain, checkIn("3"))
	l.waitNotices(3)
	l.waitAlarm(alarmEpoch)
	if ids := l.ids(); fmt.Sprint(ids) != "[1/900 2/1 2/2]" {
		t.Errorf("notices %v", ids)
	}
	sim.Rewrite(testChain, 2, checkIn("other"))
	l.waitNotices(4)
	if ids := l.ids(); ids[3] != "3/2" {
		t.Errorf("same offset, other content: %v", ids)
	}
}

func TestQ15_DuplicatesAreDropped(t *testing.T) {
	t.Parallel()
	sim := startPMS(t, inspiresim.Options{})
	l := newLink(t, quickConfig(sim)).run("")
	l.waitLive()
	for i := range 5 {
		sim.Publish(testChain, checkIn(fmt.Sprint(i)))
	}
	l.waitNotices(5)
	sim.Repeat(testChain, 1, 5, 20)
	sim.Publish(testChain, checkIn("6"))
	l.waitNotices(6)
	if ids := l.ids(); fmt.Sprint(ids) != "[1/1 1/2 1/3 1/4 1/5 1/6]" {
		t.Errorf("notices %v", ids)
	}
}

func TestReplayIsMarkedAndEnds(t *testing.T) {
	t.Parallel()
	sim := startPMS(t, inspiresim.Options{})
	l := newLink(t, quickConfig(sim)).run("")
	l.waitLive()
	sim.Publish(testChain, checkIn("0"))
	l.waitNotices(1)
	before := time.Now()
	l.stop()
	var events []inspiresim.Event
	for i := range 3000 {
		events = append(events, checkIn(fmt.Sprint(i)))
	}
	sim.PublishAll(testChain, events)
	again := newLink(t, quickConfig(sim), patient, func(_ *Config, d *Deps) { d.Memory = l.mem })
	seen, largest, empties := 0, 0, 0
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for batch, err := range again.src.Notices(ctx, l.offset()) {
		if err != nil {
			t.Fatal(err)
		}
		if len(batch) == 0 {
			empties++
			cancel()
		}
		largest = max(largest, len(batch))
		for _, n := range batch {
			seen++
			if !n.Replayed || n.NotBefore.After(before) || n.NotBefore.IsZero() {
				t.Fatalf("%s: replayed %v, not before %s", n.ID, n.Replayed, n.NotBefore)
			}
		}
	}
	if seen != 3000 || empties != 1 || largest > group || largest < 2 {
		t.Errorf("%d notices in groups up to %d, %d empty", seen, largest, empties)
	}
}

func TestTimestampEndsTheReplayAtOnce(t *testing.T) {
	t.Parallel()
	sim := startPMS(t, inspiresim.Options{Dialect: inspiresim.OHIP})
	cfg := quickConfig(sim)
	cfg.Dialect = "ohip"
	w := quickWaits()
	w.Settle, w.ClockTolerance = 10*time.Second, time.Minute
	l := newLink(t, cfg, func(_ *Config, d *Deps) { d.Waits, d.Zone = w, time.UTC }).run("")
	auditUntil(t, sim, func(a inspiresim.Audit) bool { return a.Live == 1 })
	old := checkIn("1")
	old.Timestamp = time.Now().UTC().Add(-time.Hour).Format("2006-01-02 15:04:05.000")
	sim.Publish(testChain, old)
	sim.Publish(testChain, checkIn("2"))
	l.waitNotices(2)
	n := l.all()
	if !n[0].Replayed || n[1].Replayed || l.caught != 1 {
		t.Errorf("replayed %v then %v, caught up %d times", n[0].Replayed, n[1].Replayed, l.caught)
	}
	if age := time.Since(n[0].NotBefore); age < 59*time.Minute || age > 61*time.Minute {
		t.Errorf("the old one is %s old", age)
	}
	if n[1].Reservation != "R2" {
		t.Errorf("reservation %q", n[1].Reservation)
	}
	l.stop()
	noViolations(t, sim)
}

// A gateway without a clock battery wakes up at the time of its power cut: what
// was said since then lies in its future, and nobody knows how old it is.
func TestReplayFromTheFutureIsOfUnknownAge(t *testing.T) {
	t.Parallel()
	const behind = 20 * time.Hour
	for name, saved := range map[string]time.Duration{"clock before the last save": -time.Minute, "clock after the last save": time.Minute} {
		t.Run(name, func(t *testing.T) {
			sim := startPMS(t, inspiresim.Options{Dialect: inspiresim.OHIP})
			cfg := quickConfig(sim)
			cfg.Dialect = "ohip"
			w := quickWaits()
			w.Settle, w.ClockTolerance = time.Second, time.Minute
			now := func() time.Time { return time.Now().Add(-behind) }
			sim.PublishAll(testChain, []inspiresim.Event{checkIn("1"), checkIn("2"), checkIn("3")})
			l := newLink(t, cfg, patient, func(_ *Config, d *Deps) { d.Waits, d.Zone, d.Now = w, time.UTC, now })
			cut := now().Add(-saved).Format(time.RFC3339)
			l.mem.data = fmt.Appendf(nil, `{"identity":%q,"worked":true,"last_live":%q,"last_notice":%q,"clock":%q}`, l.src.identity, cut, cut, cut)
			l.run(cursor{epoch: 1, offset: "0", identity: l.src.identity}.String())
			l.waitNotices(3)
			l.waitLive()
			for _, n := range l.all() {
				if !n.Replayed || !n.NotBefore.IsZero() {
					t.Errorf("%s: replayed %v, not before %s", n.ID, n.Replayed, n.NotBefore)
				}
			}
		})
	}
}

func TestChangedChainDoesNotInheritThePlace(t *testing.T) {
	sim := startPMS(t, inspiresim.Options{})
	l := newLink(t, quickConfig(sim)).run(cursor{epoch: 4, offset: "9", hash: 1, identity: "deadbeef"}.String())
	l.waitAlarm(alarmCursor)
	l.waitLive()
	sim.Publish(testChain, checkIn("1"))
	l.waitNotices(1)
	if ids := l.ids(); ids[0] != "5/1" || sim.Audit().Subscriptions[0].Offset != "" {
		t.Errorf("notices %v, asked for %q", ids, sim.Audit().Subscriptions[0].Offset)
	}
}
