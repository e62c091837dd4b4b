package inspire

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim/inspiresim"
)

func TestQ1_SubprotocolFallbacks(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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
