package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"edgeagent/internal/slip"
	"edgeagent/pms"
)

// noted is an operator that writes down what it is told, and fails for "gone".
func noted(told *[]string) *Operator {
	note := func(what string) func(string) error {
		return func(id string) error {
			if id == "gone" {
				return errors.New("no such thing")
			}
			*told = append(*told, what+" "+id)
			return nil
		}
	}
	return &Operator{
		Reconnect: note("reconnect"), Retry: note("retry"), Cancel: note("cancel"),
		Resolve: func(id string, done bool) error {
			return note(map[bool]string{true: "done", false: "not done"}[done])(id)
		},
		Probe: func(_ context.Context, device string) error { return note("probe")(device) },
		Trace: func(device string) (string, error) { return "> CN|1\n", note("trace")(device) },
		Slip: func(room string) (slip.Slip, error) {
			return slip.Slip{Hotel: "H", Room: room, SSID: "G", Codes: []slip.Code{{Code: "secret"}}}, note("slip")(room)
		},
	}
}

func ask(h http.Handler, line string) *httptest.ResponseRecorder {
	method, path, _ := strings.Cut(line, " ")
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, path, nil)
	r.Host = "127.0.0.1:8080"
	h.ServeHTTP(w, r)
	return w
}

// All that changes something or tells a secret, and what the operator hears.
var asked = []struct {
	line, told string
	want       int
}{
	{"POST /api/links/inspire/reconnect", "reconnect inspire", http.StatusNoContent},
	{"POST /api/devices/desk/probe", "probe desk", http.StatusNoContent},
	{"POST /api/commands/pms%2F1%2Fcut%20a%20key%2F1/retry", "retry pms/1/cut a key/1", http.StatusNoContent},
	{"POST /api/commands/b/cancel", "cancel b", http.StatusNoContent},
	{"POST /api/commands/b/done", "done b", http.StatusNoContent},
	{"POST /api/commands/b/not-done", "not done b", http.StatusNoContent},
	{"GET /api/devices/desk/trace", "trace desk", http.StatusOK},
	{"GET /api/rooms/101%2FA/slip.txt", "slip 101/A", http.StatusOK},
	{"GET /api/rooms/101%2FA/slip.png", "slip 101/A", http.StatusOK},
}

func TestControlSocketOperates(t *testing.T) {
	var told []string
	p := healthy(pms.LinkLive)
	p.Operator = noted(&told)
	for _, c := range asked {
		told = nil
		if w := ask(p.Control(), c.line); w.Code != c.want || !slices.Equal(told, []string{c.told}) {
			t.Errorf("%s: %d %s, told %q", c.line, w.Code, w.Body, told)
		}
	}
	if w := ask(p.Control(), "POST /api/commands/gone/retry"); w.Code != http.StatusConflict || w.Body.String() != "no such thing\n" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := ask(p.Control(), "GET /api/rooms/101/slip.txt"); !strings.Contains(w.Body.String(), "Code       secret") || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%s %v", w.Body, w.Header())
	}
	p.Log = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "lines of ", r.FormValue("room")) })
	if w := ask(p.Control(), "GET /api/log?room=101"); w.Body.String() != "lines of 101" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := ask(p.Handler(), "GET /api/log?room=101"); w.Code != http.StatusNotFound {
		t.Errorf("the log on the page: %d %s", w.Code, w.Body)
	}
	if w := ask(p.Control(), "GET /api/rooms/101/slip.png"); !strings.HasPrefix(w.Body.String(), "\x89PNG") {
		t.Error("no picture")
	}
	p.Operator = nil
	for _, c := range asked {
		if w := ask(p.Control(), c.line); w.Code != http.StatusServiceUnavailable || w.Body.String() != "nothing runs\n" {
			t.Errorf("%s where nothing runs: %d %s", c.line, w.Code, w.Body)
		}
	}
}

// The page that everybody on the machine can see sets nothing off.
func TestPageOperatesNothing(t *testing.T) {
	var told []string
	p := healthy(pms.LinkLive)
	p.Operator = noted(&told)
	for _, c := range asked {
		if w := ask(p.Handler(), c.line); w.Code != http.StatusNotFound && w.Code != http.StatusMethodNotAllowed || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: %d %s", c.line, w.Code, w.Body)
		}
	}
	if len(told) > 0 {
		t.Errorf("it did %q", told)
	}
}
