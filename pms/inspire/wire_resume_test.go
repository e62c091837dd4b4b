package inspire

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim/inspiresim"
)

func TestQ10_FromOffsetNumberThenString(t *testing.T) {
	t.Parallel()
	sim := startPMS(t, inspiresim.Options{})
	sim.Change(func(f *inspiresim.Faults) {
		f.Subscribe.Offset = inspiresim.OffsetString
		f.Subscribe.Invalid = inspiresim.RefuseError
	})
	l := newLink(t, quickConfig(sim)).run("")
	l.waitLive()
	sim.Publish(testChain, checkIn("1"))
	l.waitNotices(1)
	sim.Cut()
	sim.Publish(testChain, checkIn("2"))
	l.waitNotices(2)
	subs := sim.Audit().Subscriptions
	if len(subs) != 3 || subs[1].Refused == "" || subs[2].Offset != `"1"` {
		t.Errorf("subscriptions %+v", subs)
	}
	l.stop()
	if m := l.mem.read(t).OffsetType; m.Value != "string" {
		t.Errorf("remembered %+v", m)
	}
}

func TestQ11_ResumeSendsLastProcessed(t *testing.T) {
	t.Parallel()
	for _, exclusive := range []bool{false, true} {
		t.Run(fmt.Sprintf("exclusive %v", exclusive), func(t *testing.T) {
			sim := startPMS(t, inspiresim.Options{})
			sim.Change(func(f *inspiresim.Faults) { f.Replay.Exclusive = exclusive })
			l := newLink(t, quickConfig(sim)).run("")
			l.waitLive()
			for i := range 3 {
				sim.Publish(testChain, checkIn(fmt.Sprint(i)))
			}
			l.waitNotices(3)
			l.stop()
			sim.Publish(testChain, checkIn("4"))

			// A new process: only the offset and the memory are left.
			again := newLink(t, quickConfig(sim), patient, func(_ *Config, d *Deps) { d.Memory = l.mem }).run(l.offset())
			again.waitLive()
			sim.Publish(testChain, checkIn("5"))
			again.waitNotices(2)
			subs := sim.Audit().Subscriptions
			if last := subs[len(subs)-1]; last.Offset != "3" {
				t.Errorf("resumed at %s, want 3, the last processed", last.Offset)
			}
			if ids := again.ids(); fmt.Sprint(ids) != "[1/4 1/5]" {
				t.Errorf("notices %v", ids)
			}
			if n := again.all(); !n[0].Replayed || n[1].Replayed {
				t.Errorf("replayed: %v, %v", n[0].Replayed, n[1].Replayed)
			}
		})
	}
}

func TestQ12_RefusedOffsetIsAGapAlarm(t *testing.T) {
	t.Parallel()
	sim := startPMS(t, inspiresim.Options{})
	sim.Change(func(f *inspiresim.Faults) {
		f.Replay.KeepEvents, f.Replay.TooOld, f.Replay.NoOffset = 1, inspiresim.StaleRefuse, inspiresim.NoOffsetFull
	})
	sim.JumpTo(testChain, 400)
	sim.Publish(testChain, checkIn("0"))
	sim.JumpTo(testChain, 500)
	sim.Publish(testChain, checkIn("1"))
	l := newLink(t, quickConfig(sim))
	l.mem.data = []byte(`{"identity":"` + l.src.identity + `","worked":true}`)
	start := cursor{epoch: 1, offset: "400", hash: 9, identity: l.src.identity}
	l.run(start.String())
	l.waitNotices(1)
	alarm := l.waitAlarm(alarmGap)
	if !strings.Contains(alarm.Text, "400") || !strings.Contains(alarm.Text, "500") {
		t.Errorf("alarm without both offsets: %s", alarm.Text)
	}
	if ids := l.ids(); fmt.Sprint(ids) != "[1/500]" {
		t.Errorf("notices %v", ids)
	}
}

func TestQ12_SuspiciouslyQuietFindsRestartedCounter(t *testing.T) {
	t.Parallel()
	sim := startPMS(t, inspiresim.Options{})
	sim.PublishAll(testChain, []inspiresim.Event{checkIn("1"), checkIn("2"), checkIn("3")})
	l := newLink(t, quickConfig(sim), patient)
	now := time.Now()
	l.mem.data = fmt.Appendf(nil, `{"identity":%q,"worked":true,"last_live":%q,"last_notice":%q,"clock":%q}`,
		l.src.identity, now.Format(time.RFC3339), now.Add(-14*time.Hour).Format(time.RFC3339), now.Add(-time.Minute).Format(time.RFC3339))
	start := cursor{epoch: 1, offset: "4000", hash: 9, identity: l.src.identity}
	l.run(start.String())
	l.waitNotices(3)
	l.waitAlarm(alarmEpoch)
	if ids := l.ids(); fmt.Sprint(ids) != "[2/1 2/2 2/3]" {
		t.Errorf("notices %v", ids)
	}
	for _, n := range l.all() {
		if !n.Replayed {
			t.Errorf("%s is taken for news", n.ID)
		}
	}
	l.waitLive()
	var offsets []string
	for _, s := range sim.Audit().Subscriptions {
		offsets = append(offsets, s.Offset)
	}
	if fmt.Sprint(offsets) != "[0 0]" {
		t.Errorf("offsets sent %q", offsets)
	}
}

func TestQ12_QuietProbeOfAQuietHotelChangesNothing(t *testing.T) {
	t.Parallel()
	sim := startPMS(t, inspiresim.Options{})
	l := newLink(t, quickConfig(sim)).run("")
	l.waitLive()
	sim.Publish(testChain, checkIn("1"))
	sim.Publish(testChain, checkIn("2"))
	l.waitNotices(2)
	l.stop()
	m := l.mem.read(t)
	now := time.Now()
	again := newLink(t, quickConfig(sim), patient, func(_ *Config, d *Deps) { d.Memory = l.mem })
	l.mem.data = fmt.Appendf(nil, `{"identity":%q,"worked":true,"last_live":%q,"last_notice":%q,"clock":%q}`,
		m.Identity, now.Format(time.RFC3339), now.Add(-14*time.Hour).Format(time.RFC3339), now.Add(-time.Minute).Format(time.RFC3339))
	again.run(l.offset())
	again.waitAlarm(alarmQuiet)
	again.wait("the real subscription", func(*link) bool { return len(sim.Audit().Subscriptions) == 3 })
	again.waitLive()
	sim.Publish(testChain, checkIn("3"))
	again.waitNotices(1)
	if ids := again.ids(); fmt.Sprint(ids) != "[1/3]" {
		t.Errorf("notices %v", ids)
	}
	if slices.Contains(again.alarms(), alarmQuiet) || slices.Contains(again.alarms(), alarmEpoch) {
		t.Errorf("alarms %v after an event", again.alarms())
	}
}

func TestQ13_Bootstrap(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"live": "[]", "zero": "[1/1 1/2]"} {
		t.Run(name, func(t *testing.T) {
			sim := startPMS(t, inspiresim.Options{})
			sim.PublishAll(testChain, []inspiresim.Event{checkIn("1"), checkIn("2")})
			cfg := quickConfig(sim)
			cfg.Bootstrap = name
			l := newLink(t, cfg, patient).run("")
			l.waitLive()
			if ids := l.ids(); fmt.Sprint(ids) != want {
				t.Errorf("notices %v, want %s", ids, want)
			}
			for _, n := range l.all() {
				if !n.Replayed || !n.NotBefore.IsZero() {
					t.Errorf("%s: replayed %v, not before %s", n.ID, n.Replayed, n.NotBefore)
				}
			}
		})
	}
	t.Run("live at a server that replays all", func(t *testing.T) {
		sim := startPMS(t, inspiresim.Options{})
		sim.Change(func(f *inspiresim.Faults) { f.Replay.NoOffset = inspiresim.NoOffsetFull })
		sim.PublishAll(testChain, []inspiresim.Event{checkIn("1"), checkIn("2")})
		l := newLink(t, quickConfig(sim), patient).run("")
		l.waitLive()
		for _, n := range l.all() {
			if !n.Replayed {
				t.Errorf("%s is taken for news", n.ID)
			}
		}
	})
}
