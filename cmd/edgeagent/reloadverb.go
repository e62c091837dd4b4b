package main

import (
	"net/http"
	"strings"

	"github.com/spf13/cobra"
)

func reloadCommand(path *string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Have the running agent take over rules and names of rooms",
		Long: `Reload has the agent that serves the property file read it anew, check it, and
take over its rules, the names that rooms have at encoders and TVs, and the
certificates of the TVs' broker. With a problem in the file nothing is taken over.
What else has changed counts after a restart: reload and edgeagent status say
what. SIGHUP does the same.`,
		Example: "  edgeagent reload --config /etc/edgeagent/property.yaml",
		Args:    noArgs,
	}
	output := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		asJSON, err := output()
		if err != nil {
			return err
		}
		restart, err := askAgent(cmd, *path, http.MethodPost, "/api/reload")
		if err != nil {
			return err
		}
		return tellResult(asJSON, result{Done: "reload", Text: strings.TrimSpace(string(restart))})
	}
	return cmd
}
