package wifi

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"edgeagent/drivers"

	"github.com/google/go-cmp/cmp"
)

func TestEnsureMakesOneVoucher(t *testing.T) {
	b := newBench(t, nil)
	departure := start.Add(46 * time.Hour)
	values := b.must(t, ensure(keyA, departure))
	calls := b.calls()
	want := []string{
		"GET /proxy/network/integration/v1/sites?filter=internalReference.eq('default')",
		"GET /proxy/network/integration/v1/sites/SITE/hotspot/vouchers?filter=name.eq('htl:00112233445566aa')&limit=200&offset=0",
		`POST /proxy/network/integration/v1/sites/SITE/hotspot/vouchers {"name":"htl:00112233445566aa","count":1,"timeLimitMinutes":2880,"authorizedGuestLimit":5,"rxRateLimitKbps":20000,"txRateLimitKbps":5000}`,
	}
	site := siteOf(calls[1])
	for i := range calls {
		calls[i] = strings.ReplaceAll(calls[i], site, "SITE")
	}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Fatalf("calls (-want +got):\n%s", diff)
	}
	if !b.sim.CodeWorks(values["code"]) {
		t.Fatal("the code of the receipt does not work")
	}
	if got, want := values["until"], "2026-11-24T14:00:00Z"; got != want {
		t.Errorf("until %s, want %s", got, want)
	}

	// Again, a day later, and by a driver that remembers nothing: the same.
	b.advance(20 * time.Hour)
	b.restart(t, nil)
	again := b.must(t, ensure(keyA, departure))
	if diff := cmp.Diff(values, again); diff != "" {
		t.Errorf("second ensure (-first +second):\n%s", diff)
	}
	if n := len(b.sim.Vouchers()); n != 1 {
		t.Errorf("%d vouchers, want 1", n)
	}
	b.calls()
	b.must(t, ensure(keyA, departure))
	if calls := b.calls(); len(calls) != 1 {
		t.Errorf("a repeated ensure cost %d calls, want 1: %v", len(calls), calls)
	}
}

func siteOf(call string) string {
	_, rest, _ := strings.Cut(call, "/sites/")
	id, _, _ := strings.Cut(rest, "/")
	return id
}

// Down is the guest's download: UniFi calls it rx in the one API, down in the other.
func TestRatesHaveTheRightDirection(t *testing.T) {
	b := newBench(t, nil)
	values := b.must(t, ensure(keyA, start.Add(24*time.Hour), "vip", "V1"))
	b.join(t, mac1, values["code"])
	check := func(when string) {
		t.Helper()
		s, ok := b.sim.Session(mac1)
		if !ok || s.DownKbps != 90_000 || s.UpKbps != 40_000 || s.DataMB != 5000 {
			t.Errorf("%s: session %+v, want 90000 down, 40000 up, 5000 MB", when, s)
		}
	}
	check("by voucher")
	b.must(t, ensure(keyA, start.Add(48*time.Hour), "vip", "V1"))
	check("authorised again")
	// The VIP code goes: the tier follows, for the device that is online too.
	b.must(t, ensure(keyA, start.Add(48*time.Hour)))
	if s, _ := b.sim.Session(mac1); s.DownKbps != 20_000 || s.UpKbps != 5_000 || s.DataMB != 0 {
		t.Errorf("after the VIP code went: session %+v", s)
	}
}

func TestTier(t *testing.T) {
	b := newBench(t, nil)
	b.must(t, ensure(keyA, start.Add(24*time.Hour), "vip", "V1", "tier", "standard", "devices", "2"))
	v := b.sim.Vouchers()[0]
	if v.DownKbps != 20_000 || v.Devices != 2 {
		t.Errorf("voucher %+v: tier and devices of the rule should overrule", v)
	}
	if _, err := b.try(t, ensure(keyB, start.Add(24*time.Hour), "tier", "gold")); !errors.Is(err, drivers.ErrRefused) || !strings.Contains(err.Error(), `no tier "gold": tiers has standard, suite`) {
		t.Errorf("unknown tier: %v", err)
	}
}

func TestMinutes(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name       string
		now, until time.Time
		want       int
	}{
		{"rounded up", start, start.Add(90 * time.Second), 122},
		{"two days", start, start.Add(46 * time.Hour), 2880},
		{"departure an hour ago: four hours", start, start.Add(-time.Hour), 240},
		{"departure last week: four hours", start, start.Add(-7 * 24 * time.Hour), 240},
		{"night with 25 hours", time.Date(2026, 10, 24, 14, 0, 0, 0, berlin), time.Date(2026, 10, 25, 12, 0, 0, 0, berlin), (23 + 2) * 60},
		{"night with 23 hours", time.Date(2026, 3, 28, 14, 0, 0, 0, berlin), time.Date(2026, 3, 29, 12, 0, 0, 0, berlin), (21 + 2) * 60},
		{"longest", start, start.AddDate(5, 0, 0), 1_000_000},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t, nil)
			b.advance(test.now.Sub(b.now()))
			values := b.must(t, ensure(keyA, test.until))
			if got := b.sim.Vouchers()[0].Minutes; got != test.want {
				t.Errorf("%d minutes, want %d", got, test.want)
			}
			b.advance(10 * time.Minute)
			if again := b.must(t, ensure(keyA, test.until)); again["code"] != values["code"] {
				t.Error("ten minutes later the guest got another code")
			}
		})
	}
}

func TestSkewedControllerKeepsTheCode(t *testing.T) {
	for _, skew := range []time.Duration{-26 * time.Hour, -10 * time.Minute, 3 * time.Hour} {
		b := newBench(t, nil)
		first := b.must(t, ensure(keyA, start.Add(48*time.Hour)))
		b.advance(5 * time.Hour)
		b.mu.Lock()
		b.skew = skew // it stepped
		b.mu.Unlock()
		if again := b.must(t, ensure(keyA, start.Add(48*time.Hour))); again["code"] != first["code"] {
			t.Errorf("skew %v: another code", skew)
		}
		if s := b.drv.State(); s.Condition != drivers.Degraded || !strings.Contains(s.Reason, "clock differs by "+skew.String()) {
			t.Errorf("skew %v: state %+v", skew, s)
		}
	}
}

func TestManyVouchersArePaged(t *testing.T) {
	b := newBench(t, nil)
	for i := range 450 {
		b.sim.AddVoucher(fmt.Sprintf("htl:%016x", i), 60, 1)
	}
	list, err := b.drv.ctl.List(context.Background())
	if err != nil || len(list) != 450 {
		t.Errorf("%d vouchers, %v", len(list), err)
	}
}

func TestCommandsThatAreRefused(t *testing.T) {
	b := newBench(t, nil)
	for _, test := range []struct {
		name string
		cmd  drivers.Command
		want string
	}{
		{"no departure", ensure(keyA, start, "until", ""), "guest-wifi: refused: param until: the stay has no departure"},
		{"departure is no instant", ensure(keyA, start, "until", "2026-11-24"), "guest-wifi: refused: param until: not an instant such as 2026-11-22T12:00:00+01:00"},
		{"no stay", ensure("", start), "guest-wifi: refused: param stay is not a stay key: set it to ${stay}"},
		{"a name for a stay", ensure("Smith", start), "guest-wifi: refused: param stay is not a stay key: set it to ${stay}"},
		{"devices", ensure(keyA, start, "devices", "many"), "guest-wifi: refused: param devices must be a number from 1 to 1000"},
		{"cut", revoke(keyA, "cut", "maybe"), "guest-wifi: refused: param cut: must be true or false"},
		{"action", drivers.Command{Action: "open", Params: map[string]string{"stay": keyA}}, `guest-wifi: refused: no action "open": there are ensure and revoke`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := b.try(t, test.cmd)
			if !errors.Is(err, drivers.ErrRefused) || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
	if calls := b.calls(); len(calls) != 0 {
		t.Errorf("the controller was called: %v", calls)
	}
}
