package rules

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/lexer"
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

// file is a rule file.
type file struct {
	Rules []Rule `yaml:"rules"`
}

// Parse reads a rule file: a mapping with the one key rules, spelled as in a
// property file. It is strict; an error begins with line:column of the file.
func Parse(source []byte) ([]Rule, error) {
	if len(source) > maxBytes {
		return nil, fmt.Errorf("1:1: %d bytes of rules, and at most %d are possible", len(source), maxBytes)
	}
	tokens := lexer.Tokenize(string(source))
	if err := bounded(tokens); err != nil {
		return nil, err
	}
	var f file
	err := yaml.NewDecoder(bytes.NewReader(source), yaml.Strict()).Decode(&f)
	if errors.Is(err, io.EOF) || err == nil && f.Rules == nil {
		return nil, errors.New("1:1: no rules: begin the list with rules: on a line of its own")
	}
	if err != nil {
		return nil, located(err, tokens)
	}
	return f.Rules, nil
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

// located puts an error of the YAML decoder into words for installers, with its place.
func located(err error, tokens token.Tokens) error {
	var (
		unknown  *yaml.UnknownFieldError
		mismatch *yaml.TypeError
		shape    *yaml.UnexpectedNodeTypeError
		any      yaml.Error
	)
	keys := []string{"rules", "name", "when", "do", "device", "kind", "action", "params", "within", "after"}
	switch {
	case errors.As(err, &unknown) && unknown.Token != nil:
		word := unknown.Token.Value
		return at(unknown.Token, "unknown key %q: %s", word, suggest(word, keys, quoted, "there are "+strings.Join(keys, ", ")))
	case errors.As(err, &mismatch) && mismatch.Token != nil:
		return at(mismatch.Token, "%s", wantedType(mismatch.DstType))
	case errors.As(err, &shape) && shape.Token != nil:
		return at(shape.Token, "%s", strings.ReplaceAll(shape.GetMessage(), "sequence", "list"))
	case errors.As(err, &any) && any.GetToken() != nil:
		if strings.Contains(any.GetMessage(), "'\t'") {
			return at(any.GetToken(), "a tab: YAML wants spaces at the beginning of a line")
		}
		return at(any.GetToken(), "%s", any.GetMessage())
	}
	// A duration that does not parse comes without its place.
	for i, t := range tokens {
		if i < 2 || tokens[i-1].Type != token.MappingValueType {
			continue
		}
		if k := tokens[i-2].Value; k == "within" || k == "after" {
			if _, bad := time.ParseDuration(t.Value); bad != nil {
				return at(t, "%q is not a time span: write one such as 10m or 1h30m", t.Value)
			}
		}
	}
	return fmt.Errorf("1:1: %w", err)
}

func wantedType(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "a number says no unit: write a time span such as 10m or 1h30m"
	case t.Kind() == reflect.String:
		return "a text belongs here"
	case t.Kind() == reflect.Slice:
		return "a list belongs here, with a - before each item"
	}
	return "a mapping belongs here, with a key and a value on each line"
}
