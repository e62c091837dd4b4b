package wifi

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/console"

	"github.com/google/go-cmp/cmp"
)

// leave makes ten stays of which so many are revoked at an instant, and says
// which codes those have.
func (b *bench) leave(t *testing.T, revoked int, due time.Time, try int) (codes []string) {
	t.Helper()
	for i := range 10 {
		key := fmt.Sprintf("%016x", i)
		cmd := ensure(key, start.Add(1000*time.Hour), "room", fmt.Sprint(100+i))
		code := b.must(t, cmd)["code"]
		if i < revoked {
			codes = append(codes, code)
			cmd = revoke(key)
			cmd.Due, cmd.Accepted, cmd.Try, cmd.Params = due, due.Add(-time.Minute), try, map[string]string{"stay": key}
		}
		b.want = append(b.want, cmd)
	}
	return codes
}

func (b *bench) work(codes []string) (n int) {
	for _, code := range codes {
		if b.sim.CodeWorks(code) {
			n++
		}
	}
	return n
}

// What the guard held back goes a day later, if both clocks say that it is one.
func TestSweepGuardRecovers(t *testing.T) {
	for _, test := range []struct {
		name string
		skew time.Duration
		try  int
		want Swept
	}{
		{"clocks that agree", 90 * time.Second, 0, Swept{Held: 10, Removed: 5}},
		{"clocks that agree, tried", 0, 3, Swept{Held: 10, Removed: 5}},
		{"clocks that do not", 3 * time.Minute, 0, Swept{Held: 10, Refused: 5}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t, nil)
			codes := b.leave(t, 5, start, test.try)
			b.advance(23 * time.Hour)
			if diff := cmp.Diff(Swept{Held: 10, Refused: 5}, b.sweep(t)); diff != "" {
				t.Errorf("within a day (-want +got):\n%s", diff)
			}
			want := "5 of 10 guests would lose WiFi access at once, so none does (htl:0000000000000000, htl:0000000000000001, htl:0000000000000002, htl:0000000000000003, htl:0000000000000004): " +
				"check the gateway's clock and the PMS link, then remove the codes on the controller's page"
			if s := b.drv.State(); s.Reason != want {
				t.Errorf("got  %s\nwant %s", s.Reason, want)
			}
			b.advance(2 * time.Hour)
			b.mu.Lock()
			b.skew = test.skew
			b.mu.Unlock()
			if diff := cmp.Diff(test.want, b.sweep(t)); diff != "" {
				t.Errorf("after a day (-want +got):\n%s", diff)
			}
			if n := b.work(codes); n != test.want.Refused {
				t.Errorf("%d codes of departed guests work, want %d", n, test.want.Refused)
			}
		})
	}
}

// A group that leaves at once is the lane's work for ten minutes, and no alarm.
func TestSweepLeavesTheLaneItsTime(t *testing.T) {
	b := newBench(t, nil)
	codes := b.leave(t, 5, start, 0)
	b.advance(10*time.Minute - time.Second)
	if diff := cmp.Diff(Swept{Held: 10}, b.sweep(t)); diff != "" {
		t.Errorf("at once (-want +got):\n%s", diff)
	}
	if s := b.drv.State(); s.Condition != drivers.Online || b.work(codes) != 5 {
		t.Errorf("%d codes work, state %+v", b.work(codes), s)
	}
	b.advance(time.Second)
	if diff := cmp.Diff(Swept{Held: 10, Refused: 5}, b.sweep(t)); diff != "" {
		t.Errorf("ten minutes later (-want +got):\n%s", diff)
	}
}

// What the lane has tried is not about to be tried for the first time.
func TestSweepTakesOverWhatTheLaneTried(t *testing.T) {
	b := newBench(t, nil)
	b.leave(t, 1, start, 2)
	if diff := cmp.Diff(Swept{Held: 10, Removed: 1}, b.sweep(t)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestGuardNames(t *testing.T) {
	wanted, keys := map[string]drivers.Command{}, []string{}
	for i := range 14 {
		key := fmt.Sprintf("%016x", i)
		keys = append(keys, key)
		wanted[key] = ensure(key, start, "room", fmt.Sprint(200+i))
	}
	want := "room 200, room 201, room 202, room 203, room 204, room 205, room 206, room 207, room 208, room 209, room 210, room 211 and 2 more"
	if got := rooms(wanted, keys); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// One stay that gives trouble does not keep a sweep from the others, and is
// told of, a refusal too.
func TestSweepGoesOn(t *testing.T) {
	for _, test := range []struct {
		kind console.FaultKind
		why  string
	}{
		{console.ServerError, "the controller answered 500 api.internal-error"},
		{console.NotJSON, "read the answer to GET /proxy/network/integration/v1/sites/"},
		{console.Forbidden, "the API key lacks the right"},
	} {
		t.Run(string(test.kind), func(t *testing.T) {
			b := newBench(t, nil)
			codes := b.leave(t, 3, start.Add(-time.Hour), 0)
			b.sim.Inject(console.Fault{Kind: test.kind, Match: "name.eq('htl:0000000000000000')", Count: -1})
			out, err := b.drv.Sweep(t.Context())
			if diff := cmp.Diff(Swept{Held: 10, Removed: 2}, out); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if err == nil || !strings.HasPrefix(err.Error(), "guest-wifi: end access that is over: list vouchers: ") || !strings.Contains(err.Error(), test.why) {
				t.Errorf("got %v", err)
			}
			if n := b.work(codes); n != 1 {
				t.Errorf("%d codes of departed guests work, want 1", n)
			}
			if s := b.drv.State(); s.Condition == drivers.Online || !strings.Contains(s.Reason, test.why) {
				t.Errorf("nobody is told: %+v", s)
			}
			b.sim.Heal()
			if b.sweep(t); b.work(codes) != 0 || b.drv.State().Condition != drivers.Online {
				t.Errorf("%d codes work, state %+v", b.work(codes), b.drv.State())
			}
		})
	}
}

// A refusal is nobody's fault but ours; the sweep's alarm tells of it.
func TestSweepTellsOfARefusal(t *testing.T) {
	b := newBench(t, nil)
	err := b.drv.swept("1 WiFi code is a stranger's", []error{fmt.Errorf("%w: the controller answered 400", drivers.ErrRefused)})
	if class(err) != "refused" {
		t.Errorf("got %v", err)
	}
	b.drv.observe(nil)
	want := "1 WiFi code is a stranger's; refused: the controller answered 400"
	if s := b.drv.State(); s.Condition != drivers.Degraded || s.Reason != want {
		t.Errorf("got %+v, want %s", s, want)
	}
	many := slices.Repeat([]error{drivers.ErrRefused}, 5)
	_ = b.drv.swept("", many)
	if s := b.drv.State(); s.Reason != "refused; refused; refused; and 2 others like it" {
		t.Errorf("got %s", s.Reason)
	}
}

// An entry that cannot be read does not hide the others from a sweep.
func TestListGoesOn(t *testing.T) {
	calls := map[string]string{"nomadix": "USER_QUERY", "opnsense": "list_vouchers/"}
	for _, p := range suiteProducts {
		match, ok := calls[p.name]
		if !ok {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			s := newStage(t, p)
			for _, key := range []string{keyA, keyB, keyC} {
				s.must(ensure(key, tomorrow))
			}
			for _, key := range []string{keyA, keyB} {
				s.wish(revoke(key))
			}
			s.Inject(console.Fault{Kind: console.ServerError, Match: match})
			out, err := s.drv.Sweep(t.Context())
			if class(err) != "retry" || !strings.Contains(err.Error(), "the controller answered 500") {
				t.Errorf("got %v", err)
			}
			if diff := cmp.Diff(Swept{Held: 2, Removed: 1}, out); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(s.live(keyA)) != 1 || len(s.live(keyB)) != 0 || len(s.live(keyC)) != 1 {
				t.Errorf("live: %d, %d, %d", len(s.live(keyA)), len(s.live(keyB)), len(s.live(keyC)))
			}
			if got := s.sweep(); got.Removed != 1 || len(s.live(keyA)) != 0 {
				t.Errorf("the next sweep passed over what could not be read: %+v", got)
			}
			s.Inject(console.Fault{Kind: console.Forbidden, Match: match, Count: -1})
			if _, err := s.drv.Sweep(t.Context()); class(err) != "down" {
				t.Errorf("got %v", err)
			}
		})
	}
}
