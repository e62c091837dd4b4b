package inspire

import (
	"net/http"
	"net/url"
	"sync"
	"time"
)

// cookies keeps what a load balancer sets to find the same instance again, such as
// Azure's ARRAffinity. Each goes back to the host that set it and to no other, and
// only encrypted if it says so: all that a link of one or two hosts needs of a jar,
// without the 40 kB of the whole rules.
type cookies struct {
	mu   sync.Mutex
	held map[string]map[string]cookie // by host and name
}

type cookie struct {
	value  string
	secure bool
	ends   time.Time // zero for never
}

// Nobody needs more, and a request's head is bounded at the other end.
const (
	maxCookies = 20   // of a host
	maxCookie  = 4096 // bytes of name and value
)

// SetCookies takes what an answer sets.
func (c *cookies) SetCookies(u *url.URL, set []*http.Cookie) {
	c.mu.Lock()
	defer c.mu.Unlock()
	host := u.Hostname()
	for _, s := range set {
		if s.MaxAge < 0 || !s.Expires.IsZero() && s.Expires.Before(time.Now()) {
			delete(c.held[host], s.Name)
			continue
		}
		_, known := c.held[host][s.Name]
		if len(s.Name)+len(s.Value) > maxCookie || !known && len(c.held[host]) >= maxCookies {
			continue
		}
		if c.held == nil {
			c.held = map[string]map[string]cookie{}
		}
		if c.held[host] == nil {
			c.held[host] = map[string]cookie{}
		}
		kept := cookie{value: s.Value, secure: s.Secure, ends: s.Expires}
		if s.MaxAge > 0 {
			kept.ends = time.Now().Add(time.Duration(min(s.MaxAge, maxCookieAge)) * time.Second)
		}
		c.held[host][s.Name] = kept
	}
}

// maxCookieAge, in seconds, is a year: what lasts longer fits no duration.
const maxCookieAge = 365 * 24 * 3600

// Cookies are those that go with a request.
func (c *cookies) Cookies(u *url.URL) []*http.Cookie {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []*http.Cookie
	for name, k := range c.held[u.Hostname()] {
		if k.secure && u.Scheme != "https" || !k.ends.IsZero() && !time.Now().Before(k.ends) {
			continue
		}
		list = append(list, &http.Cookie{Name: name, Value: k.value})
	}
	return list
}

// drop forgets all.
func (c *cookies) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = nil
}
