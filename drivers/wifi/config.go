package wifi

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Config is the section of a WiFi controller in the property file.
type Config struct {
	// Controller is the product: mikrotik, nomadix, omada, opnsense, radius or unifi.
	Controller string `yaml:"controller"`
	// URL of the controller on the hotel's own network, such as https://192.168.1.1.
	URL string `yaml:"url"`
	// Site is UniFi's internal name of the site, "default" if not set; it stands
	// in the address bar of the controller's pages, not in its title. For Omada it
	// is the site's name as shown.
	Site string `yaml:"site"`
	// APIKeyFile names the file with the API key. UniFi: Network, Integrations.
	// OPNsense: System, Access, Users; the file as it is downloaded there.
	APIKeyFile string `yaml:"api_key_file"`
	// User is the account of MikroTik or Nomadix, PasswordFile the file with its
	// password. UniFi takes them in place of an API key: the software controller
	// has no keys.
	User         string `yaml:"user"`
	PasswordFile string `yaml:"password_file"`
	// ControllerID is Omada's own id, ClientID and ClientSecretFile are those of
	// its Open API client: Settings, Platform Integration, Open API.
	ControllerID     string `yaml:"controller_id"`
	ClientID         string `yaml:"client_id"`
	ClientSecretFile string `yaml:"client_secret_file"`
	// Credentials is what guests get; users, with a name and a password, if not
	// set. Omada also has vouchers. Nomadix has, on newer firmware, groups (a name
	// and a password with a limit of devices, without rates) and codes (the same
	// with one code to type).
	Credentials string `yaml:"credentials"`
	// Portals are the names of Omada's portals; all of them if not set.
	Portals []string `yaml:"portals"`
	// Server is MikroTik's hotspot server, all of them if not set, or OPNsense's
	// voucher server.
	Server string `yaml:"server"`
	// Zones are the ids of OPNsense's captive portal zones; all if not set.
	Zones []int `yaml:"zones"`
	// Radius is where FreeRADIUS keeps its accounts, for the product radius.
	Radius *Radius `yaml:"radius"`
	// TLS says how the controller, or the database of FreeRADIUS, proves who it is.
	TLS TLS `yaml:"tls"`
	// GraceAfterDeparture is how long access outlives the departure; 2h if not set.
	GraceAfterDeparture *time.Duration `yaml:"grace_after_departure"`
	// DevicesPerGuest is how many devices may use one code; 5 if not set.
	DevicesPerGuest int `yaml:"devices_per_guest"`
	// Tiers are the limits that guests can have, by name.
	Tiers map[string]Tier `yaml:"tiers"`
	// TierByVIP gives the tier of a VIP code of the PMS.
	TierByVIP map[string]string `yaml:"tier_by_vip"`
	// DefaultTier is the tier of everybody else: "standard" if not set, and
	// without limits if tiers has none of that name.
	DefaultTier string `yaml:"default_tier"`
	// Network is the guests' network, for the slip and the TV.
	Network Network `yaml:"network"`
	// Timeout bounds one call to the controller; 15s if not set, 10s for Nomadix.
	Timeout time.Duration `yaml:"timeout"`
}

// TLS is how a controller proves who it is: exactly one of the three.
type TLS struct {
	// CAFile names a PEM file of the certificate authority; the name in the
	// certificate must fit the url.
	CAFile string `yaml:"ca_file"`
	// PinSHA256 is the SHA-256 of the controller's certificate, or of its public
	// key, as `edgeagent probe` shows it. It suits the self-signed certificate
	// that most controllers have.
	PinSHA256 string `yaml:"pin_sha256"`
	// System trusts the certificate authorities of the operating system.
	System bool `yaml:"system"`
}

// Network is what a phone must know to join.
type Network struct {
	// SSID is the network's name as phones show it.
	SSID string `yaml:"ssid"`
	// PasswordFile names the file with the network's own password, that all
	// guests share; an open network has none.
	PasswordFile string `yaml:"password_file"`
}

// Tier is what a guest's devices may use; zero is no limit.
type Tier struct {
	// DownKbps is the download rate in kbit/s, as the guest sees it.
	DownKbps int `yaml:"down_kbps"`
	// UpKbps is the upload rate in kbit/s, as the guest sees it.
	UpKbps int `yaml:"up_kbps"`
	// DataMB is how much may be transferred in all, in MB.
	DataMB int `yaml:"data_mb"`
	// Profile is the name that the tier has on the controller, where limits are
	// made there: a hotspot user profile of MikroTik, a group of RADIUS.
	Profile string `yaml:"profile"`
}

// Bounds of the settings; rates and data are what UniFi takes.
const (
	maxDevices = 1000
	minKbps    = 2
	maxKbps    = 100_000
	maxDataMB  = 1_048_576
	maxGrace   = 7 * 24 * time.Hour
	maxTimeout = 2 * time.Minute
	maxSSID    = 32 // bytes, IEEE 802.11

	// defaultTier need not be defined: then it has no limits.
	defaultTier = "standard"
)

// WithDefaults fills what was not set.
func (c Config) WithDefaults() Config {
	if c.Site == "" && c.Controller == "unifi" {
		c.Site = "default"
	}
	if c.GraceAfterDeparture == nil {
		grace := 2 * time.Hour
		c.GraceAfterDeparture = &grace
	}
	if c.DevicesPerGuest == 0 {
		c.DevicesPerGuest = 5
	}
	if c.DefaultTier == "" {
		c.DefaultTier = defaultTier
	}
	if c.Timeout == 0 {
		c.Timeout = cmp.Or(products[c.Controller].timeout, 15*time.Second)
	}
	if c.Radius != nil {
		c.Radius = c.Radius.withDefaults()
	}
	return c
}

// Problems yields what is wrong, by its place in the section.
func (c *Config) Problems() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, part := range []iter.Seq2[string, string]{c.keyProblems(), c.addressProblems(), c.trustProblems(), c.tierProblems(), c.Network.problems(), c.ownProblems()} {
			for path, text := range part {
				if !yield(path, text) {
					return
				}
			}
		}
	}
}

func (c *Config) addressProblems() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		full := c.WithDefaults()
		p, ok := products[c.Controller]
		if !ok {
			p = products["unifi"] // for its example
		}
		if p.address == "" && c.URL != "" && !yield("url", "url is not for "+p.title+": remove the line") {
			return
		}
		if text := urlProblem(c.URL, p); p.address != "" && text != "" && !yield("url", text) {
			return
		}
		if g := *full.GraceAfterDeparture; (g < 0 || g > maxGrace) && !yield("grace_after_departure", fmt.Sprintf("%v is out of range: write 0s to 168h", g)) {
			return
		}
		if (full.DevicesPerGuest < 1 || full.DevicesPerGuest > maxDevices) && !yield("devices_per_guest", fmt.Sprintf("%d is out of range: write 1 to %d", c.DevicesPerGuest, maxDevices)) {
			return
		}
		if full.Timeout < time.Second || full.Timeout > maxTimeout {
			yield("timeout", fmt.Sprintf("%v is out of range: write 1s to 2m", c.Timeout))
		}
	}
}

// trustProblems: a product that is spoken to in the clear has nothing to trust.
func (c *Config) trustProblems() iter.Seq2[string, string] {
	if strings.HasPrefix(c.URL, "http://") && products[c.Controller].plain {
		return func(yield func(string, string) bool) {
			if c.TLS != (TLS{}) {
				yield("tls", "tls is for https: remove the line, or write https:// into url")
			}
		}
	}
	if c.Controller == "radius" && c.TLS == (TLS{}) {
		return func(yield func(string, string) bool) {
			if c.Radius != nil && !c.Radius.Database.near() {
				yield("tls", "the line to the database leaves this machine: write exactly one of ca_file, pin_sha256 or system: true; with a pin of 64 zeros `edgeagent probe` shows the right one")
			}
		}
	}
	return c.TLS.problems()
}

func urlProblem(text string, p product) string {
	if text == "" {
		return "url is missing: write the controller's address, such as " + p.address
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "not a URL: write the controller's address, such as " + p.address
	case u.User != nil:
		return "a user or password does not belong into the url: write it into a file and name that in the keys for it"
	case u.Scheme != "https" && (u.Scheme != "http" || !p.plain):
		return fmt.Sprintf("scheme %q would send the keys in the clear: write https://", u.Scheme)
	case u.Hostname() == "":
		return "the url has no host: write the controller's address, such as " + p.address
	case !goodPort(u.Port()):
		return fmt.Sprintf("has the port %s, and ports are 1 to 65535: write the controller's address, such as %s", u.Port(), p.address)
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return "write the url without a path, such as " + u.Scheme + "://" + u.Host
	}
	return ""
}

// goodPort reports whether a port, if there is one, exists.
func goodPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

func (t *TLS) problems() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		n := 0
		for _, set := range []bool{t.CAFile != "", t.PinSHA256 != "", t.System} {
			if set {
				n++
			}
		}
		if n != 1 && !yield("tls", "write exactly one of ca_file, pin_sha256 or system: true; `edgeagent probe` shows the pin") {
			return
		}
		if t.PinSHA256 != "" {
			if _, err := parsePin(t.PinSHA256); err != nil {
				yield("tls.pin_sha256", err.Error())
			}
		}
	}
}

// parsePin reads 32 bytes as hex, with or without colons, or as base64 with or
// without the "sha256//" that curl puts before it.
func parsePin(text string) ([32]byte, error) {
	var pin [32]byte
	raw, err := hex.DecodeString(strings.ReplaceAll(text, ":", ""))
	if err != nil || len(raw) != len(pin) {
		raw, err = base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "sha256//"))
	}
	if err != nil || len(raw) != len(pin) {
		return pin, fmt.Errorf("not a SHA-256: write 64 hexadecimal digits as `edgeagent probe` shows them")
	}
	copy(pin[:], raw)
	return pin, nil
}

func (n *Network) problems() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		if len(n.SSID) > maxSSID && !yield("network.ssid", fmt.Sprintf("has %d bytes, and a network's name at most %d: write it as phones show it", len(n.SSID), maxSSID)) {
			return
		}
		if n.SSID == "" && n.PasswordFile != "" {
			yield("network.ssid", "ssid is missing: write the network's name as phones show it")
		}
	}
}

func (c *Config) tierProblems() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, name := range slices.Sorted(maps.Keys(c.Tiers)) {
			t := c.Tiers[name]
			for _, limit := range []struct {
				key          string
				n, low, high int
			}{{"down_kbps", t.DownKbps, minKbps, maxKbps}, {"up_kbps", t.UpKbps, minKbps, maxKbps}, {"data_mb", t.DataMB, 1, maxDataMB}} {
				if limit.n == 0 || limit.n >= limit.low && limit.n <= limit.high {
					continue
				}
				if !yield("tiers."+name+"."+limit.key, fmt.Sprintf("%d is out of range: write %d to %d, or leave it out for no limit", limit.n, limit.low, limit.high)) {
					return
				}
			}
		}
		for _, vip := range slices.Sorted(maps.Keys(c.TierByVIP)) {
			if _, ok := c.Tiers[c.TierByVIP[vip]]; !ok && !yield("tier_by_vip."+vip, fmt.Sprintf("no tier %q: define it under tiers", c.TierByVIP[vip])) {
				return
			}
		}
		if c.DefaultTier != "" && c.DefaultTier != defaultTier {
			if _, ok := c.Tiers[c.DefaultTier]; !ok {
				yield("default_tier", fmt.Sprintf("no tier %q: define it under tiers", c.DefaultTier))
			}
		}
	}
}
