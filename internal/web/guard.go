package web

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/rs/zerolog"

	"edgeagent/internal/agent"
)

// visitor is who asks.
type visitor struct {
	user string // "" for nobody in particular
	may  need
	// session is the key of the visitor's session, if there is one.
	session digest
}

type visitorKey struct{}

func as(r *http.Request, v visitor) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), visitorKey{}, v))
}

func visitorOf(r *http.Request) visitor {
	v, _ := r.Context().Value(visitorKey{}).(visitor)
	return v
}

// ownHeader is what the page's own script sends with every change. Another site
// cannot have a browser send it without asking first, and nobody here says yes.
const ownHeader = "X-Edgeagent"

// maxQuestion bounds the body of a request.
const maxQuestion = 16 << 10

// policy lets the page use what is embedded in this binary and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// guarded is a route behind all that keeps strangers off.
func (p *Page) guarded(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fence(w.Header(), policy, "no-referrer")
		changes := changing(r)
		if (changes || rt.needs > anybody) && elsewhere(r) {
			http.Error(w, "this request comes from another site", http.StatusForbidden)
			return
		}
		if changes && r.Header.Get(ownHeader) == "" {
			http.Error(w, "what changes something needs the header "+ownHeader+": 1", http.StatusForbidden)
			return
		}
		v := p.visitor(r)
		if v.may < rt.needs {
			p.refuse(w, v, rt.needs)
			return
		}
		if rt.needs == toOperate {
			p.Log.Info().Str("user", v.user).Str("deed", rt.pattern).Str("about", p.about(r)).Msg("asked for on the page")
		}
		defer caught(p.Log, rt.pattern)
		r.Body = http.MaxBytesReader(w, r.Body, maxQuestion)
		rt.serve(p, w, as(r, v))
	})
}

// about is what a request is about: a command, device, link, event or room. What
// the house does not have is no name for the log: anybody may write anything there.
func (p *Page) about(r *http.Request) string {
	id := cmp.Or(r.PathValue("id"), r.PathValue("room"))
	if id == "" || p.Look == nil {
		return ""
	}
	v, err := p.Look()
	if err != nil || !has(v, id) {
		return "nothing that is here"
	}
	return id
}

// has reports whether something in the house is called so.
func has(v agent.View, id string) bool {
	command := func(c agent.CommandView) bool { return c.ID == id }
	return slices.ContainsFunc(v.Open, command) || slices.ContainsFunc(v.Recent, command) || slices.ContainsFunc(v.Unknown, command) ||
		slices.ContainsFunc(v.Devices, func(d agent.DeviceView) bool { return d.Name == id }) ||
		slices.ContainsFunc(v.Links, func(l agent.LinkView) bool { return l.Name == id }) ||
		slices.ContainsFunc(v.Rooms, func(r agent.RoomView) bool { return r.Room == id }) ||
		slices.ContainsFunc(v.Events, func(e agent.EventView) bool { return e.ID == id })
}

// fence keeps what other sites could do with an answer to nothing.
func fence(h http.Header, policy, referrer string) {
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", referrer)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
}

func changing(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead
}

// caught tells of a fault of ours, and ends just this answer.
func caught(log zerolog.Logger, pattern string) {
	if fault := recover(); fault != nil {
		log.Error().Str("address", pattern).Bytes("stack", debug.Stack()).Msg("the page broke off (a fault of edgeagent; please report it)")
		panic(http.ErrAbortHandler)
	}
}

// elsewhere reports whether a browser says that another site has set the request
// off. A page on another port of this machine is another site too, although
// browsers send it our cookie.
func elsewhere(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return true
	}
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	origin := r.Header.Get("Origin")
	return origin != "" && origin != scheme+r.Host
}

// visitor finds out who asks: a script by its token, a person by the cookie.
func (p *Page) visitor(r *http.Request) visitor {
	var v visitor
	if !p.Open {
		v.may = toLook // who is on this machine may look
	}
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		if u := p.byToken(token); u != nil {
			v = visitor{user: u.Name, may: u.may()}
		}
		return v
	}
	if c, err := r.Cookie(p.cookieName()); err == nil {
		if s, ok := p.sessions.find(c.Value, true); ok {
			return visitor{user: s.user, may: s.may, session: s.key}
		}
	}
	return v
}

// refuse says what is missing.
func (p *Page) refuse(w http.ResponseWriter, v visitor, needs need) {
	switch {
	case v.user != "":
		http.Error(w, "user "+v.user+" may look, but not operate", http.StatusForbidden)
	case len(p.Users) > 0:
		http.Error(w, "log in first", http.StatusUnauthorized)
	case needs == toOperate:
		http.Error(w, "this page only shows; to operate, run edgeagent page on the gateway and open the link that it prints", http.StatusUnauthorized)
	default:
		http.Error(w, "run edgeagent page on the gateway and open the link that it prints", http.StatusUnauthorized)
	}
}

// called refuses requests under another name than the page's own: a web page
// elsewhere could otherwise have its name lead here, and a browser on the gateway
// would read this page as if it were a part of that one.
func (p *Page) called(next http.Handler) http.Handler { return called(next, p.Open, p.Named) }

func called(next http.Handler, open bool, named func(host string) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		ip := net.ParseIP(strings.Trim(host, "[]"))
		switch {
		case host == "localhost", ip != nil && (open || ip.IsLoopback()), open && named != nil && named(host):
			next.ServeHTTP(w, r)
		case open:
			http.Error(w, "this page answers to its address, or to a name that is in its certificate", http.StatusForbidden)
		default:
			http.Error(w, "this page answers to localhost only", http.StatusForbidden)
		}
	})
}
