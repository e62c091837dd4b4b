package mikrotiksim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Why a device is not let on.
var (
	ErrWrong = errors.New("invalid username or password")
	ErrFull  = errors.New("no more sessions are allowed for the user")
	ErrLimit = errors.New("the user has reached its limit")
)

// cookieLife is the default mac-cookie-timeout.
const cookieLife = 3 * 24 * time.Hour

// session is a line of /ip/hotspot/active. What is left of the user's limits
// is fixed when the device logs in.
type session struct {
	id, mac, user, by string
	since             time.Time
	left              time.Duration // 0 is no limit
	capped            bool
	bytes             int64 // that are left, if capped
}

// cookie is a line of /ip/hotspot/cookie.
type cookie struct {
	id, mac, user string
	until         time.Time
}

// host is a line of /ip/hotspot/host: a device that the router has seen.
type host struct{ id, mac string }

// Join is a guest who types a name and a password at the login page. A device
// with a cookie does not come to see that page.
func (r *Router) Join(mac, user, password string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expire()
	mac = strings.ToUpper(mac)
	if !macFormat.MatchString(mac) {
		return fmt.Errorf("mikrotik: no MAC address: %q", mac)
	}
	if !slices.ContainsFunc(r.hosts, func(h *host) bool { return h.mac == mac }) {
		r.hosts = append(r.hosts, &host{id: r.nextID(), mac: mac})
	}
	switch s := r.sessionOf(mac); {
	case s != nil && s.user == user:
		return nil
	case s != nil: // the guest logs out first, which takes the cookie too
		r.cookies = slices.DeleteFunc(r.cookies, func(c *cookie) bool { return c.mac == mac })
		r.logOut(s, r.now())
	case r.readmit(mac):
		return nil
	}
	for _, u := range r.users {
		if u.props["name"] != user || u.builtIn || u.disabled() || u.props["password"] != password {
			continue
		}
		if err := r.logIn(u, mac, "http-chap"); err != nil {
			return err
		}
		if !r.profile(u).NoCookie {
			r.cookies = append(r.cookies, &cookie{id: r.nextID(), mac: mac, user: user, until: r.now().Add(cookieLife)})
		}
		return nil
	}
	return ErrWrong
}

func (r *Router) logIn(u *user, mac, by string) error {
	limit, most, p := u.limit(), u.cap(), r.profile(u)
	if limit > 0 && u.uptime >= limit || most > 0 && u.bytes >= most {
		return ErrLimit
	}
	n := 0
	for _, s := range r.active {
		if s.user == u.props["name"] {
			n++
		}
	}
	if p.SharedUsers > 0 && n >= p.SharedUsers {
		return ErrFull
	}
	s := &session{id: r.nextID(), mac: mac, user: u.props["name"], by: by, since: r.now(), capped: most > 0, bytes: most - u.bytes}
	if limit > 0 {
		s.left = limit - u.uptime
	}
	r.active = append(r.active, s)
	return nil
}

// readmit lets a device in by its cookie, also if the cookie's user is gone.
func (r *Router) readmit(mac string) bool {
	for _, c := range r.cookies {
		if c.mac != mac {
			continue
		}
		u := r.userNamed(c.user)
		if u == nil {
			r.active = append(r.active, &session{id: r.nextID(), mac: mac, user: c.user, by: "mac-cookie", since: r.now()})
			return true
		}
		if !u.disabled() && r.logIn(u, mac, "mac-cookie") == nil {
			return true
		}
	}
	return false
}

func (r *Router) userNamed(name string) *user {
	for _, u := range r.users {
		if u.props["name"] == name {
			return u
		}
	}
	return nil
}

func (r *Router) sessionOf(mac string) *session {
	for _, s := range r.active {
		if s.mac == mac {
			return s
		}
	}
	return nil
}

func (r *Router) profile(u *user) Profile {
	name := u.props["profile"]
	for _, p := range r.profiles {
		if p.Name == name || name == "" && p.Name == "default" {
			return p
		}
	}
	return Profile{}
}

// expire ends what is over by the clock.
func (r *Router) expire() {
	now := r.now()
	r.cookies = slices.DeleteFunc(r.cookies, func(c *cookie) bool { return now.After(c.until) })
	for _, s := range slices.Clone(r.active) {
		if s.left > 0 && now.Sub(s.since) >= s.left {
			r.logOut(s, s.since.Add(s.left))
		}
	}
}

// logOut ends a session and counts its time.
func (r *Router) logOut(s *session, at time.Time) {
	r.active = slices.DeleteFunc(r.active, func(other *session) bool { return other == s })
	if u := r.userNamed(s.user); u != nil {
		u.uptime += at.Sub(s.since)
	}
	r.readmit(s.mac)
}

// Online reports whether a device is logged in now.
func (r *Router) Online(mac string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expire()
	return r.sessionOf(strings.ToUpper(mac)) != nil
}

// LogOut is a device that leaves the network: its session is counted and ends.
// It comes back at once if it has a cookie.
func (r *Router) LogOut(mac string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expire()
	if s := r.sessionOf(strings.ToUpper(mac)); s != nil {
		r.logOut(s, r.now())
	}
}

// Transfer is a device that moves bytes; at its limit it is logged out.
func (r *Router) Transfer(mac string, bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.sessionOf(strings.ToUpper(mac))
	if s == nil {
		return
	}
	if u := r.userNamed(s.user); u != nil {
		u.bytes += bytes
	}
	if s.bytes -= bytes; s.capped && s.bytes <= 0 {
		r.logOut(s, r.now())
	}
}

// Cookies counts the cookies of a user.
func (r *Router) Cookies(user string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.cookies {
		if c.user == user {
			n++
		}
	}
	return n
}
