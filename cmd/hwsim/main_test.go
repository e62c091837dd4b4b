package main

import (
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
