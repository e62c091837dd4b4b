package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"edgeagent/drivers/keycard"
	"edgeagent/internal/config"
	"edgeagent/internal/schema"
)

func initCommand(path *string) *cobra.Command {
	var patience time.Duration
	list := questions()
	given := make([]string, len(list))
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Ask a few questions, try the PMS log-in, and write a property file",
		Long: `Init writes a first property file, with comments, that passes check. On a terminal
it asks what no flag has answered, lists the serial ports, shows the certificate of
the WiFi controller, and keeps each secret in a file of its own beside the property
file, with property.schema.json for editors. Then it tries to log in to the PMS. It
overwrites nothing.

Without a terminal the flags must answer, and the secrets lie in their files already:
pms-secret and pms-app-key, or mews-client-token and mews-access-token, and if the
devices need them broker-password, wifi-password, wifi-api-key, omada-secret,
radius-database-password or radius-nas-secret.

It exits with 1 if the log-in fails: the file is written then all the same, and
edgeagent probe tries again.`,
		Example: `  edgeagent init --config property.yaml
  edgeagent init --config property.yaml --name "Hotel Sea View" --timezone Europe/Lisbon \
    --pms inspire --enterprise-id SEAVIEW --hotel-code SEAVIEW1 --client-id edge-client \
    --encoder 192.0.2.10:8090 --encoder-name "Online Encoder 1"`,
		Args: noArgs,
	}
	for i := range list {
		if list[i].secret == "" {
			cmd.Flags().StringVar(&given[i], list[i].flag, "", list[i].usage())
		}
	}
	cmd.Flags().DurationVar(&patience, "patience", 30*time.Second, "how long to wait for the PMS")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		a := answers{}
		for i := range list {
			if cmd.Flags().Changed(list[i].flag) {
				a[list[i].flag] = given[i]
			}
		}
		v := &interview{path: *path, answers: a, out: os.Stdout, in: bufio.NewReader(os.Stdin), patience: patience,
			person: term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd())), paint: colours(os.Stdout), hidden: hiddenLine}
		return v.hold(cmd.Context(), list)
	}
	return cmd
}

// hiddenLine reads a line that the terminal does not show.
func hiddenLine() (string, error) {
	text, err := term.ReadPassword(int(os.Stdin.Fd()))
	return string(text), err
}

// interview is one run of init.
type interview struct {
	path     string
	answers  answers
	out      io.Writer
	in       *bufio.Reader
	person   bool // somebody sits there
	paint    painter
	hidden   func() (string, error)
	patience time.Duration
	ports    []string // as they were listed
}

func (v *interview) hold(ctx context.Context, list []question) error {
	if _, err := os.Lstat(v.path); err == nil {
		return fmt.Errorf("there is a file %s already, and init overwrites nothing; name another with --config", v.path)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := v.askAll(ctx, list); err != nil {
		return err
	}
	text := propertyText(v.answers)
	if _, problems := config.Parse(v.path, []byte(text)); problems.Wrong() { // what no single answer shows
		fmt.Fprint(os.Stderr, problems.Render())
		return errors.New("these answers do not go together; nothing is written")
	}
	if err := v.write(text); err != nil {
		return err
	}
	loaded, problems := config.Load(v.path)
	fmt.Fprint(v.out, config.Report(v.path, loaded, problems))
	if problems.Fatal() {
		return fmt.Errorf("%s is written; make the files that are missing, then run edgeagent check and edgeagent probe", v.path)
	}
	return v.logIn(ctx, loaded)
}

// write makes the file; it is for its owner only, who may show it. The schema that it
// names for editors goes beside it, unless there is one.
func (v *interview) write(text string) error {
	shape, err := schema.JSON()
	if err != nil {
		return err
	}
	beside := filepath.Join(filepath.Dir(v.path), "property.schema.json")
	if err := writeNew(beside, string(shape)); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return writeNew(v.path, text)
}

func writeNew(file, text string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, text)
	return errors.Join(err, f.Close())
}

// logIn tries the PMS link, and says what to do next.
func (v *interview) logIn(ctx context.Context, l *config.Loaded) error {
	ctx, cancel := context.WithTimeout(ctx, v.patience)
	defer cancel()
	wait := awaiting("logging in to " + l.PMS[0].Name)
	findings, err := findings(ctx, &l.PMS[0], l)
	wait.over()
	if err != nil {
		return err
	}
	well, t := true, &teller{out: v.out, paint: v.paint}
	for _, f := range findings {
		well = well && f.OK
		t.say(l.PMS[0].Name, f.OK, f.Step+": "+f.Text, f.Advice)
	}
	if !well {
		return fmt.Errorf("%s is written, but the log-in failed; mend what is said above, and run edgeagent probe", v.path)
	}
	fmt.Fprintf(v.out, "\n%s is written. Next:\n", v.path)
	for _, next := range []struct{ call, what string }{
		{"probe", "asks the devices too whether they are there"}, {"explain stay.checked_in", "says what a check-in would do; nothing moves"}, {"run", "serves the hotel"},
	} {
		fmt.Fprintf(v.out, "  %s  %s\n", pad("edgeagent "+next.call+" -c "+word(v.path), 52), next.what)
	}
	return nil
}

// askAll asks what is not answered yet. Where nobody sits it takes what is usual,
// and reports all that has no answer.
func (v *interview) askAll(ctx context.Context, list []question) error {
	var missing []string
	for i := range list {
		q := &list[i]
		if text, given := v.answers[q.flag]; given {
			if q.when != nil && !q.when(v.answers) {
				missing = append(missing, "--"+q.flag+" does not belong to the other answers")
			} else if problem := q.problem(v.answers, text); problem != "" {
				missing = append(missing, fmt.Sprintf("--%s %q: %s", q.flag, text, problem))
			}
			continue
		}
		if q.quiet != nil && q.quiet(v.answers) || q.when != nil && !q.when(v.answers) {
			continue
		}
		usual := ""
		if q.usual != nil {
			usual = q.usual(v.answers)
		}
		switch {
		case q.secret != "":
			if err := v.askSecret(q); err != nil {
				return err
			}
		case v.person:
			if err := v.ask(ctx, q, usual); err != nil {
				return err
			}
		case usual != "":
			v.answers[q.flag] = usual
		default:
			missing = append(missing, "--"+q.flag+" is missing: "+q.usage())
		}
	}
	if len(missing) > 0 {
		return usageError{errors.New(strings.Join(missing, "\nedgeagent: "))}
	}
	return nil
}

// ask asks until there is an answer that can be right.
func (v *interview) ask(ctx context.Context, q *question, usual string) error {
	switch q.flag {
	case "encoder":
		v.listPorts()
	case "wifi-pin":
		usual = v.certificate(ctx)
	}
	for {
		prompt := v.paint.as(strong, q.text)
		if q.oneOf != nil {
			prompt += " (" + strings.Join(q.oneOf, ", ") + ")"
		} else if q.help != "" {
			prompt += " (" + q.help + ")"
		}
		if usual != "" {
			prompt += " [" + usual + "]"
		}
		fmt.Fprint(v.out, prompt+": ")
		line, err := v.in.ReadString('\n')
		if err != nil {
			return errors.New("nothing is written: the answers have ended")
		}
		text := strings.TrimSpace(line)
		if text == "" {
			text = usual
		}
		if q.flag == "encoder" {
			text = v.port(text)
		}
		problem := q.problem(v.answers, text)
		if problem == "" {
			v.answers[q.flag] = text
			return nil
		}
		fmt.Fprintln(v.out, v.paint.as(doubt, "  "+problem))
	}
}

// askSecret asks for a secret, and puts it into its file. One that is there stays.
func (v *interview) askSecret(q *question) error {
	file := filepath.Join(filepath.Dir(v.path), q.secret)
	if _, err := os.Lstat(file); err == nil || !v.person {
		return nil
	}
	fmt.Fprintf(v.out, "%s (nothing shows; it is kept in %s; enter to write that yourself later): ", v.paint.as(strong, q.text), file)
	text, err := v.hidden()
	fmt.Fprintln(v.out)
	if err != nil {
		return errors.New("nothing is written: the answers have ended")
	}
	if text = strings.TrimSpace(text); text == "" {
		return nil
	}
	f, err := newFile(file)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text + "\n")
	return errors.Join(err, f.Close())
}

// listPorts shows the serial ports, each with a number.
func (v *interview) listPorts() {
	fmt.Fprintln(v.out, "\nSerial ports of this machine:")
	adapters := keycard.Adapters()
	if len(adapters) == 0 {
		fmt.Fprintln(v.out, "  none is there: plug the adapter in and begin again, or name its port later")
	}
	for i := range adapters {
		name := stableName(&adapters[i])
		v.ports = append(v.ports, name)
		fmt.Fprintf(v.out, "  %d  %s\n", i+1, strings.TrimSpace(name+"  "+adapters[i].Model))
	}
}

// port is what an answer means: perhaps the number of a port in the list.
func (v *interview) port(text string) string {
	for i, name := range v.ports {
		if text == fmt.Sprint(i+1) {
			return name
		}
	}
	return text
}
