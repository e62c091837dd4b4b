package main

import (
	"os"

	"github.com/spf13/cobra"

	"edgeagent/rules"
)

func rulesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rules",
		Short: "Print the rule table that ships",
		Long: `Rules prints what a hotel gets that writes no rules of its own. To change it,
copy it into the property file: rules there take the place of all of these.`,
		Example: "  edgeagent rules >> property.yaml",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := os.Stdout.Write(rules.Default())
			return err
		},
	}
}
