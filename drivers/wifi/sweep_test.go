package wifi

import (
	"context"
	"fmt"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/console"
	"edgeagent/hwsim/unifisim"

	"github.com/google/go-cmp/cmp"
)

func (b *bench) sweep(t *testing.T) Swept {
	t.Helper()
	out, err := b.drv.Sweep(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSweep(t *testing.T) {
	b := newBench(t, nil)
	// A stays, B has left but its revoke did not get through, C's time is over
	// without any word from the PMS, and one marker is nobody's.
	stays := ensure(keyA, start.Add(72*time.Hour))
	over := ensure(keyC, start.Add(10*time.Hour))
	a, left, c := b.must(t, stays), b.must(t, ensure(keyB, start.Add(72*time.Hour))), b.must(t, over)
	stranger := b.sim.AddVoucher("htl:ffffffffffffffff", 6000, 1)
	staff := b.sim.AddVoucher("staff", 6000, 1)
	b.join(t, mac1, a["code"])
	b.join(t, mac2, left["code"])
	gone := revoke(keyB)
	gone.Seq = 9
	b.want = []drivers.Command{stays, gone, ensure(keyB, start.Add(72*time.Hour)), over}

	gone.Due = start.Add(30 * time.Minute)
	b.want[1] = gone
	if diff := cmp.Diff(Swept{Held: 4, Unknown: 1}, b.sweep(t)); diff != "" {
		t.Errorf("before anything is due (-want +got):\n%s", diff)
	}
	b.advance(13 * time.Hour)
	if diff := cmp.Diff(Swept{Held: 4, Removed: 2, Unknown: 1}, b.sweep(t)); diff != "" {
		t.Errorf("13 hours later (-want +got):\n%s", diff)
	}
	for code, want := range map[string]bool{a["code"]: true, left["code"]: false, c["code"]: false, stranger: true, staff: true} {
		if got := b.sim.CodeWorks(code); got != want {
			t.Errorf("a code works: %v, want %v", got, want)
		}
	}
	if !b.sim.Online(mac1) || b.sim.Online(mac2) {
		t.Errorf("online: %v and %v, want true and false", b.sim.Online(mac1), b.sim.Online(mac2))
	}
	if s := b.drv.State(); s.Condition != drivers.Degraded || s.Reason != "1 WiFi code on the controller that this gateway did not make; they are left alone" {
		t.Errorf("state %+v", s)
	}
}

// An access whose time has not come ends nothing yet either: so the agent says that
// what it knows is old, and that the PMS has yet to tell the departure of today.
func TestSweepHeedsDue(t *testing.T) {
	b := newBench(t, nil)
	over := ensure(keyA, start.Add(10*time.Hour))
	b.must(t, over)
	over.Due = start.Add(14 * time.Hour)
	b.want = []drivers.Command{over}
	b.advance(13 * time.Hour)
	if diff := cmp.Diff(Swept{Held: 1}, b.sweep(t)); diff != "" {
		t.Errorf("before it is due (-want +got):\n%s", diff)
	}
	b.advance(2 * time.Hour)
	if diff := cmp.Diff(Swept{Held: 1, Removed: 1}, b.sweep(t)); diff != "" {
		t.Errorf("after it (-want +got):\n%s", diff)
	}
}

// A departure typed into the past gives four hours, also against the sweep.
func TestSweepLeavesTheShortestAccess(t *testing.T) {
	b := newBench(t, nil)
	cmd := ensure(keyA, start.Add(-5*time.Hour))
	values := b.must(t, cmd)
	b.want = []drivers.Command{cmd}
	b.advance(3*time.Hour + 30*time.Minute)
	if b.sweep(t); !b.sim.CodeWorks(values["code"]) {
		t.Error("swept before the four hours were over")
	}
	b.advance(time.Hour)
	if b.sweep(t); b.sim.CodeWorks(values["code"]) {
		t.Error("an unused code outlived its guest")
	}
}

func TestSweepGuard(t *testing.T) {
	b := newBench(t, nil)
	for i := range 10 {
		cmd := ensure(fmt.Sprintf("%016x", i), start.Add(time.Duration(i+10)*time.Hour))
		b.must(t, cmd)
		b.want = append(b.want, cmd)
	}
	b.advance(14*time.Hour + 30*time.Minute) // three are over
	if diff := cmp.Diff(Swept{Held: 10, Removed: 3}, b.sweep(t)); diff != "" {
		t.Errorf("three of ten (-want +got):\n%s", diff)
	}
	b.advance(1000 * time.Hour) // as a broken clock would have it
	b.mu.Lock()
	b.skew = -1000 * time.Hour
	b.mu.Unlock()
	if diff := cmp.Diff(Swept{Held: 7, Refused: 7}, b.sweep(t)); diff != "" {
		t.Errorf("all at once (-want +got):\n%s", diff)
	}
	if s := b.drv.State(); s.Condition != drivers.Degraded || s.Reason != "7 of 7 guests would lose WiFi access at once, so none does (room 101): check the gateway's clock and the PMS link, then remove the codes on the controller's page" {
		t.Errorf("state %+v", s)
	}
	if n := len(b.sim.Vouchers()); n != 7 {
		t.Errorf("%d vouchers left, want 7", n)
	}
}

func TestSweepErrors(t *testing.T) {
	b := newBench(t, nil)
	b.sim.Inject(console.Fault{Kind: console.Forbidden})
	if _, err := b.drv.Sweep(context.Background()); class(err) != "down" {
		t.Errorf("got %v", err)
	}
	if s := b.drv.State(); s.Condition != drivers.Offline {
		t.Errorf("state %+v", s)
	}
}

func TestOpenSweepsAtOnce(t *testing.T) {
	sim, err := unifisim.Start(unifisim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	left, stays := sim.AddVoucher("htl:"+keyA, 600, 1), sim.AddVoucher("htl:"+keyB, 600, 1)
	drv, err := Open("w", Config{Controller: "unifi", URL: sim.URL(), APIKeyFile: "k", TLS: TLS{PinSHA256: sim.Fingerprint()}},
		drivers.Site{
			Secret: func(string) (string, error) { return sim.APIKey(), nil },
			Wanted: func(string) []drivers.Command {
				return []drivers.Command{revoke(keyA), ensure(keyB, time.Now().Add(time.Hour))}
			},
		})
	if err != nil {
		t.Fatal(err)
	}
	for sim.CodeWorks(left) {
		time.Sleep(time.Millisecond)
	}
	if err := drv.Halt(); err != nil {
		t.Fatal(err)
	}
	if !sim.CodeWorks(stays) {
		t.Error("the guest who stays lost the code")
	}
}
