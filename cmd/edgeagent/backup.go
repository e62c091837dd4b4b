package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"edgeagent/internal/backup"
	"edgeagent/internal/config"
	"edgeagent/internal/password"
	"edgeagent/offsetstore"
)

func backupCommand(path *string) *cobra.Command {
	var file, phrase string
	var keep int
	cmd := &cobra.Command{
		Use:   "backup",
		Short: "Write all that a new card needs into one sealed file",
		Long: `Backup writes into one file what a gateway is made of: the property file with its
rules and rule tests, all files that it names (secrets, certificates, password
files), the folders secrets and tv-ca beside it, and the store as it is at this
moment. The agent may run; it goes on meanwhile.

The file is encrypted with a passphrase, asked for on the terminal. Where there is
none, one line is read, or the passphrase is in a file (--passphrase-file). Without
the passphrase nobody gets at it, neither do you: write it down elsewhere.

A secret that is encrypted for this machine alone cannot be in it; backup says so.`,
		Example: `  sudo edgeagent backup
  sudo edgeagent backup --file /media/stick --keep 14 --passphrase-file /root/backup-passphrase`,
		Args: noArgs,
	}
	cmd.Flags().StringVar(&file, "file", "", "a new file, or a folder for one that is named after the hotel and the time; without it, here")
	cmd.Flags().StringVar(&phrase, "passphrase-file", "", "the file that holds the passphrase")
	cmd.Flags().IntVar(&keep, "keep", 0, "how many backups of this hotel to keep in the folder; the oldest go (default all)")
	output := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		asJSON, err := output()
		if err != nil {
			return err
		}
		if keep < 0 {
			return usageError{errors.New("--keep is how many backups stay: 1 or more")}
		}
		b, err := collect(*path)
		if err != nil {
			return err
		}
		secret, err := newPassphrase(phrase)
		if err != nil {
			return err
		}
		if err := b.save(cmd.Context(), file, secret); err != nil {
			return err
		}
		if keep > 0 {
			b.Removed, err = prune(b.File, b.Property, keep)
		}
		return errors.Join(b.tell(asJSON), err)
	}
	return cmd
}

// newPassphrase takes the passphrase that a backup gets.
func newPassphrase(file string) (secret string, err error) {
	if file != "" {
		secret, err = config.Secret(file)
	} else {
		secret, err = askPassword(os.Stdin, os.Stderr)
	}
	if err == nil {
		err = password.Check(secret)
	}
	return secret, err
}

// ageForm is the time in the name of a backup.
const ageForm = "20060102-150405"

// save writes the backup into a file that is whole or not there.
func (b *backedUp) save(ctx context.Context, file, passphrase string) error {
	if info, err := os.Stat(cmp.Or(file, ".")); err == nil && info.IsDir() {
		file = filepath.Join(file, nameOf(b.Property, b.Taken))
	}
	if _, err := os.Lstat(file); err == nil {
		return fmt.Errorf("there is a file %s already; name a new one", file)
	}
	b.File = file
	half := file + ".part"
	if err := os.Remove(half); err != nil && !errors.Is(err, os.ErrNotExist) { // of one that broke off
		return err
	}
	out, err := os.OpenFile(half, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	wait := awaiting("backing up")
	err = b.write(ctx, out, passphrase)
	err = errors.Join(err, out.Sync(), out.Close())
	wait.over()
	if err == nil {
		err = os.Rename(half, file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(half))
	}
	if info, err := os.Stat(file); err == nil {
		b.Bytes = info.Size()
	}
	return syncDir(filepath.Dir(file))
}

// syncDir makes new names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (b *backedUp) write(ctx context.Context, out io.Writer, passphrase string) error {
	w, err := backup.NewWriter(out, passphrase, backup.Rounds)
	if err != nil {
		return err
	}
	about, err := b.about()
	if err != nil {
		return err
	}
	if err := w.Add(kindAbout, "", 0, about); err != nil {
		return err
	}
	for _, f := range b.parts {
		if err := w.Add(f.kind, f.name, f.mode, f.text); err != nil {
			return err
		}
	}
	if err := b.storeInto(ctx, w); err != nil {
		return err
	}
	return w.Close()
}

// storeInto adds the store: from the running agent, or else from the file.
func (b *backedUp) storeInto(ctx context.Context, w *backup.Writer) error {
	begin := func(size int64) (io.Writer, error) {
		b.StoreBytes = size
		return w.Begin(backup.Entry{Kind: kindStore, Mode: 0o600, Size: size})
	}
	resp, err := request(ctx, b.socket, http.MethodGet, "/api/store")
	if err == nil {
		defer resp.Body.Close()
		to, err := begin(resp.ContentLength)
		if err == nil {
			_, err = io.Copy(to, resp.Body)
		}
		if err != nil {
			return fmt.Errorf("the store of the running agent broke off (%w): is there too little space, or is the place of the backup very slow? Then write it to this machine first", err)
		}
		return nil
	}
	if nobody := (errNobody{}); !errors.As(err, &nobody) {
		return err
	}
	if _, err := os.Stat(b.store); errors.Is(err, os.ErrNotExist) {
		return nil // it has never run
	}
	if err := offsetstore.SnapshotFile(b.store, begin); err != nil {
		return err
	}
	return nil
}

// prune removes the oldest backups of a hotel beyond so many, the one just made
// among those that stay, and what was left of ones that broke off. A name tells the
// time of a clock that may have been wrong, so the oldest file is.
func prune(made, hotel string, keep int) (removed []string, err error) {
	dir := filepath.Dir(made)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []fs.FileInfo
	for _, e := range entries {
		info, missing := e.Info()
		switch {
		case missing != nil || !e.Type().IsRegular():
		case isBackupOf(strings.TrimSuffix(e.Name(), ".part"), hotel) && e.Name() != filepath.Base(made):
			if strings.HasSuffix(e.Name(), ".part") {
				err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
				continue
			}
			all = append(all, info)
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].ModTime().Before(all[j].ModTime()) })
	for len(all) > keep-1 && err == nil {
		file := filepath.Join(dir, all[0].Name())
		err = os.Remove(file)
		removed, all = append(removed, file), all[1:]
	}
	return removed, err
}

// nameOf is what a backup of a hotel is called.
func nameOf(hotel string, taken time.Time) string {
	return "edgeagent-" + filepath.Base(hotel) + "-" + taken.Format(ageForm) + ".backup"
}

// isBackupOf reports whether a file is called like a backup of a hotel.
func isBackupOf(name, hotel string) bool {
	begin, end := len(name)-len(ageForm)-len(".backup"), len(name)-len(".backup")
	if begin < 0 {
		return false
	}
	taken, err := time.Parse(ageForm, name[begin:end])
	return err == nil && name == nameOf(hotel, taken)
}

// sizeOf is a number of bytes for people.
func sizeOf(bytes int64) string {
	switch {
	case bytes < 10_000:
		return fmt.Sprintf("%d bytes", bytes)
	case bytes < 10_000_000:
		return fmt.Sprintf("%d kB", bytes/1000)
	}
	return fmt.Sprintf("%d MB", bytes/1_000_000)
}

// moment is a time for people.
func moment(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }
