package wifi

import (
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// The table of the documentation says what the code says.
func TestCapsAreDocumented(t *testing.T) {
	rows := map[string]Caps{}
	for _, p := range suiteProducts {
		sim, section, _, err := p.start(time.Now)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = sim.Close() })
		name := "`" + section.Controller + "`"
		if section.Credentials != "" {
			name += " with `credentials: " + section.Credentials + "`"
		}
		full := section.WithDefaults()
		rows[name] = products[full.Controller].open(newClient(&url.URL{}, full, nil, time.Now), full).Caps()
	}
	full := (&Radius{NAS: []RadiusNAS{{Address: "192.0.2.1"}}}).withDefaults()
	rows["`radius`"] = (&radius{set: *full}).Caps()
	var want []string
	for name, c := range rows {
		line := "| " + name
		for _, yes := range []bool{c.ChooseCode, c.AbsoluteExpiry, c.Extend, c.RateLimit, c.DataCap, c.DeviceLimit, c.CutSession} {
			line += " | " + map[bool]string{true: "yes", false: "no"}[yes]
		}
		want = append(want, line+" |")
	}
	slices.Sort(want)
	text, err := os.ReadFile("../../docs/wifi.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "|---|---|---|---|---|---|---|---|\n")
	table, _, ok := strings.Cut(rest, "<!-- /caps -->")
	if got := strings.TrimSpace(table); !ok || got != strings.Join(want, "\n") {
		t.Errorf("docs/wifi.md has\n%s\nand should have\n%s", got, strings.Join(want, "\n"))
	}
}
