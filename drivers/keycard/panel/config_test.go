package panel

import (
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"edgeagent/drivers"
)

func TestProblems(t *testing.T) {
	for _, tt := range []struct {
		name, yaml string
		want       []string
	}{
		{"lamp only", "lamp: {line: GPIO17}", nil},
		{"everything", `chip: pinctrl-rp1
lamp: {line: GPIO17, active: low, idle: dark, busy: 100ms 100ms, present: 1s 1s, ok: steady, error: 20ms 20ms 20ms 10s}
buzzer: {line: "27", active: high, present: none, ok: 1s, error: 1s 500ms 1.5s}
card_switch: {line: GPIO22, active: high, pull: none, debounce: 5ms}
relay: {line: GPIO23, active: low, open: 30s, cap: 30s, rest: 1m}`, nil},
		{"nothing", "chip: gpiochip0", []string{": has nothing on it: add lamp:, buzzer:, card_switch: or relay:, or remove it"}},
		{"lines", "lamp: {active: high}\nbuzzer: {line: 27}\ncard_switch: {line: GPIO5}\nrelay: {line: gpio5}", []string{
			"lamp.line: missing: write the name of a GPIO line, such as GPIO17",
			"buzzer.line: 27 is a number, and each chip counts its own lines: write the line's name, such as GPIO17, or add chip: to the panel",
			"relay.line: gpio5 is the line of card_switch already: each part of a panel needs its own"}},
		{"levels", "lamp: {line: a, active: High}\nbuzzer: {line: b, active: \"1\"}\ncard_switch: {line: c, active: closed, pull: upwards, debounce: 1s}\nrelay: {line: d, active: open}", []string{
			`lamp.active: "High" is no level: write high or low`,
			`buzzer.active: "1" is no level: write high or low`,
			`card_switch.active: "closed" is no level: write high or low`,
			`relay.active: "open" is no level: write high or low`,
			`card_switch.pull: "upwards" is no resistor: write up, down or none`,
			"card_switch.debounce: 1s is out of range: write 5ms to 500ms"}},
		{"patterns", "lamp: {line: a, idle: none, busy: 100ms, present: fast, ok: 1ms 1s, error: " + strings.Repeat("20ms ", 18) + "}\n" +
			"buzzer: {line: b, present: steady, ok: 2s 1s 1s, error: 11s}", []string{
			`lamp.idle: "none" is no pattern: write steady, dark, or times on and off in turn, such as 500ms 500ms`,
			`lamp.busy: "100ms" ends with a time on, and begins with one: add a time off, such as 100ms 500ms`,
			`lamp.present: "fast" is no pattern: write steady, dark, or times on and off in turn, such as 500ms 500ms`,
			`lamp.ok: "1ms 1s" has the time 1ms, and times are 20ms to 10s`,
			`lamp.error: "` + strings.TrimSpace(strings.Repeat("20ms ", 18)) + `" is no pattern: write steady, dark, or times on and off in turn, such as 500ms 500ms, at most 16 times`,
			`buzzer.present: "steady" is no pattern: write none, or times on and off in turn, such as 150ms 100ms 150ms`,
			`buzzer.ok: "2s 1s 1s" sounds for 4s, and at most 3s are borne: shorten it`,
			`buzzer.error: "11s" has the time 11s, and times are 20ms to 10s`}},
		{"relay", "relay: {line: a, open: 50ms, cap: 31s, rest: 2m}", []string{
			"relay.open: 50ms is out of range: write 100ms to 30s",
			"relay.cap: 31s is out of range: write 100ms to 30s",
			"relay.rest: 2m0s is out of range: write 500ms to 1m0s"}},
		{"open beyond the cap", "relay: {line: a, open: 6s}", []string{"relay.open: open 6s is longer than the cap of 5s: shorten open, or raise cap"}},
		{"a short cap", "relay: {line: a, cap: 1s}", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var cfg Config
			if err := yaml.UnmarshalWithOptions([]byte(tt.yaml), &cfg, yaml.Strict()); err != nil {
				t.Fatal(err)
			}
			var got []string
			for path, problem := range cfg.Problems() {
				got = append(got, path+": "+problem)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			for range cfg.Problems() {
				break // an early end is no harm
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	given := full()
	want := Config{
		Lamp:       &Lamp{Line: "lamp", Active: "high", Idle: "steady", Busy: "120ms 120ms", Present: "500ms 500ms", OK: "900ms 100ms", Error: "100ms 100ms 100ms 700ms"},
		Buzzer:     &Buzzer{Line: "buzzer", Active: "high", Present: "40ms", OK: "120ms", Error: "150ms 100ms 150ms 100ms 150ms"},
		CardSwitch: &CardSwitch{Line: "switch", Active: "low", Pull: "up", Debounce: 30 * time.Millisecond},
		Relay:      &Relay{Line: "relay", Active: "high", Open: 3 * time.Second, Cap: 5 * time.Second, Rest: 2 * time.Second},
	}
	got := given.WithDefaults()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for range got.Problems() {
		t.Error("the defaults have problems")
	}
	if given.Lamp.Idle != "" {
		t.Error("the section itself was changed")
	}
	low := Config{CardSwitch: &CardSwitch{Active: "high"}, Relay: &Relay{Cap: time.Second}}.WithDefaults()
	if low.CardSwitch.Pull != "down" || low.Relay.Open != time.Second {
		t.Errorf("%+v, %+v", low.CardSwitch, low.Relay)
	}
}

func TestOpenRefuses(t *testing.T) {
	for want, cfg := range map[string]Config{
		"desk: panel: has nothing on it: add lamp:, buzzer:, card_switch: or relay:, or remove it": {},
		`desk: panel.relay.active: "on" is no level: write high or low`:                            {Relay: &Relay{Line: "GPIO23", Active: "on"}},
	} {
		if _, err := Open("desk", cfg, drivers.Site{}, nil); err == nil || err.Error() != want {
			t.Error(err)
		}
	}
}

// Only a panel with a relay can open a door, and not long after it was asked to.
func TestActions(t *testing.T) {
	cfg := full()
	got := cfg.Actions()
	if len(got) != 1 || got[0].Name != OpenDoor || got[0].Setting || got[0].Within != 10*time.Second || got[0].Limit < maxCap {
		t.Errorf("%+v", got)
	}
	cfg.Relay = nil
	if cfg.Actions() != nil || (*Config)(nil).Actions() != nil {
		t.Error("a door without a relay")
	}
}
