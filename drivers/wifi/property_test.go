package wifi

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/console"

	"pgregory.net/rapid"
)

// Whatever was ensured and revoked, tried once or until it got through, with
// faults and restarts in between: a stay has one code that works if the last
// word was ensure, and none, nor a device online, if it was revoke.
func TestAnySequenceEndsAsTheLastWordSays(t *testing.T) {
	b := newBench(t, nil)
	keys := []string{keyA, keyB, keyC}
	rapid.Check(t, func(rt *rapid.T) {
		last := map[string]drivers.Command{}
		devices := map[string][]string{}
		steps := rapid.IntRange(1, 12).Draw(rt, "steps")
		for i := range steps {
			key := rapid.SampledFrom(keys).Draw(rt, "stay")
			cmd := revoke(key)
			if rapid.IntRange(0, 2).Draw(rt, "what") > 0 {
				hours := rapid.SampledFrom([]int{-3, 5, 24, 72}).Draw(rt, "hours")
				vip := rapid.SampledFrom([]string{"", "V1"}).Draw(rt, "vip")
				cmd = ensure(key, b.now().Add(time.Duration(hours)*time.Hour).Truncate(time.Second), "vip", vip)
			}
			last[key] = cmd
			for range rapid.IntRange(0, 2).Draw(rt, "faults") {
				b.sim.Inject(drawFault(rt))
			}
			receipt, err := b.try(rt, cmd)
			b.sim.Heal()
			if err == nil && cmd.Action == "ensure" && rapid.Bool().Draw(rt, "used") {
				mac := fmt.Sprintf("02:00:00:00:%02x:%s", i, key[14:])
				if err := b.sim.Join(mac, "", receipt.Values["code"]); err != nil {
					rt.Fatalf("join: %v", err)
				}
				devices[key] = append(devices[key], mac)
			}
			if rapid.IntRange(0, 5).Draw(rt, "restart") == 0 {
				b.restart(t, nil)
			}
			b.advance(time.Duration(rapid.IntRange(0, 90).Draw(rt, "minutes")) * time.Minute)
		}
		for key, cmd := range last {
			values := b.must(rt, cmd)
			live := b.sim.LiveVouchers("htl:" + key)
			switch {
			case cmd.Action == "revoke" && len(live) != 0:
				rt.Fatalf("stay %s was revoked and has %d live codes", key, len(live))
			case cmd.Action == "ensure" && (len(live) != 1 || live[0].Code != values["code"]):
				rt.Fatalf("stay %s has %d live codes, want the one of the receipt", key, len(live))
			}
			for _, mac := range devices[key] {
				if cmd.Action == "revoke" && b.sim.Online(mac) {
					rt.Fatalf("device %s of a revoked stay is online", mac)
				}
			}
			b.must(rt, revoke(key))
		}
	})
}

func drawFault(rt *rapid.T) console.Fault {
	return console.Fault{
		Kind: rapid.SampledFrom([]console.FaultKind{console.Drop, console.DropAfterCommit, console.TooMany,
			console.Unauthorized, console.Forbidden, console.ServerError, console.Redirect, console.NotJSON}).Draw(rt, "fault"),
		Match:      rapid.SampledFrom([]string{"", "GET ", "POST ", "DELETE ", "stat/guest", "stamgr"}).Draw(rt, "match"),
		RetryAfter: rapid.SampledFrom([]string{"", "2"}).Draw(rt, "retry after"),
		Count:      rapid.IntRange(1, 3).Draw(rt, "count"),
	}
}

// A whole coach checks in while the sweep runs.
func TestSideBySide(t *testing.T) {
	b := newBench(t, nil)
	for i := range 40 {
		b.want = append(b.want, ensure(fmt.Sprintf("%016x", i), start.Add(48*time.Hour)))
	}
	var group sync.WaitGroup
	for half := range 2 {
		group.Go(func() {
			for i := half; i < len(b.want); i += 2 {
				if _, err := b.drv.Do(t.Context(), b.want[i]); err != nil {
					t.Errorf("ensure: %v", err)
				}
			}
		})
	}
	group.Go(func() {
		for range 5 {
			if _, err := b.drv.Sweep(t.Context()); err != nil {
				t.Errorf("sweep: %v", err)
			}
			_ = b.drv.State()
		}
	})
	group.Wait()
	if n := len(b.sim.Vouchers()); n != 40 {
		t.Errorf("%d vouchers for 40 stays", n)
	}
}
