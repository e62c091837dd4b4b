package opnsensesim

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"edgeagent/hwsim/console"
)

// ErrDenied is what the portal says to a guest whatever is wrong with a voucher.
var ErrDenied = errors.New("the portal says: authentication failed")

// characters are those of a voucher's name and password.
const characters = "!#$%()*+,-./0123456789:;=?@ABCDEFGHIJKLMNPQRSTUVWXYZ[]_abcdefghijkmnopqrstuvwxyz"

const userLength, passwordLength = 8, 10

// generate makes vouchers. seconds from now is their expiry, 0 never.
func (c *Controller) generate(s *server, group string, count int, validity, seconds int64) []*voucher {
	expiry := int64(0)
	if seconds != 0 {
		expiry = c.now().Unix() + seconds
	}
	var made []*voucher
	for len(made) < count {
		v := &voucher{user: random(userLength), group: group, validity: validity, expiry: expiry}
		if s.find(v.user) != nil {
			continue
		}
		if !c.opts.NoPasswords {
			v.password = random(passwordLength)
		}
		s.vouchers = append(s.vouchers, v)
		made = append(made, v)
	}
	c.made += count
	return made
}

func random(length int) string {
	text := make([]byte, length)
	_, _ = rand.Read(text)
	for i, b := range text {
		text[i] = characters[int(b)%len(characters)]
	}
	return string(text)
}

func (s *server) find(user string) *voucher {
	i := slices.IndexFunc(s.vouchers, func(v *voucher) bool { return v.user == user })
	if i < 0 {
		return nil
	}
	return s.vouchers[i]
}

// state is what a list shows.
func (v *voucher) state(now int64) string {
	switch {
	case v.expiry > 0 && now > v.expiry:
		return "expired"
	case v.start == 0:
		return "unused"
	case now < v.start+v.validity:
		return "valid"
	}
	return "expired"
}

// left is how long a voucher lets a device in that logs in now; 0 is not at all.
func (v *voucher) left(now int64) int64 {
	start := v.start
	if start == 0 {
		start = now
	}
	left := v.validity - (now - start)
	if v.expiry > 0 {
		left = min(left, v.expiry-now)
	}
	return max(left, 0)
}

// Join is a guest who types a voucher at the portal. Where vouchers have no
// password, the name is all of it. Who is online already is left as he is.
func (c *Controller) Join(mac, user, code string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	password := code
	if c.opts.NoPasswords && user == "" {
		user, password = code, ""
	}
	name := c.opts.Servers[0]
	v := c.servers[name].find(user)
	if v == nil || v.password != password {
		return ErrDenied
	}
	now := c.now().Unix()
	left := v.left(now)
	if v.start == 0 {
		v.start = now // counts from now on, even if it has expired
	}
	if left == 0 {
		return ErrDenied
	}
	c.clean()
	ip := c.address(mac)
	if c.byAddress(c.zone, ip) != nil {
		return nil
	}
	c.admit(user, name, ip, mac, c.zone).restrict(left)
	return nil
}

func (s *session) restrict(seconds int64) { s.timeout, s.accounted = seconds, true }

// admit makes a session without an end; whoever had the address has lost it.
func (c *Controller) admit(user, via, ip, mac string, zone int) *session {
	c.sessions = slices.DeleteFunc(c.sessions, func(s *session) bool { return s.zone == zone && s.ip == ip })
	var id [16]byte
	_, _ = rand.Read(id[:])
	s := &session{id: base64.StdEncoding.EncodeToString(id[:]), user: user, via: via, ip: ip, mac: mac, zone: zone, created: c.now().Unix()}
	c.sessions = append(c.sessions, s)
	return s
}

// clean is what the product's own loop does every five seconds. No voucher is
// asked again: only a session's own timeout counts.
func (c *Controller) clean() {
	now := c.now().Unix()
	seen := map[string]bool{}
	kept := make([]*session, 0, len(c.sessions))
	for _, s := range slices.Backward(c.sessions) {
		if s.accounted && now-s.created > s.timeout || c.opts.OneDevice && s.user != "" && seen[s.user] {
			continue
		}
		seen[s.user] = true
		kept = append(kept, s)
	}
	slices.Reverse(kept)
	c.sessions = kept
}

func (c *Controller) address(mac string) string {
	ip, ok := c.addrs[mac]
	if !ok {
		n := len(c.addrs) + 10
		ip = fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255)
		c.addrs[mac] = ip
	}
	return ip
}

func (c *Controller) byAddress(zone int, ip string) *session {
	for _, s := range c.sessions {
		if s.zone == zone && s.ip == ip {
			return s
		}
	}
	return nil
}

// Online reports whether a device has access now.
func (c *Controller) Online(mac string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clean()
	return slices.ContainsFunc(c.sessions, func(s *session) bool { return s.mac == mac })
}

// Access lists what the vouchers of the first server give.
func (c *Controller) Access() []console.Access {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now().Unix()
	var list []console.Access
	for _, v := range c.servers[c.opts.Servers[0]].vouchers {
		a := console.Access{Marker: v.group, User: v.user, Code: v.password, Works: v.left(now) > 0}
		if v.password == "" {
			a.User, a.Code = "", v.user
		}
		if v.expiry > 0 {
			a.Until = time.Unix(v.expiry, 0)
		}
		if v.validity == 0 && v.start > 0 {
			a.Until = time.Unix(v.start, 0) // expired by hand
		}
		list = append(list, a)
	}
	return list
}

// AddVoucher makes a voucher as a person at OPNsense's own page would.
func (c *Controller) AddVoucher(server, group string, validity, expiry time.Duration) (user, password string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.generate(c.servers[server], group, 1, int64(validity/time.Second), int64(expiry/time.Second))[0]
	return v.user, v.password
}

// Admit lets a device on with a voucher's name and another server or zone, as
// a radius user of the same name would come on.
func (c *Controller) Admit(mac, user, via string, zone int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.admit(user, via, c.address(mac), mac, zone)
}

// DropGroup removes a group as a person at OPNsense's own page would.
func (c *Controller) DropGroup(server, group string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.servers[server].drop(group, c.now().Unix(), false)
}
