package unifisim

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"edgeagent/hwsim/console"
)

// admitted checks key, or cookie and CSRF token; status 0 is yes.
func (c *Controller) admitted(r *http.Request) (status int, msg string) {
	name := "TOKEN"
	if c.opts.Classic {
		name = "unifises"
	} else if r.Header.Get("X-API-KEY") != "" {
		if c.hasKey(r) {
			return 0, ""
		}
		return http.StatusUnauthorized, "api.err.LoginRequired"
	}
	cookie, err := r.Cookie(name)
	if err != nil {
		return http.StatusUnauthorized, "api.err.LoginRequired"
	}
	c.mu.Lock()
	csrf, ok := c.logins[cookie.Value]
	c.mu.Unlock()
	if !ok {
		return http.StatusUnauthorized, "api.err.LoginRequired"
	}
	if r.Method != http.MethodGet && r.Header.Get("X-CSRF-Token") != csrf {
		return http.StatusForbidden, "api.err.NoPermission"
	}
	return 0, ""
}

func (c *Controller) auth(w http.ResponseWriter, r *http.Request, body []byte) {
	if r.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	switch r.URL.Path {
	case "/api/auth/login":
		c.login(w, body)
	case "/api/auth/logout":
		if status, msg := c.admitted(r); status != 0 {
			console.WriteJSON(w, status, map[string]string{"code": msg})
			return
		}
		if cookie, err := r.Cookie("TOKEN"); err == nil {
			c.mu.Lock()
			delete(c.logins, cookie.Value)
			c.mu.Unlock()
		}
		w.WriteHeader(http.StatusOK)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (c *Controller) login(w http.ResponseWriter, body []byte) {
	var in struct{ Username, Password string }
	if json.Unmarshal(body, &in) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	recent := c.tries[:0]
	for _, t := range c.tries {
		if now.Sub(t) < time.Minute {
			recent = append(recent, t)
		}
	}
	c.tries = append(recent, now)
	switch {
	case len(c.tries) > c.opts.LogInsPerMinute:
		console.WriteJSON(w, http.StatusTooManyRequests, map[string]string{"code": "AUTHENTICATION_FAILED_LIMIT_REACHED"})
	case in.Username != c.opts.User || in.Password != c.opts.Password:
		console.WriteJSON(w, http.StatusUnauthorized, map[string]string{"code": "AUTHENTICATION_FAILED_INVALID_CREDENTIALS"})
	default:
		token, csrf := randomHex(), randomHex()
		c.logins[token] = csrf
		http.SetCookie(w, &http.Cookie{Name: "TOKEN", Value: token, Path: "/", HttpOnly: true, Secure: true})
		w.Header().Set("X-CSRF-Token", csrf)
		console.WriteJSON(w, http.StatusOK, map[string]string{"username": in.Username})
	}
}

// classic routes the calls of a software controller.
func (c *Controller) classic(w http.ResponseWriter, r *http.Request, path string, body []byte) {
	switch {
	case path == "/":
		http.Redirect(w, r, "/manage", http.StatusFound)
	case path == "/api/login" && r.Method == http.MethodPost:
		c.classicLogin(w, body)
	case path == "/api/logout" && r.Method == http.MethodPost:
		if cookie, err := r.Cookie("unifises"); err == nil {
			c.mu.Lock()
			delete(c.logins, cookie.Value)
			c.mu.Unlock()
		}
		legacyOK(w)
	case strings.HasPrefix(path, c.legacyPrefix()):
		c.legacy(w, r, strings.TrimPrefix(path, c.legacyPrefix()), body)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (c *Controller) classicLogin(w http.ResponseWriter, body []byte) {
	var in struct{ Username, Password string }
	if json.Unmarshal(body, &in) != nil {
		legacyFail(w, http.StatusBadRequest, "api.err.InvalidPayload")
		return
	}
	if in.Username != c.opts.User || in.Password != c.opts.Password {
		legacyFail(w, http.StatusBadRequest, "api.err.Invalid")
		return
	}
	token, csrf := randomHex(), randomHex()
	c.mu.Lock()
	c.logins[token] = csrf
	c.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: "unifises", Value: token, Path: "/", HttpOnly: true, Secure: true})
	http.SetCookie(w, &http.Cookie{Name: "csrf_token", Value: csrf, Path: "/", Secure: true})
	legacyOK(w)
}

// legacyPrefix is what stands before s/{site} in the paths of the legacy API.
func (c *Controller) legacyPrefix() string {
	if c.opts.Classic {
		return "/api/"
	}
	return legacyPrefix
}

// EndSessions ends the sessions of all administrators, as a restart does.
func (c *Controller) EndSessions() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.logins)
}

// RenewCSRF makes the next answer to a session carry another CSRF token: from
// then on only that one is good.
func (c *Controller) RenewCSRF() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.renew = true
}

// updateCSRF renews the token, if it is time.
func (c *Controller) updateCSRF(w http.ResponseWriter, r *http.Request) {
	cookie, err := r.Cookie("TOKEN")
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil || !c.renew {
		return
	}
	c.renew = false
	csrf := randomHex()
	c.logins[cookie.Value] = csrf
	w.Header().Set("X-Updated-CSRF-Token", csrf)
}

func randomHex() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
