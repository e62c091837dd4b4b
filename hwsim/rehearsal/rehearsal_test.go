package rehearsal

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const file = `# our hotel
property:
  id: dunes # short
  timezone: Europe/Berlin
pms:
  - name: opera
    inspire:
      dialect: ohip
      enterprise_id: DUNES
      hotel_code: "0042"
      aliases:
        events: { GUEST ARRIVED: stay.check_in }
devices:
  - name: desk
    keycard: { protocol: onity, port: /dev/ttyUSB0, encoder: 2, rooms: { 101: "0101" } }
  - name: tvs
    iptv:
      broker: tls://broker.lan:8883
      rooms:
        "501": [501-living, 501-bedroom]
rules:
  - name: greet
    when: { event: room.occupied, room_type: "!STD" }
    do: [ { kind: iptv, action: welcome, after: 30m } ] # as the owner wants it
`

func TestPlan(t *testing.T) {
	p, err := Parse([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	if p.Property != "dunes" || p.Zone != "Europe/Berlin" || !p.OwnRules || p.HasStatus {
		t.Errorf("%+v", p)
	}
	s := p.Links[0].Inspire
	if p.Links[0].Path != "$.pms[0].inspire" || s.Hotel != "0042" || s.Dialect != "ohip" || s.Aliases.Events["GUEST ARRIVED"] != "stay.check_in" {
		t.Errorf("%+v", p.Links[0])
	}
	k := p.Devices[0].Keycard
	if p.Devices[0].Path != "$.devices[0].keycard" || k.Encoder != "2" || k.Rooms["101"] != "0101" {
		t.Errorf("%+v", k)
	}
	if diff := cmp.Diff(map[string][]string{"501": {"501-living", "501-bedroom"}}, p.Devices[1].IPTV.Rooms); diff != "" {
		t.Error(diff)
	}
}

// What is set leads elsewhere; all else stays, comments and order included.
func TestTheCopyKeepsWhatWasWritten(t *testing.T) {
	p, err := Parse([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range [][3]string{
		{p.Links[0].Path, "token_url", "http://127.0.0.1:1/oauth"},
		{p.Devices[0].Path, "port", "/tmp/encoder"},
		{p.Devices[1].Path, "broker", "tcp://127.0.0.1:2"},
		{p.Devices[1].Path, "username", "agent"},
		{"$", "status", "{ listen: \"127.0.0.1:3\" }"},
	} {
		if err := p.Set(s[0], s[1], s[2]); err != nil {
			t.Fatal(err)
		}
	}
	if !p.Drop(p.Links[0].Path, "dialect", "ca_file") || p.Drop(p.Links[0].Path, "ca_file") {
		t.Error("Drop says the wrong thing")
	}
	want := strings.NewReplacer(
		"      dialect: ohip\n", "",
		"stay.check_in }\n", "stay.check_in }\n      token_url: http://127.0.0.1:1/oauth\n",
		"/dev/ttyUSB0", "/tmp/encoder", "tls://broker.lan:8883", "tcp://127.0.0.1:2",
		"501-bedroom]\n", "501-bedroom]\n      username: agent\n",
	).Replace(file) + "status: {listen: \"127.0.0.1:3\"}\n"
	space := strings.NewReplacer("{ ", "{", " }", "}", "[ ", "[", " ]", "]") // of flow style
	if diff := cmp.Diff(space.Replace(want), p.Text()); diff != "" {
		t.Error(diff)
	}
	if again, err := Parse([]byte(p.Text())); err != nil || again.Devices[0].Keycard.Port != "/tmp/encoder" {
		t.Error("the copy cannot be read:", err)
	}
}

func TestSetSaysWhereASectionIsEmpty(t *testing.T) {
	p, err := Parse([]byte("pms:\n  - name: a\n    inspire:\ndevices: []\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Set("$.pms[0].inspire", "token_url", "x"); err == nil || err.Error() != "pms[0].inspire has nothing in it" {
		t.Error(err)
	}
}
