package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"edgeagent/internal/backup"
	"edgeagent/internal/config"
	"edgeagent/offsetstore"
)

// Only what is called as this hotel's backups are is ever removed.
func TestIsBackupOf(t *testing.T) {
	for name, want := range map[string]bool{
		"edgeagent-seaview-20261126-020000.backup":        true,
		"edgeagent-seaview-20261126-020000.backup.part":   false,
		"edgeagent-seaview-annex-20261126-020000.backup":  false,
		"edgeagent-seaview-20261326-020000.backup":        false,
		"edgeagent-other-20261126-020000.backup":          false,
		"my-edgeagent-seaview-20261126-020000.backup":     false,
		"edgeagent-seaview-20261126-020000.backup.backup": false,
		".backup": false, "": false,
	} {
		if got := isBackupOf(name, "seaview"); got != want {
			t.Errorf("%q: %t", name, got)
		}
	}
}

// Which backups stay when one was made, whatever the clock says.
func TestPrune(t *testing.T) {
	dir := t.TempDir()
	name := func(day string) string { return filepath.Join(dir, "edgeagent-seaview-"+day+"-020000.backup") }
	for i, file := range []string{name("20300101"), name("20261101"), name("20261102"), name("19700101"), name("20261103") + ".part", filepath.Join(dir, "notes")} {
		if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 11, 1+i, 2, 0, 0, 0, time.UTC)
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
	}
	removed, err := prune(name("19700101"), "seaview", 2)
	if want := []string{name("20300101"), name("20261101")}; err != nil || !slices.Equal(removed, want) {
		t.Errorf("removed %v, %v", removed, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if want := []string{name("19700101"), name("20261102"), filepath.Join(dir, "notes")}; err != nil || !slices.Equal(left, want) {
		t.Errorf("left %v, %v", left, err)
	}
}

// What lies where the backup is written first is not followed.
func TestBackupFollowsNoLink(t *testing.T) {
	dir, other := t.TempDir(), filepath.Join(t.TempDir(), "other")
	if err := errors.Join(os.WriteFile(other, []byte("precious"), 0o600), os.Symlink(other, filepath.Join(dir, "a.part"))); err != nil {
		t.Fatal(err)
	}
	b := &backedUp{store: filepath.Join(dir, "none"), socket: filepath.Join(dir, "none")}
	if err := b.save(t.Context(), filepath.Join(dir, "a"), "correct horse battery staple"); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(other); err != nil || string(text) != "precious" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestClockBehind(t *testing.T) {
	taken := time.Date(2026, 11, 26, 2, 0, 0, 0, time.Local)
	if err := clockBehind(taken, taken); err != nil {
		t.Error(err)
	}
	want := "the clock shows 2025-01-01 00:00, and the backup is of 2026-11-26 02:00: set the clock first, for a gateway without a battery wakes up in the past"
	if err := clockBehind(taken, time.Date(2025, 1, 1, 0, 0, 0, 0, time.Local)); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// entry is one of a backup that edgeagent has not made.
type entry struct{ kind, name, text string }

// forged is a backup with the right passphrase and any content.
func forged(t *testing.T, entries ...entry) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "forged.backup")
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	w, err := backup.NewWriter(out, "correct horse battery staple", 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := w.Add(e.kind, e.name, 0o600, []byte(e.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
	return file
}

// Whatever a backup says, nothing is written where its property file has no
// business, and nothing at all if anything is wrong.
func TestForgedBackups(t *testing.T) {
	about := entry{kindAbout, "", `{"property":"p","taken":"2026-01-01T00:00:00Z"}`}
	property := entry{kindProperty, "", "property: { id: p, timezone: Europe/Lisbon }\nstore: store.db\npms: []\ndevices: []\n"}
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	const strange = "it was not made by edgeagent"
	for name, test := range map[string]struct {
		entries []entry
		want    string // FILE and DIR stand for those
	}{
		"out of the folder":   {[]entry{about, property, {kindFile, "../x", "x"}}, `the backup holds a file "../x", which does not belong to its property file: ` + strange},
		"by a detour":         {[]entry{about, property, {kindFile, "secrets/../../x", "x"}}, `the backup holds a file "secrets/../../x", which does not belong to its property file: ` + strange},
		"anywhere":            {[]entry{about, property, {kindFile, elsewhere, "x"}}, fmt.Sprintf("the backup holds a file %q, which does not belong to its property file: ", elsewhere) + strange},
		"no name":             {[]entry{about, property, {kindFile, "", "x"}}, `the backup holds a file "", which does not belong to its property file: ` + strange},
		"over the property":   {[]entry{about, property, {kindFile, "property.yaml", "x"}}, "the backup holds two files for DIR/property.yaml: " + strange},
		"over the store":      {[]entry{about, property, {kindFile, "store.db", "x"}}, "the backup holds two files for DIR/store.db: " + strange},
		"no property file":    {[]entry{about}, "FILE: it holds no property file"},
		"no about":            {[]entry{property}, `FILE: it holds "property", which this edgeagent does not know: restore it with a newer edgeagent`},
		"something new":       {[]entry{about, property, {"future", "", "x"}}, `FILE: it holds "future", which this edgeagent does not know: restore it with a newer edgeagent`},
		"too long":            {[]entry{about, property, {kindFile, "a", string(make([]byte, maxPart+1))}}, `FILE: "file a" in it has 1048577 bytes, more than any such file`},
		"a store that is not": {[]entry{about, property, {kindStore, "", "no store at all"}}, ""},
		"another store":       {[]entry{about, {kindProperty, "", "property: { id: p }\nstore: " + elsewhere + "\n"}, {kindStore, "", "x"}}, "the backup holds files outside of DIR: " + elsewhere + "; if you made it, add --outside"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, file := t.TempDir(), forged(t, test.entries...)
			phrase := filepath.Join(t.TempDir(), "phrase")
			if err := os.WriteFile(phrase, []byte("correct horse battery staple\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			err := (&restoreFlags{phrase: phrase}).restore(file, filepath.Join(dir, "property.yaml"), false)
			if want := strings.NewReplacer("FILE", file, "DIR", dir).Replace(test.want); err == nil || want != "" && err.Error() != want {
				t.Errorf("%v, want %s", err, want)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
			if _, err := os.Lstat(elsewhere); err == nil {
				t.Error("something was written elsewhere")
			}
		})
	}
}

// A link that leads elsewhere is not followed.
func TestRestoreFollowsNoLink(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	if err := os.Symlink(other, filepath.Join(dir, "secrets")); err != nil {
		t.Fatal(err)
	}
	file := forged(t, entry{kindAbout, "", "{}"}, entry{kindProperty, "", "property: { id: p }\n"}, entry{kindFile, "secrets/a", "x"})
	phrase := filepath.Join(t.TempDir(), "phrase")
	if err := os.WriteFile(phrase, []byte("correct horse battery staple\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := (&restoreFlags{phrase: phrase, force: true, beyond: true}).restore(file, filepath.Join(dir, "property.yaml"), false)
	if want := filepath.Join(dir, "secrets") + " is a link to elsewhere: remove it first"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if left, err := os.ReadDir(other); err != nil || len(left) > 0 {
		t.Errorf("written there: %v, %v", left, err)
	}
}

// An agent that has another property file, and the same store, is noticed too.
func TestNobodyRuns(t *testing.T) {
	dir := t.TempDir()
	store, err := offsetstore.Open(filepath.Join(dir, "store.db"), offsetstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l := &config.Loaded{}
	l.Store, l.Status.Socket = filepath.Join(dir, "store.db"), filepath.Join(dir, "control.sock")
	want := "an agent runs here (" + l.Store + " is in use): stop it first, with systemctl stop edgeagent"
	if err := nobodyRuns(l); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := nobodyRuns(l); err != nil {
		t.Error(err)
	}
}
