// Package mikrotiksim is a simulated MikroTik router: RouterOS 7 with a
// hotspot, by its REST interface on HTTPS with a self-signed certificate. It
// enforces what MikroTik's manual says of /ip/hotspot, and judges by effect:
// does this name and password let a device on, is this device online now.
//
//	device --Join(mac, user, password)--> active --until removed, or its limit--> gone
//	                                         ^                                      |
//	                                         +------ MAC cookie, 3 days <-----------+
//
// Sessions and cookies outlive the user that they came from. A device whose
// session is removed comes straight back by its cookie, if it has one.
//
// It is stricter than the real thing where the real thing's leniency is not
// documented: values have to be strings, unknown properties are refused, and a
// cookie lets a device in although its user is gone.
package mikrotiksim

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"edgeagent/hwsim/console"
)

// Profile is a hotspot user profile. Rates are in kbit/s as the guest sees
// them; zero is no limit.
type Profile struct {
	Name             string
	DownKbps, UpKbps int
	// SharedUsers is how many devices may use one account; 0 is any number.
	SharedUsers int
	// NoCookie is add-mac-cookie=no.
	NoCookie bool
}

// Options say what kind of router to start. The zero value is a usable one.
type Options struct {
	// Addr to listen on; "127.0.0.1:0" if empty.
	Addr string
	// User and Password of the account for the REST interface; "edgeagent" and
	// "sim-router-password" if empty.
	User, Password string
	// Policies of the account's group; read, write, rest-api and sensitive if nil.
	Policies []string
	// Stars shows a hidden password as "*****" instead of leaving it out.
	Stars bool
	// Version of RouterOS; "7.16.2 (stable)" if empty. Before 7 there is no REST.
	Version string
	// Servers are the hotspot servers; {"hotspot1"} if nil.
	Servers []string
	// Profiles are the hotspot user profiles, beside "default", which lets one
	// device on; one of that name replaces it.
	Profiles []Profile
	// NoHotspot is a device-mode that forbids the hotspot.
	NoHotspot bool
	// Now is the router's clock; time.Now if nil.
	Now func() time.Time
}

// Router is a running router.
type Router struct {
	*console.Console
	opts Options
	now  func() time.Time

	mu       sync.Mutex
	serial   int // of the newest item
	profiles []Profile
	users    []*user
	active   []*session
	cookies  []*cookie
	hosts    []*host
}

// Start starts a router.
func Start(opts Options) (*Router, error) {
	opts = opts.withDefaults()
	r := &Router{opts: opts, now: opts.Now, profiles: []Profile{{Name: "default", SharedUsers: 1}}}
	for _, p := range opts.Profiles {
		r.profiles = slices.DeleteFunc(r.profiles, func(old Profile) bool { return old.Name == p.Name })
		r.profiles = append(r.profiles, p)
	}
	// Every router has it, for guests on trial; nobody can log in by it.
	r.users = append(r.users, &user{id: "*0", props: map[string]string{"name": "default-trial"}, builtIn: true})
	var err error
	r.Console, err = console.Start(console.Options{
		Addr: opts.Addr, Now: opts.Now, Serve: r.serve, Refuse: refuse,
	})
	if err != nil {
		return nil, fmt.Errorf("mikrotik: %w", err)
	}
	return r, nil
}

func (o Options) withDefaults() Options {
	def := func(p *string, v string) {
		if *p == "" {
			*p = v
		}
	}
	def(&o.User, "edgeagent")
	def(&o.Password, "sim-router-password")
	def(&o.Version, "7.16.2 (stable)")
	if o.Policies == nil {
		o.Policies = []string{"read", "write", "rest-api", "sensitive"}
	}
	if o.Servers == nil {
		o.Servers = []string{"hotspot1"}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Account is the name and the password that the REST interface accepts.
func (r *Router) Account() (user, password string) { return r.opts.User, r.opts.Password }

// Restore renumbers everything, as a restored back-up does.
func (r *Router) Restore() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.serial += 0x100
	for _, u := range r.users {
		if !u.builtIn {
			u.id = r.nextID()
		}
	}
}

// nextID is the id of a new item. The router counts in hexadecimal.
func (r *Router) nextID() string {
	r.serial++
	return fmt.Sprintf("*%X", r.serial)
}

// can reports whether the account has a policy.
func (r *Router) can(policy string) bool { return slices.Contains(r.opts.Policies, policy) }

// failure is the router's error object. Every value of a reply is a string but
// for this number.
type failure struct {
	Error   int    `json:"error"`
	Message string `json:"message"`
	Detail  string `json:"detail,omitempty"`
}

func fail(w http.ResponseWriter, status int, detail string) {
	console.WriteJSON(w, status, failure{Error: status, Message: http.StatusText(status), Detail: detail})
}

// Refusals by the router itself.
const (
	noSuchItem    = "no such item"
	noSuchCommand = "no such command or directory"
	noRights      = "not enough permissions (9)"
)

// refuse answers as a router that is overloaded, broken, or has had its
// accounts changed.
func refuse(w http.ResponseWriter, _ *http.Request, kind console.FaultKind) {
	switch kind {
	case console.TooMany:
		fail(w, http.StatusTooManyRequests, "")
	case console.Unauthorized:
		fail(w, http.StatusUnauthorized, "")
	case console.Forbidden:
		fail(w, http.StatusForbidden, "")
	default:
		fail(w, http.StatusInternalServerError, "")
	}
}
