package inspire

import (
	"fmt"
	"strings"
	"testing"

	"edgeagent/hwsim/inspiresim"
)

func TestQ25_GuardOfTheProperty(t *testing.T) {
	t.Parallel()
	other := checkIn("101")
	other.HotelID = "TTE2"
	unclear := checkIn("101")
	unclear.HotelID = ""
	named := unclear
	named.Detail = append([]inspiresim.Element{{Name: "RESORT", New: "tte1"}}, named.Detail...)
	foreign := unclear
	foreign.Detail = append([]inspiresim.Element{{Name: "Property", New: "TTE2"}}, foreign.Detail...)
	profile := inspiresim.Event{Module: "PROFILE", Name: "UPDATE PROFILE", PrimaryKey: "G1", Detail: []inspiresim.Element{{Name: "NAME", New: "X"}}}
	events := []inspiresim.Event{checkIn("101"), other, unclear, named, foreign, profile}
	tests := []struct {
		name, scope string
		schema      inspiresim.Schema
		observe     string // per event: - acts, o observed, x observed and emptied
		monitor     bool
	}{
		{"confirmed exclusive", "single_property", inspiresim.SchemaDocumented, "----x-", false},
		{"shared, hotel told", "shared", inspiresim.SchemaExtended, "-xo-x-", true},
		{"shared, hotel only in some elements", "shared", inspiresim.SchemaDocumented, "ooo-x-", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sim := startPMS(t, inspiresim.Options{})
			sim.Change(func(f *inspiresim.Faults) { f.Subscribe.Schema = tt.schema })
			cfg := quickConfig(sim)
			cfg.ChainScope, cfg.HotelCode = tt.scope, "TTE1"
			l := newLink(t, cfg).run("")
			l.wait("the final query", func(*link) bool {
				subs := sim.Audit().Subscriptions
				switch {
				case tt.scope == "single_property":
					return len(subs) == 1
				case tt.schema == inspiresim.SchemaExtended:
					return len(subs) == 2
				}
				return len(subs) == 3
			})
			l.waitLive()
			for _, e := range events {
				sim.Publish(testChain, e)
			}
			l.waitNotices(len(events))
			got := ""
			for i, n := range l.all() {
				switch {
				case n.Observe && len(n.Fields) == 0:
					got += "x"
				case n.Observe:
					got += "o"
				default:
					got += "-"
				}
				if !strings.Contains(n.Offset, fmt.Sprintf(":%d:", i+1)) {
					t.Errorf("the offset did not advance over %s: %s", n.ID, n.Offset)
				}
			}
			if got != tt.observe {
				t.Errorf("handling %s, want %s", got, tt.observe)
			}
			if why := l.src.Link().MonitorOnly; (why != "") != tt.monitor {
				t.Errorf("monitor-only: %q", why)
			}
		})
	}
}
