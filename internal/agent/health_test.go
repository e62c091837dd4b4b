package agent

import (
	"fmt"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/offsetstore"
	"edgeagent/pms"
)

// health is an agent of which only the conditions are asked.
func health(t *testing.T) *Agent {
	t.Helper()
	store, err := offsetstore.Open(t.TempDir()+"/store.db", offsetstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return New(Options{Store: store, Clock: NewClock(), Ledger: pms.NewLedger(pms.FoldOptions{}, nil)})
}

func TestConditions(t *testing.T) {
	long := 10 * time.Minute
	now := time.Now()
	link := func(l pms.Link) View { return View{Links: []LinkView{{Name: "pms", Link: l}}} }
	device := func(c drivers.Condition, waiting int) View {
		return View{Devices: []DeviceView{{Name: "tvs", State: drivers.State{Condition: c, Reason: "so it is", Since: now.Add(-long)}, Waiting: waiting}}}
	}
	for _, c := range []struct {
		name string
		view View
		want string
	}{
		{"all is well", link(pms.Link{State: pms.LinkLive}), "[]"},
		{"a link that waits", link(pms.Link{State: pms.LinkWaiting}), "[pms-disconnected pms]"},
		{"a parked link is refused, not merely down", link(pms.Link{State: pms.LinkParked, Problem: "key refused", Since: now}), "[pms-refused pms]"},
		{"a gap", link(pms.Link{State: pms.LinkLive, Alarms: []pms.Alarm{{Code: "pms-gap", Text: "5 lost", Since: now}}}), "[pms-gap pms]"},
		{"another alarm", link(pms.Link{State: pms.LinkLive, Alarms: []pms.Alarm{{Code: "other", Since: now}}}), "[pms-alarm pms]"},
		{"only watched", link(pms.Link{State: pms.LinkLive, MonitorOnly: "shared chain"}), "[monitor-only pms]"},
		{"a device that is away explains its queue", device(drivers.Offline, 50), "[device-silent tvs]"},
		{"a queue that grows all the same", device(drivers.Online, 50), "[queue-waiting tvs]"},
		{"works in part", device(drivers.Degraded, 0), "[device-degraded tvs]"},
		{"a lost outcome", View{Unknown: []CommandView{{Device: "desk", Subject: "room:101", Settled: now}}}, "[outcome-unknown desk, room:101]"},
		{"a key that ends too soon", View{Rooms: []RoomView{{Room: "101", KeyUntil: now, Departure: now.Add(time.Hour)}}}, "[key-short 101]"},
		{"names", View{Unmapped: []UnmappedView{{Name: "SPA"}}}, "[unmapped ]"},
		{"messages", View{Quarantine: 2}, "[quarantine ]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := health(t)
			a.conditions(c.view, now.Add(-long)) // seen for a while
			var got []string
			for _, cond := range a.conditions(c.view, now) {
				if cond.Do == "" {
					t.Errorf("%s does not say what to do", cond.Code)
				}
				got = append(got, cond.Code+" "+cond.About)
			}
			if fmt.Sprint(got) != c.want {
				t.Errorf("conditions %v, want %s", got, c.want)
			}
		})
	}
}

func TestGatewayConditions(t *testing.T) {
	for _, c := range []struct {
		name    string
		trusted bool
		free    uint64
		want    string
	}{
		{"all is well", true, diskLow, "[]"},
		{"a card that is nearly full", true, diskLow - 1, "[disk-low: 63 MiB are free]"},
		{"a clock that was never set", false, diskLow, "[clock-unset: the clock shows a time that cannot be right]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := []string{}
			for _, cond := range gatewayConditions(c.trusted, c.free) {
				if kind := conditionKinds[cond.Code]; kind.do == "" || !kind.serious {
					t.Errorf("%s is not serious, or does not say what to do", cond.Code)
				}
				got = append(got, cond.Code+": "+cond.Text)
			}
			if fmt.Sprint(got) != c.want {
				t.Errorf("conditions %v, want %s", got, c.want)
			}
		})
	}
	if free := freeSpace(t.TempDir()); free == 0 || freeSpace("/nowhere") < free {
		t.Errorf("%d bytes free here, %d where nobody can tell", free, freeSpace("/nowhere"))
	}
}

func TestYoungConditionIsNotShown(t *testing.T) {
	a, now := health(t), time.Now()
	v := View{Links: []LinkView{{Name: "pms", Link: pms.Link{State: pms.LinkConnecting}}}}
	for after, want := range map[time.Duration]int{0: 0, 29 * time.Second: 0, 30 * time.Second: 1} {
		a.seen.since = map[string]time.Time{"pms-disconnected pms": now}
		if got := len(a.conditions(v, now.Add(after))); got != want {
			t.Errorf("after %s %d conditions, want %d", after, got, want)
		}
	}
}

func TestClockThatCannotBeRight(t *testing.T) {
	c := NewClock()
	c.SeenAt(time.Now().Add(time.Hour)) // the store has seen a later time
	if c.Trusted() && !synchronised() {
		t.Error("a clock behind the last time in the store is believed")
	}
}

func TestBackoff(t *testing.T) {
	p := Patience{}.withDefaults()
	for n, most := range map[int]time.Duration{1: 2 * time.Second, 2: 4 * time.Second, 5: 32 * time.Second, 20: 5 * time.Minute, 1000: 5 * time.Minute} {
		for range 100 {
			if d := p.backoff(n); d < most/2 || d > most {
				t.Fatalf("wait after try %d is %s, want %s to %s", n, d, most/2, most)
			}
		}
	}
}
