package wifi

import (
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

func TestRadiusConfig(t *testing.T) {
	text := `
controller: radius
radius:
  database: { kind: postgres, address: 10.0.0.5:5432, user: agent, password_file: db }
  nas:
    - { address: 10.0.0.2, secret_file: nas }
    - { address: "10.0.0.3:1700", secret_file: nas, nas_ip: 192.168.7.1, identifier: pool, source: 10.0.0.1, coa: false, session_timeout: now }
    - { address: "[fd00::2]:3799", secret_file: nas }
  attributes: [chillispot]
  idle_timeout: 1h
  interim: 10m
tls: { pin_sha256: "` + goodPin + `" }
`
	var cfg Config
	if err := yaml.UnmarshalWithOptions([]byte(text), &cfg, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	for path, problem := range cfg.Problems() {
		t.Errorf("%s: %s", path, problem)
	}
	yes, no := true, false
	want := &Radius{
		Database: RadiusDatabase{Kind: "postgres", Address: "10.0.0.5:5432", Name: "radius", User: "agent", PasswordFile: "db"},
		NAS: []RadiusNAS{
			{Address: "10.0.0.2:3799", SecretFile: "nas", NASIP: "10.0.0.2", CoA: &yes, SessionTimeout: "start"},
			{Address: "10.0.0.3:1700", SecretFile: "nas", NASIP: "192.168.7.1", Identifier: "pool", Source: "10.0.0.1", CoA: &no, SessionTimeout: "now"},
			{Address: "[fd00::2]:3799", SecretFile: "nas", NASIP: "fd00::2", CoA: &yes, SessionTimeout: "start"},
		},
		Attributes: []string{"chillispot"}, IdleTimeout: time.Hour, Interim: 10 * time.Minute,
	}
	full := cfg.WithDefaults()
	if diff := cmp.Diff(want, full.Radius); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for path, problem := range full.Problems() {
		t.Errorf("with defaults: %s: %s", path, problem)
	}
}

func TestRadiusProblems(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Config)
		want   []string
	}{
		{"none", func(*Config) {}, nil},
		{"socket", func(c *Config) {
			c.Radius.Database = RadiusDatabase{Kind: "mysql", Address: "/run/mysqld/mysqld.sock", User: "a"}
		}, nil},
		{"no section", func(c *Config) { c.Radius = nil; c.TLS.System = true }, []string{
			"radius: radius is missing: write where the database of FreeRADIUS is, and the NAS that ask it"}},
		{"another's keys", func(c *Config) { c.URL, c.User = "https://10.0.0.1", "u" }, []string{
			"user: user is not for RADIUS: remove the line", "url: url is not for RADIUS: remove the line"}},
		{"for another", func(c *Config) {
			c.Controller, c.URL, c.APIKeyFile, c.TLS.System = "unifi", "https://10.0.0.1", "k", true
		}, []string{"radius: radius is not for UniFi Network: remove the line"}},
		{"far without tls", func(c *Config) { c.Radius.Database.Address = "10.0.0.5:3306" }, []string{
			"tls: the line to the database leaves this machine: write exactly one of ca_file, pin_sha256 or system: true; with a pin of 64 zeros `edgeagent probe` shows the right one"}},
		{"database", func(c *Config) {
			c.Radius.Database = RadiusDatabase{Kind: "sqlite", Address: "localhost", Name: "ra;dius"}
			c.TLS.System = true
		}, []string{
			`radius.database.kind: "sqlite" is not a database that is known here: write mysql (for MariaDB too) or postgres`,
			`radius.database.address: "localhost" is no address: write host:port, such as 127.0.0.1:3306, or the path of a Unix socket`,
			`radius.database.name: "ra;dius" is not the name of a database`,
			`radius.database.user: "" is not the name of a database user: make one with the rights that docs/wifi.md lists`,
			"radius.database.password_file: password_file is missing: write the name of the file that holds the password of the database user"}},
		{"limits", func(c *Config) {
			c.Radius.Attributes, c.Radius.IdleTimeout, c.Radius.Interim = []string{"cisco"}, time.Second, 30*time.Second
		}, []string{
			`radius.attributes[0]: "cisco" is not known: write some of wispr, mikrotik, chillispot`,
			"radius.idle_timeout: 1s is out of range: write 1m to 168h",
			"radius.interim: 30s is out of range: write 1m to 1h"}},
		{"nas", func(c *Config) {
			c.Radius.NAS = []RadiusNAS{{Address: "gateway.lan"}, {Address: "10.0.0.2:99999", SecretFile: "s", Source: "eth0", SessionTimeout: "later"}, {Address: "10.0.0.2:1700", SecretFile: "s"}, {SecretFile: "s"}}
		}, []string{
			"radius.nas[0].secret_file: secret_file is missing: write the name of the file that holds the secret which the NAS has for us",
			`radius.nas[0].nas_ip: "gateway.lan" is no IP address: write the nasipaddress under which radacct has this NAS`,
			`radius.nas[1].address: "10.0.0.2:99999" is no address: write the one of the NAS, such as 192.168.1.1, or 192.168.1.1:1700 for another port than 3799`,
			`radius.nas[1].source: "eth0" is no IP address: write one of this machine's`,
			`radius.nas[1].session_timeout: "later" is not known: write start or now`,
			"radius.nas[2].nas_ip: 10.0.0.2 is there twice: each NAS has an address of its own in radacct",
			`radius.nas[3].address: "" is no address: write the one of the NAS, such as 192.168.1.1, or 192.168.1.1:1700 for another port than 3799`}},
		{"group", func(c *Config) { c.Tiers = map[string]Tier{"suite": {Profile: "htl:x"}} }, []string{
			`tiers.suite.profile: "htl:x" is not a group of FreeRADIUS: write letters, digits, spaces and . _ -`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := goodRadius()
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
