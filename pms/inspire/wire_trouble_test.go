package inspire

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim/inspiresim"
	"edgeagent/pms"
)

func TestUndecodableFramesGoToQuarantine(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
			// The simulator may take a while to see that the other end has hung up.
			sim.Change(func(f *inspiresim.Faults) { f.Lock.Policy = inspiresim.LockShare })
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
	t.Parallel()
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
