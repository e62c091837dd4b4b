package wifi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/drivers/wifi/dynauth"
	"edgeagent/hwsim/radiussim"
)

// fakeTables are FreeRADIUS's tables in memory.
type fakeTables struct {
	accounts map[string]account
	open     map[string][]acctSession
	ended    []string
	puts     int
	stale    []string
	known    []string
	started  time.Time
	time     func() time.Time
	err      error
	putErr   error // after the work
}

func (f *fakeTables) account(_ context.Context, user string) (account, error) {
	a := f.accounts[user]
	a.user = user
	return a, f.err
}

func (f *fakeTables) put(_ context.Context, a account) error {
	f.puts++
	f.accounts[a.user] = a
	return errors.Join(f.err, f.putErr)
}

func (f *fakeTables) remove(_ context.Context, user string) error {
	delete(f.accounts, user)
	return f.err
}

func (f *fakeTables) marked(context.Context) ([]markedUser, error) {
	var list []markedUser
	for _, name := range slices.Sorted(maps.Keys(f.accounts)) {
		a := f.accounts[name]
		for _, g := range a.groups {
			if strings.HasPrefix(g.group, markerPrefix) {
				list = append(list, markedUser{name, g.group, value(a.check, attrPassword), value(a.check, attrExpiration)})
			}
		}
	}
	return list, f.err
}

func (f *fakeTables) sessions(_ context.Context, user string) ([]acctSession, error) {
	return f.open[user], f.err
}

func (f *fakeTables) end(_ context.Context, s acctSession, _ time.Time) error {
	f.ended = append(f.ended, s.id)
	return f.err
}

func (f *fakeTables) closeStale(_ context.Context, users, nas []string, at time.Time, silence time.Duration) error {
	f.stale = append(f.stale, fmt.Sprint(users, nas, at.Unix(), silence))
	return f.err
}

func (f *fakeTables) reopen(context.Context, []string, []string) error { return f.err }

func (f *fakeTables) busy(_ context.Context, users []string) ([]string, error) {
	return slices.DeleteFunc(slices.Clone(users), func(user string) bool { return len(f.open[user]) == 0 }), f.err
}

func (f *fakeTables) clock(context.Context) (time.Time, error) { return f.time(), f.err }

func (f *fakeTables) check(context.Context) (string, time.Time, error) {
	return "10.11.19-MariaDB", f.started, f.err
}

func (f *fakeTables) groups(_ context.Context, names []string) ([]string, error) {
	return f.known, f.err
}

func (f *fakeTables) close() {}

// radiusBench is the driver on fake tables, with a simulated hotspot.
type radiusBench struct {
	t     *testing.T
	drv   *Driver
	ctl   *radius
	store *fakeTables
	nas   *radiussim.NAS
	known map[string]string

	mu    sync.Mutex
	clock time.Time
}

// now is read by the hotspot too, which is another goroutine.
func (b *radiusBench) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.clock
}

func (b *radiusBench) setClock(t time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clock = t
}

func newRadiusBench(t *testing.T, change func(*Config)) *radiusBench {
	t.Helper()
	b := &radiusBench{t: t, clock: start, store: &fakeTables{accounts: map[string]account{}, open: map[string][]acctSession{}, started: start}}
	now := b.now
	b.store.time = now
	nas, err := radiussim.StartNAS(radiussim.NASOptions{OrderSecret: "order-secret", Now: now, Upper: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nas.Close() })
	b.nas = nas
	cfg := goodRadius()
	cfg.Radius.NAS[0].Address = nas.Addr()
	if change != nil {
		change(&cfg)
	}
	drv, err := open("guest-wifi", cfg, drivers.Site{Property: "seaview", Zone: time.UTC,
		Secret: func(file string) (string, error) {
			if secret, ok := map[string]string{"nas": "order-secret\n", "wrong": "other-secret", "db": "pw"}[file]; ok {
				return secret, nil
			}
			return "", fmt.Errorf("no file %q", file)
		},
		Known: func(string, string) map[string]string { return b.known }}, now)
	if err != nil {
		t.Fatal(err)
	}
	b.drv, b.ctl = drv, drv.ctl.(*radius)
	b.ctl.store = b.store
	b.ctl.waits = []time.Duration{40 * time.Millisecond, 40 * time.Millisecond}
	return b
}

func goodRadius() Config {
	return Config{Controller: "radius",
		Radius: &Radius{
			Database: RadiusDatabase{Kind: "mysql", Address: "127.0.0.1:3306", User: "agent", PasswordFile: "db"},
			NAS:      []RadiusNAS{{Address: "127.0.0.1", SecretFile: "nas"}},
		},
		Tiers: map[string]Tier{"standard": {DownKbps: 20_000, UpKbps: 5_000}, "suite": {DownKbps: 90_000, UpKbps: 40_000, DataMB: 5000, Profile: "VIP"}}}
}

func (b *radiusBench) do(cmd drivers.Command) (drivers.Receipt, error) {
	receipt, err := b.drv.Do(b.t.Context(), cmd)
	if err == nil && receipt.Values != nil {
		b.known = receipt.Values
	}
	return receipt, err
}

func (b *radiusBench) must(cmd drivers.Command) map[string]string {
	b.t.Helper()
	receipt, err := b.do(cmd)
	if err != nil {
		b.t.Fatal(err)
	}
	return receipt.Values
}

// online puts a device on, as the NAS and radacct have it.
func (b *radiusBench) online(user, id, mac string, since time.Time) {
	calling := strings.ToUpper(strings.ReplaceAll(mac, ":", "-"))
	b.nas.Admit(radiussim.Session{ID: id, MAC: mac, User: user, Calling: calling, IP: net.IPv4(10, 5, 0, 7), Started: since, Timeout: 26 * time.Hour})
	b.store.open[user] = append(b.store.open[user], acctSession{id: "1" + id, acctSessionID: id, user: user, nasIP: "127.0.0.1", framedIP: "10.5.0.7", calling: calling, started: since})
}

func TestRadiusRows(t *testing.T) {
	b := newRadiusBench(t, nil)
	told := b.must(ensure(keyA, tomorrow, "tier", "suite", "devices", "2"))
	a := b.store.accounts[told["user"]]
	want := account{user: told["user"],
		check: []row{{"Cleartext-Password", ":=", told["code"]}, {"Expiration", ":=", "1795449600"}, {"Simultaneous-Use", ":=", "2"}},
		reply: []row{{"Idle-Timeout", ":=", "14400"}, {"Acct-Interim-Interval", ":=", "300"},
			// WISPr: bit/s, Down is the guest's download. Mikrotik: rx/tx of the
			// router, and rx is the guest's upload. 5000 MB are 705032704 and 2^32.
			{"WISPr-Bandwidth-Max-Down", ":=", "90000000"}, {"WISPr-Bandwidth-Max-Up", ":=", "40000000"},
			{"Mikrotik-Rate-Limit", ":=", "40000k/90000k"}, {"Mikrotik-Total-Limit", ":=", "705032704"}, {"Mikrotik-Total-Limit-Gigawords", ":=", "1"}},
		groups: []membership{{"htl:" + keyA, 100}, {"VIP", 1}}}
	if !a.same(want) {
		t.Errorf("got  %+v\nwant %+v", a, want)
	}
	if end := tomorrow.Add(2 * time.Hour).Unix(); fmt.Sprint(end) != "1795449600" {
		t.Fatalf("the test's own instant is %d", end)
	}
	chilli := radiusLimits["chillispot"](Tier{DownKbps: 20_000, UpKbps: 5_000, DataMB: 5000})
	if !sameRows(chilli, []row{{"ChilliSpot-Bandwidth-Max-Down", ":=", "20000"}, {"ChilliSpot-Bandwidth-Max-Up", ":=", "5000"}, {"ChilliSpot-Max-Total-Octets", ":=", "4294000000"}}) {
		t.Errorf("ChilliSpot: %+v", chilli)
	}
}

func TestRadiusEnsureIsRepeatable(t *testing.T) {
	b := newRadiusBench(t, nil)
	b.store.putErr = errors.New("connection reset")
	if _, err := b.do(ensure(keyA, tomorrow)); class(err) != "retry" {
		t.Fatalf("%v", err)
	}
	b.store.putErr = nil
	lost := value(b.store.accounts[(Stay{Key: keyA}).userName()].check, attrPassword)
	if told := b.must(ensure(keyA, tomorrow)); told["code"] != lost || b.store.puts != 1 {
		t.Errorf("the account of the lost reply was not adopted: %d writes", b.store.puts)
	}
	b.must(revoke(keyA))
	if again := b.must(ensure(keyA, tomorrow)); again["code"] != lost {
		t.Error("a reinstated stay got another code")
	}
	// A departure in the past: each call would else be an extension.
	first := b.must(ensure(keyB, start.Add(-time.Hour)))
	b.setClock(b.now().Add(time.Hour))
	b.known = nil
	if again := b.must(ensure(keyB, start.Add(-time.Hour))); again["code"] != first["code"] ||
		value(b.store.accounts[first["user"]].check, attrExpiration) != epochDigits(start.Add(minAccess)) {
		t.Error("a repeated call moved the end")
	}
	b.store.accounts[(Stay{Key: keyC}).userName()] = account{check: []row{{attrPassword, ":=", "staff"}}}
	if _, err := b.do(ensure(keyC, tomorrow)); class(err) != "refused" {
		t.Errorf("somebody else's account: %v", err)
	}
	if _, err := b.do(revoke(keyC)); err != nil || len(b.store.accounts[(Stay{Key: keyC}).userName()].check) != 1 {
		t.Errorf("somebody else's account was removed: %v", err)
	}
}

func TestRadiusExtensionReachesTheSession(t *testing.T) {
	for _, from := range []string{"start", "now"} {
		b := newRadiusBench(t, func(c *Config) { c.Radius.NAS[0].SessionTimeout = from })
		told := b.must(ensure(keyA, tomorrow))
		b.online(told["user"], "81", mac1, start)
		b.setClock(start.Add(10 * time.Hour))
		b.must(ensure(keyA, tomorrow.Add(24*time.Hour)))
		want := map[string]time.Duration{"start": 50 * time.Hour, "now": 40 * time.Hour}[from]
		if s, ok := b.nas.Session(mac1); !ok || s.Timeout != want {
			t.Errorf("%s: Session-Timeout %v, want %v; %+v", from, s.Timeout, want, b.nas.Orders())
		}
		n := len(b.nas.Orders())
		b.must(ensure(keyA, tomorrow.Add(24*time.Hour)))
		if len(b.nas.Orders()) != n {
			t.Error("a repeated call asks the NAS again")
		}
		// Power fails between the rows and the NAS: the receipt is the old one.
		b.setClock(b.now().Add(time.Second)) // else the packet may be the same as before
		b.known["until"] = tomorrow.Format(time.RFC3339)
		b.must(ensure(keyA, tomorrow.Add(24*time.Hour)))
		if len(b.nas.Orders()) != n+1 {
			t.Error("after a power cut the session is not told")
		}
	}
}

// A NAS that takes no CoA costs the guest a log-in, not the extension.
func TestRadiusWithoutCoA(t *testing.T) {
	b := newRadiusBench(t, nil)
	told := b.must(ensure(keyA, tomorrow))
	b.online(told["user"], "81", mac1, start)
	b.nas.Refuse(406)
	b.must(ensure(keyA, tomorrow.Add(24*time.Hour)))
	want := "the NAS " + b.nas.Addr() + " was not told of a changed departure (CoA): refused: unsupported extension: it does not know this kind of request (Error-Cause 406); the device logs in again when its session ends"
	if st := b.drv.State(); st.Condition != drivers.Degraded || st.Reason != want {
		t.Errorf("state %+v", st)
	}
	no := false
	off := newRadiusBench(t, func(c *Config) { c.Radius.NAS[0].CoA = &no })
	told = off.must(ensure(keyA, tomorrow))
	off.online(told["user"], "81", mac1, start)
	off.must(ensure(keyA, tomorrow.Add(24*time.Hour)))
	if len(off.nas.Orders()) > 0 || off.drv.State().Condition != drivers.Online {
		t.Errorf("coa: false: %+v, %+v", off.nas.Orders(), off.drv.State())
	}
}

// An earlier end has to come true at a NAS without CoA as well.
func TestRadiusShortenedWithoutCoA(t *testing.T) {
	no := false
	for name, change := range map[string]func(*Config){"off": func(c *Config) { c.Radius.NAS[0].CoA = &no }, "refused": nil} {
		b := newRadiusBench(t, change)
		told := b.must(ensure(keyA, tomorrow.Add(72*time.Hour)))
		b.online(told["user"], "81", mac1, start)
		if name == "refused" {
			b.nas.Refuse(406)
		}
		b.must(ensure(keyA, tomorrow))
		orders := b.nas.Orders()
		if last := orders[len(orders)-1]; !last.Disconnect || name == "off" && (b.nas.Online(mac1) || len(orders) != 1) {
			t.Errorf("%s: %+v", name, orders)
		}
		want := "the NAS " + b.nas.Addr() + " was not told of an earlier departure"
		if st := b.drv.State(); strings.Contains(st.Reason, want) != (name == "refused") {
			t.Errorf("%s: %+v", name, st)
		}
		// What is on beyond its end is there for the sweep to end.
		b.setClock(tomorrow.Add(3 * time.Hour))
		if list, err := b.ctl.List(t.Context()); err != nil || len(list) != 1 || !list[0].Live {
			t.Errorf("%s: %+v, %v", name, list, err)
		}
	}
}

func TestRadiusCut(t *testing.T) {
	b := newRadiusBench(t, nil)
	told := b.must(ensure(keyA, tomorrow))
	b.online(told["user"], "81", mac1, start)
	b.online(told["user"], "82", mac2, start)
	b.online("someone-else", "83", mac3, start)
	// One that the NAS lost, and one that we closed for being silent.
	b.store.open[told["user"]] = append(b.store.open[told["user"]], acctSession{id: "9", acctSessionID: "99", nasIP: "127.0.0.1", calling: "x"},
		acctSession{id: "8", acctSessionID: "98", nasIP: "127.0.0.1", calling: "x", stale: true}, acctSession{id: "7", nasIP: "10.9.9.9", stale: true})
	receipt, err := b.do(revoke(keyA))
	if err != nil || receipt.Note != "WiFi access closed: 1 code removed, 2 devices cut" {
		t.Errorf("%q, %v", receipt.Note, err)
	}
	if b.nas.Online(mac1) || b.nas.Online(mac2) || !b.nas.Online(mac3) {
		t.Error("the wrong devices are online")
	}
	if !slices.Equal(b.store.ended, []string{"9", "8"}) {
		t.Errorf("closed by us: %v", b.store.ended)
	}
}

// Every Error-Cause, and silence, as a lane sees them; the account is gone in any case.
func TestRadiusCutRefused(t *testing.T) {
	for _, c := range []struct {
		cause uint32
		class string
	}{{201, "none"}, {202, "refused"}, {401, "refused"}, {402, "refused"}, {403, "refused"}, {404, "refused"}, {405, "refused"}, {406, "refused"}, {407, "refused"},
		{501, "refused"}, {502, "refused"}, {503, "retry"}, {504, "refused"}, {505, "retry"}, {506, "retry"}, {507, "retry"}, {508, "refused"}, {777, "retry"}} {
		b := newRadiusBench(t, nil)
		told := b.must(ensure(keyA, tomorrow))
		b.online(told["user"], "81", mac1, start)
		b.nas.Refuse(c.cause)
		_, err := b.do(revoke(keyA))
		if class(err) != c.class || len(b.store.accounts) > 0 {
			t.Errorf("%d: class %s: %v; %d accounts", c.cause, class(err), err, len(b.store.accounts))
		}
		if err != nil && !strings.Contains(err.Error(), dynauth.Cause(c.cause).String()) {
			t.Errorf("%d: %v", c.cause, err)
		}
	}
	b := newRadiusBench(t, func(c *Config) { c.Radius.NAS[0].SecretFile = "wrong" })
	told := b.must(ensure(keyA, tomorrow))
	b.online(told["user"], "81", mac1, start)
	b.online(told["user"], "82", mac2, start)
	_, err := b.do(revoke(keyA))
	want := "guest-wifi: close access: end a session at the NAS " + b.nas.Addr() + ": no answer: wrong secret, wrong source address, or unreachable"
	if class(err) != "retry" || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	b = newRadiusBench(t, nil)
	b.store.open[(Stay{Key: keyA}).userName()] = []acctSession{{id: "1", nasIP: "10.9.9.9"}}
	_, err = b.do(revoke(keyA))
	want = "guest-wifi: close access: refused: radacct has a session at the NAS 10.9.9.9, which radius.nas does not list"
	if class(err) != "refused" || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	b = newRadiusBench(t, func(c *Config) { c.Radius.NAS = nil })
	b.store.open[(Stay{Key: keyA}).userName()] = []acctSession{{id: "1", nasIP: "10.9.9.9"}}
	if _, err := b.do(revoke(keyA)); err != nil || b.drv.Caps().CutSession {
		t.Errorf("without a NAS there is nothing to cut: %v", err)
	}
}

func TestRadiusListTidiesUp(t *testing.T) {
	b := newRadiusBench(t, nil)
	b.must(ensure(keyA, tomorrow))
	b.known = nil
	b.must(ensure(keyB, tomorrow.Add(48*time.Hour)))
	b.store.accounts["ownerless"] = account{groups: []membership{{"htl:Smith", 100}}}
	b.setClock(tomorrow.Add(2*time.Hour + purgeAfter - time.Minute))
	list, err := b.ctl.List(t.Context())
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	for _, c := range list {
		if c.Live != (c.Key == keyB) || c.Created.IsZero() || c.Created.After(b.now()) {
			t.Errorf("%+v", c)
		}
	}
	if want := fmt.Sprint([]string{(Stay{Key: keyA}).userName(), (Stay{Key: keyB}).userName()}, []string{"127.0.0.1"}, b.now().Unix(), 15*time.Minute); len(b.store.stale) != 1 || b.store.stale[0] != want {
		t.Errorf("stale sessions: %v", b.store.stale)
	}
	b.setClock(b.now().Add(2 * time.Minute))
	if list, err = b.ctl.List(t.Context()); err != nil || len(list) != 1 || len(b.store.accounts) != 2 {
		t.Errorf("%+v, %v; %d accounts", list, err, len(b.store.accounts))
	}
	if b.drv.web.sweepEvery != 15*time.Minute {
		t.Errorf("swept every %v", b.drv.web.sweepEvery)
	}
}

func TestRadiusProbe(t *testing.T) {
	b := newRadiusBench(t, nil)
	b.store.started = start.Add(5 * time.Minute)
	if _, err := b.drv.Report(t.Context()); err == nil || err.Error() != `guest-wifi: FreeRADIUS has no group "VIP" in radgroupcheck or radgroupreply: make it, or change the tier's profile` {
		t.Errorf("%v", err)
	}
	b.store.known = []string{"VIP"}
	report, err := b.drv.Report(t.Context())
	if err != nil || report != (Report{Product: "FreeRADIUS on mysql", Version: "10.11.19-MariaDB", Site: "radius", Skew: 5 * time.Minute}) {
		t.Errorf("%+v, %v", report, err)
	}
	if st := b.drv.State(); !strings.Contains(st.Reason, "clock differs by 5m0s") {
		t.Errorf("%+v", st)
	}
	b.nas.Mute(true)
	if _, err := b.drv.Report(t.Context()); err == nil || err.Error() != "guest-wifi: NAS "+b.nas.Addr()+": no answer: wrong secret, wrong source address, or unreachable" {
		t.Errorf("%v", err)
	}
}
