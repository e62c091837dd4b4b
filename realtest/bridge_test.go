//go:build real

package realtest

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"edgeagent/drivers"
	"edgeagent/drivers/iptv"
	"edgeagent/hwsim"
	"edgeagent/hwsim/tvsim"
)

// TestBridgesPassTheAccessList has a bridge work through the access list that
// edgeagent ca makes for it, and be found out without.
func TestBridgesPassTheAccessList(t *testing.T) {
	bridges := []iptv.Bridge{{Name: "logic", Publish: []iptv.BridgeMessage{
		{On: "state", Topic: "${property}/status/${key}/occupied", JSON: `{"val": ${occupied}}`},
		{On: "welcome", Topic: "tv-${key}/set/toast", JSON: `{"message": "${greeting}"}`},
	}}}
	mine := iptv.Config{Bridges: bridges}.AccessList(hwsim.PropertyID)
	// Somebody who hears what the product would.
	mine += "\nuser 102\ntopic read tv-101/set/#\ntopic read seaview/status/#\n"
	for _, tt := range []struct {
		name, acl string
		denied    string
	}{
		{"with the lines for it", mine, ""},
		{"without", strings.ReplaceAll(mine, "topic readwrite seaview/status/+/occupied\n", ""), "seaview/status/101/occupied"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newMosquitto(t, tt.acl, "102")
			if err := m.Start(tvsim.Keep); err != nil {
				t.Fatal(err)
			}
			product := m.listen("102", "product", "tv-101/set/#")
			defer product.hangUp()
			id := m.identity()
			cmd := drivers.Command{ID: "c1", Seq: 1, Action: "welcome", Subject: "room:101", Try: 1, Params: map[string]string{
				"room": "101", "stay": "s1", "guests": `[{"title":"Mr","last":"O\"Neil <b>"}]`,
			}}
			d, err := iptv.Open("tvs", iptv.Config{
				Broker: m.URL(), CAFile: id.CAFile, CertFile: id.CertFile, KeyFile: id.KeyFile, Bridges: bridges,
			}, drivers.Site{
				Property: hwsim.PropertyID, Zone: time.UTC, Language: "en", Log: zerolog.Nop(), Wanted: func(string) []drivers.Command { return []drivers.Command{cmd} },
				Secret: func(file string) (string, error) { text, err := os.ReadFile(file); return string(text), err },
			})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Halt()
			if tt.denied != "" {
				want := "accepts but does not deliver topic " + tt.denied + ": check its ACL"
				eventually(t, want, func() (bool, string) { s := d.State(); return strings.Contains(s.Reason, want), s.Reason })
				return
			}
			eventually(t, "the driver is online", func() (bool, string) { s := d.State(); return s.Condition == drivers.Online, s.Reason })
			state := m.listen("102", "state", "seaview/status/#")
			defer state.hangUp()
			heard := ""
			eventually(t, "the room is told as occupied", func() (bool, string) {
				for _, msg := range state.all() {
					heard = msg.Topic() + " " + string(msg.Payload())
				}
				return heard == `seaview/status/101/occupied {"val": true}`, heard
			})
			cmd2 := cmd
			cmd2.ID, cmd2.Seq, cmd2.Params = "c2", 2, map[string]string{"room": "101", "stay": "s2", "guests": cmd.Params["guests"]}
			if _, err := d.Do(t.Context(), cmd2); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the toast", func() (bool, string) {
				for _, msg := range product.all() {
					heard = msg.Topic() + " " + string(msg.Payload())
				}
				return heard == "tv-101/set/toast {\"message\": \"Welcome, Mr \u2068O\\\"Neil \\u003cb\\u003e\u2069\"}", heard
			})
		})
	}
}
