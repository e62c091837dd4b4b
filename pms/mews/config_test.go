package mews

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim/mewssim"
	"edgeagent/pms"
)

func goodConfig() Config {
	return Config{ClientTokenFile: "client", AccessTokenFile: "access"}
}

func TestConfigProblems(t *testing.T) {
	t.Parallel()
	yes := true
	tests := []struct {
		change func(*Config)
		want   string
	}{
		{func(*Config) {}, ""},
		{func(c *Config) { c.PlatformURL, c.SocketURL = "http://127.0.0.1:8080/", "ws://localhost:1" }, ""},
		{func(c *Config) { c.PlatformURL = "http://api.mews.com" }, "platform_url must start with https://; http:// is for a simulated PMS on this machine only"},
		{func(c *Config) { c.SocketURL = "ws://ws.mews.com" }, "socket_url must start with wss://; ws:// is for a simulated PMS on this machine only"},
		{func(c *Config) { c.SocketURL = "https://ws.mews.com" }, "socket_url must start with wss://; ws:// is for a simulated PMS on this machine only"},
		{func(c *Config) { c.PlatformURL = "api.mews.com" }, "platform_url is not an address; write one such as https://api.mews.com"},
		{func(c *Config) { c.PlatformURL = "https://[" }, "platform_url is not an address; write one such as https://api.mews.com"},
		{func(c *Config) { c.SocketURL = "wss://ws.mews.com/ws/connector" }, "socket_url must be a host without path, user or query, such as wss://ws.mews.com; the agent adds the rest"},
		{func(c *Config) { c.SocketURL = "wss://ws.mews.com?ClientToken=1" }, "socket_url must be a host without path, user or query, such as wss://ws.mews.com; the agent adds the rest"},
		{func(c *Config) { c.PlatformURL = "https://me@api.mews.com" }, "platform_url must be a host without path, user or query, such as https://api.mews.com; the agent adds the rest"},
		{func(c *Config) { c.PlatformURL = "https://api.mews.com:70000" }, "platform_url has the port 70000, and ports are 1 to 65535; write an address such as https://api.mews.com"},
		{func(c *Config) { c.SocketURL = "wss://api.mews-demo.com" }, "socket_url names the host of the API, and Mews does not serve sockets there; write the host that begins with ws., such as wss://ws.mews.com"},
		{func(c *Config) { c.PlatformURL = "https://WS.mews.com" }, "platform_url names the host of the sockets, and Mews does not serve the API there; write the host that begins with api., such as https://api.mews.com"},
		{func(c *Config) { c.PlatformURL, c.SocketURL = "https://api.mews-demo.com", "wss://ws.mews-demo.com" }, ""},
		{func(c *Config) { c.PlatformURL = "https://api.mews-demo.com" }, "socket_url is of the production environment, and platform_url of the demo environment; tokens are good in one of them only, so write wss://ws.mews-demo.com, or correct platform_url"},
		{func(c *Config) { c.SocketURL = "wss://ws.Mews-Demo.com" }, "socket_url is of the demo environment, and platform_url of the production environment; tokens are good in one of them only, so write wss://ws.mews.com, or correct platform_url"},
		{func(c *Config) { c.PlatformURL = "https://mews.example.com" }, ""},
		{func(c *Config) { c.KeyWait = 20 * time.Second }, ""},
		{func(c *Config) { c.KeyWait, c.MaxAge = 10*time.Minute, 10*time.Minute }, ""},
		{func(c *Config) { c.MaxAge = 40 * time.Second }, ""},
		{func(c *Config) { c.KeyWait = 19 * time.Second }, "key_wait must be 20s to max_age, which is 5m0s; leave it out for 90s"},
		{func(c *Config) { c.KeyWait = -time.Second }, "key_wait must be 20s to max_age, which is 5m0s; leave it out for 90s"},
		{func(c *Config) { c.KeyWait, c.MaxAge = 2*time.Minute, time.Minute }, "key_wait must be 20s to max_age, which is 1m0s; leave it out for 90s"},
		{func(c *Config) { c.ClientTokenFile = "" }, "client_token_file is missing; Mews gives the client token for the product and the access token for the property"},
		{func(c *Config) { c.AccessTokenFile = "" }, "access_token_file is missing; Mews gives the client token for the product and the access token for the property"},
		{func(c *Config) { c.Client = "Hôtel" }, "client must be a short name in plain letters, such as edgeagent"},
		{func(c *Config) { c.Client = strings.Repeat("x", 61) }, "client must be a short name in plain letters, such as edgeagent"},
		{func(c *Config) { c.CloseOldAs = "done" }, `close_old_as "done" is not known; write cancelled or error`},
		{func(c *Config) { c.ReconnectAt = "25:00" }, `reconnect_at must be a local hour such as "04:30", or never, not "25:00"`},
		{func(c *Config) { c.ReconnectAt = never }, ""},
		{func(c *Config) { c.MaxAge = time.Second }, "max_age must be 30s to 24h; leave it out for 5m"},
		{func(c *Config) { c.MaxAge = -time.Minute }, "max_age must be 30s to 24h; leave it out for 5m"},
		{func(c *Config) { c.Budget = 5 }, "budget must be 20 to 10000 requests in 30 s; leave it out for the 200 that Mews allows"},
		{func(c *Config) { c.Budget = -1 }, "budget must be 20 to 10000 requests in 30 s; leave it out for the 200 that Mews allows"},
		{func(c *Config) { c.Devices = []Cutter{{Device: "lobby"}} }, "devices[0].mews is missing; write the key cutter's name, identifier or id in Mews (edgeagent probe lists them)"},
		{func(c *Config) { c.Devices = []Cutter{{Mews: "Desk"}} }, "devices[0].device is missing; write the name of the encoder under devices: of the property file"},
		{func(c *Config) { c.Devices = []Cutter{{Mews: "Desk", Device: "a"}, {Mews: "DESK", Device: "b"}} }, `devices[1].mews "DESK" is listed twice, first as devices[0]; remove one`},
		{func(c *Config) { c.LeaveUnmapped = true }, "leave_unmapped leaves every key command to another gateway, since devices lists none; list this gateway's key cutters, or remove it"},
		{func(c *Config) {
			c.Locks, c.Grants = map[string]string{"l 1'": "101"}, map[string]string{"l 1'": "pool"}
		}, "grants.'l 1''' stands under locks too; a lock is a room or a common door, remove one"},
		{func(c *Config) { c.Locks, c.Grants = map[string]string{"L1": "101"}, map[string]string{"L1": "pool"} }, "grants.L1 stands under locks too; a lock is a room or a common door, remove one"},
		{func(c *Config) { c.Waits.Ping = -1 }, "waits.ping must not be negative; leave it out for the default of 30s"},
		{func(c *Config) { c.Waits.Dead = 20 * time.Second }, "waits.dead must be longer than ping, else every quiet socket is taken for a dead one"},
		{func(c *Config) { c.KeysByCommand = &yes }, ""},
	}
	for _, tt := range tests {
		c := goodConfig()
		tt.change(&c)
		var got []string
		for path, text := range c.Problems() {
			got = append(got, path+" "+text)
		}
		if strings.Join(got, "\n") != tt.want {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), tt.want)
		}
		_, err := New("desk", c, Deps{Secret: func(string) (string, error) { return "", nil }})
		if (err == nil) != (tt.want == "") || err != nil && err.Error() != "pms desk: "+tt.want {
			t.Errorf("error %v, want %s", err, tt.want)
		}
	}
	all := Config{PlatformURL: "x", SocketURL: "y", CloseOldAs: "z", Devices: []Cutter{{}}, Waits: Waits{Lag: -1, House: -1}}
	n := 0
	for range all.Problems() { // all are told together, and the caller may stop at any
		if n++; n == 8 {
			break
		}
	}
	if n != 8 {
		t.Errorf("%d problems", n)
	}
}

func TestConfigDefaults(t *testing.T) {
	t.Parallel()
	c := goodConfig().WithDefaults()
	if c.PlatformURL != "https://api.mews.com" || c.SocketURL != "wss://ws.mews.com" || c.Client != "edgeagent" || c.MaxAge != 5*time.Minute || c.KeyWait != 90*time.Second ||
		c.Budget != 200 || c.ReconnectAt != "04:30" || c.closeOldAs() != pms.CommandCancelled || *c.KeysByCommand {
		t.Errorf("defaults %+v", c)
	}
	with := goodConfig()
	with.Devices = []Cutter{{Mews: "Desk", Device: "lobby"}, {Mews: "Bar"}, {Mews: "Pool", Device: "pool"}}
	if !*with.WithDefaults().KeysByCommand {
		t.Error("keys are asked for by command where a key cutter is listed")
	}
	var targets []string
	for path, device := range with.Targets() {
		targets = append(targets, path+"="+device)
	}
	if !slices.Equal(targets, []string{"devices[0].device=lobby", "devices[2].device=pool"}) {
		t.Errorf("targets %v", targets)
	}
	for _, f := range c.Waits.fields() {
		if *f.value != f.def || f.def <= 0 {
			t.Errorf("wait %s is %s", f.name, *f.value)
		}
	}
	if w := c.Waits; w.Ping < 30*time.Second || w.Ping > time.Minute || w.Dead <= 2*w.Ping {
		t.Errorf("ping %s, dead %s", w.Ping, w.Dead)
	}
}

func TestNewNeedsItsDeps(t *testing.T) {
	t.Parallel()
	if _, err := New("desk", goodConfig(), Deps{}); err == nil || err.Error() != "pms desk: no way to read secrets" {
		t.Errorf("error %v", err)
	}
	c := goodConfig()
	secret := func(string) (string, error) { return "abc", nil }
	c.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	if _, err := New("desk", c, Deps{Secret: secret}); err == nil || !strings.HasPrefix(err.Error(), "pms desk: ca_file: open ") {
		t.Errorf("error %v", err)
	}
	check(t, os.WriteFile(c.CAFile, []byte("nothing"), 0o600))
	if _, err := New("desk", c, Deps{Secret: secret}); err == nil || err.Error() != "pms desk: ca_file: "+c.CAFile+" holds no certificate in PEM form" {
		t.Errorf("error %v", err)
	}
}

func TestEncryptedLink(t *testing.T) {
	t.Parallel()
	sim := must(mewssim.Start(mewssim.Options{TLS: true}))(t)
	defer sim.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	check(t, os.WriteFile(file, sim.CAPEM(), 0o600))
	r := newRig(t, config(func(c *Config) { c.PlatformURL, c.SocketURL = sim.PlatformURL(), sim.SocketURL() }))
	r.run()
	r.waitProblem("certificate signed by unknown authority")
	r.stop()
	r.cfg.CAFile = file
	r.restart()
	r.live()
	r.stop()
}
