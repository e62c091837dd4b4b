package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// Named is a file that a property file names.
type Named struct {
	// Key is where, such as status.users[0].password_file, Name what stands there.
	Key, Name string
	// Path is where the file is, or where it is to be put.
	Path string
	// Holds is what belongs into it: a certificate or a private key in PEM form, a
	// password as edgeagent password writes it, or a secret on one line.
	Holds string
	// There says that it is, with something in it. A secret that is encrypted for
	// this machine is not, as far as this user can see.
	There bool
	// Home is where another machine with this property file looks for a file that is
	// there: a path, or one relative to the property file's folder.
	Home string
}

// What a file holds that a property file names.
const (
	HoldsSecret      = "secret"
	HoldsPassword    = "password"
	HoldsCertificate = "certificate"
	HoldsKey         = "private key"
)

// Files are those that the text of a property file at that path names, each once.
// A text with faults names what can be read of it; one that is no property file at
// all is an error.
func Files(path string, text []byte) ([]Named, error) {
	c, f := newChecker(path), &File{}
	if !c.decode(text, f) {
		return nil, errors.New(c.sorted()[0].String())
	}
	var all []Named
	eachFile(reflect.ValueOf(f).Elem(), "", func(v reflect.Value, at string) {
		n := Named{Key: at, Name: v.String(), Holds: holding(at)}
		_, n.Path = c.fileAt(n.Name, at)
		if slices.ContainsFunc(all, func(o Named) bool { return o.Path == n.Path }) {
			return
		}
		info, err := os.Stat(n.Path)
		if n.There = err == nil && info.Mode().IsRegular() && info.Size() > 0; n.There {
			n.Home = c.home(n.Name, n.Path)
		}
		all = append(all, n)
	})
	return all, nil
}

// holding is what belongs into the file of a path.
func holding(path string) string {
	key := last(path)
	switch {
	case holds[key] != "":
		return holds[key]
	case key == "password_file" && within(path, "status"):
		return HoldsPassword
	}
	return HoldsSecret
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
	if base := filepath.Base(home); base == ".." || base == "/" {
		return false, true
	}
	if !filepath.IsAbs(home) && !strings.HasPrefix(home, "../") {
		return true, false
	}
	for _, n := range named {
		lone := filepath.Base(n.Name) == n.Name // no way out of the credential store
		if home == n.Name || lone && (home == filepath.Join(credStore, n.Name) || home == filepath.Join(credStore, "edgeagent."+n.Name)) {
			return true, true
		}
	}
	return false, true
}
