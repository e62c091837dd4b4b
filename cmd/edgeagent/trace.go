package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"edgeagent/drivers"
	"edgeagent/drivers/keycard"
	"edgeagent/internal/config"
)

func traceCommand(path *string) *cobra.Command {
	var t tracing
	cmd := &cobra.Command{
		Use:   "trace DEVICE [ACTION [NAME=VALUE ...]]",
		Short: "Record what goes over an encoder's line",
		Long: `Trace opens the line of an encoder as the agent would, and records what goes
over it until Ctrl-C. Stop the agent first: the line serves one at a time.

With an action it carries that one out, and ends with it. That is no rehearsal:
encode makes a key, and ends the keys that the room had. Name a room where nobody
lives.

With --recent it asks the running agent for what it remembers of the line, the
last few hundred lines of it: what went wrong an hour ago is perhaps still there.

The transcript holds no guest's name, phone, track, card number or authorisation
code, and may be sent to support: docs/encoders.md describes it.`,
		Example: `  edgeagent trace lobby-encoder --file transcript.txt
  edgeagent trace lobby-encoder --recent
  edgeagent trace lobby-encoder --file read.txt read
  edgeagent trace lobby-encoder --file new.txt encode room=999 until=2026-07-17T11:00`,
		ValidArgsFunction: namesIn(path, encoderNames),
	}
	cmd.Flags().BoolVar(&t.recent, "recent", false, "show what the running agent remembers of the line")
	cmd.Flags().StringVar(&t.file, "file", "", "a new file for the transcript; without it, the terminal")
	output := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if t.asJSON, err = output(); err != nil {
			return err
		}
		if len(args) == 0 {
			return usageError{errors.New("name one encoder of the property file, such as edgeagent trace lobby-encoder")}
		}
		if t.recent {
			return t.remembered(cmd, *path, args)
		}
		loaded, problems := config.Load(*path)
		if fmt.Fprint(os.Stderr, problems.Render()); problems.Fatal() {
			return errSilent
		}
		d, err := encoderOf(loaded, args[0])
		if err != nil {
			return usageError{err}
		}
		order, err := orderOf(d, args[1:])
		if err != nil {
			return usageError{err}
		}
		soft, hard, stop := signals(cmd.Context())
		defer stop()
		return t.to(func(out io.Writer) error { return trace(soft, hard, out, os.Stderr, loaded, d, order) })
	}
	return cmd
}

// tracing is one run of trace.
type tracing struct {
	file           string
	recent, asJSON bool
}

func encoderOf(l *config.Loaded, name string) (*config.Device, error) {
	var encoders []string
	for i := range l.Devices {
		if d := &l.Devices[i]; d.Keycard != nil {
			if d.Name == name {
				return d, nil
			}
			encoders = append(encoders, d.Name)
		}
	}
	if len(encoders) == 0 {
		return nil, errors.New("the property file has no encoder")
	}
	return nil, fmt.Errorf("the property file has no encoder %q; it has %s", name, strings.Join(encoders, ", "))
}

// orderOf reads an action with its parameters; nil for none.
func orderOf(d *config.Device, words []string) (*drivers.Command, error) {
	if len(words) == 0 {
		return nil, nil
	}
	actions := config.Actions("keycard")
	if d.Keycard.IsPN532() {
		actions = keycard.ModuleActions()
	}
	i := slices.IndexFunc(actions, func(a drivers.Action) bool { return a.Name == words[0] })
	if i < 0 {
		return nil, fmt.Errorf("%s has no action %q", d.Name, words[0])
	}
	order := &drivers.Command{ID: "trace", Device: d.Name, Action: words[0], Params: map[string]string{}, Accepted: time.Now(), Try: 1}
	for _, word := range words[1:] {
		name, value, ok := strings.Cut(word, "=")
		if !ok || !slices.ContainsFunc(actions[i].Params, func(p drivers.Param) bool { return p.Name == name }) {
			return nil, fmt.Errorf("%q is no parameter of %s; write NAME=VALUE, such as room=999", word, words[0])
		}
		order.Params[name] = value
	}
	for _, p := range actions[i].Params {
		if p.Required && order.Params[p.Name] == "" {
			return nil, fmt.Errorf("%s needs %s=, the %s", words[0], p.Name, p.Help)
		}
	}
	order.Subject = "trace"
	return order, nil
}

// remembered prints what the running agent remembers.
func (t *tracing) remembered(cmd *cobra.Command, path string, args []string) error {
	if len(args) > 1 {
		return usageError{errors.New("--recent looks back, and carries nothing out; leave the action away")}
	}
	text, err := askAgent(cmd, path, http.MethodGet, "/api/devices/"+url.PathEscape(args[0])+"/trace")
	if err != nil {
		return err
	}
	return t.to(func(out io.Writer) error {
		_, err := out.Write(text)
		return err
	})
}

// to has a transcript written to the file, or to the terminal.
func (t *tracing) to(write func(io.Writer) error) error {
	form := func(out io.Writer) io.Writer {
		if t.asJSON {
			return &jsonTrace{out: out}
		}
		return out
	}
	if t.file == "" {
		return write(form(os.Stdout))
	}
	f, err := newFile(t.file)
	if err != nil {
		return err
	}
	return errors.Join(write(form(f)), f.Close())
}

// newFile makes a file that is not there yet.
func newFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("there is a file %s already; name a new one", name)
	}
	return f, err
}

// trace records until the first Ctrl-C, or until the order has been carried out:
// a card that is being made is finished, unless there is a second one.
func trace(soft, hard context.Context, transcript, told io.Writer, l *config.Loaded, d *config.Device, order *drivers.Command) error {
	site := drivers.Site{
		Interrupted: func(string) bool { return false }, // somebody stands beside it
		Property:    l.Property.ID, Label: l.Property.Name, Zone: l.Zone, Language: l.Property.Language,
		Key: []byte("trace"), Secret: config.Secret, Log: zerolog.Nop()}
	encoder, err := keycard.OpenEncoder(d.Name, *d.Keycard, site, deps(transcript))
	if err != nil {
		return err
	}
	var done chan error
	stop := soft
	if order == nil {
		fmt.Fprintf(told, "%s: recording until Ctrl-C\n", d.Name)
	} else {
		done, stop = make(chan error, 1), hard
		go func() { done <- carryOut(soft, told, encoder, *order) }()
	}
	return errors.Join(watch(stop, told, encoder, done), encoder.Halt())
}

// carryOut waits until the encoder takes work, then gives it some.
func carryOut(ctx context.Context, told io.Writer, encoder drivers.Driver, order drivers.Command) error {
	for c := encoder.State().Condition; c == drivers.Unset || c == drivers.Quarantined; c = encoder.State().Condition {
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return nil
		}
	}
	order.Progress = func(step drivers.Step) { fmt.Fprintf(told, "%s: %s\n", encoder, step) }
	receipt, err := encoder.Do(ctx, order)
	if err == nil {
		fmt.Fprintf(told, "%s: done: %s\n", encoder, receipt.Note)
	}
	return err
}

const lookEvery = 100 * time.Millisecond

// watch tells how the encoder stands until it is over.
func watch(ctx context.Context, told io.Writer, encoder drivers.Driver, done <-chan error) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var last drivers.State
	for {
		st := encoder.State()
		if (st.Condition != last.Condition || st.Reason != last.Reason) && st.Condition != drivers.Unset {
			fmt.Fprintln(told, strings.TrimSuffix(fmt.Sprintf("%s: %s: %s", encoder, st.Condition, st.Reason), ": "))
		}
		last = st
		select {
		case <-tick.C:
		case err := <-done:
			return err
		case <-ctx.Done():
			return nil
		}
	}
}
