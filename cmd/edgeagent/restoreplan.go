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
	"syscall"
	"time"

	"edgeagent/internal/backup"
	"edgeagent/internal/config"
	"edgeagent/offsetstore"
)

// asideMark is what the name of a file gets, with the time, that a restore found in
// its way.
const asideMark = ".before-restore-"

// halfMark is what the name of a file has until all are there.
const halfMark = ".restoring"

// restorePlan is what goes where.
type restorePlan struct {
	property string
	found    *foundBackup
	out      *restored
	now      time.Time
	// places has the path of every entry, in their order; the property file comes
	// first and is put in place last: nothing starts without it.
	places []string
	store  string // where a store is, whether the backup holds one or not
	aside  []string
}

func readAbout(in io.Reader, about *aboutBackup) error {
	text, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	if json.Unmarshal(text, about) != nil {
		return errors.New("what it is of cannot be read")
	}
	return nil
}

// plan finds out where everything goes, and refuses what must not be done.
func (f *restoreFlags) plan(found *foundBackup, property string, out *restored) (*restorePlan, error) {
	p := &restorePlan{property: property, found: found, out: out, now: time.Now()}
	if err := clockBehind(found.about.Taken, p.now); err != nil {
		return nil, err
	}
	loaded, problems := config.Parse(property, found.property)
	if loaded == nil {
		return nil, fmt.Errorf("the property file in the backup cannot be read: %s", problems[0].String())
	}
	p.store = loaded.Store
	outside, err := p.place()
	switch {
	case err != nil:
		return nil, err
	case len(outside) > 0 && !f.beyond:
		return nil, fmt.Errorf("the backup holds files outside of %s: %s; if you made it, add --outside", filepath.Dir(property), few(outside))
	}
	if err := nobodyRuns(loaded); err != nil {
		return nil, err
	}
	pair := p.pair()
	for _, path := range slices.Concat([]string{p.store}, p.places, pair) {
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) || slices.Contains(p.aside, path) {
			continue
		}
		if err != nil {
			return nil, asRoot(err)
		}
		if info.IsDir() {
			return nil, fmt.Errorf("%s is a folder, and the backup has a file of that name: move it away", path)
		}
		p.aside = append(p.aside, path)
	}
	inTheWay := slices.DeleteFunc(slices.Clone(p.aside), func(path string) bool { return slices.Contains(pair, path) })
	if len(inTheWay) > 0 && !f.force {
		return nil, fmt.Errorf("there is something already: %s; restore onto a new gateway, or add --force, then it is kept beside as NAME%sTIME", few(inTheWay), asideMark)
	}
	return p, nil
}

// pair is the certificate and key that the setup page of a new gateway has made for
// itself by now: no reason to refuse, and they go aside together.
func (p *restorePlan) pair() []string {
	dir := filepath.Dir(p.places[0])
	pair := []string{filepath.Join(dir, pageCert), filepath.Join(dir, config.SecretsFolder, pageKey)}
	if !slices.ContainsFunc(pair, func(path string) bool { return slices.Contains(p.places, path) }) {
		return nil
	}
	return pair
}

// place finds the path of every entry, and those outside of the property file's folder.
func (p *restorePlan) place() (outside []string, err error) {
	named, err := config.Files(p.property, p.found.property)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(filepath.Dir(p.property))
	if err != nil {
		return nil, err
	}
	for _, e := range p.found.entries {
		var path string
		var beyond bool
		switch e.Kind {
		case kindProperty:
			path = filepath.Join(dir, filepath.Base(p.property))
		case kindStore:
			path, beyond = p.store, p.store != config.DefaultStore && !strings.HasPrefix(p.store, dir+"/")
		default:
			var ok bool
			if ok, beyond = config.Belongs(e.Name, named); !ok {
				return nil, fmt.Errorf("the backup holds a file %q, which does not belong to its property file: it was not made by edgeagent", e.Name)
			}
			if path = e.Name; !filepath.IsAbs(path) {
				path = filepath.Join(dir, path)
			}
		}
		if e.Kind != kindStore && filepath.Clean(path) == p.store || slices.Contains(p.places, path) {
			return nil, fmt.Errorf("the backup holds two files for %s: it was not made by edgeagent", path)
		}
		if !beyond {
			if err := noLinks(dir, path); err != nil {
				return nil, err
			}
		} else {
			outside = append(outside, path)
		}
		p.places = append(p.places, path)
	}
	return outside, nil
}

var errChanged = errors.New("the file has changed while it was read; nothing was restored")

// carryOut writes everything beside its place, and only then puts it there.
func (p *restorePlan) carryOut(file string) (err error) {
	defer func() {
		if err != nil {
			p.giveUp()
		}
	}()
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	reader, err := p.found.reader.Again(in)
	if err != nil {
		return err
	}
	if _, err := reader.Next(); err != nil { // about
		return err
	}
	for i, want := range p.found.entries {
		e, err := reader.Next()
		switch {
		case err != nil:
			return err
		case e.Kind != want.Kind || e.Name != want.Name || e.Size != want.Size:
			return errChanged
		}
		if err := writeHalf(p.places[i], e, reader); err != nil {
			return asRoot(err)
		}
		if e.Kind == kindStore {
			if err := offsetstore.MarkRestored(p.places[i]+halfMark, p.found.about.Taken, p.now); err != nil {
				return fmt.Errorf("the store in the backup: %w", err)
			}
		}
	}
	switch _, err := reader.Next(); {
	case err == nil:
		return errChanged
	case !errors.Is(err, io.EOF):
		return err
	}
	return p.exchange()
}

// writeHalf writes an entry beside its place.
func writeHalf(path string, e backup.Entry, in io.Reader) error {
	dir := filepath.Dir(path)
	if err := makeDir(dir, e.Kind); err != nil {
		return err
	}
	half := path + halfMark
	if err := os.Remove(half); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	out, err := os.OpenFile(half, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	mode := fs.FileMode(e.Mode) & 0o644 // nothing here is a program, or anybody's to change
	if info, missing := os.Stat(dir); missing == nil && os.Geteuid() == 0 {
		if owner, ok := info.Sys().(*syscall.Stat_t); ok {
			err = errors.Join(err, syscall.Fchown(int(out.Fd()), int(owner.Uid), int(owner.Gid)))
		}
	}
	return errors.Join(err, out.Chmod(mode|0o600), out.Sync(), out.Close())
}

// makeDir makes the folder of a file, for its owner alone where secrets or guests are
// in it.
func makeDir(dir, kind string) error {
	mode := fs.FileMode(0o755)
	if base := filepath.Base(dir); kind == kindStore || base == config.SecretsFolder || base == caFolder {
		mode = 0o700
	}
	return os.MkdirAll(dir, mode)
}

// exchange puts what is there aside and what was written into its place, the
// property file last.
func (p *restorePlan) exchange() error {
	mark := asideMark + p.now.Format(ageForm)
	for _, path := range p.aside {
		to := asideOf(path, mark)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		if err := os.Rename(path, to); err != nil {
			return err
		}
		p.out.Kept = append(p.out.Kept, to)
	}
	dirs := map[string]bool{}
	for i := range p.places {
		path := p.places[len(p.places)-1-i]
		if err := os.Rename(path+halfMark, path); err != nil {
			return err
		}
		p.out.Restored = append(p.out.Restored, path)
		dirs[filepath.Dir(path)] = true
	}
	for dir := range dirs {
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// asideOf is where a file is kept that is in the way: beside its place, but for a
// secret, since the unit lends the agent whatever lies in their folder.
func asideOf(path, mark string) string {
	if dir, name := filepath.Split(path); filepath.Base(dir) == config.SecretsFolder {
		return filepath.Join(filepath.Clean(dir)+mark, name)
	}
	return path + mark
}

// giveUp removes what was written beside its place.
func (p *restorePlan) giveUp() {
	for _, path := range p.places {
		_ = os.Remove(path + halfMark)
	}
}
