// Package nomadixsim is a simulated Nomadix access gateway: the XML interface on
// one path, accounts and group accounts, and the phones behind it. It is written
// from a public manual of a licensed access point with the same interface and
// from what open clients send; it judges by effect: does this name and password
// let a device on, is this device online now.
//
//	phone --Join(user, code)--> session --until its own end--> offline
//	                              ^ stays when the account is deleted;
//	                                LOGOUT ends it, CACHE_UPDATE reads the account anew
//
// It is stricter than the real thing where the real thing's leniency is not
// documented: unknown elements are refused, LOGOUT ends one session, and the
// newer commands take nothing beside what is known of them.
package nomadixsim

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"edgeagent/hwsim/console"
)

const commandPath = "/usg/command.xml"

// Options say what kind of gateway to start. The zero value is a usable one.
type Options struct {
	// Addr to listen on; "127.0.0.1:0" if empty.
	Addr string
	// User and Password for basic authorisation; none is asked for if User is empty.
	User, Password string
	// Newer firmware has ACCESS_CODE_ADD and GROUP_ADD.
	Newer bool
	// Plain serves HTTP without TLS, as most gateways do on this port.
	Plain bool
	// Rooms that the gateway knows; nil: any.
	Rooms []string
	// Most is how many accounts there may be; 10000 if zero.
	Most int
	// NoAAA answers every command about accounts with an internal error, as a
	// gateway whose authorisation is not set up.
	NoAAA bool
	// Latency is how long a command takes.
	Latency time.Duration
	// Now is the gateway's clock; time.Now if nil.
	Now func() time.Time
}

// Gateway is a running gateway.
type Gateway struct {
	*console.Console
	opts Options
	now  func() time.Time

	calling, busiest atomic.Int32

	mu       sync.Mutex
	accounts map[string]*account // by name
	sessions map[string]*session // by MAC: 12 upper-case hexadecimal digits
	logins   int
}

// Start starts a gateway.
func Start(opts Options) (*Gateway, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Most == 0 {
		opts.Most = 10_000
	}
	g := &Gateway{opts: opts, now: opts.Now, accounts: map[string]*account{}, sessions: map[string]*session{}}
	var err error
	g.Console, err = console.Start(console.Options{
		Addr: opts.Addr, Now: opts.Now, Plain: opts.Plain, Serve: g.serve, Refuse: refuse, Verb: verb,
		Secret: func(*http.Request) bool { return true }, // accounts are made with their passwords
	})
	if err != nil {
		return nil, fmt.Errorf("nomadix: %w", err)
	}
	return g, nil
}

// Busiest is the largest number of commands that were under way at once.
func (g *Gateway) Busiest() int { return int(g.busiest.Load()) }

func (g *Gateway) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	now := g.calling.Add(1)
	defer g.calling.Add(-1)
	for most := g.busiest.Load(); now > most && !g.busiest.CompareAndSwap(most, now); most = g.busiest.Load() {
	}
	time.Sleep(g.opts.Latency)
	switch {
	case r.URL.Path != commandPath:
		http.Error(w, "no such page", http.StatusNotFound)
	case r.Method != http.MethodPost:
		http.Error(w, "POST only", http.StatusMethodNotAllowed)
	case !g.authorised(r):
		w.Header().Set("WWW-Authenticate", `Basic realm="XML"`)
		http.Error(w, "who are you", http.StatusUnauthorized)
	case r.Header.Get("Content-Type") != "text/xml":
		http.Error(w, "text/xml only", http.StatusUnsupportedMediaType)
	default:
		g.answer(w, g.command(body))
	}
}

func (g *Gateway) authorised(r *http.Request) bool {
	if g.opts.User == "" {
		return true
	}
	user, password, ok := r.BasicAuth()
	return ok && user == g.opts.User && subtle.ConstantTimeCompare([]byte(password), []byte(g.opts.Password)) == 1
}

// refuse answers as a gateway, or the server in front of it, that is overloaded,
// broken, or does not let this sender in.
func refuse(w http.ResponseWriter, _ *http.Request, kind console.FaultKind) {
	status := http.StatusInternalServerError
	switch kind {
	case console.TooMany:
		status = http.StatusTooManyRequests
	case console.Unauthorized:
		status = http.StatusUnauthorized
	case console.Forbidden:
		status = http.StatusForbidden
	}
	http.Error(w, http.StatusText(status), status)
}
