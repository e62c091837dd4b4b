package logring

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
)

func filled() *Ring {
	r := &Ring{}
	for _, line := range []string{
		`{"level":"info","time":"2026-11-24T15:00:00+01:00","message":"running","version":"v1"}`,
		`{"level":"warn","device":"lobby","subject":"room:101","command":"pms/1/cut a key/1","tries":2,"time":"2026-11-24T15:00:01+01:00","message":"not done"}`,
		`{"level":"info","pms":"inspire","source":"inspire","time":"2026-11-24T15:00:02+01:00","message":"live"}`,
		`{"level":"info","room":"102","note":"","seq":9007199254740993,"time":"2026-11-24T15:00:03+01:00","message":"WiFi slip asked for"}`,
		"no JSON at all\n",
	} {
		_, _ = r.Write([]byte(line))
	}
	return r
}

func TestLines(t *testing.T) {
	at := func(second int) time.Time { return time.Date(2026, 11, 24, 14, 0, second, 0, time.UTC) }
	all := []Line{
		{N: 1, At: at(0), Level: "info", Text: "running version=v1"},
		{N: 2, At: at(1), Level: "warn", Device: "lobby", Room: "101", Text: `not done command="pms/1/cut a key/1" tries=2`},
		{N: 3, At: at(2), Level: "info", Device: "inspire", Text: "live"},
		{N: 4, At: at(3), Level: "info", Room: "102", Text: `WiFi slip asked for note="" seq=9007199254740993`},
		{N: 5, Text: "no JSON at all"},
	}
	r := filled()
	for _, c := range []struct {
		f    Filter
		want []Line
	}{
		{Filter{}, all},
		{Filter{After: 3}, all[3:]},
		{Filter{After: 5}, nil},
		{Filter{After: 9}, all},
		{Filter{Device: "lobby"}, all[1:2]},
		{Filter{Room: "101"}, all[1:2]},
		{Filter{Room: "101", Device: "inspire"}, nil},
	} {
		if diff := cmp.Diff(c.want, r.Lines(c.f), cmp.Comparer(time.Time.Equal)); diff != "" {
			t.Errorf("%+v (-want +got)\n%s", c.f, diff)
		}
	}
}

// Who knows a number of an agent that is gone hears all that its successor says.
func TestNumbersGoOnOverAStart(t *testing.T) {
	first := New()
	fmt.Fprint(first, `{"message":"stopped"}`)
	seen := first.Lines(Filter{})[0].N
	time.Sleep(2 * time.Millisecond)
	second := New()
	fmt.Fprint(second, `{"message":"running"}`)
	if lines := second.Lines(Filter{After: seen}); len(lines) != 1 || lines[0].Text != "running" {
		t.Errorf("%+v", lines)
	}
}

func TestServe(t *testing.T) {
	get := func(query string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		filled().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/log"+query, nil))
		return w
	}
	const want = `{"n":3,"at":"2026-11-24T15:00:02+01:00","level":"info","device":"inspire","text":"live"}` + "\n"
	if w := get("?device=inspire&after=1"); w.Body.String() != want || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%s", w.Body)
	}
	if w := get("?after=x"); w.Code != http.StatusBadRequest || w.Body.String() != "after=\"x\" is no line number\n" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// The oldest go first, by number and by size, and the numbers go on.
func TestBounds(t *testing.T) {
	r := &Ring{}
	for i := range maxLines + 10 {
		fmt.Fprintf(r, `{"message":"%d"}`, i)
	}
	if lines := r.Lines(Filter{}); len(lines) != maxLines || lines[0].N != 11 || lines[0].Text != "10" {
		t.Errorf("%d lines from %+v on", len(lines), lines[0])
	}
	fmt.Fprint(r, strings.Repeat("x", maxLine+1))
	last := r.Lines(Filter{After: maxLines + 10})
	if len(last) != 1 || last[0].Text != "a log line of 4097 bytes is left out here" {
		t.Errorf("%+v", last)
	}
	for range 2 * maxBytes / maxLine {
		fmt.Fprint(r, strings.Repeat("y", maxLine))
	}
	if n := len(r.Lines(Filter{})); n != maxBytes/maxLine || r.bytes > maxBytes {
		t.Errorf("%d lines, %d bytes", n, r.bytes)
	}
}

// zerolog writes what the ring reads, and several may write and read at once.
func TestManyWriters(t *testing.T) {
	r := &Ring{}
	log := zerolog.New(r).With().Timestamp().Logger()
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for range 25 {
				log.Info().Str("device", fmt.Sprint(i)).Msg("works")
				r.Lines(Filter{After: r.Lines(Filter{})[0].N})
			}
		})
	}
	all.Wait()
	if lines := r.Lines(Filter{Device: "2"}); len(lines) != 25 || lines[0].Level != "info" || lines[0].At.IsZero() || lines[0].Text != "works" {
		t.Errorf("%d lines, the first %+v", len(lines), lines[0])
	}
}

// Whatever was written, a line is JSON for the page.
func TestAfterIsJSON(t *testing.T) {
	r := &Ring{}
	for _, line := range []string{"plain text\n", "{\"torn\":", "\xff\xfe", "", `{"message":"</script><b>"}`} {
		if n, err := r.Write([]byte(line)); n != len(line) || err != nil {
			t.Errorf("%d %v", n, err)
		}
	}
	lines, newest := r.After(0)
	for _, line := range lines {
		var v map[string]any
		if err := json.Unmarshal(line, &v); err != nil {
			t.Errorf("%.40s: %v", line, err)
		}
	}
	if len(lines) != 5 || newest != 5 || r.Newest() != 5 || string(lines[0]) != `{"message":"plain text"}` {
		t.Errorf("%s, newest %d", lines, newest)
	}
	if lines, _ := r.After(4); len(lines) != 1 {
		t.Errorf("%s", lines)
	}
	var none *Ring
	if lines, newest := none.After(0); lines != nil || newest != 0 || none.Newest() != 0 {
		t.Error("a ring that is none has lines")
	}
}
