package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"edgeagent/internal/agent"
	"edgeagent/offsetstore"
)

// choice says which commands are wanted; "" for any.
type choice struct{ device, room, state string }

type stateWord struct {
	name string
	fits func(agent.CommandView) bool
}

// states are the words for --state, with what each wants.
var states = []stateWord{
	{"open", func(c agent.CommandView) bool { return !c.State.Final() }},
	{"pending", func(c agent.CommandView) bool { return c.State == offsetstore.Pending }},
	{"processing", func(c agent.CommandView) bool { return c.State == offsetstore.Processing }},
	{"processed", func(c agent.CommandView) bool { return c.State == offsetstore.Processed }},
	{"cancelled", func(c agent.CommandView) bool { return c.State == offsetstore.Cancelled }},
	{"error", func(c agent.CommandView) bool { return c.State == offsetstore.Error }},
	{"unknown", func(c agent.CommandView) bool { return c.Unknown }},
}

func stateNames() string {
	var names []string
	for _, s := range states {
		names = append(names, s.name)
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

func commandsCommand(path *string) *cobra.Command {
	var want choice
	cmd := &cobra.Command{
		Use:   "commands",
		Short: "List the commands that wait, and what became of the last ones",
		Long: `Commands lists what the agent is to tell its devices, the oldest first, and what
became of the last ones, with the id that retry, cancel and resolve take. Below one
that can be tried again stands how. After a restart of the agent it knows those that
wait, those whose outcome is unknown, and those found not to be done.

A WiFi command is about a stay: --room finds it by who is, or was lately, in the
room.`,
		Example: `  edgeagent commands
  edgeagent commands --room 101
  edgeagent commands --device lobby-encoder --state error -o json`,
		Args: noArgs,
	}
	output := outputFlag(cmd)
	cmd.Flags().StringVar(&want.device, "device", "", "only those of this device")
	cmd.Flags().StringVar(&want.room, "room", "", "only those about this room")
	cmd.Flags().StringVar(&want.state, "state", "", "only those that are "+stateNames())
	complete(cmd, "device", func() []string { return named(path, deviceNames) })
	complete(cmd, "state", func() (words []string) {
		for _, s := range states {
			words = append(words, s.name)
		}
		return words
	})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		asJSON, err := output()
		if err != nil {
			return err
		}
		if want.state != "" && !slices.ContainsFunc(states, func(s stateWord) bool { return s.name == want.state }) {
			return usageError{fmt.Errorf("unknown state %q; write %s", want.state, stateNames())}
		}
		body, err := askAgent(cmd, *path, http.MethodGet, "/api/status")
		if err != nil {
			return err
		}
		var s standing
		if err := json.Unmarshal(body, &s); err != nil {
			return errVersions
		}
		list := want.of(&s)
		if asJSON {
			return writeJSON(os.Stdout, list)
		}
		writeCommands(os.Stdout, colours(os.Stdout), list, time.Now())
		return nil
	}
	return cmd
}

// errVersions: the agent that runs is another program than this one.
var errVersions = errors.New("the agent answers in words that this edgeagent does not know; are both of one version?")

// of picks the commands that are wanted: those that wait first, the oldest on
// top, then the settled ones, the newest on top.
func (want choice) of(s *standing) []agent.CommandView {
	rooms := roomsOf(s)
	list, seen := []agent.CommandView{}, map[string]bool{}
	for _, c := range slices.Concat(s.Open, s.Unknown, s.Recent) {
		if seen[c.ID] || want.device != "" && c.Device != want.device || want.room != "" && !slices.Contains(rooms[c.Subject], want.room) && c.Subject != "room:"+want.room {
			continue
		}
		if !want.fits(c) {
			continue
		}
		seen[c.ID] = true
		list = append(list, c)
	}
	return list
}

func (want choice) fits(c agent.CommandView) bool {
	for _, s := range states {
		if s.name == want.state {
			return s.fits(c)
		}
	}
	return true
}

// roomsOf says in which rooms the stay of a subject is, or was lately.
func roomsOf(s *standing) map[string][]string {
	rooms := map[string][]string{}
	for _, r := range s.Rooms {
		for _, stay := range r.Stays {
			rooms["stay:"+stay] = append(rooms["stay:"+stay], r.Room)
		}
	}
	for _, e := range s.Events {
		if e.Stay != "" {
			rooms["stay:"+e.Stay] = append(rooms["stay:"+e.Stay], e.Room, e.OldRoom)
		}
	}
	return rooms
}

func writeCommands(out io.Writer, p painter, list []agent.CommandView, now time.Time) {
	if len(list) == 0 {
		fmt.Fprintln(out, "no such command waits, or has ended lately")
		return
	}
	var rows table
	for _, c := range list {
		state, when := string(c.State), c.Created
		if c.Unknown {
			state = "Unknown"
		}
		if c.State.Final() {
			when = c.Settled
		}
		tries := ""
		if c.Tries > 1 {
			tries = fmt.Sprintf("%d tries", c.Tries)
		}
		rows = append(rows, []string{state, ago(now.Sub(when)), c.Device, plain(c.Subject), tries, word(c.ID)})
	}
	for i, line := range rows.lines(func(row, column int, text string) string {
		if column == 0 {
			return p.as(stateColour(list[row]), text)
		}
		return text
	}) {
		fmt.Fprintln(out, line)
		if list[i].Note != "" {
			fmt.Fprintln(out, "    "+p.as(faint, plain(list[i].Note)))
		}
		if list[i].Retry {
			fmt.Fprintln(out, "    edgeagent retry "+word(list[i].ID))
		}
	}
}

func stateColour(c agent.CommandView) string {
	switch {
	case c.State == offsetstore.Error:
		return bad
	case c.State == offsetstore.Processed:
		return good
	case c.State == offsetstore.Cancelled:
		return faint
	}
	return doubt
}

func retryCommand(path *string) *cobra.Command {
	return deedCommand(path, "retry", retried, &cobra.Command{
		Short: "Have a command tried again that waits or has failed",
		Long: `Retry has a command tried now that waits for its next turn, and gives a failed one
out once more, under a new id. It does so once, only for a guest who is in that room
now, and only if nothing about the same has come since; otherwise it says what to
do. One whose outcome is unknown must be resolved first: nobody may cut a card twice
by mistake. Of one that failed before the agent was last started, what it was to do
is forgotten: have the PMS send it again. One that was resolved as not done is kept.`,
		Example: "  edgeagent retry 'inspire/1/42/cut-a-key/1'",
	})
}

func cancelCommand(path *string) *cobra.Command {
	return deedCommand(path, "cancel", cancelled, &cobra.Command{
		Short: "Call a command off that no device has begun",
		Long: `Cancel calls off a command that waits. One that a device has begun takes its
course.`,
		Example: "  edgeagent cancel 'inspire/1/42/cut-a-key/1'",
	})
}

// deedCommand is a verb that does one thing with a command of the agent.
func deedCommand(path *string, deed string, takes func(agent.CommandView) bool, cmd *cobra.Command) *cobra.Command {
	cmd.Use = deed + " COMMAND"
	output := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		asJSON, err := output()
		if err != nil {
			return err
		}
		if len(args) != 1 || args[0] == "" {
			return usageError{errors.New("name one command by its id, as edgeagent commands lists them")}
		}
		if _, err := askAgent(cmd, *path, http.MethodPost, "/api/commands/"+url.PathEscape(args[0])+"/"+deed); err != nil {
			return err
		}
		return tellResult(asJSON, result{Done: deed, About: args[0]})
	}
	cmd.ValidArgsFunction = commandIDs(path, takes)
	return cmd
}

// commandIDs has a shell complete the ids of those commands that a verb takes, if an
// agent runs; then the words that may follow.
func commandIDs(path *string, takes func(agent.CommandView) bool, then ...string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) (ids []string, _ cobra.ShellCompDirective) {
		if len(args) == 1 {
			return then, cobra.ShellCompDirectiveNoFileComp
		}
		var s standing
		body, err := askAgent(cmd, *path, http.MethodGet, "/api/status")
		if len(args) > 0 || err != nil || json.Unmarshal(body, &s) != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		for _, c := range (choice{}).of(&s) {
			if takes(c) {
				ids = append(ids, c.ID)
			}
		}
		return ids, cobra.ShellCompDirectiveNoFileComp
	}
}

// What retry, cancel and resolve take.
func retried(c agent.CommandView) bool   { return c.Retry || c.State == offsetstore.Pending }
func cancelled(c agent.CommandView) bool { return c.State == offsetstore.Pending && !c.Setting }
func resolved(c agent.CommandView) bool  { return c.Unknown }
