// Command edgeagent stands between a hotel's property management system and
// the things in its rooms: key cards, TVs, WiFi.
//
// It exits with 0 when all is well, 1 when something is wrong that a person
// must mend, and 2 when it was called wrongly.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	edgeconfig "edgeagent/internal/config"
)

func main() { os.Exit(run(os.Args[1:])) }

// usageError marks a call that cannot be understood.
type usageError struct{ error }

// errSilent ends a verb that has said all there is to say.
var errSilent = errors.New("")

func run(args []string) int {
	root := command()
	root.SetArgs(args)
	err := root.Execute()
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		fmt.Fprintf(os.Stderr, "edgeagent: %v\nTry: edgeagent --help\n", err)
		return 2
	case errors.Is(err, errSilent):
		return 1
	}
	fmt.Fprintf(os.Stderr, "edgeagent: %v\n", err)
	return 1
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use:   "edgeagent",
		Short: "Make the room follow the guest's stay",
		Long: `edgeagent hears from the property management system what happens to a guest's
stay, and makes the room follow: it cuts key cards, greets on the TV, and opens
and closes the WiFi. One property file says what it serves.`,
		Example: `  edgeagent check   --config /etc/edgeagent/property.yaml
  edgeagent run     --config /etc/edgeagent/property.yaml
  edgeagent explain --config /etc/edgeagent/property.yaml stay.checked_in room=101`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(root *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return unknownVerb(root, args[0])
		},
		RunE: func(*cobra.Command, []string) error {
			return usageError{errors.New("say what to do: " + names(verbs(new(string))))}
		},
	}
	config := root.PersistentFlags().StringP("config", "c", edgeconfig.DefaultPath, "the property file")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(verbs(config)...)
	root.SetHelpCommand(helpCommand(root))
	completions(root)
	return root
}

// verbs are all that can be asked of edgeagent, in the order in which a property
// comes to life.
func verbs(config *string) []*cobra.Command {
	return []*cobra.Command{
		initCommand(config), setupCommand(config), checkCommand(config), explainCommand(config), testCommand(config), talks(probeCommand(config)), portsCommand(config),
		runCommand(config), talks(reloadCommand(config)),
		talks(statusCommand(config)), talks(commandsCommand(config)), talks(retryCommand(config)), talks(cancelCommand(config)),
		talks(resolveCommand(config)), talks(logCommand(config)),
		talks(voucherCommand(config)), talks(pageCommand(config)), passwordCommand(), talks(reconnectCommand(config)),
		talks(traceCommand(config)), talks(supportCommand(config)),
		safeCommand(config), backupCommand(config), restoreCommand(config), caCommand(config), rulesCommand(), schemaCommand(), manCommand(), versionCommand(),
	}
}

func names(verbs []*cobra.Command) string {
	var list []string
	for _, v := range verbs {
		list = append(list, v.Name())
	}
	return strings.Join(list[:len(list)-1], ", ") + " or " + list[len(list)-1]
}

func unknownVerb(root *cobra.Command, word string) error {
	hint := ""
	if near := root.SuggestionsFor(word); len(near) > 0 {
		hint = fmt.Sprintf("; did you mean %s?", near[0])
	}
	return usageError{fmt.Errorf("there is no verb %q%s", word, hint)}
}

func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:     "help [VERB]",
		Short:   "Help about any verb",
		Example: "  edgeagent help check",
		RunE: func(_ *cobra.Command, args []string) error {
			verb, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return unknownVerb(root, args[0])
			}
			verb.InitDefaultHelpFlag()
			return verb.Help()
		},
	}
}

// completions gives the verbs that cobra adds for shells the manners of ours.
func completions(root *cobra.Command) {
	root.SuggestionsMinimumDistance = 2
	root.InitDefaultCompletionCmd()
	for _, verb := range root.Commands() {
		if verb.Name() != "completion" {
			continue
		}
		verb.Example = "  edgeagent completion bash > /etc/bash_completion.d/edgeagent"
		verb.Args = nil
		verb.RunE = func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unknown shell %q; write bash, zsh, fish or powershell", args[0])}
			}
			return usageError{errors.New("name a shell: bash, zsh, fish or powershell")}
		}
		for _, shell := range verb.Commands() {
			shell.Args, shell.Example = noArgs, "  edgeagent completion "+shell.Name()
		}
	}
}

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unknown word %q; %s takes none", args[0], cmd.CommandPath())}
	}
	return nil
}

func versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  edgeagent version",
		Args:    noArgs,
	}
	output := outputFlag(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		asJSON, err := output()
		if asJSON {
			return writeJSON(os.Stdout, map[string]string{"version": version(), "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH})
		}
		if err == nil {
			fmt.Println("edgeagent", version())
		}
		return err
	}
	return cmd
}

// packaged is the version of the package that the binary comes in. The linker sets it.
var packaged string

// version is that of the package, or else the commit that the binary was built from,
// as Go stamps it.
func version() string {
	if packaged != "" {
		return packaged
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	revision, dirty := "devel", ""
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value[:min(len(s.Value), 12)]
		case "vcs.modified":
			if s.Value == "true" {
				dirty = "+"
			}
		}
	}
	return revision + dirty
}
