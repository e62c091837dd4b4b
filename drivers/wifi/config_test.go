package wifi

import (
	"strings"
	"testing"
	"time"

	"edgeagent/drivers"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

const goodPin = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

func TestConfig(t *testing.T) {
	text := `
controller: unifi
url: https://192.168.1.1
api_key_file: unifi-key
tls: { pin_sha256: "` + goodPin + `" }
grace_after_departure: 90m
tiers:
  standard: { down_kbps: 20000, up_kbps: 5000 }
  suite: { down_kbps: 90000, up_kbps: 40000, data_mb: 5000 }
tier_by_vip: { V1: suite }
timeout: 20s
`
	var cfg Config
	if err := yaml.UnmarshalWithOptions([]byte(text), &cfg, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	for path, problem := range cfg.Problems() {
		t.Errorf("%s: %s", path, problem)
	}
	full := cfg.WithDefaults()
	if *full.GraceAfterDeparture != 90*time.Minute || full.Site != "default" || full.DevicesPerGuest != 5 || full.Timeout != 20*time.Second {
		t.Errorf("got %+v", full)
	}
	if _, err := open("w", full, drivers.Site{}, time.Now); err != nil {
		t.Errorf("with defaults filled in it does not open: %v", err)
	}
}

func TestProblems(t *testing.T) {
	good := func() Config {
		return Config{Controller: "unifi", URL: "https://10.0.0.2:8443", APIKeyFile: "k", TLS: TLS{PinSHA256: goodPin}}
	}
	minus := -time.Hour
	for _, test := range []struct {
		name   string
		change func(*Config)
		want   []string
	}{
		{"none", func(*Config) {}, nil},
		{"empty", func(c *Config) { *c = Config{} }, []string{
			"controller: controller is missing: write one of " + productNames(),
			"url: url is missing: write the controller's address, such as https://192.168.1.1",
			"tls: write exactly one of ca_file, pin_sha256 or system: true; `edgeagent probe` shows the pin",
		}},
		{"no key", func(c *Config) { c.APIKeyFile = "" }, []string{
			"api_key_file: api_key_file is missing: make a key under Network, Integrations and write the name of the file that holds it; a software controller has no keys: write user and password_file instead",
		}},
		{"password for a key", func(c *Config) { c.APIKeyFile, c.User, c.PasswordFile = "", "u", "p" }, nil},
		{"key and user", func(c *Config) { c.User = "u" }, []string{"api_key_file: write either api_key_file, or user and password_file: remove the others"}},
		{"key and password", func(c *Config) { c.PasswordFile = "p" }, []string{"api_key_file: write either api_key_file, or user and password_file: remove the others"}},
		{"user alone", func(c *Config) { c.APIKeyFile, c.User = "", "u" }, []string{"password_file: password_file is missing: write the name of the file that holds the password of user"}},
		{"password alone", func(c *Config) { c.APIKeyFile, c.PasswordFile = "", "p" }, []string{"user: user is missing: write the name of a local administrator to whom password_file belongs"}},
		{"another's keys", func(c *Config) { c.Server, c.ClientID = "s", "x" }, []string{
			"client_id: client_id is not for UniFi Network: remove the line",
			"server: server is not for UniFi Network: remove the line",
		}},
		{"controller", func(c *Config) { c.Controller = "arubo" }, []string{`controller: unknown controller "arubo": write one of ` + productNames()}},
		{"plain http", func(c *Config) { c.URL = "http://10.0.0.2" }, []string{`url: scheme "http" would send the keys in the clear: write https://`}},
		{"path", func(c *Config) { c.URL = "https://10.0.0.2/network/default" }, []string{"url: write the url without a path, such as https://10.0.0.2"}},
		{"password in the url", func(c *Config) { c.URL = "https://u:hunter2@10.0.0.2" }, []string{"url: a user or password does not belong into the url: write it into a file and name that in the keys for it"}},
		{"not a url", func(c *Config) { c.URL = "https://[::1" }, []string{"url: not a URL: write the controller's address, such as https://192.168.1.1"}},
		{"no host", func(c *Config) { c.URL = "https://" }, []string{"url: the url has no host: write the controller's address, such as https://192.168.1.1"}},
		{"site", func(c *Config) { c.Site = "Sea View" }, []string{`site: "Sea View" is not a site's internal name: write the one in the address bar of the controller's pages, such as default`}},
		{"two kinds of trust", func(c *Config) { c.TLS.System = true }, []string{"tls: write exactly one of ca_file, pin_sha256 or system: true; `edgeagent probe` shows the pin"}},
		{"pin", func(c *Config) { c.TLS.PinSHA256 = "abcd" }, []string{"tls.pin_sha256: not a SHA-256: write 64 hexadecimal digits as `edgeagent probe` shows them"}},
		{"numbers", func(c *Config) {
			c.GraceAfterDeparture, c.DevicesPerGuest, c.Timeout = &minus, -1, time.Millisecond
		}, []string{
			"grace_after_departure: -1h0m0s is out of range: write 0s to 168h",
			"devices_per_guest: -1 is out of range: write 1 to 1000",
			"timeout: 1ms is out of range: write 1s to 2m",
		}},
		{"tiers", func(c *Config) {
			c.Tiers = map[string]Tier{"slow": {DownKbps: 1, UpKbps: 100_001, DataMB: -5}}
			c.TierByVIP, c.DefaultTier = map[string]string{"V1": "suite"}, "gold"
		}, []string{
			"tiers.slow.down_kbps: 1 is out of range: write 2 to 100000, or leave it out for no limit",
			"tiers.slow.up_kbps: 100001 is out of range: write 2 to 100000, or leave it out for no limit",
			"tiers.slow.data_mb: -5 is out of range: write 1 to 1048576, or leave it out for no limit",
			`tier_by_vip.V1: no tier "suite": define it under tiers`,
			`default_tier: no tier "gold": define it under tiers`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := good()
			test.change(&cfg)
			var got []string
			for path, problem := range cfg.Problems() {
				got = append(got, path+": "+problem)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for range cfg.Problems() { // a reader may stop at the first
				break
			}
		})
	}
}

func TestPinForms(t *testing.T) {
	want, err := parsePin(goodPin)
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{strings.ToUpper(goodPin), colons(goodPin),
		"ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8=", "sha256//ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8="} {
		if got, err := parsePin(form); err != nil || got != want {
			t.Errorf("%s: %v", form, err)
		}
	}
}

// The markers of both parameters' defaults have to be fields that rules can fill.
func TestActions(t *testing.T) {
	for _, a := range Actions() {
		if !a.Setting || a.Subject != "stay:${stay}" || a.Limit == 0 || a.Within != 0 {
			t.Errorf("%s: %+v", a.Name, a)
		}
		if p := a.Params[0]; p.Name != "stay" || !p.Required || p.Default != "${stay}" {
			t.Errorf("%s: first parameter %+v", a.Name, p)
		}
	}
	if m := (Stay{Key: keyA + "-12345678901"}).marker(); len(m) > 32 {
		t.Errorf("marker %q has %d characters", m, len(m))
	}
}
