package wifi

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Config is the section of a WiFi controller in the property file.
type Config struct {
	// Controller is the product: unifi.
	Controller string `yaml:"controller"`
	// URL of the controller on the hotel's own network, such as https://192.168.1.1.
	URL string `yaml:"url"`
	// Site is the controller's internal name of the site, "default" if not set;
	// it stands in the address bar of the controller's pages, not in its title.
	Site string `yaml:"site"`
	// APIKeyFile names the file with the API key. UniFi: Network, Integrations.
	APIKeyFile string `yaml:"api_key_file"`
	// TLS says how the controller proves who it is.
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
	// Timeout bounds one call to the controller; 15s if not set.
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

// Tier is what a guest's devices may use; zero is no limit.
type Tier struct {
	// DownKbps is the download rate in kbit/s, as the guest sees it.
	DownKbps int `yaml:"down_kbps"`
	// UpKbps is the upload rate in kbit/s, as the guest sees it.
	UpKbps int `yaml:"up_kbps"`
	// DataMB is how much may be transferred in all, in MB.
	DataMB int `yaml:"data_mb"`
}

// Bounds of the settings; rates and data are what UniFi takes.
const (
	maxDevices = 1000
	minKbps    = 2
	maxKbps    = 100_000
	maxDataMB  = 1_048_576
	maxGrace   = 7 * 24 * time.Hour
	maxTimeout = 2 * time.Minute

	// defaultTier need not be defined: then it has no limits.
	defaultTier = "standard"
)

var siteName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// WithDefaults fills what was not set.
func (c Config) WithDefaults() Config {
	if c.Site == "" {
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
		c.Timeout = 15 * time.Second
	}
	return c
}

// Problems yields what is wrong, by its place in the section.
func (c *Config) Problems() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, part := range []iter.Seq2[string, string]{c.addressProblems(), c.TLS.problems(), c.tierProblems()} {
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
		if _, ok := controllers[c.Controller]; !ok {
			known := strings.Join(slices.Sorted(maps.Keys(controllers)), ", ")
			text := fmt.Sprintf("unknown controller %q: write one of %s", c.Controller, known)
			if c.Controller == "" {
				text = "controller is missing: write one of " + known
			}
			if !yield("controller", text) {
				return
			}
		}
		if text := urlProblem(c.URL); text != "" && !yield("url", text) {
			return
		}
		if !siteName.MatchString(full.Site) && !yield("site", fmt.Sprintf("%q is not a site's internal name: write the one in the address bar of the controller's pages, such as default", c.Site)) {
			return
		}
		if c.APIKeyFile == "" && !yield("api_key_file", "api_key_file is missing: make a key under Network, Integrations and write the name of the file that holds it") {
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

func urlProblem(text string) string {
	if text == "" {
		return "url is missing: write the controller's address, such as https://192.168.1.1"
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "not a URL: write the controller's address, such as https://192.168.1.1"
	case u.User != nil:
		return "a user or password does not belong into the url: write the API key into a file and name it in api_key_file"
	case u.Scheme != "https":
		return fmt.Sprintf("scheme %q would send the API key in the clear: write https://", u.Scheme)
	case u.Hostname() == "":
		return "the url has no host: write the controller's address, such as https://192.168.1.1"
	case !goodPort(u.Port()):
		return fmt.Sprintf("has the port %s, and ports are 1 to 65535: write the controller's address, such as https://192.168.1.1", u.Port())
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return "write the url without a path, such as https://" + u.Host
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
