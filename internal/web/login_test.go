package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"edgeagent/internal/password"
)

const rightPassword = "correct horse battery"

// wrongPassword is too long to be one, and quickly seen to be wrong.
var wrongPassword = strings.Repeat("x", 1025)

// withDesk is a page on the network with a user who has a password.
func withDesk(t *testing.T, told *[]string) *Page {
	t.Helper()
	line, err := password.New(rightPassword)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := password.Parse(line)
	if err != nil {
		t.Fatal(err)
	}
	p := busy(told)
	p.Open, p.Users = true, []User{{Name: "desk", Operates: true, Password: &hash}, {Name: "scripts", Token: lookToken}}
	return p
}

func from(address string) func(*http.Request) {
	return func(r *http.Request) { r.RemoteAddr = address + ":4711" }
}

func logIn(name, password string) string {
	body, _ := json.Marshal(map[string]string{"name": name, "password": password})
	return "POST /api/login <- " + string(body)
}

func carry(c *http.Cookie) func(*http.Request) { return func(r *http.Request) { r.AddCookie(c) } }

func TestLogInAndOut(t *testing.T) {
	var told []string
	var log bytes.Buffer
	p := withDesk(t, &told)
	p.Log, p.Secure = zerolog.New(&log), true
	for _, tt := range []struct{ name, password string }{{"desk", "wrong password"}, {"nobody", rightPassword}} {
		w := ask(p.Handler(), logIn(tt.name, tt.password), own)
		if w.Code != http.StatusUnauthorized || w.Body.String() != "the name or the password is wrong\n" || len(w.Result().Cookies()) > 0 {
			t.Errorf("%v: %d %s", tt, w.Code, w.Body)
		}
		p.tries = limiter{}
	}
	w := ask(p.Handler(), logIn("desk", rightPassword), own)
	cookies := w.Result().Cookies()
	if w.Code != http.StatusNoContent || len(cookies) != 1 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	c := cookies[0]
	if got := w.Header().Get("Set-Cookie"); got != "__Host-edgeagent="+c.Value+"; Path=/; HttpOnly; Secure; SameSite=Strict" || len(c.Value) < 26 {
		t.Errorf("cookie %q", got)
	}
	for _, line := range []string{"POST /api/commands/n1%2Fkey%2F1/retry", "POST /api/devices/Zebedia/probe"} {
		if w := ask(p.Handler(), line, own, carry(c)); w.Code != http.StatusNoContent {
			t.Errorf("%s: %d %s", line, w.Code, w.Body)
		}
	}
	const me = `{"user":"desk","look":true,"operate":true,"users":true,"version":"v1","property":"Hotel Sea View"}` + "\n"
	if w := ask(p.Handler(), "GET /api/me", carry(c)); w.Body.String() != me {
		t.Error(w.Body)
	}
	if w := ask(p.Handler(), "GET /api/me"); w.Body.String() != `{"look":false,"operate":false,"users":true}`+"\n" {
		t.Errorf("a stranger reads %s", w.Body)
	}
	again := ask(p.Handler(), logIn("desk", rightPassword), own, carry(c)).Result().Cookies()[0]
	if w := ask(p.Handler(), "GET /api/status", carry(c)); w.Code != http.StatusUnauthorized || again.Value == c.Value {
		t.Error("the session before the log-in goes on")
	}
	if w := ask(p.Handler(), "POST /api/logout", own, carry(again)); w.Code != http.StatusNoContent || !strings.Contains(w.Header().Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w := ask(p.Handler(), "GET /api/status", carry(again)); w.Code != http.StatusUnauthorized {
		t.Error("whoever has logged out is still in")
	}
	for _, secret := range []string{"Zebedia", "horse", "nobody", c.Value, again.Value, lookToken} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log has %q:\n%s", secret, &log)
		}
	}
	for _, want := range []string{`"user":"desk","message":"logged in to the page"`, `"from":"192.0.2.1:1234","message":"a log-in was refused"`, `"user":"desk","deed":"POST /api/commands/{id}/retry","about":"n1/key/1"`,
		`"user":"desk","deed":"POST /api/devices/{id}/probe","about":"nothing that is here"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, &log)
		}
	}
}

func TestOneTimeLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		p := busy(&told)
		link := func() string {
			text := ask(p.Control(), "POST /api/page").Body.String()
			token, ok := strings.CutPrefix(strings.TrimSpace(text), "http://127.0.0.1:8080/#link=")
			if !ok || len(token) < 26 {
				t.Fatalf("link %q", text)
			}
			return token
		}
		enter := func(token string) int {
			return ask(p.Handler(), fmt.Sprintf(`POST /api/login <- {"link":%q}`, token), own).Code
		}
		token := link()
		if code := enter(token); code != http.StatusNoContent {
			t.Errorf("%d", code)
		}
		if code := enter(token); code != http.StatusUnauthorized {
			t.Errorf("a second time: %d", code)
		}
		late := link()
		time.Sleep(linkLasts + time.Second)
		w := ask(p.Handler(), fmt.Sprintf(`POST /api/login <- {"link":%q}`, late), own)
		if w.Code != http.StatusUnauthorized || w.Body.String() != "this link has been used, or is older than a minute; run edgeagent page again\n" {
			t.Errorf("after a minute: %d %s", w.Code, w.Body)
		}
		first := link()
		for range maxLinks {
			time.Sleep(time.Millisecond)
			link()
		}
		if code := enter(first); code != http.StatusUnauthorized || len(p.links.ends) != maxLinks {
			t.Errorf("%d, %d links are kept", code, len(p.links.ends))
		}
	})
}

func TestSessionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sessions
		idle := s.begin("a", toLook)
		busy := s.begin("b", toOperate)
		watching := s.begin("c", toLook)
		for range 5 {
			time.Sleep(idleFor - 10*time.Minute)
			if _, ok := s.find(busy, true); !ok {
				t.Fatal("a session in use has ended")
			}
			s.byKey(digestOf(watching), false) // an open page is nobody who does something
		}
		for name, id := range map[string]string{"idle": idle, "watching": watching} {
			if _, ok := s.find(id, true); ok {
				t.Errorf("the %s session goes on", name)
			}
		}
		time.Sleep(idleFor - 10*time.Minute)
		s.find(busy, true)
		time.Sleep(idleFor - 10*time.Minute)
		if _, ok := s.find(busy, true); ok {
			t.Error("a session of more than a shift goes on")
		}
		ids := make([]string, 0, 3*maxSessions)
		for range 3 * maxSessions {
			time.Sleep(time.Second)
			ids = append(ids, s.begin("d", toLook))
			s.find(ids[0], true)
		}
		if len(s.open) != maxSessions {
			t.Errorf("%d sessions are kept", len(s.open))
		}
		for i, want := range map[int]bool{0: true, 1: false, len(ids) - 1: true} {
			if _, ok := s.find(ids[i], false); ok != want {
				t.Errorf("session %d is kept: %v", i, ok)
			}
		}
	})
}

// Who guesses is slowed down, and the owner is never shut out for long.
func TestGuessingIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		p := withDesk(t, &told)
		enter := func(name, word, address string) int {
			return ask(p.Handler(), logIn(name, word), own, from(address)).Code
		}
		for i := range triesEach {
			if code := enter("desk", wrongPassword, "192.0.2.1"); code != http.StatusUnauthorized {
				t.Errorf("try %d: %d", i, code)
			}
		}
		w := ask(p.Handler(), logIn("desk", rightPassword), own, from("192.0.2.1"))
		if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "13" || w.Body.String() != "too many tries; wait 13 seconds\n" {
			t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
		}
		if code := enter("desk", rightPassword, "192.0.2.2"); code != http.StatusNoContent {
			t.Errorf("another one is shut out: %d", code)
		}
		time.Sleep(eachComes)
		if code := enter("desk", wrongPassword, "192.0.2.1"); code != http.StatusUnauthorized {
			t.Errorf("no try comes back: %d", code)
		}
		// A flood from everywhere: strangers wait, who has been here before does not.
		let := 0
		for i := range 2000 {
			if enter("desk", wrongPassword, fmt.Sprintf("198.51.%d.%d", i/200, i%200)) == http.StatusUnauthorized {
				let++
			}
		}
		if let > triesAll {
			t.Errorf("%d tries of a flood were looked at", let)
		}
		if code := enter("desk", wrongPassword, "192.0.2.3"); code != http.StatusTooManyRequests {
			t.Errorf("a stranger in a flood: %d", code)
		}
		if code := enter("scripts", wrongPassword, "192.0.2.2"); code != http.StatusTooManyRequests {
			t.Errorf("a flood at the address of the owner, under another name: %d", code)
		}
		for i := range triesEach {
			if code := enter("desk", wrongPassword, "192.0.2.2"); code != http.StatusUnauthorized {
				t.Errorf("the owner in a flood, try %d: %d", i, code)
			}
		}
		if code := enter("desk", rightPassword, "192.0.2.2"); code != http.StatusTooManyRequests {
			t.Errorf("where the owner is known there is no bound: %d", code)
		}
		if n := len(p.tries.by); n > maxSources {
			t.Errorf("%d sources are remembered", n)
		}
		time.Sleep(allComes)
		if code := enter("desk", wrongPassword, "192.0.2.4"); code != http.StatusUnauthorized {
			t.Errorf("after a flood: %d", code)
		}
	})
}

// Who has a password of his own guesses no faster at another's.
func TestOwnSuccessGivesNobodyElseTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		p := withDesk(t, &told)
		p.Users = append(p.Users, User{Name: "looker", Password: p.Users[0].Password})
		looked, shut := 0, 0
		for range 6 {
			for range triesEach - 1 {
				switch code := ask(p.Handler(), logIn("desk", wrongPassword), own, from("192.0.2.1")).Code; code {
				case http.StatusUnauthorized:
					looked++
				case http.StatusTooManyRequests:
					shut++
				default:
					t.Errorf("%d", code)
				}
			}
			ask(p.Handler(), logIn("looker", rightPassword), own, from("192.0.2.1"))
		}
		if looked != triesEach || shut == 0 {
			t.Errorf("%d guesses at desk were looked at, and %d refused", looked, shut)
		}
		p.tries = limiter{}
		for i := range triesEach + 3 { // a shift begins: everybody logs in at once, from one address
			if code := ask(p.Handler(), logIn([]string{"desk", "looker"}[i%2], rightPassword), own, from("192.0.2.1")).Code; code != http.StatusNoContent {
				t.Errorf("log-in %d: %d", i, code)
			}
		}
	})
}

// Nobody's guesses keep the owner of a link out, nor do those at passwords.
func TestGoodLinkWorksWhateverHappens(t *testing.T) {
	var told []string
	p := withDesk(t, &told)
	for i := range 3 * triesAll {
		if code := ask(p.Handler(), `POST /api/login <- {"link":"x"}`, own).Code; code != http.StatusUnauthorized {
			t.Fatalf("bad link %d: %d", i, code)
		}
	}
	for range triesEach {
		ask(p.Handler(), logIn("desk", wrongPassword), own)
	}
	if code := ask(p.Handler(), logIn("desk", wrongPassword), own).Code; code != http.StatusTooManyRequests {
		t.Errorf("a sixth password: %d", code)
	}
	if code := ask(p.Handler(), fmt.Sprintf(`POST /api/login <- {"link":%q}`, p.links.make()), own).Code; code != http.StatusNoContent {
		t.Errorf("a good link: %d", code)
	}
}

func TestNetworks(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.7:1": "192.0.2.7/32", "[2001:db8:1:2:3::4]:1": "2001:db8:1:2::/64", "[::ffff:192.0.2.7]:1": "192.0.2.7/32",
		"[fe80::1%eth0]:1": "fe80::/64", "@": "invalid Prefix", "": "invalid Prefix",
	} {
		if got := network(remote).String(); got != want {
			t.Errorf("%s: %s", remote, got)
		}
	}
}
