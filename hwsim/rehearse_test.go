package hwsim

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"edgeagent/hwsim/rehearsal"
)

// What has no other end in the simulated hotel is said, each with its reason.
const odd = `
property: { id: dunes, timezone: Europe/Berlin }
status: { listen: "127.0.0.1:8080", socket: /run/agent.sock }
pms:
  - name: first
    inspire:
      enterprise_id: DUNES
      chain_code: DUNE
      client_id: c
      aliases:
        events: { GUEST ARRIVED: stay.check_in, ARRIVED: stay.check_in, NIGHT: room.queue }
  - name: second
    inspire: { enterprise_id: DUNES, chain_code: DUNE, client_id: c }
  - name: mews
    mews:
      client_token_file: c
      access_token_file: a
      services: [ "bd26d8db-86da-4f96-9efc-e5a4654a4a94" ]
devices:
  - name: front
    keycard:
      port: /dev/ttyUSB0
      encoder: Front desk
      rooms: { "7": "007" }
      panel: { lamp: { line: GPIO17 } }
  - name: lockers
    keycard:
      protocol: pn532
      pn532: { spi: /dev/spidev0.0, reset: GPIO25, signing_key_file: k, key_id: 1 }
  - name: tvs
    iptv: { broker: "tls://a" }
  - name: bar
    iptv: { broker: "tls://b" }
  - name: wifi
    wifi:
      controller: radius
      radius:
        database: { kind: mysql, address: "192.0.2.1:3306", user: edge, password_file: k }
        nas: [ { address: 192.0.2.2, secret_file: s, source: 192.0.2.3 } ]
`

func TestWhatCannotBeRehearsed(t *testing.T) {
	h, file := openRehearsal(t, odd, Options{})
	want := []string{
		`pms first: the desk says "ARRIVED" for stay.check_in, so the alias "GUEST ARRIVED" is not rehearsed`,
		`pms first: the hotel's desk tells nothing that is "room.queue", so the alias "NIGHT" is not rehearsed`,
		`pms second: the hotel has one event stream and one Mews; this link leads nowhere and stays down`,
		`pms mews: services has ids of the real Mews; the copy leaves it out`,
		`device front: lamp, buzzer, card switch and relay are on pins of the gateway; the copy leaves panel out`,
		`device lockers: the hotel has no locks for keys of a PN532; this device leads nowhere`,
		`device bar: the hotel has one TV broker; this one leads nowhere`,
		`device wifi: the hotel has no radius controller (it can have mikrotik, nomadix, omada, opnsense, unifi); this device leads nowhere`,
		`no room is in Mews, since its section maps none; --mews-rooms names some`,
	}
	if diff := cmp.Diff(want, h.Notes); diff != "" {
		t.Error(diff)
	}
	for _, part := range []string{"panel", "spidev", "GPIO", "services", "agent.sock", "192.0.2.1", "tls://"} {
		if strings.Contains(file, part) {
			t.Errorf("the copy still has %s:\n%s", part, file)
		}
	}
	for _, part := range []string{"127.0.0.1:9", "not-simulated-lockers", "signing_key_file: lockers-signing-key", "password_file: wifi-database-password", "secret_file: wifi-nas-1-secret"} {
		if !strings.Contains(file, part) {
			t.Errorf("the copy lacks %s:\n%s", part, file)
		}
	}
	if diff := cmp.Diff([]string{"7"}, h.Rooms); diff != "" {
		t.Error(diff)
	}
}

func TestRoomsOfARehearsal(t *testing.T) {
	const (
		stream = "pms: [ { name: a, inspire: { enterprise_id: D, chain_code: D, client_id: c } } ]\n"
		mews   = "pms: [ { name: m, mews: { client_token_file: c, access_token_file: a, rooms: { Suite: \"9\" } } } ]\n"
		both   = "pms: [ { name: a, inspire: { enterprise_id: D, chain_code: D, client_id: c } }, { name: m, mews: { client_token_file: c, access_token_file: a, locks: { L9: \"9\" } } } ]\n"
		head   = "property: { id: d, timezone: UTC }\n"
		tvs    = "devices: [ { name: t, iptv: { broker: \"tls://a\", rooms: { \"5\": [5-a, 5-b] } } } ]\n"
	)
	for _, tt := range []struct {
		name, file  string
		o           Options
		main, annex string
		note        string
	}{
		{"from the mapping", head + stream + tvs, Options{}, "5", "", ""},
		{"by name", head + stream + tvs, Options{Rooms: []string{"1", "2"}}, "1 2", "", ""},
		{"Mews alone has them all", head + mews + tvs, Options{}, "", "5 9", ""},
		{"Mews alone has those that are named too", head + mews, Options{Rooms: []string{"1"}}, "", "1", ""},
		{"of two, Mews has what it maps", head + both + tvs, Options{}, "5", "9", ""},
		{"no Mews, and rooms for it", head + stream, Options{Rooms: []string{"1"}, Annex: []string{"2"}}, "1 2", "", ""},
		{"nothing is mapped", head + stream, Options{}, "101 102 103 104 201 202 203 204", "",
			"the file maps no room, so the hotel has 101, 102, 103, 104, 201, 202, 203, 204; --rooms names others"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, _ := openRehearsal(t, tt.file, tt.o)
			var annex []string
			if h.Annex != nil {
				annex = h.Annex.Rooms
			}
			if got := strings.Join(h.Main, " "); got != tt.main {
				t.Errorf("main house %q, want %q", got, tt.main)
			}
			if got := strings.Join(annex, " "); got != tt.annex {
				t.Errorf("in Mews %q, want %q", got, tt.annex)
			}
			if got := strings.Join(h.Notes, "; "); got != tt.note {
				t.Errorf("notes %q, want %q", got, tt.note)
			}
			if wrong := h.Wrong(); len(wrong) > 0 {
				t.Errorf("an empty house has faults: %v", wrong)
			}
		})
	}
}

// A file may have what this hotel does not know of. It must not lead to the
// installer's own house while he believes that he rehearses.
func TestARehearsalLeadsNowhereElse(t *testing.T) {
	plan, err := rehearsal.Parse([]byte(odd + "      other: { address: 192.0.2.77 }\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(Options{Dir: t.TempDir(), Rehearsal: plan})
	if want := "the rehearsal copy would still lead to 192.0.2.77, which is not the simulated hotel: take that part out of the file"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// An installer's secrets and addresses stay where they are.
func TestARehearsalReadsNoSecret(t *testing.T) {
	h, file := openRehearsal(t, strings.Replace(odd, "client_token_file: c", "client_token_file: /etc/edgeagent/token", 1), Options{})
	if strings.Contains(file, "/etc/edgeagent") {
		t.Errorf("the copy names the installer's secret:\n%s", file)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(h.PropertyFile), "mews-client-token")); err != nil {
		t.Error(err)
	}
}

func openRehearsal(t *testing.T, text string, o Options) (*Hotel, string) {
	t.Helper()
	plan, err := rehearsal.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	o.Dir, o.Rehearsal = t.TempDir(), plan
	h, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	file, err := os.ReadFile(h.PropertyFile)
	if err != nil {
		t.Fatal(err)
	}
	return h, string(file)
}

// The desk says what the file's aliases say that the PMS says, and rooms have
// the names that its mappings say.
func TestARehearsalSpeaksInTheFilesOwnWords(t *testing.T) {
	h, _ := openRehearsal(t, `
property: { id: d, timezone: UTC }
pms:
  - name: a
    inspire: { enterprise_id: D, chain_code: CHAIN, client_id: c, hotel_code: "0042", aliases: { events: { DOOR / GUEST ARRIVED: stay.check_in }, elements: { RoomNo: room } } }
  - name: m
    mews: { client_token_file: c, access_token_file: a, rooms: { Suite 9: "9" }, locks: { L9: "9" } }
devices:
  - name: front
    keycard: { protocol: onity, port: /dev/ttyUSB0, encoder: "02", rooms: { "5": "0005" } }
`, Options{})
	h.Desk().CheckIn(h.Guest("Ms", "Ana", "Silva", "E", 1), "5")
	events, _ := h.PMS.Published("CHAIN")
	if len(events) != 1 || events[0].Module != "DOOR" || events[0].Name != "GUEST ARRIVED" || events[0].HotelID != "0042" {
		t.Fatalf("%+v", events)
	}
	said := map[string]string{}
	for _, e := range events[0].Detail {
		said[e.Name] = e.New
	}
	if said["RoomNo"] != "5" || said["ROOM"] != "" || said["NAME"] != "Silva" {
		t.Errorf("%+v", said)
	}
	if room, _ := h.Annex.Room(h.Annex.ids["9"]); room.Name != "Suite 9" {
		t.Errorf("in Mews room 9 is %+v", room)
	}
	if _, ok := h.Locks.Room("0005"); !ok {
		t.Error("the lock system does not know 5 by its name")
	}
	if len(h.Encoders) != 1 || h.Encoders[0].Name != "2" {
		t.Errorf("%+v", h.Encoders)
	}
	noon := time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC)
	if got := h.cardEnd(noon.Add(time.Minute)); !got.Equal(noon.Add(time.Hour)) {
		t.Errorf("an Onity card for a stay until 12:01 ends at %s", got)
	}
	if got := h.cardEnd(noon); !got.Equal(noon) {
		t.Errorf("one for a stay until noon ends at %s", got)
	}
}
