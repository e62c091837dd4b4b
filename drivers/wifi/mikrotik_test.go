package wifi

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/console"
	"edgeagent/hwsim/mikrotiksim"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func routerStage(t *testing.T, opts mikrotiksim.Options) (*stage, *mikrotiksim.Router) {
	t.Helper()
	s := newStage(t, suiteProduct{name: "mikrotik", create: "PUT /rest/ip/hotspot/user", start: func(now func() time.Time) (world, Config, map[string]string, error) {
		opts.Now = now
		return startRouter(opts)
	}})
	return s, s.world.(*mikrotiksim.Router)
}

// calls lists the requests since the last look, with SECRET for the code and
// NAME for the user's.
func (s *stage) calls(key, code string) []string {
	var list []string
	for _, r := range s.Requests() {
		line := strings.TrimSpace(strings.Replace(r.Method+" "+r.Path+" "+r.Body, "/rest/ip/hotspot/", "", 1))
		line = strings.ReplaceAll(line, code, "SECRET")
		list = append(list, strings.ReplaceAll(line, Stay{Key: key}.userName(), "NAME"))
	}
	s.ForgetRequests()
	return list
}

func (s *stage) wants(what string, key, code string, want ...string) {
	s.t.Helper()
	if diff := cmp.Diff(want, s.calls(key, code)); diff != "" {
		s.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

const lookUp = "GET user?.proplist=.id,name,password,profile,server,comment,limit-uptime,limit-bytes-total,disabled&name=NAME"

func TestMikrotikCalls(t *testing.T) {
	s, _ := routerStage(t, mikrotiksim.Options{})
	told := s.must(ensure(keyA, tomorrow))
	if told["user"] != (Stay{Key: keyA}).userName() || told["voucher"] != "*1" {
		t.Errorf("told %v", told)
	}
	code := told["code"]
	s.wants("check-in", keyA, code, lookUp,
		`PUT user {"comment":"htl:00112233445566aa@2026-11-22T14:00:00Z","disabled":"false","limit-bytes-total":"0","limit-uptime":"5d10h","name":"NAME","password":"SECRET","profile":"guest","server":"all"}`)
	s.advance(time.Hour)
	s.must(ensure(keyA, tomorrow))
	s.wants("again, without wear", keyA, code, lookUp)
	s.must(ensure(keyA, tomorrow.Add(24*time.Hour)))
	s.wants("extension", keyA, code, lookUp, `PATCH user/*1 {"limit-uptime":"10d10h"}`)
	s.must(ensure(keyA, tomorrow.Add(24*time.Hour), "tier", "suite"))
	s.wants("another tier", keyA, code, lookUp, `PATCH user/*1 {"limit-bytes-total":"5000000000","profile":"guest-suite"}`)
	s.must(ensure(keyA, tomorrow, "tier", "suite", "room", "502"))
	s.wants("shortened and moved", keyA, code, lookUp, `PATCH user/*1 {"limit-uptime":"5d10h"}`)
	s.joins(mac1, told)
	s.must(revoke(keyA))
	s.wants("check-out", keyA, code, lookUp, "DELETE user/*1",
		"GET active?.proplist=.id,user&user=NAME", "DELETE active/*3",
		"GET cookie?.proplist=.id,user&user=NAME", "DELETE cookie/*4",
		"GET active?.proplist=.id,user&user=NAME", "DELETE active/*5") // it was back by its cookie
	if s.Online(mac1) {
		t.Error("the device is online")
	}
	if s.must(ensure(keyA, tomorrow))["code"] != code {
		t.Error("reinstated, the stay has another code")
	}
}

// Without the policy sensitive the router shows no password, or stars.
func TestMikrotikHiddenPasswords(t *testing.T) {
	for name, stars := range map[string]bool{"left out": false, "stars": true} {
		hidden := suiteProduct{name: "mikrotik", create: "PUT /rest/ip/hotspot/user", start: func(now func() time.Time) (world, Config, map[string]string, error) {
			return startRouter(mikrotiksim.Options{Policies: []string{"read", "write", "rest-api"}, Stars: stars, Now: now})
		}}
		for _, c := range suiteCases {
			t.Run(name+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				c.play(newStage(t, hidden))
			})
		}
		t.Run(name, func(t *testing.T) {
			s := newStage(t, hidden)
			told := s.must(ensure(keyA, tomorrow))
			s.ForgetRequests()
			s.must(ensure(keyA, tomorrow))
			s.wants("what was told is trusted", keyA, told["code"], lookUp)
			if s.caps().SecretReadable {
				t.Error("it says that it can read secrets")
			}
			s.known["stay:"+keyA] = nil // a lost reply: nobody was told
			again := s.must(ensure(keyA, tomorrow))
			s.wants("nobody was told", keyA, again["code"], lookUp, `PATCH user/*1 {"password":"SECRET"}`)
			s.joins(mac1, again)
			s.refuses(mac2, told)
		})
	}
}

// A user whose password can be read and is empty would let anybody on.
func TestMikrotikEmptyPassword(t *testing.T) {
	s, _ := routerStage(t, mikrotiksim.Options{})
	told := s.must(ensure(keyA, tomorrow))
	s.sends("PATCH", "/rest/ip/hotspot/user/*1", `{"password":"","disabled":"true","comment":"htl:00112233445566aa@2026-11-22T14:00:00Z late"}`)
	s.ForgetRequests()
	s.must(ensure(keyA, tomorrow))
	s.wants("repair", keyA, told["code"], lookUp, `PATCH user/*1 {"disabled":"false","password":"SECRET"}`)
	s.joins(mac1, told)
}

// sends is somebody else at the router.
func (s *stage) sends(method, path, body string) {
	s.t.Helper()
	err := s.drv.web.call(s.t.Context(), request{method: method, path: path, raw: []byte(body), contentType: "application/json", decode: ignore})
	if err != nil {
		s.t.Fatal(err)
	}
}

// transport lets a test stand between the driver and the router.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// twice lets every request of a method be done once before it is done for us.
func (s *stage) twice(method string) {
	wire := s.drv.web.http.Transport
	s.drv.web.http.Transport = transport(func(r *http.Request) (*http.Response, error) {
		if r.Method != method {
			return wire.RoundTrip(r)
		}
		early := r.Clone(s.t.Context())
		if r.Body != nil {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			early.Body, r.Body = io.NopCloser(bytes.NewReader(body)), io.NopCloser(bytes.NewReader(body))
		}
		res, err := wire.RoundTrip(early)
		if err != nil {
			return nil, err
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		return wire.RoundTrip(r)
	})
}

// The answer to an earlier try is lost, and its work is done between our look
// and our create.
func TestMikrotikAdopts(t *testing.T) {
	s, _ := routerStage(t, mikrotiksim.Options{})
	s.must(ensure(keyB, tomorrow))
	s.twice(http.MethodPut)
	s.ForgetRequests()
	told := s.must(ensure(keyA, tomorrow))
	if got := len(s.calls(keyA, told["code"])); got != 4 { // look, two creates, look
		t.Errorf("%d calls", got)
	}
	s.only(keyA)
	s.joins(mac1, told)
}

// Somebody removes the user, its session and its cookie a moment before we do.
func TestMikrotikGoneIsFine(t *testing.T) {
	s, _ := routerStage(t, mikrotiksim.Options{})
	told := s.must(ensure(keyA, tomorrow))
	s.joins(mac1, told)
	s.twice(http.MethodDelete)
	s.must(revoke(keyA))
	if s.refuses(mac2, told); s.Online(mac1) {
		t.Error("the device is online")
	}
}

// Ids change when a back-up is restored, so each call looks for the name.
func TestMikrotikIDsChange(t *testing.T) {
	s, sim := routerStage(t, mikrotiksim.Options{})
	s.must(ensure(keyA, tomorrow))
	sim.Restore()
	told := s.must(ensure(keyA, tomorrow.Add(24*time.Hour)))
	if told["voucher"] == "*1" {
		t.Error("nothing was renumbered")
	}
	sim.Restore()
	s.must(revoke(keyA))
	s.refuses(mac1, told)
}

// The router takes one user of a name for each hotspot server.
func TestMikrotikServer(t *testing.T) {
	s, sim := routerStage(t, mikrotiksim.Options{Servers: []string{"lobby", "rooms"}})
	first := s.must(ensure(keyA, tomorrow))
	s.section.Server = "rooms"
	s.restart()
	s.ForgetRequests()
	s.must(ensure(keyA, tomorrow))
	s.wants("moved to its server", keyA, first["code"], lookUp, `PATCH user/*1 {"server":"rooms"}`)
	s.sends("PUT", "/rest/ip/hotspot/user", `{"name":"`+first["user"]+`","password":"other","server":"lobby"}`)
	told := s.must(ensure(keyA, tomorrow))
	if n := len(sim.Access()); n != 1 || told["code"] != first["code"] {
		t.Errorf("%d users", n)
	}
	another := `{"name":"` + first["user"] + `","password":"other","server":"lobby"}`
	s.sends("PUT", "/rest/ip/hotspot/user", another)
	s.section.Server = "lobby"
	s.restart()
	s.must(ensure(keyA, tomorrow))
	if list := sim.Access(); len(list) != 1 || list[0].Code != first["code"] {
		t.Errorf("the guest's code is gone: %+v", list)
	}
	s.known["stay:"+keyA] = nil
	s.section.Server = "rooms"
	s.restart()
	s.sends("PUT", "/rest/ip/hotspot/user", strings.Replace(another, "lobby", "rooms", 1))
	s.must(ensure(keyA, tomorrow))
	if list := sim.Access(); len(list) != 1 || list[0].Code != "other" {
		t.Errorf("nobody was told a code, and of two users it keeps the one of another server: %+v", list)
	}
	s.section.Server = "attic"
	s.restart()
	_, err := s.try(ensure(keyB, tomorrow))
	s.failure(err, "retry")
	want := "no-such-server: write the name of one under IP, Hotspot, Servers into server, or leave the line out"
	if !strings.Contains(err.Error(), want) {
		t.Errorf("%v", err)
	}
}

// Two stays of one name do not happen; if they do, neither takes the other's.
func TestMikrotikLeavesOthersAlone(t *testing.T) {
	s, sim := routerStage(t, mikrotiksim.Options{})
	other := "htl:" + keyB + "@2026-11-22T14:00:00Z"
	s.sends("PUT", "/rest/ip/hotspot/user", `{"name":"`+(Stay{Key: keyA}).userName()+`","password":"other","comment":"`+other+`"}`)
	s.sends("PUT", "/rest/ip/hotspot/user", `{"name":"boss","password":"x","comment":"the owner"}`)
	_, err := s.try(ensure(keyA, tomorrow))
	s.failure(err, "retry")
	s.must(revoke(keyA))
	if list := sim.Access(); len(list) != 2 || list[0].Code != "other" {
		t.Errorf("%+v", list)
	}
	if got := s.sweep(); got != (Swept{Held: 1, Unknown: 1}) {
		t.Errorf("swept %+v", got)
	}
}

// A departure in the past: access is short, and renewed only if it is over.
func TestMikrotikOverdue(t *testing.T) {
	s, _ := routerStage(t, mikrotiksim.Options{})
	told := s.must(ensure(keyA, start.Add(-5*time.Hour)))
	s.ForgetRequests()
	s.advance(3 * time.Hour)
	s.must(ensure(keyA, start.Add(-5*time.Hour)))
	s.wants("still running", keyA, told["code"], lookUp)
	if got := s.sweep(); got.Removed != 0 {
		t.Errorf("swept %+v", got)
	}
	s.advance(90 * time.Minute)
	s.ForgetRequests()
	s.must(ensure(keyA, start.Add(-5*time.Hour)))
	s.wants("over, and given anew", keyA, told["code"], lookUp,
		`PATCH user/*1 {"comment":"htl:00112233445566aa@2026-11-22T14:00:00Z/2026-11-22T18:30:00Z","limit-uptime":"1d18h30m"}`)
	if got := s.sweep(); got.Removed != 0 {
		t.Errorf("swept %+v", got)
	}
	s.joins(mac1, told)
	s.advance(5 * time.Hour)
	if got := s.sweep(); got.Removed != 1 {
		t.Errorf("swept %+v", got)
	}
	if s.refuses(mac2, told); s.Online(mac1) {
		t.Error("the device is online")
	}
}

// However many devices are online without a break, the limit on their time
// does not end a stay's access before the stay ends.
func TestMikrotikLimitIsNoShorterThanTheStay(t *testing.T) {
	s, sim := routerStage(t, mikrotiksim.Options{})
	told := s.must(ensure(keyA, tomorrow))
	macs := []string{mac1, mac2, mac3, "02:00:00:00:00:04", "02:00:00:00:00:05"}
	for hour := range 26 {
		for _, mac := range macs {
			s.joins(mac, told)
		}
		s.advance(59 * time.Minute)
		for _, mac := range macs {
			sim.LogOut(mac)
		}
		s.advance(time.Minute)
		if hour < 25 && len(s.live(keyA)) == 0 {
			t.Fatalf("used up after %d hours", hour+1)
		}
	}
	// Nobody sweeps any more: it ends by itself, in the end.
	s.joins(mac1, told)
	s.advance(6 * 24 * time.Hour)
	if s.Online(mac1) || len(s.live(keyA)) > 0 {
		t.Error("it never ends")
	}
}

func TestMikrotikDataCap(t *testing.T) {
	s, sim := routerStage(t, mikrotiksim.Options{})
	told := s.must(ensure(keyA, tomorrow, "tier", "suite"))
	s.joins(mac1, told)
	sim.Transfer(mac1, 4_999_000_000)
	if !s.Online(mac1) {
		t.Error("cut before 5000 MB")
	}
	sim.Transfer(mac1, 1_000_000)
	if s.refuses(mac2, told); s.Online(mac1) {
		t.Error("not cut after 5000 MB")
	}
}

// Without cut a device stays online, but its cookie brings it back no more.
func TestMikrotikCookiesGoWithoutCut(t *testing.T) {
	s, sim := routerStage(t, mikrotiksim.Options{})
	told := s.must(ensure(keyA, tomorrow))
	s.joins(mac1, told)
	s.must(revoke(keyA, "cut", "false"))
	if !s.Online(mac1) || sim.Cookies(told["user"]) != 0 {
		t.Errorf("online %v, %d cookies", s.Online(mac1), sim.Cookies(told["user"]))
	}
	sim.LogOut(mac1)
	s.refuses(mac1, told)
}

// The number of devices is the profile's, whatever the command says.
func TestMikrotikReceipt(t *testing.T) {
	s, _ := routerStage(t, mikrotiksim.Options{})
	receipt, err := s.try(ensure(keyA, tomorrow, "devices", "2"))
	if err != nil || receipt.Note != "WiFi access until 2026-11-23 16:00" {
		t.Errorf("%q, %v", receipt.Note, err)
	}
	if caps := s.caps(); caps.DeviceLimit || caps.RateLimit || caps.AbsoluteExpiry {
		t.Errorf("%+v", caps)
	}
}

// What the router says in its errors means something to the lanes, and is not
// repeated to anybody.
func TestMikrotikErrors(t *testing.T) {
	const leak = "Gv7tLmQ2"
	for _, test := range []struct {
		status      int
		body        string
		class, text string
	}{
		{400, `{"error":400,"message":"Bad Request","detail":"input does not match any value of profile"}`, "retry", "answered 400 no-such-profile: make the profile that the tier names under IP, Hotspot, User Profiles"},
		{400, `{"error":400,"message":"Bad Request","detail":"Session closed"}`, "retry", "answered 400 session-closed"},
		{404, `{"error":404,"message":"Not Found","detail":"no such item"}`, "retry", "answered 404 no-such-item"},
		{500, `{"error":500,"message":"Internal Server Error","detail":"not enough permissions (9)"}`, "down", "answered 500 not-enough-permissions: the router's account lacks a right: its group needs the policies read, write and rest-api"},
		{400, `{"error":400,"message":"Bad Request","detail":"no such command or directory (hotspot)"}`, "down", "answered 400 no-such-command: the router does not know the hotspot's menus: update it to RouterOS 7.9 or later"},
		{400, `{"error":400,"message":"Bad Request","detail":"failure: not allowed by device-mode"}`, "down", "answered 400 not-allowed-by-device-mode: " + deviceModeAdvice},
		{404, `<html>` + leak + `</html>`, "down", "answered 404: there is no REST interface: url must lead to RouterOS 7.9 or later, with www-ssl switched on under IP, Services"},
		{400, `{"error":400,"message":"` + leak + `","detail":"invalid value ` + leak + ` for argument password"}`, "refused", "answered 400 api-error"},
		{503, `{"error":503,"detail":"` + leak + `"}`, "retry", "answered 503 api-error"},
		{200, `[{".id":"` + leak + `","name":"x"}]`, "retry", "look for the user: an entry has no usable id"},
		{200, `[{".id":"*1","name":` + leak + `}]`, "retry", "it is not what this product sends"},
	} {
		s, _ := routerStage(t, mikrotiksim.Options{})
		s.must(ensure(keyB, tomorrow))
		s.drv.web.http.Transport = transport(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: test.status, Body: io.NopCloser(strings.NewReader(test.body)), Header: http.Header{}, Request: r}, nil
		})
		_, err := s.try(ensure(keyA, tomorrow))
		if class(err) != test.class || !strings.Contains(err.Error(), test.text) || strings.Contains(err.Error(), leak) {
			t.Errorf("%d %s: %s: %v", test.status, test.body, class(err), err)
		}
	}
}

func TestMikrotikProbe(t *testing.T) {
	guest := mikrotiksim.Profile{Name: "guest", DownKbps: 20_000, UpKbps: 5_000, SharedUsers: 5}
	swapped := mikrotiksim.Profile{Name: "guest-suite", DownKbps: 40_000, UpKbps: 90_000, SharedUsers: 0}
	noTiers := func(c *Config) { c.Tiers = map[string]Tier{} }
	for _, test := range []struct {
		name   string
		opts   mikrotiksim.Options
		change func(*Config)
		class  string
		want   string
	}{
		{"version 6", mikrotiksim.Options{Version: "6.49.10 (long-term)"}, nil, "down", "there is no REST interface: url must lead to RouterOS 7.9 or later, with www-ssl switched on under IP, Services"},
		{"no version", mikrotiksim.Options{Version: "banana"}, nil, "retry", "does not answer as RouterOS 7 does"},
		{"read only", mikrotiksim.Options{Policies: []string{"read", "rest-api"}}, nil, "down", "the router's account lacks a right: its group needs the policies read, write and rest-api"},
		{"no REST", mikrotiksim.Options{Policies: []string{"read", "write"}}, nil, "down", "user or password refused: compare user and password_file with System, Users on the router; its group needs the policy rest-api, and its address must allow the gateway's"},
		{"device-mode", mikrotiksim.Options{NoHotspot: true}, nil, "down", deviceModeAdvice},
		{"no hotspot", mikrotiksim.Options{Servers: []string{}}, nil, "retry", "the router runs no hotspot: set one up with /ip/hotspot/setup, and enable it"},
		{"server", mikrotiksim.Options{}, func(c *Config) { c.Server = "attic" }, "retry", `the router runs no hotspot "attic": write one of hotspot1 into server`},
		{"no profile", mikrotiksim.Options{Profiles: []mikrotiksim.Profile{guest}}, nil, "retry", `tier suite: the router has no user profile "guest-suite": make it under IP, Hotspot, User Profiles`},
		{"profile", mikrotiksim.Options{Profiles: []mikrotiksim.Profile{guest, swapped}}, nil, "retry",
			`tier suite: the user profile "guest-suite" has shared-users=unlimited, and devices_per_guest is 5: make them equal; ` +
				`tier suite: the user profile "guest-suite" has rate-limit="90M/40M", and the tier is 40M/90M, the guest's upload first: make them equal`},
		{"no tiers", mikrotiksim.Options{}, noTiers, "retry", `tier standard: the user profile "default" has shared-users=1, and devices_per_guest is 5: make them equal`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, _ := routerStage(t, test.opts)
			if test.change != nil {
				test.change(&s.section)
				s.restart()
			}
			report, err := s.drv.Report(t.Context())
			if class(err) != test.class || !strings.HasSuffix(err.Error(), test.want) {
				t.Errorf("%+v, %s: %v", report, class(err), err)
			}
		})
	}
	s, _ := routerStage(t, mikrotiksim.Options{})
	report, err := s.drv.Report(t.Context())
	if want := (Report{Product: "MikroTik RouterOS", Version: "7.16.2", Site: "all"}); err != nil || report != want {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestMikrotikProblems(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Config)
		want   []string
	}{
		"none": {func(*Config) {}, nil},
		"no account": {func(c *Config) { c.User, c.PasswordFile = "", "" }, []string{
			"user: user is missing: make an account for the gateway under System, Users and write its name",
			"password_file: password_file is missing: write the password of the router's account into a file and its name here",
		}},
		"another's key": {func(c *Config) { c.Site = "default" }, []string{"site: site is not for MikroTik RouterOS: remove the line"}},
		"plain": {func(c *Config) { c.URL = "http://192.168.88.1" }, []string{
			`url: scheme "http" would send the keys in the clear: write https://`}},
		"rates without a profile": {func(c *Config) {
			c.Tiers = map[string]Tier{"standard": {DownKbps: 20_000, UpKbps: 5_000}, "free": {UpKbps: 512}, "data": {DataMB: 5}, "suite": {DownKbps: 9000, Profile: "s"}}
		}, []string{
			"tiers.free.profile: profile is missing: MikroTik has rates in hotspot user profiles only; make one with rate-limit=512k/0 and write its name",
			"tiers.standard.profile: profile is missing: MikroTik has rates in hotspot user profiles only; make one with rate-limit=5M/20M and write its name",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{Controller: "mikrotik", URL: "https://192.168.88.1", User: "edgeagent", PasswordFile: "p", Server: "hotspot1", TLS: TLS{PinSHA256: goodPin}}
			test.change(&cfg)
			var got []string
			for path, problem := range cfg.Problems() {
				got = append(got, path+": "+problem)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for range cfg.Problems() {
				break
			}
		})
	}
}

// Whatever was ensured and revoked, with faults and restarts in between: a stay
// has one user that works if the last word was ensure, and none, nor a device
// online, if it was revoke.
func TestMikrotikAnySequence(t *testing.T) {
	for name, policies := range map[string][]string{"seen": nil, "hidden": {"read", "write", "rest-api"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, sim := routerStage(t, mikrotiksim.Options{Policies: policies})
			rapid.Check(t, func(rt *rapid.T) {
				last, macs := revoke(keyA), 0
				for range rapid.IntRange(1, 8).Draw(rt, "steps") {
					if last = revoke(keyA); rapid.IntRange(0, 2).Draw(rt, "what") > 0 {
						hours := rapid.SampledFrom([]int{-3, 5, 24, 72}).Draw(rt, "hours")
						tier := rapid.SampledFrom([]string{"standard", "suite"}).Draw(rt, "tier")
						last = ensure(keyA, s.now().Add(time.Duration(hours)*time.Hour).Truncate(time.Second), "tier", tier)
					}
					for range rapid.IntRange(0, 2).Draw(rt, "faults") {
						fault := drawFault(rt)
						fault.Match = rapid.SampledFrom([]string{"", "GET ", "PUT ", "PATCH ", "DELETE ", "user/", "active", "cookie"}).Draw(rt, "where")
						s.Inject(fault)
					}
					receipt, err := s.try(last)
					s.Heal()
					if err == nil && last.Action == "ensure" && macs < 5 && rapid.Bool().Draw(rt, "used") {
						macs++
						s.joins(fmt.Sprintf("02:00:00:00:00:%02x", macs), receipt.Values)
					}
					if rapid.IntRange(0, 3).Draw(rt, "restart") == 0 {
						s.restart()
					}
					if rapid.IntRange(0, 3).Draw(rt, "restore") == 0 {
						sim.Restore()
					}
					s.advance(time.Duration(rapid.IntRange(0, 90).Draw(rt, "minutes")) * time.Minute)
				}
				told := s.must(last)
				live := s.live(keyA)
				if last.Action == "ensure" && (len(live) != 1 || live[0].Code != told["code"] || len(sim.Access()) != 1) {
					rt.Fatalf("%d users, want the one of the receipt", len(live))
				}
				s.must(revoke(keyA))
				for n := range macs {
					if s.Online(fmt.Sprintf("02:00:00:00:00:%02x", n+1)) {
						rt.Fatal("a departed guest is online")
					}
				}
				if len(sim.Access()) > 0 || sim.Cookies((Stay{Key: keyA}).userName()) > 0 {
					rt.Fatal("something is left")
				}
			})
		})
	}
}

// The look-up costs one call more than the least; a fault in it makes nothing.
func TestMikrotikWritesNothingItCannotSee(t *testing.T) {
	s, _ := routerStage(t, mikrotiksim.Options{})
	s.Inject(console.Fault{Kind: console.ServerError, Match: "GET /rest/ip/hotspot/user", Count: -1})
	_, err := s.try(ensure(keyA, tomorrow))
	s.failure(err, "retry")
	if slices.ContainsFunc(s.Requests(), func(r console.Request) bool { return r.Method != "GET" }) {
		t.Error("it wrote")
	}
	if st := s.drv.State(); st.Condition != drivers.Degraded {
		t.Errorf("state %+v", st)
	}
}
