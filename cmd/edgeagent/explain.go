package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"edgeagent/internal/config"
	"edgeagent/pms"
	"edgeagent/rules"
)

func explainCommand(path *string) *cobra.Command {
	var fields strings.Builder
	for _, f := range pms.EventFields {
		if f.Name != "event" && f.Name != "guests" {
			fmt.Fprintf(&fields, "  %-16s %s\n", f.Name, f.Help)
		}
	}
	cmd := &cobra.Command{
		Use:   "explain EVENT [FIELD=VALUE ...]",
		Short: "Say what would happen on an event, and why the other rules do not fire",
		Long: `Explain shows which rules an event would fire, with the commands and their
values, and for every other rule the condition that does not hold. Nothing moves.

An event about a stay brings one about its room with it, as it does in earnest:
a check-in also makes a room occupied. Events:
  ` + strings.Join(rules.EventKinds(), "\n  ") + `

What is not given has a sample value: room 101, a guest who stays two nights.
Fields:
` + fields.String(),
		Example: `  edgeagent explain --config property.yaml stay.checked_in room=101 vip=V1
  edgeagent explain --config property.yaml stay.checked_out room=101 fresh=false`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("name an event, such as stay.checked_in")}
			}
			return nil
		},
		ValidArgsFunction: eventWords,
	}
	output := outputFlag(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		asJSON, err := output()
		if err != nil {
			return err
		}
		loaded, problems := config.Load(*path)
		if problems.Wrong() { // a file that is missing here is none of the rules' business
			fmt.Fprint(os.Stderr, problems.Render())
			return errSilent
		}
		events, err := sample(loaded, args[0], args[1:], time.Now())
		if err != nil {
			return usageError{err}
		}
		if asJSON {
			return writeJSON(os.Stdout, explained(loaded.Table, events))
		}
		return explain(os.Stdout, loaded.Table, events)
	}
	return cmd
}

// eventWords has a shell complete an event, and then the fields that it can have.
func eventWords(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return rules.EventKinds(), cobra.ShellCompDirectiveNoFileComp
	}
	var fields []string
	for _, f := range pms.EventFields {
		if f.Name != "event" && f.Name != "guests" {
			fields = append(fields, cobra.CompletionWithDesc(f.Name+"=", f.Help))
		}
	}
	return fields, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// fired is a rule that fires on the i-th event.
type fired struct {
	rules.Verdict
	on int
}

// sift parts what the events would set off together from the rules that do not
// fire, each with its reason.
func sift(table *rules.Table, events []pms.Event) (happen []fired, others []rules.Verdict) {
	first := table.Explain(&events[0])
	fires := make([]bool, len(first))
	for i := range events {
		for k, v := range table.Explain(&events[i]) {
			if v.Fires {
				fires[k] = true
				happen = append(happen, fired{v, i})
			} else if v.Field != "event" && first[k].Field == "event" {
				first[k] = v // a rule for this event: its reason says more than that it is for another
			}
		}
	}
	for k, v := range first {
		if !fires[k] {
			others = append(others, v)
		}
	}
	return happen, others
}

// explain writes what the events would set off together, and for every other
// rule why it does not fire.
func explain(out io.Writer, table *rules.Table, events []pms.Event) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s, room %s\n\nWould happen:\n", events[0].Kind, plain(events[0].Room))
	all := table.ExplainAll(events)
	for _, f := range all.Fires {
		happens(&text, f.Verdict, events, f.Event)
	}
	if len(all.Fires) == 0 {
		text.WriteString("\n  nothing: no rule fires\n")
	}
	width := 0
	for _, v := range all.Others {
		width = max(width, len([]rune(v.Rule)))
	}
	if len(all.Others) > 0 {
		text.WriteString("\nWould not happen:\n\n")
	}
	for _, v := range all.Others {
		fmt.Fprintf(&text, "  %-*s  %s\n", min(width, 60), v.Rule, strings.Join(reasons(v), "; "))
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// happens writes a rule that fires on the i-th event.
func happens(text *strings.Builder, v rules.Verdict, events []pms.Event, i int) {
	fmt.Fprintf(text, "\n  %s", v.Rule)
	if i > 0 {
		fmt.Fprintf(text, " (on %s of %s, which comes with it)", events[i].Kind, plain(events[i].Room))
	}
	text.WriteByte('\n')
	for _, s := range v.Steps {
		if s.Planned == nil {
			fmt.Fprintf(text, "    not %s at %s: %s\n", s.Action, s.Target, s.Why)
			continue
		}
		fmt.Fprintf(text, "    %s at %s", s.Action, s.Target)
		if subject := s.Planned.Command.Subject; subject != "" {
			fmt.Fprintf(text, " for %s", plain(subject))
		}
		if s.Planned.After > 0 {
			fmt.Fprintf(text, ", %s later", span(s.Planned.After))
		}
		if s.Planned.Within > 0 {
			fmt.Fprintf(text, ", within %s or not at all", span(s.Planned.Within))
		}
		text.WriteByte('\n')
		names := slices.Sorted(maps.Keys(s.Planned.Command.Params))
		width := 0
		for _, name := range names {
			width = max(width, len(name))
		}
		for _, name := range names {
			fmt.Fprintf(text, "      %-*s  %s\n", width, name, plain(s.Planned.Command.Params[name]))
		}
	}
}

// reasons say why a rule does not fire.
func reasons(v rules.Verdict) []string {
	if v.Field != "" {
		actual := "empty"
		if v.Actual != "" {
			actual = plain(v.Actual)
		}
		return []string{fmt.Sprintf("%s is %s, wanted: %s", v.Field, actual, v.Wanted)}
	}
	var list []string
	for _, s := range v.Steps {
		list = append(list, fmt.Sprintf("%s at %s: %s", s.Action, s.Target, s.Why))
	}
	return list
}

// plain is a value that cannot disturb a terminal.
func plain(value string) string {
	if strings.TrimSpace(value) != value || value == "" || strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(value)
	}
	return value
}

// span is a length of time without zeros at its end: 30m, not 30m0s.
func span(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
