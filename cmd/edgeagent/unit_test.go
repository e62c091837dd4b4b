package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// unitLines are the lines of the unit that ships which have a value, without comments.
func unitLines(t *testing.T) []string {
	t.Helper()
	return linesOf(t, "edgeagent.service")
}

func linesOf(t *testing.T, unit string) []string {
	t.Helper()
	text, err := os.ReadFile("../../build/arm64/" + unit)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

// The sandbox leaves what the agent is there for within reach: the buses and
// lines that encoders hang on, with the groups that own them, and nothing else.
func TestUnitReachesItsDevices(t *testing.T) {
	var devices, groups []string
	for _, line := range unitLines(t) {
		if device, ok := strings.CutPrefix(line, "DeviceAllow="); ok {
			devices = append(devices, device)
		}
		if names, ok := strings.CutPrefix(line, "SupplementaryGroups="); ok {
			groups = strings.Fields(names)
		}
	}
	want := []string{
		"char-ttyUSB rw", "char-ttyACM rw", "char-ttyAMA rw", "char-ttyS rw", "char-gpiochip rw", "char-spi rw", "char-i2c rw",
	}
	if diff := cmp.Diff(want, devices); diff != "" {
		t.Error(diff)
	}
	made, err := os.ReadFile("../../build/arm64/edgeagent.sysusers")
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range groups { // without one of them nothing starts
		if !strings.Contains(string(made), "g "+group+" ") {
			t.Errorf("the package does not make the group %s", group)
		}
	}
}

// No driver and no sample names a device node that the sandbox keeps
// away. Names below /dev/serial lead to nodes that are listed.
func TestUnitReachesWhatDriversOpen(t *testing.T) {
	unit := strings.Join(unitLines(t), "\n")
	node := regexp.MustCompile(`(?:^|[^a-z0-9])/dev/(i2c|spi|gpiochip|tty[A-Z]+|[a-z]+)`)
	seen := 0
	for _, pattern := range []string{"../../drivers/*.go", "../../drivers/*/*.go", "../../drivers/*/*/*.go", "../../internal/*/*.go", "../../docs/encoders.md", "../../docs/property.sample*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range node.FindAllStringSubmatch(string(text), -1) {
				class := found[1]
				if slices.Contains([]string{"serial", "tty", "pts"}, class) {
					continue
				}
				seen++
				if !strings.Contains(unit, "DeviceAllow=char-"+class+" rw") {
					t.Errorf("%s names /dev/%s, which the unit keeps away", file, class)
				}
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d device nodes are named: the search is broken", seen)
	}
}

// What keeps the agent alive where nobody comes by.
func TestUnitComesBack(t *testing.T) {
	lines := unitLines(t)
	for _, want := range []string{
		"Type=notify", "WatchdogSec=60", "Restart=always", "RestartSec=5", "RestartMode=direct", "StartLimitIntervalSec=600", "StartLimitBurst=10",
		"TimeoutStopSec=30", "OnFailure=edgeagent-again.service", "ExecStopPost=-+/usr/lib/edgeagent/upgrade ended",
		"ConditionPathExists=/etc/edgeagent/property.yaml", "LoadCredential=edgeagent:/etc/edgeagent/secrets", "ImportCredential=edgeagent.*",
		"RuntimeDirectory=edgeagent", "ExecReload=/usr/bin/edgeagent reload --config /etc/edgeagent/property.yaml", "LimitCORE=0", "Environment=" + outsideFolder + "=/var/lib/edgeagent-upgrade",
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("the unit has no %s", want)
		}
	}
}
