package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// How the verbs show what they have found: for people, in colour where that
// helps, or as JSON for programs.

// outputs are the forms that -o can name.
var outputs = []string{"text", "json"}

// outputFlag gives a verb the flag -o. What it returns tells, once the flags are
// read, whether JSON is wanted.
func outputFlag(cmd *cobra.Command) func() (asJSON bool, err error) {
	return formFlag(cmd, cmd.Flags())
}

// persistentOutputFlag gives it to the verbs below as well.
func persistentOutputFlag(cmd *cobra.Command) func() (asJSON bool, err error) {
	return formFlag(cmd, cmd.PersistentFlags())
}

func formFlag(cmd *cobra.Command, flags *pflag.FlagSet) func() (asJSON bool, err error) {
	form := flags.StringP("output", "o", "text", "the `FORM` to write it in: text, or json for programs")
	complete(cmd, "output", func() []string { return outputs })
	return func() (bool, error) {
		if !slices.Contains(outputs, *form) {
			return false, usageError{fmt.Errorf("unknown output %q; write text or json", *form)}
		}
		return *form == "json", nil
	}
}

// complete has a shell complete the values of a flag.
func complete(cmd *cobra.Command, flag string, values func() []string) {
	err := cmd.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return values(), cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		panic(err) // there is no such flag
	}
}

// writeJSON writes a value as people and programs can read it.
func writeJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// writeLine writes a value as JSON on a line of its own.
func writeLine(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// The colours that a terminal may show, by what they mean here.
const (
	good   = "32" // green
	bad    = "31" // red
	doubt  = "33" // yellow
	strong = "1"
	faint  = "2"
)

// painter colours text, or leaves it as it is.
type painter bool

// colours is a painter for a file: colours only go to a terminal, and not where
// the user wants none (https://no-color.org).
func colours(f *os.File) painter {
	return painter(os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd())))
}

func (p painter) as(colour, text string) string {
	if !bool(p) || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// pad fills a text up to a width before it is coloured: what colours is invisible
// but has a length.
func pad(text string, width int) string {
	if n := len([]rune(text)); n < width {
		return text + strings.Repeat(" ", width-n)
	}
	return text
}

// ago is how long ago something was, as people say it.
func ago(d time.Duration) string {
	switch {
	case d < time.Second:
		return "0s"
	case d < time.Minute:
		return d.Truncate(time.Second).String()
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd", int(d.Hours())/24)
}

// table is rows whose columns are aligned.
type table [][]string

// lines are the rows as text; paint may colour a cell.
func (t table) lines(paint func(row, column int, text string) string) []string {
	var widths []int
	for _, row := range t {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	lines := make([]string, len(t))
	for r, row := range t {
		var line strings.Builder
		for i, cell := range row {
			if i < len(row)-1 {
				cell = pad(cell, widths[i])
			}
			if i > 0 {
				line.WriteString("  ")
			}
			line.WriteString(paint(r, i, cell))
		}
		lines[r] = strings.TrimRight(line.String(), " ")
	}
	return lines
}
