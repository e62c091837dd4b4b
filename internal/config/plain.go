package config

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxUnwanted is beside how many anchors, tags and so on the rest of a file is
// read. The parser's work grows with them.
const maxUnwanted = 100

// tree reads the text as YAML, beside what a property file cannot have: that is
// reported, and the rest is read all the same, so that all faults are told at once.
func (c *checker) tree(text string) (*ast.File, bool) {
	tokens := lexer.Tokenize(text)
	if !c.bounded(tokens) {
		return nil, false
	}
	if n := c.unwanted(tokens); n > maxUnwanted {
		return nil, false
	}
	tree, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey()) // duplicates reports them, all
	switch {
	case err == nil:
		return tree, true
	case c.tabs():
		return c.spaced()
	case len(c.problems) == 0: // else it comes of those, as likely as not
		c.syntax(err)
	}
	return nil, false
}

// spaced reads the text as if spaces stood for the tabs that indent lines: how
// many is tried, since each editor shows another number.
func (c *checker) spaced() (*ast.File, bool) {
	for _, width := range []int{2, 4, 8} {
		lines := make([]string, len(c.lines))
		for i, line := range c.lines {
			indent, rest := indentOf(line)
			lines[i] = strings.ReplaceAll(indent, "\t", strings.Repeat(" ", width)) + rest
		}
		tokens := lexer.Tokenize(strings.Join(lines, "\n"))
		if t, _ := tooMuch(tokens); t != nil {
			continue
		}
		if tree, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey()); err == nil {
			c.tab = width
			return tree, true
		}
	}
	return nil, false
}

func indentOf(line string) (indent, rest string) {
	rest = strings.TrimLeft(line, " \t")
	return line[:len(line)-len(rest)], rest
}

// unwanted reports what a property file has no use for: anchors and aliases, tags,
// several documents. It tells how many there are.
func (c *checker) unwanted(tokens token.Tokens) int {
	n, begun := 0, false
	for _, t := range tokens {
		if message := unwanted(t, begun); message != "" {
			c.report(c.located(t, message))
			n++
		}
		begun = begun || t.Type != token.CommentType
	}
	return n
}

// unwanted says why a kind of token cannot stand in a property file, "" if it can;
// begun says that something stands before it.
func unwanted(t *token.Token, begun bool) string {
	sign := short(strings.TrimSpace(cmp.Or(t.Value, t.Origin)))
	switch t.Type {
	case token.AnchorType:
		return "& names a YAML anchor, which a property file cannot have; remove it and its name, or put quotes around the whole value if it is text"
	case token.AliasType:
		return "* stands for a YAML anchor, which a property file cannot have; write the value itself, or put quotes around it if it is text"
	case token.MergeKeyType:
		return "<< merges YAML sections, which a property file cannot have; write the settings out"
	case token.TagType:
		return fmt.Sprintf("%s is a YAML tag, which a property file cannot have; put quotes around the whole value if that is meant, as in %q, or remove it", sign, sign)
	case token.MappingKeyType:
		return "? begins a YAML key of its own kind; put quotes around the text"
	case token.DirectiveType, token.DocumentEndType:
		return fmt.Sprintf("%s: a property file is one plain YAML document; remove this line", sign)
	case token.DocumentHeaderType:
		if begun {
			return "--- begins a second document; a property file is one, remove this line"
		}
	}
	return ""
}

// plain takes out of a tree what has been reported: names and tags go, what they
// stand at stays.
func plain(node ast.Node) ast.Node {
	switch n := node.(type) {
	case *ast.AnchorNode:
		if n.Value != nil {
			return plain(n.Value)
		}
	case *ast.TagNode:
		if n.Value != nil {
			return plain(n.Value)
		}
	case *ast.SequenceNode:
		for i := range n.Values {
			n.Values[i] = plain(n.Values[i])
		}
	case *ast.MappingNode:
		for _, entry := range n.Values {
			plain(entry)
		}
	case *ast.MappingValueNode:
		if key, ok := plain(n.Key).(ast.MapKeyNode); ok {
			n.Key = key
		}
		n.Value = plain(n.Value)
	}
	return node
}

// together is the one document that several become without the lines between them;
// false if they do not fit together.
func together(docs []*ast.DocumentNode) (ast.Node, bool) {
	root := plain(docs[0].Body)
	all, ok := root.(*ast.MappingNode)
	for _, doc := range docs[1:] {
		if doc.Body == nil {
			continue
		}
		more, fits := entriesOf(plain(doc.Body))
		if ok = ok && fits; ok {
			all.Values = append(all.Values, more...)
		}
	}
	return root, ok || len(docs) == 1
}

// hollow reports whether a value, or something in it, is none that can be read: an
// alias, a tag without a value, a key of a kind that a property file cannot have.
func hollow(node ast.Node) bool {
	switch n := node.(type) {
	case *ast.AliasNode, *ast.AnchorNode, *ast.TagNode, *ast.MergeKeyNode, *ast.MappingKeyNode:
		return true
	case *ast.SequenceNode:
		for _, item := range n.Values {
			if hollow(item) {
				return true
			}
		}
	}
	entries, _ := entriesOf(node)
	for _, entry := range entries {
		if hollow(entry.Key) || hollow(entry.Value) {
			return true
		}
	}
	return false
}

func entriesOf(node ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// keyText is a key as it is spelled.
func keyText(entry *ast.MappingValueNode) string { return entry.Key.GetToken().Value }

// textOf is a single value as it is spelled.
func textOf(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.LiteralNode:
		return strings.TrimRight(n.Value.Value, "\n"), true
	case *ast.StringNode:
		return n.Value, true
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}
