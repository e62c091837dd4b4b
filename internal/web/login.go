package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"edgeagent/internal/password"
)

// User is somebody who may log in, or a script with a token.
type User struct {
	Name string
	// Operates: otherwise the user may only look.
	Operates bool
	// Password is nil for who has none, Token "".
	Password *password.Hash
	Token    string
}

func (u *User) may() need {
	if u.Operates {
		return toOperate
	}
	return toLook
}

// byToken is the user of a token, nil if there is none.
func (p *Page) byToken(token string) *User {
	given := digestOf(token)
	var found *User
	for i := range p.Users {
		if u := &p.Users[i]; u.Token != "" && digestOf(u.Token) == given {
			found = u
		}
	}
	return found
}

// turnstile lets one password be looked at after the other: each costs a core for
// a moment, and the gateway has other work.
type turnstile struct{ sync.Mutex }

// cookieName is bound by browsers to https, this host and all of its paths, where
// it begins with __Host-.
func (p *Page) cookieName() string {
	if p.Secure {
		return "__Host-edgeagent"
	}
	return "edgeagent"
}

func (p *Page) cookie(id string, age int) *http.Cookie {
	return &http.Cookie{Name: p.cookieName(), Value: id, Path: "/", MaxAge: age, HttpOnly: true, Secure: p.Secure, SameSite: http.SameSiteStrictMode}
}

// me tells a browser what it may do here, and how to do more.
func (p *Page) me(w http.ResponseWriter, r *http.Request) {
	v := visitorOf(r)
	answer := struct {
		User     string `json:"user,omitempty"`
		Look     bool   `json:"look"`
		Operate  bool   `json:"operate"`
		Users    bool   `json:"users"` // there is somebody to log in as
		Version  string `json:"version,omitempty"`
		Property string `json:"property,omitempty"`
		Zone     string `json:"zone,omitempty"`
		Problems string `json:"problems,omitempty"`
	}{User: v.user, Look: v.may >= toLook, Operate: v.may >= toOperate}
	for i := range p.Users {
		answer.Users = answer.Users || p.Users[i].Password != nil
	}
	if answer.Look {
		answer.Version, answer.Property, answer.Zone, answer.Problems = p.Version, p.Property, p.Zone, p.Problems
	}
	asJSON(w, answer)
}

// login begins a session for a name with its password, or for a one-time link.
func (p *Page) login(w http.ResponseWriter, r *http.Request) {
	var given struct{ Name, Password, Link string }
	if !readJSON(w, r, &given) {
		return
	}
	user, may, ok := p.admit(w, r, given.Name, given.Password, given.Link)
	if !ok {
		return
	}
	if old := visitorOf(r); old.session != (digest{}) {
		p.sessions.end(old.session)
	}
	http.SetCookie(w, p.cookie(p.sessions.begin(user, may), 0))
	p.Log.Info().Str("user", user).Msg("logged in to the page")
	w.WriteHeader(http.StatusNoContent)
}

// admit looks at a link, which is 130 bits of chance and needs no bound of tries, so
// that nobody's guesses can keep its owner out; or at a name and its password.
func (p *Page) admit(w http.ResponseWriter, r *http.Request, name, given, link string) (user string, may need, ok bool) {
	if link != "" {
		if !p.links.use(link) {
			http.Error(w, "this link has been used, or is older than a minute; run edgeagent page again", http.StatusUnauthorized)
			return "", 0, false
		}
		return "link", toOperate, true
	}
	from := network(r.RemoteAddr)
	if patience := p.tries.refusal(w, from, name); patience != "" {
		http.Error(w, patience, http.StatusTooManyRequests)
		return "", 0, false
	}
	u := p.byPassword(name, given)
	if u == nil {
		p.Log.Warn().Str("from", r.RemoteAddr).Msg("a log-in was refused") // not with the name: it may be a password in the wrong field
		http.Error(w, "the name or the password is wrong", http.StatusUnauthorized)
		return "", 0, false
	}
	p.tries.succeeded(from, name)
	return u.Name, u.may(), true
}

// byPassword is the user that a name and a password belong to, nil for none. It
// takes as long for a name that nobody has.
func (p *Page) byPassword(name, given string) *User {
	p.verify.Lock()
	defer p.verify.Unlock()
	for i := range p.Users {
		if u := &p.Users[i]; u.Name == name && u.Password != nil {
			if u.Password.Fits(given) {
				return u
			}
			return nil
		}
	}
	password.Nobody().Fits(given)
	return nil
}

// logout ends the session.
func (p *Page) logout(w http.ResponseWriter, r *http.Request) {
	if v := visitorOf(r); v.session != (digest{}) {
		p.sessions.end(v.session)
		p.Log.Info().Str("user", v.user).Msg("logged out of the page")
	}
	http.SetCookie(w, p.cookie("", -1))
	w.WriteHeader(http.StatusNoContent)
}

// link makes a link that logs in whoever opens it first. The token stands behind
// the #, which browsers send to nobody and write in no log.
func (p *Page) link(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	fmt.Fprintf(w, "%s/#link=%s\n", p.Address, p.links.make())
}

// readJSON takes the body of a request, or says that it cannot be read.
func readJSON(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		http.Error(w, "the request cannot be read", http.StatusBadRequest)
		return false
	}
	return true
}

func asJSON(w http.ResponseWriter, what any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(what) // a browser that has left needs no answer
}
