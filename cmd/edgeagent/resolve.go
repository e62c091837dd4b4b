package main

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
)

func resolveCommand(path *string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "resolve COMMAND done|not-done",
		Short: "Tell the agent what became of a command whose outcome is unknown",
		Long: `When power or a line fails while a card is made, nobody can say whether it was.
The agent does not try again; the status page lists such a command with its id.
Look: try the card on the door, or read it. Then say whether it was done: the
agent knows again which key the room has, and the warning goes. What was not done
can be tried again with edgeagent retry. The PMS keeps the answer that it was given.`,
		ValidArgsFunction: commandIDs(path, resolved, "done", "not-done"),
		Example:           "  edgeagent resolve inspire/1/42/key/1 done --config /etc/edgeagent/property.yaml",
	}
	output := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		asJSON, err := output()
		if err != nil {
			return err
		}
		if len(args) != 2 || args[1] != "done" && args[1] != "not-done" {
			return usageError{errors.New("name a command of the status page and what became of it, such as edgeagent resolve inspire/1/42/key/1 done")}
		}
		if _, err := askAgent(cmd, *path, http.MethodPost, "/api/commands/"+url.PathEscape(args[0])+"/"+args[1]); err != nil {
			return err
		}
		r := result{Done: "resolve", About: args[0]}
		if args[1] == "not-done" {
			r.Text = "edgeagent retry " + word(args[0]) + " has it tried again"
		}
		return tellResult(asJSON, r)
	}
	return cmd
}
