package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

// Named is a file that a property file names.
type Named struct {
	// As is the name as the property file writes it.
	As string
	// Found is where the file is; "" if there is none that this user could see, as of
	// a secret that is encrypted for this machine.
	Found string
	// Home is where another machine with this property file looks for it: a path, or
	// one relative to the property file's folder.
	Home string
}

// NamedFiles lists the files that the text of a property file at that path names,
// each once. The text need not be free of faults, but must be a property file.
func NamedFiles(path string, text []byte) ([]Named, error) {
	c := newChecker(path)
	f := &File{}
	if !c.decode(text, f) {
		return nil, errors.New(c.sorted()[0].String())
	}
	var list []Named
	seen := map[string]bool{}
	eachFile(reflect.ValueOf(f).Elem(), "", func(v reflect.Value, at string) {
		given := v.String()
		if given == "" || seen[given] {
			return
		}
		seen[given] = true
		_, full := c.placeOf(given, path, at)
		if info, err := os.Stat(full); err != nil || !info.Mode().IsRegular() {
			list = append(list, Named{As: given})
			return
		}
		list = append(list, Named{As: given, Found: full, Home: c.home(given, full)})
	})
	return list, nil
}

// home is where a file that was found belongs. What systemd lends has its own place
// in the folder for secrets.
func (c *checker) home(given, full string) string {
	dir, err := filepath.Abs(filepath.Dir(c.file))
	switch {
	case filepath.IsAbs(given):
		return given
	case err == nil && strings.HasPrefix(full, dir+string(filepath.Separator)):
		return full[len(dir)+1:]
	case lent(full):
		return filepath.Join(SecretsFolder, given)
	case strings.HasPrefix(full, c.store+string(filepath.Separator)):
		return full
	}
	return given
}

// Belongs reports whether a file may come to a place from elsewhere, as out of a
// backup: within the folder of the property file it may, and outside where that
// names it. The place is a clean path, absolute or relative to that folder.
func Belongs(home string, named []Named) (ok, outside bool) {
	if filepath.Clean(home) != home || home == "." {
		return false, false
	}
	if filepath.IsLocal(home) {
		return true, false
	}
	for _, n := range named {
		lone := filepath.Base(n.As) == n.As // no way out of the credential store
		if home == n.As || lone && (home == filepath.Join(credStore, n.As) || home == filepath.Join(credStore, "edgeagent."+n.As)) {
			return filepath.IsLocal(filepath.Base(home)), true
		}
	}
	return false, true
}
