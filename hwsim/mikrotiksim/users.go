package mikrotiksim

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// user is an account of the hotspot. Its time online is counted when a device
// logs out, as the manual says.
type user struct {
	id      string
	props   map[string]string // as set; what is not set is not there
	created time.Time
	uptime  time.Duration
	bytes   int64
	builtIn bool
}

func (u *user) disabled() bool { return u.props["disabled"] == "true" }

// limit is limit-uptime, 0 for none.
func (u *user) limit() time.Duration {
	d, _ := duration(u.props["limit-uptime"])
	return d
}

// cap is limit-bytes-total, 0 for none.
func (u *user) cap() int64 {
	n, _ := strconv.ParseInt(u.props["limit-bytes-total"], 10, 64)
	return n
}

var macFormat = regexp.MustCompile(`^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$`)

// userProps are the properties of a user that can be set, with what they take.
func (r *Router) userProps() map[string]func(string) bool {
	number := func(text string) bool {
		_, err := strconv.ParseUint(text, 10, 63)
		return err == nil
	}
	any := func(string) bool { return true }
	return map[string]func(string) bool{
		"name": any, "password": any, "comment": any, "email": any, "address": any, "routes": any,
		"mac-address":     macFormat.MatchString,
		"limit-bytes-in":  number,
		"limit-bytes-out": number, "limit-bytes-total": number,
		"limit-uptime": func(text string) bool { _, ok := duration(text); return ok },
		"disabled":     func(text string) bool { return slices.Contains([]string{"true", "false", "yes", "no"}, text) },
		"profile": func(text string) bool {
			return slices.ContainsFunc(r.profiles, func(p Profile) bool { return p.Name == text })
		},
		"server": func(text string) bool { return text == "all" || slices.Contains(r.opts.Servers, text) },
	}
}

// apply checks the arguments, all of them before any is set.
func (r *Router) apply(u *user, args item) string {
	props := r.userProps()
	for name, value := range args {
		takes, known := props[name]
		switch {
		case !known:
			return "unknown parameter " + name
		case takes(value):
		case name == "profile" || name == "server":
			return "input does not match any value of " + name
		default:
			return "invalid value for argument " + name
		}
	}
	server := func(props map[string]string) string {
		if props["server"] == "" {
			return "all"
		}
		return props["server"]
	}
	next := map[string]string{}
	maps.Copy(next, u.props)
	maps.Copy(next, args)
	if next["name"] == "" {
		return "missing value(s) of argument(s) name"
	}
	for _, other := range r.users {
		if other != u && other.props["name"] == next["name"] && server(other.props) == server(next) {
			return "failure: already have user with this name for this server"
		}
	}
	switch next["disabled"] {
	case "yes":
		next["disabled"] = "true"
	case "no":
		next["disabled"] = "false"
	}
	u.props = next
	return ""
}

func (r *Router) addUser(args item) (id, problem string) {
	u := &user{created: r.now()}
	if problem := r.apply(u, args); problem != "" {
		return "", problem
	}
	u.id = r.nextID()
	r.users = append(r.users, u)
	return u.id, ""
}

func (r *Router) setUser(id string, args item) string {
	for _, u := range r.users {
		if u.id == id && !u.builtIn {
			return r.apply(u, args)
		}
	}
	return noSuchItem
}

// removeUser leaves the user's sessions and cookies alone.
func (r *Router) removeUser(id string) string {
	for i, u := range r.users {
		if u.id == id && !u.builtIn {
			r.users = slices.Delete(r.users, i, i+1)
			return ""
		}
	}
	return noSuchItem
}

func (r *Router) printUsers() []item {
	var list []item
	for _, u := range r.users {
		line := item{".id": u.id, "name": u.props["name"], "profile": "default", "uptime": interval(u.uptime),
			"bytes-in": "0", "bytes-out": strconv.FormatInt(u.bytes, 10), "packets-in": "0", "packets-out": "0",
			"disabled": "false", "dynamic": "false", "default": yes(u.builtIn)}
		maps.Copy(line, u.props)
		if d := u.limit(); d > 0 {
			line["limit-uptime"] = interval(d)
		} else {
			delete(line, "limit-uptime")
		}
		for _, name := range []string{"limit-bytes-in", "limit-bytes-out", "limit-bytes-total"} {
			if line[name] == "0" {
				delete(line, name)
			}
		}
		if _, set := line["password"]; set && !r.can("sensitive") {
			delete(line, "password")
			if r.opts.Stars {
				line["password"] = "*****"
			}
		}
		list = append(list, line)
	}
	return list
}

func (r *Router) printProfiles() []item {
	var list []item
	for i, p := range r.profiles {
		shared := "unlimited"
		if p.SharedUsers > 0 {
			shared = strconv.Itoa(p.SharedUsers)
		}
		line := item{".id": "*" + strings.ToUpper(strconv.FormatInt(int64(i), 16)), "name": p.Name, "shared-users": shared,
			"idle-timeout": "none", "keepalive-timeout": "2m", "status-autorefresh": "1m",
			"add-mac-cookie": yes(!p.NoCookie), "mac-cookie-timeout": interval(cookieLife), "default": yes(p.Name == "default")}
		if text := p.rateLimit(); text != "" {
			line["rate-limit"] = text
		}
		list = append(list, line)
	}
	return list
}

func (r *Router) printServers() []item {
	list := []item{}
	for i, name := range r.opts.Servers {
		list = append(list, item{".id": "*" + strconv.Itoa(i+1), "name": name, "interface": "bridge-guests",
			"address-pool": "guests", "profile": "hsprof1", "disabled": "false", "invalid": "false"})
	}
	return list
}

func (r *Router) resource() []item {
	return []item{{"version": r.opts.Version, "board-name": "hEX", "platform": "MikroTik", "uptime": "2d20h12m20s",
		"cpu-load": "1", "free-memory": "150313370", "architecture-name": "mmips"}}
}

func (r *Router) deviceMode() []item {
	return []item{{"mode": "advanced", "hotspot": yes(!r.opts.NoHotspot), "container": "false", "scheduler": "true"}}
}
