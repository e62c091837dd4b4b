package wifi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/unifisim"

	"github.com/google/go-cmp/cmp"
)

const (
	keyA = "00112233445566aa"
	keyB = "00112233445566bb"
	keyC = "00112233445566cc"
)

var start = time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)

// fatal is what the bench needs of a test, or of one round of a property.
type fatal interface {
	Helper()
	Fatalf(string, ...any)
}

// bench is a driver and its simulated controller under one clock.
type bench struct {
	sim *unifisim.Controller
	drv *Driver

	mu    sync.Mutex
	clock time.Time
	skew  time.Duration // of the controller's clock
	known map[string]map[string]string
	codes map[string]bool // that ever were; none may be seen in an error
	want  []drivers.Command
}

func newBench(t *testing.T, change func(*Config)) *bench {
	t.Helper()
	b := &bench{clock: start, known: map[string]map[string]string{}, codes: map[string]bool{}}
	sim, err := unifisim.Start(unifisim.Options{APIKey: "sim-key-Zq81", Now: func() time.Time {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.clock.Add(b.skew)
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	b.sim = sim
	b.restart(t, change)
	return b
}

// restart makes the driver anew, as after a power cut: it remembers nothing.
func (b *bench) restart(t *testing.T, change func(*Config)) {
	t.Helper()
	cfg := Config{Controller: "unifi", URL: b.sim.URL(), APIKeyFile: "unifi-key", TLS: TLS{PinSHA256: b.sim.Fingerprint()},
		Tiers:     map[string]Tier{"standard": {DownKbps: 20_000, UpKbps: 5_000}, "suite": {DownKbps: 90_000, UpKbps: 40_000, DataMB: 5000}},
		TierByVIP: map[string]string{"V1": "suite"}}
	if change != nil {
		change(&cfg)
	}
	site := drivers.Site{Property: "seaview", Zone: time.UTC,
		Secret: func(file string) (string, error) {
			switch file {
			case "unifi-key":
				return b.sim.APIKey() + "\n", nil
			case "ca.pem":
				return string(b.sim.CertificatePEM()), nil
			}
			return "", fmt.Errorf("no file %q", file)
		},
		Wanted: func(string) []drivers.Command { return b.want },
		Known: func(_, subject string) map[string]string {
			b.mu.Lock()
			defer b.mu.Unlock()
			return maps.Clone(b.known[subject])
		}}
	drv, err := open("guest-wifi", cfg, site, b.now)
	if err != nil {
		t.Fatal(err)
	}
	b.drv = drv
}

func (b *bench) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.clock
}

func (b *bench) advance(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clock = b.clock.Add(d)
}

func ensure(key string, until time.Time, more ...string) drivers.Command {
	params := map[string]string{"stay": key, "room": "101", "until": until.Format(time.RFC3339)}
	for i := 0; i+1 < len(more); i += 2 {
		params[more[i]] = more[i+1]
	}
	return drivers.Command{Device: "guest-wifi", Action: "ensure", Subject: "stay:" + key, Params: params}
}

func revoke(key string, more ...string) drivers.Command {
	cmd := ensure(key, time.Time{}, more...)
	cmd.Action = "revoke"
	return cmd
}

// try carries a command out, and fails the test if the outcome shows a secret.
func (b *bench) try(t fatal, cmd drivers.Command) (drivers.Receipt, error) {
	t.Helper()
	receipt, err := b.drv.Do(context.Background(), cmd)
	for _, v := range b.sim.Vouchers() {
		b.codes[v.Code] = true
	}
	text := receipt.Note + " " + b.drv.State().Reason
	if err != nil {
		text += " " + err.Error()
	}
	b.noSecret(t, text)
	if err == nil && receipt.Values != nil {
		b.mu.Lock()
		b.known[cmd.Subject] = receipt.Values
		b.mu.Unlock()
	}
	return receipt, err
}

func (b *bench) noSecret(t fatal, text string) {
	t.Helper()
	for code := range b.codes {
		if strings.Contains(text, code) {
			t.Fatalf("a voucher's code shows in %q", text)
		}
	}
	if strings.Contains(text, b.sim.APIKey()) {
		t.Fatalf("the API key shows in %q", text)
	}
}

// must carries a command out that has to succeed and returns the receipt's values.
func (b *bench) must(t fatal, cmd drivers.Command) map[string]string {
	t.Helper()
	receipt, err := b.try(t, cmd)
	if err != nil {
		t.Fatalf("%s: %v", cmd.Action, err)
	}
	return receipt.Values
}

func (b *bench) join(t *testing.T, mac, code string) {
	t.Helper()
	if err := b.sim.Join(mac, code); err != nil {
		t.Fatalf("join %s: %v", mac, err)
	}
}

func (b *bench) calls() []string {
	var calls []string
	for _, r := range b.sim.Requests() {
		line := r.Method + " " + r.Path
		if r.Body != "" {
			line += " " + r.Body
		}
		calls = append(calls, line)
	}
	b.sim.ForgetRequests()
	return calls
}

const (
	mac1 = "02:00:00:00:00:01"
	mac2 = "02:00:00:00:00:02"
	mac3 = "02:00:00:00:00:03"
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
		b.skew = skew
		first := b.must(t, ensure(keyA, start.Add(48*time.Hour)))
		b.advance(5 * time.Hour)
		if again := b.must(t, ensure(keyA, start.Add(48*time.Hour))); again["code"] != first["code"] {
			t.Errorf("skew %v: another code", skew)
		}
		if s := b.drv.State(); s.Condition != drivers.Degraded || !strings.Contains(s.Reason, "clock differs by "+skew.String()) {
			t.Errorf("skew %v: state %+v", skew, s)
		}
	}
}

func TestExtend(t *testing.T) {
	t.Run("unused", func(t *testing.T) {
		b := newBench(t, nil)
		old := b.must(t, ensure(keyA, start.Add(24*time.Hour)))
		now := b.must(t, ensure(keyA, start.Add(72*time.Hour)))
		if b.sim.CodeWorks(old["code"]) || !b.sim.CodeWorks(now["code"]) || len(b.sim.Vouchers()) != 1 {
			t.Error("the old code should be gone and the new one work")
		}
	})
	t.Run("used", func(t *testing.T) {
		b := newBench(t, nil)
		old := b.must(t, ensure(keyA, start.Add(24*time.Hour)))
		b.join(t, mac1, old["code"])
		b.sim.Disassociate(mac1) // a sleeping phone is extended too
		b.advance(20 * time.Hour)
		now := b.must(t, ensure(keyA, start.Add(72*time.Hour)))
		if b.sim.CodeWorks(old["code"]) || !b.sim.CodeWorks(now["code"]) {
			t.Error("the old code should be gone and the new one work")
		}
		b.advance(50 * time.Hour)
		if !b.sim.Online(mac1) {
			t.Error("the device lost access in the extended stay")
		}
		b.advance(5 * time.Hour)
		if b.sim.Online(mac1) {
			t.Error("the device is online after departure and grace")
		}
	})
	t.Run("twice, then revoke after a restart", func(t *testing.T) {
		b := newBench(t, nil)
		other := b.must(t, ensure(keyB, start.Add(24*time.Hour)))
		b.join(t, mac3, other["code"])
		first := b.must(t, ensure(keyA, start.Add(24*time.Hour)))
		b.join(t, mac1, first["code"])
		b.must(t, ensure(keyA, start.Add(48*time.Hour)))
		b.restart(t, nil)
		third := b.must(t, ensure(keyA, start.Add(72*time.Hour)))
		b.join(t, mac2, third["code"])
		if s, _ := b.sim.Session(mac1); s.End.Before(start.Add(74 * time.Hour)) {
			t.Errorf("the first device ends at %v", s.End)
		}
		b.restart(t, nil)
		b.must(t, revoke(keyA))
		if b.sim.Online(mac1) || b.sim.Online(mac2) {
			t.Error("a device of the departed guest is online")
		}
		if !b.sim.Online(mac3) || !b.sim.CodeWorks(other["code"]) {
			t.Error("another guest lost access")
		}
	})
}

func TestShorten(t *testing.T) {
	b := newBench(t, nil)
	old := b.must(t, ensure(keyA, start.Add(72*time.Hour)))
	b.join(t, mac1, old["code"])
	now := b.must(t, ensure(keyA, start.Add(24*time.Hour)))
	if b.sim.CodeWorks(old["code"]) || !b.sim.CodeWorks(now["code"]) || !b.sim.Online(mac1) {
		t.Fatal("shortening should replace the code and keep the device")
	}
	b.advance(26*time.Hour + time.Minute)
	if b.sim.Online(mac1) {
		t.Error("the device is online after the shortened stay")
	}
}

// A due-out guest whose access is over, and who stays after all.
func TestExpiredVoucherIsReplaced(t *testing.T) {
	b := newBench(t, nil)
	old := b.must(t, ensure(keyA, start.Add(24*time.Hour)))
	b.join(t, mac1, old["code"])
	b.advance(27 * time.Hour)
	b.want = []drivers.Command{ensure(keyA, start.Add(24*time.Hour))}
	if out := b.sweep(t); out.Held != 0 {
		t.Errorf("an expired voucher counts as access: %+v", out)
	}
	now := b.must(t, ensure(keyA, start.Add(72*time.Hour)))
	if now["code"] == old["code"] || !b.sim.CodeWorks(now["code"]) || len(b.sim.Vouchers()) != 1 {
		t.Error("the guest should have a new code that works, and only that")
	}
}

func TestRevokeCutsTheRightDevices(t *testing.T) {
	b := newBench(t, nil)
	a := b.must(t, ensure(keyA, start.Add(24*time.Hour)))
	o := b.must(t, ensure(keyB, start.Add(24*time.Hour)))
	staff := b.sim.AddVoucher("staff", 600, 0)
	b.join(t, mac1, a["code"])
	b.join(t, mac2, o["code"])
	b.join(t, mac3, a["code"])
	b.join(t, mac3, staff) // the tablet moved on to another voucher: not ours any more
	b.calls()
	receipt, err := b.try(t, revoke(keyA))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := receipt.Note, "WiFi access closed: 1 code removed, 1 device cut"; got != want {
		t.Errorf("note %q, want %q", got, want)
	}
	if b.sim.CodeWorks(a["code"]) || b.sim.Online(mac1) {
		t.Error("the departed guest still has access")
	}
	if !b.sim.Online(mac2) || !b.sim.Online(mac3) || !b.sim.CodeWorks(o["code"]) || !b.sim.CodeWorks(staff) {
		t.Error("somebody else lost access")
	}
	calls := b.calls()
	site := siteOf(calls[0])
	for i := range calls {
		calls[i] = strings.ReplaceAll(calls[i], site, "SITE")
		calls[i] = strings.ReplaceAll(calls[i], a["voucher"], "VOUCHER")
	}
	want := []string{
		"GET /proxy/network/integration/v1/sites/SITE/hotspot/vouchers?filter=name.eq('htl:00112233445566aa')&limit=200&offset=0",
		"GET /proxy/network/api/s/default/stat/guest?within=24",
		"DELETE /proxy/network/integration/v1/sites/SITE/hotspot/vouchers/VOUCHER",
		`POST /proxy/network/api/s/default/cmd/stamgr {"cmd":"unauthorize-guest","mac":"02:00:00:00:00:01"}`,
	}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	receipt, err = b.try(t, revoke(keyA))
	if err != nil || receipt.Note != "WiFi access was closed already" {
		t.Errorf("second revoke: %q, %v", receipt.Note, err)
	}
}

func TestRevokeWithoutCut(t *testing.T) {
	b := newBench(t, nil)
	a := b.must(t, ensure(keyA, start.Add(24*time.Hour)))
	b.join(t, mac1, a["code"])
	b.must(t, revoke(keyA, "cut", "false"))
	if b.sim.CodeWorks(a["code"]) || !b.sim.Online(mac1) {
		t.Error("without cut the code should be gone and the session run on")
	}
}

func TestDuplicatesAreRemoved(t *testing.T) {
	b := newBench(t, func(c *Config) { c.Tiers = nil; c.TierByVIP = nil })
	first := b.sim.AddVoucher("htl:"+keyA, 26*60, 5)
	second := b.sim.AddVoucher("htl:"+keyA, 26*60, 5)
	third := b.sim.AddVoucher("htl:"+keyA, 99*60, 5)
	b.join(t, mac1, second)
	b.join(t, mac2, third)
	got := b.must(t, ensure(keyA, start.Add(24*time.Hour)))
	if got["code"] != second {
		t.Error("the voucher that is in use should be kept")
	}
	if b.sim.CodeWorks(first) || b.sim.CodeWorks(third) || !b.sim.CodeWorks(second) || len(b.sim.Vouchers()) != 1 {
		t.Error("exactly one code should work")
	}
	if !b.sim.Online(mac1) || !b.sim.Online(mac2) {
		t.Error("a device of the stay lost access")
	}
	if s, _ := b.sim.Session(mac2); s.End.After(start.Add(27 * time.Hour)) {
		t.Errorf("the device of the longer duplicate ends at %v", s.End)
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
