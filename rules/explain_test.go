package rules

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"edgeagent/pms"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestExplain(t *testing.T) {
	for _, tt := range []struct {
		name    string
		source  string
		devices []Device
		desk    string
		event   *pms.Event
	}{
		{"check-in", string(Default()), hotel(), "lobby-encoder", event(pms.StayCheckedIn)},
		{"check-in-without-departure", string(Default()), hotel(), "lobby-encoder", event(pms.StayCheckedIn, func(e *pms.Event) {
			e.Stay = pms.Stay{Key: e.Stay.Key}
		})},
		{"check-in-replayed-wifi-only", string(Default()), hotel()[2:], "", event(pms.StayCheckedIn, func(e *pms.Event) { e.Fresh = false })},
		{"check-out", string(Default()), hotel(), "lobby-encoder", event(pms.StayCheckedOut, func(e *pms.Event) { e.RoomVacant = true })},
		{"key-at-unknown-encoder", string(Default()), hotel(), "", event(pms.KeyRequested, func(e *pms.Event) {
			e.Extra = map[string]string{"encoder": "7", "key": "new"}
		})},
		{"own-rules", `
rules:
  - name: suites
    when: { event: [room.occupied, key.requested], room_type: [suite, loft*], vip: present, language: ["!de", "!fr*"] }
    do:
      - { device: tv, action: welcome, params: { vip: "" }, after: 90s, within: 1h }
      - { device: "${encoder}", action: encode, params: { copies: "${copies}" } }
  - name: french suites
    when: { event: [room.occupied, key.requested], room_type: [suite, "!loft"], language: fr }
    do: [ { device: tv, action: clear } ]
  - name: strange names
    when: { event: room.*, group: "!WED" }
    do: [ { device: tv, action: clear, params: { stay: "${group}" } } ]
  - name: nobody
    when: { event: room.occupied, vip: absent }
    do: [ { device: tv, action: clear } ]
`, hotel(), "", event(pms.RoomOccupied, func(e *pms.Event) { e.Stay.Group = "A\n2. encode at lobby\x1b[2J" })},
	} {
		t.Run(tt.name, func(t *testing.T) {
			list, err := Parse([]byte(tt.source))
			if err != nil {
				t.Fatal(err)
			}
			table, problems := Compile(list, tt.devices, tt.desk)
			for _, p := range problems {
				if !p.Warning {
					t.Error(p)
				}
			}
			got := Render(table.Explain(tt.event))
			file := filepath.Join("testdata", "explain", tt.name+".golden")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
