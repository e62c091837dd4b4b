package unifisim

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type bench struct {
	*Controller
	t      *testing.T
	http   *http.Client
	offset time.Duration
	header http.Header
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, header: http.Header{"X-Api-Key": {"sim-api-key"}}}
	base := time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)
	sim, err := Start(Options{Now: func() time.Time { return base.Add(b.offset) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b.Controller = sim
	b.http = &http.Client{Jar: jar, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(b.http.CloseIdleConnections)
	return b
}

func (b *bench) call(method, path, body string) (int, map[string]any) {
	b.t.Helper()
	req, err := http.NewRequest(method, b.URL()+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header = b.header.Clone()
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
	if token := res.Header.Get("X-CSRF-Token"); token != "" {
		b.header.Set("X-Csrf-Token", token)
	}
	var out map[string]any
	_ = json.Unmarshal(text, &out)
	return res.StatusCode, out
}

func (b *bench) vouchers() string {
	return integrationPrefix + "/v1/sites/" + b.sites[0].id + "/hotspot/vouchers"
}

func TestVoucherRanges(t *testing.T) {
	b := newBench(t)
	for _, test := range []struct {
		body string
		want int
	}{
		{`{"name":"n","timeLimitMinutes":1}`, 201},
		{`{"name":"n","timeLimitMinutes":1000000,"count":1000,"authorizedGuestLimit":1,"dataUsageLimitMBytes":1048576,"rxRateLimitKbps":2,"txRateLimitKbps":100000}`, 201},
		{`{"timeLimitMinutes":1}`, 400},
		{`{"name":"n"}`, 400},
		{`{"name":"n","timeLimitMinutes":0}`, 400},
		{`{"name":"n","timeLimitMinutes":1000001}`, 400},
		{`{"name":"n","timeLimitMinutes":1,"count":1001}`, 400},
		{`{"name":"n","timeLimitMinutes":1,"count":0}`, 400},
		{`{"name":"n","timeLimitMinutes":1,"authorizedGuestLimit":0}`, 400},
		{`{"name":"n","timeLimitMinutes":1,"dataUsageLimitMBytes":1048577}`, 400},
		{`{"name":"n","timeLimitMinutes":1,"rxRateLimitKbps":1}`, 400},
		{`{"name":"n","timeLimitMinutes":1,"txRateLimitKbps":100001}`, 400},
		{`{"name":"n","timeLimitMinutes":1,"code":"1234567890"}`, 400},
		{`{"name":"n","timeLimitMinutes":1} {}`, 400},
	} {
		if got, body := b.call("POST", b.vouchers(), test.body); got != test.want {
			t.Errorf("%s: %d %v, want %d", test.body, got, body, test.want)
		}
	}
	for _, v := range b.Vouchers() {
		if len(v.Code) != 10 || strings.Trim(v.Code, "0123456789") != "" {
			t.Fatalf("code %q", v.Code)
		}
	}
	if status, body := b.call("DELETE", b.vouchers(), ""); status != 400 {
		t.Errorf("delete without filter: %d %v", status, body)
	}
	if _, body := b.call("DELETE", b.vouchers()+"?filter="+url.QueryEscape("and(name.eq('n'),timeLimitMinutes.eq(1))"), ""); body["vouchersDeleted"] != 1.0 {
		t.Errorf("delete by filter: %v", body)
	}
	if _, body := b.call("GET", b.vouchers()+"?offset=995&limit=3", ""); body["count"] != 3.0 || body["totalCount"] != 1000.0 || body["offset"] != 995.0 {
		t.Errorf("page: %v %v %v", body["count"], body["totalCount"], body["offset"])
	}
	if status, _ := b.call("GET", b.vouchers()+"?limit=1001", ""); status != 400 {
		t.Errorf("limit 1001: %d", status)
	}
}

func TestErrorEnvelopes(t *testing.T) {
	b := newBench(t)
	b.header.Del("X-Api-Key")
	status, body := b.call("GET", integrationPrefix+"/v1/info", "")
	want := map[string]any{"statusCode": 401.0, "statusName": "UNAUTHORIZED", "code": "api.authentication.missing-credentials",
		"message": "no key given", "timestamp": "2026-11-22T14:00:00Z", "requestPath": "/v1/info", "requestId": body["requestId"]}
	if diff := cmp.Diff(want, body); status != 401 || diff != "" {
		t.Errorf("%d (-want +got):\n%s", status, diff)
	}
	b.header.Set("X-Api-Key", "wrong")
	if _, body := b.call("GET", integrationPrefix+"/v1/info", ""); body["code"] != "api.authentication.invalid-credentials" {
		t.Errorf("wrong key: %v", body)
	}
	status, body = b.call("GET", legacyPrefix+"s/default/stat/guest", "")
	if diff := cmp.Diff(map[string]any{"meta": map[string]any{"rc": "error", "msg": "api.err.LoginRequired"}, "data": []any{}}, body); status != 401 || diff != "" {
		t.Errorf("%d (-want +got):\n%s", status, diff)
	}
	b.header.Set("X-Api-Key", "sim-api-key")
	if _, body := b.call("GET", legacyPrefix+"s/other/stat/guest", ""); body["meta"].(map[string]any)["msg"] != "api.err.NoSiteContext" {
		t.Errorf("unknown site: %v", body)
	}
	if status, _ := b.call("GET", b.vouchers()+"/nobody", ""); status != 404 {
		t.Errorf("unknown voucher: %d", status)
	}
}

func TestClockOfAVoucher(t *testing.T) {
	b := newBench(t)
	code := b.AddVoucher("n", 60, 2)
	b.offset = 72 * time.Hour // nobody has used it: it waits
	if !b.CodeWorks(code) {
		t.Fatal("an unused voucher has expired")
	}
	if err := b.Join("02:00:00:00:00:01", "", code[:5]+"-"+code[5:]); err != nil {
		t.Fatal(err)
	}
	b.offset += 40 * time.Minute
	if err := b.Join("02:00:00:00:00:02", "", code); err != nil {
		t.Fatal(err)
	}
	if err := b.Join("02:00:00:00:00:03", "", code); !errors.Is(err, ErrFull) {
		t.Errorf("third device: %v", err)
	}
	if err := b.Join("02:00:00:00:00:01", "", code); err != nil {
		t.Errorf("first device again: %v", err)
	}
	// The voucher goes, its devices stay, and end with its first use.
	b.call("DELETE", b.vouchers()+"/"+b.Vouchers()[0].ID, "")
	if b.CodeWorks(code) || !b.Online("02:00:00:00:00:02") {
		t.Error("deleting a voucher should leave its devices online")
	}
	if err := b.Join("02:00:00:00:00:04", "", code); !errors.Is(err, ErrNoSuchCode) {
		t.Errorf("deleted code: %v", err)
	}
	b.offset += 20 * time.Minute
	if b.Online("02:00:00:00:00:02") {
		t.Error("the second device outlived the voucher's hour")
	}
	code = b.AddVoucher("n", 1, 0)
	if err := b.Join("02:00:00:00:00:05", "", code); err != nil {
		t.Fatal(err)
	}
	b.offset += time.Minute
	if err := b.Join("02:00:00:00:00:06", "", code); !errors.Is(err, ErrExpired) {
		t.Errorf("expired code: %v", err)
	}
}

func TestLegacyQuirks(t *testing.T) {
	b := newBench(t)
	hotspot, stamgr := legacyPrefix+"s/default/cmd/hotspot", legacyPrefix+"s/default/cmd/stamgr"
	_, body := b.call("POST", hotspot, `{"cmd":"create-voucher","expire":60,"n":1,"quota":0,"note":"htl:x","up":1000,"down":9000}`)
	made := body["data"].([]any)[0].(map[string]any)
	if diff := cmp.Diff(map[string]any{"create_time": 1795356000.0}, made); diff != "" {
		t.Errorf("create returns only the time (-want +got):\n%s", diff)
	}
	v := b.Vouchers()[0]
	if v.DownKbps != 9000 || v.UpKbps != 1000 || v.Devices != 0 {
		t.Errorf("voucher %+v", v)
	}
	if _, body := b.call("POST", hotspot, `{"cmd":"delete-voucher","_id":"`+v.Code+`"}`); body["meta"].(map[string]any)["rc"] != "ok" || len(b.Vouchers()) != 1 {
		t.Error("delete by code should report success and delete nothing")
	}
	if err := b.Join("02:00:00:00:00:01", "", v.Code); err != nil {
		t.Fatal(err)
	}
	_, body = b.call("GET", legacyPrefix+"s/default/stat/guest?within=24", "")
	if g := body["data"].([]any)[0].(map[string]any); g["voucher_code"] != v.Code || g["expired"] != false {
		t.Errorf("guest %v", g)
	}
	b.call("POST", stamgr, `{"cmd":"kick-sta","mac":"02:00:00:00:00:01"}`)
	if !b.Online("02:00:00:00:00:01") {
		t.Error("kicking only breaks the association")
	}
	b.call("POST", stamgr, `{"cmd":"authorize-guest","mac":"02:00:00:00:00:01","minutes":600}`)
	if s, _ := b.Session("02:00:00:00:00:01"); s.Method != "API" || s.End.Sub(s.Start) != 10*time.Hour {
		t.Errorf("session %+v", s)
	}
	b.call("POST", stamgr, `{"cmd":"unauthorize-guest","mac":"02:00:00:00:00:01"}`)
	if b.Online("02:00:00:00:00:01") {
		t.Error("online after unauthorize-guest")
	}
	_, body = b.call("GET", legacyPrefix+"s/default/stat/voucher", "")
	id := body["data"].([]any)[0].(map[string]any)["_id"].(string)
	if id == v.ID {
		t.Error("the two APIs share an id")
	}
	b.call("POST", hotspot, `{"cmd":"delete-voucher","_id":"`+id+`"}`)
	if len(b.Vouchers()) != 0 {
		t.Error("delete by _id deleted nothing")
	}
}

func TestLogin(t *testing.T) {
	b := newBench(t)
	b.header.Del("X-Api-Key")
	if status, _ := b.call("GET", "/", ""); status != 200 {
		t.Errorf("/ gives %d, want 200 as UniFi OS does", status)
	}
	if status, _ := b.call("POST", "/api/auth/login", `{"username":"admin","password":"wrong"}`); status != 401 {
		t.Errorf("wrong password: %d", status)
	}
	if status, _ := b.call("POST", "/api/auth/login", `{"username":"admin","password":"sim-password"}`); status != 200 {
		t.Errorf("log-in: %d", status)
	}
	body := `{"cmd":"kick-sta","mac":"02:00:00:00:00:01"}`
	if status, _ := b.call("POST", legacyPrefix+"s/default/cmd/stamgr", body); status != 200 {
		t.Errorf("with cookie and CSRF token: %d", status)
	}
	b.header.Del("X-Csrf-Token")
	if status, _ := b.call("POST", legacyPrefix+"s/default/cmd/stamgr", body); status != 403 {
		t.Errorf("without CSRF token: %d", status)
	}
	if status, _ := b.call("GET", legacyPrefix+"s/default/stat/guest", ""); status != 200 {
		t.Errorf("reading needs no CSRF token: %d", status)
	}
	for range 4 {
		b.call("POST", "/api/auth/login", `{}`)
	}
	if status, body := b.call("POST", "/api/auth/login", `{}`); status != 429 || body["code"] != "AUTHENTICATION_FAILED_LIMIT_REACHED" {
		t.Errorf("too many log-ins: %d %v", status, body)
	}
	for _, r := range b.Requests() {
		if strings.Contains(r.Body, "sim-password") {
			t.Error("the list of requests holds a password")
		}
	}
}

func TestClients(t *testing.T) {
	b := newBench(t)
	if err := b.Join("02:00:00:00:00:01", "", b.AddVoucher("n", 60, 0)); err != nil {
		t.Fatal(err)
	}
	b.Associate("02:00:00:00:00:02")
	clients := integrationPrefix + "/v1/sites/" + b.sites[0].id + "/clients"
	filter := "?filter=" + url.QueryEscape("and(access.type.eq('GUEST'),access.authorized.eq(true))")
	_, body := b.call("GET", clients+filter, "")
	if body["totalCount"] != 1.0 {
		t.Fatalf("authorised guests: %v", body)
	}
	id := body["data"].([]any)[0].(map[string]any)["id"].(string)
	_, body = b.call("GET", clients+"/"+id, "")
	auth := body["access"].(map[string]any)["authorization"]
	want := map[string]any{"authorizationMethod": "VOUCHER", "authorizedAt": "2026-11-22T14:00:00Z", "expiresAt": "2026-11-22T15:00:00Z"}
	if diff := cmp.Diff(want, auth); diff != "" {
		t.Errorf("the details do not say which voucher (-want +got):\n%s", diff)
	}
	b.call("POST", clients+"/"+id+"/actions", `{"action":"AUTHORIZE_GUEST_ACCESS","timeLimitMinutes":300,"rxRateLimitKbps":9000}`)
	if s, _ := b.Session("02:00:00:00:00:01"); s.DownKbps != 9000 || s.End.Sub(s.Start) != 5*time.Hour {
		t.Errorf("session %+v", s)
	}
	b.call("POST", clients+"/"+id+"/actions", `{"action":"UNAUTHORIZE_GUEST_ACCESS"}`)
	if b.Online("02:00:00:00:00:01") {
		t.Error("online after UNAUTHORIZE_GUEST_ACCESS")
	}
	b.Disassociate("02:00:00:00:00:01")
	if status, _ := b.call("GET", clients+"/"+id, ""); status != 404 {
		t.Errorf("a sleeping device: %d, want 404", status)
	}
}

func TestClassic(t *testing.T) {
	b := newBench(t)
	b.opts.Classic = true
	for path, want := range map[string]int{"/": 302, "/api/s/default/stat/guest": 401, integrationPrefix + "/v1/info": 404,
		legacyPrefix + "s/default/stat/guest": 404} {
		if status, _ := b.call("GET", path, ""); status != want { // the key is of no use
			t.Errorf("%s: %d, want %d", path, status, want)
		}
	}
	b.header.Del("X-Api-Key")
	status, body := b.call("POST", "/api/login", `{"username":"admin","password":"no"}`)
	if diff := cmp.Diff(map[string]any{"meta": map[string]any{"rc": "error", "msg": "api.err.Invalid"}, "data": []any{}}, body); status != 400 || diff != "" {
		t.Errorf("%d (-want +got):\n%s", status, diff)
	}
	if status, _ := b.call("POST", "/api/login", `{"username":"admin","password":"sim-password"}`); status != 200 {
		t.Fatalf("log-in: %d", status)
	}
	const hotspot = "/api/s/default/cmd/hotspot"
	make := `{"cmd":"create-voucher","expire":60,"n":1,"quota":0,"note":"n"}`
	if status, body := b.call("GET", "/api/s/default/stat/voucher", ""); status != 200 {
		t.Errorf("list: %d %v", status, body)
	}
	if status, _ := b.call("POST", hotspot, make); status != 403 {
		t.Errorf("without the CSRF token: %d", status)
	}
	console, _ := url.Parse(b.URL())
	for _, c := range b.http.Jar.Cookies(console) {
		if c.Name == "csrf_token" {
			b.header.Set("X-Csrf-Token", c.Value)
		}
	}
	if status, body := b.call("POST", hotspot, make); status != 200 || len(b.Vouchers()) != 1 {
		t.Errorf("with it: %d %v", status, body)
	}
	b.EndSessions()
	if status, _ := b.call("GET", "/api/s/default/stat/voucher", ""); status != 401 {
		t.Errorf("after a restart: %d", status)
	}
}

func TestRenewedCSRF(t *testing.T) {
	b := newBench(t)
	b.header.Del("X-Api-Key")
	b.call("POST", "/api/auth/login", `{"username":"admin","password":"sim-password"}`)
	hotspot, make := legacyPrefix+"s/default/cmd/hotspot", `{"cmd":"create-voucher","expire":60,"n":1,"quota":0,"note":"n"}`
	b.RenewCSRF()
	if status, _ := b.call("POST", hotspot, make); status != 200 {
		t.Errorf("the old token, once more: %d", status)
	}
	if status, _ := b.call("POST", hotspot, make); status != 403 {
		t.Errorf("the old token after a new one was given: %d", status)
	}
}
