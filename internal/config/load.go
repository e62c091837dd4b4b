package config

import (
	"errors"
	"fmt"
	"reflect"
)

// Load reads, checks and completes a property file. Problems hold everything
// that is wrong; the file is usable unless they are Fatal. Of a file with
// faults it gives what could be read, nil if that is nothing.
func Load(path string) (*Loaded, Problems) {
	text, err := read(path)
	if err != nil {
		return nil, Problems{{File: path, Message: err.Error()}}
	}
	return Parse(path, text)
}

// Parse is Load for text that is already there; path is for messages and for
// relative file names.
func Parse(path string, text []byte) (*Loaded, Problems) {
	c := newChecker(path)
	loaded := &Loaded{Path: path}
	if !c.decode(text, &loaded.File) {
		return nil, c.sorted()
	}
	loaded.defaults()
	c.property(loaded)
	c.settings(loaded)
	c.links(loaded)
	c.devices(loaded)
	c.files(loaded)
	c.page(loaded)
	c.rules(loaded)
	return loaded, c.sorted()
}

// Peek reads what can be read of a property file and checks none of it: for a
// verb that must do its work whatever else is wrong, and look at nothing else.
func Peek(path string) (*File, error) {
	text, err := read(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f, c := &File{}, newChecker(path)
	if !c.decode(text, f) {
		return nil, errors.New(c.sorted()[0].String())
	}
	return f, nil
}

// decode fills the file from the text, as far as its shape is right. It is
// false if the text is no property file at all.
func (c *checker) decode(text []byte, f *File) bool {
	root, ok := c.parse(text)
	if !ok {
		return false
	}
	c.duplicates(root)
	c.fill(root, reflect.ValueOf(f).Elem(), "", "the property file")
	return true
}
