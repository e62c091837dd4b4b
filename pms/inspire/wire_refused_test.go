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

func TestQ16_UnauthorizedChainIsParked(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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
func TestQ24_CookiesAreSharedAndDropped(t *testing.T) {
	t.Parallel()
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

func TestQ26_DocumentedQueryFirstThenExtendedOnce(t *testing.T) {
	t.Parallel()
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

func TestErrorFrameOnAnOpenSocketIsNoticed(t *testing.T) {
	t.Parallel()
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
