package mews

import (
	"slices"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim/mewssim"
	"edgeagent/pms"
)

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
		{"no socket here", func(r *rig) { r.sim.Change(func(f *mewssim.Faults) { f.Socket.RefuseStatus = 404 }) },
			with(6, "bad  socket: socket: HTTP 404: nothing serves sockets there; socket_url must be the host that begins with ws. -> change socket_url to wss://ws.mews.com\n")},
		{"another refusal of the socket", func(r *rig) { r.sim.Change(func(f *mewssim.Faults) { f.Socket.RefuseStatus = 400 }) },
			with(6, "bad  socket: socket: HTTP 400: Mews finds the request wrong\n")},
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
	check(t, r.sim.EditDevice(bar, func(d *mewssim.Device) { d.Identifier = "enc-2" }))
	if got, want := find(), "bad  device: KeyCutter \"Bar\", identifier \"enc-2\" -> add to devices of this link: { mews: \"enc-2\", device: the encoder's name here }\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	check(t, r.sim.EditDevice(bar, func(d *mewssim.Device) { d.Identifier = "" }))
	r.cfg.LeaveUnmapped = true
	if got, want := find(), "good device: KeyCutter \"Bar\" is left to another gateway\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	r.cfg.LeaveUnmapped, r.cfg.Devices = false, nil
	if got, want := find(), "good device: KeyCutter \"Bar\" is the encoder at the desk\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNearestKeyCutter(t *testing.T) {
	t.Parallel()
	devices := []deviceRow{
		{Type: "Printer", Name: "Frond desk", Identifier: "enc-3"}, {Type: "KeyCutter", Name: "Front desk", Identifier: "enc-1"},
		{Type: "KeyCutter", Name: "Bar"}, {Type: "KeyCutter", Name: strings.Repeat("x", 100)},
	}
	for name, want := range map[string]string{
		"Frond desk": `did you mean "Front desk"? else write one of the names or identifiers above`,
		"FRNT DESK":  `did you mean "Front desk"? else write one of the names or identifiers above`,
		"enc-3":      `did you mean "enc-1"? else write one of the names or identifiers above`,
		"Bär":        `did you mean "Bar"? else write one of the names or identifiers above`,
		"Swimming":   "write one of the names or identifiers above",
		"":           "write one of the names or identifiers above",
	} {
		if got := meant(name, devices); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestAdviceOnTheSocket(t *testing.T) {
	t.Parallel()
	s := &Source{cfg: Config{PlatformURL: "https://api.mews-demo.com"}}
	if got := s.adviseSocket(&upgradeError{status: 404}); got != "change socket_url to wss://ws.mews-demo.com" {
		t.Error(got)
	}
}

func TestProbeOfASlowServer(t *testing.T) {
	t.Parallel()
	r := newRig(t, waits(func(w *Waits) { w.Quick = 50 * time.Millisecond }))
	r.sim.Trouble(mewssim.Trouble{Kind: mewssim.Hang})
	want := "bad  tokens: no answer from 127.0.0.1 in time -> is the gateway's network up, and does the firewall let 127.0.0.1 through?\n"
	if got := probeText(r.src.Probe(t.Context())); got != want {
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
	if !strings.HasPrefix(got, "bad  tokens: no answer from 127.0.0.1: dial tcp ") || !strings.HasSuffix(got, "connect: connection refused -> is the gateway's network up, and does the firewall let 127.0.0.1 through?\n") {
		t.Errorf("got %s", got)
	}
	check(t, r.sim.Up())
	r.setSecret("client", "a b")
	first("bad  settings: a token file does not hold a token: write just the token, hex digits and hyphens, on one line -> put each token alone into its file\n")
}
