package wifi

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/console"
	"edgeagent/hwsim/opnsensesim"

	"github.com/google/go-cmp/cmp"
)

const (
	opnsenseTestKey    = "w86XNZob/8Oq8aC5r0kb"
	opnsenseTestSecret = "XeD26XVrJ5ilAc/EmglC=="
)

func startOpnsense(now func() time.Time) (world, Config, map[string]string, error) {
	return opnsenseWith(opnsensesim.Options{})(now)
}

func opnsenseWith(opts opnsensesim.Options) func(func() time.Time) (world, Config, map[string]string, error) {
	return func(now func() time.Time) (world, Config, map[string]string, error) {
		opts := opts // cases run side by side
		opts.Key, opts.Secret, opts.Now = opnsenseTestKey, opnsenseTestSecret, now
		if len(opts.Servers) == 0 {
			opts.Servers = []string{"Gäste WLAN", "staff"}
		}
		sim, err := opnsensesim.Start(opts)
		if err != nil {
			return nil, Config{}, nil, err
		}
		return sim, Config{Controller: "opnsense", APIKeyFile: "key", Server: opts.Servers[0]}, map[string]string{"key": sim.KeyFile()}, nil
	}
}

func newOpnsenseStage(t *testing.T, opts opnsensesim.Options) (*stage, *opnsensesim.Controller) {
	t.Helper()
	s := newStage(t, suiteProduct{name: "opnsense", start: opnsenseWith(opts)})
	return s, s.world.(*opnsensesim.Controller)
}

func (s *stage) lines() []string {
	var lines []string
	for _, r := range s.Requests() {
		lines = append(lines, strings.TrimSpace(r.Method+" "+r.Path+" "+r.Body))
	}
	s.ForgetRequests()
	return lines
}

const opnsenseAPI = "/api/captiveportal/"

// The units: validity is seconds of use, expirytime seconds from now.
func TestOpnsenseCalls(t *testing.T) {
	s, _ := newOpnsenseStage(t, opnsensesim.Options{Servers: []string{"guests"}})
	told := s.must(ensure(keyA, tomorrow)) // 24 hours and two of grace
	want := []string{
		"GET " + opnsenseAPI + "voucher/list_vouchers/guests/htl:" + keyA,
		"POST " + opnsenseAPI + "voucher/generate_vouchers/guests " + `{"count":1,"validity":93600,"expirytime":93600,"vouchergroup":"htl:` + keyA + `"}`,
	}
	if diff := cmp.Diff(want, s.lines()); diff != "" {
		t.Errorf("check-in (-want +got):\n%s", diff)
	}
	s.must(ensure(keyA, tomorrow))
	if diff := cmp.Diff(want[:1], s.lines()); diff != "" {
		t.Errorf("again (-want +got):\n%s", diff)
	}
	s.joins(mac1, told)
	s.must(revoke(keyA))
	got := s.lines()
	user, _ := json.Marshal(told["user"])
	want = []string{
		want[0],
		"POST " + opnsenseAPI + "voucher/expire_voucher/guests " + `{"username":` + string(user) + `}`,
		"POST " + opnsenseAPI + `session/search {"current":1,"rowCount":9999}`,
		"POST " + opnsenseAPI + "session/disconnect ID",
		"POST " + opnsenseAPI + "voucher/drop_voucher_group/guests/htl:" + keyA + " {}",
	}
	if len(got) > 3 {
		got[3], _, _ = strings.Cut(got[3], "{")
		got[3] += "ID"
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("check-out (-want +got):\n%s", diff)
	}
}

func TestOpnsenseNote(t *testing.T) {
	s, _ := newOpnsenseStage(t, opnsensesim.Options{})
	receipt, err := s.try(ensure(keyA, tomorrow, "devices", "2"))
	if want := "WiFi access until 2026-11-23 16:00"; err != nil || receipt.Note != want {
		t.Errorf("note %q, want %q, as there is no number of devices; %v", receipt.Note, want, err)
	}
}

// A voucher server with passwords of no length makes vouchers of one code.
func TestOpnsenseOneCode(t *testing.T) {
	s, _ := newOpnsenseStage(t, opnsensesim.Options{NoPasswords: true})
	for _, play := range []func(*stage){playRepeat, playRevokeTwice} {
		play(s)
	}
	told := s.must(ensure(keyB, tomorrow))
	if told["user"] != "" || told["code"] == "" {
		t.Errorf("user %q and %d characters of code", told["user"], len(told["code"]))
	}
	s.joins(mac1, told)
	s.must(ensure(keyB, tomorrow.Add(time.Hour)))
	s.refuses(mac2, told)
}

// What is online stays so until the old end: there is no other end to be had.
func TestOpnsenseExtension(t *testing.T) {
	s, _ := newOpnsenseStage(t, opnsensesim.Options{})
	old := s.must(ensure(keyA, tomorrow))
	s.joins(mac1, old)
	told := s.must(ensure(keyA, tomorrow.Add(48*time.Hour)))
	s.refuses(mac2, old)
	s.joins(mac2, told)
	s.advance(26*time.Hour - time.Second)
	if !s.Online(mac1) {
		t.Error("the first device was thrown off before the old end")
	}
	s.advance(10 * time.Second)
	if s.Online(mac1) || !s.Online(mac2) {
		t.Error("the first device should end with its voucher, the second go on")
	}
	s.joins(mac1, told)
	s.restart()
	s.must(revoke(keyA))
	if s.Online(mac1) || s.Online(mac2) {
		t.Error("a departed guest is online")
	}
}

// After a shortening the devices of the old voucher could stay until its end:
// they leave with a check-out, or with the sweep after the new end.
func TestOpnsenseShortenedAndForgotten(t *testing.T) {
	for _, knows := range []bool{true, false} {
		s, _ := newOpnsenseStage(t, opnsensesim.Options{})
		s.joins(mac1, s.must(ensure(keyA, tomorrow.Add(72*time.Hour))))
		s.must(ensure(keyA, tomorrow))
		s.advance(time.Hour)
		if swept := s.sweep(); swept.Removed != 0 || !s.Online(mac1) {
			t.Fatalf("swept too early: %+v", swept)
		}
		s.advance(26 * time.Hour)
		if !knows {
			clear(s.known) // the names are in the group too
		}
		if swept := s.sweep(); swept.Removed != 1 || s.Online(mac1) {
			t.Errorf("swept %+v, online %v", swept, s.Online(mac1))
		}
		if len(s.Access()) != 0 {
			t.Errorf("%d vouchers are left", len(s.Access()))
		}
	}
}

// Nothing but the group remembers the voucher of an answer that got lost.
func TestOpnsenseLostReplyOnCheckOut(t *testing.T) {
	s, sim := newOpnsenseStage(t, opnsensesim.Options{})
	user, password := sim.AddVoucher("Gäste WLAN", "htl:"+keyA, time.Hour, time.Hour)
	s.joins(mac1, map[string]string{"user": user, "code": password})
	s.must(revoke(keyA))
	if s.Online(mac1) || len(s.Access()) != 0 {
		t.Error("the device is online by a voucher that nobody was told")
	}
}

// Somebody removes the group by hand: the receipt still leads to the devices.
func TestOpnsenseGroupRemovedByHand(t *testing.T) {
	s, sim := newOpnsenseStage(t, opnsensesim.Options{})
	s.joins(mac1, s.must(ensure(keyA, tomorrow)))
	s.joins(mac2, s.must(ensure(keyA, tomorrow.Add(time.Hour))))
	sim.DropGroup("Gäste WLAN", "htl:"+keyA)
	s.restart()
	s.must(revoke(keyA))
	if s.Online(mac1) || s.Online(mac2) {
		t.Error("a departed guest is online")
	}
}

// Ends are given and judged by the controller's clock, which may be a little off.
func TestOpnsenseClockOff(t *testing.T) {
	for _, off := range []time.Duration{-90 * time.Second, 90 * time.Second} {
		p := suiteProduct{name: "opnsense", start: func(now func() time.Time) (world, Config, map[string]string, error) {
			return startOpnsense(func() time.Time { return now().Add(off) })
		}}
		s := newStage(t, p)
		first := s.must(ensure(keyA, tomorrow))
		s.restart()
		if again := s.must(ensure(keyA, tomorrow)); again["code"] != first["code"] {
			t.Errorf("%v: a repeat gave another voucher", off)
		}
		list, err := s.drv.ctl.List(t.Context())
		if err != nil || len(list) != 1 || !list[0].Created.Equal(start) {
			t.Errorf("%v: %+v, %v", off, list, err)
		}
		s.advance(26*time.Hour + time.Second)
		s.refuses(mac1, first)
	}
}

// Sessions of the same name that another server, or a zone that is not ours, let in.
func TestOpnsenseOthersSessions(t *testing.T) {
	s, sim := newOpnsenseStage(t, opnsensesim.Options{Zones: map[int]string{0: "Guests", 3: "Lobby", 7: "Staff"}})
	s.section.Zones = []int{0, 3}
	s.restart()
	told := s.must(ensure(keyA, tomorrow))
	s.joins(mac1, told)
	sim.Admit(mac2, told["user"], "staff", 0)
	sim.Admit(mac3, told["user"], "Gäste WLAN", 7)
	const mac4 = "02:00:00:00:00:04"
	sim.Admit(mac4, told["user"], " Gäste WLAN", 3) // a list of servers with spaces leaves one
	s.must(revoke(keyA))
	if s.Online(mac1) || !s.Online(mac2) || !s.Online(mac3) || s.Online(mac4) {
		t.Error("the wrong sessions were cut")
	}
}

// A guest who checks in after the departure has passed gets four hours, once.
func TestOpnsenseOverdue(t *testing.T) {
	s, _ := newOpnsenseStage(t, opnsensesim.Options{})
	first := s.must(ensure(keyA, start.Add(-3*time.Hour)))
	s.advance(20 * time.Minute)
	if again := s.must(ensure(keyA, start.Add(-3*time.Hour))); again["code"] != first["code"] {
		t.Error("a repeat gave another voucher")
	}
	if until := s.only(keyA).Until; !until.Equal(start.Add(4 * time.Hour)) {
		t.Errorf("until %v", until)
	}
}

func TestOpnsenseProbe(t *testing.T) {
	for _, test := range []struct {
		name   string
		opts   opnsensesim.Options
		change func(*stage)
		want   string // of the error, after the device's name
	}{
		{"good", opnsensesim.Options{}, func(*stage) {}, ""},
		{"good zones", opnsensesim.Options{Zones: map[int]string{0: "A", 1: "B", 4: "C"}}, func(s *stage) { s.section.Zones = []int{4, 0} }, ""},
		{"server", opnsensesim.Options{}, func(s *stage) { s.section.Server = "Guests" },
			`HOST has no voucher server "Guests": write the name of the one under System, Access, Servers into server`},
		{"no zone", opnsensesim.Options{Zones: map[int]string{}}, func(*stage) {},
			"OPNsense has no captive portal zone: make one under Services, Captive Portal, with the voucher server for authentication"},
		{"another zone", opnsensesim.Options{Zones: map[int]string{10: "A", 2: "B"}}, func(s *stage) { s.section.Zones = []int{2, 3} },
			"OPNsense has no captive portal zone 3: zones may list 2, 10"},
		{"key file", opnsensesim.Options{}, func(s *stage) { s.secrets["key"] = "key=" + opnsenseTestKey },
			"list voucher servers: api_key_file: not a key as OPNsense lets it be downloaded: it has the lines key=... and secret=..."},
		{"no key", opnsensesim.Options{}, func(s *stage) { s.secrets["key"] = "" },
			"list voucher servers: api_key_file is empty: make a key under System, Access, Users and write the name of the file that is downloaded there"},
		{"wrong key", opnsensesim.Options{}, func(s *stage) { s.secrets["key"] = opnsenseTestKey + ":other" },
			"list voucher servers: HOST: the controller answered 401: API key refused: make a new one under System, Access, Users and put the file that is downloaded there in place of api_key_file"},
		{"rights", opnsensesim.Options{}, func(s *stage) { s.Inject(console.Fault{Kind: console.Forbidden, Match: "session/search", Count: -1}) },
			`list sessions: HOST: the controller answered 403: the user of the API key lacks the privilege "Services: Captive Portal": give it to the user under System, Access, Users`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, _ := newOpnsenseStage(t, test.opts)
			test.change(s)
			s.restart()
			report, err := s.drv.Report(t.Context())
			if test.want == "" {
				if want := (Report{Product: "OPNsense", Site: "Gäste WLAN"}); err != nil || report != want {
					t.Errorf("%+v, %v", report, err)
				}
				return
			}
			want := strings.ReplaceAll("guest-wifi: "+test.want, "HOST", strings.TrimPrefix(s.URL(), "https://"))
			if err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			s.failure(err, "down")
			if err != nil && (strings.Contains(err.Error(), opnsenseTestKey) || strings.Contains(err.Error(), opnsenseTestSecret)) {
				t.Error("the key shows")
			}
		})
	}
}

// A voucher server that is gone answers with empty lists: nobody may take that
// for a check-out that is done, nor for a house without guests.
func TestOpnsenseServerGone(t *testing.T) {
	s, _ := newOpnsenseStage(t, opnsensesim.Options{})
	told := s.must(ensure(keyA, tomorrow))
	s.section.Server = "renamed"
	s.restart()
	for _, cmd := range []drivers.Command{revoke(keyA), revoke(keyC), ensure(keyB, tomorrow)} {
		_, err := s.try(cmd)
		s.failure(err, "down")
	}
	_, err := s.drv.Sweep(t.Context())
	s.failure(err, "down")
	s.joins(mac1, told)
}

func TestOpnsenseKeyFile(t *testing.T) {
	for text, want := range map[string]string{
		"key=a/b=\nsecret=c+d==\n":            "a/b= c+d==",
		"secret=c+d==\r\nkey=a/b=\r\n":        "a/b= c+d==",
		"\ufeffkey = a\n\n# mine\nsecret = b": "a b",
		"a/b=:c+d==":                          "a/b= c+d==",
		"key=a":                               "",
		"key=a\nsecret=":                      "",
		"a:b:c":                               "",
		"a:b\nc":                              "",
		":b":                                  "",
		"only":                                "",
		"key=a:b\nsecret=c":                   "",
		"":                                    "",
	} {
		key, secret, ok := parseOpnsenseKey(text)
		if got := strings.TrimSpace(key + " " + secret); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v", text, got, ok)
		}
	}
}

func TestOpnsenseConfig(t *testing.T) {
	good := Config{Controller: "opnsense", URL: "https://10.0.0.1", APIKeyFile: "k", Server: "Gäste 2 (WLAN)", Zones: []int{0, 5}, TLS: TLS{PinSHA256: goodPin}}
	for _, test := range []struct {
		name   string
		change func(*Config)
		want   []string
	}{
		{"none", func(*Config) {}, nil},
		{"missing", func(c *Config) { c.APIKeyFile, c.Server = "", "" }, []string{
			"api_key_file: api_key_file is missing: make a key under System, Access, Users and write the name of the file that is downloaded there",
			"server: server is missing: write the name of the voucher server under System, Access, Servers",
		}},
		{"plus sign", func(c *Config) { c.Server = "Bed+Breakfast" }, []string{
			`server: "Bed+Breakfast" cannot be called by its name: rename the voucher server under System, Access, Servers so that it has only letters, digits, spaces, dots, hyphens and brackets`,
		}},
		{"zones", func(c *Config) { c.Zones = []int{0, -1, 70_000} }, []string{
			"zones[1]: -1 is not the id of a zone: write the number in the column Zone under Services, Captive Portal, Zones",
			"zones[2]: 70000 is not the id of a zone: write the number in the column Zone under Services, Captive Portal, Zones",
		}},
		{"another's keys", func(c *Config) { c.Site, c.User = "default", "u" }, []string{
			"site: site is not for OPNsense: remove the line",
			"user: user is not for OPNsense: remove the line",
		}},
	} {
		cfg := good
		test.change(&cfg)
		var got []string
		for path, problem := range cfg.Problems() {
			got = append(got, path+": "+problem)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		for range cfg.Problems() { // a reader may stop at the first
			break
		}
	}
}

// Numbers that PHP writes as it pleases.
func TestOpnsenseSeconds(t *testing.T) {
	for text, want := range map[string]seconds{`5`: 5, `"5"`: 5, `null`: 0, `""`: 0, `1795356000`: 1795356000} {
		var got seconds
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{`-1`, `1.5`, `"x"`, `true`, `99999999999999`} {
		var got seconds
		if err := json.Unmarshal([]byte(text), &got); err == nil {
			t.Errorf("%s: %d", text, got)
		}
	}
}

func FuzzOpnsenseKey(f *testing.F) {
	for _, seed := range []string{"key=a\nsecret=b\n", "a:b", "key=\nsecret=", "\ufeffkey=a\r\nsecret=b=="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, secret, ok := parseOpnsenseKey(text)
		if ok != (key != "" && secret != "") || strings.ContainsAny(key+secret, "\r\n: ") {
			t.Errorf("%q: %q, %q, %v", text, key, secret, ok)
		}
	})
}

func FuzzOpnsenseAnswers(f *testing.F) {
	for _, seed := range []string{`{"0":"Guests"}`, `["Guests"]`, `[]`, `{}`, `[{"username":"a","validity":"1","expirytime":1,"starttime":null,"state":"unused"}]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		zones, err := parseZones([]byte(text))
		var list []ticket
		if err2 := json.Unmarshal([]byte(text), &list); err != nil && err2 != nil && len(text) > 12 {
			if strings.Contains(unreadable(errors.Join(err, err2)).Error(), text) {
				t.Error("the error quotes the answer")
			}
		}
		for _, v := range list {
			if v.Expiry < 0 || v.Validity < 0 || v.Start < 0 {
				t.Errorf("%q: %+v", text, v)
			}
		}
		if len(zones) > len(text) {
			t.Errorf("%q: %d zones", text, len(zones))
		}
	})
}
