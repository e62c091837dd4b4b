package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The manual pages are made of what --help says. The library's own writer of them
// would bring a whole Markdown parser along.

func manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write the manual pages into a folder",
		Long: `Man writes a manual page for edgeagent and one for each verb into a folder, which
it makes if need be: man edgeagent-check then says what edgeagent check --help says.`,
		Example: "  edgeagent man /usr/local/share/man/man1",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] == "" {
				return usageError{errors.New("name a folder for the manual pages, such as /usr/local/share/man/man1")}
			}
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			return writeMan(args[0], cmd.Root())
		},
	}
}

// writeMan writes the page of a verb, and of those below it.
func writeMan(dir string, cmd *cobra.Command) error {
	page := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
	if err := os.WriteFile(filepath.Join(dir, page+".1"), []byte(manPage(cmd)), 0o644); err != nil {
		return err
	}
	for _, verb := range cmd.Commands() {
		if verb.IsAvailableCommand() {
			if err := writeMan(dir, verb); err != nil {
				return err
			}
		}
	}
	return nil
}

// manPage is the page of a verb, for man(7).
func manPage(cmd *cobra.Command) string {
	cmd.InitDefaultHelpFlag()
	var b strings.Builder
	name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
	fmt.Fprintf(&b, ".TH \"%s\" 1 \"\" \"edgeagent\" \"edgeagent\"\n", strings.ToUpper(roff(name)))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(name), roff(cmd.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", roff(cmd.UseLine()))
	text := cmd.Long
	if text == "" {
		text = cmd.Short + "."
	}
	fmt.Fprintf(&b, ".SH DESCRIPTION\n%s", verbatim(text))
	flags := func(title string, set *pflag.FlagSet) {
		if !set.HasAvailableFlags() {
			return
		}
		fmt.Fprintf(&b, ".SH %s\n", title)
		set.VisitAll(func(f *pflag.Flag) { b.WriteString(manFlag(f)) })
	}
	flags("OPTIONS", cmd.NonInheritedFlags())
	flags("COMMON OPTIONS", cmd.InheritedFlags())
	fmt.Fprintf(&b, ".SH EXAMPLES\n%s", verbatim(cmd.Example))
	b.WriteString(".SH EXIT STATUS\n0 if all is well, 1 if there is something that a person must mend, 2 if it was called wrongly.\n")
	if related := seeAlso(cmd); len(related) > 0 {
		fmt.Fprintf(&b, ".SH SEE ALSO\n%s\n", strings.Join(related, ",\n"))
	}
	return b.String()
}

func manFlag(f *pflag.Flag) string {
	if f.Hidden {
		return ""
	}
	name := "--" + f.Name
	if f.Shorthand != "" {
		name = "-" + f.Shorthand + ", " + name
	}
	kind, usage := pflag.UnquoteUsage(f)
	if kind != "" {
		name += " " + kind
	}
	if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" {
		usage += " (default " + f.DefValue + ")"
	}
	return fmt.Sprintf(".TP\n.B %s\n%s\n", roff(name), roff(usage))
}

// seeAlso names the pages around this one.
func seeAlso(cmd *cobra.Command) (pages []string) {
	if cmd.HasParent() {
		pages = append(pages, ".BR "+roff(strings.ReplaceAll(cmd.Parent().CommandPath(), " ", "-"))+" (1)")
	}
	for _, verb := range cmd.Commands() {
		if verb.IsAvailableCommand() {
			pages = append(pages, ".BR "+roff(strings.ReplaceAll(verb.CommandPath(), " ", "-"))+" (1)")
		}
	}
	return pages
}

// verbatim is a text whose lines stay as they are: help is written for a terminal.
func verbatim(text string) string {
	return ".nf\n" + roff(strings.TrimRight(text, "\n")) + "\n.fi\n"
}

// roff is a text in which nothing is taken for an instruction.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
