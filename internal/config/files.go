package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

// Bounds of the files that a property file names, in bytes. A bundle of the
// world's certificate authorities has some 220 KB.
const (
	maxSecret = 64 << 10
	maxPEM    = 1 << 20
)

// maxSocketPath is what the kernel takes for the path of a Unix socket (unix(7)).
const maxSocketPath = 107

// DefaultStore is where a gateway has its store.
const DefaultStore = "/var/lib/edgeagent/store.db"

// files makes the names of files absolute, and checks that each is there. A
// relative one is looked for among systemd's credentials first, or where systemd takes
// them from, then beside the property file.
func (c *checker) files(l *Loaded) {
	l.Store = beside(l.Path, l.Store)
	if l.Status.Socket == "" {
		l.Status.Socket = socketFor(l.Store)
	}
	l.Status.Socket = beside(l.Path, l.Status.Socket)
	c.ownFiles(l)
	eachFile(reflect.ValueOf(&l.File).Elem(), "", c.fileOf)
}

// socketFor is where the control socket is unless the property file says: beside
// the store, so that two agents on a bench have one each, but for the store of a
// gateway. There it is where sockets belong, in memory.
func socketFor(store string) string {
	if store == DefaultStore {
		return "/run/edgeagent/control.sock"
	}
	return filepath.Join(filepath.Dir(store), "control.sock")
}

// eachFile visits the name of each file in a part of a property file.
func eachFile(v reflect.Value, path string, visit func(name reflect.Value, path string)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			eachFile(v.Elem(), path, visit)
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachFile(v.Index(i), fmt.Sprintf("%s[%d]", path, i), visit)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i)
			key := yamlName(field)
			at := join(path, key)
			switch {
			case key == "" || !field.IsExported():
			case strings.HasSuffix(key, "_file") && field.Type.Kind() == reflect.String:
				if v.Field(i).String() != "" {
					visit(v.Field(i), at)
				}
			default:
				eachFile(v.Field(i), at, visit)
			}
		}
	}
}

// fileAt is where a file is that a property file names, or is to be put: as the
// installer knows it, and in full.
func (c *checker) fileAt(given, path string) (shown, full string) {
	if filepath.IsAbs(given) {
		return given, given
	}
	shown, full = filepath.Join(filepath.Dir(c.file), given), beside(c.file, given)
	if lent := c.credential(given); lent != "" {
		return lent, lent
	}
	if !public(last(path)) {
		return c.wanting(given, shown, full)
	}
	return shown, full
}

// fileOf resolves and checks one file that the property file names.
func (c *checker) fileOf(v reflect.Value, path string) {
	given := v.String()
	shown, full := c.fileAt(given, path)
	v.SetString(full)
	key := last(path)
	if _, err := os.Stat(full); err != nil && !isFileName(given) {
		p := c.add(path, "%s: there is no such file, and what stands here is not shown, since it may be the secret itself; write the name of a file, such as %s, and the %s into that file",
			key, strings.ReplaceAll(strings.TrimSuffix(key, "_file"), "_", "-"), cmp.Or(holds[key], "value"))
		p.Missing, p.Source = true, ""
		return
	}
	if _, err := os.Stat(full); errors.Is(err, fs.ErrNotExist) && holds[key] != "" {
		c.add(path, "%s: there is no file %s; put the PEM file with the %s there, or name the one that is", key, shown, holds[key]).Missing = true
		return
	}
	most := int64(maxSecret)
	if holds[key] != "" {
		most = maxPEM
	}
	if text := fileProblem(full, shown, most); text != "" {
		if holds[key] != "" {
			text = strings.Replace(text, "put the value into it", "put the "+holds[key]+" into it, in PEM form", 1)
		}
		if key == "password_file" && within(path, "status") {
			text = strings.NewReplacer("make it (mode 0600) and put the value into it", "run edgeagent password --file "+shown,
				"put the value into it", "run edgeagent password with a new file's name").Replace(text)
		}
		c.add(path, "%s: %s", key, text).Missing = true
		return
	}
	if text := contentProblem(key, full, shown); text != "" {
		c.add(path, "%s: %s", key, text)
		return
	}
	if !public(key) && !lent(full) && !c.open[full] && !c.shadowed(path) {
		if info, err := os.Stat(full); err == nil && info.Mode().Perm()&0o077 != 0 {
			c.open[full] = true
			c.add(path, "%s: others on this machine can read the file %s; run chmod 600 %s", key, shown, shown).Warning = true
		}
	}
}

// credStore is where the service's secrets lie, of which systemd lends it copies.
// Whoever runs check or probe by hand must read the same ones.
const credStore = "/etc/credstore"

// SecretsFolder is a folder beside the property file, of which the unit lends the
// service every file: /etc/edgeagent/secrets on a gateway.
const SecretsFolder = "secrets"

// credential is a secret that systemd keeps for the service, "" if there is none
// of that name. It has the name itself, or the one that systemd makes of it: with
// edgeagent. before it from the credential store, with edgeagent_ from a folder.
func (c *checker) credential(name string) string {
	var places []string
	if dir := os.Getenv("CREDENTIALS_DIRECTORY"); dir != "" {
		places = []string{filepath.Join(dir, name), filepath.Join(dir, "edgeagent."+name), filepath.Join(dir, "edgeagent_"+name)}
	} else {
		places = []string{filepath.Join(c.store, name), filepath.Join(c.store, "edgeagent."+name), beside(c.file, filepath.Join(SecretsFolder, name))}
	}
	for _, full := range places {
		if _, err := os.Stat(full); !errors.Is(err, fs.ErrNotExist) {
			return full
		}
	}
	return ""
}

// wanting says where a secret is to be put that is nowhere, and where to look
// for it: in the folder for secrets if there is one, which the service itself
// cannot look into. One beside the property file is taken too.
func (c *checker) wanting(name, shown, full string) (string, string) {
	dir := filepath.Join(filepath.Dir(c.file), SecretsFolder)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return shown, full
	}
	if _, err := os.Stat(full); err == nil {
		return shown, full
	}
	if lent := os.Getenv("CREDENTIALS_DIRECTORY"); lent != "" {
		return filepath.Join(dir, name), filepath.Join(lent, "edgeagent_"+name)
	}
	return filepath.Join(dir, name), beside(c.file, filepath.Join(SecretsFolder, name))
}

// holds is what stands in the files that are in PEM form; the others hold a
// secret on one line.
var holds = map[string]string{"ca_file": "certificate", "cert_file": "certificate", "key_file": "private key"}

// public reports whether everybody may read a file.
func public(key string) bool { return holds[key] == "certificate" }

// lent reports whether systemd made the file. It lends it to the service by an
// access list, which the mode shows as readable by a group.
func lent(full string) bool {
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	return dir != "" && strings.HasPrefix(full, filepath.Clean(dir)+string(filepath.Separator))
}

// fileProblem says why a file cannot be read, "" if it can.
func fileProblem(full, shown string, most int64) string {
	info, err := os.Stat(full)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("there is no file %s; make it (mode 0600) and put the value into it", shown)
	case err != nil:
		return fmt.Sprintf("the file %s cannot be looked at: %v", shown, reason(err))
	case info.IsDir():
		return fmt.Sprintf("%s is a folder; name the file in it", shown)
	case !info.Mode().IsRegular():
		return fmt.Sprintf("%s is no ordinary file", shown)
	case info.Size() == 0:
		return fmt.Sprintf("the file %s is empty; put the value into it", shown)
	case info.Size() > most:
		return fmt.Sprintf("the file %s has %d bytes, and at most %d are possible; is it another file?", shown, info.Size(), most)
	}
	f, err := os.Open(full)
	if err != nil {
		return fmt.Sprintf("the file %s cannot be read: %v; let this user read it, or check with sudo", shown, reason(err))
	}
	f.Close()
	return ""
}

func beside(file, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	full, err := filepath.Abs(filepath.Join(filepath.Dir(file), name))
	if err != nil {
		return name
	}
	return full
}

// Secret reads a secret by the file name that a loaded property file gives.
func Secret(file string) (string, error) {
	if text := fileProblem(file, file, maxSecret); text != "" {
		return "", errors.New(text)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("the file %s cannot be read: %w", file, reason(err))
	}
	secret := strings.TrimRight(string(text), "\r\n")
	if secret == "" {
		return "", fmt.Errorf("the file %s is empty; put the value into it", file)
	}
	return secret, nil
}
