package iptv

import (
	"testing"
	"time"

	"edgeagent/drivers"

	"github.com/google/go-cmp/cmp"
)

func TestProblems(t *testing.T) {
	nine := 9
	good := Config{Broker: "tls://broker.lan", Username: "agent", PasswordFile: "mqtt"}
	for _, tt := range []struct {
		name string
		edit func(*Config)
		want map[string]string
	}{
		{"good", func(*Config) {}, nil},
		{"plain on loopback", func(c *Config) { c.Broker = "tcp://127.0.0.1:1883" }, nil},
		{"plain allowed", func(c *Config) { c.Broker, c.AllowPlain = "ws://10.0.0.5/mqtt", true }, nil},
		{"nothing", func(c *Config) { *c = Config{} }, map[string]string{
			"broker": "missing: write the address of the MQTT broker, such as tls://broker.hotel.lan:8883",
		}},
		{"plain", func(c *Config) { c.Broker = "tcp://10.0.0.5" }, map[string]string{
			"broker": "tcp:// would send guest names to 10.0.0.5 unencrypted: use tls:// (or wss://), or set allow_plain: true",
		}},
		{"scheme", func(c *Config) { c.Broker = "https://10.0.0.5" }, map[string]string{
			"broker": `scheme "https" is unknown: write tls://, wss://, or on this machine tcp:// or ws://`,
		}},
		{"password in the address", func(c *Config) { c.Broker = "tls://agent:pw@broker" }, map[string]string{
			"broker": "holds a user name or password: use username and password_file",
		}},
		{"half a certificate", func(c *Config) { c.CertFile = "agent.pem" }, map[string]string{
			"key_file": "cert_file and key_file belong together: give both or neither",
		}},
		{"names", func(c *Config) { c.ClientID, c.Prefix, c.NameStyle = "a/b", "htl/#", "last" }, map[string]string{
			"client_id":  "1 to 64 letters, digits, dots, dashes or underscores, such as edgeagent-seaview",
			"prefix":     "levels of letters, digits, dashes or underscores, parted by /, such as htl/v1",
			"name_style": `"last" is unknown: write one of full, title_last, first, none`,
		}},
		{"maps", func(c *Config) {
			c.Rooms = map[string][]string{"1": {"101", "10+"}, "2": {}, "3": {"agent"}}
			c.Languages = map[string]string{"GE": "german!"}
		}, map[string]string{
			"rooms.1[1]":   `"10+" is no room key: 1 to 64 of a-z, 0-9, - and _, the real room label is shown on the screen anyway`,
			"rooms.3[0]":   `"agent" is no room key: 1 to 64 of a-z, 0-9, - and _, the real room label is shown on the screen anyway`,
			"rooms.2":      "names no room key: list at least one, or leave the room out",
			"languages.GE": `"german!" is no language tag: write one such as de, pt-BR or zh-Hans`,
		}},
		{"templates", func(c *Config) {
			c.Template = "<b>"
			c.TemplateByVIP = map[string]string{"V1": "gold", "v1": "silver", "V2": ""}
			c.TemplateByGroup = map[string]string{"Smith wedding": "a b"}
		}, map[string]string{
			"template":                        `"<b>" is no template: 1 to 64 letters, digits, dots, dashes or underscores, as the TVs know it`,
			"template_by_vip.V2":              `"" is no template: 1 to 64 letters, digits, dots, dashes or underscores, as the TVs know it`,
			"template_by_vip.v1":              `is the same as "V1", for capitals do not count: leave one out`,
			"template_by_group.Smith wedding": `"a b" is no template: 1 to 64 letters, digits, dots, dashes or underscores, as the TVs know it`,
		}},
		{"times", func(c *Config) { c.AckTimeout, c.AckRetries = time.Hour, &nine }, map[string]string{
			"ack_timeout": "1h0m0s is out of range: write 100ms to 1m0s",
			"ack_retries": "9 is out of range: write 0 to 5",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := good
			tt.edit(&c)
			var got map[string]string
			for path, text := range c.Problems() {
				if got == nil {
					got = map[string]string{}
				}
				got[path] = text
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			for range c.Problems() {
				break // stopping early is allowed
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	two := 2
	want := Config{
		ClientID: "edgeagent-seaview", Prefix: "htl/v1", NameStyle: StyleTitleLast, Grace: 2 * time.Hour, FreshFor: 15 * time.Minute,
		AckTimeout: 10 * time.Second, AckRetries: &two, KeepAlive: 25 * time.Second, ConnectTimeout: 10 * time.Second,
		ReconnectMin: time.Second, ReconnectMax: time.Minute, Reconcile: time.Hour,
	}
	if diff := cmp.Diff(want, Config{}.WithDefaults("seaview")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestActionsAreSound(t *testing.T) {
	for _, a := range Actions() {
		if a.Limit == 0 || a.Subject == "" || a.Help == "" || a.Setting == (a.Within != 0) {
			t.Errorf("%+v", a)
		}
		for _, p := range a.Params {
			if p.Help == "" || p.Type == "" {
				t.Errorf("%s: %+v", a.Name, p)
			}
		}
	}
	d := still(t)
	if _, err := d.Do(t.Context(), drivers.Command{Action: "dance"}); err == nil {
		t.Error("an unknown action is carried out")
	}
}
