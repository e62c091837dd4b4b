package mewssim

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"
)

func TestRequestsAreReadStrictly(t *testing.T) {
	s, _ := startAt(t)
	good := string(must(json.Marshal(s.body(nil))))
	for _, tt := range []struct {
		name, path, body string
		spoil            func(*http.Request)
		status           int
		rule             string
	}{
		{"lower case path", "commands/getAllByids", good, nil, 404, "path"},
		{"slash at the end", "devices/getAll/", good, nil, 404, "path"},
		{"invented", "deviceCommands/getAll", good, nil, 404, "path"},
		{"old reservations", "reservations/getAll", good, nil, 410, "path"},
		{"GET", "devices/getAll", good, func(r *http.Request) { r.Method = http.MethodGet }, 404, "method"},
		{"form", "devices/getAll", good, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 400, "content type"},
		{"comma at the end", "devices/getAll", strings.TrimSuffix(good, "}") + ",}", nil, 400, "json"},
		{"two values", "devices/getAll", good + "{}", nil, 400, "json"},
		{"no tokens", "devices/getAll", `{"Client":"x"}`, nil, 400, "field"},
		{"names in lower case", "devices/getAll", strings.ToLower(good), nil, 400, "client name"},
		{"no client", "devices/getAll", strings.ReplaceAll(good, `"Client":"Test 1.0"`, `"Client":""`), nil, 400, "client name"},
		{"wrong token", "devices/getAll", strings.ReplaceAll(good, s.AccessToken(), "ABC"), nil, 401, "credentials"},
		{"language alone", "devices/getAll", strings.Replace(good, "{", `{"LanguageCode":"en-GB",`, 1), nil, 400, "language"},
		{"unknown field", "devices/getAll", strings.Replace(good, "{", `{"Colour":1,`, 1), nil, 200, "field"},
		{"token in the URL", "devices/getAll?AccessToken=1", good, nil, 200, "query token"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := len(s.Violations())
			r := s.request(t, apiPrefix+tt.path, []byte(tt.body))
			if tt.spoil != nil {
				tt.spoil(r)
			}
			got := roundTrip(t, r)
			if got.status != tt.status || got.header.Get("Request-Id") == "" {
				t.Errorf("%d %s, %v", got.status, got.text, got.header)
			}
			if got.status != 200 && (got.json["Message"] == nil || strings.HasPrefix(got.text, `{"Message":"4`) || got.json["RequestId"] != got.header.Get("Request-Id")) {
				t.Errorf("body %s", got.text)
			}
			if rules := s.rules()[before:]; len(rules) == 0 || rules[0] != tt.rule {
				t.Errorf("violations %v", s.Violations()[before:])
			}
		})
	}
	before := len(s.Violations())
	if s.good(t, "devices/getAll", nil); len(s.Violations()) != before {
		t.Error(s.Violations()[before:])
	}
	s.Change(func(f *Faults) { f.MaxBody = 10 })
	if got := s.call(t, "devices/getAll", nil); got.status != 413 {
		t.Error(got.status)
	}
}

func TestFiltersAreValidated(t *testing.T) {
	s, _ := startAt(t)
	id := newID()
	many := make([]string, 1001)
	for i := range many {
		many[i] = id
	}
	span := func(from, to string) object { return object{"StartUtc": from, "EndUtc": to} }
	const reservations, customers = "reservations/getAll/2023-06-06", "customers/getAll"
	const companionships = "companionships/getAll"
	people := object{"Customers": true}
	for _, tt := range []struct {
		operation string
		fields    object
		status    int
	}{
		{reservations, nil, 400},
		{reservations, object{"Limitation": first(0)}, 400},
		{reservations, object{"Limitation": first(1001)}, 400},
		{reservations, object{"Limitation": object{"Cursor": id}}, 400},
		{reservations, object{"Limitation": after(1, id)}, 400}, // unknown
		{reservations, object{"Limitation": after(1, nil)}, 200},
		{reservations, object{"Limitation": first(1000)}, 200},
		{reservations, object{"Limitation": first(1), "ReservationIds": []string{}}, 400},
		{reservations, object{"Limitation": first(1), "ReservationIds": nil}, 200},
		{reservations, object{"Limitation": first(1), "ReservationIds": many}, 400},
		{reservations, object{"Limitation": first(1), "ReservationIds": many[:1000]}, 200},
		{reservations, object{"Limitation": first(1), "ReservationIds": []string{"101"}}, 400},
		{reservations, object{"Limitation": first(1), "ChannelNumbers": many[:101]}, 400},
		{reservations, object{"Limitation": first(1), "States": []string{"Started"}}, 200},
		{reservations, object{"Limitation": first(1), "States": []string{"CheckedIn"}}, 400},
		{reservations, object{"Limitation": first(1), "UpdatedUtc": span("2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z")}, 200},
		{reservations, object{"Limitation": first(1), "UpdatedUtc": span("2026-01-01T00:00:00Z", "2026-04-01T00:00:01Z")}, 400},
		{reservations, object{"Limitation": first(1), "UpdatedUtc": span("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z")}, 400},
		{reservations, object{"Limitation": first(1), "UpdatedUtc": span("2026-01-01T00:00:00+01:00", "2026-01-02T00:00:00Z")}, 400},
		{reservations, object{"Limitation": first(1), "UpdatedUtc": object{"StartUtc": "2026-01-01T00:00:00Z"}}, 400},
		{reservations, object{"Limitation": first(1), "ScheduledStartUtc": span("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
			"ActualStartUtc": span("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")}, 400},
		{customers, object{"Limitation": first(1), "CustomerIds": []string{id}}, 400},
		{customers, object{"Extent": people, "CustomerIds": []string{id}}, 400},
		{customers, object{"Limitation": first(1), "Extent": people}, 400},
		{customers, object{"Limitation": first(1), "Extent": people, "CustomerIds": []string{id}}, 200},
		{customers, object{"Limitation": first(1), "Extent": object{"customers": true}, "CustomerIds": []string{id}}, 400},
		{customers, object{"Limitation": first(1), "Extent": people, "CompanyIds": []string{id, id}}, 400},
		{companionships, object{"Limitation": first(1), "ReservationIds": []string{id}}, 400},
		{companionships, object{"Limitation": first(1), "Extent": people, "UpdatedUtc": span("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")}, 400},
		{companionships, object{"Limitation": first(1), "Extent": people, "ReservationIds": []string{id},
			"UpdatedUtc": span("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")}, 200},
		{"resources/getAll", object{"Limitation": first(1)}, 400},
		{"resourceCategories/getAll", object{"Limitation": first(1)}, 400},
		{"resourceCategoryAssignments/getAll", object{"Limitation": first(1)}, 400},
		{"services/getAll", nil, 400},
		{"customers/search", nil, 400},
		{"commands/getAllByIds", nil, 400},
		{"commands/getAllByIds", object{"CommandIds": many}, 400},
		{"commands/getAllByIds", object{"CommandIds": many[:1]}, 200},
		{"commands/getAllActive", nil, 200},
		{"devices/getAll", object{"Limitation": first(1)}, 200},
		{"languages/getAll", nil, 200},
	} {
		if got := s.call(t, tt.operation, tt.fields); got.status != tt.status {
			t.Errorf("%s %.200v: %d %s", tt.operation, tt.fields, got.status, got.text)
		}
	}
}

func TestIntervalIsHalfOpen(t *testing.T) {
	s, _ := startAt(t)
	h := build(s)
	h.book("") // updated at 12:00:00
	for _, tt := range []struct {
		from, to string
		want     int
	}{
		{"12:00:00Z", "12:00:01Z", 1},
		{"12:00:00.000Z", "12:00:01Z", 1},
		{"11:00:00Z", "12:00:00Z", 0},
		{"12:00:00Z", "12:00:00Z", 1},
		{"11:59:59Z", "11:59:59Z", 0},
		{"12:00:01Z", "13:00:00Z", 0},
	} {
		got := s.good(t, "reservations/getAll/2023-06-06", object{"Limitation": first(10),
			"UpdatedUtc": object{"StartUtc": "2026-03-01T" + tt.from, "EndUtc": "2026-03-01T" + tt.to}})
		if n := len(got.list("Reservations")); n != tt.want {
			t.Errorf("[%s, %s): %d", tt.from, tt.to, n)
		}
	}
}

func TestPagesRunFromTheNewest(t *testing.T) {
	s, c := startAt(t)
	h := build(s)
	var want []any
	for range 4 {
		want = append([]any{h.book("").ID}, want...)
		c.add(time.Second)
	}
	var got []any
	var cursor any
	var sizes []int
	for {
		page := s.good(t, "reservations/getAll/2023-06-06", object{"Limitation": after(2, cursor)})
		rows := page.list("Reservations")
		sizes = append(sizes, len(rows))
		for _, r := range rows {
			got = append(got, r["Id"])
		}
		if len(rows) > 0 && page.json["Cursor"] != rows[len(rows)-1]["Id"] {
			t.Errorf("cursor %v", page.json["Cursor"])
		}
		if cursor = page.json["Cursor"]; cursor == nil {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int{2, 2, 0}, sizes); diff != "" {
		t.Error("no empty page at the end:", diff)
	}
	// Nor does a page that is not full say that it is the last one.
	if part := s.good(t, "reservations/getAll/2023-06-06", object{"Limitation": first(9)}); part.json["Cursor"] != want[3] {
		t.Errorf("cursor %v", part.json["Cursor"])
	}
	// Asked for by UpdatedUtc, the order is that of changes.
	ok(t, s.AssignRoom(want[3].(string), h.room))
	rows := s.good(t, "reservations/getAll/2023-06-06", object{"Limitation": first(1),
		"UpdatedUtc": object{"StartUtc": "2026-03-01T00:00:00Z", "EndUtc": "2026-03-02T00:00:00Z"}}).list("Reservations")
	if rows[0]["Id"] != want[3] {
		t.Errorf("%v", rows)
	}
}

// Many changes within a second are no trouble for the pages.
func TestPagesOfOneMoment(t *testing.T) {
	s, _ := startAt(t)
	h := build(s)
	want := map[any]int{}
	for range 25 {
		want[h.book("").ID] = 1
	}
	got := map[any]int{}
	for cursor := any(nil); ; {
		page := s.good(t, "reservations/getAll/2023-06-06", object{"Limitation": after(10, cursor)})
		for _, r := range page.list("Reservations") {
			got[r["Id"]]++
		}
		if cursor = page.json["Cursor"]; cursor == nil {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRateLimitSlides(t *testing.T) {
	s, c := startAt(t)
	s.Change(func(f *Faults) { f.Limit = Limit{Requests: 3, Window: 30 * time.Second} })
	status := func(want int) reply {
		t.Helper()
		got := s.call(t, "devices/getAll", nil)
		if got.status != want {
			t.Errorf("status %d, not %d", got.status, want)
		}
		return got
	}
	status(200)
	c.add(20 * time.Second)
	status(200)
	status(200)
	if got := status(429); got.header.Get("Retry-After") != "10" {
		t.Errorf("%v", got.header)
	}
	s.SetClockOffset(time.Hour)
	s.Change(func(f *Faults) { f.Limit.Retry = RetryDate })
	if got := status(429); got.header.Get("Retry-After") != "Sun, 01 Mar 2026 13:00:30 GMT" || got.header.Get("Date") != "Sun, 01 Mar 2026 13:00:20 GMT" {
		t.Errorf("%v", got.header)
	}
	s.Change(func(f *Faults) { f.Limit.Retry = RetryMissing })
	if got := status(429); got.header.Values("Retry-After") != nil {
		t.Errorf("%v", got.header)
	}
	c.add(10 * time.Second)
	status(200)
	status(429)
	if diff := cmp.Diff([]string{"limit", "impatience", "impatience", "limit"}, s.rules()); diff != "" {
		t.Error(diff)
	}
	a := s.Audit()
	if got := a.Peak(30 * time.Second); got != 7 {
		t.Errorf("peak %d", got)
	}
	if got := a.Peak(10 * time.Second); got != 5 {
		t.Errorf("peak %d", got)
	}
}

func TestTokensChangeInMidLife(t *testing.T) {
	s, _ := startAt(t)
	old := s.body(nil)
	p := s.dial(t)
	s.RotateToken()
	if got := s.call(t, "devices/getAll", old); got.status != 401 {
		t.Error(got.status)
	}
	s.good(t, "devices/getAll", nil)
	p.nothing(s) // the socket lives on
	s.RevokeToken()
	if got := s.call(t, "devices/getAll", object{"AccessToken": old["AccessToken"]}); got.status != 401 {
		t.Error(got.status)
	}
	s.RestoreToken()
	s.good(t, "devices/getAll", old)
	s.Deny("devices/getAll")
	if got := s.call(t, "devices/getAll", nil); got.status != 401 {
		t.Error(got.status)
	}
	s.good(t, "commands/getAllActive", nil)
	s.Allow("devices/getAll")
	s.good(t, "devices/getAll", nil)
}

func TestTLSAndDownAndUp(t *testing.T) {
	s := start(t, Options{TLS: true})
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.CAPEM())
	config := &tls.Config{RootCAs: pool}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
	post := func() error {
		resp, err := client.Do(s.request(t, apiPrefix+"devices/getAll", must(json.Marshal(s.body(nil)))))
		if err != nil {
			return err
		}
		if err := resp.Body.Close(); err != nil || resp.StatusCode != 200 {
			return fmt.Errorf("status %d, %w", resp.StatusCode, err)
		}
		return nil
	}
	dial := func() (*websocket.Conn, error) {
		d := websocket.Dialer{TLSClientConfig: config}
		ws, _, err := d.Dial(s.SocketURL()+socketPath, http.Header{"Cookie": {s.cookie()}})
		return ws, err
	}
	platform, socket := s.PlatformURL(), s.SocketURL()
	ok(t, post())
	ws, err := dial()
	ok(t, err)
	ok(t, s.Down())
	if _, _, err := ws.ReadMessage(); err == nil {
		t.Error("the socket lived on")
	}
	if post() == nil {
		t.Error("the API answered")
	}
	if _, err := dial(); err == nil {
		t.Error("the socket was welcome")
	}
	ok(t, s.Up())
	ok(t, post())
	again, err := dial()
	ok(t, err)
	_ = again.Close() // has served
	if s.PlatformURL() != platform || s.SocketURL() != socket || !strings.HasPrefix(platform, "https:") || !strings.HasPrefix(socket, "wss:") {
		t.Error(s.PlatformURL(), s.SocketURL())
	}
}
