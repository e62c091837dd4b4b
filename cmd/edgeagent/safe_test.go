package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpiotest"

	"edgeagent/internal/config"
)

// A property file of a hotel whose agent was killed, with faults in it that
// would keep an agent from starting: the doors are shut all the same.
const killed = `property: { id: "", timezone: Mars/Olympus }
devices:
  - name: lobby
    keycard:
      port: /dev/ttyUSB0
      panel: { relay: { line: GPIO23, active: low, cap: 1h }, buzzer: { line: GPIO27 }, lamp: { lines: GPIO17 } }
  - name: tvs
    iptv: { password_file: not-there }
  - name: garage
    keycard: { panel: { chip: gpiochip1, relay: { line: 4 } } }
  - name: spa
    keycard: { panel: { relay: { line: GPIO99 } } }
`

func TestSafe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "property.yaml")
	if err := os.WriteFile(path, []byte(killed), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := config.Peek(path)
	if err != nil {
		t.Fatal(err)
	}
	pins := map[string]*gpiotest.Pin{" GPIO23": {L: gpio.Low}, " GPIO27": {L: gpio.High}, " GPIO17": {L: gpio.High}, "gpiochip1 4": {L: gpio.High}}
	err = safe(file, func(chip, line string) (gpio.PinIO, error) {
		if pin := pins[chip+" "+line]; pin != nil {
			return pin, nil
		}
		return nil, errors.New("no GPIO chip has a line " + line)
	})
	if err == nil || err.Error() != "spa: door relay: no GPIO chip has a line GPIO99" {
		t.Error(err)
	}
	for name, want := range map[string]gpio.Level{" GPIO23": gpio.High, " GPIO27": gpio.Low, " GPIO17": gpio.Low, "gpiochip1 4": gpio.Low} {
		if got := pins[name].Read(); got != want {
			t.Errorf("%s is %s", name, got)
		}
	}
}

func TestPeek(t *testing.T) {
	dir := t.TempDir()
	if _, err := config.Peek(filepath.Join(dir, "none.yaml")); err == nil || err.Error() != dir+"/none.yaml: no such property file; write one, or name another with --config" {
		t.Error(err)
	}
	path := filepath.Join(dir, "bad.yaml")
	if err := os.WriteFile(path, []byte("devices: [\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Peek(path); err == nil || err.Error() != path+":1:10: the list that [ began is not closed: ] is missing" {
		t.Error(err)
	}
}

// A chip that does not answer does not hold up the stop.
func TestWithin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		err := within(5*time.Second, func() error { <-stuck; return nil })
		if err == nil || err.Error() != "the GPIO lines did not answer within 5s: cut the power of the door relays" {
			t.Error(err)
		}
		close(stuck)
		if err := within(time.Second, func() error { return nil }); err != nil {
			t.Error(err)
		}
		if err := within(time.Second, func() error { panic("chip") }); err == nil || err.Error() != "broke off (a fault of edgeagent; please report it): chip" {
			t.Error(err)
		}
	})
}

// The unit that ships calls verbs that there are, and the one that puts the
// relays back so that it cannot fail the stop.
func TestUnit(t *testing.T) {
	text, err := os.ReadFile("../../build/arm64/edgeagent.service")
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]string{}
	for line := range strings.Lines(string(text)) {
		key, call, _ := strings.Cut(strings.TrimSpace(line), "=")
		if !strings.HasPrefix(key, "Exec") || strings.HasPrefix(call, "-+/usr/lib/edgeagent/upgrade ") {
			continue
		}
		dash, call, ok := strings.Cut(call, "/usr/bin/edgeagent ")
		if !ok {
			t.Errorf("%s calls another program", line)
			continue
		}
		verb, rest, err := command().Find(strings.Fields(call))
		if err == nil {
			err = verb.ParseFlags(rest)
		}
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		calls[key] = dash + verb.Name() + " " + verb.Flag("config").Value.String()
	}
	want := map[string]string{"ExecStart": "run /etc/edgeagent/property.yaml", "ExecReload": "reload /etc/edgeagent/property.yaml", "ExecStopPost": "-safe /etc/edgeagent/property.yaml"}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Error(diff)
	}
}
