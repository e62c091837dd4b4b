// Package console is what the simulated WiFi controllers have in common: an
// HTTPS server with a self-signed certificate that a firmware update can
// change, requests that are written down, and ways to misbehave.
//
//	request --> written down --> fault? --yes--> misbehave, before or after the work
//	                               no
//	                               v
//	                        Options.Serve, the product
package console

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Options say what kind of console to start.
type Options struct {
	// Addr to listen on; "127.0.0.1:0" if empty.
	Addr string
	// Serve is the product behind it.
	Serve func(w http.ResponseWriter, r *http.Request, body []byte)
	// Refuse answers as the product does when a fault wants TooMany,
	// Unauthorized, Forbidden or ServerError.
	Refuse func(w http.ResponseWriter, r *http.Request, kind FaultKind)
	// Secret reports whether the body of a request holds a password or a token,
	// so that it is not written down; nil for none.
	Secret func(r *http.Request) bool
	// Verb tells the calls apart that all go to one path; it is written down, and
	// faults are matched, as if it stood after the path. nil for none.
	Verb func(body []byte) string
	// Plain serves HTTP without TLS.
	Plain bool
	// Now is the console's clock; time.Now if nil.
	Now func() time.Time
}

// Console is a running console.
type Console struct {
	opts  Options
	addr  string
	srv   *http.Server
	port  net.Listener
	done  chan struct{}
	close sync.Once

	mu       sync.Mutex
	cert     *tls.Certificate
	serial   int           // of the newest certificate
	unmute   chan struct{} // not nil: handshakes wait until it is closed
	conns    map[net.Conn]struct{}
	faults   []*Fault
	requests []Request
}

// Request is one request as the console saw it, without its credentials.
type Request struct {
	Method string
	// Path with the query decoded, and the verb if the product has one.
	Path string
	Body string
}

// maxBody bounds what a console reads of one request.
const maxBody = 1 << 20

// Start starts a console.
func Start(opts Options) (*Console, error) {
	if opts.Addr == "" {
		opts.Addr = "127.0.0.1:0"
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	listener, err := net.Listen("tcp", opts.Addr)
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	c := &Console{opts: opts, addr: listener.Addr().String(), port: listener,
		done: make(chan struct{}), conns: map[net.Conn]struct{}{}}
	if err := c.Reissue(true); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	c.srv = &http.Server{
		Handler:           http.HandlerFunc(c.serve),
		ConnState:         c.track,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // refused handshakes are the tests' own doing
	}
	if !opts.Plain {
		listener = tls.NewListener(listener, &tls.Config{
			MinVersion:             tls.VersionTLS12,
			SessionTicketsDisabled: true,
			GetCertificate:         c.certificate,
		})
	}
	go func() { _ = c.srv.Serve(listener) }()
	return c, nil
}

// Close stops the console and drops its connections.
func (c *Console) Close() error {
	var err error
	c.close.Do(func() {
		close(c.done)
		err = c.srv.Close()
		_ = c.port.Close() // the server knows the port only once it serves
	})
	return err
}

// URL of the console, without a path.
func (c *Console) URL() string {
	if c.opts.Plain {
		return "http://" + c.addr
	}
	return "https://" + c.addr
}

// Now is the time by the console's clock.
func (c *Console) Now() time.Time { return c.opts.Now() }

// Requests lists what came in since the start or the last ForgetRequests.
func (c *Console) Requests() []Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Request(nil), c.requests...)
}

// ForgetRequests empties the list of requests.
func (c *Console) ForgetRequests() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = nil
}

func (c *Console) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", c.opts.Now().UTC().Format(http.TimeFormat))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	path := r.URL.Path
	if r.URL.RawQuery != "" {
		query, err := url.QueryUnescape(r.URL.RawQuery)
		if err != nil {
			query = r.URL.RawQuery
		}
		path += "?" + query
	}
	if c.opts.Verb != nil {
		path += " " + c.opts.Verb(body)
	}
	seen := Request{Method: r.Method, Path: path, Body: string(body)}
	if c.opts.Secret != nil && c.opts.Secret(r) {
		seen.Body = ""
	}
	c.mu.Lock()
	c.requests = append(c.requests, seen)
	c.mu.Unlock()
	if f := c.fault(r.Method + " " + path); f != nil {
		c.misbehave(f, w, r, body)
		return
	}
	c.opts.Serve(w, r, body)
}

func (c *Console) track(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.conns[conn] = struct{}{}
	case http.StateClosed, http.StateHijacked:
		delete(c.conns, conn)
	}
}

func (c *Console) dropConnections() {
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
