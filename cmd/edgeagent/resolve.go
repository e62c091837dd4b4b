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

func resolveCommand(path *string) *cobra.Command {
	return &cobra.Command{
		Use:   "resolve COMMAND done|not-done",
		Short: "Tell the agent what became of a command whose outcome is unknown",
		Long: `When power or a line fails while a card is made, nobody can say whether it was.
The agent does not try again; the status page lists such a command with its id.
Look: try the card on the door, or read it. Then say whether it was done: the
agent knows again which key the room has, and the warning goes. What was not done
can be tried again with edgeagent retry. The PMS keeps the answer that it was given.`,
		ValidArgsFunction: commandIDs(path),
		Example:           "  edgeagent resolve inspire/1/42/key/1 done --config /etc/edgeagent/property.yaml",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 || args[1] != "done" && args[1] != "not-done" {
				return usageError{errors.New("name a command of the status page and what became of it, such as edgeagent resolve inspire/1/42/key/1 done")}
			}
			loaded, problems := config.Load(*path)
			if loaded == nil {
				fmt.Fprint(os.Stderr, problems.Render())
				return errSilent
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), 10*time.Second)
			defer cancel()
			_, err := ask(ctx, loaded.Status.Socket, http.MethodPost, "/api/commands/"+url.PathEscape(args[0])+"/"+args[1])
			return err
		},
	}
}
