package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	"edgeagent/internal/config"
)

func reconnectCommand(path *string) *cobra.Command {
	return &cobra.Command{
		Use:   "reconnect LINK",
		Short: "Have the running agent open a PMS link anew",
		Long: `Reconnect has the agent that serves the property file close and open the socket
of a PMS link. Mews fixes which devices a socket hears of when it is opened, so
this is what to do after a key cutter was added or removed under Connected
devices. Nothing is lost: what happens meanwhile is read afterwards.`,
		ValidArgsFunction: namesIn(path, linkNames),
		Example:           "  edgeagent reconnect mews --config /etc/edgeagent/property.yaml",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{errors.New("name one PMS link of the property file, such as edgeagent reconnect mews")}
			}
			loaded, problems := config.Load(*path)
			if loaded == nil {
				fmt.Fprint(os.Stderr, problems.Render())
				return errSilent
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), 10*time.Second)
			defer cancel()
			if err := reconnect(ctx, loaded.Status.Socket, args[0]); err != nil {
				return err
			}
			fmt.Printf("%s is opened anew; http://%s shows how it stands\n", args[0], loaded.Status.Listen)
			return nil
		},
	}
}

// reconnect asks the running agent over its control socket.
func reconnect(ctx context.Context, socket, link string) error {
	_, err := ask(ctx, socket, http.MethodPost, "/api/links/"+url.PathEscape(link)+"/reconnect")
	return err
}
