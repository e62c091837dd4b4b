package omadasim

import (
	"net/http"
	"strings"
	"time"
)

const (
	tokenPath  = "/openapi/authorize/token"
	tokenLife  = 2 * time.Hour
	renewLife  = 14 * 24 * time.Hour
	authPrefix = "AccessToken="
)

// renewal is what a refresh token is good for, once.
type renewal struct {
	access string // ends when it is used
	until  time.Time
}

func (c *Controller) token(r *http.Request, body []byte) answer {
	var in struct {
		ControllerID string `json:"omadacId"`
		ClientID     string `json:"client_id"`
		Secret       string `json:"client_secret"`
	}
	if err := decode(r, body, &in); err != nil {
		return fail(codeParameters, "%v", err)
	}
	query := r.URL.Query()
	c.mu.Lock()
	defer c.mu.Unlock()
	if in.ClientID != c.opts.ClientID || in.Secret != c.opts.ClientSecret {
		return fail(codeClient, "The client id or client secret %q is invalid", in.Secret)
	}
	switch query.Get("grant_type") {
	case "client_credentials":
		if in.ControllerID != c.opts.ControllerID {
			return fail(codeParameters, "no controller %q", in.ControllerID)
		}
	case "refresh_token":
		text := query.Get("refresh_token")
		old, ok := c.refresh[text]
		delete(c.refresh, text)
		delete(c.access, old.access)
		if !ok || !c.now().Before(old.until) {
			return fail(codeRefresh, "The refresh token %q has expired", text)
		}
	default:
		return fail(codeGrant, "The grant type is invalid")
	}
	c.serial++
	access, refresh := "AT-"+id("access", c.serial), "RT-"+id("refresh", c.serial)
	c.access[access] = c.now().Add(tokenLife)
	c.refresh[refresh] = renewal{access: access, until: c.now().Add(renewLife)}
	return done(map[string]any{"accessToken": access, "tokenType": "bearer", "expiresIn": int(tokenLife / time.Second), "refreshToken": refresh})
}

// mayCall says what is wrong with a request's token; 0 if nothing is.
func (c *Controller) mayCall(r *http.Request) int {
	text, ok := strings.CutPrefix(r.Header.Get("Authorization"), authPrefix)
	until, known := c.access[text]
	switch {
	case !ok || !known:
		return codeToken
	case !c.now().Before(until):
		return codeExpired
	}
	return 0
}

// ExpireTokens ends all access tokens, as time does. They can be refreshed.
func (c *Controller) ExpireTokens() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for token := range c.access {
		c.access[token] = c.now()
	}
}

// EditClient ends all tokens, as a person does who edits the client.
func (c *Controller) EditClient() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.access)
	clear(c.refresh)
}

// ForgetRefreshTokens ends the refresh tokens alone, as if each had been used.
func (c *Controller) ForgetRefreshTokens() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.refresh)
}
