package mews

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

func (c *Config) endpoints() []problem {
	var list []problem
	for _, e := range []struct{ path, value, secure, plain, example string }{
		{"platform_url", c.PlatformURL, "https", "http", "https://api.mews.com"},
		{"socket_url", c.SocketURL, "wss", "ws", "wss://ws.mews.com"},
	} {
		u, err := url.Parse(e.value)
		switch {
		case err != nil || u.Host == "":
			list = append(list, problem{e.path, "is not an address; write one such as " + e.example})
		case u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "":
			list = append(list, problem{e.path, "must be a host without path, user or query, such as " + e.example + "; the agent adds the rest"})
		case !goodPort(u.Port()):
			list = append(list, problem{e.path, fmt.Sprintf("has the port %s, and ports are 1 to 65535; write an address such as %s", u.Port(), e.example)})
		case u.Scheme == e.plain && loopback(u.Hostname()):
		case u.Scheme != e.secure:
			list = append(list, problem{e.path, fmt.Sprintf("must start with %s://; %s:// is for a simulated PMS on this machine only", e.secure, e.plain)})
		case e.path == "socket_url" && begins(u, "api."):
			list = append(list, problem{e.path, "names the host of the API, and Mews does not serve sockets there; write the host that begins with ws., such as " + e.example})
		case e.path == "platform_url" && begins(u, "ws."):
			list = append(list, problem{e.path, "names the host of the sockets, and Mews does not serve the API there; write the host that begins with api., such as " + e.example})
		}
	}
	if api, socket := world(c.PlatformURL), world(c.SocketURL); len(list) == 0 && api != "" && socket != "" && api != socket {
		list = append(list, problem{"socket_url", fmt.Sprintf("is of %s, and platform_url of %s; tokens are good in one of them only, so write wss://ws.%s, or correct platform_url", worlds[socket], worlds[api], api)})
	}
	return list
}

func begins(u *url.URL, with string) bool {
	return strings.HasPrefix(strings.ToLower(u.Hostname()), with)
}

// worlds are the two that Mews has, by their domains.
var worlds = map[string]string{production: "the production environment", "mews-demo.com": "the demo environment"}

const production = "mews.com"

// world is the domain of Mews that an address is in, "" for none.
func world(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	host := strings.ToLower(u.Hostname())
	for domain := range worlds {
		if host == domain || strings.HasSuffix(host, "."+domain) {
			return domain
		}
	}
	return ""
}

// goodPort reports whether a port, if there is one, exists.
func goodPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
