package iptv

import (
	"fmt"
	"iter"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"edgeagent/internal/language"
)

// Config is the section of the property file about the TVs behind one broker.
type Config struct {
	// Broker is the address of the MQTT broker: tls://host:8883, wss://host/path, or tcp:// and ws:// on this machine.
	Broker string `yaml:"broker"`
	// AllowPlain permits tcp:// and ws:// to another machine: guest names then cross the network unencrypted.
	AllowPlain bool `yaml:"allow_plain"`
	// Username is the gateway's user name at the broker.
	Username string `yaml:"username"`
	// PasswordFile names the file that holds the password.
	PasswordFile string `yaml:"password_file"`
	// CAFile names the file with the authority that signed the broker's certificate; the system's authorities if empty.
	CAFile string `yaml:"ca_file"`
	// CertFile and KeyFile name the files with the gateway's own certificate and key, where the broker asks for them.
	CertFile string `yaml:"cert_file"`
	// KeyFile belongs to CertFile.
	KeyFile string `yaml:"key_file"`
	// ClientID is the gateway's MQTT client id, unique at the broker; default edgeagent-<property>.
	ClientID string `yaml:"client_id"`
	// Prefix begins every topic; default htl/v1.
	Prefix string `yaml:"prefix"`
	// Rooms maps a room of the PMS to the room keys of its TVs, where they differ from the room number or are several (suites).
	Rooms map[string][]string `yaml:"rooms"`
	// Languages maps language codes of the PMS to BCP 47 tags, such as GE: de.
	Languages map[string]string `yaml:"languages"`
	// PowerOnCheckin switches the TVs of a room on when its guest has just checked in.
	PowerOnCheckin bool `yaml:"power_on_checkin"`
	// PowerOffCheckout switches them off when the screen is cleared.
	PowerOffCheckout bool `yaml:"power_off_checkout"`
	// NameStyle is how much of a name is shown: full, title_last (default), first or none. Where a language puts the given
	// name after a title, as Thai and Icelandic do, title_last shows that one instead of the last name.
	NameStyle string `yaml:"name_style"`
	// ShowWifi names the WiFi device of the property file whose codes are shown to their guests; none if empty. A code then stays at the broker as long as its guest.
	ShowWifi string `yaml:"show_wifi"`
	// Template is the screen template used when a rule names none.
	Template string `yaml:"template"`
	// TemplateByVIP maps VIP tiers of the PMS to screen templates. It goes before TemplateByGroup.
	TemplateByVIP map[string]string `yaml:"template_by_vip"`
	// TemplateByGroup maps groups or events, as the PMS calls them, to screen templates.
	TemplateByGroup map[string]string `yaml:"template_by_group"`
	// Bridges are messages for products that speak MQTT in their own words; none unless they are written.
	Bridges []Bridge `yaml:"bridges"`
	// Grace is how long after departure a screen clears itself if nobody else does; default 2h.
	Grace time.Duration `yaml:"grace"`
	// FreshFor is the age up to which a check-in may still switch TVs on; default 15m.
	FreshFor time.Duration `yaml:"fresh_for"`
	// AckTimeout is how long a TV that is online may take to confirm; default 10s.
	AckTimeout time.Duration `yaml:"ack_timeout"`
	// AckRetries is how often a TV that did not confirm is told to reload; default 2.
	AckRetries *int `yaml:"ack_retries"`
	// KeepAlive is the interval of MQTT pings; default 25s.
	KeepAlive time.Duration `yaml:"keep_alive"`
	// ConnectTimeout bounds one attempt to connect; default 10s.
	ConnectTimeout time.Duration `yaml:"connect_timeout"`
	// ReconnectMin and ReconnectMax bound the pause between attempts, which doubles; defaults 1s and 60s.
	ReconnectMin time.Duration `yaml:"reconnect_min"`
	// ReconnectMax is the longest pause.
	ReconnectMax time.Duration `yaml:"reconnect_max"`
	// Reconcile is how often the broker's retained screens are compared with what should be there; default 1h.
	Reconcile time.Duration `yaml:"reconcile"`
}

// The name styles.
const (
	StyleFull      = "full"
	StyleTitleLast = "title_last"
	StyleFirst     = "first"
	StyleNone      = "none"
)

var styles = []string{StyleFull, StyleTitleLast, StyleFirst, StyleNone}

// WithDefaults is the configuration with what is absent filled in, for the property of that slug.
func (c Config) WithDefaults(property string) Config {
	c.ClientID = orElse(c.ClientID, "edgeagent-"+property)
	c.Prefix = orElse(c.Prefix, "htl/v1")
	c.NameStyle = orElse(c.NameStyle, StyleTitleLast)
	c.Grace = orElse(c.Grace, 2*time.Hour)
	c.FreshFor = orElse(c.FreshFor, 15*time.Minute)
	c.AckTimeout = orElse(c.AckTimeout, 10*time.Second)
	if c.AckRetries == nil {
		two := 2
		c.AckRetries = &two
	}
	c.KeepAlive = orElse(c.KeepAlive, 25*time.Second)
	c.ConnectTimeout = orElse(c.ConnectTimeout, 10*time.Second)
	c.ReconnectMin = orElse(c.ReconnectMin, time.Second)
	c.ReconnectMax = orElse(c.ReconnectMax, time.Minute)
	c.Reconcile = orElse(c.Reconcile, time.Hour)
	return c
}

func orElse[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

var (
	slugPattern   = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)
	clientPattern = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
	prefixPattern = regexp.MustCompile(`^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$`)
)

// Problems yields what is wrong with the section: the path inside it, and what to write instead.
func (c *Config) Problems() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, check := range []func(func(string, string) bool) bool{
			c.checkBroker, c.checkNames, c.checkMaps, c.checkTemplates, c.checkBridges, c.checkTimes,
		} {
			if !check(yield) {
				return
			}
		}
	}
}

func (c *Config) checkBroker(yield func(string, string) bool) bool {
	if text := c.brokerProblem(); text != "" && !yield("broker", text) {
		return false
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		missing := "key_file"
		if c.CertFile == "" {
			missing = "cert_file"
		}
		if !yield(missing, "cert_file and key_file belong together: give both or neither") {
			return false
		}
	}
	if c.PasswordFile != "" && c.Username == "" {
		return yield("username", "a password needs a user name: write username, such as agent")
	}
	return true
}

func (c *Config) brokerProblem() string {
	if c.Broker == "" {
		return "missing: write the address of the MQTT broker, such as tls://broker.hotel.lan:8883"
	}
	u, err := url.Parse(c.Broker)
	if err != nil || u.Hostname() == "" {
		return "not an address: write it like tls://broker.hotel.lan:8883"
	}
	if u.User != nil {
		return "holds a user name or password: use username and password_file"
	}
	if n, err := strconv.ParseUint(u.Port(), 10, 16); u.Port() != "" && (err != nil || n == 0) {
		return fmt.Sprintf("has the port %s, and ports are 1 to 65535: write it like tls://broker.hotel.lan:8883", u.Port())
	}
	if _, known := ports[u.Scheme]; !known {
		return fmt.Sprintf("scheme %q is unknown: write tls://, wss://, or on this machine tcp:// or ws://", u.Scheme)
	}
	if !encrypted(u.Scheme) && !c.AllowPlain && !loopback(u.Hostname()) {
		return fmt.Sprintf("%s:// would send guest names to %s unencrypted: use tls:// (or wss://), or set allow_plain: true", u.Scheme, u.Hostname())
	}
	return ""
}

// ports are the schemes, with the port of each when the address names none.
var ports = map[string]string{"tls": "8883", "tcp": "1883", "wss": "443", "ws": "80"}

func encrypted(scheme string) bool { return scheme == "tls" || scheme == "wss" }

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && addr.IsLoopback())
}

// address is the broker's URL with its port written out.
func (c *Config) address() (*url.URL, error) {
	u, err := url.Parse(c.Broker)
	if err != nil {
		return nil, fmt.Errorf("broker is not an address: %w", err)
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), ports[u.Scheme])
	}
	return u, nil
}

func (c *Config) checkNames(yield func(string, string) bool) bool {
	if c.ClientID != "" && !clientPattern.MatchString(c.ClientID) &&
		!yield("client_id", "1 to 64 letters, digits, dots, dashes or underscores, such as edgeagent-seaview") {
		return false
	}
	if c.Prefix != "" && !prefixPattern.MatchString(c.Prefix) &&
		!yield("prefix", "levels of letters, digits, dashes or underscores, parted by /, such as htl/v1") {
		return false
	}
	if c.NameStyle != "" && !slices.Contains(styles, c.NameStyle) {
		return yield("name_style", fmt.Sprintf("%q is unknown: write one of %s", c.NameStyle, strings.Join(styles, ", ")))
	}
	return true
}

func (c *Config) checkMaps(yield func(string, string) bool) bool {
	for _, room := range sortedKeys(c.Rooms) {
		if len(c.Rooms[room]) == 0 && !yield("rooms."+room, "names no room key: list at least one, or leave the room out") {
			return false
		}
		for i, key := range c.Rooms[room] {
			text := fmt.Sprintf("%q is no room key: 1 to 64 of a-z, 0-9, - and _, the real room label is shown on the screen anyway", key)
			if (!slugPattern.MatchString(key) || key == checkKey || key == AgentUser) && !yield(fmt.Sprintf("rooms.%s[%d]", room, i), text) {
				return false
			}
		}
	}
	for _, code := range sortedKeys(c.Languages) {
		if _, err := language.Parse(c.Languages[code]); err != nil &&
			!yield("languages."+code, fmt.Sprintf("%q is no language tag: write one such as de, pt-BR or zh-Hans", c.Languages[code])) {
			return false
		}
	}
	return true
}

func (c *Config) checkTemplates(yield func(string, string) bool) bool {
	const want = "%q is no template: 1 to 64 letters, digits, dots, dashes or underscores, as the TVs know it"
	if c.Template != "" && !clientPattern.MatchString(c.Template) && !yield("template", fmt.Sprintf(want, c.Template)) {
		return false
	}
	for _, table := range []struct {
		path  string
		names map[string]string
	}{{"template_by_vip", c.TemplateByVIP}, {"template_by_group", c.TemplateByGroup}} {
		seen := map[string]string{}
		for _, key := range sortedKeys(table.names) {
			path, name := table.path+"."+key, table.names[key]
			if !clientPattern.MatchString(name) && !yield(path, fmt.Sprintf(want, name)) {
				return false
			}
			if other, twice := seen[upper(key)]; twice && !yield(path, fmt.Sprintf("is the same as %q, for capitals do not count: leave one out", other)) {
				return false
			}
			seen[upper(key)] = key
		}
	}
	return true
}

func (c *Config) checkTimes(yield func(string, string) bool) bool {
	for _, t := range []struct {
		path     string
		value    time.Duration
		min, max time.Duration
	}{
		{"grace", c.Grace, 0, 7 * 24 * time.Hour},
		{"fresh_for", c.FreshFor, time.Minute, 24 * time.Hour},
		{"ack_timeout", c.AckTimeout, 100 * time.Millisecond, time.Minute},
		{"keep_alive", c.KeepAlive, 5 * time.Second, 5 * time.Minute},
		{"connect_timeout", c.ConnectTimeout, time.Second, time.Minute},
		{"reconnect_min", c.ReconnectMin, 10 * time.Millisecond, time.Minute},
		{"reconnect_max", c.ReconnectMax, 10 * time.Millisecond, 10 * time.Minute},
		{"reconcile", c.Reconcile, time.Minute, 24 * time.Hour},
	} {
		if t.value != 0 && (t.value < t.min || t.value > t.max) &&
			!yield(t.path, fmt.Sprintf("%s is out of range: write %s to %s", t.value, t.min, t.max)) {
			return false
		}
	}
	if c.AckRetries != nil && (*c.AckRetries < 0 || *c.AckRetries > 5) {
		return yield("ack_retries", fmt.Sprintf("%d is out of range: write 0 to 5", *c.AckRetries))
	}
	return true
}
