package config

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxFile bounds a property file, in bytes.
const maxFile = 1 << 20

// Load reads, checks and completes a property file. Problems hold everything
// that is wrong; the file is usable unless they are Fatal.
func Load(path string) (*Loaded, Problems) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, Problems{{File: path, Message: "no such property file; write one, or name another with --config"}}
	}
	if info.IsDir() {
		return nil, Problems{{File: path, Message: "this is a folder; name the property file in it with --config"}}
	}
	if info.Size() > maxFile {
		return nil, Problems{{File: path, Message: fmt.Sprintf("%d bytes are too many for a property file; at most 1 MiB", info.Size())}}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, Problems{{File: path, Message: "cannot be read: " + errors.Unwrap(err).Error()}}
	}
	return Parse(path, text)
}

// Parse is Load for text that is already there; path is for messages and for
// relative file names.
func Parse(path string, text []byte) (*Loaded, Problems) {
	c := &checker{file: path, lines: strings.Split(string(text), "\n"), at: map[string]ast.Node{}}
	root, ok := c.parse(text)
	if !ok {
		return nil, c.problems
	}
	c.walk(root)
	loaded := &Loaded{Path: path}
	c.decode(root, &loaded.File)
	loaded.defaults()
	c.property(loaded)
	c.links(loaded)
	c.devices(loaded)
	c.files(loaded)
	c.rules(loaded)
	return loaded, c.problems.sort()
}

// parse turns the text into a tree.
func (c *checker) parse(text []byte) (ast.Node, bool) {
	if len(text) > maxFile {
		c.add("", "the file is too long; at most 1 MiB")
		return nil, false
	}
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		c.syntax(err)
		return nil, false
	}
	if len(tree.Docs) != 1 || tree.Docs[0].Body == nil {
		c.problems = append(c.problems, Problem{File: c.file, Message: "the file is empty; begin with the sample in the documentation"})
		return nil, false
	}
	return tree.Docs[0].Body, true
}

// decode fills the file, section by section, so that one bad value does not
// hide the others. Shapes were checked before; what fails here failed there.
func (c *checker) decode(root ast.Node, f *File) {
	if len(c.problems) == 0 {
		if err := yaml.NodeToValue(root, f); err != nil {
			c.syntax(err)
		}
		return
	}
	c.salvage(root, f)
}

// salvage decodes what can be decoded of a file with faults.
func (c *checker) salvage(root ast.Node, f *File) {
	for key, target := range map[string]any{
		"property": &f.Property, "store": &f.Store, "status": &f.Status, "log": &f.Log,
		"freshness_window": &f.Freshness, "patience": &f.Patience,
	} {
		if node := c.at[key]; node != nil && !c.faulty(key) {
			_ = yaml.NodeToValue(node, target) // its faults are reported already
		}
	}
	for i := range c.count("pms") {
		var link PMS
		c.part(fmt.Sprintf("pms[%d]", i), &link, &link.Name)
		f.PMS = append(f.PMS, link)
	}
	for i := range c.count("devices") {
		var device Device
		c.part(fmt.Sprintf("devices[%d]", i), &device, &device.Name)
		f.Devices = append(f.Devices, device)
	}
	if node := c.at["rules"]; node != nil && !c.faulty("rules") {
		_ = yaml.NodeToValue(node, &f.Rules)
	}
}

// part decodes one link or device; a faulty one keeps its name, so that
// others that refer to it are not reported as well.
func (c *checker) part(path string, whole any, name *string) {
	if !c.faulty(path) {
		_ = yaml.NodeToValue(c.at[path], whole)
		return
	}
	if node, ok := c.at[path+".name"]; ok {
		_ = yaml.NodeToValue(node, name)
	}
}

// syntax reports an error of the YAML library at its place.
func (c *checker) syntax(err error) {
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil {
		pos := at.GetToken().Position
		c.problems = append(c.problems, Problem{
			File: c.file, Line: pos.Line, Column: pos.Column, Message: "this is not YAML: " + at.GetMessage(), Source: c.line(pos.Line),
		})
		return
	}
	c.problems = append(c.problems, Problem{File: c.file, Message: "this is not YAML: " + err.Error()})
}
