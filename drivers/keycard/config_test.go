package keycard

import (
	"strings"
	"testing"
	"time"

	"edgeagent/drivers"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

func TestProblems(t *testing.T) {
	good := "port: /dev/serial/by-id/usb-x\nencoder: Lobby\n"
	for _, tc := range []struct {
		name, yaml string
		want       []string
	}{
		{"good", good, nil},
		{"everything", "protocol: salto\naddress: 192.0.2.10:8090\nencoder: Lobby\nrooms: {\"101\": Room 101}\nauthorisations: {pool: 62}\noperator: Desk\neject: retain\n" +
			"want_uid: true\nack_result: true\naccept_wildcard_lrc: false\nstrip_echo: true\ntimers: {t_ack: 100ms, n_send: 3, t_busy: 1s, t_result: 5s, t_byte: 50ms, t_late: 5s, t_keepalive: 5s, t_settle: 100ms, t_duplicate: 100ms, t_reopen: 50ms, t_reopen_max: 1s}", nil},
		{"unstable name", "port: /dev/ttyUSB0\nencoder: Lobby", []string{
			"port: /dev/ttyUSB0 changes when adapters are replugged: write the adapter's name under /dev/serial/by-id/ (ls -l /dev/serial/by-id shows which one it is)"}},
		{"neither", "encoder: Lobby", []string{
			"port: neither port nor address is given: write port: /dev/serial/by-id/… for a serial line, or address: host:port for TCP"}},
		{"both", good + "address: h:1", []string{"address: both port and address are given: keep the one that the encoder is connected by"}},
		{"no port number", "address: locks\nencoder: Lobby", []string{`address: "locks" is not an address: write host:port, such as 192.0.2.10:8090`}},
		{"speed over TCP", "address: h:1\nbaud: 9600\nencoder: Lobby", []string{"baud: baud and stop_bits belong to a serial port: remove them, or write port instead of address"}},
		{"many", "protocol: onyx\nport: COM1\nbaud: 9601\nstop_bits: 3\noperator: 1234567890123456789012345\neject: keep\n", []string{
			`protocol: protocol "onyx" is not known: write one of onity, pn532, salto, vingcard`,
			`port: "COM1" is not a full path: write /dev/serial/by-id/…`,
			"baud: 9601 is not a speed of serial lines: write one of 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200",
			"stop_bits: 3 stop bits do not exist: write 1 or 2",
			"encoder: the encoder's name is missing: write it exactly as it stands in the lock system",
			"operator: name of 25 characters: at most 24 are recorded",
			`eject: "keep" is not known: write eject (wait until the card is taken), rear (the same at the back) or retain (do not wait)`}},
		{"onity", "protocol: onity\nport: /dev/serial/by-id/usb-x\nencoder: 2\nmax_rooms: 2\ntracks: [2]\neject: retain\nack_result: true\nauthorisations: {pool: 9}", nil},
		{"not at Onity", "protocol: onity\naddress: locks\nencoder: Lobby\noperator: 123456789012345678901\nmax_rooms: 5\ntracks: [0, 4]\neject: rear\nauthorisations: {pool: 10}\nvingcard: {}", []string{
			`address: "locks" is not an address: write host:port, such as 192.0.2.10:6669`,
			`encoder: "Lobby" is no encoder of Onity: write its number, such as 2`,
			"operator: name of 21 characters: at most 20 are recorded",
			"max_rooms: 5 rooms cannot be sent: write a number from 1 to 4",
			"tracks[0]: track 0 does not exist: write a list of 1, 2 and 3",
			"tracks[1]: track 4 does not exist: write a list of 1, 2 and 3",
			`eject: "rear" does not exist at encoders of Onity: write eject or retain`,
			"authorisations.pool: authorisation 10 does not exist: write a number from 1 to 9",
			"vingcard: belongs to protocol: vingcard: write that, or remove this section"}},
		{"Onity without a number", "protocol: onity\nport: /dev/serial/by-id/usb-x", []string{
			"encoder: the encoder's number is missing: write it as the lock system counts its encoders, such as 2"}},
		{"VingCard", "protocol: vingcard\nport: /dev/serial/by-id/usb-x\nencoder: 01\nwant_uid: true\nack_result: false\nvingcard: {user_type: Single Room, user_group: Guest, commands: [B, C, G]}\nnak_while_busy: true", nil},
		{"VingCard without its section", "protocol: vingcard\naddress: 192.0.2.10:3015\n", []string{
			"address: port 3015 of Vision speaks another language, which is not supported: connect its serial port, or write the address of a serial device server that is connected to it",
			"encoder: the encoder's address is missing: write the number that Vision has for it, 1 to 99",
			"vingcard: the section is missing: write vingcard: { user_type: … } with the type of a guest's card, as Vision has it"}},
		{"PN532", "protocol: pn532\nport: /dev/serial/by-id/usb-x\nrooms: {\"101\": east-101}\nmax_rooms: 2\ntimers: {t_result: 30s}\npn532: {reset: GPIO25, signing_key_file: seed, key_id: 255, property: seaview, " +
			"generations_above: 4711, overwrite: any, earlier_keys: {\"1\": 03A107BFF3CE10BE1D70DD18E74BC09967E4D6309BA50D5F1DDC8664125531B8}}", nil},
		{"PN532 without its section", "protocol: pn532\nport: /dev/serial/by-id/usb-x", []string{
			"pn532: the section is missing: write pn532: { signing_key_file: … } with the file that holds the secret for making keys"}},
		{"PN532 nowhere", "protocol: pn532\npn532: {}", []string{
			"pn532: has no connection: write port: /dev/serial/by-id/… beside it, or spi: /dev/spidev0.0 or i2c: /dev/i2c-1 in it",
			"pn532.signing_key_file: missing: write the name of a file that holds an Ed25519 seed of 64 hexadecimal digits (openssl rand -hex 32)"}},
		{"PN532 twice", "protocol: pn532\nport: /dev/serial/by-id/usb-x\npn532: {spi: /dev/spidev0.0, signing_key_file: seed}", []string{
			"pn532: the module has several connections: keep the one of port, spi and i2c that its switches are set to"}},
		{"PN532 on a serial line", "protocol: pn532\nport: /dev/ttyUSB0\npn532: {ready: GPIO24, signing_key_file: seed}", []string{
			"pn532.ready: a module on a serial line needs no ready line: remove it",
			"port: /dev/ttyUSB0 changes when adapters are replugged: write the adapter's name under /dev/serial/by-id/ (ls -l /dev/serial/by-id shows which one it is)"}},
		{"PN532 on no SPI bus", "protocol: pn532\npn532: {spi: SPI0.0, signing_key_file: seed}", []string{
			`pn532.spi: "SPI0.0" is no SPI bus: write one that "ls /dev/spidev*" shows, such as /dev/spidev0.0`}},
		{"PN532 with much that is wrong", "protocol: pn532\naddress: h:1\nbaud: 115200\nencoder: Lobby\npn532: {i2c: i2c-1, reset: \"4\", ready: \"4\", signing_key_file: seed, key_id: 256, property: Sea View, " +
			"generations_above: -1, overwrite: all, earlier_keys: {old: x, \"3\": x}}", []string{
			"address: belongs to a lock system, and protocol pn532 has none behind it: remove it",
			"encoder: belongs to a lock system, and protocol pn532 has none behind it: remove it",
			"baud: a PN532 has one speed, 115200 with 1 stop bit: remove baud and stop_bits",
			`pn532.i2c: "i2c-1" is no I2C bus: write one that "ls /dev/i2c-*" shows, such as /dev/i2c-1`,
			"pn532.reset: 4 is a number, and each chip counts its own lines: write the line's name, such as GPIO25, or add chip: to pn532",
			"pn532.ready: 4 is a number, and each chip counts its own lines: write the line's name, such as GPIO25, or add chip: to pn532",
			"pn532.ready: 4 is the line of reset already: each needs its own",
			"pn532.key_id: 256 is out of range: write a number from 0 to 255",
			`pn532.property: "Sea View" cannot be a property's name: a-z, 0-9, _ and -, at most 64`,
			"pn532.generations_above: must be 0 or more: write the highest generation that the old gateway gave",
			`pn532.overwrite: "all" is not known: write ours (blank cards and guests' keys of ours) or any (also foreign and staff cards)`,
			"pn532.earlier_keys.3: the public key of key_id 3 cannot be read: write its 64 hexadecimal digits, as edgeagent probe shows them",
			`pn532.earlier_keys.old: "old" is no key_id: write a number from 0 to 255`}},
		{"pn532 at a lock system", good + "pn532: {signing_key_file: seed}", []string{"pn532: belongs to protocol: pn532: write that, or remove this section"}},
		{"not at VingCard", "protocol: vingcard\nport: /dev/serial/by-id/usb-x\nencoder: 100\nauthorisations: {pool: 3}\neject: eject\noperator: Desk\naccept_wildcard_lrc: true\nvingcard: {user_group: Gäste, commands: [A]}", []string{
			`encoder: "100" is no encoder of VingCard: write its address, 1 to 99`,
			"authorisations: VingCard has nothing of the kind: remove it",
			"eject: VingCard has nothing of the kind: remove it",
			"operator: VingCard has nothing of the kind: remove it",
			"accept_wildcard_lrc: VingCard has nothing of the kind: remove it",
			"vingcard.user_type: the type of a guest's card is missing: write its name in Vision, such as Single Room",
			`vingcard.user_group: "Gäste" cannot be sent: at most 64 plain ASCII characters`,
			`vingcard.commands[0]: "A" is not known: write B (check-out), C (move to another room) or G (key for a later day), if a capture has shown that this site's lock system does it`}},
		{"maps and timers", good + "rooms: {\"1\": \"\", \"2\": Süd}\nauthorisations: {spa: 63}\ntimers: {t_ack: -1s, t_late: 2h, n_send: 11}", []string{
			"rooms.1: the room's name in the lock system is empty",
			`rooms.2: room name "Süd" cannot be sent: only plain ASCII is read alike by every lock system`,
			"authorisations.spa: authorisation 63 does not exist: write a number from 1 to 62",
			"timers.t_ack: -1s is out of range: write a time up to 1h, such as 3s",
			"timers.t_late: 2h0m0s is out of range: write a time up to 1h, such as 3s",
			"timers.n_send: 11 is out of range: write a number from 1 to 10"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var cfg Config
			if err := yaml.UnmarshalWithOptions([]byte(tc.yaml), &cfg, yaml.Strict()); err != nil {
				t.Fatal(err)
			}
			var got []string
			for path, problem := range cfg.Problems() {
				got = append(got, path+": "+problem)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			for range cfg.Problems() {
				break // an early end is no harm
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	for want, site := range map[string]drivers.Site{
		"desk: port: neither port nor address is given": testSite(),
		"desk: the property has no time zone":           {},
	} {
		cfg := Config{Encoder: "1"}
		if site.Zone == nil {
			cfg.Address = "127.0.0.1:1"
		}
		if _, err := Open("desk", cfg, site); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestDefaults(t *testing.T) {
	got := Config{Timers: Timers{Reopen: 20 * time.Second}}.WithDefaults()
	want := Config{Protocol: "salto", Baud: 9600, StopBits: 1, Operator: "AGENT", Eject: "eject", AcceptWildcardLRC: yes(),
		MaxRooms: 4, Tracks: []int{1, 2, 3}, AckResult: new(bool),
		Timers: Timers{Ack: 3 * time.Second, Sends: 3, Busy: 10 * time.Second, Result: time.Minute, Byte: time.Second,
			Late: 2 * time.Minute, Keepalive: 30 * time.Second, Settle: 2 * time.Second, Duplicate: 2 * time.Second,
			Reopen: 20 * time.Second, ReopenMax: 20 * time.Second}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDefaultsOfVingCard(t *testing.T) {
	got := Config{Protocol: "vingcard"}.WithDefaults()
	if !*got.AckResult || got.Timers.Duplicate != 4*time.Second || !cmp.Equal(got.Tracks, []int{1, 2}) {
		t.Errorf("got %+v", got)
	}
	if caveat := got.Caveat(); !strings.HasPrefix(caveat, "VingCard needs a site capture") {
		t.Errorf("caveat %q", caveat)
	}
}

func TestActions(t *testing.T) {
	for _, a := range Actions() {
		if a.Help == "" || a.Subject == "" || a.Limit <= 0 || a.Within <= 0 {
			t.Errorf("%s: incomplete", a.Name)
		}
		if _, err := planner(nil).plan(drivers.Command{Action: a.Name, Params: map[string]string{
			"room": "101", "until": "2099-01-01T11:00:00Z", "phone": "+41791234567", "track": "2", "text": "7"}}, time.Now()); err != nil {
			t.Errorf("%s: %v", a.Name, err)
		}
	}
	for _, a := range Actions() {
		if a.Setting != (a.Name == actionCancel) {
			t.Errorf("%s: only a check-out is a setting", a.Name)
		}
	}
}
