package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// fill sets a value from its node, and reports what does not fit. What does
// not fit stays unset; everything around it is filled and checked all the same.
func (c *checker) fill(node ast.Node, v reflect.Value, path, what string) {
	c.at[path] = node
	switch node.(type) {
	case *ast.AliasNode, *ast.AnchorNode, *ast.TagNode:
		c.spoil(path) // that it cannot stand there has been told
		return
	}
	if own, ok := v.Addr().Interface().(yaml.NodeUnmarshaler); ok {
		c.own(node, own, path)
		return
	}
	pointer := v.Kind() == reflect.Pointer
	if _, null := node.(*ast.NullNode); null {
		// As if it were left out; but a section that is there, if without
		// settings, says itself what it lacks.
		if pointer && v.Type().Elem().Kind() == reflect.Struct && node.GetToken().Type == token.ImplicitNullType {
			v.Set(reflect.New(v.Type().Elem()))
		}
		return
	}
	if pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch {
	case v.Type() == reflect.TypeFor[time.Duration]():
		c.duration(node, v, path)
	case v.Kind() == reflect.Struct:
		c.structure(node, v, path, what)
	case v.Kind() == reflect.Slice:
		c.list(node, v, path)
	case v.Kind() == reflect.Map:
		c.mapping(node, v, path)
	default:
		c.scalar(node, v, path)
	}
}

func (c *checker) structure(node ast.Node, v reflect.Value, path, what string) {
	entries, ok := entriesOf(node)
	names := fieldNames(v.Type())
	if !ok {
		c.fault(path, "%s must be a section, with keys such as %s, each on a line of its own", what, either(names[:min(len(names), 4)]))
		return
	}
	given := map[string]bool{}
	for _, entry := range entries {
		given[keyText(entry)] = true
	}
	for _, entry := range entries {
		if hollow(entry.Key) {
			c.spoil(path) // what it brings is not known
			continue
		}
		name := keyText(entry)
		if !slices.Contains(names, name) {
			meant, readable := c.unknownKey(entry, names, path, what)
			if !readable || given[meant] {
				continue
			}
			// Taken as meant, so that its lack is not reported as well.
			name = meant
		}
		at := join(path, name)
		c.keys[at] = entry.Key
		c.fill(entry.Value, fieldOf(v, name), at, name)
	}
}

// unknownKey reports a key that a section does not know. It gives the key
// that was probably meant, and whether its value can be read as that.
func (c *checker) unknownKey(entry *ast.MappingValueNode, names []string, path, what string) (meant string, readable bool) {
	name := keyText(entry)
	at := join(path, name)
	c.at[at], c.keys[at] = entry.Key, entry.Key
	if secretKey.MatchString(name) {
		file := nearest(name+"_file", names)
		if file == "" {
			c.fault(at, "unknown key %q in %s, which %s; and a secret stands in a file of its own, never in this one", short(name), what, known(names))
			return "", false
		}
		c.fault(at, "a secret cannot stand here; write it into a file of its own (mode 0600), and here %s: with the name of that file", file)
		c.spoil(join(path, file))
		return "", false
	}
	meant = nearest(name, names)
	if meant == "" {
		c.fault(at, "unknown key %q in %s, which %s", short(name), what, known(names))
		return "", false
	}
	c.fault(at, "unknown key %q in %s; did you mean %q?", name, what, meant)
	return meant, true
}

func (c *checker) list(node ast.Node, v reflect.Value, path string) {
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		how := "begin each entry with \"- \""
		if v.Type().Elem().Kind() == reflect.String {
			how = "write it in brackets, such as [A, B]"
		}
		c.fault(path, "%s must be a list; %s", last(path), how)
		return
	}
	entry := "each entry of " + last(path)
	if what, ok := entryNames[last(path)]; ok {
		entry = what
	}
	v.Set(reflect.MakeSlice(v.Type(), len(list.Values), len(list.Values)))
	for i, item := range list.Values {
		c.fill(item, v.Index(i), fmt.Sprintf("%s[%d]", path, i), entry)
	}
}

// entryNames are what installers call the entries of a list.
var entryNames = map[string]string{
	"devices": "a device", "pms": "a PMS link", "rules": "a rule", "do": "a step",
	"users": "a user", "tests": "a test", "expect": "an expected command",
}

func (c *checker) mapping(node ast.Node, v reflect.Value, path string) {
	entries, ok := entriesOf(node)
	if !ok {
		c.fault(path, "%s must be a section of names and values, one on each line", last(path))
		return
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(entries)))
	for _, entry := range entries {
		if hollow(entry.Key) {
			c.spoil(path)
			continue
		}
		name := keyText(entry)
		at := join(path, name)
		c.keys[at] = entry.Key
		value := reflect.New(v.Type().Elem()).Elem()
		c.fill(entry.Value, value, at, short(name))
		v.SetMapIndex(reflect.ValueOf(name), value)
		// Some sections quote a name that would not read as part of a path.
		quoted := join(path, "'"+strings.ReplaceAll(name, "'", "''")+"'")
		c.at[quoted], c.keys[quoted] = c.at[at], entry.Key
	}
}

// own lets a type with its own YAML form read itself.
func (c *checker) own(node ast.Node, v yaml.NodeUnmarshaler, path string) {
	if entries, ok := entriesOf(node); ok {
		for _, entry := range entries {
			at := join(path, keyText(entry))
			c.keys[at], c.at[at] = entry.Key, entry.Value
		}
	}
	if list, ok := node.(*ast.SequenceNode); ok {
		for i, item := range list.Values {
			c.at[fmt.Sprintf("%s[%d]", path, i)] = item
		}
	}
	if hollow(node) {
		c.spoil(path) // that has been told
		return
	}
	err := v.UnmarshalYAML(node)
	if err == nil {
		return
	}
	c.spoil(path)
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil {
		message := at.GetMessage()
		if !strings.HasPrefix(message, last(path)) {
			message = last(path) + ": " + message
		}
		c.report(c.located(at.GetToken(), message))
		return
	}
	c.add(path, "%s: %v", last(path), err)
}

func (c *checker) duration(node ast.Node, v reflect.Value, path string) {
	text, ok := textOf(node)
	if !ok {
		c.fault(path, "%s must be a length of time such as 30s, 10m or 2h", last(path))
		return
	}
	d, err := time.ParseDuration(text)
	_, unitless := node.(*ast.IntegerNode)
	switch {
	case err != nil && unitless:
		c.fault(path, "%s needs a unit: write %ss, %sm or %sh", last(path), short(text), short(text), short(text))
	case err != nil:
		c.fault(path, "%s must be a length of time such as 30s, 10m or 2h, not %q", last(path), short(text))
	case d < 0:
		c.fault(path, "%s cannot be negative: write a length of time such as 30s, 10m or 2h", last(path))
	default:
		v.SetInt(int64(d))
	}
}

func (c *checker) scalar(node ast.Node, v reflect.Value, path string) {
	text, ok := textOf(node)
	if !ok {
		c.fault(path, "%s must be %s, not a section or list", last(path), kindName(v.Kind()))
		return
	}
	if len(text) > maxText {
		c.fault(path, "%s is a text of %d bytes, and at most %d are possible", last(path), len(text), maxText)
		return
	}
	fits := false
	switch v.Kind() {
	case reflect.String:
		// Numbers count as they are spelled: a code 0101 keeps its zero.
		if flag, isFlag := node.(*ast.BoolNode); isFlag {
			c.fault(path, "%s must be text; put quotes around it if that is meant: %q", last(path), flag.GetToken().Value)
			return
		}
		v.SetString(text)
		return
	case reflect.Bool:
		if flag, isFlag := node.(*ast.BoolNode); isFlag {
			v.SetBool(flag.Value)
			return
		}
	case reflect.Int:
		n, err := strconv.ParseInt(text, 10, 32)
		if errors.Is(err, strconv.ErrRange) {
			c.fault(path, "%s %s is far out of range", last(path), short(text))
			return
		}
		if _, number := node.(*ast.IntegerNode); number && err == nil {
			v.SetInt(n)
			fits = true
		}
	}
	if !fits {
		c.fault(path, "%s must be %s, not %q", last(path), kindName(v.Kind()), short(text))
	}
}

func kindName(k reflect.Kind) string {
	switch k {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	}
	return "text"
}

// duplicates reports every key that a section has twice, wherever it is.
func (c *checker) duplicates(node ast.Node) {
	if list, ok := node.(*ast.SequenceNode); ok {
		for _, item := range list.Values {
			c.duplicates(item)
		}
		return
	}
	entries, _ := entriesOf(node)
	first := make(map[string]int, len(entries))
	for _, entry := range entries {
		name := keyText(entry)
		if hollow(entry.Key) {
			continue
		}
		if line, twice := first[name]; twice {
			c.report(c.located(entry.Key.GetToken(), fmt.Sprintf("%q is given twice, first in line %d; remove one", short(name), line)))
		} else {
			first[name] = entry.Key.GetToken().Position.Line
		}
		c.duplicates(entry.Value)
	}
}

// fieldOf is the field of a struct that has the name in YAML.
func fieldOf(v reflect.Value, name string) reflect.Value {
	for i := range v.NumField() {
		if yamlName(v.Type().Field(i)) == name {
			return v.Field(i)
		}
	}
	return reflect.Value{}
}

func fieldNames(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		if name := yamlName(t.Field(i)); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func yamlName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	if name == "-" {
		return ""
	}
	return name
}
