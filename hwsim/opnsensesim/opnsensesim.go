// Package opnsensesim is a simulated OPNsense with a captive portal: zones, a
// voucher server, and the API calls for both, on HTTPS with a self-signed
// certificate. It judges by effect: does this voucher let a device on, is this
// device online now.
//
//	device --Join(mac, user, password)--> session --until its own timeout--> offline
//	                                        ^ stays when the voucher is expired or dropped
//
// It follows the published source of the product. Where that is lenient it is
// stricter: unknown fields and unknown paths are refused.
package opnsensesim

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"edgeagent/hwsim/console"
)

// Options say what kind of OPNsense to start. The zero value is a usable one.
type Options struct {
	// Addr to listen on; "127.0.0.1:0" if empty.
	Addr string
	// Key and Secret of the API; "sim-key" and "sim-secret" if empty.
	Key, Secret string
	// Servers are the names of the voucher servers; {"Vouchers"} if empty. The
	// zone authenticates with the first.
	Servers []string
	// NoPasswords makes vouchers that are a user name alone.
	NoPasswords bool
	// Zones by their ids; {0: "Guests"} if empty. Devices join the lowest.
	Zones map[int]string
	// OneDevice lets a later log-in with a voucher end the earlier one: the zone
	// allows no concurrent log-ins.
	OneDevice bool
	// Now is the clock; time.Now if nil.
	Now func() time.Time
}

// Controller is a running OPNsense.
type Controller struct {
	*console.Console
	opts Options
	now  func() time.Time
	zone int // that devices join

	mu       sync.Mutex
	servers  map[string]*server
	sessions []*session
	addrs    map[string]string // of devices, by MAC
	made     int
}

// server is a voucher server.
type server struct {
	vouchers []*voucher
}

// voucher is a row of its database. The password is only there to judge with:
// the real one keeps a hash.
type voucher struct {
	user, password string
	group          string
	validity       int64 // seconds of use, from start
	start          int64 // first log-in; 0 before
	expiry         int64 // an instant; 0 is never
}

// session is a device on a zone.
type session struct {
	id, user, via string
	ip, mac       string
	zone          int
	created       int64
	timeout       int64 // seconds; 0 is none
	accounted     bool  // timeout was set
}

// Start starts an OPNsense.
func Start(opts Options) (*Controller, error) {
	opts = opts.withDefaults()
	c := &Controller{opts: opts, now: opts.Now, servers: map[string]*server{}, addrs: map[string]string{}, zone: -1}
	for _, name := range opts.Servers {
		c.servers[name] = &server{}
	}
	for id := range opts.Zones {
		if c.zone < 0 || id < c.zone {
			c.zone = id
		}
	}
	var err error
	c.Console, err = console.Start(console.Options{Addr: opts.Addr, Now: opts.Now, Serve: c.route, Refuse: c.refuse})
	if err != nil {
		return nil, fmt.Errorf("opnsense: %w", err)
	}
	return c, nil
}

func (o Options) withDefaults() Options {
	if o.Key == "" {
		o.Key = "sim-key"
	}
	if o.Secret == "" {
		o.Secret = "sim-secret"
	}
	if len(o.Servers) == 0 {
		o.Servers = []string{"Vouchers"}
	}
	if o.Zones == nil {
		o.Zones = map[int]string{0: "Guests"}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// KeyFile is the API key as OPNsense lets it be downloaded, once.
func (c *Controller) KeyFile() string {
	return "key=" + c.opts.Key + "\r\nsecret=" + c.opts.Secret + "\r\n"
}

// Made counts the vouchers that were ever made.
func (c *Controller) Made() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.made
}

// refuse answers as an OPNsense that is overloaded, broken, or has had its
// keys or privileges changed.
func (c *Controller) refuse(w http.ResponseWriter, _ *http.Request, kind console.FaultKind) {
	switch kind {
	case console.TooMany:
		fail(w, http.StatusTooManyRequests, "Too Many Requests")
	case console.Unauthorized:
		fail(w, http.StatusUnauthorized, "Authentication Failed")
	case console.Forbidden:
		fail(w, http.StatusForbidden, "Forbidden")
	default:
		console.WriteJSON(w, http.StatusInternalServerError, map[string]string{"errorMessage": "Unexpected error, check log for details"})
	}
}

func fail(w http.ResponseWriter, status int, message string) {
	console.WriteJSON(w, status, map[string]any{"status": status, "message": message})
}
