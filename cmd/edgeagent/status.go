package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"edgeagent/drivers"
	"edgeagent/internal/agent"
	"edgeagent/pms"
)

// standing is what the agent answers to who asks how it stands.
type standing struct {
	Version  string `json:"version"`
	Property string `json:"property"`
	Problems string `json:"problems"`
	agent.View
}

func statusCommand(path *string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say how things stand, first what needs a person",
		Long: `Status asks the agent that serves the property file how it stands: first what
needs a person, each with what to do, then the PMS links, the devices, and how
much waits.

It exits with 1 if something needs a person, and 0 if nothing does.`,
		Example: "  edgeagent status --config /etc/edgeagent/property.yaml\n  edgeagent status -o json",
		Args:    noArgs,
	}
	output := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		asJSON, err := output()
		if err != nil {
			return err
		}
		body, err := askAgent(cmd, *path, http.MethodGet, "/api/status")
		if err != nil {
			return err
		}
		var s standing
		if err := json.Unmarshal(body, &s); err != nil {
			return errVersions
		}
		if asJSON {
			_, err = os.Stdout.Write(body)
		} else {
			writeStatus(os.Stdout, colours(os.Stdout), &s, time.Now())
		}
		if err == nil && len(s.Conditions) > 0 {
			err = errSilent
		}
		return err
	}
	return cmd
}

func writeStatus(out io.Writer, p painter, s *standing, now time.Time) {
	if s.Property != "" { // which a file with faults may not say
		fmt.Fprint(out, p.as(strong, s.Property), ", ")
	}
	if s.Started.IsZero() {
		fmt.Fprintf(out, "edgeagent %s, and nothing runs\n\n", s.Version)
	} else {
		fmt.Fprintf(out, "edgeagent %s, running for %s\n\n", s.Version, ago(now.Sub(s.Started)))
	}
	if len(s.Conditions) == 0 {
		fmt.Fprintln(out, p.as(good, "Nothing needs a person."))
	} else {
		fmt.Fprintln(out, p.as(bad, fmt.Sprintf("Needs a person (%d)", len(s.Conditions))))
	}
	for _, c := range s.Conditions {
		colour := doubt
		if c.Serious {
			colour = bad
		}
		text := plain(c.Text)
		if c.About != "" {
			text = plain(c.About) + ": " + text
		}
		if c.Since.IsZero() { // the property file's problems, a line each
			fmt.Fprintf(out, "  %s\n%s\n", p.as(colour, c.Code), s.Problems)
		} else {
			fmt.Fprintf(out, "  %s %s, for %s\n", p.as(colour, pad(c.Code, 16)), text, ago(now.Sub(c.Since)))
		}
		fmt.Fprintf(out, "  %16s %s\n", "", p.as(strong, "do: ")+c.Do)
	}
	for _, c := range s.Unknown {
		fmt.Fprintf(out, "  %16s edgeagent resolve %s done    (or not-done)\n", "", word(c.ID))
	}
	if !s.Started.IsZero() {
		writeHouse(out, p, s, now)
	}
}

// writeHouse is what there is, a line each.
func writeHouse(out io.Writer, p painter, s *standing, now time.Time) {
	var rows table
	var conditions []string
	add := func(condition string, row ...string) {
		rows, conditions = append(rows, row), append(conditions, condition)
	}
	for _, l := range s.Links {
		since := fmt.Sprintf("%s for %s", l.Link.State, ago(now.Sub(l.Link.Since)))
		last := ""
		if !l.Link.LastNotice.IsZero() {
			last = "last event " + ago(now.Sub(l.Link.LastNotice)) + " ago"
		}
		add(string(l.Link.State), "", "PMS", l.Name, since, last)
	}
	for _, d := range s.Devices {
		waits := ""
		if d.Waiting > 0 {
			waits = fmt.Sprintf("%d waiting", d.Waiting)
		}
		add(string(d.State.Condition), "", d.Kind, d.Name, string(d.State.Condition), waits)
	}
	fmt.Fprintln(out)
	for _, line := range rows.lines(func(row, column int, text string) string {
		if column != 3 {
			return text
		}
		return p.as(colourOf(conditions[row]), text)
	}) {
		fmt.Fprintln(out, line)
	}
	failed := 0
	for _, c := range s.Recent {
		if c.State == "Error" {
			failed++
		}
	}
	fmt.Fprintf(out, "\n%s in house; %s; of the last %d done, %d failed\n", count(len(s.Rooms), "room"), waitText(len(s.Open)), len(s.Recent), failed)
}

func waitText(n int) string {
	switch n {
	case 0:
		return "no command waits"
	case 1:
		return "1 command waits"
	}
	return fmt.Sprintf("%d commands wait", n)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// colourOf says how the state of a link or a device is shown.
func colourOf(state string) string {
	switch state {
	case string(pms.LinkLive), string(drivers.Online), string(drivers.Busy):
		return good
	case string(drivers.Offline), string(pms.LinkParked):
		return bad
	}
	return doubt
}

// word is a text as a shell takes it for one word.
func word(text string) string {
	simple := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("/_.:@%+=-#", r)
	}
	if text != "" && text[0] != '#' && strings.IndexFunc(text, func(r rune) bool { return !simple(r) }) < 0 {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
