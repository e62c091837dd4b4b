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
	if c.PlatformURL != "https://api.mews.com" || c.SocketURL != "wss://ws.mews.com" || c.Client != "edgeagent" || c.MaxAge != 5*time.Minute ||
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

func probeText(list []pms.Finding) string {
	var b strings.Builder
	for _, f := range list {
		mark := "bad "
		if f.OK {
			mark = "good"
		}
		b.WriteString(mark + " " + f.Step + ": " + f.Text)
		if f.Advice != "" {
			b.WriteString(" -> " + f.Advice)
		}
		b.WriteString("\n")
	}
	return b.String()
}

const goodProbe = `good tokens: Mews knows them; the property is "Hotel Simulated"
good clock: the gateway and Mews agree within 1s
good time zone: Europe/Budapest, as in the property file
good operations: all 9 are granted; commands/update can only be tried with a command
good device: KeyCutter "Front desk", identifier "enc-1" is lobby here
good rooms: 9 to sleep in, of 10; services that are stays: 1
good socket: open -> if nothing arrives: Mews support must switch on the events DeviceCommand, Reservation and Resource for this integration, and the hotel must add its key cutters under Marketplace, My subscriptions, this integration, Settings, Connected devices; then reconnect
`

func TestProbe(t *testing.T) {
	t.Parallel()
	lines := strings.SplitAfter(goodProbe, "\n")
	with := func(i int, line string) string {
		changed := slices.Clone(lines)
		changed[i] = line
		return strings.Join(changed, "")
	}
	for _, tt := range []struct {
		name string
		bad  func(*rig)
		want string
	}{
		{"good", func(*rig) {}, goodProbe},
		{"no operation", func(r *rig) { r.sim.Deny("customers/getAll"); r.sim.Deny("commands/getAllActive") },
			with(3, "bad  operations: Mews does not grant customers/getAll, commands/getAllActive -> ask Mews partner support to enable them for this integration\n")},
		{"wrong zone", func(r *rig) { r.deps.Zone = time.UTC },
			with(2, "bad  time zone: Mews has Europe/Budapest, the property file UTC -> correct property.timezone, else keys end at another hour\n")},
		{"same hours", func(r *rig) { r.deps.Zone = must(time.LoadLocation("Europe/Vienna"))(t) },
			with(2, "good time zone: Mews has Europe/Budapest, the property file Europe/Vienna, which show the same hours\n")},
		{"wrong clock", func(r *rig) { r.sim.SetClockOffset(2 * time.Hour) },
			with(1, "bad  clock: Mews's clock is 2h0m0s ahead of the gateway's -> let the gateway reach a time server; keys and certificates go by its clock\n")},
		{"wrong clock the other way", func(r *rig) { r.sim.SetClockOffset(-2 * time.Hour) },
			with(1, "bad  clock: Mews's clock is 2h0m0s behind the gateway's -> let the gateway reach a time server; keys and certificates go by its clock\n")},
		{"no socket", func(r *rig) { r.sim.Change(func(f *mewssim.Faults) { f.Socket.RefuseStatus = 403 }) },
			with(6, "bad  socket: socket: HTTP 403: Mews refuses the tokens for the socket: check both token files, and ask Mews support whether WebSockets are enabled for this integration -> ask Mews support to enable WebSockets for this integration\n")},
		{"unmapped devices", func(r *rig) {
			r.cfg.Devices = []Cutter{{Mews: "enc-1", Device: "lobby", Encoder: "3"}, {Mews: "Spa", Device: "spa"}}
			r.sim.AddDevice(mewssim.Printer, "Aa", "p")
		}, with(4, `good device: KeyCutter "Front desk", identifier "enc-1" is lobby here, encoder 3
good device: Printer "Aa", identifier "p": its commands are answered, not carried out
bad  device: Mews has no device "Spa", which the property file maps to spa -> write one of the names or identifiers above
`)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			tt.bad(r)
			r.make()
			got := probeText(r.src.Probe(t.Context()))
			if tt.name == "unmapped devices" { // devices stand in the order of their names
				tt.want = with(4, `good device: Printer "Aa", identifier "p": its commands are answered, not carried out
good device: KeyCutter "Front desk", identifier "enc-1" is lobby here, encoder 3
bad  device: Mews has no device "Spa", which the property file maps to spa -> write one of the names or identifiers above
`)
			}
			if strings.Contains(tt.name, "clock") { // by whole seconds it may be one more
				got = strings.Replace(strings.Replace(got, "1h59m59s", "2h0m0s", 1), "2h0m1s", "2h0m0s", 1)
			}
			if got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestProbeOfDevices(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	bar := r.sim.AddDevice(mewssim.KeyCutter, "Bar", "")
	find := func() string {
		r.make()
		for _, f := range r.src.Probe(t.Context()) {
			if strings.Contains(f.Text, `"Bar"`) {
				return probeText([]pms.Finding{f})
			}
		}
		return ""
	}
	if got, want := find(), "bad  device: KeyCutter \"Bar\" -> add to devices of this link: { mews: \""+bar+"\", device: the encoder's name here }\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	r.cfg.LeaveUnmapped = true
	if got, want := find(), "good device: KeyCutter \"Bar\" is left to another gateway\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	r.cfg.LeaveUnmapped, r.cfg.Devices = false, nil
	if got, want := find(), "good device: KeyCutter \"Bar\" is the encoder at the desk\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestProbeWithoutDevices(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.sim.Deny("devices/getAll")
	for _, f := range r.src.Probe(t.Context()) {
		if f.Step == "devices" && (f.OK || !strings.HasPrefix(f.Text, "devices/getAll: HTTP 401 (request ") || f.Advice != "ask Mews partner support to enable it for this integration") {
			t.Errorf("finding %+v", f)
		}
	}
	if r.alarm(alarmPermission) == "" || r.alarm(alarmRefused) != "" {
		t.Errorf("alarms %+v", r.src.Link().Alarms)
	}
}

func TestProbeEndsEarly(t *testing.T) {
	t.Parallel()
	r := newRig(t, tolerate("credentials"))
	first := func(want string) {
		t.Helper()
		list := r.src.Probe(t.Context())
		got := probeText(list)
		if at := strings.Index(got, " (request "); at > 0 {
			got = got[:at] + got[strings.Index(got, ")")+1:]
		}
		if got != want || len(list) != 1 {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	r.sim.Change(func(f *mewssim.Faults) { f.Shape.Portfolio = true })
	first("bad  tokens: Mews knows them; the property is \"Hotel Simulated\" -> this access token is one for several properties, and device commands come only with a token of one property: ask Mews for such a one\n")
	r.sim.RevokeToken()
	first("bad  tokens: configuration/get: HTTP 401 -> Mews refuses the tokens: check both token files, and in Mews that the integration is enabled\n")
	r.sim.Trouble(mewssim.Trouble{Times: 1, Kind: mewssim.HTML})
	first("bad  tokens: configuration/get: HTTP 200: the text cannot be read -> an answer that the Connector API does not give; is there a proxy or a login page in between?\n")
	r.sim.RestoreToken()
	check(t, r.sim.Down())
	got := probeText(r.src.Probe(t.Context()))
	if !strings.HasPrefix(got, "bad  tokens: no answer: dial tcp ") || !strings.HasSuffix(got, "connect: connection refused -> no answer; is the gateway's network up, and does the firewall let api.mews.com and ws.mews.com through?\n") {
		t.Errorf("got %s", got)
	}
	check(t, r.sim.Up())
	r.setSecret("client", "a b")
	first("bad  settings: a token file does not hold a token: write just the token, hex digits and hyphens, on one line -> put each token alone into its file\n")
}
