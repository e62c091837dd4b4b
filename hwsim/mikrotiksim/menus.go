package mikrotiksim

import (
	"slices"
	"strconv"
	"time"

	"edgeagent/hwsim/console"
)

// Access lists the users but for the built-in one. Until is when one is used
// up that has been online, from when it was made, with all its devices.
func (r *Router) Access() []console.Access {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expire()
	var list []console.Access
	for _, u := range r.users {
		if u.builtIn {
			continue
		}
		p, limit, most := r.profile(u), u.limit(), u.cap()
		a := console.Access{Marker: u.props["comment"], User: u.props["name"], Code: u.props["password"],
			Works:   !u.disabled() && (limit == 0 || u.uptime < limit) && (most == 0 || u.bytes < most),
			Devices: p.SharedUsers, DataMB: int(most / 1_000_000), DownKbps: p.DownKbps, UpKbps: p.UpKbps}
		if limit > 0 {
			a.Until = u.created.Add(limit / time.Duration(max(p.SharedUsers, 1)))
		}
		list = append(list, a)
	}
	return list
}

func (r *Router) printActive() []item {
	list := []item{}
	for _, s := range r.active {
		line := item{".id": s.id, "server": r.opts.Servers[0], "user": s.user, "mac-address": s.mac, "address": "10.5.50.2",
			"login-by": s.by, "uptime": interval(r.now().Sub(s.since)), "idle-time": "0s", "keepalive-timeout": "2m"}
		if s.left > 0 {
			line["session-time-left"] = interval(s.left - r.now().Sub(s.since))
		}
		if s.capped {
			line["limit-bytes-total"] = strconv.FormatInt(s.bytes, 10)
		}
		list = append(list, line)
	}
	return list
}

func (r *Router) removeActive(id string) string {
	for _, s := range r.active {
		if s.id == id {
			r.logOut(s, r.now())
			return ""
		}
	}
	return noSuchItem
}

func (r *Router) printCookies() []item {
	list := []item{}
	for _, c := range r.cookies {
		list = append(list, item{".id": c.id, "user": c.user, "domain": "", "mac-address": c.mac,
			"expires-in": interval(c.until.Sub(r.now()))})
	}
	return list
}

func (r *Router) removeCookie(id string) string {
	for i, c := range r.cookies {
		if c.id == id {
			r.cookies = slices.Delete(r.cookies, i, i+1)
			return ""
		}
	}
	return noSuchItem
}

func (r *Router) printHosts() []item {
	list := []item{}
	for _, h := range r.hosts {
		list = append(list, item{".id": h.id, "mac-address": h.mac, "server": r.opts.Servers[0], "address": "10.5.50.2",
			"authorized": yes(r.sessionOf(h.mac) != nil)})
	}
	return list
}

// removeHost makes the router forget a device, and its session with it. A
// device that still sends comes back, by its cookie if it has one.
func (r *Router) removeHost(id string) string {
	for i, h := range r.hosts {
		if h.id != id {
			continue
		}
		r.hosts = slices.Delete(r.hosts, i, i+1)
		if s := r.sessionOf(h.mac); s != nil {
			r.logOut(s, r.now())
		}
		return ""
	}
	return noSuchItem
}
