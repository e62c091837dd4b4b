package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestExitCodes(t *testing.T) {
	for args, want := range map[string]int{
		"--help":                             0,
		"demo --help":                        0,
		"":                                   2,
		"dance":                              2,
		"run now":                            2,
		"crash --kills many":                 2,
		"demo --faster":                      2,
		"demo --once --agent /nowhere/agent": 1,
		"run --agent /nowhere/agent":         1,
		"run --property /nowhere/file":       1,
		"run --page 0.0.0.0:80":              2,
		"demo --page 0.0.0.0:80":             2,
		"run --rooms 9-1":                    2,
	} {
		if got := run(strings.Fields(args)); got != want {
			t.Errorf("hwsim %s exits with %d, want %d", args, got, want)
		}
	}
}

func TestEveryVerbHasHelp(t *testing.T) {
	root := command()
	for _, verb := range append([]*cobra.Command{root}, root.Commands()...) {
		if verb.Short == "" || verb.Example == "" {
			t.Errorf("%s lacks help or an example", verb.CommandPath())
		}
	}
}

// The agent is the one beside hwsim, wherever that is called.
func TestAgentBesideHwsim(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	for _, name := range []string{"edgeagent", "hwsim"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(elsewhere)
	if got, want := agentFor(filepath.Join(dir, "hwsim")), filepath.Join(dir, "edgeagent"); got != want {
		t.Errorf("%s, not %s", got, want)
	}
	t.Setenv("PATH", dir)
	if got, want := agentFor(filepath.Join(elsewhere, "hwsim")), filepath.Join(dir, "edgeagent"); got != want {
		t.Errorf("of the PATH: %s, not %s", got, want)
	}
	t.Setenv("PATH", elsewhere)
	if got := agentFor(filepath.Join(elsewhere, "hwsim")); got != "bin/edgeagent" {
		t.Errorf("of nowhere: %s", got)
	}
	if got := (&flags{agent: "qemu-arm -L / agent"}).command(); len(got) != 4 {
		t.Errorf("%q", got)
	}
}

func TestCount(t *testing.T) {
	if got := count(1, "room") + ", " + count(12, "room"); got != "1 room, 12 rooms" {
		t.Error(got)
	}
}

// A property file that the hotel cannot read is the agent's to judge: all of it.
func TestBadPropertyIsJudgedByTheAgent(t *testing.T) {
	dir := t.TempDir()
	agent, property := filepath.Join(dir, "agent"), filepath.Join(dir, "property.yaml")
	if err := os.WriteFile(agent, []byte("#!/bin/sh\necho \"$1 $2 ${3##*/}\"\necho two faults\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(property, []byte("pms: &x [\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &running{property: property, page: anyPage}
	err := r.run(t.Context(), &flags{agent: agent})
	if want := "the property file cannot be rehearsed:\ncheck --config property.yaml\ntwo faults"; err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
	err = r.run(t.Context(), &flags{agent: filepath.Join(dir, "none")})
	if err == nil || !strings.HasPrefix(err.Error(), property+": ") {
		t.Errorf("without an agent: %v", err)
	}
}
