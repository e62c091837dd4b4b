package unifisim

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"time"

	"edgeagent/hwsim/console"
)

// loginsPerMinute is about what UniFi OS lets through before it locks up.
const loginsPerMinute = 5

// admitted checks key, or cookie and CSRF token; status 0 is yes.
func (c *Controller) admitted(r *http.Request) (status int, msg string) {
	if r.Header.Get("X-API-KEY") != "" {
		if c.hasKey(r) {
			return 0, ""
		}
		return http.StatusUnauthorized, "api.err.LoginRequired"
	}
	cookie, err := r.Cookie("TOKEN")
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
	case len(c.tries) > loginsPerMinute:
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

func randomHex() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
