package config

import (
	"os"
	"reflect"
	"slices"
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
	There bool
}

// What a file holds that a property file names.
const (
	HoldsSecret      = "secret"
	HoldsPassword    = "password"
	HoldsCertificate = "certificate"
	HoldsKey         = "private key"
)

// Files are those that the text of a property file names, each once. A text with
// faults names what can be read of it.
func Files(path string, text []byte) []Named {
	c, f := newChecker(path), &File{}
	if !c.decode(text, f) {
		return nil
	}
	var all []Named
	eachFile(reflect.ValueOf(f).Elem(), "", func(v reflect.Value, at string) {
		n := Named{Key: at, Name: v.String(), Holds: holding(at)}
		_, n.Path = c.fileAt(n.Name, at)
		if slices.ContainsFunc(all, func(o Named) bool { return o.Path == n.Path }) {
			return
		}
		info, err := os.Stat(n.Path)
		n.There = err == nil && info.Mode().IsRegular() && info.Size() > 0
		all = append(all, n)
	})
	return all
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
