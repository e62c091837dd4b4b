package web

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"edgeagent/internal/password"
)

// asked is every address of the page: what is asked, what somebody hears who may,
// and what he is answered. A new route must be added here.
var asked = []struct {
	pattern, line, told string
	want                int
	endless             bool // it answers until somebody leaves
}{
	{pattern: "GET /{$}", line: "GET /", want: 200},
	{pattern: "GET /app.js", line: "GET /app.js", want: 200},
	{pattern: "GET /house.js", line: "GET /house.js", want: 200},
	{pattern: "GET /view.js", line: "GET /view.js", want: 200},
	{pattern: "GET /style.css", line: "GET /style.css", want: 200},
	{pattern: "GET /icon.svg", line: "GET /icon.svg", want: 200},
	{pattern: "GET /-/healthy", line: "GET /-/healthy", want: 200},
	{pattern: "GET /api/me", line: "GET /api/me", want: 200},
	{pattern: "POST /api/login", line: `POST /api/login <- {"link":"x"}`, want: 401},
	{pattern: "POST /api/logout", line: "POST /api/logout", want: 204},
	{pattern: "GET /-/ready", line: "GET /-/ready", want: 200},
	{pattern: "GET /status.txt", line: "GET /status.txt", want: 200},
	{pattern: "GET /metrics", line: "GET /metrics", want: 200},
	{pattern: "GET /api/status", line: "GET /api/status", want: 200},
	{pattern: "GET /api/stream", line: "GET /api/stream", want: 200, endless: true},
	{pattern: "GET /api/log", line: "GET /api/log", want: 200},
	{pattern: "POST /api/explain", line: `POST /api/explain <- {"text":"stay.checked_in"}`, told: "sample stay.checked_in", want: 200},
	{pattern: "POST /api/events/{id}/explain", line: "POST /api/events/a%2F1%231/explain", told: "happened a/1#1", want: 200},
	{pattern: "POST /api/rooms/{room}/names", line: "POST /api/rooms/101/names", told: "names for NAME 101", want: 200},
	{pattern: "POST /api/links/{id}/reconnect", line: "POST /api/links/inspire/reconnect", told: "reconnect inspire", want: 204},
	{pattern: "POST /api/devices/{id}/probe", line: "POST /api/devices/desk/probe", told: "probe desk", want: 204},
	{pattern: "POST /api/commands/{id}/retry", line: "POST /api/commands/pms%2F1%2Fcut%20a%20key%2F1/retry", told: "retry pms/1/cut a key/1", want: 204},
	{pattern: "POST /api/commands/{id}/cancel", line: "POST /api/commands/b/cancel", told: "cancel b", want: 204},
	{pattern: "POST /api/commands/{id}/done", line: "POST /api/commands/b/done", told: "done b", want: 204},
	{pattern: "POST /api/commands/{id}/not-done", line: "POST /api/commands/b/not-done", told: "not done b", want: 204},
	{pattern: "POST /api/reload", line: "POST /api/reload", told: "reload all", want: 204},
	{pattern: "GET /api/devices/{id}/trace", line: "GET /api/devices/desk/trace", told: "trace desk", want: 200},
	{pattern: "GET /api/rooms/{room}/slip.txt", line: "GET /api/rooms/101%2FA/slip.txt", told: "slip 101/A", want: 200},
	{pattern: "GET /api/rooms/{room}/slip.png", line: "GET /api/rooms/101%2FA/slip.png", told: "slip 101/A", want: 200},
	{pattern: "GET /api/rooms/{room}/slip.json", line: "GET /api/rooms/101%2FA/slip.json", told: "slip 101/A", want: 200},
	{pattern: "GET /api/store", line: "GET /api/store", told: "snapshot all", want: 200},
	{pattern: "POST /api/page", line: "POST /api/page", want: 200},
}

// public is what whoever reaches the page may have: it tells nothing of the house.
var public = []string{"GET /{$}", "GET /app.js", "GET /house.js", "GET /view.js", "GET /style.css", "GET /icon.svg", "GET /-/healthy", "GET /api/me", "POST /api/login", "POST /api/logout"}

// looking is what shows how things stand, and changes nothing.
var looking = []string{"GET /-/ready", "GET /status.txt", "GET /metrics", "GET /api/status", "GET /api/stream", "GET /api/log", "POST /api/explain"}

const (
	lookToken    = "look-0123456789abcdef0123456789abcdef"
	operateToken = "operate-0123456789abcdef0123456789abcdef"
)

func users() []User {
	return []User{{Name: "prometheus", Token: lookToken}, {Name: "scripts", Operates: true, Token: operateToken}, {Name: "desk", Operates: true, Password: &password.Hash{}}}
}

func own(r *http.Request) { r.Header.Set(ownHeader, "1") }
func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}
func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// leaving answers a request of somebody who has left, so that a stream ends.
func leaving(p *Page) http.Handler {
	closed := make(chan struct{})
	close(closed)
	p.Closing = closed
	return p.Handler()
}

func TestEveryRoute(t *testing.T) {
	var have, want []string
	for _, r := range routes {
		have = append(have, r.pattern)
	}
	for _, c := range asked {
		want = append(want, c.pattern)
	}
	if !slices.Equal(have, want) {
		t.Fatalf("the routes are\n%s\nand this test knows\n%s", strings.Join(have, "\n"), strings.Join(want, "\n"))
	}
	var told []string
	here, open := busy(&told), busy(&told)
	here.Users, open.Users, open.Open = users(), users(), true
	quiet := busy(&told) // on loopback, without users
	session := func(p *Page, user string, may need) func(*http.Request) {
		id := p.sessions.begin(user, may)
		return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "edgeagent", Value: id}) }
	}
	operator := session(open, "desk", toOperate)
	asLooker := func(r *http.Request) { session(open, "night", toLook)(r) } // a new one each time: it may log out
	asOperator := func(r *http.Request) { session(open, "desk", toOperate)(r) }
	type visit struct {
		who  string
		page *Page
		with []func(*http.Request)
		may  need
		name string // as which names are asked for
	}
	for _, v := range []visit{
		{who: "a stranger on the network", page: open, with: []func(*http.Request){own}},
		{who: "a stranger with a made-up cookie", page: open, with: []func(*http.Request){own, func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "edgeagent", Value: "x"}) }}},
		{who: "a stranger with a made-up token", page: open, with: []func(*http.Request){own, bearer("x")}},
		{who: "a stranger with an empty token", page: open, with: []func(*http.Request){own, bearer("")}},
		{who: "somebody on this machine", page: here, with: []func(*http.Request){own}, may: toLook},
		{who: "somebody on this machine, without users", page: quiet, with: []func(*http.Request){own}, may: toLook},
		{who: "somebody on this machine with a made-up token", page: here, with: []func(*http.Request){own, bearer("x")}, may: toLook},
		{who: "a user who may look", page: open, with: []func(*http.Request){own, asLooker}, may: toLook},
		{who: "a script that may look", page: open, with: []func(*http.Request){own, bearer(lookToken)}, may: toLook},
		{who: "an operator", page: open, with: []func(*http.Request){own, asOperator, header("Sec-Fetch-Site", "same-origin"), header("Origin", "http://127.0.0.1:8080")}, may: toOperate, name: "desk"},
		{who: "a script that operates", page: open, with: []func(*http.Request){own, bearer(operateToken)}, may: toOperate, name: "scripts"},
	} {
		h := leaving(v.page)
		for _, c := range asked {
			told, v.page.tries = nil, limiter{}
			w := ask(h, c.line, v.with...)
			if allowed(c.pattern, v.may) {
				hears := strings.Replace(c.told, "NAME", v.name, 1)
				if w.Code != c.want || strings.Join(told, "; ") != hears {
					t.Errorf("%s, %s: %d %s, told %q", v.who, c.line, w.Code, w.Body, told)
				}
				continue
			}
			if refused(w) == "" || len(told) > 0 || strings.Contains(w.Body.String(), "secret") {
				t.Errorf("%s, %s: %d %.80s, told %q", v.who, c.line, w.Code, w.Body, told)
			}
		}
	}
	// A request that a browser sends for another site does nothing, whoever the cookie says it is.
	for name, change := range map[string][]func(*http.Request){
		"another site":              {own, header("Sec-Fetch-Site", "cross-site")},
		"another port of this host": {own, header("Sec-Fetch-Site", "same-site")},
		"another origin":            {own, header("Origin", "http://evil.example")},
		"another origin, by port":   {own, header("Origin", "http://127.0.0.1:3000")},
		"no origin":                 {own, header("Origin", "null")},
		"a form":                    {header("Content-Type", "application/x-www-form-urlencoded")},
	} {
		h := leaving(open)
		for _, c := range asked {
			if slices.Contains(public, c.pattern) && strings.HasPrefix(c.pattern, "GET") {
				continue
			}
			if name == "a form" && !strings.HasPrefix(c.pattern, "POST") {
				continue
			}
			told = nil
			w := ask(h, c.line, append(change, operator)...)
			if refused(w) == "" || len(told) > 0 || strings.Contains(w.Body.String(), "secret") {
				t.Errorf("%s, %s: %d %.80s, told %q", name, c.line, w.Code, w.Body, told)
			}
		}
	}
	if _, still := open.sessions.find(cookieOf(operator), false); !still {
		t.Error("another site could log the operator out")
	}
}

func cookieOf(with func(*http.Request)) string {
	r := httptest.NewRequest("GET", "/", nil)
	with(r)
	c, _ := r.Cookie("edgeagent")
	return c.Value
}

func allowed(pattern string, may need) bool {
	switch {
	case slices.Contains(public, pattern):
		return true
	case slices.Contains(looking, pattern):
		return may >= toLook
	}
	return may >= toOperate && !strings.Contains(pattern, "/slip.") && !strings.Contains(pattern, "/trace") && pattern != "GET /api/store" && pattern != "POST /api/page"
}

// refused is how a request was refused, "" if it was not.
func refused(w *httptest.ResponseRecorder) string {
	if w.Code == 401 || w.Code == 403 || w.Code == 404 || w.Code == 405 {
		return w.Body.String()
	}
	return ""
}

// Other methods than those in the table are none.
func TestOtherMethods(t *testing.T) {
	var told []string
	p := busy(&told)
	p.Users = users()
	for _, c := range asked {
		_, path, _ := strings.Cut(c.line, " ")
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			if strings.HasPrefix(c.line, method) {
				continue
			}
			if w := ask(leaving(p), method+" "+path, own, bearer(operateToken)); w.Code != 405 && w.Code != 404 {
				t.Errorf("%s %s: %d", method, path, w.Code)
			}
		}
	}
	if w := ask(p.Handler(), "GET /../etc/passwd"); w.Code == 200 {
		t.Error("a path outside is served")
	}
	if len(told) > 0 {
		t.Errorf("it did %q", told)
	}
}

// What stands in each answer of the page for browsers.
func TestHeaders(t *testing.T) {
	var told []string
	p := busy(&told)
	for _, line := range []string{"GET /", "GET /app.js", "GET /api/me", "GET /api/status", "POST /api/commands/a/retry"} {
		h := ask(p.Handler(), line).Header()
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
			"X-Content-Type-Options":  "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if h.Get(name) != want {
				t.Errorf("%s: %s: %q", line, name, h.Get(name))
			}
		}
		if h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s is open to other sites", line)
		}
		if cache := h.Get("Cache-Control"); strings.Contains(line, "api") && cache != "no-store" {
			t.Errorf("%s: Cache-Control %q", line, cache)
		}
	}
}

// Whoever is refused is told what to do.
func TestRefusals(t *testing.T) {
	var told []string
	for _, tt := range []struct {
		users      []User
		open       bool
		line, want string
		with       []func(*http.Request)
		code       int
	}{
		{nil, false, "POST /api/commands/a/retry", "this page only shows; to operate, run edgeagent page on the gateway and open the link that it prints\n", []func(*http.Request){own}, 401},
		{nil, true, "GET /api/status", "run edgeagent page on the gateway and open the link that it prints\n", nil, 401},
		{users(), false, "POST /api/commands/a/retry", "log in first\n", []func(*http.Request){own}, 401},
		{users(), true, "GET /api/status", "log in first\n", nil, 401},
		{users(), true, "POST /api/commands/a/retry", "user prometheus may look, but not operate\n", []func(*http.Request){own, bearer(lookToken)}, 403},
		{users(), true, "POST /api/commands/a/retry", "what changes something needs the header X-Edgeagent: 1\n", []func(*http.Request){bearer(operateToken)}, 403},
		{users(), true, "POST /api/commands/a/retry", "this request comes from another site\n", []func(*http.Request){own, bearer(operateToken), header("Origin", "https://127.0.0.1:8080")}, 403},
	} {
		p := busy(&told)
		p.Users, p.Open = tt.users, tt.open
		if w := ask(p.Handler(), tt.line, tt.with...); w.Code != tt.code || w.Body.String() != tt.want {
			t.Errorf("%s: %d %s", tt.line, w.Code, w.Body)
		}
	}
}
