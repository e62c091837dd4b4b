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
once, each with its line and what to write instead. It exits with 1 if there is
anything to mend. Nothing is connected and nothing moves.`,
		Example: "  edgeagent check --config property.yaml",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			loaded, problems := config.Load(*path)
			if len(problems) > 0 {
				fmt.Print(problems.Render())
				fmt.Printf("%s\n", plural(len(problems), "problem"))
				return errSilent
			}
			fmt.Printf("%s: ok (%s, %s, %s)\n", *path, loaded.Property.Name,
				plural(len(loaded.PMS), "PMS link"), plural(len(loaded.Devices), "device"))
			return nil
		},
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
