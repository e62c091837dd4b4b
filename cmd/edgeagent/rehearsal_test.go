package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"edgeagent/hwsim"
	"edgeagent/hwsim/rehearsal"
)

const rehearsedInspire = `
property: { id: dunes, name: The Dunes, timezone: Europe/Berlin, desk: front }
pms:
  - name: destinity
    inspire:
      enterprise_id: DUNES
      chain_code: DUNE
      client_id: dunes-client
      client_secret_file: /etc/secret
      app_key_file: key
      hotel_code: "0042"
      aliases:
        events: { GUEST ARRIVED: stay.check_in }
        elements: { RoomNo: room }
      waits: { gap: 100ms, backoff_min: 100ms, backoff_max: 500ms, away_jitter: 100ms, settle: 300ms, drain: 300ms, shutdown: 300ms }
devices:
  - name: front
    keycard:
      port: /dev/serial/by-id/usb-desk
      encoder: Front desk
      baud: 19200
      rooms: { "101": "0101", "501": "Suite 501" }
      panel: { lamp: { line: GPIO17 } }
  - name: screens
    iptv:
      broker: tls://broker.lan:8883
      ca_file: ca.pem
      prefix: dunes/v2
      rooms: { "501": [501-living, 501-bedroom] }
  - name: guests
    wifi:
      controller: CONTROLLER
      tiers: { standard: { down_kbps: 20000, up_kbps: 5000, profile: gold } }
      KEYS
`

const rehearsedOpera = `
property: { id: dunes, name: The Dunes, timezone: Europe/Berlin }
pms:
  - name: opera
    inspire:
      dialect: ohip
      token_url: https://gateway.example.com/oauth/v1/tokens
      stream_url: wss://gateway.example.com/subscriptions
      enterprise_id: DUNES
      chain_code: DUNE
      client_id: dunes-client
      client_secret_file: s
      app_key_file: k
      hotel_code: DUNES1
      waits: { gap: 100ms, backoff_min: 100ms, backoff_max: 500ms, away_jitter: 100ms, settle: 300ms, drain: 300ms, shutdown: 300ms }
devices:
  - name: front
    keycard: { protocol: onity, address: "192.0.2.7:6669", encoder: 2 }
  - name: screens
    iptv: { broker: "tls://broker.lan:8883" }
  - name: guests
    wifi: { controller: nomadix, url: "http://192.0.2.9:1111" }
`

const rehearsedMews = `
property: { id: dunes, name: The Dunes, timezone: Europe/Berlin }
pms:
  - name: mews
    mews:
      client_token_file: c
      access_token_file: a
      services: [Lodging]
      rooms: { Dune 1: "101" }
      keys_by_command: false
      devices: [ { mews: Cutter 1, device: front } ]
devices:
  - name: front
    keycard: { protocol: vingcard, port: /dev/ttyUSB0, encoder: "01", vingcard: { user_type: Single }, timers: { t_late: 1s, t_settle: 50ms } }
  - name: screens
    iptv: { broker: "tls://broker.lan:8883" }
  - name: guests
    wifi: { controller: unifi, url: "https://192.0.2.9", user: edge, password_file: p, tls: { system: true } }
`

// An installer's own file is rehearsed with the real agent: the check takes the
// copy, and a check-in reaches key, TVs and WiFi under the file's own names.
func TestRehearsals(t *testing.T) {
	inspire := func(controller, keys string) string {
		return strings.NewReplacer("CONTROLLER", controller, "KEYS", keys).Replace(rehearsedInspire)
	}
	for _, tt := range []struct{ name, file, room string }{
		{"Inspire with words of its own, SALTO, UniFi", inspire("unifi", "url: https://192.0.2.20\n      api_key_file: k\n      site: lan2\n      tls: { ca_file: ca.pem }"), "501"},
		{"MikroTik", inspire("mikrotik", "url: https://192.0.2.20\n      user: edge\n      password_file: k\n      server: hs1\n      tls: { system: true }"), "101"},
		{"OPNsense", strings.Replace(inspire("opnsense", "url: https://192.0.2.20\n      api_key_file: k\n      server: Guests\n      zones: [3]\n      tls: { system: true }"), "tiers: { standard: { down_kbps: 20000, up_kbps: 5000, profile: gold } }", "devices_per_guest: 3", 1), "101"},
		{"Omada", inspire("omada", "url: https://192.0.2.20\n      site: Dunes\n      controller_id: 0123456789abcdef0123456789abcdef\n      client_id: edge\n      client_secret_file: k\n      portals: [Lobby]\n      tls: { system: true }"), "101"},
		{"OPERA Cloud, Onity, Nomadix", rehearsedOpera, "101"},
		{"Mews, VingCard, UniFi with a password", rehearsedMews, "101"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			plan, err := rehearsal.Parse([]byte(tt.file))
			if err != nil {
				t.Fatal(err)
			}
			h, err := hwsim.Open(hwsim.Options{Dir: t.TempDir(), Rehearsal: plan})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { h.Close() })
			playRehearsal(t, h, tt.room)
		})
	}
}

func playRehearsal(t *testing.T, h *hwsim.Hotel, room string) {
	t.Helper()
	w := &whole{t: t, hotel: h, log: &logBuffer{}}
	soft, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serve(soft, context.WithoutCancel(soft), h.PropertyFile, w.log) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the agent ended with %v", err)
		}
		if t.Failed() {
			text, _ := os.ReadFile(h.PropertyFile)
			t.Logf("the copy:\n%s\nthe agent's log:\n%s", text, w.log)
		}
	})
	if err := h.AwaitLive(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := h.Guest("Ms", "Ana", "Silva", "EN", 2)
	if h.Annex != nil {
		if err := h.MewsDesk().CheckIn(s, room); err != nil {
			t.Fatal(err)
		}
	} else {
		h.Desk().CheckIn(s, room)
	}
	w.eventually("a card opens "+room, func() bool { return h.Key(s) != "" })
	for _, tv := range h.TVs(room) {
		w.eventually("TV "+tv.Room()+" greets", func() bool { return len(tv.Shown().Names) == 1 })
	}
	w.eventually("a code works", func() bool { return h.Code(room).Works })
	w.eventually("nothing is wrong", func() bool { return len(h.Wrong()) == 0 })
	if leaks := h.Leaks(writeLog(t, w.log.String())); len(leaks) > 0 {
		t.Errorf("%q", leaks)
	}
	for _, f := range h.Wrong() {
		t.Errorf("%+v", f)
	}
}

func writeLog(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "agent.log")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
