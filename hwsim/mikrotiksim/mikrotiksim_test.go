package mikrotiksim

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const phone, tablet = "02:00:00:00:00:01", "02:00:00:00:00:02"

type bench struct {
	*Router
	t      *testing.T
	http   *http.Client
	offset time.Duration
	auth   [2]string
}

func newBench(t *testing.T, opts Options) *bench {
	t.Helper()
	b := &bench{t: t}
	base := time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)
	opts.Now = func() time.Time { return base.Add(b.offset) }
	sim, err := Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	b.Router = sim
	b.auth[0], b.auth[1] = sim.Account()
	b.http = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	t.Cleanup(b.http.CloseIdleConnections)
	return b
}

func (b *bench) call(method, path, body string) (int, string) {
	b.t.Helper()
	req, err := http.NewRequest(method, b.URL()+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.SetBasicAuth(b.auth[0], b.auth[1])
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := b.http.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// gives wants a status and, unless it is empty, exactly this JSON.
func (b *bench) gives(method, path, body string, status int, want string) {
	b.t.Helper()
	got, text := b.call(method, path, body)
	var a, z bytes.Buffer
	if want != "" && (json.Compact(&a, []byte(text)) != nil || json.Compact(&z, []byte(want)) != nil || a.String() != z.String()) || got != status {
		b.t.Errorf("%s %s %s: %d %s, want %d %s", method, path, body, got, text, status, want)
	}
}

const users = "/rest/ip/hotspot/user"

func TestUsersComeAndGo(t *testing.T) {
	b := newBench(t, Options{Profiles: []Profile{{Name: "guest", SharedUsers: 2, DownKbps: 20_000, UpKbps: 5_000}}})
	made := `{".id":"*1","bytes-in":"0","bytes-out":"0","comment":"c","default":"false","disabled":"false","dynamic":"false",` +
		`"limit-uptime":"1d2h","name":"u","packets-in":"0","packets-out":"0","password":"p","profile":"guest","uptime":"0s"}`
	b.gives("PUT", users, `{"name":"u","password":"p","profile":"guest","comment":"c","limit-uptime":"26h"}`, 201, made)
	b.gives("GET", users+"?name=u", "", 200, "["+made+"]")
	b.gives("GET", users+"?name=x", "", 200, "[]")
	b.gives("GET", users+"?.proplist=name,comment&name=u", "", 200, `[{"comment":"c","name":"u"}]`)
	b.gives("GET", users+"/*1?.proplist=name", "", 200, `{"name":"u"}`)
	b.gives("POST", users+"/print", `{".proplist":["name"],".query":["name=u"]}`, 200, `[{"name":"u"}]`)
	b.gives("PATCH", users+"/*1", `{"limit-uptime":"0s","limit-bytes-total":"5","disabled":"yes"}`, 200, "")
	b.gives("GET", users+"/*1?.proplist=limit-uptime,limit-bytes-total,disabled", "", 200, `{"disabled":"true","limit-bytes-total":"5"}`)
	b.Restore()
	b.gives("PATCH", users+"/*1", `{"disabled":"no"}`, 404, `{"error":404,"message":"Not Found","detail":"no such item"}`)
	_, list := b.call("GET", users+"?name=u&.proplist=.id", "")
	id := strings.Split(list, `"`)[3]
	b.gives("DELETE", users+"/"+id, "", 204, "")
	b.gives("DELETE", users+"/"+id, "", 404, `{"error":404,"message":"Not Found","detail":"no such item"}`)
	b.gives("POST", users+"/remove", `{".id":"*1"}`, 400, `{"error":400,"message":"Bad Request","detail":"no such item"}`)
	b.gives("DELETE", users+"/*0", "", 400, "") // built in
	if len(b.Access()) != 0 {
		t.Errorf("%+v", b.Access())
	}
}

func TestRefusals(t *testing.T) {
	b := newBench(t, Options{})
	b.gives("PUT", users, `{"name":"u","password":"p"}`, 201, "")
	for _, test := range []struct {
		method, path, body string
		status             int
		detail             string
	}{
		{"PUT", users, `{"name":"u"}`, 400, "failure: already have user with this name for this server"},
		{"PUT", users, `{"password":"p"}`, 400, "missing value(s) of argument(s) name"},
		{"PUT", users, `{"name":"v","profile":"gold"}`, 400, "input does not match any value of profile"},
		{"PUT", users, `{"name":"v","server":"attic"}`, 400, "input does not match any value of server"},
		{"PUT", users, `{"name":"v","limit-uptime":"soon"}`, 400, "invalid value for argument limit-uptime"},
		{"PUT", users, `{"name":"v","limit-bytes-total":5}`, 400, "invalid value for argument limit-bytes-total"},
		{"PUT", users, `{"name":"v","limit-bytes-total":"-5"}`, 400, "invalid value for argument limit-bytes-total"},
		{"PUT", users, `{"name":"v","disabled":"maybe"}`, 400, "invalid value for argument disabled"},
		{"PUT", users, `{"name":"v","rate-limit":"5M/20M"}`, 400, "unknown parameter rate-limit"},
		{"PUT", users, `{"name":`, 400, "Failed to parse json"},
		{"PATCH", users + "/*1", `{"name":""}`, 400, "missing value(s) of argument(s) name"},
		{"PATCH", users + "/%2A1", `{"name":"w"}`, 400, noSuchCommand},
		{"PATCH", users, `{"name":"w"}`, 400, noSuchCommand},
		{"PUT", "/rest/ip/hotspot/active", `{"user":"u"}`, 400, noSuchCommand},
		{"POST", "/rest/ip/hotspot/user/dance", `{}`, 400, noSuchCommand},
		{"DELETE", "/rest/ip/hotspot/cookie/*9", "", 404, noSuchItem},
		{"GET", "/rest/ip/hotspot/user/nobody", "", 404, ""},
		{"GET", "/rest/ip/cold", "", 400, noSuchCommand},
	} {
		var got failure
		status, text := b.call(test.method, test.path, test.body)
		if json.Unmarshal([]byte(text), &got) != nil || status != test.status || got != (failure{test.status, http.StatusText(test.status), test.detail}) {
			t.Errorf("%s %s %s: %d %s", test.method, test.path, test.body, status, text)
		}
	}
	b.gives("PUT", users, `{"name":"u","server":"hotspot1"}`, 201, "") // another server, another user
	b.gives("GET", "/webfig/", "", 404, "")
	b.auth[1] = "guess"
	b.gives("GET", users, "", 401, `{"error":401,"message":"Unauthorized"}`)
}

func TestRights(t *testing.T) {
	denied := `{"error":500,"message":"Internal Server Error","detail":"not enough permissions (9)"}`
	b := newBench(t, Options{Policies: []string{"read", "rest-api"}})
	b.gives("PUT", users, `{"name":"u"}`, 500, denied)
	b.gives("PATCH", users+"/*FFFF", `{"name":"u"}`, 500, denied) // rights before items
	b.gives("POST", users+"/remove", `{".id":"*1"}`, 500, denied)
	b = newBench(t, Options{Policies: []string{"write", "rest-api"}})
	b.gives("GET", users, "", 500, denied)
	b.gives("POST", users+"/print", "{}", 500, denied)
	b = newBench(t, Options{Policies: []string{"read", "write"}})
	b.gives("GET", users, "", 401, "")
	for stars, want := range map[bool]string{false: `[{"name":"u"}]`, true: `[{"name":"u","password":"*****"}]`} {
		b = newBench(t, Options{Policies: []string{"read", "write", "rest-api"}, Stars: stars})
		b.gives("PUT", users, `{"name":"u","password":"p"}`, 201, "")
		b.gives("GET", users+"?name=u&.proplist=name,password", "", 200, want)
		if b.Join(phone, "u", "p") != nil {
			t.Error("no single device on the default profile")
		}
	}
	b = newBench(t, Options{Version: "6.49.10"})
	b.gives("GET", "/rest/system/resource", "", 404, "")
}

// Whoever takes a user away has to take the session and the cookie too.
func TestDevicesOutliveTheirUser(t *testing.T) {
	b := newBench(t, Options{Profiles: []Profile{{Name: "guest", SharedUsers: 1}}})
	b.gives("PUT", users, `{"name":"u","password":"p","profile":"guest"}`, 201, "")
	if err := b.Join(phone, "u", "P"); !errors.Is(err, ErrWrong) {
		t.Errorf("a wrong password: %v", err)
	}
	if err := b.Join(phone, "u", "p"); err != nil {
		t.Fatal(err)
	}
	if err := b.Join(tablet, "u", "p"); !errors.Is(err, ErrFull) {
		t.Errorf("a second device: %v", err)
	}
	b.gives("DELETE", users+"/*1", "", 204, "")
	if err := b.Join(tablet, "u", "p"); !errors.Is(err, ErrWrong) || !b.Online(phone) {
		t.Errorf("after the user: %v; online %v", err, b.Online(phone))
	}
	line := func(menu string) string {
		_, text := b.call("GET", "/rest/ip/hotspot/"+menu+"?.proplist=.id&user=u", "")
		return strings.Trim(strings.Split(text, ":")[1], `"}]`)
	}
	b.gives("DELETE", "/rest/ip/hotspot/active/"+line("active"), "", 204, "")
	if !b.Online(phone) {
		t.Error("its cookie did not bring it back")
	}
	_, hosts := b.call("GET", "/rest/ip/hotspot/host?.proplist=.id,mac-address,authorized", "")
	if !strings.Contains(hosts, phone) || !strings.Contains(hosts, `"authorized":"true"`) {
		t.Errorf("hosts: %s", hosts)
	}
	b.gives("DELETE", "/rest/ip/hotspot/cookie/"+line("cookie"), "", 204, "")
	b.gives("POST", "/rest/ip/hotspot/active/remove", `{".id":"`+line("active")+`"}`, 200, "[]")
	if err := b.Join(phone, "u", "p"); b.Online(phone) || err == nil || b.Cookies("u") != 0 {
		t.Errorf("still on: %v", err)
	}
}

func TestCookiesLastThreeDays(t *testing.T) {
	b := newBench(t, Options{Profiles: []Profile{{Name: "guest"}, {Name: "plain", NoCookie: true}}})
	b.gives("PUT", users, `{"name":"u","password":"p","profile":"guest"}`, 201, "")
	if err := b.Join(phone, "u", "p"); err != nil {
		t.Fatal(err)
	}
	b.gives("GET", "/rest/ip/hotspot/cookie?.proplist=user,expires-in", "", 200, `[{"expires-in":"3d","user":"u"}]`)
	b.offset = 71 * time.Hour
	if b.LogOut(phone); !b.Online(phone) {
		t.Error("its cookie did not bring it back")
	}
	b.offset = 73 * time.Hour
	if b.LogOut(phone); b.Online(phone) {
		t.Error("a cookie of three days still works")
	}
	b.gives("PATCH", users+"/*1", `{"profile":"plain"}`, 200, "")
	if err := b.Join(phone, "u", "p"); err != nil || b.Cookies("u") != 0 {
		t.Errorf("%v, %d cookies", err, b.Cookies("u"))
	}
}

func TestLimits(t *testing.T) {
	b := newBench(t, Options{Profiles: []Profile{{Name: "guest", SharedUsers: 2, DownKbps: 20_000, UpKbps: 512}}})
	b.gives("PUT", users, `{"name":"u","password":"p","profile":"guest","comment":"c","limit-uptime":"10h","limit-bytes-total":"5000000"}`, 201, "")
	want := b.Now().Add(5 * time.Hour) // for two devices
	if a := b.Access()[0]; !a.Until.Equal(want) || a.DownKbps != 20_000 || a.UpKbps != 512 || a.Devices != 2 || a.DataMB != 5 || !a.Works || a.Marker != "c" {
		t.Errorf("%+v", a)
	}
	b.gives("GET", "/rest/ip/hotspot/user/profile?name=guest&.proplist=rate-limit,shared-users", "", 200, `[{"rate-limit":"512k/20M","shared-users":"2"}]`)
	for _, mac := range []string{phone, tablet} {
		if err := b.Join(mac, "u", "p"); err != nil {
			t.Fatal(err)
		}
	}
	b.offset = 4 * time.Hour
	b.LogOut(phone)
	b.LogOut(tablet)
	b.gives("GET", users+"?name=u&.proplist=uptime", "", 200, `[{"uptime":"8h"}]`)
	b.Transfer(phone, 4_999_999)
	if !b.Online(phone) {
		t.Error("cut before its bytes are used up")
	}
	// The phone came back when 6 hours were left, the tablet when 2 were.
	b.offset += 2 * time.Hour
	if b.Online(tablet) || !b.Online(phone) || b.Access()[0].Works || !errors.Is(b.Join(tablet, "u", "p"), ErrLimit) {
		t.Error("after 10 hours it can log in")
	}
	b.offset += 4 * time.Hour
	if b.Online(phone) {
		t.Error("the phone is on longer than it may be")
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]string{"1w2d3h4m5s": "1w2d3h4m5s", "90m": "1h30m", "0s": "0s", "3600": "1h", "8d": "1w1d"} {
		d, ok := duration(text)
		if diff := cmp.Diff(want, interval(d)); !ok || diff != "" {
			t.Errorf("%s: %v %s", text, ok, diff)
		}
	}
	for _, text := range []string{"", "h", "5m3h", "1x", "-5s", "1h2"} {
		if d, ok := duration(text); ok {
			t.Errorf("%q is %v", text, d)
		}
	}
}
