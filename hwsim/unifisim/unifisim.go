// Package unifisim is a simulated UniFi OS console: Network application with
// hotspot, on HTTPS with a self-signed certificate. It speaks the Integration
// API v1 and the legacy controller API, enforces the ranges of the public
// OpenAPI documents, and judges by effect: does this code let a device on, is
// this device online now.
//
//	device --Join(mac, code)--> session --until its own limit--> offline
//	                              ^ stays when the voucher is deleted
//
// It is stricter than the real thing where the real thing's leniency is not
// documented: unknown body fields and unsupported filters are refused.
package unifisim

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"edgeagent/hwsim/console"
)

// Options say what kind of console to start. The zero value is a usable one.
type Options struct {
	// Addr to listen on; "127.0.0.1:0" if empty.
	Addr string
	// APIKey that X-API-KEY must carry; "sim-api-key" if empty.
	APIKey string
	// User and Password of the local admin for cookie log-in; "admin" and
	// "sim-password" if empty.
	User, Password string
	// Sites by internal reference; {"default"} if empty.
	Sites []string
	// Version of the Network application; "9.4.19" if empty. Before 9.1 there
	// are no vouchers in the Integration API.
	Version string
	// Classic is the software controller of before the consoles: log-in at
	// /api/login, paths without a prefix, no Integration API and no keys.
	Classic bool
	// LogInsPerMinute is how many log-ins UniFi OS lets through; 5 if 0.
	LogInsPerMinute int
	// LogInRequiredAs200 answers a session that has ended with status 200 and the
	// error in the envelope, as some versions do.
	LogInRequiredAs200 bool
	// Now is the console's clock; time.Now if nil.
	Now func() time.Time
}

// Controller is a running console.
type Controller struct {
	*console.Console
	opts Options
	now  func() time.Time

	mu     sync.Mutex
	sites  []*site
	logins map[string]string // cookie token to CSRF token
	tries  []time.Time       // log-ins of the last minute
	renew  bool              // the CSRF token, with the next answer
	serial int
}

// Start starts a console.
func Start(opts Options) (*Controller, error) {
	opts = opts.withDefaults()
	c := &Controller{opts: opts, now: opts.Now, logins: map[string]string{}}
	for _, name := range opts.Sites {
		c.sites = append(c.sites, newSite(name))
	}
	var err error
	c.Console, err = console.Start(console.Options{
		Addr: opts.Addr, Now: opts.Now, Serve: c.route, Refuse: c.refuse,
		Secret: func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/login") },
	})
	if err != nil {
		return nil, fmt.Errorf("unifi: %w", err)
	}
	return c, nil
}

func (o Options) withDefaults() Options {
	def := func(p *string, v string) {
		if *p == "" {
			*p = v
		}
	}
	def(&o.APIKey, "sim-api-key")
	def(&o.User, "admin")
	def(&o.Password, "sim-password")
	def(&o.Version, "9.4.19")
	if o.LogInsPerMinute == 0 {
		o.LogInsPerMinute = 5
	}
	if len(o.Sites) == 0 {
		o.Sites = []string{"default"}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// APIKey is the key that the console accepts.
func (c *Controller) APIKey() string { return c.opts.APIKey }

// refuse answers as a console that is overloaded, broken, or has had its keys changed.
func (c *Controller) refuse(w http.ResponseWriter, r *http.Request, kind console.FaultKind) {
	switch kind {
	case console.TooMany:
		c.fail(w, r, http.StatusTooManyRequests, "api.rate-limit.exceeded", "too many requests")
	case console.Unauthorized:
		c.fail(w, r, http.StatusUnauthorized, "api.authentication.invalid-credentials", "the key is not valid")
	case console.Forbidden:
		c.fail(w, r, http.StatusForbidden, "api.authorization.forbidden", "the key lacks the right")
	default:
		c.fail(w, r, http.StatusInternalServerError, "api.internal-error", "internal error")
	}
}

// fail writes an error in the envelope of the API that was called.
func (c *Controller) fail(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	if strings.HasPrefix(r.URL.Path, c.legacyPrefix()) {
		msg := "api.err.Invalid"
		switch status {
		case http.StatusUnauthorized:
			msg = "api.err.LoginRequired"
		case http.StatusForbidden:
			msg = "api.err.NoPermission"
		}
		console.WriteJSON(w, status, legacyEnvelope{Meta: legacyMeta{RC: "error", Msg: msg}, Data: []any{}})
		return
	}
	c.mu.Lock()
	c.serial++
	id := c.serial
	c.mu.Unlock()
	console.WriteJSON(w, status, apiError{
		StatusCode: status, StatusName: strings.ToUpper(strings.ReplaceAll(http.StatusText(status), " ", "_")),
		Code: code, Message: message, Timestamp: c.now().UTC().Format(time.RFC3339),
		RequestPath: strings.TrimPrefix(r.URL.Path, integrationPrefix), RequestID: uuid("request", id),
	})
}
