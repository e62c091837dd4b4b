package wifi

import (
	"fmt"
	"iter"
	"maps"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Radius is where FreeRADIUS reads its accounts, and who lets guests in by them.
type Radius struct {
	// Database is FreeRADIUS's own, of its sql module.
	Database RadiusDatabase `yaml:"database"`
	// NAS are the hotspots, gateways and controllers that ask FreeRADIUS. One
	// that is missing keeps its sessions until their own limit.
	NAS []RadiusNAS `yaml:"nas"`
	// Attributes are the makers whose reply attributes carry rate and data
	// limits: wispr, mikrotik, chillispot. wispr and mikrotik if not set; a NAS
	// ignores those that it does not know.
	Attributes []string `yaml:"attributes"`
	// IdleTimeout ends a session that is silent for so long; 4h if not set.
	IdleTimeout time.Duration `yaml:"idle_timeout"`
	// Interim is how often a NAS reports on a session; 5m if not set. A session
	// that was not reported on for three times as long is taken for over.
	Interim time.Duration `yaml:"interim"`
}

// RadiusDatabase is the database of FreeRADIUS, with the schema it ships.
type RadiusDatabase struct {
	// Kind is mysql, for MySQL and MariaDB, or postgres.
	Kind string `yaml:"kind"`
	// Address is host:port, or the path of a Unix socket. Beyond this machine
	// the section's tls is needed.
	Address string `yaml:"address"`
	// Name of the database; radius if not set.
	Name string `yaml:"name"`
	// User of the database, and the file with its password. A Unix socket may
	// do without a password.
	User         string `yaml:"user"`
	PasswordFile string `yaml:"password_file"`
}

// RadiusNAS is a network access server: what FreeRADIUS calls a client.
type RadiusNAS struct {
	// Address takes Disconnect and CoA requests (RFC 5176); port 3799 if it has none.
	Address string `yaml:"address"`
	// SecretFile names the file with the secret that the NAS shares with us for these.
	SecretFile string `yaml:"secret_file"`
	// NASIP is its NAS-IP-Address as radacct has it; that of address if not set.
	NASIP string `yaml:"nas_ip"`
	// Identifier is its NAS-Identifier, sent if set.
	Identifier string `yaml:"identifier"`
	// Source is our own address to send from; the system's choice if not set. A
	// NAS drops what comes from an address that it does not know.
	Source string `yaml:"source"`
	// CoA says whether running sessions are told of another end: true if not
	// set. Some NAS know Disconnect only.
	CoA *bool `yaml:"coa"`
	// SessionTimeout says from when the NAS counts a Session-Timeout that comes
	// by CoA: "start" of the session, as RFC 2865 has it, or "now". start if not set.
	SessionTimeout string `yaml:"session_timeout"`
}

// Bounds of the settings.
const (
	radiusPort = "3799"
	minInterim = time.Minute // RFC 2869, section 5.16: no less than 60 s
	maxInterim = time.Hour
	minIdle    = time.Minute
	maxIdle    = 7 * 24 * time.Hour
)

// radiusMakers are the vendors whose attributes are known.
var radiusMakers = []string{"wispr", "mikrotik", "chillispot"}

// databaseName is a name that needs no quoting anywhere.
var databaseName = regexp.MustCompile(`^[A-Za-z0-9_.$-]{1,64}$`)

// groupFormat is a group of FreeRADIUS; a colon would let it pass for a marker.
var groupFormat = regexp.MustCompile(`^[A-Za-z0-9_. -]{1,64}$`)

func (r *Radius) withDefaults() *Radius {
	full := *r
	if full.Database.Name == "" {
		full.Database.Name = "radius"
	}
	if full.Attributes == nil {
		full.Attributes = []string{"wispr", "mikrotik"}
	}
	if full.IdleTimeout == 0 {
		full.IdleTimeout = 4 * time.Hour
	}
	if full.Interim == 0 {
		full.Interim = 5 * time.Minute
	}
	full.NAS = slices.Clone(r.NAS)
	for i := range full.NAS {
		n := &full.NAS[i]
		if host, _, err := net.SplitHostPort(n.Address); err != nil {
			n.Address = net.JoinHostPort(strings.Trim(n.Address, "[]"), radiusPort)
		} else if n.NASIP == "" {
			n.NASIP = host
		}
		if n.NASIP == "" {
			n.NASIP, _, _ = net.SplitHostPort(n.Address)
		}
		if n.CoA == nil {
			yes := true
			n.CoA = &yes
		}
		if n.SessionTimeout == "" {
			n.SessionTimeout = "start"
		}
	}
	return &full
}

// network tells a socket's path from host:port.
func (d *RadiusDatabase) network() string {
	if strings.HasPrefix(d.Address, "/") {
		return "unix"
	}
	return "tcp"
}

// near reports whether the database's line does not leave this machine, or
// leads nowhere, which is a problem of its own.
func (d *RadiusDatabase) near() bool {
	if d.network() == "unix" {
		return true
	}
	host, _, err := net.SplitHostPort(d.Address)
	if err != nil {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// problem is one of a section: its place, and what to write instead.
type problem struct{ path, text string }

// radiusProblems yields what is wrong in the section of a RADIUS server.
func radiusProblems(c *Config) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		if c.Radius == nil {
			return // keyProblems has said it
		}
		for _, p := range slices.Concat(c.Radius.Database.problems(), c.Radius.limitProblems(), c.Radius.nasProblems(), c.groupProblems()) {
			if !yield(p.path, p.text) {
				return
			}
		}
	}
}

func (d *RadiusDatabase) problems() []problem {
	var found []problem
	tell := func(key, text string, args ...any) {
		found = append(found, problem{"radius.database." + key, fmt.Sprintf(text, args...)})
	}
	if d.Kind != "mysql" && d.Kind != "postgres" {
		tell("kind", "%q is not a database that is known here: write mysql (for MariaDB too) or postgres", d.Kind)
	}
	if _, port, err := net.SplitHostPort(d.Address); d.network() == "tcp" && (err != nil || port == "" || !goodPort(port)) {
		tell("address", "%q is no address: write host:port, such as 127.0.0.1:3306, or the path of a Unix socket", d.Address)
	}
	if d.Name != "" && !databaseName.MatchString(d.Name) {
		tell("name", "%q is not the name of a database", d.Name)
	}
	if !databaseName.MatchString(d.User) {
		tell("user", "%q is not the name of a database user: make one with the rights that docs/wifi.md lists", d.User)
	}
	if d.PasswordFile == "" && d.network() != "unix" {
		tell("password_file", "password_file is missing: write the name of the file that holds the password of the database user")
	}
	return found
}

func (r *Radius) limitProblems() []problem {
	var found []problem
	for i, maker := range r.Attributes {
		if !slices.Contains(radiusMakers, maker) {
			found = append(found, problem{fmt.Sprintf("radius.attributes[%d]", i), fmt.Sprintf("%q is not known: write some of %s", maker, strings.Join(radiusMakers, ", "))})
		}
	}
	if r.IdleTimeout != 0 && (r.IdleTimeout < minIdle || r.IdleTimeout > maxIdle) {
		found = append(found, problem{"radius.idle_timeout", fmt.Sprintf("%v is out of range: write 1m to 168h", r.IdleTimeout)})
	}
	if r.Interim != 0 && (r.Interim < minInterim || r.Interim > maxInterim) {
		found = append(found, problem{"radius.interim", fmt.Sprintf("%v is out of range: write 1m to 1h", r.Interim)})
	}
	return found
}

func (r *Radius) nasProblems() []problem {
	var found []problem
	known := map[string]bool{}
	full := r.withDefaults()
	for i, n := range full.NAS {
		tell := func(key, text string, args ...any) {
			found = append(found, problem{fmt.Sprintf("radius.nas[%d].%s", i, key), fmt.Sprintf(text, args...)})
		}
		host, port, err := net.SplitHostPort(n.Address)
		if err != nil || host == "" || !goodPort(port) {
			tell("address", "%q is no address: write the one of the NAS, such as 192.168.1.1, or 192.168.1.1:1700 for another port than 3799", r.NAS[i].Address)
		}
		if n.SecretFile == "" {
			tell("secret_file", "secret_file is missing: write the name of the file that holds the secret which the NAS has for us")
		}
		if _, err := netip.ParseAddr(n.NASIP); err != nil && host != "" {
			tell("nas_ip", "%q is no IP address: write the nasipaddress under which radacct has this NAS", n.NASIP)
		}
		if known[n.NASIP] {
			tell("nas_ip", "%s is there twice: each NAS has an address of its own in radacct", n.NASIP)
		}
		known[n.NASIP] = true
		if _, err := netip.ParseAddr(n.Source); err != nil && n.Source != "" {
			tell("source", "%q is no IP address: write one of this machine's", n.Source)
		}
		if len(n.Identifier) > 253 {
			tell("identifier", "it is longer than 253 bytes")
		}
		if n.SessionTimeout != "start" && n.SessionTimeout != "now" {
			tell("session_timeout", "%q is not known: write start or now", n.SessionTimeout)
		}
	}
	return found
}

// groupProblems are names of tiers that cannot be groups.
func (c *Config) groupProblems() []problem {
	var found []problem
	for _, name := range slices.Sorted(maps.Keys(c.Tiers)) {
		if t := c.Tiers[name]; t.Profile != "" && !groupFormat.MatchString(t.Profile) {
			found = append(found, problem{"tiers." + name + ".profile", fmt.Sprintf("%q is not a group of FreeRADIUS: write letters, digits, spaces and . _ -", t.Profile)})
		}
	}
	return found
}
