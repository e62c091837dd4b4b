package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// checker collects what is wrong and knows where everything stands.
type checker struct {
	file     string
	lines    []string
	at       map[string]ast.Node // path such as "devices[0].keycard.port" -> its value
	keys     map[string]ast.Node // the same path -> its key
	problems Problems
	more     int             // problems beyond maxProblems
	said     map[string]bool // paths that have a problem
	faults   []string        // paths whose shape is wrong
	where    map[int]string  // the paths of the problems, by their place in the list
	open     map[string]bool // secret files of which it was told that others can read them
	store    string          // credStore, but for a test
	tab      int             // for how many spaces a tab was taken that indents a line
}

func newChecker(file string) *checker {
	return &checker{file: file, at: map[string]ast.Node{}, keys: map[string]ast.Node{}, said: map[string]bool{}, where: map[int]string{}, open: map[string]bool{}, store: credStore}
}

// add reports a problem at a path, unless the shape of what stands there is
// wrong: then all else that is said about it would only mislead. A path that is
// not in the file stands for the nearest section around it.
func (c *checker) add(path, format string, args ...any) *Problem {
	if c.shadowed(path) {
		return &Problem{}
	}
	return c.tell(path, format, args...)
}

// addAt is add, of a path's key if the problem is about that.
func (c *checker) addAt(path string, atKey bool, format string, args ...any) *Problem {
	key := c.keys[path]
	if !atKey || key == nil || c.shadowed(path) {
		return c.add(path, format, args...)
	}
	c.said[path] = true
	return c.report(c.located(key.GetToken(), fmt.Sprintf(format, args...)))
}

func (c *checker) tell(path, format string, args ...any) *Problem {
	c.said[path], c.where[len(c.problems)] = true, path
	message := fmt.Sprintf(format, args...)
	for near := path; near != ""; near = parent(near) {
		node, ok := c.at[near]
		if !ok {
			continue
		}
		key := c.keys[near]
		if key != nil && (near != path || !isSingle(node)) {
			node = key // of a section, point at its name
		}
		return c.report(c.located(start(node), message))
	}
	return c.report(Problem{Line: 1, Column: 1, Message: message}) // it stands nowhere, so it belongs to the whole file
}

// located is a problem at a token.
func (c *checker) located(t *token.Token, message string) Problem {
	line := min(max(t.Position.Line, 1), max(len(c.lines), 1))
	p := Problem{Line: line, Column: max(t.Position.Column, 1), Message: message}
	if line <= len(c.lines) {
		p.Source = c.lines[line-1]
		if indent, _ := indentOf(p.Source); c.tab > 0 {
			p.Column = max(p.Column-strings.Count(indent, "\t")*(c.tab-1), 1)
		}
		p.Column = min(p.Column, len([]rune(p.Source))+1)
	}
	return p
}

// line is where a path stands in the file, 0 if it is not there.
func (c *checker) line(path string) int {
	if node := c.at[path]; node != nil {
		return node.GetToken().Position.Line
	}
	return 0
}

// isSingle reports whether a node is one value that can be pointed at.
func isSingle(node ast.Node) bool {
	_, ok := textOf(node)
	return ok
}

// start is the token at which a node begins.
func start(node ast.Node) *token.Token {
	if entries, ok := entriesOf(node); ok && len(entries) > 0 {
		if m, flow := node.(*ast.MappingNode); !flow || !m.IsFlowStyle {
			return entries[0].Key.GetToken()
		}
	}
	return node.GetToken()
}

// fault reports that the shape of what stands at a path is wrong.
func (c *checker) fault(path, format string, args ...any) {
	c.tell(path, format, args...)
	c.spoil(path)
}

// spoil marks a shape as wrong whose problem is told elsewhere.
func (c *checker) spoil(path string) {
	if len(c.faults) < maxProblems {
		c.faults = append(c.faults, path)
	}
}

// shadowed reports whether the shape of what stands at a path, of something in
// it or of a section around it is wrong.
func (c *checker) shadowed(path string) bool {
	return slices.ContainsFunc(c.faults, func(f string) bool { return within(f, path) || within(path, f) })
}

// sound reports whether nothing is wrong at a path or inside it; warnings do not count.
func (c *checker) sound(path string) bool {
	for i, p := range c.problems {
		if !p.Warning && within(c.where[i], path) {
			return false
		}
	}
	return c.more == 0 && !c.shadowed(path)
}

// within reports whether a path is, or is inside, another.
func within(path, around string) bool {
	rest, ok := strings.CutPrefix(path, around)
	return ok && (rest == "" || around == "" || rest[0] == '.' || rest[0] == '[')
}

// parent is the path of the section or list around.
func parent(path string) string {
	if i := strings.LastIndexAny(path, ".["); i >= 0 {
		return path[:i]
	}
	return ""
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
	return short(name)
}
