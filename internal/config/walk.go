package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// checker collects what is wrong and knows where everything stands.
type checker struct {
	file     string
	lines    []string
	at       map[string]ast.Node // path such as "devices[0].keycard.port" -> its value
	keys     map[string]ast.Node // the same path -> its key
	problems Problems
	faults   []string // paths whose shape is wrong
}

// add reports a problem at a path; a path that is not in the file stands for
// the nearest section around it.
func (c *checker) add(path, format string, args ...any) *Problem {
	p := Problem{File: c.file, Message: fmt.Sprintf(format, args...)}
	for near := path; ; near = parent(near) {
		node, ok := c.at[near]
		if key, has := c.keys[near]; has && near != path {
			node = key // of a section, point at its name
		}
		if ok {
			pos := node.GetToken().Position
			p.Line, p.Column, p.Source = pos.Line, pos.Column, c.line(pos.Line)
		}
		if ok || near == "" {
			break
		}
	}
	c.problems = append(c.problems, p)
	return &c.problems[len(c.problems)-1]
}

func (c *checker) line(n int) string {
	if n < 1 || n > len(c.lines) {
		return ""
	}
	return strings.TrimRight(c.lines[n-1], "\r")
}

func parent(path string) string {
	if i := strings.LastIndexAny(path, ".["); i >= 0 {
		return path[:i]
	}
	return ""
}

func (c *checker) fault(path, format string, args ...any) {
	c.faults = append(c.faults, path)
	c.add(path, format, args...)
}

// faulty reports whether the shape of anything below the path is wrong.
func (c *checker) faulty(path string) bool {
	return slices.ContainsFunc(c.faults, func(f string) bool {
		return f == path || strings.HasPrefix(f, path+".") || strings.HasPrefix(f, path+"[")
	})
}

// count is the length of the list at a path.
func (c *checker) count(path string) int {
	if list, ok := c.at[path].(*ast.SequenceNode); ok {
		return len(list.Values)
	}
	return 0
}

// walk compares the tree with the types of File.
func (c *checker) walk(root ast.Node) {
	c.keys = map[string]ast.Node{}
	c.shape(root, reflect.TypeFor[File](), "", "the property file")
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	ownYAML      = []reflect.Type{
		reflect.TypeFor[yaml.BytesUnmarshaler](), reflect.TypeFor[yaml.InterfaceUnmarshaler](), reflect.TypeFor[yaml.NodeUnmarshaler](),
	}
)

// shape checks a value against the type that it is for.
func (c *checker) shape(node ast.Node, t reflect.Type, path, what string) {
	if anchor, ok := node.(*ast.AnchorNode); ok {
		node = anchor.Value
	}
	c.at[path] = node
	if _, null := node.(*ast.NullNode); null {
		return
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if slices.ContainsFunc(ownYAML, reflect.PointerTo(t).Implements) {
		c.own(node, t, path)
		return
	}
	switch {
	case t == durationType:
		c.duration(node, path)
	case t.Kind() == reflect.Struct:
		c.structure(node, t, path, what)
	case t.Kind() == reflect.Slice:
		c.list(node, t, path)
	case t.Kind() == reflect.Map:
		c.mapping(node, t, path)
	default:
		c.scalar(node, t, path)
	}
}

func (c *checker) structure(node ast.Node, t reflect.Type, path, what string) {
	entries, ok := mappingEntries(node)
	if !ok {
		c.fault(path, "%s must be a section with keys: %s", what, strings.Join(fieldNames(t), ", "))
		return
	}
	for _, entry := range entries {
		name := entry.Key.GetToken().Value
		at := join(path, name)
		field, ok := fieldOf(t, name)
		if !ok {
			c.at[at] = entry.Key
			c.fault(at, "unknown key %q in %s; %s", name, what, didYouMean(name, fieldNames(t)))
			continue
		}
		c.keys[at] = entry.Key
		c.shape(entry.Value, field.Type, at, name)
	}
}

func (c *checker) list(node ast.Node, t reflect.Type, path string) {
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		c.fault(path, "%s must be a list; begin each entry with \"- \"", last(path))
		return
	}
	for i, v := range list.Values {
		c.shape(v, t.Elem(), fmt.Sprintf("%s[%d]", path, i), "an entry of "+last(path))
	}
}

func (c *checker) mapping(node ast.Node, t reflect.Type, path string) {
	entries, ok := mappingEntries(node)
	if !ok {
		c.fault(path, "%s must be a section of names and values", last(path))
		return
	}
	for _, entry := range entries {
		at := join(path, entry.Key.GetToken().Value)
		c.keys[at] = entry.Key
		c.shape(entry.Value, t.Elem(), at, last(path))
	}
}

// own lets a type with its own YAML form judge.
func (c *checker) own(node ast.Node, t reflect.Type, path string) {
	if err := yaml.NodeToValue(node, reflect.New(t).Interface()); err != nil {
		message := err.Error()
		if at, ok := err.(yaml.Error); ok {
			message = at.GetMessage()
		}
		c.fault(path, "%s: %s", last(path), message)
	}
}

func (c *checker) duration(node ast.Node, path string) {
	text := node.GetToken().Value
	if d, err := time.ParseDuration(text); err != nil || d < 0 {
		c.fault(path, "%s must be a length of time such as 30s, 10m or 2h, not %q", last(path), text)
	}
}

func (c *checker) scalar(node ast.Node, t reflect.Type, path string) {
	scalar, ok := node.(ast.ScalarNode)
	if !ok {
		c.fault(path, "%s must be a single value", last(path))
		return
	}
	target := reflect.New(t)
	if err := yaml.NodeToValue(scalar, target.Interface()); err != nil {
		c.fault(path, "%s must be %s, not %q", last(path), kindName(t), node.GetToken().Value)
		return
	}
	if t.Kind() == reflect.Bool {
		if _, ok := node.(*ast.BoolNode); !ok {
			c.fault(path, "%s must be true or false, not %q", last(path), node.GetToken().Value)
		}
	}
}

func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	case reflect.Float32, reflect.Float64:
		return "a number"
	}
	return "a whole number"
}

func mappingEntries(node ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

func fieldOf(t reflect.Type, name string) (reflect.StructField, bool) {
	for _, f := range reflect.VisibleFields(t) {
		if yamlName(f) == name {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

func fieldNames(t reflect.Type) []string {
	var names []string
	for _, f := range reflect.VisibleFields(t) {
		if name := yamlName(f); name != "" {
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

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// last is the name at the end of a path, without list positions.
func last(path string) string {
	name := path[strings.LastIndex(path, ".")+1:]
	if i := strings.IndexByte(name, '['); i >= 0 {
		name = name[:i]
	}
	return name
}

// didYouMean names the nearest of the possible words, or all of them.
func didYouMean(word string, possible []string) string {
	best, distance := "", 3
	for _, p := range possible {
		if d := editDistance(strings.ToLower(word), p); d < distance {
			best, distance = p, d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return "it knows " + strings.Join(possible, ", ")
}

// editDistance is Levenshtein's.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost++
			}
			before = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
