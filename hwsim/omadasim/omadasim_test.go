package omadasim

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim/console"
)

type bench struct {
	*Controller
	t      *testing.T
	http   *http.Client
	offset time.Duration
	token  string
	base   time.Time
}

func newBench(t *testing.T, opts Options) *bench {
	t.Helper()
	b := &bench{t: t, base: time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)}
	opts.Now = func() time.Time { return b.base.Add(b.offset) }
	sim, err := Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	b.Controller = sim
	b.http = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	t.Cleanup(b.http.CloseIdleConnections)
	b.login("grant_type=client_credentials")
	return b
}

type reply struct {
	status int
	Code   int             `json:"errorCode"`
	Result json.RawMessage `json:"result"`
}

func (b *bench) call(method, path, body string) reply {
	b.t.Helper()
	req, err := http.NewRequest(method, b.URL()+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Authorization", "AccessToken="+b.token)
	res, err := b.http.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	out := reply{status: res.StatusCode}
	_ = json.Unmarshal(text, &out)
	return out
}

func (b *bench) client() string {
	return fmt.Sprintf(`{"omadacId":%q,"client_id":"sim-client","client_secret":"sim-client-secret"}`, b.ControllerID())
}

// login returns the code and the refresh token.
func (b *bench) login(query string) (int, string) {
	b.t.Helper()
	r := b.call("POST", tokenPath+"?"+query, b.client())
	var got struct{ AccessToken, RefreshToken string }
	_ = json.Unmarshal(r.Result, &got)
	if r.Code == 0 {
		b.token = got.AccessToken
	}
	return r.Code, got.RefreshToken
}

func (b *bench) site() string { return apiPrefix + b.ControllerID() + "/sites/" + b.sites[0].id }

func (b *bench) want(code int, method, path, body string) reply {
	b.t.Helper()
	r := b.call(method, path, body)
	if r.Code != code || r.status != http.StatusOK {
		b.t.Errorf("%s %s %s: HTTP %d, %d, want %d", method, path, body, r.status, r.Code, code)
	}
	return r
}

func TestTokens(t *testing.T) {
	b := newBench(t, Options{})
	sites := apiPrefix + b.ControllerID() + "/sites?page=1&pageSize=10"
	b.want(0, "GET", sites, "")
	_, refresh := b.login("grant_type=client_credentials")
	old := b.token
	if code, _ := b.login("grant_type=refresh_token&refresh_token=" + refresh); code != 0 {
		t.Fatalf("refresh: %d", code)
	}
	if code, _ := b.login("grant_type=refresh_token&refresh_token=" + refresh); code != codeRefresh {
		t.Errorf("the same refresh token again: %d", code)
	}
	fresh := b.token
	b.token = old
	b.want(codeToken, "GET", sites, "")
	b.token = fresh
	b.offset = tokenLife
	b.want(codeExpired, "GET", sites, "")
	b.login("grant_type=client_credentials")
	b.want(0, "GET", sites, "")
	b.EditClient()
	b.want(codeToken, "GET", sites, "")
	for body, want := range map[string]int{
		strings.Replace(b.client(), "-secret", "-guess", 1):       codeClient,
		strings.Replace(b.client(), b.ControllerID(), "other", 1): codeParameters,
		`{"client":1}`: codeParameters,
	} {
		b.want(want, "POST", tokenPath+"?grant_type=client_credentials", body)
	}
	b.want(codeGrant, "POST", tokenPath+"?grant_type=password", b.client())
}

func TestPathsAndPages(t *testing.T) {
	b := newBench(t, Options{})
	b.want(codeController, "GET", apiPrefix+"other/sites?page=1&pageSize=10", "")
	b.want(codeSite, "GET", apiPrefix+b.ControllerID()+"/sites/other/portals", "")
	b.want(codeInvalid, "GET", b.site()+"/hotspot/localusers", "")
	b.want(codeInvalid, "GET", b.site()+"/hotspot/localusers?page=0&pageSize=10", "")
	b.want(codeInvalid, "GET", b.site()+"/hotspot/localusers?page=1&pageSize=1001", "")
	b.want(0, "GET", b.site()+"/hotspot/localusers?page=1&pageSize=1000", "")
	b.want(codeUnknownID, "DELETE", b.site()+"/hotspot/localusers/none", "")
	b.want(0, "GET", b.site()+"/portals", "")
	b.want(0, "GET", "/api/info", "")
	b.Say(-33004, "/portals")
	b.want(-33004, "GET", b.site()+"/portals", "")
	b.Inject(console.Fault{Kind: console.Forbidden})
	if r := b.call("GET", b.site()+"/portals", ""); r.status != http.StatusForbidden || r.Code != -1005 {
		t.Errorf("forbidden: %+v", r)
	}
}

// with is a body in which some fields have other values; "" leaves one out.
func with(body string, change ...string) string {
	var o map[string]json.RawMessage
	if err := json.Unmarshal([]byte(body), &o); err != nil {
		panic(err)
	}
	for i := 0; i+1 < len(change); i += 2 {
		if change[i+1] == "" {
			delete(o, change[i])
			continue
		}
		o[change[i]] = json.RawMessage(change[i+1])
	}
	text, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return string(text)
}

const (
	goodRate = `{"mode":0,"customRateLimit":{"downLimitEnable":true,"downLimit":2000,"upLimitEnable":false}}`
	goodUser = `{"userName":"u1","password":"p1","enable":true,"expirationTime":1795449600000,"bindingType":0,"maxUsers":2,
		"name":"htl:k","rateLimit":` + goodRate + `,"trafficLimitEnable":false,"portals":[],"applyToAllPortals":true}`
	goodGroup = `{"name":"htl:k","amount":1,"codeLength":10,"codeForm":[0],"limitType":1,"limitNum":2,"durationType":1,"duration":1560,
		"timingType":0,"rateLimit":` + goodRate + `,"trafficLimitEnable":false,"applyToAllPortals":true,"portals":[],
		"validityType":1,"effectiveTime":1795356000000,"expirationTime":1795449600000}`
)

func TestUserRanges(t *testing.T) {
	b := newBench(t, Options{MaxUsers: 2})
	users := b.site() + "/hotspot/localusers"
	for _, change := range [][]string{
		{"userName", ""}, {"userName", `"a b"`}, {"password", ""}, {"password", `""`}, {"enable", ""}, {"expirationTime", ""},
		{"expirationTime", "1795449600"}, {"bindingType", "3"}, {"maxUsers", "0"}, {"maxUsers", "2049"}, {"name", `"a b"`},
		{"rateLimit", ""}, {"rateLimit", `{"mode":0}`}, {"rateLimit", `{"mode":0,"customRateLimit":{"downLimitEnable":true,"upLimitEnable":false}}`},
		{"rateLimit", `{"mode":0,"customRateLimit":{"downLimitEnable":true,"downLimit":10485761,"upLimitEnable":false}}`},
		{"trafficLimitEnable", ""}, {"trafficLimitEnable", "true"}, {"portals", ""}, {"surprise", "1"},
	} {
		b.want(codeInvalid, "POST", users, with(goodUser, change...))
	}
	b.want(codeProfile, "POST", users, with(goodUser, "rateLimit", `{"mode":1,"rateLimitProfileId":"x"}`))
	b.want(codeBoundMAC, "POST", users, with(goodUser, "bindingType", "1", "macAddress", `"x"`))
	b.want(codeNoPortal, "POST", users, with(goodUser, "applyToAllPortals", "false"))
	r := b.want(0, "POST", users, goodUser)
	b.want(codeUserExists, "POST", users, goodUser)
	b.want(0, "POST", users, with(goodUser, "userName", `"u2"`))
	b.want(codeUserLimit, "POST", users, with(goodUser, "userName", `"u3"`))
	var made struct{ ID string }
	_ = json.Unmarshal(r.Result, &made)
	change := with(goodUser, "userName", "", "expirationTime", "1795536000000")
	b.want(codeInvalid, "POST", users+"/"+made.ID, goodUser)
	b.want(codeInvalid, "POST", users+"/"+made.ID, with(change, "maxUsers", "3"))
	b.want(codeInvalid, "POST", users+"/"+made.ID, with(change, "password", ""))
	b.want(0, "POST", users+"/"+made.ID, change)
	b.want(0, "DELETE", users+"/"+made.ID, "")
	b.want(codeUnknownID, "POST", users+"/"+made.ID, change)
}

func TestGroupRanges(t *testing.T) {
	b := newBench(t, Options{MaxVouchers: 1})
	groups := b.site() + "/hotspot/voucher-groups"
	for _, change := range [][]string{
		{"name", ""}, {"name", `"` + strings.Repeat("n", 33) + `"`}, {"amount", "0"}, {"amount", "5001"}, {"codeLength", "5"}, {"codeLength", "11"},
		{"codeForm", "[]"}, {"codeForm", "[2]"}, {"limitType", "3"}, {"limitNum", "0"}, {"limitNum", "1000"}, {"durationType", "2"},
		{"duration", "0"}, {"duration", "14400001"}, {"timingType", ""}, {"rateLimit", ""}, {"trafficLimitEnable", "true"},
		{"applyToAllPortals", ""}, {"validityType", "0"}, {"effectiveTime", ""}, {"code", `"1234567890"`},
	} {
		b.want(codeInvalid, "POST", groups, with(goodGroup, change...))
	}
	b.want(codeWindow, "POST", groups, with(goodGroup, "effectiveTime", "1795449600000"))
	b.want(codeWindowLength, "POST", groups, with(goodGroup, "expirationTime", "1895449600000"))
	b.want(0, "POST", groups, goodGroup)
	b.want(codeGroupExists, "POST", groups, goodGroup)
	b.want(codeVoucherLimit, "POST", groups, with(goodGroup, "name", `"other"`))
	code := b.Access()[0].Code
	if len(code) != 10 || strings.Trim(code, "0123456789") != "" {
		t.Errorf("code %q", code)
	}
}

func TestPortalsMustOffer(t *testing.T) {
	b := newBench(t, Options{Portals: []Portal{{Name: "A", Enabled: true, Types: []int{8}}}})
	b.want(codeNoUserPage, "POST", b.site()+"/hotspot/localusers", goodUser)
	b.want(codeNoVoucherPage, "POST", b.site()+"/hotspot/voucher-groups", goodGroup)
	portal := `["` + b.sites[0].portals[0].id + `"]`
	b.want(codeNoUserPage, "POST", b.site()+"/hotspot/localusers", with(goodUser, "applyToAllPortals", "false", "portals", portal))
	b.want(codeInvalid, "POST", b.site()+"/hotspot/localusers", with(goodUser, "applyToAllPortals", "false", "portals", `["A"]`))
}

// What let a device in may go; its access has an end of its own.
func TestDevices(t *testing.T) {
	b := newBench(t, Options{})
	join := func(want error, mac, user, code string) {
		t.Helper()
		if err := b.Join(mac, user, code); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", mac, err, want)
		}
	}
	r := b.want(0, "POST", b.site()+"/hotspot/localusers", goodUser)
	b.want(0, "POST", b.site()+"/hotspot/voucher-groups", goodGroup)
	code := b.Access()[1].Code
	join(ErrRefused, "02:00:00:00:00:01", "u1", "wrong")
	join(nil, "02:00:00:00:00:01", "u1", "p1")
	join(nil, "02:00:00:00:00:02", "u1", "p1")
	join(nil, "02:00:00:00:00:01", "u1", "p1") // again
	join(ErrFull, "02:00:00:00:00:03", "u1", "p1")
	join(nil, "02:00:00:00:00:03", "", code)
	if down, up := b.Rates("02:00:00:00:00:01"); down != 2000 || up != 0 {
		t.Errorf("down %d, up %d", down, up)
	}
	var made struct{ ID string }
	_ = json.Unmarshal(r.Result, &made)
	b.want(0, "DELETE", b.site()+"/hotspot/localusers/"+made.ID, "")
	if !b.Online("02:00:00:00:00:01") {
		t.Error("the device went with its user")
	}
	var page struct {
		Data []struct{ ID, LocalUserName, VoucherCode string }
	}
	_ = json.Unmarshal(b.want(0, "GET", b.site()+"/hotspot/authed-records?page=1&pageSize=10&searchKey=02-00-00-00-00-01", "").Result, &page)
	if len(page.Data) != 2 || page.Data[1].LocalUserName != "u1" {
		t.Fatalf("records %+v", page.Data)
	}
	one := b.site() + "/hotspot/authed-records/" + page.Data[1].ID
	b.want(codeInvalid, "POST", one+"/period", `{"period":59999}`)
	before, _ := b.Ends("02:00:00:00:00:01")
	b.want(0, "POST", one+"/period", `{"period":60000}`)
	if after, _ := b.Ends("02:00:00:00:00:01"); after.Sub(before) != time.Minute {
		t.Errorf("it ends %v, before %v", after, before)
	}
	b.want(0, "POST", one+"/disconnect", "")
	b.want(codeNotConnected, "POST", one+"/disconnect", "")
	b.want(codeNoRecord, "POST", b.site()+"/hotspot/authed-records/none/disconnect", "")
	if b.Online("02:00:00:00:00:01") || !b.Online("02:00:00:00:00:02") {
		t.Error("the wrong device was disconnected")
	}
	b.offset = 27 * time.Hour
	join(ErrExpired, "02:00:00:00:00:04", "", code)
	if b.Online("02:00:00:00:00:03") {
		t.Error("the voucher's device outlasts its window")
	}
}
