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
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
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
	// Now is the console's clock; time.Now if nil.
	Now func() time.Time
}

// Controller is a running console.
type Controller struct {
	opts  Options
	now   func() time.Time
	addr  string
	srv   *http.Server
	port  net.Listener
	done  chan struct{}
	close sync.Once

	mu       sync.Mutex
	cert     *tls.Certificate
	unmute   chan struct{} // not nil: handshakes wait until it is closed
	conns    map[net.Conn]struct{}
	sites    []*site
	faults   []*Fault
	requests []Request
	logins   map[string]string // cookie token to CSRF token
	tries    []time.Time       // log-ins of the last minute
	serial   int
}

// Request is one request as the console saw it, without its credentials.
type Request struct {
	Method string
	// Path with the query decoded.
	Path string
	Body string
}

// Start starts a console.
func Start(opts Options) (*Controller, error) {
	opts = opts.withDefaults()
	listener, err := net.Listen("tcp", opts.Addr)
	if err != nil {
		return nil, fmt.Errorf("unifi console: %w", err)
	}
	c := &Controller{
		opts: opts, now: opts.Now, addr: listener.Addr().String(), port: listener,
		done:   make(chan struct{}),
		conns:  map[net.Conn]struct{}{},
		logins: map[string]string{},
	}
	for _, name := range opts.Sites {
		c.sites = append(c.sites, newSite(name))
	}
	if err := c.Reissue(true); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	c.srv = &http.Server{
		Handler:           http.HandlerFunc(c.serve),
		ConnState:         c.track,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // refused handshakes are the tests' own doing
	}
	secure := tls.NewListener(listener, &tls.Config{
		MinVersion:             tls.VersionTLS12,
		SessionTicketsDisabled: true,
		GetCertificate:         c.certificate,
	})
	go func() { _ = c.srv.Serve(secure) }()
	return c, nil
}

func (o Options) withDefaults() Options {
	def := func(p *string, v string) {
		if *p == "" {
			*p = v
		}
	}
	def(&o.Addr, "127.0.0.1:0")
	def(&o.APIKey, "sim-api-key")
	def(&o.User, "admin")
	def(&o.Password, "sim-password")
	def(&o.Version, "9.4.19")
	if len(o.Sites) == 0 {
		o.Sites = []string{"default"}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Close stops the console and drops its connections.
func (c *Controller) Close() error {
	var err error
	c.close.Do(func() {
		close(c.done)
		err = c.srv.Close()
		_ = c.port.Close() // the server knows the port only once it serves
	})
	return err
}

// URL of the console, without a path.
func (c *Controller) URL() string { return "https://" + c.addr }

// APIKey is the key that the console accepts.
func (c *Controller) APIKey() string { return c.opts.APIKey }

// Requests lists what came in since the start or the last ForgetRequests.
func (c *Controller) Requests() []Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Request(nil), c.requests...)
}

// ForgetRequests empties the list of requests.
func (c *Controller) ForgetRequests() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = nil
}

func (c *Controller) track(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.conns[conn] = struct{}{}
	case http.StateClosed, http.StateHijacked:
		delete(c.conns, conn)
	}
}

func (c *Controller) dropConnections() {
	c.mu.Lock()
	open := make([]net.Conn, 0, len(c.conns))
	for conn := range c.conns {
		open = append(open, conn)
	}
	c.mu.Unlock()
	for _, conn := range open {
		_ = conn.Close()
	}
}
