package inspire

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxCookies is how many are kept: a load balancer has two, and a server that
// sends ever new ones must not fill the memory.
const maxCookies = 50

// cookies are what a load balancer has us bring along (RFC 6265), in memory. It
// stands in for net/http/cookiejar, of which one link to one vendor needs a
// fraction, and which costs the gateway's binary ten times as much.
type cookies struct {
	mu   sync.Mutex
	held []cookie
}

// cookie is one, with whom it goes to.
type cookie struct {
	name, value  string
	domain, path string
	below        bool // hosts below the domain get it too
	secure       bool
	ends         time.Time // zero for the end of the process
}

// SetCookies keeps what an answer of u brings.
func (j *cookies) SetCookies(u *url.URL, all []*http.Cookie) {
	now := time.Now()
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range all {
		n, ok := cookieOf(u, c, now)
		if !ok {
			continue
		}
		j.held = slices.DeleteFunc(j.held, func(o cookie) bool {
			return o.name == n.name && o.domain == n.domain && o.path == n.path || o.over(now)
		})
		if c.MaxAge >= 0 && !n.over(now) && len(j.held) < maxCookies {
			j.held = append(j.held, n)
		}
	}
}

// cookieOf reads one. Nobody speaks for another's hosts, nor for all of a
// top-level domain.
func cookieOf(u *url.URL, c *http.Cookie, now time.Time) (n cookie, ok bool) {
	n = cookie{name: c.Name, value: c.Value, domain: strings.ToLower(u.Hostname()), path: c.Path, secure: c.Secure, ends: c.Expires}
	if domain := strings.ToLower(strings.TrimPrefix(c.Domain, ".")); domain != "" {
		inside := strings.HasSuffix(n.domain, "."+domain) && strings.Contains(domain, ".") && net.ParseIP(n.domain) == nil
		if domain != n.domain && !inside {
			return n, false
		}
		n.domain, n.below = domain, net.ParseIP(domain) == nil
	}
	if !strings.HasPrefix(n.path, "/") {
		n.path = u.Path[:max(strings.LastIndexByte(u.Path, '/'), 0)]
	}
	if n.path == "" {
		n.path = "/"
	}
	if c.MaxAge > 0 {
		n.ends = now.Add(time.Duration(min(c.MaxAge, longest)) * time.Second)
	}
	return n, true
}

// longest is how long a cookie lives at most, in seconds: a year.
const longest = 365 * 24 * 3600

func (c *cookie) over(now time.Time) bool { return !c.ends.IsZero() && !c.ends.After(now) }

// Cookies are those that go to u.
func (j *cookies) Cookies(u *url.URL) (all []*http.Cookie) {
	now, host, path := time.Now(), strings.ToLower(u.Hostname()), u.Path
	if path == "" {
		path = "/"
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range j.held {
		c := &j.held[i]
		rest, inside := strings.CutPrefix(path, c.path)
		inside = inside && (rest == "" || rest[0] == '/' || strings.HasSuffix(c.path, "/"))
		its := host == c.domain || c.below && strings.HasSuffix(host, "."+c.domain)
		if its && inside && !c.over(now) && (!c.secure || u.Scheme == "https") {
			all = append(all, &http.Cookie{Name: c.name, Value: c.value})
		}
	}
	return all
}
