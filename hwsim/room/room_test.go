package room

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim"
)

// open is a hotel without an agent, and its control room.
func open(t *testing.T, change func(*Options)) *Room {
	t.Helper()
	h, err := hwsim.Open(hwsim.Options{Dir: t.TempDir(), Rooms: []string{"101", "102"}, Annex: []string{"401", "402"}, ByHand: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	o := Options{Hotel: h}
	if change != nil {
		change(&o)
	}
	r := New(o)
	if err := r.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// from is what the page itself sends with a deed.
func (r *Room) from() http.Header {
	return http.Header{"Origin": {strings.TrimSuffix(r.URL(), "/")}, "X-Control-Room": {"1"}, "Content-Type": {"application/json"}, "Sec-Fetch-Site": {"same-origin"}}
}

func send(t *testing.T, method, url, host string, header http.Header, body string) (*http.Response, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header, req.Host = header.Clone(), host
	if req.Header == nil {
		req.Header = http.Header{}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, strings.TrimSpace(string(text))
}

// do does a deed as the page does it, and gives what it says.
func (r *Room) do(t *testing.T, d Deed) string {
	t.Helper()
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	_, said := send(t, http.MethodPost, r.URL()+"api/act", "", r.from(), string(text))
	var answer struct{ Said, Error string }
	if err := json.Unmarshal([]byte(said), &answer); err != nil {
		t.Fatalf("%s: %v", said, err)
	}
	if answer.Error != "" {
		return "not done: " + answer.Error
	}
	return answer.Said
}

func (r *Room) says(t *testing.T, d Deed, want string) {
	t.Helper()
	if said := r.do(t, d); said != want {
		t.Errorf("%s: the page says %q, want %q", d.Do, said, want)
	}
}

func TestPageIsWhole(t *testing.T) {
	r := open(t, nil)
	total := 0
	for path, kind := range map[string]string{"": "text/html", "style.css": "text/css", "app.js": "text/javascript"} {
		resp, text := send(t, http.MethodGet, r.URL()+path, "", nil, "")
		if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), kind) {
			t.Errorf("/%s: %s, %s", path, resp.Status, resp.Header.Get("Content-Type"))
		}
		if csp := resp.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; script-src 'self'; style-src 'self'") || strings.Contains(csp, "unsafe") {
			t.Errorf("/%s: the policy is %q", path, csp)
		}
		for _, bad := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "https://", "//cdn", "<style", " style=", "onclick=\""} {
			if strings.Contains(text, bad) {
				t.Errorf("/%s has %s", path, bad)
			}
		}
		total += len(text)
	}
	if total > 60_000 {
		t.Errorf("the page has %d bytes, more than 60 kB", total)
	}
	if resp, _ := send(t, http.MethodGet, r.URL()+"room.go", "", nil, ""); resp.StatusCode != http.StatusNotFound {
		t.Error(resp.Status)
	}
}

// Whoever is not the page itself changes nothing and reads nothing: each row
// is what another site, or its name for this machine, could send.
func TestOtherSitesChangeNothing(t *testing.T) {
	r := open(t, nil)
	good, _ := json.Marshal(Deed{Do: "check in", Last: "Silva", Room: "101", Nights: 1})
	with := func(name, value string) http.Header {
		h := r.from()
		if h.Del(name); value != "" {
			h.Set(name, value)
		}
		return h
	}
	for _, tt := range []struct {
		name, method, path, host string
		header                   http.Header
		status                   int
		want                     string
	}{
		{"another origin", "POST", "api/act", "", with("Origin", "http://evil.example"), 403, "an act comes from the page itself: the header Origin names another one, or none"},
		{"an origin on another port", "POST", "api/act", "", with("Origin", "http://127.0.0.1:1"), 403, "an act comes from the page itself: the header Origin names another one, or none"},
		{"no origin", "POST", "api/act", "", with("Origin", ""), 403, "an act comes from the page itself: the header Origin names another one, or none"},
		{"null origin", "POST", "api/act", "", with("Origin", "null"), 403, "an act comes from the page itself: the header Origin names another one, or none"},
		{"no header of ours", "POST", "api/act", "", with("X-Control-Room", ""), 403, "an act comes from the page itself: the header X-Control-Room is missing"},
		{"a form", "POST", "api/act", "", with("Content-Type", "text/plain"), 415, "an act is application/json"},
		{"cross-site", "POST", "api/act", "", with("Sec-Fetch-Site", "cross-site"), 403, "this page does not answer to other sites"},
		{"another port of this machine", "POST", "api/act", "", with("Sec-Fetch-Site", "same-site"), 403, "this page does not answer to other sites"},
		{"another name", "POST", "api/act", "evil.example", with("Origin", "http://evil.example"), 403, "this page answers to " + r.URL() + " only"},
		{"another name that reads", "GET", "api/state", "evil.example", nil, 403, "this page answers to " + r.URL() + " only"},
		{"another name that listens", "GET", "api/live", "evil.example:80", nil, 403, "this page answers to " + r.URL() + " only"},
		{"cross-site reading", "GET", "api/state", "", http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403, "this page does not answer to other sites"},
		{"reading an act", "GET", "api/act", "", nil, 404, "404 page not found"},
		{"another method", "PUT", "api/act", "", r.from(), 404, "404 page not found"},
	} {
		resp, text := send(t, tt.method, r.URL()+tt.path, tt.host, tt.header, string(good))
		if resp.StatusCode != tt.status || text != tt.want {
			t.Errorf("%s: %s %q, want %d %q", tt.name, resp.Status, text, tt.status, tt.want)
		}
		if cors := resp.Header.Get("Access-Control-Allow-Origin"); cors != "" {
			t.Errorf("%s: other sites are let in: %s", tt.name, cors)
		}
	}
	if stays := r.opt.Hotel.Stays(); len(stays) > 0 {
		t.Fatalf("somebody checked in: %+v", stays)
	}
	r.says(t, Deed{Do: "check in", Last: "Silva", Room: "101", Nights: 1}, "Silva is checked in to 101")
}

func TestOnlyThisMachine(t *testing.T) {
	h, err := hwsim.Open(hwsim.Options{Dir: t.TempDir(), Rooms: []string{"101"}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for address, want := range map[string]string{
		"0.0.0.0:0":    `"0.0.0.0:0" can be reached from outside: the control room is for this machine only, write one such as 127.0.0.1:8090`,
		":8090":        `":8090" can be reached from outside: the control room is for this machine only, write one such as 127.0.0.1:8090`,
		"192.0.2.1:80": `"192.0.2.1:80" can be reached from outside: the control room is for this machine only, write one such as 127.0.0.1:8090`,
		"8090":         `"8090" is no address: write one such as 127.0.0.1:8090`,
	} {
		if err := New(Options{Hotel: h}).Listen(address); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", address, err, want)
		}
	}
}

func TestNotAnAct(t *testing.T) {
	r := open(t, nil)
	for body, want := range map[string]string{
		"":                   "not an act: EOF",
		`{"do":"dance"}`:     `{"error":"\"dance\" is nothing that can be done here"}`,
		`{"shell":"rm"}`:     `not an act: json: unknown field "shell"`,
		`{"do":"check in"} `: `{"error":"there is no room \"\""}`,
		`{"do":"` + strings.Repeat("x", maxDeed) + `"}`: "not an act: http: request body too large",
	} {
		if _, text := send(t, http.MethodPost, r.URL()+"api/act", "", r.from(), body); text != want {
			t.Errorf("%.40s: %s, want %s", body, text, want)
		}
	}
}

// Names and messages are shown as they are, so what no guest is called is refused.
func TestWordsAreBounded(t *testing.T) {
	r := open(t, nil)
	in := Deed{Do: "check in", Last: "Silva", Room: "101", Nights: 1}
	long, line := in, in
	long.First = strings.Repeat("ä", 61)
	line.Last = "Sil\nva"
	r.says(t, long, "not done: the first name is longer than 60 characters")
	title := in
	title.Title = strings.Repeat("ä", 21) // as in the form
	r.says(t, title, "not done: the title is longer than 20 characters")
	r.says(t, line, "not done: the last name has control characters")
	in.Last = `<img src=x onerror=alert(1)>`
	r.says(t, in, `<img src=x onerror=alert(1)> is checked in to 101`)
}

// Whoever left today can be called back, of a large house too.
func TestAllWhoLeftAreOffered(t *testing.T) {
	r := open(t, nil)
	const gone = 40
	for range gone {
		s := r.opt.Hotel.Guest("Ms", "Ana", "Silva", "PT", 1)
		r.opt.Hotel.Desk().CheckIn(s, "101")
		r.opt.Hotel.Desk().CheckOut(s)
	}
	if n := len(r.View(t.Context()).Left); n != gone {
		t.Errorf("%d of %d who have left are offered", n, gone)
	}
}

// The page is told of what changes, and of nothing while nothing does.
func TestLive(t *testing.T) {
	r := open(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL()+"api/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if kind := resp.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Fatal(kind)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	next := func() View {
		t.Helper()
		for lines.Scan() {
			if text, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: ")); ok {
				var v View
				if err := json.Unmarshal(text, &v); err != nil {
					t.Fatal(err)
				}
				return v
			}
		}
		t.Fatal("the stream ended: ", lines.Err())
		return View{}
	}
	if v := next(); len(v.Rooms) != 4 || len(v.Encoders) != 2 || v.Rooms[2].Room != "401" || !v.Rooms[2].Mews {
		t.Fatalf("%+v", v)
	}
	r.says(t, Deed{Do: "check in", Title: "Ms", First: "Ana", Last: "Silva", Room: "101", Nights: 2}, "Silva is checked in to 101")
	for {
		v := next()
		if len(v.Rooms[0].Guests) == 1 && len(v.Wrong) == 2 {
			if v.Rooms[0].Guests[0].Name != "Ms Ana Silva" || v.Wrong[0].Text != `TV 101 shows [], want ["Silva"]` {
				t.Errorf("%+v %+v", v.Rooms[0], v.Wrong)
			}
			break
		}
	}
}

func TestNobodyActsWhileTheDayPlays(t *testing.T) {
	r := open(t, func(o *Options) { o.Locked = func() string { return "the day is playing" } })
	r.says(t, Deed{Do: "check in", Last: "Silva", Room: "101", Nights: 1}, "not done: the day is playing")
	if v := r.View(t.Context()); v.Locked != "the day is playing" {
		t.Errorf("%+v", v)
	}
}

// What script the page has knows every deed by its name, and no other.
func TestThePageKnowsTheDeeds(t *testing.T) {
	script, err := page.ReadFile("page/app.js")
	if err != nil {
		t.Fatal(err)
	}
	html, err := page.ReadFile("page/index.html")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, m := range regexp.MustCompile(`do: '([a-z -]+)'`).FindAllSubmatch(script, -1) {
		known[string(m[1])] = true
	}
	for _, m := range regexp.MustCompile(`data-do="([a-z -]+)"`).FindAllSubmatch(html, -1) {
		known[string(m[1])] = true
	}
	for name := range deeds() {
		if !known[name] {
			t.Errorf("nothing on the page does %q", name)
		}
		delete(known, name)
	}
	for name := range known {
		t.Errorf("the page does %q, which there is not", name)
	}
	for name := range nextCards() {
		if !bytes.Contains(script, []byte("['"+name+"',")) {
			t.Errorf("the page does not let the next card go wrong with %q", name)
		}
	}
}
