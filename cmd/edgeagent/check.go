package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"edgeagent/internal/config"
)

func checkCommand(path *string) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check the property file without starting anything",
		Long: `Check reads the property file and reports everything that is wrong with it at
once, each with its line and what to write instead. Nothing is connected and
nothing moves.

It exits with 1 if there is anything to mend. A warning, such as of an adapter
that is unplugged for now, does not count.`,
		Example: "  edgeagent check --config property.yaml",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			loaded, problems := config.Load(*path)
			fmt.Print(config.Report(*path, loaded, problems))
			if problems.Fatal() {
				return errSilent
			}
			return nil
		},
	}
}
