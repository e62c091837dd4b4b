package main

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
)

func reconnectCommand(path *string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reconnect LINK",
		Short: "Have the running agent open a PMS link anew",
		Long: `Reconnect has the agent that serves the property file close and open the socket
of a PMS link. Mews fixes which devices a socket hears of when it is opened, so
this is what to do after a key cutter was added or removed under Connected
devices. Nothing is lost: what happens meanwhile is read afterwards.`,
		ValidArgsFunction: namesIn(path, linkNames),
		Example:           "  edgeagent reconnect mews --config /etc/edgeagent/property.yaml",
	}
	output := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		asJSON, err := output()
		if err != nil {
			return err
		}
		if len(args) != 1 {
			return usageError{errors.New("name one PMS link of the property file, such as edgeagent reconnect mews")}
		}
		if _, err := askAgent(cmd, *path, http.MethodPost, "/api/links/"+url.PathEscape(args[0])+"/reconnect"); err != nil {
			return err
		}
		return tellResult(asJSON, result{Done: "reconnect", About: args[0], Text: args[0] + " is opened anew; edgeagent status shows how it stands"})
	}
	return cmd
}
