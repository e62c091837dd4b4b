package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"edgeagent/internal/config"
)

// The kinds of what is in a backup, in this order.
const (
	kindAbout    = "about"    // aboutBackup, as JSON
	kindProperty = "property" // the property file
	kindFile     = "file"     // another file; its name is its home, see config.Named
	kindStore    = "store"    // the store; missing if there was none
)

// maxPart bounds a file in a backup but for the store, in bytes: that of a property file.
const maxPart = 1 << 20

// aboutBackup says what a backup is of.
type aboutBackup struct {
	Property string    `json:"property"`
	Taken    time.Time `json:"taken"`
	Version  string    `json:"version"`
	// Missing are files that the property file names and that are not in it.
	Missing []string `json:"missing,omitempty"`
}

// filePart is a file of a backup but for the store.
type filePart struct {
	kind, name string
	mode       uint32
	text       []byte
}

// backedUp is what a backup is made of, and what came of it.
type backedUp struct {
	aboutBackup
	File       string   `json:"file"`
	Bytes      int64    `json:"bytes"`
	Files      []string `json:"files"`
	StoreBytes int64    `json:"store_bytes"` // 0: there is no store yet
	Removed    []string `json:"removed,omitempty"`

	parts         []filePart
	store, socket string
}

func (b *backedUp) about() ([]byte, error) { return json.Marshal(b.aboutBackup) }

// collect reads what a gateway is made of, but for the store.
func collect(path string) (*backedUp, error) {
	loaded, problems := config.Load(path)
	if loaded == nil {
		fmt.Fprint(os.Stderr, problems.Render())
		return nil, errSilent
	}
	b := &backedUp{
		aboutBackup: aboutBackup{Property: loaded.Property.ID, Taken: time.Now(), Version: version()},
		store:       loaded.Store, socket: loaded.Status.Socket,
	}
	if b.Property == "" {
		b.Property = "unknown"
	}
	if err := b.take(kindProperty, "", path); err != nil {
		return nil, err
	}
	named, err := config.Files(path, b.parts[0].text)
	if err != nil {
		return nil, err
	}
	for _, n := range named {
		if !n.There {
			b.Missing = append(b.Missing, n.Name)
			continue
		}
		if err := b.take(kindFile, n.Home, n.Path); err != nil {
			return nil, err
		}
	}
	return b, b.takeBeside(path)
}

// takeBeside takes what belongs to a property file without being named in it: the
// certificate of the page too, since its key is among the secrets.
func (b *backedUp) takeBeside(path string) error {
	cert := filepath.Join(filepath.Dir(path), pageCert)
	if _, err := os.Stat(cert); err == nil {
		if err := b.take(kindFile, pageCert, cert); err != nil {
			return err
		}
	}
	if tests, err := testsBeside(path); err == nil {
		for _, name := range tests {
			if err := b.take(kindFile, filepath.Base(name), name); err != nil {
				return err
			}
		}
	}
	for _, folder := range []string{config.SecretsFolder, caFolder} {
		dir := filepath.Join(filepath.Dir(path), folder)
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return asRoot(err)
		}
		for _, e := range entries {
			if strings.Contains(e.Name(), asideMark) || !e.Type().IsRegular() {
				continue
			}
			if err := b.take(kindFile, filepath.Join(folder, e.Name()), filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// take reads a file into the backup, unless it is there already.
func (b *backedUp) take(kind, home, path string) error {
	if slices.ContainsFunc(b.parts, func(p filePart) bool { return p.kind == kind && p.name == home }) {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return asRoot(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxPart+1))
	if err != nil {
		return err
	}
	if len(text) > maxPart {
		return fmt.Errorf("%s has more than %d bytes, too many for a backup: is it another file?", path, maxPart)
	}
	b.parts = append(b.parts, filePart{kind, home, uint32(info.Mode().Perm()), text})
	b.Files = append(b.Files, path)
	return nil
}

// asRoot adds to an error what helps against it.
func asRoot(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w; run this as root, with sudo", err)
	}
	return err
}

// tell says what is in the backup, and what is not.
func (b *backedUp) tell(asJSON bool) error {
	if asJSON {
		return writeJSON(os.Stdout, b)
	}
	store := "the store (" + sizeOf(b.StoreBytes) + ")"
	if b.StoreBytes == 0 {
		store = "no store, since no agent has run here yet"
	}
	plural := "s"
	if len(b.Files) == 1 {
		plural = ""
	}
	fmt.Printf("%s (%s) holds %d file%s and %s; keep it and its passphrase in two places away from this gateway\n", b.File, sizeOf(b.Bytes), len(b.Files), plural, store)
	for _, old := range b.Removed {
		fmt.Printf("%s is removed\n", old)
	}
	for _, name := range b.Missing {
		fmt.Fprintf(os.Stderr, "edgeagent: not in the backup: %s, which the property file names, is not to be found or encrypted for this machine; note how to get it again\n", name)
	}
	return nil
}
