package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"edgeagent/drivers"
	"edgeagent/internal/slip"
	"edgeagent/pms"
	"edgeagent/rules"
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
		Reload:    func() (string, error) { return "", note("reload")("all") },
		Reconnect: note("reconnect"), Retry: note("retry"), Cancel: note("cancel"),
		Resolve: func(id string, done bool) error {
			return note(map[bool]string{true: "done", false: "not done"}[done])(id)
		},
		Probe: func(_ context.Context, device string) error { return note("probe")(device) },
		Names: func(room, who string) ([]pms.Guest, error) {
			return []pms.Guest{{Title: "Sra.", First: "Ana", Last: "secret"}, {Last: "<b>"}}, note("names for " + who)(room)
		},
		Trace: func(device string) (string, error) { return "> CN|1\n", note("trace")(device) },
		Slip: func(room string) (slip.Slip, error) {
			return slip.Slip{Hotel: "H", Room: room, SSID: "G", Codes: []slip.Code{{Code: "secret"}}}, note("slip")(room)
		},
		Snapshot: func(begin func(int64) (io.Writer, error)) error {
			w, err := begin(6)
			if err != nil {
				return err
			}
			_, err = io.WriteString(w, "secret")
			return errors.Join(err, note("snapshot")("all"))
		},
	}
}

// notedRules write down what they are asked, and know one rule.
func notedRules(told *[]string) *Rules {
	return &Rules{
		Sample: func(kind string, fields []string) ([]pms.Event, error) {
			if kind == "nonsense" {
				return nil, errors.New(`unknown event "nonsense"`)
			}
			*told = append(*told, "sample "+strings.Join(append([]string{kind}, fields...), " "))
			return []pms.Event{{Kind: pms.EventKind(kind), Room: "101"}, {Kind: pms.RoomOccupied, Room: "101"}}, nil
		},
		Happened: func(id string) (pms.Event, error) {
			if id == "gone" {
				return pms.Event{}, errors.New("not among the last ones")
			}
			*told = append(*told, "happened "+id)
			return pms.Event{ID: id, Kind: pms.StayCheckedIn, Room: "101"}, nil
		},
		Explain: func(events []pms.Event) rules.Together {
			return rules.Together{
				Fires: []rules.Firing{{Event: len(events) - 1, Verdict: rules.Verdict{Rule: "greet", Fires: true, Steps: []rules.StepVerdict{
					{Number: 1, Target: "tvs", Action: "welcome", Planned: &rules.Planned{
						After: 90e9, Command: drivers.Command{Subject: "room:101", Params: map[string]string{"title": "Ms", "names": "[]"}}}},
					{Number: 2, Target: "wifi", Action: "ensure", Why: "there is no WiFi device"},
				}}}},
				Others: []rules.Verdict{{Rule: "cut a key", Field: "fresh", Wanted: "true", Actual: "false"}},
			}
		},
	}
}

func ask(h http.Handler, line string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	line, body, _ := strings.Cut(line, " <- ")
	method, path, _ := strings.Cut(line, " ")
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "127.0.0.1:8080"
	for _, c := range change {
		c(r)
	}
	h.ServeHTTP(w, r)
	return w
}

// busy is a page at which everything can be done.
func busy(told *[]string) *Page {
	p := healthy(pms.LinkLive)
	p.Operator, p.Rules, p.Address = noted(told), notedRules(told), "http://127.0.0.1:8080"
	return p
}

func TestControlSocketOperates(t *testing.T) {
	var told []string
	p := busy(&told)
	for _, c := range asked {
		if c.endless {
			continue
		}
		told = nil
		w := ask(p.Control(), c.line)
		if c.told != "" && (w.Code != c.want || !slices.Equal(told, []string{strings.Replace(c.told, "for NAME", "for control socket", 1)})) {
			t.Errorf("%s: %d %s, told %q", c.line, w.Code, w.Body, told)
		}
	}
	for _, line := range []string{"POST /api/commands/gone/retry", "POST /api/rooms/gone/names"} {
		if w := ask(p.Control(), line); w.Code != http.StatusConflict || w.Body.String() != "no such thing\n" {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if w := ask(p.Control(), "GET /api/rooms/101/slip.txt"); !strings.Contains(w.Body.String(), "Code       secret") || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%s %v", w.Body, w.Header())
	}
	if w := ask(p.Control(), "GET /api/rooms/101/slip.png"); !strings.HasPrefix(w.Body.String(), "\x89PNG") {
		t.Error("no picture")
	}
	if w := ask(p.Control(), "POST /api/rooms/101/names"); w.Body.String() != `{"names":["Sra. Ana secret","\u003cb\u003e"]}`+"\n" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%s %v", w.Body, w.Header())
	}
	p.Operator, p.Rules = nil, nil
	for _, c := range asked {
		if c.told == "" {
			continue
		}
		if w := ask(p.Control(), c.line); w.Code != http.StatusServiceUnavailable || w.Body.String() != "nothing runs\n" {
			t.Errorf("%s where nothing runs: %d %s", c.line, w.Code, w.Body)
		}
	}
}

func TestExplanation(t *testing.T) {
	var told []string
	p := busy(&told)
	w := ask(p.Control(), `POST /api/explain <- {"text":"stay.checked_in room=101 last_name=\"de Souza\""}`)
	const want = `{"event":"stay.checked_in","room":"101","fires":[{"rule":"greet","on":"room.occupied of 101","steps":[` +
		`{"action":"welcome","target":"tvs","subject":"room:101","after":90,"params":[["names","[]"],["title","Ms"]]},` +
		`{"action":"ensure","target":"wifi","why":"there is no WiFi device"}]}],` +
		`"others":[{"rule":"cut a key","field":"fresh","actual":"false","wanted":"true"}]}` + "\n"
	if w.Body.String() != want || told[0] != "sample stay.checked_in room=101 last_name=de Souza" {
		t.Errorf("%s\n%q", w.Body, told)
	}
	for text, want := range map[string]string{
		`{"text":"nonsense"}`:           "unknown event \"nonsense\"\n",
		`{"text":" "}`:                  "name an event, such as stay.checked_in room=101\n",
		`{"text":"a b=\"c"}`:            "a double quote is not closed\n",
		`{"text":"{\"room\":\"101\"}"}`: "the event lacks its kind, such as \"kind\": \"stay.checked_in\"\n",
		`{"text":"{\"room\""}`:          "this is no JSON: unexpected end of JSON input\n",
		`{"text`:                        "the request cannot be read\n",
	} {
		if w := ask(p.Control(), "POST /api/explain <- "+text); w.Body.String() != want || w.Code/100 != 4 {
			t.Errorf("%s: %d %s", text, w.Code, w.Body)
		}
	}
	if w := ask(p.Control(), "POST /api/events/gone/explain"); w.Code != http.StatusConflict {
		t.Errorf("%d", w.Code)
	}
}

// What /api/status shows of an event can be pasted as it is.
func TestPastedEvent(t *testing.T) {
	kind, fields, err := question(`{"id":"inspire/1#1","kind":"stay.checked_out","source":"inspire","at":"2026-11-22T15:04:05Z",
		"room":"101","stay":"0123456789abcdef","fresh":true,"commands":["a","b"]}`)
	if err != nil || kind != "stay.checked_out" || !slices.Equal(fields, []string{"fresh=true", "room=101", "source=inspire", "stay=0123456789abcdef"}) {
		t.Errorf("%s %q %v", kind, fields, err)
	}
}
