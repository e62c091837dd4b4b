package inspire

import (
	"maps"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

func validConfig() Config {
	return Config{EnterpriseID: "HOTELX", ChainCode: "TTE", ClientID: "c", ClientSecretFile: "s", AppKeyFile: "k", ChainScope: "single_property"}
}

func TestConfigOfDestinityNeedsLittle(t *testing.T) {
	cfg := validConfig()
	for path, text := range cfg.Problems() {
		t.Errorf("%s %s", path, text)
	}
	full := cfg.WithDefaults()
	if full.TokenURL != "https://destinity-wss.azurewebsites.net/oauth/v1/tokens" || full.Scope != "urn:pms:events" ||
		full.KeyMode != "base64" || full.FromOffsetType != "number" || full.Retention != 24*time.Hour ||
		full.Waits.Ping != 15*time.Second || full.Waits.Dead != 90*time.Second {
		t.Errorf("%+v", full)
	}
}

func TestConfigOfOperaCloud(t *testing.T) {
	cfg := validConfig()
	cfg.Dialect, cfg.TokenURL, cfg.StreamURL = "ohip", "https://gw.example.com", "wss://gw.example.com"
	for path, text := range cfg.Problems() {
		t.Errorf("%s %s", path, text)
	}
	full := cfg.WithDefaults()
	if full.KeyMode != "sha256hex" || full.FromOffsetType != "string" || full.Retention != 168*time.Hour || full.Waits.Ping != 10*time.Second || full.Waits.Dead != 180*time.Second {
		t.Errorf("%+v", full)
	}
	cfg.GrantType, cfg.Username, cfg.PasswordFile, cfg.EnterpriseID = "password", "u", "p", ""
	for path, text := range cfg.Problems() {
		t.Errorf("%s %s", path, text)
	}
}

// Every timer, as a hotel has it that sets none.
func TestTimerDefaults(t *testing.T) {
	want := map[string]string{
		"gap": "10s", "lock": "2m0s", "lock_jitter": "30s", "backoff_min": "2s", "backoff_max": "2m0s", "bug_backoff": "1m0s",
		"limit": "2m0s", "away_jitter": "20s", "server_timeout": "15s", "park_min": "5m0s", "park_max": "30m0s",
		"healthy": "1m0s", "kick": "1m0s", "quick_end": "5s", "token": "15s", "handshake": "20s", "ack": "15s", "write": "10s",
		"ping": "15s", "suspect": "45s", "dead": "1m30s", "dead_no_pong": "4m0s", "drain": "10s", "shutdown": "5s",
		"settle": "2s", "catch_up": "10m0s", "clock_tolerance": "2m0s", "rotate_lead": "5m0s", "rotate_jitter": "1m0s",
		"learned": "24h0m0s", "quiet": "12h0m0s", "live_save": "2m0s",
	}
	for name, differs := range map[string]map[string]string{
		"inspire": nil,
		"ohip":    {"ping": "10s", "dead": "3m0s", "drain": "30s"},
	} {
		full := Config{Dialect: name}.WithDefaults()
		d, _ := dialectByName(name)
		got := map[string]string{}
		for _, f := range full.Waits.fields(d) {
			got[f.name] = f.value.String()
		}
		wanted := maps.Clone(want)
		maps.Copy(wanted, differs)
		if diff := cmp.Diff(wanted, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

func TestConfigFromYAML(t *testing.T) {
	var cfg Config
	err := yaml.UnmarshalWithOptions([]byte(`
dialect: inspire
enterprise_id: HOTELX
chain_code: TTE
client_id: c
client_secret_file: s
app_key_file: k
chain_scope: shared
hotel_code: TTE1
retention: 48h
aliases:
  events: {"FRONT DESK / ARRIVED": stay.check_in}
  elements: {ZIMMER: room, NOTIZ: ignored}
waits: {gap: 20ms, settle: 1s}
`), &cfg, yaml.Strict())
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range cfg.Problems() {
		t.Errorf("%s %s", path, text)
	}
	if cfg.Retention != 48*time.Hour || cfg.Waits.Gap != 20*time.Millisecond || cfg.Aliases.Elements["ZIMMER"] != "room" {
		t.Errorf("%+v", cfg)
	}
}

func TestConfigProblems(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*Config)
		want  map[string]string
	}{
		{"dialect", func(c *Config) { c.Dialect = "opera" }, map[string]string{"dialect": `"opera" is no dialect; write inspire (Destinity) or ohip (OPERA Cloud)`}},
		{"no addresses", func(c *Config) { c.Dialect = "ohip" }, map[string]string{
			"token_url":  "is missing; write the address that the vendor gave, such as https://gateway.example.com/oauth/v1/tokens",
			"stream_url": "is missing; write the address that the vendor gave, such as wss://gateway.example.com/subscriptions",
		}},
		{"plain addresses", func(c *Config) { c.TokenURL, c.StreamURL = "http://pms.example.com", "ws://127.0.0.1:1/x" }, map[string]string{
			"token_url": "must start with https://; http:// is for a simulated PMS on this machine only",
		}},
		{"key in the address", func(c *Config) { c.StreamURL = "wss://pms.example.com/subscriptions?key=abc" }, map[string]string{
			"stream_url": "must hold no user, key or query; the agent adds the key itself (app_key_file)",
		}},
		{"nothing", func(c *Config) { *c = Config{} }, map[string]string{
			"client_id":          "is missing; the vendor gives it together with the other credentials",
			"client_secret_file": "is missing; the vendor gives it together with the other credentials",
			"app_key_file":       "is missing; the vendor gives it together with the other credentials",
			"enterprise_id":      "is missing; the vendor gives it together with the other credentials",
			"chain_code":         "is missing; write the chain code that the vendor enabled for this client",
			"hotel_code":         "is missing; name this hotel as the PMS does, or write chain_scope: single_property once the vendor has confirmed that the chain code covers this hotel only",
		}},
		{"chain code", func(c *Config) { c.ChainCode = `TTE"}) { x }` }, map[string]string{"chain_code": "must be 1 to 20 of: letters, digits, space, _ % # $ & -"}},
		{"choices", func(c *Config) { c.KeyMode, c.Rotate, c.Retention = "hex", "daily", time.Minute }, map[string]string{
			"key_mode":  `"hex" is not known; write one of: base64, base64url, sha256hex, literal`,
			"rotate":    `"daily" is not known; write one of: auto, never`,
			"retention": "must be at least 1h; leave it out for the vendor's usual value",
		}},
		{"aliases", func(c *Config) {
			c.Aliases = Aliases{Events: map[string]string{"GUEST ARRIVED": "checkin"}, Elements: map[string]string{"ZIMMER": "rooms"}}
		}, map[string]string{
			"aliases.events.'GUEST ARRIVED'": `"checkin" is no kind of notice; write one such as stay.check_in, stay.check_out or reservation.update`,
			"aliases.elements.ZIMMER":        `"rooms" is no field; write one such as room, status or departure_date, or ignored`,
		}},
		{"user without password grant", func(c *Config) { c.Username = "u" }, map[string]string{"grant_type": "username and password_file are of use only with grant_type: password"}},
		{"enterprise at OPERA Cloud", func(c *Config) {
			c.Dialect, c.TokenURL, c.StreamURL, c.EnterpriseID = "ohip", "https://a.example", "wss://a.example", "hotelx"
		}, map[string]string{"enterprise_id": "must be 1 to 8 upper-case letters or digits at OPERA Cloud"}},
		{"waits", func(c *Config) { c.Waits.Gap = -1 }, map[string]string{"waits.gap": "must not be negative; leave it out for the default of 10s"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := validConfig()
			tt.spoil(&cfg)
			if d := cmp.Diff(tt.want, maps.Collect(cfg.Problems())); d != "" {
				t.Error(d)
			}
		})
	}
}
