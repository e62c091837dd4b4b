package inspire

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim/inspiresim"

	"edgeagent/pms"
)

func TestProbe(t *testing.T) {
	t.Parallel()
	sim := startPMS(t, inspiresim.Options{})
	ok := func(list []pms.Finding) string {
		var b strings.Builder
		for _, f := range list {
			fmt.Fprintf(&b, "%s %v; ", f.Step, f.OK)
		}
		return b.String()
	}
	l := newLink(t, quickConfig(sim))
	if got := ok(l.src.Probe(t.Context())); got != "settings true; token true; upgrade true; ack true; subscribe true; " {
		t.Error(got)
	}
	m := l.mem.read(t)
	if m.Open || !m.LastLive.IsZero() || !m.LastNotice.IsZero() {
		t.Errorf("a probe must not pretend to have listened: %+v", m)
	}
	if !sim.Audit().Subscriptions[0].Completed {
		t.Error("ended without complete")
	}
	tests := []struct {
		name   string
		spoil  func(s *inspiresim.Server, c *Config, d *Deps)
		want   string
		advice string
	}{
		{"no secret", func(_ *inspiresim.Server, c *Config, _ *Deps) { c.AppKeyFile = "other" }, "settings false; ", "correct it"},
		{"wrong secret", func(_ *inspiresim.Server, _ *Config, d *Deps) { d.Secret = secretsOf("wrong", testAppKey) }, "settings true; token false; ", "client_secret_file"},
		{"portal", func(s *inspiresim.Server, _ *Config, _ *Deps) {
			s.ChangeTokens(func(f *inspiresim.TokenFaults) { f.Portal = inspiresim.PortalPage })
		}, "settings true; token false; ", "captive portal"},
		{"wrong key mode", func(_ *inspiresim.Server, c *Config, _ *Deps) { c.KeyMode = "sha256hex" }, "settings true; token true; upgrade false; ", "key_mode"},
		{"no ack", func(s *inspiresim.Server, _ *Config, d *Deps) {
			s.Change(func(f *inspiresim.Faults) { f.Handshake.NoAck = true })
			d.Waits.Ack = 50 * time.Millisecond
		}, "settings true; token true; upgrade true; ack false; ", "tries again"},
		{"chain refused", func(s *inspiresim.Server, _ *Config, _ *Deps) { s.ForbidChain("vendor-1", testChain) }, "settings true; token true; upgrade true; ack true; subscribe false; ", "chain_code"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sim := startPMS(t, inspiresim.Options{})
			l := newLink(t, quickConfig(sim), func(c *Config, d *Deps) { tt.spoil(sim, c, d) })
			list := l.src.Probe(t.Context())
			if got := ok(list); got != tt.want {
				t.Errorf("%s, want %s: %+v", got, tt.want, list)
			}
			if advice := list[len(list)-1].Advice; !strings.Contains(advice, tt.advice) {
				t.Errorf("advice %q lacks %q", advice, tt.advice)
			}
		})
	}
}

// The documented query is enough to see that the link works; the one that asks
// for the hotel is the agent's affair.
func TestProbeOfASharedChain(t *testing.T) {
	t.Parallel()
	sim := startPMS(t, inspiresim.Options{})
	cfg := quickConfig(sim)
	cfg.ChainScope, cfg.HotelCode = "shared", "TTE1"
	list := newLink(t, cfg).src.Probe(t.Context())
	if last := list[len(list)-1]; last.Step != "subscribe" || !last.OK || last.Advice != "" {
		t.Errorf("%+v", last)
	}
}
