package inspire

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim/inspiresim"
	"edgeagent/pms"
)

func TestQ19_RotationLosesNothing(t *testing.T) {
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

func TestQ24_CookiesAreSharedAndDropped(t *testing.T) {
	sim := startPMS(t, inspiresim.Options{TLS: true})
	sim.ChangeTokens(func(f *inspiresim.TokenFaults) { f.Cookies = true })
	cfg := quickConfig(sim)
	cfg.CAFile = writeFile(t, sim.CAPEM())
	f := sim.Faults()
	f.Upgrade.Status = 503
	sim.NextConnection(f, f, f)
	l := newLink(t, cfg).run("")
	l.waitLive()
	c := sim.Audit().Connects
	for i, want := range []int{2, 2, 2, 0} {
		if len(c[i].Cookies) != want {
			t.Errorf("connection %d carries cookies %v, want %d", i, c[i].Cookies, want)
		}
	}
}

func TestQ25_GuardOfTheProperty(t *testing.T) {
	other := checkIn("101")
	other.HotelID = "TTE2"
	unclear := checkIn("101")
	unclear.HotelID = ""
	named := unclear
	named.Detail = append([]inspiresim.Element{{Name: "RESORT", New: "tte1"}}, named.Detail...)
	foreign := unclear
	foreign.Detail = append([]inspiresim.Element{{Name: "Property", New: "TTE2"}}, foreign.Detail...)
	profile := inspiresim.Event{Module: "PROFILE", Name: "UPDATE PROFILE", PrimaryKey: "G1", Detail: []inspiresim.Element{{Name: "NAME", New: "X"}}}
	events := []inspiresim.Event{checkIn("101"), other, unclear, named, foreign, profile}
	tests := []struct {
		name, scope string
		schema      inspiresim.Schema
		observe     string // per event: - acts, o observed, x observed and emptied
		monitor     bool
	}{
		{"confirmed exclusive", "single_property", inspiresim.SchemaDocumented, "----x-", false},
		{"shared, hotel told", "shared", inspiresim.SchemaExtended, "-xo-x-", true},
		{"shared, hotel only in some elements", "shared", inspiresim.SchemaDocumented, "ooo-x-", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sim := startPMS(t, inspiresim.Options{})
			sim.Change(func(f *inspiresim.Faults) { f.Subscribe.Schema = tt.schema })
			cfg := quickConfig(sim)
			cfg.ChainScope, cfg.HotelCode = tt.scope, "TTE1"
			l := newLink(t, cfg).run("")
			l.wait("the final query", func(*link) bool {
				subs := sim.Audit().Subscriptions
				switch {
				case tt.scope == "single_property":
					return len(subs) == 1
				case tt.schema == inspiresim.SchemaExtended:
					return len(subs) == 2
				}
				return len(subs) == 3
			})
			l.waitLive()
			for _, e := range events {
				sim.Publish(testChain, e)
			}
			l.waitNotices(len(events))
			got := ""
			for i, n := range l.all() {
				switch {
				case n.Observe && len(n.Fields) == 0:
					got += "x"
				case n.Observe:
					got += "o"
				default:
					got += "-"
				}
				if !strings.Contains(n.Offset, fmt.Sprintf(":%d:", i+1)) {
					t.Errorf("the offset did not advance over %s: %s", n.ID, n.Offset)
				}
			}
			if got != tt.observe {
				t.Errorf("handling %s, want %s", got, tt.observe)
			}
			if why := l.src.Link().MonitorOnly; (why != "") != tt.monitor {
				t.Errorf("monitor-only: %q", why)
			}
		})
	}
}

func TestQ26_DocumentedQueryFirstThenExtendedOnce(t *testing.T) {
	for _, refusal := range []inspiresim.Refusal{inspiresim.RefuseClose, inspiresim.RefuseError, inspiresim.RefuseErrors, inspiresim.RefuseComplete} {
		t.Run(fmt.Sprint("refusal ", refusal), func(t *testing.T) {
			sim := startPMS(t, inspiresim.Options{})
			sim.Change(func(f *inspiresim.Faults) { f.Subscribe.ExactQuery, f.Subscribe.Invalid = true, refusal })
			cfg := quickConfig(sim)
			cfg.ChainScope, cfg.HotelCode = "shared", "TTE1"
			l := newLink(t, cfg).run("")
			l.wait("the fallback", func(*link) bool { return len(sim.Audit().Subscriptions) == 3 })
			l.waitLive()
			sim.Cut()
			l.wait("the next connection", func(*link) bool { return len(sim.Audit().Subscriptions) == 4 })
			l.waitLive()
			var lengths []int
			for _, s := range sim.Audit().Subscriptions {
				lengths = append(lengths, len(s.Fields))
			}
			if len(lengths) != 4 || lengths[0] >= lengths[1] && lengths[1] != 0 || lengths[0] != lengths[2] || lengths[0] != lengths[3] {
				t.Errorf("fields per query %v", lengths)
			}
			if l.src.Link().MonitorOnly == "" {
				t.Error("not in monitor-only mode")
			}
			l.stop()
			if m := l.mem.read(t).Selection; m.Value != selectShort || m.At.IsZero() {
				t.Errorf("remembered %+v", m)
			}
		})
	}
}

func TestQ27_SilentSubscribeIsSuccess(t *testing.T) {
	sim := startPMS(t, inspiresim.Options{})
	sim.Change(func(f *inspiresim.Faults) { f.Subscribe.Silent = true })
	l := newLink(t, quickConfig(sim)).run("")
	l.waitLive()
	if l.caught != 1 || len(l.errs) != 0 {
		t.Errorf("caught up %d times, errors %v", l.caught, l.errs)
	}
}

func TestReplayIsMarkedAndEnds(t *testing.T) {
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
	again := newLink(t, quickConfig(sim), func(_ *Config, d *Deps) { d.Memory = l.mem })
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

func TestErrorFrameOnAnOpenSocketIsNoticed(t *testing.T) {
	for name, act := range map[string]inspiresim.Trouble{
		"error":    {Do: inspiresim.ActError, Text: "internal"},
		"complete": {Do: inspiresim.ActComplete},
	} {
		t.Run(name, func(t *testing.T) {
			sim := startPMS(t, inspiresim.Options{})
			l := newLink(t, quickConfig(sim)).run("")
			l.waitLive()
			sim.Do(testChain, act)
			l.wait("the reconnect", func(*link) bool { return len(sim.Audit().Subscriptions) == 2 })
			l.waitLive()
			sim.Publish(testChain, checkIn("1"))
			l.waitNotices(1)
		})
	}
}

func TestUndecodableFramesGoToQuarantine(t *testing.T) {
	sim := startPMS(t, inspiresim.Options{})
	l := newLink(t, quickConfig(sim)).run("")
	l.waitLive()
	sim.Publish(testChain, checkIn("1"))
	l.waitNotices(1)
	sim.Do(testChain, inspiresim.Trouble{Do: inspiresim.ActText, Text: "{Müller," + strings.Repeat("x", 9000)})
	sim.Do(testChain, inspiresim.Trouble{Do: inspiresim.ActUnknown, Text: "surprise"})
	sim.Publish(testChain, checkIn("2"))
	l.waitNotices(3)
	n := l.all()
	if n[1].Kind != pms.KindUndecodable || len(n[1].Raw) != maxRaw || n[1].Offset != n[0].Offset || n[1].ID == n[0].ID {
		t.Errorf("quarantined as %+v", n[1].ID)
	}
	if n[2].ID != "opera/1/2" {
		t.Errorf("the stream did not move on: %s", n[2].ID)
	}
	if logs := l.logs.String(); strings.Contains(logs, "Müller") || !strings.Contains(logs, "surprise") {
		t.Error("log:", logs)
	}
}

func TestHugeAndEndlessFramesAreBounded(t *testing.T) {
	t.Run("1 MiB is taken", func(t *testing.T) {
		sim := startPMS(t, inspiresim.Options{})
		l := newLink(t, quickConfig(sim)).run("")
		l.waitLive()
		sim.Do(testChain, inspiresim.Trouble{Do: inspiresim.ActHuge, Size: 1 << 20})
		l.waitNotices(1)
	})
	for name, act := range map[string]inspiresim.Trouble{
		"20 MiB": {Do: inspiresim.ActHuge, Size: 20 << 20}, "endless": {Do: inspiresim.ActEndless}, "fragments": {Do: inspiresim.ActFragments},
	} {
		t.Run(name, func(t *testing.T) {
			sim := startPMS(t, inspiresim.Options{})
			f := sim.Faults()
			f.Then = []inspiresim.Trouble{act}
			sim.NextConnection(f, f, f)
			w := quickWaits()
			w.ParkMax = 300 * time.Millisecond
			l := newLink(t, quickConfig(sim), func(_ *Config, d *Deps) { d.Waits = w }).run("")
			l.waitAlarm(alarmTooBig)
			if n := len(sim.Audit().Connects); n != 3 {
				t.Errorf("%d connections before it was parked, want 3", n)
			}
			l.waitLive()
		})
	}
}

func TestSlowConsumerDoesNotStopTheHeartbeat(t *testing.T) {
	sim := startPMS(t, inspiresim.Options{})
	sim.Change(func(f *inspiresim.Faults) { f.Life.PingEvery, f.Life.PongWithin = 10*time.Millisecond, 5*time.Second })
	l := newLink(t, quickConfig(sim))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	blocked := false
	for batch, err := range l.src.Notices(ctx, "") {
		if err != nil {
			t.Fatal(err)
		}
		if len(batch) == 0 { // live: now somebody is very slow
			for i := range 100 {
				sim.Publish(testChain, checkIn(fmt.Sprint(i)))
			}
			before := sim.Audit().Connects[0]
			auditUntil(t, sim, func(a inspiresim.Audit) bool {
				return a.Connects[0].Pongs > before.Pongs+5 && a.Connects[0].Pings > before.Pings+2
			})
			blocked = true
			continue
		}
		if blocked && len(batch) != 100 {
			t.Errorf("handed over %d at once, want all 100", len(batch))
		}
		cancel()
	}
	noViolations(t, sim)
}

func TestErrorsAndLogsLeakNothing(t *testing.T) {
	sim := startPMS(t, inspiresim.Options{})
	f := sim.Faults()
	f.Upgrade.Status = 400
	g := sim.Faults()
	g.Subscribe.Fail = "bad key " + testAppKey + " and " + urlKey("base64", testAppKey)
	sim.NextConnection(f, f, f, g)
	l := newLink(t, quickConfig(sim)).run("")
	l.waitLive()
	sim.Publish(testChain, checkIn("1"))
	l.waitNotices(1)
	sim.Cut()
	l.stop()
	text := l.logs.String() + fmt.Sprint(l.errs) + fmt.Sprint(l.src.Link()) + string(l.mem.data)
	for _, secret := range []string{testAppKey, testSecret, urlKey("base64", testAppKey), "Bearer", "eyJ", "Müller"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q stands in what is shown", secret)
		}
	}
	if !strings.Contains(text, "pms subscription started") || !strings.Contains(text, "pms connection opened") || !strings.Contains(text, "pms stream ended") {
		t.Error("no audit lines")
	}
}

func TestOnlyOneReader(t *testing.T) {
	sim := startPMS(t, inspiresim.Options{})
	l := newLink(t, quickConfig(sim)).run("")
	l.waitLive()
	for _, err := range l.src.Notices(context.Background(), "") {
		if err == nil || !strings.Contains(err.Error(), "in use already") {
			t.Errorf("second reader got %v", err)
		}
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

func TestProbe(t *testing.T) {
	sim := startPMS(t, inspiresim.Options{})
	ok := func(list []Finding) string {
		var b strings.Builder
		for _, f := range list {
			fmt.Fprintf(&b, "%s %v; ", f.Step, f.OK)
		}
		return b.String()
	}
	l := newLink(t, quickConfig(sim))
	if got := ok(l.src.Probe(t.Context())); got != "settings true; token true; upgrade true; ack true; subscribe true; " {
		t.Error(got)
	}
	m := l.mem.read(t)
	if m.Open || !m.LastLive.IsZero() || !m.LastNotice.IsZero() {
		t.Errorf("a probe must not pretend to have listened: %+v", m)
	}
	if !sim.Audit().Subscriptions[0].Completed {
		t.Error("ended without complete")
	}
	tests := []struct {
		name   string
		spoil  func(s *inspiresim.Server, c *Config, d *Deps)
		want   string
		advice string
	}{
		{"no secret", func(_ *inspiresim.Server, c *Config, _ *Deps) { c.AppKeyFile = "other" }, "settings false; ", "correct it"},
		{"wrong secret", func(_ *inspiresim.Server, _ *Config, d *Deps) { d.Secret = secretsOf("wrong", testAppKey) }, "settings true; token false; ", "client_secret_file"},
		{"portal", func(s *inspiresim.Server, _ *Config, _ *Deps) {
			s.ChangeTokens(func(f *inspiresim.TokenFaults) { f.Portal = inspiresim.PortalPage })
		}, "settings true; token false; ", "captive portal"},
		{"wrong key mode", func(_ *inspiresim.Server, c *Config, _ *Deps) { c.KeyMode = "sha256hex" }, "settings true; token true; upgrade false; ", "key_mode"},
		{"no ack", func(s *inspiresim.Server, _ *Config, d *Deps) {
			s.Change(func(f *inspiresim.Faults) { f.Handshake.NoAck = true })
			d.Waits.Ack = 50 * time.Millisecond
		}, "settings true; token true; upgrade true; ack false; ", "tries again"},
		{"chain refused", func(s *inspiresim.Server, _ *Config, _ *Deps) { s.ForbidChain("vendor-1", testChain) }, "settings true; token true; upgrade true; ack true; subscribe false; ", "chain_code"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sim := startPMS(t, inspiresim.Options{})
			l := newLink(t, quickConfig(sim), func(c *Config, d *Deps) { tt.spoil(sim, c, d) })
			list := l.src.Probe(t.Context())
			if got := ok(list); got != tt.want {
				t.Errorf("%s, want %s: %+v", got, tt.want, list)
			}
			if advice := list[len(list)-1].Advice; !strings.Contains(advice, tt.advice) {
				t.Errorf("advice %q lacks %q", advice, tt.advice)
			}
		})
	}
}

func TestSettingsAreReadAfresh(t *testing.T) {
	sim := startPMS(t, inspiresim.Options{})
	name := writeFile(t, []byte("wrong"))
	w := quickWaits()
	l := newLink(t, quickConfig(sim), func(_ *Config, d *Deps) {
		d.Waits = w
		keys := secretsOf(testSecret, testAppKey)
		d.Secret = func(file string) (string, error) {
			if file == "secret" {
				data, err := os.ReadFile(name)
				return string(data), err
			}
			return keys(file)
		}
	}).run("")
	l.waitAlarm(alarmRefused)
	if err := os.WriteFile(name, []byte(testSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l.waitLive()
}
