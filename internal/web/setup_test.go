package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

const setupCodeOfTest = "ABCD-2345"

// setupOf is a setup page that writes down what it has done.
func setupOf(told *[]string) *Setup {
	tell := func(form string, args ...any) { *told = append(*told, fmt.Sprintf(form, args...)) }
	return &Setup{Version: "v1", Told: "on the screen", Code: setupCodeOfTest, Log: zerolog.Nop(), text: "a: <b>\n", Desk: Desk{
		Machine: func() Machine {
			return Machine{Name: "gw", File: "/etc/edgeagent/property.yaml", Clock: "now", Addresses: []string{"192.0.2.7"}, Ports: []Port{{"/dev/x", "<FTDI>"}}}
		},
		Check: func(text string) Checked {
			return Checked{Sum: "1 problem", Fine: text == "fine\n", Faults: []Fault{{Line: 1, Column: 4, Text: "no <b> here", Source: "a: <b>", Before: "   "}},
				Files: []Wanted{{Name: "s-ecret", For: "pms[0].x_file", How: AsSecret}, {Name: "page", For: "status.users[0].password_file", How: AsPassword}, {Name: "c.pem", How: AsPEM, There: true}, {Name: "/x", Path: "/x"}}, NoCertificate: true}
		},
		Ask: func(_ context.Context, given map[string]string) ([]Question, string) {
			if given["name"] == "Sea" {
				tell("asked %v", given)
				return nil, "fine\n"
			}
			return []Question{{Name: "name", Text: "Name", Help: "of <it>", Answer: given["name"], Problem: "no <such> name", Suggest: []string{"<s>"}}, {Name: "pms", Text: "PMS", OneOf: []string{"a", "<b>"}, Answer: "<b>"}}, ""
		},
		Keep: func(text, name, value string) error {
			tell("keep %s %q of %q", name, value, text)
			if value == "bad" {
				return errors.New("it is <bad>")
			}
			return nil
		},
		OwnCertificate: func(string) error { tell("certificate"); return nil },
		Install: func(text string) (string, error) {
			tell("install %q", text)
			return "https://192.0.2.7:8443/", nil
		},
		Close: func() { tell("close") },
	}}
}

// in logs in, and gives what a browser sends from then on: the cookie, and the token of its forms.
func in(t *testing.T, s *Setup) (cookie func(*http.Request), token string) {
	t.Helper()
	w := ask(s.Handler(), "POST /login <- code="+setupCodeOfTest, urlencoded)
	if w.Code != http.StatusSeeOther || len(w.Result().Cookies()) != 1 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	c := w.Result().Cookies()[0]
	cookie = func(r *http.Request) { r.AddCookie(c) }
	_, rest, _ := strings.Cut(ask(s.Handler(), "GET /", cookie).Body.String(), `name="token" value="`)
	token, _, _ = strings.Cut(rest, `"`)
	if len(token) != 64 {
		t.Fatalf("token %q", token)
	}
	return cookie, token
}

func urlencoded(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }

// setupAsked is every address of the setup page, and what it does for who may.
var setupAsked = []struct {
	pattern, line, told string
	want                int
}{
	{"GET /{$}", "GET /", "", 200},
	{"GET /style.css", "GET /style.css", "", 200},
	{"GET /icon.svg", "GET /icon.svg", "", 200},
	{"GET /-/healthy", "GET /-/healthy", "", 200},
	{"POST /login", "POST /login <- code=x", "", 401},
	{"POST /logout", "POST /logout", "", 303},
	{"POST /ask", "POST /ask <- q-name=Sea", "asked map[name:Sea]", 303},
	{"POST /text", "POST /text <- text=fine%0D%0A", "", 303},
	{"POST /files", "POST /files <- text-s-ecret=v&text-none=x", `keep s-ecret "v" of "a: <b>\n"`, 303},
	{"POST /certificate", "POST /certificate", "certificate", 303},
	{"POST /install", "POST /install <- seen=" + seen("a: <b>\n"), `install "a: <b>\n"; close`, 200},
}

func TestEverySetupRoute(t *testing.T) {
	var have, want []string
	for _, r := range setupRoutes {
		have = append(have, r.pattern)
	}
	for _, c := range setupAsked {
		want = append(want, c.pattern)
	}
	if !slices.Equal(have, want) {
		t.Fatalf("the routes are\n%s\nand this test knows\n%s", strings.Join(have, "\n"), strings.Join(want, "\n"))
	}
	open := []string{"GET /{$}", "GET /style.css", "GET /icon.svg", "GET /-/healthy", "POST /login"}
	var told []string
	for _, c := range setupAsked {
		if slices.Contains(open, c.pattern) {
			continue
		}
		told = nil
		s := setupOf(&told)
		cookie, token := in(t, s)
		body := "&token=" + token
		if !strings.Contains(c.line, " <- ") {
			body = " <- token=" + token
		}
		with := func(line string, change ...func(*http.Request)) *httptest.ResponseRecorder {
			s.tries = limiter{}
			return ask(s.Handler(), line, append([]func(*http.Request){urlencoded}, change...)...)
		}
		for name, w := range map[string]*httptest.ResponseRecorder{
			"a stranger":                       with(c.line + body),
			"a stranger with a made-up cookie": with(c.line+body, func(r *http.Request) { r.AddCookie(&http.Cookie{Name: setupCookie, Value: "x"}) }),
			"a form of nobody":                 with(c.line, cookie),
			"a form of another session":        with(c.line+strings.Replace(body, token, strings.Repeat("0", 64), 1), cookie),
			"another site":                     with(c.line+body, cookie, header("Sec-Fetch-Site", "cross-site")),
			"another port of this host":        with(c.line+body, cookie, header("Sec-Fetch-Site", "same-site")),
			"another origin":                   with(c.line+body, cookie, header("Origin", "https://evil.example")),
			"no origin":                        with(c.line+body, cookie, header("Origin", "null")),
			"GET":                              with(strings.Replace(c.line, "POST", "GET", 1)+body, cookie),
		} {
			if refused(w) == "" && w.Code != 400 || len(told) > 0 || strings.Contains(w.Body.String(), "gw") {
				t.Errorf("%s, %s: %d %.80s, told %q", name, c.pattern, w.Code, w.Body, told)
			}
		}
		if w := with(c.line+body, cookie, header("Sec-Fetch-Site", "same-origin"), header("Origin", "http://127.0.0.1:8080")); w.Code != c.want || strings.Join(told, "; ") != c.told {
			t.Errorf("%s: %d %s, told %q", c.pattern, w.Code, w.Body, told)
		}
	}
	s := setupOf(&told)
	for _, c := range setupAsked[:5] {
		if w := ask(s.Handler(), c.line, urlencoded); w.Code != c.want || strings.Contains(w.Body.String(), "gw") {
			t.Errorf("a stranger, %s: %d %s", c.pattern, w.Code, w.Body)
		}
	}
	if w := ask(s.Handler(), "GET /", func(r *http.Request) { r.Host = "evil.example:8443" }); w.Code != 403 || w.Body.String() != "this page answers to its address, or to a name that is in its certificate\n" {
		t.Errorf("another name: %d %s", w.Code, w.Body)
	}
	if w := ask(s.Handler(), "GET /api/status"); w.Code != 404 {
		t.Errorf("%d", w.Code)
	}
}

func TestSetupHeaders(t *testing.T) {
	var told []string
	for _, line := range []string{"GET /", "POST /login <- code=x", "POST /install"} {
		h := ask(setupOf(&told).Handler(), line, urlencoded).Header()
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			"X-Content-Type-Options":  "nosniff", "Referrer-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store",
		} {
			if h.Get(name) != want {
				t.Errorf("%s: %s: %q", line, name, h.Get(name))
			}
		}
	}
}

func TestSetupCode(t *testing.T) {
	var told []string
	var log bytes.Buffer
	s := setupOf(&told)
	s.Log = zerolog.New(&log)
	for code, want := range map[string]int{"ABCD-2345": 303, "abcd2345": 303, " ab cd-23 45": 303, "": 401, "ABCD-234": 401, "ABCD-23456": 401} {
		s.tries = limiter{}
		w := ask(s.Handler(), "POST /login <- code="+strings.ReplaceAll(code, " ", "+"), urlencoded)
		if w.Code != want || want == 401 && !strings.Contains(w.Body.String(), `<p class="outcome bad" role="alert">this is not the code</p>`) {
			t.Errorf("%q: %d %s", code, w.Code, w.Body)
		}
		for _, c := range w.Result().Cookies() {
			if c.Name != "__Host-edgeagent-setup" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" {
				t.Errorf("cookie %+v", c)
			}
		}
	}
	s.Code, s.tries = "", limiter{}
	if w := ask(s.Handler(), "POST /login <- code=", urlencoded); w.Code != 401 {
		t.Errorf("without a code: %d", w.Code)
	}
	s.Code = setupCodeOfTest
	s.tries = limiter{}
	for range triesEach {
		ask(s.Handler(), "POST /login <- code=x", urlencoded)
	}
	w := ask(s.Handler(), "POST /login <- code="+setupCodeOfTest, urlencoded)
	if w.Code != 429 || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "too many tries; wait ") {
		t.Errorf("who guesses: %d %s", w.Code, w.Body)
	}
	if strings.Contains(log.String(), "2345") {
		t.Errorf("the log has the code:\n%s", &log)
	}
	for _, want := range []string{"somebody knows the setup code and is in", "a wrong setup code was refused"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q", want)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		s := setupOf(&told)
		in(t, s)
		time.Sleep(atWork - time.Second)
		if !s.Busy() {
			t.Error("somebody who reads the page is gone")
		}
		time.Sleep(time.Second)
		if s.Busy() {
			t.Error("who has left is still at it")
		}
	})
	fresh := setupOf(&told)
	if fresh.Busy() {
		t.Error("nobody is in, and it is busy")
	}
	cookie, token := in(t, fresh)
	if !fresh.Busy() {
		t.Error("somebody is in, and it is not busy")
	}
	ask(fresh.Handler(), "POST /logout <- token="+token, urlencoded, cookie)
	if w := ask(fresh.Handler(), "POST /certificate <- token="+token, urlencoded, cookie); w.Code != 401 || fresh.Busy() {
		t.Errorf("who has logged out is in: %d", w.Code)
	}
}

// All that comes from elsewhere is text on the page, never markup.
func TestSetupPageIsText(t *testing.T) {
	var told []string
	s := setupOf(&told)
	s.text = "a: </textarea><script>alert(1)</script>\n"
	cookie, token := in(t, s)
	page := ask(s.Handler(), "GET /", cookie).Body.String()
	for _, never := range []string{"<script", "<b>", "<such>", "<it>", "<s>", "<FTDI>"} {
		if strings.Contains(page, never) {
			t.Errorf("the page has %s", never)
		}
	}
	for _, want := range []string{
		"<title>The property file has 1 fault. Set up this gateway</title>", `<p id="stand" class="bad" role="status">The property file has 1 fault.</p>`,
		`<a href="#l1">Line 1, column 4</a>: no &lt;b&gt; here` + "\n<pre>a: <mark>&lt;b&gt;</mark></pre>",
		`<li id="l1" class="wrong"><code>a: &lt;/textarea&gt;&lt;script&gt;alert(1)&lt;/script&gt;</code> <em>no &lt;b&gt; here</em></li>`,
		`<option selected>&lt;b&gt;</option>`, `aria-describedby="e-name h-name" aria-invalid="true"`,
		`<label for="again-1">page: once more</label> <input id="again-1" name="again-page" type="password" autocomplete="new-password"`,
		`It belongs into <code>/x</code>, where this page does not write: put it there yourself.`,
		"Nothing is installed before the property file is there and without faults.",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s\n%s", want, page)
		}
	}
	w := ask(s.Handler(), "POST /files <- text-s-ecret=bad&token="+token, urlencoded, cookie)
	if w.Code != 422 || !strings.Contains(w.Body.String(), `<p class="outcome bad" role="alert">it is &lt;bad&gt;</p>`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	told = nil
	w = ask(s.Handler(), "POST /files <- text-page=one&again-page=two&token="+token, urlencoded, cookie)
	if w.Code != 422 || !strings.Contains(w.Body.String(), `role="alert">the two are not the same; nothing was written</p>`) || told != nil {
		t.Errorf("%d %s, told %q", w.Code, w.Body, told)
	}
	w = ask(s.Handler(), "POST /install <- seen="+seen("other")+"&token="+token, urlencoded, cookie)
	if w.Code != 409 || !strings.Contains(w.Body.String(), "the property file was changed meanwhile") || told != nil {
		t.Errorf("%d, told %q", w.Code, told)
	}
}

func TestSetupForms(t *testing.T) {
	var told []string
	s := setupOf(&told)
	cookie, token := in(t, s)
	parts := func(fields ...string) (string, func(*http.Request)) {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		for i := 0; i < len(fields); i += 2 {
			w, err := form.CreateFormField(fields[i])
			if fields[i] == "file" {
				w, err = form.CreateFormFile("file", "property.yaml")
			}
			if err != nil {
				t.Fatal(err)
			}
			_, _ = w.Write([]byte(fields[i+1]))
		}
		form.Close()
		return body.String(), header("Content-Type", form.FormDataContentType())
	}
	send := func(body string, kind func(*http.Request)) *httptest.ResponseRecorder {
		return ask(s.Handler(), "POST /text <- "+body, kind, cookie)
	}
	if w := send(parts("token", token, "text", "typed", "file", "brought\r\n")); w.Code != 303 || s.text != "brought\n" {
		t.Errorf("%d %q", w.Code, s.text)
	}
	if w := send(parts("token", token, "text", "typed", "file", "")); w.Code != 303 || s.text != "typed" {
		t.Errorf("%d %q", w.Code, s.text)
	}
	many := make([]string, 2*(maxFields+1))
	for name, got := range map[string]*httptest.ResponseRecorder{
		"the form cannot be read: it has too many fields\n":                      send(parts(many...)),
		"the form cannot be read: it is too long\n":                              send(parts("text", strings.Repeat("x", fileForm))),
		"the form cannot be read: it is no form\n":                               send("{}", header("Content-Type", "application/json")),
		"the form cannot be read: it is broken off or not as browsers send it\n": send("--y\r\nContent-Disposition: form-data; name=text\r\n\r\nhalf", header("Content-Type", "multipart/form-data; boundary=y")),
		"this form is not of this page; open the page again\n":                   send(parts("text", "x")),
	} {
		if (got.Code != 400 && got.Code != 403) || got.Body.String() != name || s.text != "typed" {
			t.Errorf("%d %q, want %q", got.Code, got.Body, name)
		}
	}
}
