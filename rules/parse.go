package rules

import (
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds of a rule file. The YAML parser's work grows with the square of the
// nesting, of the length of a text and of the number of keys or items, so these
// are looked at before it starts.
const (
	maxBytes  = 1 << 20
	maxTokens = 60_000
	maxText   = 4 << 10
	maxNested = 16
	maxColumn = 200
)

//go:embed default.yaml
var defaultYAML string

// Default is the rule file that ships: what a hotel gets that writes no rules.
func Default() []byte { return []byte(defaultYAML) }

// Parse reads a rule file: a mapping with the one key rules, spelled as in a
// property file. It is strict; an error begins with line:column of the file.
func Parse(source []byte) ([]Rule, error) {
	if len(source) > maxBytes {
		return nil, fmt.Errorf("1:1: %d bytes of rules, and at most %d are possible", len(source), maxBytes)
	}
	if err := bounded(lexer.Tokenize(string(source))); err != nil {
		return nil, err
	}
	parsed, err := parser.ParseBytes(source, 0)
	if err != nil {
		return nil, located(err)
	}
	for _, document := range parsed.Docs {
		if document.Body == nil || document.Body.Type() == ast.NullType {
			continue
		}
		list, err := readFile(document.Body)
		if err != nil {
			return nil, located(err)
		}
		if list != nil {
			return list, nil
		}
	}
	return nil, errors.New("1:1: no rules: begin the list with rules: on a line of its own")
}

// bounded refuses what the YAML parser would take long over, and what rules
// have no use for: anchors and aliases, tags, several documents.
func bounded(tokens token.Tokens) error {
	if len(tokens) > maxTokens {
		return at(tokens[maxTokens], "more than %d words and signs, which no rule file needs", maxTokens)
	}
	flow, line, inLine := 0, 0, 0
	for i, t := range tokens {
		first := t.Position.Line != line
		if first {
			line, inLine = t.Position.Line, 0
		}
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			return at(t, "%s begins a YAML anchor or alias, which rules cannot have: put quotes around it if it is text", mark(t))
		case token.TagType:
			return at(t, "%s begins a YAML tag, which rules cannot have: put quotes around it, as in %q", mark(t), t.Value)
		case token.DirectiveType, token.DocumentEndType:
			return at(t, "%s: a rule file is one plain YAML document", mark(t))
		case token.DocumentHeaderType:
			if i > 0 && tokens[i-1].Type != token.CommentType {
				return at(t, "%s: a rule file is one plain YAML document", mark(t))
			}
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
		case token.SequenceEntryType, token.MappingKeyType, token.MappingValueType:
			if flow <= 0 {
				inLine++
			}
		}
		switch {
		case t.Type == token.CommentType:
		case flow > maxNested || inLine > maxNested || first && flow <= 0 && t.Position.Column > maxColumn:
			return at(t, "nested too deeply")
		case len(t.Value) > maxText:
			return at(t, "a text of %d bytes, and at most %d are possible", len(t.Value), maxText)
		}
	}
	return nil
}

func mark(t *token.Token) string {
	text := strings.TrimSpace(t.Value)
	if text == "" {
		text = strings.TrimSpace(t.Origin)
	}
	return text
}

// at is an error at a place of the source.
func at(t *token.Token, format string, args ...any) error {
	return fmt.Errorf("%d:%d: %s", t.Position.Line, t.Position.Column, fmt.Sprintf(format, args...))
}

// located gives an error of the YAML library its place; ours begin with theirs.
func located(err error) error {
	var known yaml.Error
	switch {
	case !errors.As(err, &known):
		return err
	case known.GetToken() == nil:
		return fmt.Errorf("1:1: %w", err)
	case strings.Contains(known.GetMessage(), "'\t'"):
		return at(known.GetToken(), "a tab: YAML wants spaces at the beginning of a line")
	}
	return at(known.GetToken(), "%s", known.GetMessage())
}
