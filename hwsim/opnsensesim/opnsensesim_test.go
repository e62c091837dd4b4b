package opnsensesim

import (
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

const (
	phone, tablet = "02:00:00:00:00:01", "02:00:00:00:00:02"
	voucherPath   = "/api/captiveportal/voucher/"
	sessionPath   = "/api/captiveportal/session/"
)

type bench struct {
	*Controller
	t      *testing.T
	http   *http.Client
	offset time.Duration
	secret string
}

func newBench(t *testing.T, opts Options) *bench {
	t.Helper()
	b := &bench{t: t, secret: "sim-secret"}
	base := time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)
	opts.Now = func() time.Time { return base.Add(b.offset) }
	sim, err := Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	b.Controller = sim
	b.http = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	t.Cleanup(b.http.CloseIdleConnections)
	return b
}

// call returns the status and the answer as JSON with sorted keys.
func (b *bench) call(method, path, body string) (int, string) {
	b.t.Helper()
	req, err := http.NewRequest(method, b.URL()+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.SetBasicAuth("sim-key", b.secret)
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
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		b.t.Fatalf("%s %s: %v in %q", method, path, err, text)
	}
	sorted, _ := json.Marshal(v)
	return res.StatusCode, string(sorted)
}

func (b *bench) want(method, path, body string, status int, answer string) {
	b.t.Helper()
	if got, text := b.call(method, path, body); got != status || text != answer {
		b.t.Errorf("%s %s %s: %d %s, want %d %s", method, path, body, got, text, status, answer)
	}
}

// make makes a voucher through the API.
func (b *bench) make(body string) (user, password string) {
	b.t.Helper()
	status, text := b.call("POST", voucherPath+"generate_vouchers/Vouchers", body)
	var made []struct{ Username, Password string }
	if err := json.Unmarshal([]byte(text), &made); err != nil || status != 200 || len(made) != 1 {
		b.t.Fatalf("%d %s", status, text)
	}
	return made[0].Username, made[0].Password
}

func (b *bench) join(mac, user, code string, on bool) {
	b.t.Helper()
	if err := b.Join(mac, user, code); on != (err == nil) || err != nil && !errors.Is(err, ErrDenied) {
		b.t.Errorf("join: %v", err)
	}
}

func TestRangesAndEnvelopes(t *testing.T) {
	b := newBench(t, Options{})
	failed := `{"status":"error"}`
	for body, good := range map[string]bool{
		`{"count":1,"validity":1}`:                           true,
		`{"count":"1","validity":"60","expirytime":"0"}`:     true,
		`{"count":10000,"validity":1,"vouchergroup":"many"}`: true,
		`{"count":10001,"validity":1}`:                       false,
		`{"count":0,"validity":1}`:                           false,
		`{"validity":1}`:                                     false,
		`{"count":1}`:                                        false,
		`{"count":1,"validity":0}`:                           false,
	} {
		if status, text := b.call("POST", voucherPath+"generate_vouchers/Vouchers", body); status != 200 || (text != failed) != good {
			t.Errorf("%s: %d %.80s", body, status, text)
		}
	}
	b.want("POST", voucherPath+"generate_vouchers/Nobody", `{"count":1,"validity":1}`, 200, failed)
	b.want("GET", voucherPath+"generate_vouchers/Vouchers", "", 200, failed)
	b.want("POST", voucherPath+"generate_vouchers/Vouchers", `{"count":1,"validity":1,"name":"x"}`, 400, `{"message":"Invalid JSON syntax","status":400}`)
	b.want("POST", voucherPath+"expire_voucher/Vouchers", `{}`, 200, failed)
	b.want("POST", voucherPath+"expire_voucher/Vouchers", `{"username":"nobody"}`, 200, `{"status":"ok"}`)
	b.want("POST", voucherPath+"drop_voucher_group/Vouchers/none", `{}`, 200, `{"status":"drop"}`)
	b.want("POST", voucherPath+"drop_voucher_group/Nobody/none", `{}`, 200, failed)
	b.want("GET", voucherPath+"list_providers", "", 200, `["Vouchers"]`)
	b.want("GET", voucherPath+"listProviders", "", 200, `["Vouchers"]`)
	b.want("GET", voucherPath+"list_voucher_groups/Nobody", "", 200, `[]`)
	b.want("GET", voucherPath+"list_vouchers/Vouchers/none", "", 200, `[]`)
	b.want("GET", voucherPath+"no_such", "", 404, `{"errorMessage":"Endpoint not found"}`)
	b.want("GET", "/api/core/firmware/status", "", 403, `{"message":"Forbidden","status":403}`)
	b.secret = "wrong"
	b.want("GET", voucherPath+"list_providers", "", 401, `{"message":"Authentication Failed","status":401}`)
}

func TestGroupLosesCharacters(t *testing.T) {
	b := newBench(t, Options{})
	b.make(`{"count":1,"validity":60,"vouchergroup":"a&b#c d"}`)
	b.want("GET", voucherPath+"list_voucher_groups/Vouchers", "", 200, `["abc d"]`)
	if _, text := b.call("GET", voucherPath+"list_vouchers/Vouchers/abc%20d", ""); text == "[]" {
		t.Error("the group is not found by its name")
	}
}

func TestListShowsNoPassword(t *testing.T) {
	b := newBench(t, Options{})
	user, password := b.make(`{"count":1,"validity":600,"expirytime":300,"vouchergroup":"g"}`)
	list := func() map[string]any {
		_, text := b.call("GET", voucherPath+"list_vouchers/Vouchers/g", "")
		if strings.Contains(text, password) {
			t.Fatal("the password shows")
		}
		var list []map[string]any
		if err := json.Unmarshal([]byte(text), &list); err != nil || len(list) != 1 {
			t.Fatal(text)
		}
		return list[0]
	}
	now := 1795356000.0
	want := map[string]any{"username": user, "validity": 600.0, "expirytime": now + 300, "starttime": now, "endtime": now + 600, "state": "unused"}
	if diff := cmp.Diff(want, list()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	b.offset = time.Minute
	b.join(phone, user, password, true)
	if got := list(); got["state"] != "valid" || got["starttime"] != now+60 {
		t.Errorf("%v", got)
	}
	b.offset = 301 * time.Second
	if got := list(); got["state"] != "expired" {
		t.Errorf("%v", got)
	}
}

// The lesser of what is left of validity and expiry is handed to the session
// and never asked again.
func TestSessionOutlivesItsVoucher(t *testing.T) {
	b := newBench(t, Options{})
	user, password := b.make(`{"count":1,"validity":600,"expirytime":300,"vouchergroup":"g"}`)
	b.join(phone, user, "other", false)
	b.join(phone, user, password, true)
	b.call("POST", voucherPath+"expire_voucher/Vouchers", `{"username":`+quoted(user)+`}`)
	b.join(tablet, user, password, false)
	if !b.Online(phone) {
		t.Error("expiring a voucher should not kick")
	}
	b.call("POST", voucherPath+"drop_voucher_group/Vouchers/g", `{}`)
	if !b.Online(phone) || len(b.Access()) != 0 {
		t.Error("dropping a group should not kick")
	}
	b.offset = 301 * time.Second
	if b.Online(phone) {
		t.Error("the session outlived the expiry")
	}
	user, password = b.make(`{"count":1,"validity":60,"expirytime":300,"vouchergroup":"g"}`)
	b.join(phone, user, password, true)
	b.offset += 61 * time.Second
	if b.Online(phone) {
		t.Error("the session outlived the validity")
	}
	b.join(phone, user, password, false)
}

func quoted(text string) string {
	q, _ := json.Marshal(text)
	return string(q)
}

func TestSessions(t *testing.T) {
	b := newBench(t, Options{Zones: map[int]string{0: "Guests", 2: "Annex"}})
	user, password := b.make(`{"count":1,"validity":60}`)
	b.join(phone, user, password, true)
	b.Admit(tablet, "staff", "Local", 2)
	search := func(body string) (total float64, users []string, id string) {
		_, text := b.call("POST", sessionPath+"search", body)
		var page struct {
			Total float64
			Rows  []struct{ UserName, SessionID string }
		}
		if err := json.Unmarshal([]byte(text), &page); err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Rows {
			users, id = append(users, r.UserName), r.SessionID
		}
		return page.Total, users, id
	}
	if total, users, _ := search(`{"current":2,"rowCount":1}`); total != 2 || len(users) != 1 {
		t.Errorf("second page: %v of %v", users, total)
	}
	if _, users, _ := search(`{"selected_zones":["2"]}`); len(users) != 1 || users[0] != "staff" {
		t.Errorf("zone 2: %v", users)
	}
	if _, users, _ := search(`{"searchPhrase":"STAFF"}`); len(users) != 1 {
		t.Errorf("phrase: %v", users)
	}
	_, _, id := search(`{"selected_zones":["0"]}`)
	if _, text := b.call("POST", sessionPath+"disconnect", `{"sessionId":"`+id+`"}`); !strings.Contains(text, `"terminateCause":"Admin-Reset"`) {
		t.Error(text)
	}
	if b.Online(phone) || !b.Online(tablet) {
		t.Error("the wrong device was cut")
	}
	b.want("POST", sessionPath+"disconnect", `{"sessionId":"`+id+`"}`, 200, `{"terminateCause":"UNKNOWN"}`)
	b.want("POST", sessionPath+"disconnect", `{}`, 200, `[]`)
	// Let in without a voucher, a device has no end.
	b.call("POST", sessionPath+"connect/0", `{"user":"someone","ip":"10.0.0.10"}`)
	b.offset = 1000 * time.Hour
	if !b.Online(phone) {
		t.Error("a session by connect ended by itself")
	}
}

func TestZonesAsPHPWritesThem(t *testing.T) {
	for _, test := range []struct {
		zones map[int]string
		want  string
	}{
		{map[int]string{0: "Guests"}, `["Guests"]`},
		{map[int]string{0: "Guests", 1: "Annex"}, `{"0":"Guests","1":"Annex"}`}, // sorted by name
		{map[int]string{0: "Annex", 1: "Guests"}, `["Annex","Guests"]`},
		{map[int]string{3: "Guests"}, `{"3":"Guests"}`},
		{map[int]string{}, `[]`},
	} {
		b := newBench(t, Options{Zones: test.zones})
		b.want("GET", sessionPath+"zones", "", 200, test.want)
	}
}

func TestOneDeviceAndOneCode(t *testing.T) {
	b := newBench(t, Options{OneDevice: true, NoPasswords: true})
	code, password := b.make(`{"count":1,"validity":60}`)
	if password != "" {
		t.Fatal("there is a password")
	}
	b.join(phone, "", code, true)
	b.join(tablet, "", code, true)
	if b.Online(phone) || !b.Online(tablet) {
		t.Error("the later log-in should have ended the earlier one")
	}
	if a := b.Access()[0]; a.User != "" || a.Code != code || !a.Works {
		t.Errorf("%+v", a)
	}
}
