package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"edgeagent/internal/config"
)

func reloadCommand(path *string) *cobra.Command {
	return &cobra.Command{
		Use:   "reload",
		Short: "Have the running agent take over rules and names of rooms",
		Long: `Reload has the agent that serves the property file read it anew, check it, and
take over its rules, the names that rooms have at encoders and TVs, and the
certificates of the TVs' broker. With a problem in the file nothing is taken over.
What else has changed counts after a restart; edgeagent status says so. SIGHUP
does the same.`,
		Example: "  edgeagent reload --config /etc/edgeagent/property.yaml",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			loaded, problems := config.Load(*path)
			if loaded == nil {
				fmt.Fprint(os.Stderr, problems.Render())
				return errSilent
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), 30*time.Second)
			defer cancel()
			_, err := ask(ctx, loaded.Status.Socket, http.MethodPost, "/api/reload")
			return err
		},
	}
}
