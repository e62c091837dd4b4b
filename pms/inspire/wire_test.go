package inspire

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim/inspiresim"
	"edgeagent/pms"
)

func TestQ1_SubprotocolFallbacks(t *testing.T) {
	tests := []struct {
		name    string
		server  inspiresim.Subprotocol
		learned string
		offered [][]string
	}{
		{"echoed", inspiresim.SubprotocolEcho, "", [][]string{{transportWS}}},
		{"not echoed", inspiresim.SubprotocolNone, "", [][]string{{transportWS}}},
		{"required", inspiresim.SubprotocolRequire, "", [][]string{{transportWS}}},
		{"refused", inspiresim.SubprotocolRefuse, "none", [][]string{{transportWS}, nil, nil}},
		{"older one only", inspiresim.SubprotocolLegacy, legacyWS, [][]string{{transportWS}, nil, {legacyWS}, {legacyWS}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sim := startPMS(t, inspiresim.Options{})
			sim.Change(func(f *inspiresim.Faults) { f.Upgrade.Subprotocol = tt.server })
			l := newLink(t, quickConfig(sim)).run("")
			l.waitLive()
			sim.Publish(testChain, checkIn("1"))
			l.waitNotices(1)
			if tt.learned != "" {
				sim.Cut() // what was learned is used at once the next time
				l.wait("the reconnect", func(l *link) bool { return len(sim.Audit().Connects) >= len(tt.offered) })
				l.waitLive()
			}
			var offered [][]string
			for _, c := range sim.Audit().Connects {
				offered = append(offered, c.Offered)
			}
			if fmt.Sprint(offered) != fmt.Sprint(tt.offered) {
				t.Errorf("offered %q, want %q", offered, tt.offered)
			}
			l.stop()
			m := l.mem.read(t).Subprotocol
			if tt.learned == "" != m.At.IsZero() || strings.Trim(m.Value, " ") != strings.Replace(tt.learned, "none", "", 1) {
				t.Errorf("remembered %+v, want %q", m, tt.learned)
			}
		})
	}
	t.Run("never offered", func(t *testing.T) {
		sim := startPMS(t, inspiresim.Options{})
		sim.Change(func(f *inspiresim.Faults) { f.Upgrade.Subprotocol = inspiresim.SubprotocolForeign })
		l := newLink(t, quickConfig(sim)).run("")
		l.waitAlarm(alarmProtocol)
	})
}

func TestQ2_BinaryFramesOfJSON(t *testing.T) {
	sim := startPMS(t, inspiresim.Options{})
	sim.Change(func(f *inspiresim.Faults) { f.Shape.Binary = true })
	l := newLink(t, quickConfig(sim)).run("")
	l.waitLive()
	sim.Publish(testChain, checkIn("1"))
	l.waitNotices(1)
}

func TestQ4_AckPayloadIsIgnored(t *testing.T) {
	sim := startPMS(t, inspiresim.Options{})
	sim.Change(func(f *inspiresim.Faults) { f.Handshake.AckPayload = `{"connectionTimeoutMs":300000,"x":[{}]}` })
	newLink(t, quickConfig(sim)).run("").waitLive()
}

func TestQ5_OlderFrames(t *testing.T) {
	sim := startPMS(t, inspiresim.Options{})
	sim.Change(func(f *inspiresim.Faults) { f.Life.KeepAlive = 5 * time.Millisecond; f.Shape.DataType = true })
	l := newLink(t, quickConfig(sim)).run("")
	l.waitLive()
	sim.Publish(testChain, checkIn("1"))
	l.waitNotices(1)
	l.stop()

	sim = startPMS(t, inspiresim.Options{})
	f := sim.Faults()
	f.Handshake.RefuseFrame = true
	f.Handshake.Close = 4401
	sim.NextConnection(f)
	l = newLink(t, quickConfig(sim)).run("")
	l.waitLive()
	if tokens := len(sim.Audit().Tokens); tokens != 2 {
		t.Errorf("%d tokens fetched, want a fresh one after the refusal", tokens)
	}
}

func TestQ6_BothHeartbeatsBothWays(t *testing.T) {
	sim := startPMS(t, inspiresim.Options{})
	sim.Change(func(f *inspiresim.Faults) {
		f.Life.PingEvery, f.Life.ControlPingEvery = 10*time.Millisecond, 10*time.Millisecond
		f.Life.PongWithin = 5 * time.Second
	})
	l := newLink(t, quickConfig(sim)).run("")
	auditUntil(t, sim, func(a inspiresim.Audit) bool {
		return len(a.Connects) == 1 && a.Connects[0].Pings > 2 && a.Connects[0].Pongs > 2 && a.Connects[0].ControlPongs > 2
	})
	l.stop()
	noViolations(t, sim)
}

func TestQ7_LivenessToleratesAServerWithoutPongs(t *testing.T) {
	sim := startPMS(t, inspiresim.Options{})
	sim.Change(func(f *inspiresim.Faults) { f.Life.Pong, f.Life.NoControlPong = inspiresim.PongNever, true })
	w := quickWaits()
	w.Suspect, w.Dead, w.DeadNoPong, w.Ack = 30*time.Millisecond, 60*time.Millisecond, 600*time.Millisecond, 100*time.Millisecond
	l := newLink(t, quickConfig(sim), func(_ *Config, d *Deps) { d.Waits = w }).run("")
	l.wait("the warning", func(l *link) bool { return strings.Contains(l.logs.String(), "never answers pings") })
	if n := len(sim.Audit().Connects); n != 1 {
		t.Errorf("flapped: %d connections", n)
	}
	l.wait("the end of patience", func(l *link) bool { return len(l.errs) > 0 })
	if msg := l.errs[0].Error(); !strings.Contains(msg, "nothing was heard for too long") {
		t.Error(msg)
	}
}

func TestQ7_HalfOpenConnectionIsFound(t *testing.T) {
	sim := startPMS(t, inspiresim.Options{})
	w := quickWaits()
	w.Suspect, w.Dead, w.DeadNoPong = 150*time.Millisecond, 300*time.Millisecond, 20*time.Second
	l := newLink(t, quickConfig(sim), func(_ *Config, d *Deps) { d.Waits = w }).run("")
	l.waitLive()
	auditUntil(t, sim, func(a inspiresim.Audit) bool { return a.Connects[0].Pings > 1 }) // so a pong has come
	sim.Publish(testChain, checkIn("1"))
	l.waitNotices(1)
	sim.Do(testChain, inspiresim.Trouble{Do: inspiresim.ActFreeze})
	sim.Publish(testChain, checkIn("2"))
	l.waitNotices(2)
	if ids := l.ids(); fmt.Sprint(ids) != "[1/1 1/2]" {
		t.Errorf("notices %v", ids)
	}
}

func TestQ8_CloseCodesReconnectWithoutLoss(t *testing.T) {
	for _, code := range []int{1000, 1001, 1006, 1011, 1012, 4409, 4500, 4504, 4777} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			sim := startPMS(t, inspiresim.Options{})
			l := newLink(t, quickConfig(sim)).run("")
			l.waitLive()
			sim.Publish(testChain, checkIn("1"))
			l.waitNotices(1)
			sim.Do(testChain, inspiresim.Trouble{Do: inspiresim.ActClose, Code: code})
			sim.Publish(testChain, checkIn("2"))
			l.waitNotices(2)
			if ids := l.ids(); fmt.Sprint(ids) != "[1/1 1/2]" {
				t.Errorf("notices %v", ids)
			}
		})
	}
}

func TestQ10_FromOffsetNumberThenString(t *testing.T) {
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
			again := newLink(t, quickConfig(sim), func(_ *Config, d *Deps) { d.Memory = l.mem }).run(l.offset())
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
	sim := startPMS(t, inspiresim.Options{})
	sim.PublishAll(testChain, []inspiresim.Event{checkIn("1"), checkIn("2"), checkIn("3")})
	l := newLink(t, quickConfig(sim))
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
	sim := startPMS(t, inspiresim.Options{})
	l := newLink(t, quickConfig(sim)).run("")
	l.waitLive()
	sim.Publish(testChain, checkIn("1"))
	sim.Publish(testChain, checkIn("2"))
	l.waitNotices(2)
	l.stop()
	m := l.mem.read(t)
	now := time.Now()
	again := newLink(t, quickConfig(sim), func(_ *Config, d *Deps) { d.Memory = l.mem })
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
	for name, want := range map[string]string{"live": "[]", "zero": "[1/1 1/2]"} {
		t.Run(name, func(t *testing.T) {
			sim := startPMS(t, inspiresim.Options{})
			sim.PublishAll(testChain, []inspiresim.Event{checkIn("1"), checkIn("2")})
			cfg := quickConfig(sim)
			cfg.Bootstrap = name
			l := newLink(t, cfg).run("")
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
		l := newLink(t, quickConfig(sim)).run("")
		l.waitLive()
		for _, n := range l.all() {
			if !n.Replayed {
				t.Errorf("%s is taken for news", n.ID)
			}
		}
	})
}

func TestQ14_LongDowntimeRaisesPossibleLoss(t *testing.T) {
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

func TestQ16_UnauthorizedChainIsParked(t *testing.T) {
	for name, how := range map[string]inspiresim.Refusal{
		"close 4403": inspiresim.RefuseClose, "error frame": inspiresim.RefuseError, "errors only": inspiresim.RefuseErrors,
		"complete at once": inspiresim.RefuseComplete, "close 4401": inspiresim.RefuseClose4401, "close 1008": inspiresim.RefuseClose1008,
	} {
		t.Run(name, func(t *testing.T) {
			sim := startPMS(t, inspiresim.Options{})
			sim.ForbidChain("vendor-1", testChain)
			sim.Change(func(f *inspiresim.Faults) { f.Subscribe.Forbidden = how })
			w := quickWaits()
			w.ParkMin, w.ParkMax = 200*time.Millisecond, 200*time.Millisecond
			l := newLink(t, quickConfig(sim), func(_ *Config, d *Deps) { d.Waits = w }).run("")
			l.waitAlarm(alarmRefused)
			l.wait("parking", func(l *link) bool {
				v := l.src.Link()
				return v.State == pms.LinkParked && !v.NextTry.IsZero() && v.Problem != ""
			})
			sim.AllowChain("vendor-1", testChain) // approval comes: it must be noticed
			l.waitLive()
		})
	}
}

func TestQ17_OneSocketPerChain(t *testing.T) {
	client := testClient()
	client.Chains = []string{testChain, "HTBTTE"}
	sim := startPMS(t, inspiresim.Options{Clients: []inspiresim.Client{client}})
	a := newLink(t, quickConfig(sim)).run("")
	cfg := quickConfig(sim)
	cfg.ChainCode = "HTBTTE"
	b := newLink(t, cfg).run("")
	a.waitLive()
	b.waitLive()
	sim.ForbidChain("vendor-1", "HTBTTE")
	sim.Do("HTBTTE", inspiresim.Trouble{Do: inspiresim.ActClose, Code: 4403})
	b.waitAlarm(alarmRefused)
	sim.Publish(testChain, checkIn("1"))
	a.waitNotices(1)
	if len(a.alarms()) > 0 {
		t.Errorf("the other chain's trouble shows: %v", a.alarms())
	}
}

func TestQ18_ConsumerLockWaitSurvivesRestart(t *testing.T) {
	sim := startPMS(t, inspiresim.Options{})
	f := sim.Faults()
	f.Subscribe.FailClose = 4409
	sim.NextConnection(f)
	w := quickWaits()
	w.Lock = time.Hour
	l := newLink(t, quickConfig(sim), func(_ *Config, d *Deps) { d.Waits = w }).run("")
	l.wait("the lock", func(l *link) bool { return len(l.errs) == 1 && l.src.Link().State == pms.LinkWaiting })
	l.stop()
	again := newLink(t, quickConfig(sim), func(_ *Config, d *Deps) { d.Memory, d.Waits = l.mem, w })
	if err := again.src.resume(""); err != nil {
		t.Fatal(err)
	}
	if wait := again.src.pendingWait(); wait < 59*time.Minute || wait > 61*time.Minute {
		t.Errorf("after a restart it waits %s", wait)
	}
}
