// Package omadasim is a simulated TP-Link Omada controller: its Open API with
// the hotspot of a site, on HTTPS with a self-signed certificate. It enforces
// the ranges and the error codes of the published interface pages, in an
// envelope that comes with HTTP 200 whatever went wrong, and judges by effect:
// does this name and password let a device on, is this device online now.
//
//	device --Join(mac, user, code)--> record --until its own end--> offline
//	                                    ^ stays when the credential is deleted or changed
//
// It is stricter than the real thing where the real thing's leniency is not
// documented: unknown fields are refused, lists want their page parameters, and
// a refresh ends the access token that it replaces. Messages quote what they are
// about, passwords too: whoever shows them leaks.
package omadasim

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"edgeagent/hwsim/console"
)

// Options say what kind of controller to start. The zero value is a usable one.
type Options struct {
	// Addr to listen on; "127.0.0.1:0" if empty.
	Addr string
	// ControllerID is the Omada ID; 32 hexadecimal digits of its own if empty.
	ControllerID string
	// ClientID and ClientSecret of the Open API client; "sim-client" and
	// "sim-client-secret" if empty.
	ClientID, ClientSecret string
	// Sites by name; {"Seaview"} if empty. Guests are on the first.
	Sites []string
	// Portals of each site; one that takes local users and vouchers if empty.
	Portals []Portal
	// Version of the controller; "5.14.26.1" if empty.
	Version string
	// MaxUsers and MaxVouchers are how many a site holds; 10,000 if 0.
	MaxUsers, MaxVouchers int
	// PeriodFromNow makes a period count from now, rather than from the present
	// end of a device's access: the published pages do not say which it is.
	PeriodFromNow bool
	// Now is the controller's clock; time.Now if nil.
	Now func() time.Time
}

// Controller is a running controller.
type Controller struct {
	*console.Console
	opts Options
	now  func() time.Time

	mu      sync.Mutex
	sites   []*site
	access  map[string]time.Time // tokens and when they end
	refresh map[string]renewal
	say     func(line string) int
	busy    int // calls under way
	crowd   int // most of them at once
	serial  int
}

// Codes of the answers.
const (
	codeInvalid       = -1001
	codeController    = -7131
	codeSite          = -33000
	codeProfile       = -33732
	codeNotConnected  = -41009
	codeNoRecord      = -41017
	codeVoucherLimit  = -42010
	codeUserLimit     = -42012
	codeUserExists    = -42013
	codeBoundMAC      = -42020
	codeNoVoucherPage = -42036
	codeNoPortal      = -42037
	codeNoUserPage    = -42039
	codeGroupExists   = -42059
	codeWindow        = -42062
	codeWindowLength  = -42063
	codeClient        = -44106
	codeGrant         = -44111
	codeExpired       = -44112
	codeToken         = -44113
	codeRefresh       = -44114
	codeParameters    = -44116

	// What a controller says of an id that it does not have is not published:
	// nobody may rely on this one.
	codeUnknownID = -39999
)

// Start starts a controller.
func Start(opts Options) (*Controller, error) {
	opts = opts.withDefaults()
	c := &Controller{opts: opts, now: opts.Now, access: map[string]time.Time{}, refresh: map[string]renewal{}}
	for _, name := range opts.Sites {
		c.sites = append(c.sites, newSite(name, opts.Portals))
	}
	var err error
	c.Console, err = console.Start(console.Options{
		Addr: opts.Addr, Now: opts.Now, Serve: c.serve, Refuse: c.refuse,
		Secret: func(r *http.Request) bool { return r.URL.Path == tokenPath },
	})
	if err != nil {
		return nil, fmt.Errorf("omada: %w", err)
	}
	return c, nil
}

func (o Options) withDefaults() Options {
	def := func(p *string, v string) {
		if *p == "" {
			*p = v
		}
	}
	def(&o.ControllerID, id("controller", 0)+"01234567")
	def(&o.ClientID, "sim-client")
	def(&o.ClientSecret, "sim-client-secret")
	def(&o.Version, "5.14.26.1")
	if len(o.Sites) == 0 {
		o.Sites = []string{"Seaview"}
	}
	if o.Portals == nil {
		o.Portals = []Portal{{Name: "Guests", Enabled: true, Types: []int{typeVoucher, typeLocalUser}}}
	}
	if o.MaxUsers == 0 {
		o.MaxUsers = 10_000
	}
	if o.MaxVouchers == 0 {
		o.MaxVouchers = 10_000
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// ControllerID is the Omada ID.
func (c *Controller) ControllerID() string { return c.opts.ControllerID }

// ClientID and ClientSecret are those that the controller accepts.
func (c *Controller) ClientID() string { return c.opts.ClientID }

// ClientSecret of the client.
func (c *Controller) ClientSecret() string { return c.opts.ClientSecret }

// Say makes the controller answer every request whose "METHOD /path" contains
// match with an error code, and do nothing else; 0 ends that.
func (c *Controller) Say(code int, match string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.say = func(line string) int {
		if strings.Contains(line, match) {
			return code
		}
		return 0
	}
}

// Crowd is how many calls there were at once, at most.
func (c *Controller) Crowd() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.crowd
}

// refuse answers with a status of HTTP, and the envelope beside it.
func (c *Controller) refuse(w http.ResponseWriter, _ *http.Request, kind console.FaultKind) {
	status, code := http.StatusInternalServerError, -1
	switch kind {
	case console.TooMany:
		status = http.StatusTooManyRequests
	case console.Unauthorized:
		status, code = http.StatusUnauthorized, codeToken
	case console.Forbidden:
		status, code = http.StatusForbidden, -1005
	}
	console.WriteJSON(w, status, envelope{Code: code, Message: http.StatusText(status)})
}

type envelope struct {
	Code    int    `json:"errorCode"`
	Message string `json:"msg"`
	Result  any    `json:"result,omitempty"`
}

// answer is what a call comes to: a result, or a code with a message.
type answer struct {
	code    int
	message string
	result  any
}

func done(result any) answer { return answer{result: result} }

func fail(code int, format string, args ...any) answer {
	return answer{code: code, message: fmt.Sprintf(format, args...)}
}

func (c *Controller) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	c.mu.Lock()
	c.busy++
	c.crowd = max(c.crowd, c.busy)
	say := 0
	if c.say != nil {
		say = c.say(r.Method + " " + r.URL.Path)
	}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.busy--
		c.mu.Unlock()
	}()
	var a answer
	switch {
	case say != 0:
		a = fail(say, "as you were told")
	case r.URL.Path == "/api/info" && r.Method == http.MethodGet:
		a = done(map[string]any{"controllerVer": c.opts.Version, "apiVer": "3", "configured": true, "omadacId": c.opts.ControllerID})
	case r.URL.Path == tokenPath && r.Method == http.MethodPost:
		a = c.token(r, body)
	case strings.HasPrefix(r.URL.Path, apiPrefix):
		a = c.api(r, strings.TrimPrefix(r.URL.Path, apiPrefix), body)
	default:
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if a.message == "" {
		a.message = "Success."
	}
	console.WriteJSON(w, http.StatusOK, envelope{Code: a.code, Message: a.message, Result: a.result})
}

// decode reads a JSON body strictly: a field that nobody knows is an error.
func decode(r *http.Request, body []byte, into any) error {
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind != "application/json" {
		return fmt.Errorf("the body must be application/json")
	}
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil || d.More() {
		return fmt.Errorf("the body does not fit: %w", err)
	}
	return nil
}

// id is an identifier that is the same in every run, so that requests can be compared.
func id(kind string, n int) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%s %d", kind, n))
	return fmt.Sprintf("%x", h[:12])
}
