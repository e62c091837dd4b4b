package main

import (
	"os"

	"github.com/spf13/cobra"

	"edgeagent/internal/schema"
)

func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON schema of the property file, for an editor",
		Long: `Schema prints what an editor with the language server for YAML must know to
complete the keys of a property file, explain them and warn of slips: VS Code with
the YAML extension, Neovim, Helix, Emacs and others. Write it beside the property
file, and have that begin with

  # yaml-language-server: $schema=property.schema.json

It knows keys, words and shapes; edgeagent check knows more.`,
		Example: "  edgeagent schema > property.schema.json",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			text, err := schema.JSON()
			if err != nil {
				return err
			}
			_, err = os.Stdout.Write(text)
			return err
		},
	}
}
