package nomadixsim

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"edgeagent/hwsim/console"
)

// Why a device is not let on.
var (
	ErrNoSuchUser = errors.New("no account has this name and password")
	ErrFull       = errors.New("the group has its full number of devices")
)

// account is one that guests log in with; a group has a limit of devices.
type account struct {
	name, password, room, marker string
	down, up                     int // kbit/s, as the guest sees it; 0 is no limit
	lasts                        time.Duration
	end                          time.Time // zero: the clock has not started
	group                        bool
	most                         int // devices; 0 is any number
}

func (a *account) works(now time.Time) bool { return a.end.IsZero() || now.Before(a.end) }

// session is one device in the table of current subscribers. It holds what the
// account said when it began: a change of the account does not reach it.
type session struct {
	mac, user string
	end       time.Time
	down, up  int
	order     int
}

// forgetExpired drops the accounts whose time is over, as the gateway does.
func (g *Gateway) forgetExpired() {
	now := g.now()
	maps.DeleteFunc(g.accounts, func(_ string, a *account) bool { return !a.works(now) })
	maps.DeleteFunc(g.sessions, func(_ string, s *session) bool { return !now.Before(s.end) })
}

// address is a MAC as the gateway writes it.
func address(mac string) string { return strings.ToUpper(strings.ReplaceAll(mac, ":", "")) }

// Join is a guest who types a name and a password on a device at the portal; an
// access code is typed alone.
func (g *Gateway) Join(mac, user, code string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forgetExpired()
	name, password := user, code
	if user == "" {
		name, password = code, ""
	}
	a, ok := g.accounts[name]
	if !ok || a.password != password {
		return ErrNoSuchUser
	}
	others := 0
	for _, s := range g.sessions {
		if s.user == name && s.mac != address(mac) {
			others++
		}
	}
	if a.most > 0 && others >= a.most {
		return ErrFull
	}
	if a.end.IsZero() {
		a.end = g.now().Add(a.lasts)
	}
	g.logins++
	s := &session{mac: address(mac), order: g.logins}
	g.admit(s, a)
	g.sessions[s.mac] = s
	return nil
}

// admit gives a session what its account says now.
func (g *Gateway) admit(s *session, a *account) {
	s.user, s.down, s.up, s.end = a.name, a.down, a.up, a.end
	if a.group && a.lasts > 0 {
		if own := g.now().Add(a.lasts); own.Before(s.end) {
			s.end = own
		}
	}
}

// Online reports whether a device has access now.
func (g *Gateway) Online(mac string) bool {
	_, _, ok := g.Session(mac)
	return ok
}

// Session is the rates of a device that is on, in kbit/s as its guest sees them.
func (g *Gateway) Session(mac string) (down, up int, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, ok := g.sessions[address(mac)]
	if !ok || !g.now().Before(s.end) {
		return 0, 0, false
	}
	return s.down, s.up, true
}

// Access lists the accounts, by name.
func (g *Gateway) Access() []console.Access {
	g.mu.Lock()
	defer g.mu.Unlock()
	var list []console.Access
	for _, name := range slices.Sorted(maps.Keys(g.accounts)) {
		a := g.accounts[name]
		one := console.Access{Marker: a.marker, User: a.name, Code: a.password, Until: a.end,
			Works: a.works(g.now()), Devices: a.most, DownKbps: a.down, UpKbps: a.up}
		if a.password == "" {
			one.User, one.Code = "", a.name
		}
		list = append(list, one)
	}
	return list
}

// newestMAC is the device that logged in last under a name.
func (g *Gateway) newestMAC(user string) string {
	newest := &session{}
	for _, s := range g.sessions {
		if s.user == user && s.order > newest.order {
			newest = s
		}
	}
	return newest.mac
}

// logout ends one session; whether the real command ends all of a name is not
// documented.
func (g *Gateway) logout(root element) reply {
	mac, user := root.child("SUB_MAC_ADDR").Text, root.child("SUB_USER_NAME").Text
	if mac == "" && user == "" {
		return fail(103)
	}
	mine := slices.SortedFunc(maps.Values(g.sessions), func(a, b *session) int { return cmp.Compare(a.order, b.order) })
	for _, s := range mine {
		if s.mac == mac || mac == "" && s.user == user {
			delete(g.sessions, s.mac)
			return reply{}
		}
	}
	if mac != "" {
		return fail(202)
	}
	return fail(201)
}

// cacheUpdate makes a device's session what its account says by now.
func (g *Gateway) cacheUpdate(root element) reply {
	mac := root.attr("MAC_ADDR")
	if mac == "" {
		return fail(102)
	}
	s, ok := g.sessions[mac]
	if !ok || !macFormat.MatchString(mac) {
		return fail(202)
	}
	a, ok := g.accounts[s.user]
	if !ok {
		delete(g.sessions, mac)
		return reply{}
	}
	g.admit(s, a)
	return reply{}
}
