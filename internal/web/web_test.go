package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/internal/agent"
	"edgeagent/offsetstore"
	"edgeagent/pms"
)

// view is a house in which a bit of everything goes on.
func view(state pms.LinkState) agent.View {
	at := time.Date(2026, 11, 22, 15, 4, 5, 0, time.UTC)
	return agent.View{
		Started: at,
		Links: []agent.LinkView{{Name: "inspire", Offset: "1:42:ab", Link: pms.Link{State: state, Since: at},
			Commands: []agent.AskView{{ID: "c0ffee", State: pms.CommandError, Note: "no card was presented", Since: at, Problem: "HTTP 503"}}}},
		Devices: []agent.DeviceView{{Name: "tvs", Kind: "iptv", State: drivers.State{Condition: drivers.Offline, Reason: "no broker"}, Waiting: 3, Remark: "its codes have no end"}},
		Rooms:   []agent.RoomView{{Room: "101", Stays: []string{"0123456789abcdef"}, Guests: 2, Departure: at}},
		Open:    []agent.CommandView{{ID: "n1/tv/1", Device: "tvs", Subject: "room:101", State: offsetstore.Pending, Tries: 2, Note: "no broker"}},
		Recent:  []agent.CommandView{{ID: "n1/key/1", Device: "desk", Subject: "room:101", State: offsetstore.Processed, Settled: at}},
		Conditions: []agent.Condition{
			{Code: "device-silent", About: "tvs", Text: "no broker", Do: "check power", Since: at, Serious: true},
		},
		Unknown:    []agent.CommandView{{ID: "n2/cut a key/1", Device: "desk", Subject: "room:102"}},
		Unmapped:   []agent.UnmappedView{{Source: "inspire", Name: "SPA / BOOKING", Count: 4}},
		Quarantine: 1, Counts: map[string]int64{"notices": 7}, StoreBytes: 32768,
	}
}

func get(t *testing.T, p *Page, method, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, path, nil)
	r.Host = "127.0.0.1:8080"
	p.Handler().ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func healthy(state pms.LinkState) *Page {
	return &Page{Version: "v1", Property: "Hotel Sea View", Look: func() (agent.View, error) { return view(state), nil }}
}

func TestPageSaysHowThingsStand(t *testing.T) {
	code, body := get(t, healthy(pms.LinkLive), "GET", "/status.txt")
	if code != http.StatusOK {
		t.Fatalf("%d", code)
	}
	for _, want := range []string{
		"edgeagent v1, Hotel Sea View", "device-silent", "What to do: check power.", "inspire", "live",
		"c0ffee Error since 15:04:05 no card was presented; not told yet: HTTP 503", "tvs", "waiting 3 no broker", "its codes have no end", "101", "guests 2", `"SPA / BOOKING", seen 4`,
		"Outcome unknown: edgeagent resolve ID done, or not-done (1)", "n2/cut a key/1",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q:\n%s", want, body)
		}
	}
}

func TestStatusIsJSON(t *testing.T) {
	_, body := get(t, healthy(pms.LinkLive), "GET", "/api/status")
	var got struct {
		Version string `json:"version"`
		Links   []struct {
			Link struct {
				State string `json:"state"`
			} `json:"link"`
		} `json:"links"`
		Rooms []struct {
			Room string `json:"room"`
		} `json:"rooms"`
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if got.Version != "v1" || got.Links[0].Link.State != "live" || got.Rooms[0].Room != "101" {
		t.Errorf("status %+v", got)
	}
}

func TestMetrics(t *testing.T) {
	_, body := get(t, healthy(pms.LinkLive), "GET", "/metrics")
	for _, want := range []string{
		"edgeagent_notices_total 7\n", `edgeagent_pms_live{pms="inspire"} 1` + "\n", `edgeagent_device_online{device="tvs"} 0` + "\n",
		`edgeagent_device_waiting{device="tvs"} 3` + "\n", "edgeagent_rooms_in_house 1\n", "edgeagent_store_bytes 32768\n", "process_resident_memory_bytes",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the metrics lack %q", want)
		}
	}
}

func TestReady(t *testing.T) {
	for state, want := range map[pms.LinkState]int{
		pms.LinkLive: 200, pms.LinkCatchingUp: 200, pms.LinkConnecting: 503, pms.LinkParked: 503,
	} {
		if code, body := get(t, healthy(state), "GET", "/-/ready"); code != want {
			t.Errorf("%s: %d %s, want %d", state, code, body, want)
		}
		if code, _ := get(t, healthy(state), "GET", "/-/healthy"); code != 200 {
			t.Errorf("%s: healthy %d", state, code)
		}
	}
}

// A bad property file still has a status page.
func TestProblemsAreShown(t *testing.T) {
	p := &Page{Version: "v1", Problems: "property.yaml:3:5: unknown key \"prot\"\n"}
	code, body := get(t, p, "GET", "/api/status")
	var got struct{ Conditions []agent.Condition }
	want := []agent.Condition{{Code: "config-invalid", Text: p.Problems, Do: "mend the property file and restart edgeagent", Serious: true}}
	if err := json.Unmarshal([]byte(body), &got); err != nil || code != http.StatusServiceUnavailable || !slices.Equal(got.Conditions, want) {
		t.Errorf("status %d %s, %v", code, body, err)
	}
	for _, path := range []string{"/status.txt", "/-/ready", "/metrics"} {
		code, body := get(t, p, "GET", path)
		if code != http.StatusServiceUnavailable || !strings.Contains(body, `unknown key "prot"`) {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	if code, _ := get(t, p, "GET", "/-/healthy"); code != 200 {
		t.Errorf("healthy: %d", code)
	}
}

// A version that was stepped back is shown also where a bad property file keeps
// everything from running.
func TestSteppedBackWithProblems(t *testing.T) {
	p := &Page{Problems: "property.yaml:3:5: no\n", Standing: func() []agent.Condition {
		return []agent.Condition{{Code: "stepped-back", Text: "version 2 did not hold", Since: time.Unix(0, 0).UTC()}}
	}}
	_, body := get(t, p, "GET", "/api/status")
	var got struct{ Conditions []agent.Condition }
	if err := json.Unmarshal([]byte(body), &got); err != nil || len(got.Conditions) != 2 {
		t.Fatal(body, err)
	}
	if c := got.Conditions[1]; c.Code != "stepped-back" || c.Text != "version 2 did not hold" || c.Do == "" || !c.Serious || !c.Since.Equal(time.Unix(0, 0)) {
		t.Errorf("%+v", c)
	}
	if got.Conditions[0].Code != "config-invalid" {
		t.Errorf("first %+v", got.Conditions[0])
	}
	if _, body := get(t, p, "GET", "/status.txt"); !strings.Contains(body, "\n\nproperty.yaml:3:5: no\n\nstepped-back: version 2 did not hold. What to do: the version before is in its place again") {
		t.Errorf("in words: %s", body)
	}
}

func TestStoreThatCannotBeRead(t *testing.T) {
	p := &Page{Look: func() (agent.View, error) { return agent.View{}, errors.New("disk gone") }}
	if code, body := get(t, p, "GET", "/status.txt"); code != http.StatusInternalServerError || !strings.Contains(body, "disk gone") {
		t.Errorf("%d %s", code, body)
	}
}

// A page elsewhere must not have a browser read this one under its own name.
func TestOtherHostsAreRefused(t *testing.T) {
	for host, want := range map[string]int{
		"localhost:8080": 200, "127.0.0.1:8080": 200, "[::1]:8080": 200, "localhost": 200,
		"evil.example": 403, "evil.example:8080": 403, "192.0.2.1:8080": 403, "": 403,
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/-/healthy", nil)
		r.Host = host
		healthy(pms.LinkLive).Handler().ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("host %q: %d, want %d", host, w.Code, want)
		}
	}
}

// On the network the page answers to its address, and to what its certificate says.
func TestNamesOfAnOpenPage(t *testing.T) {
	p := healthy(pms.LinkLive)
	p.Open, p.Named = true, func(host string) bool { return host == "gateway.hotel.lan" }
	for host, want := range map[string]int{
		"gateway.hotel.lan:8443": 200, "192.0.2.7:8443": 200, "[2001:db8::7]:8443": 200, "localhost:8443": 200,
		"evil.example:8443": 403, "evil.example": 403, "": 403, "gateway.hotel.lan.evil.example": 403,
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/-/healthy", nil)
		r.Host = host
		p.Handler().ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("host %q: %d, want %d", host, w.Code, want)
		}
	}
}
