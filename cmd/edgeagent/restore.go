package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"edgeagent/internal/backup"
	"edgeagent/internal/config"
)

// restoreFlags are what a restore may do beyond the ordinary.
type restoreFlags struct {
	phrase               string
	check, force, beyond bool
}

func restoreCommand(path *string) *cobra.Command {
	f := &restoreFlags{}
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Make a gateway of a backup",
		Long: `Restore puts back what edgeagent backup has written: property file, rules, secrets,
certificates and store, each where it was. --config says where the property file
goes. All of FILE is read and proved to be whole before anything is written. Then it
checks the property file as edgeagent check does.

It refuses while an agent runs here, and where anything lies in the way. With --force
that is kept beside, as NAME` + asideMark + `TIME.

What has happened since the backup the PMS tells again. Screens and WiFi follow. A
key that may have been cut since then is not cut again: the status page lists it as
outcome-unknown, for a person to look. The old gateway must not run any more.

The passphrase is asked for on the terminal, read as one line, or in a file.`,
		Example: `  edgeagent restore --check edgeagent-seaview-20261126-020000.backup
  sudo edgeagent restore edgeagent-seaview-20261126-020000.backup`,
	}
	output := outputFlag(cmd)
	cmd.Flags().StringVar(&f.phrase, "passphrase-file", "", "the file that holds the passphrase")
	cmd.Flags().BoolVar(&f.check, "check", false, "only see whether FILE is whole and what is in it; write nothing")
	cmd.Flags().BoolVar(&f.force, "force", false, "restore although something is there; it is kept beside")
	cmd.Flags().BoolVar(&f.beyond, "outside", false, "also write files outside of the property file's folder; only of a backup that you made")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		asJSON, err := output()
		if err != nil {
			return err
		}
		if len(args) != 1 || args[0] == "" {
			return usageError{errors.New("name one file that edgeagent backup has written")}
		}
		return f.restore(args[0], *path, asJSON)
	}
	return cmd
}

func (f *restoreFlags) restore(file, path string, asJSON bool) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	if info, err := in.Stat(); err != nil || !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no ordinary file", file)
	}
	if here, _ := config.Load(path); here != nil && !f.check {
		if err := nobodyRuns(here); err != nil {
			return err
		}
	}
	passphrase, err := f.passphrase()
	if err != nil {
		return err
	}
	wait := awaiting("reading the backup")
	found, err := readBackup(in, passphrase)
	wait.over()
	if err != nil {
		return aboutFile(file, err)
	}
	r := &restored{aboutBackup: found.about, File: file, Files: len(found.entries), StoreBytes: found.storeBytes}
	if f.check {
		return r.tellChecked(asJSON)
	}
	plan, err := f.plan(found, path, r)
	if err != nil {
		return err
	}
	wait = awaiting("restoring")
	err = plan.carryOut(file)
	wait.over()
	if err != nil {
		return err
	}
	return r.tell(plan.property, asJSON)
}

func (f *restoreFlags) passphrase() (string, error) {
	if f.phrase != "" {
		return config.Secret(f.phrase)
	}
	typed, err := askHidden(os.Stdin, os.Stderr, "Passphrase: ")
	if err != nil {
		return "", err
	}
	return typed[0], nil
}

// aboutFile is what is wrong with a backup, with the remedy.
func aboutFile(file string, err error) error {
	var damaged backup.Damaged
	switch {
	case errors.Is(err, backup.ErrNone):
		return fmt.Errorf("%s %w", file, err)
	case errors.Is(err, backup.ErrPassphrase):
		return fmt.Errorf("%s: %w; nothing was written", file, err)
	case errors.Is(err, backup.ErrCut), errors.As(err, &damaged):
		return fmt.Errorf("%s: %w; take another copy or an earlier backup: nothing was written", file, err)
	}
	return fmt.Errorf("%s: %w", file, err)
}

// foundBackup is what a backup holds, but for the contents that need not be looked into.
type foundBackup struct {
	reader     *backup.Reader
	about      aboutBackup
	property   []byte
	entries    []backup.Entry // without about
	storeBytes int64          // -1: there is no store
}

// readBackup reads all of a backup, so that it is known to be whole.
func readBackup(in io.Reader, passphrase string) (*foundBackup, error) {
	reader, err := backup.NewReader(in, passphrase)
	if err != nil {
		return nil, err
	}
	found := &foundBackup{reader: reader, storeBytes: -1}
	for n := 0; ; n++ {
		e, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return found, found.complete()
		}
		if err == nil {
			err = found.take(n, e)
		}
		if err != nil {
			return nil, err
		}
	}
}

// take notes an entry, and reads those that say what to do with the others.
func (b *foundBackup) take(n int, e backup.Entry) error {
	switch {
	case e.Kind != kindStore && e.Size > maxPart:
		return fmt.Errorf("%q in it has %d bytes, more than any such file", e.Kind+" "+e.Name, e.Size)
	case e.Kind == kindAbout && n == 0:
		return readAbout(b.reader, &b.about)
	case e.Kind == kindProperty && n == 1:
		text, err := io.ReadAll(b.reader)
		b.property = text
		b.entries = append(b.entries, e)
		return err
	case e.Kind == kindFile && n > 1:
	case e.Kind == kindStore && n > 1 && e.Name == "":
		b.storeBytes = e.Size
	default:
		return fmt.Errorf("it holds %q, which this edgeagent does not know: restore it with a newer edgeagent", e.Kind)
	}
	b.entries = append(b.entries, e)
	return nil
}

func (b *foundBackup) complete() error {
	if b.property == nil {
		return errors.New("it holds no property file")
	}
	return nil
}

// restored is what came of a restore.
type restored struct {
	aboutBackup
	File       string          `json:"file"`
	Files      int             `json:"files"`
	StoreBytes int64           `json:"store_bytes"` // -1: it holds no store
	Restored   []string        `json:"restored"`
	Kept       []string        `json:"kept,omitempty"`
	OK         bool            `json:"ok"`
	Problems   config.Problems `json:"problems"`
}

func (r *restored) tellChecked(asJSON bool) error {
	r.OK, r.Restored, r.Problems = true, []string{}, config.Problems{}
	if asJSON {
		return writeJSON(os.Stdout, r)
	}
	store := "no store"
	if r.StoreBytes >= 0 {
		store, r.Files = "the store ("+sizeOf(r.StoreBytes)+")", r.Files-1
	}
	fmt.Printf("%s is whole: %s of %s, with %d files and %s; nothing was written\n", r.File, plain(r.Property), moment(r.Taken), r.Files, store)
	r.tellMissing()
	return nil
}

func (r *restored) tellMissing() {
	for _, name := range r.Missing {
		fmt.Fprintf(os.Stderr, "edgeagent: not in the backup: %s, which the property file names; put it in place by hand\n", plain(name))
	}
}

// tell says what was restored, and checks it.
func (r *restored) tell(property string, asJSON bool) error {
	loaded, problems := config.Load(property)
	r.OK, r.Problems = !problems.Fatal(), problems
	if problems == nil {
		r.Problems = config.Problems{}
	}
	if asJSON {
		if err := writeJSON(os.Stdout, r); err != nil {
			return err
		}
	} else {
		fmt.Printf("%s of %s is restored:\n", plain(r.Property), moment(r.Taken))
		for _, name := range r.Restored {
			fmt.Println(" ", plain(name))
		}
		for _, name := range r.Kept {
			fmt.Printf("what was there is %s\n", name)
		}
		fmt.Print(config.Report(property, loaded, problems))
	}
	r.tellMissing()
	if problems.Fatal() {
		return errors.New("everything is restored, but the property file does not fit this gateway: mend what is shown, then start the agent")
	}
	return nil
}
