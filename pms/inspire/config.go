package inspire

import (
	"fmt"
	"iter"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"edgeagent/pms"
)

// Config is the section `inspire` of a PMS link in the property file: one
// chain code, hence one socket. What is left out has the default of the
// dialect; for Destinity Inspire that is its production server.
type Config struct {
	// Dialect is inspire (Destinity, the default) or ohip (OPERA Cloud).
	Dialect string `yaml:"dialect"`
	// TokenURL is where access tokens are fetched (POST).
	TokenURL string `yaml:"token_url"`
	// StreamURL is the WebSocket, without the key; the path counts, and is /subscriptions if there is none.
	StreamURL string `yaml:"stream_url"`
	// EnterpriseID is the enterprise code that the vendor gave.
	EnterpriseID string `yaml:"enterprise_id"`
	// ChainCode names the chain whose events are wanted.
	ChainCode string `yaml:"chain_code"`
	// ClientID and the secret in ClientSecretFile are the OAuth client.
	ClientID         string `yaml:"client_id"`
	ClientSecretFile string `yaml:"client_secret_file"`
	// AppKeyFile holds the application key, raw.
	AppKeyFile string `yaml:"app_key_file"`
	// Scope of the token.
	Scope string `yaml:"scope"`
	// GrantType is client_credentials, or password for an older OPERA Cloud
	// environment (SSD) together with Username and PasswordFile.
	GrantType    string `yaml:"grant_type"`
	Username     string `yaml:"username"`
	PasswordFile string `yaml:"password_file"`
	// KeyMode is how the key stands in the stream's URL: base64, base64url, sha256hex or literal.
	KeyMode string `yaml:"key_mode"`
	// FromOffsetType is how the resume offset is sent: number or string.
	FromOffsetType string `yaml:"from_offset_type"`
	// Bootstrap is what the very first start asks for: live (only what comes
	// from now on) or zero (all that the server still keeps, as replay).
	Bootstrap string `yaml:"bootstrap"`
	// Rotate is auto (renew the stream before its token expires) or never.
	Rotate string `yaml:"rotate"`
	// Retention is how long the server keeps events; a longer pause raises an alarm.
	Retention time.Duration `yaml:"retention"`
	// ChainScope is single_property if the vendor confirmed that the chain code
	// covers this hotel only, else shared. A shared chain whose events do not
	// say which hotel they mean is only watched.
	ChainScope string `yaml:"chain_scope"`
	// HotelCode is this hotel as the PMS spells it.
	HotelCode string `yaml:"hotel_code"`
	// Aliases add this PMS's own spellings to the built-in tables.
	Aliases Aliases `yaml:"aliases"`
	// CAFile holds further certificate authorities (PEM), for a private or test server.
	CAFile string `yaml:"ca_file"`
	// Waits shorten the timers, for a simulated hotel on a bench only.
	Waits Waits `yaml:"waits"`
}

// Aliases map the names that a PMS uses onto ours. Case, spaces, hyphens,
// underscores and CamelCase make no difference.
type Aliases struct {
	// Events: "EVENT" or "MODULE / EVENT" to a kind such as stay.check_in.
	Events map[string]string `yaml:"events"`
	// Elements: element name to a field such as room, or to ignored.
	Elements map[string]string `yaml:"elements"`
}

// WithDefaults fills what the property file left out.
func (c Config) WithDefaults() Config {
	d, ok := dialectByName(c.Dialect)
	if !ok {
		return c
	}
	fill := func(s *string, def string) {
		if *s == "" {
			*s = def
		}
	}
	fill(&c.Dialect, d.name)
	fill(&c.TokenURL, d.tokenURL)
	fill(&c.StreamURL, d.streamURL)
	fill(&c.GrantType, d.grant)
	if c.GrantType == d.grant {
		fill(&c.Scope, d.scope)
	}
	fill(&c.KeyMode, d.keyMode)
	offsetType := "number"
	if d.offsetInQuery {
		offsetType = "string"
	}
	fill(&c.FromOffsetType, offsetType)
	fill(&c.Bootstrap, "live")
	fill(&c.Rotate, "auto")
	fill(&c.ChainScope, "shared")
	if c.Retention == 0 {
		c.Retention = d.retention
	}
	c.Waits = c.Waits.withDefaults(d)
	return c
}

var (
	// The alphabet of Oracle's schema for a chain code; none of it needs quoting in a query.
	chainCodePattern  = regexp.MustCompile(`^[A-Za-z0-9 _%#$&-]{1,20}$`)
	enterprisePattern = regexp.MustCompile(`^[A-Z0-9]+$`)
	headerPattern     = regexp.MustCompile(`^[\x21-\x7e]{1,100}$`)
)

// Problems yields what is wrong with the section: where (the path inside it)
// and what to write instead.
func (c *Config) Problems() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		d, ok := dialectByName(c.Dialect)
		if !ok {
			yield("dialect", fmt.Sprintf("%q is no dialect; write inspire (Destinity) or ohip (OPERA Cloud)", c.Dialect))
			return
		}
		full := c.WithDefaults()
		for _, list := range [][]problem{full.endpoints(), full.credentials(d), full.choices(), full.property(), full.aliases()} {
			for _, p := range list {
				if !yield(p.path, p.text) {
					return
				}
			}
		}
		for path, text := range c.Waits.Problems() {
			if !yield("waits."+path, text) {
				return
			}
		}
	}
}

type problem struct{ path, text string }

func (c *Config) endpoints() []problem {
	var list []problem
	for _, e := range []struct{ path, value, secure, plain string }{
		{"token_url", c.TokenURL, "https", "http"},
		{"stream_url", c.StreamURL, "wss", "ws"},
	} {
		example := e.secure + "://gateway.example.com/" + map[string]string{"token_url": "oauth/v1/tokens", "stream_url": "subscriptions"}[e.path]
		u, err := url.Parse(e.value)
		switch {
		case e.value == "":
			list = append(list, problem{e.path, "is missing; write the address that the vendor gave, such as " + example})
		case err != nil || u.Host == "":
			list = append(list, problem{e.path, "is not an address; write one such as " + example})
		case u.User != nil || u.RawQuery != "" || u.Fragment != "":
			list = append(list, problem{e.path, "must hold no user, key or query; the agent adds the key itself (app_key_file)"})
		case !goodPort(u.Port()):
			list = append(list, problem{e.path, fmt.Sprintf("has the port %s, and ports are 1 to 65535; write an address such as %s", u.Port(), example)})
		case u.Scheme == e.plain && loopback(u.Hostname()):
		case u.Scheme != e.secure:
			list = append(list, problem{e.path, fmt.Sprintf("must start with %s://; %s:// is for a simulated PMS on this machine only", e.secure, e.plain)})
		}
	}
	return list
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

func (c *Config) credentials(d *dialect) []problem {
	var list []problem
	needed := []problem{
		{"client_id", c.ClientID}, {"client_secret_file", c.ClientSecretFile}, {"app_key_file", c.AppKeyFile},
	}
	password := c.GrantType == "password"
	switch {
	case password:
		needed = append(needed, problem{"username", c.Username}, problem{"password_file", c.PasswordFile})
	case c.Username != "" || c.PasswordFile != "":
		list = append(list, problem{"grant_type", "username and password_file are of use only with grant_type: password"})
	}
	if !password {
		needed = append(needed, problem{"enterprise_id", c.EnterpriseID})
	}
	for _, n := range needed {
		if n.text == "" {
			list = append(list, problem{n.path, "is missing; the vendor gives it together with the other credentials"})
		}
	}
	if c.EnterpriseID != "" && !headerPattern.MatchString(c.EnterpriseID) {
		list = append(list, problem{"enterprise_id", "must be a short code without spaces"})
	} else if n := d.enterpriseUpperLimit; n > 0 && c.EnterpriseID != "" && (len(c.EnterpriseID) > n || !enterprisePattern.MatchString(c.EnterpriseID)) {
		list = append(list, problem{"enterprise_id", fmt.Sprintf("must be 1 to %d upper-case letters or digits at OPERA Cloud", n)})
	}
	if strings.Contains(c.ClientID, ":") {
		list = append(list, problem{"client_id", "must not contain a colon: client id and secret are sent joined by one"})
	}
	return list
}

func (c *Config) choices() []problem {
	var list []problem
	for _, ch := range []struct {
		path, value string
		of          []string
	}{
		{"grant_type", c.GrantType, []string{"client_credentials", "password"}},
		{"key_mode", c.KeyMode, []string{"base64", "base64url", "sha256hex", "literal"}},
		{"from_offset_type", c.FromOffsetType, []string{"number", "string"}},
		{"bootstrap", c.Bootstrap, []string{"live", "zero"}},
		{"rotate", c.Rotate, []string{"auto", "never"}},
		{"chain_scope", c.ChainScope, []string{"single_property", "shared"}},
	} {
		if !slices.Contains(ch.of, ch.value) {
			list = append(list, problem{ch.path, fmt.Sprintf("%q is not known; write one of: %s", ch.value, strings.Join(ch.of, ", "))})
		}
	}
	if c.Retention < time.Hour {
		list = append(list, problem{"retention", "must be at least 1h; leave it out for the vendor's usual value"})
	}
	return list
}

func (c *Config) property() []problem {
	var list []problem
	if c.ChainCode == "" {
		list = append(list, problem{"chain_code", "is missing; write the chain code that the vendor enabled for this client"})
	} else if !chainCodePattern.MatchString(c.ChainCode) {
		list = append(list, problem{"chain_code", "must be 1 to 20 of: letters, digits, space, _ % # $ & -"})
	}
	if c.ChainScope == "shared" && c.HotelCode == "" {
		list = append(list, problem{"hotel_code", "is missing; name this hotel as the PMS does, or write chain_scope: single_property once the vendor has confirmed that the chain code covers this hotel only"})
	}
	return list
}

func (c *Config) aliases() []problem {
	var list []problem
	for _, name := range slices.Sorted(maps.Keys(c.Aliases.Events)) {
		path := "aliases.events." + quoteKey(name)
		if kind := c.Aliases.Events[name]; !slices.Contains(aliasKinds[:], pms.Kind(kind)) {
			list = append(list, problem{path, fmt.Sprintf("%q is no kind of notice; write one such as stay.check_in, stay.check_out or reservation.update", kind)})
		}
		if _, event := splitEventName(name); normalise(event) == "" {
			list = append(list, problem{path, "has no event name; write EVENT or MODULE / EVENT"})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Aliases.Elements)) {
		path := "aliases.elements." + quoteKey(name)
		if field := c.Aliases.Elements[name]; field != ignoredWord && !slices.Contains(aliasFields[:], field) {
			list = append(list, problem{path, fmt.Sprintf("%q is no field; write one such as room, status or departure_date, or ignored", field)})
		}
		if normalise(name) == "" {
			list = append(list, problem{path, "has no element name"})
		}
	}
	return list
}

// quoteKey writes a map key as YAML paths want it.
func quoteKey(key string) string {
	plain := strings.IndexFunc(key, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_')
	}) < 0
	if plain && key != "" {
		return key
	}
	return "'" + strings.ReplaceAll(key, "'", "''") + "'"
}
