package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"edgeagent/internal/config"
)

func checkCommand(path *string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check the property file without starting anything",
		Long: `Check reads the property file and reports everything that is wrong with it at
once, each with its line and what to write instead. Nothing is connected and
nothing moves.

It exits with 1 if there is anything to mend. A warning, such as of an adapter
that is unplugged for now, does not count.`,
		Example: "  edgeagent check --config property.yaml",
		Args:    noArgs,
	}
	output := outputFlag(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		asJSON, err := output()
		if err != nil {
			return err
		}
		loaded, problems := config.Load(*path)
		if asJSON {
			if problems == nil {
				problems = config.Problems{}
			}
			err = writeJSON(os.Stdout, struct {
				File     string          `json:"file"`
				OK       bool            `json:"ok"`
				Problems config.Problems `json:"problems"`
			}{*path, !problems.Fatal(), problems})
		} else {
			fmt.Print(config.Report(*path, loaded, problems))
		}
		if err == nil && problems.Fatal() {
			return errSilent
		}
		return err
	}
	return cmd
}
