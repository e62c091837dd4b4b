package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

// maxSecret bounds a secret file, in bytes.
const maxSecret = 64 << 10

// files makes the names of files absolute, and checks that each is there. A
// relative one is looked for among systemd's credentials first, then beside
// the property file.
func (c *checker) files(l *Loaded) {
	l.Store = beside(l.Path, l.Store)
	c.filesIn(reflect.ValueOf(&l.File).Elem(), l.Path, "")
}

func (c *checker) filesIn(v reflect.Value, property, path string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			c.filesIn(v.Elem(), property, path)
		}
	case reflect.Slice:
		for i := range v.Len() {
			c.filesIn(v.Index(i), property, fmt.Sprintf("%s[%d]", path, i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i)
			key := yamlName(field)
			at := join(path, key)
			switch {
			case key == "" || !field.IsExported():
			case strings.HasSuffix(key, "_file") && field.Type.Kind() == reflect.String:
				c.fileOf(v.Field(i), property, at)
			default:
				c.filesIn(v.Field(i), property, at)
			}
		}
	}
}

// fileOf resolves and checks one file that the property file names.
func (c *checker) fileOf(v reflect.Value, property, path string) {
	given := v.String()
	if given == "" {
		return
	}
	shown := given // as the installer knows it
	full := given
	if !filepath.IsAbs(given) {
		shown = filepath.Join(filepath.Dir(property), given)
		full = beside(property, given)
		if dir := os.Getenv("CREDENTIALS_DIRECTORY"); dir != "" {
			if _, err := os.Stat(filepath.Join(dir, given)); err == nil {
				full = filepath.Join(dir, given)
			}
		}
	}
	v.SetString(full)
	if text := fileProblem(full, shown); text != "" {
		c.add(path, "%s: %s", last(path), text).Missing = true
	}
}

// fileProblem says why a file cannot be read, "" if it can.
func fileProblem(full, shown string) string {
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
	case info.Size() > maxSecret:
		return fmt.Sprintf("the file %s has %d bytes, and at most %d are possible; is it another file?", shown, info.Size(), maxSecret)
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
	if text := fileProblem(file, file); text != "" {
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
