package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// Bounds of a property file. The YAML parser's work grows with the square of
// the nesting, of the length of a text and of the number of keys, so these are
// looked at before it starts; and its lexer takes hundreds of bytes for every sign
// and much more for a long line, where the setup page of a gateway has 96 MB in all.
const (
	maxFile   = 512 << 10 // bytes; a hotel of 500 rooms has some 50,000
	maxLines  = 20_000
	maxLine   = 8 << 10 // bytes of one line
	maxSigns  = 60_000  // brackets, braces, commas and colons, in texts too
	maxTokens = 30_000  // words and signs, some 10,000 settings
	maxText   = 4 << 10 // bytes of one text
	maxNested = 16
	maxColumn = 200 // of indentation
)

// read gives the text of a property file, of a bounded part of it if it is too long.
func read(path string) ([]byte, error) {
	// A pipe is not even opened: that would wait for whoever writes into it.
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return nil, errors.New("this is a folder; name the property file in it with --config")
	case err == nil && !info.Mode().IsRegular():
		return nil, errors.New("this is no ordinary file but a pipe or a device; write the property into a file and name that with --config")
	}
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("no such property file; write one, or name another with --config")
	case errors.Is(err, fs.ErrPermission):
		return nil, errors.New("this user may not read the property file; ask as root, with sudo; the agent itself needs it readable: chmod 644")
	case err != nil:
		return nil, fmt.Errorf("cannot be opened: %w", reason(err))
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", reason(err))
	}
	return text, nil
}

// reason is an error without the path, which stands before it already.
func reason(err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return at.Err
	}
	return err
}

// parse turns the text into a tree.
func (c *checker) parse(text []byte) (ast.Node, bool) {
	if len(text) > maxFile {
		c.report(Problem{Message: "the file is longer than 512 KiB, which no property file needs"})
		return nil, false
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // Windows editors write it
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	c.lines = strings.Split(string(text), "\n")
	if !c.readable() || !c.sized() {
		return nil, false
	}
	tree, ok := c.tree(string(text))
	if !ok {
		return nil, false
	}
	if len(tree.Docs) == 0 || tree.Docs[0].Body == nil {
		c.report(Problem{Line: 1, Column: 1, Message: "the file is empty; copy property.sample.yaml from the documentation and change it"})
		return nil, false
	}
	root, ok := together(tree.Docs)
	if !ok {
		return nil, false
	}
	if _, ok := entriesOf(root); !ok {
		message := "this is no property file: it must be keys and values, beginning with property: on a line of its own"
		if key, rest, ok := strings.Cut(root.GetToken().Value, ":"); ok && !strings.ContainsAny(key, " \"'<") && rest != "" {
			message += "; put a space after each colon"
		}
		c.report(c.located(root.GetToken(), message))
		return nil, false
	}
	return root, true
}

// readable reports lines that hold what is not text.
func (c *checker) readable() bool {
	for i, line := range c.lines {
		column := 0
		for at, r := range line {
			column++
			p := Problem{Line: i + 1, Column: column, Source: line}
			switch {
			case r == utf8.RuneError && !strings.HasPrefix(line[at:], "\ufffd"):
				p.Message = "this is not UTF-8 text; save the file in the encoding UTF-8"
			case r == '\r':
				p.Message = "a carriage return inside a line; save the file with the line ends of Linux"
			case unicode.IsControl(r) && r != '\t':
				p.Message = fmt.Sprintf("a control character (%U); remove it, and save the file as plain UTF-8 text", r)
			default:
				continue
			}
			c.report(p)
			return false // one is enough: a file in another encoding has thousands
		}
	}
	return true
}

// sized refuses what the YAML lexer would need too much memory for.
func (c *checker) sized() bool {
	signs := 0
	for i, line := range c.lines {
		if !strings.HasPrefix(strings.TrimLeft(line, " "), "#") {
			for at := range len(line) {
				switch line[at] {
				case '[', ']', '{', '}', ',', ':':
					signs++
				}
			}
		}
		p := Problem{Line: i + 1, Column: 1}
		switch {
		case len(line) > maxLine:
			p.Message = fmt.Sprintf("a line of %d bytes, and at most %d are possible; break it into several", len(line), maxLine)
		case i >= maxLines:
			p.Message = fmt.Sprintf("the file is too long from here on: more than %d lines, which no property file needs", maxLines)
		case signs > maxSigns:
			p.Message = fmt.Sprintf("the file is too long from here on: more than %d brackets, commas and colons, which no property file needs", maxSigns)
		default:
			continue
		}
		c.report(p)
		return false
	}
	return true
}

// bounded refuses what the YAML parser would take long over.
func (c *checker) bounded(tokens token.Tokens) bool {
	t, message := tooMuch(tokens)
	if t != nil {
		c.report(c.located(t, message))
	}
	return t == nil
}

// tooMuch is the first token that is too much for the parser, and why; nil for none.
func tooMuch(tokens token.Tokens) (*token.Token, string) {
	if len(tokens) > maxTokens {
		return tokens[maxTokens], fmt.Sprintf("the file is too long from here on: more than %d words and signs, which no property file needs", maxTokens)
	}
	var d depth
	for _, t := range tokens {
		switch {
		case t.Type == token.CommentType:
		case d.tooDeep(t):
			return t, "nested too deeply: no setting is in more than some six sections, each indented by two spaces; remove brackets, dashes or spaces before this"
		case len(t.Value) > maxText:
			return t, fmt.Sprintf("a text of %d bytes, and at most %d are possible; shorten it", len(t.Value), maxText)
		}
	}
	return nil, ""
}

// depth follows how deeply tokens are nested.
type depth struct{ flow, line, inLine int }

func (d *depth) tooDeep(t *token.Token) bool {
	first := t.Position.Line != d.line
	if first {
		d.line, d.inLine = t.Position.Line, 0
	}
	switch t.Type {
	case token.SequenceStartType, token.MappingStartType:
		d.flow++
	case token.SequenceEndType, token.MappingEndType:
		d.flow--
	case token.SequenceEntryType, token.MappingKeyType, token.MappingValueType:
		if d.flow <= 0 {
			d.inLine++
		}
	}
	return d.flow > maxNested || d.inLine > maxNested || first && d.flow <= 0 && t.Position.Column > maxColumn
}

// inWords says in an installer's words what the YAML library means.
var inWords = []struct{ library, words string }{
	{"could not find end character of double-quoted", `the closing " of this text is missing`},
	{"could not find end character of single-quoted", `the closing ' of this text is missing`},
	{"',' or ']' must be specified", "the list that [ began is not closed: a comma or ] is missing before this"},
	{"sequence end token ']' not found", "the list that [ began is not closed: ] is missing"},
	{"',' or '}' must be specified", "the section that { began is not closed: a comma or } is missing before this"},
	{"mapping end token '}' not found", "the section that { began is not closed: } is missing"},
	{"could not find '", "a closing bracket without its opening one"},
	{"map key-value is pre-defined", "this does not belong to the value before it; put quotes around the whole value, or look at the indentation"},
	{"mapping value is not allowed", `a second ": " in one value; put quotes around it if it is text, or indent the line below like its neighbours`},
	{"value is not allowed in this context", "this line is indented otherwise than its neighbours"},
	{"unexpected key name", "this is neither a key with its value nor indented like its neighbours; write key: value"},
	{"non-map value is specified", `this line is no "key: value"; it needs a colon and a space, or does not belong here`},
	{"is a reserved character", "a text cannot begin with this character; put quotes around it"},
	{"block sequence entries are not allowed", `begin a list on the line below its key, with "- " before each entry`},
	{"unknown escape character", `a backslash in double quotes begins a special character; use single quotes`},
}

// syntax reports an error of the YAML library at its place.
func (c *checker) syntax(err error) {
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil {
		c.report(Problem{Message: "this is not YAML"})
		return
	}
	message := "this is not YAML: " + at.GetMessage()
	for _, known := range inWords {
		if strings.Contains(at.GetMessage(), known.library) {
			message = known.words
			break
		}
	}
	c.report(c.located(at.GetToken(), message))
}

// tabs reports every line that is indented with a tab.
func (c *checker) tabs() bool {
	found := false
	for i, line := range c.lines {
		indent, _ := indentOf(line)
		if at := strings.IndexByte(indent, '\t'); at >= 0 && strings.TrimSpace(line) != "" {
			c.report(Problem{Line: i + 1, Column: at + 1, Source: line, Message: "a tab indents this line; YAML wants spaces, two for each level"})
			found = true
		}
	}
	return found
}
