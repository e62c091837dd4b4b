package inspiresim

import (
	"encoding/json"
	"fmt"
	"strings"
)

// maxDepth bounds nesting of a query; the published ones need four.
const maxDepth = 16

// selected is one output field asked for, in the order of the query.
type selected struct {
	key  string // name in the answer: the alias, else the name
	name string
	args map[string]any
	sel  []selected
}

type document struct {
	operation string // subscription or query
	fields    []selected
}

// queryError is what a GraphQL engine would tell its client, in its words.
type queryError string

func (e queryError) Error() string { return string(e) }

func invalid(format string, args ...any) error { return queryError(fmt.Sprintf(format, args...)) }

type enumValue string
type variable string

type token struct {
	kind byte // n name, s string, i number, else the punctuator itself; 0 at the end
	text string
}

// scan cuts a GraphQL text into tokens. Block strings, fragments and
// directives, which no published query uses, are errors of the parser.
func scan(text string) ([]token, error) {
	var out []token
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',':
			i++
		case c == '#':
			for i < len(text) && text[i] != '\n' {
				i++
			}
		case strings.IndexByte("{}()[]:!$=", c) >= 0:
			out = append(out, token{c, string(c)})
			i++
		case c == '"':
			end := i + 1
			for end < len(text) && text[end] != '"' {
				if text[end] == '\\' {
					end++
				}
				end++
			}
			if end >= len(text) {
				return nil, invalid("Syntax Error: Unterminated string.")
			}
			var s string
			if err := json.Unmarshal([]byte(text[i:end+1]), &s); err != nil {
				return nil, invalid("Syntax Error: Invalid string.")
			}
			out = append(out, token{'s', s})
			i = end + 1
		case isNameByte(c) || c == '-':
			end := i + 1
			for end < len(text) && (isNameByte(text[end]) || text[end] == '.') {
				end++
			}
			kind := byte('n')
			if c == '-' || c >= '0' && c <= '9' {
				kind = 'i'
			}
			out = append(out, token{kind, text[i:end]})
			i = end
		default:
			return nil, invalid("Syntax Error: Unexpected character %q.", c)
		}
	}
	return append(out, token{}), nil
}

func isNameByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

type parser struct {
	tokens []token
	at     int
}

func (p *parser) peek() byte { return p.tokens[p.at].kind }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != 0 {
		p.at++
	}
	return t
}

func (p *parser) take(kind byte) (token, error) {
	if t := p.tokens[p.at]; t.kind != kind {
		return t, invalid("Syntax Error: Unexpected %q.", t.text)
	}
	return p.next(), nil
}

// parse reads one operation.
func parse(text string) (*document, error) {
	tokens, err := scan(text)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	doc := &document{operation: "query"}
	if p.peek() == 'n' {
		doc.operation = p.next().text
		if doc.operation != "subscription" && doc.operation != "query" {
			return nil, invalid("Syntax Error: Unexpected Name %q.", doc.operation)
		}
		if p.peek() == 'n' {
			p.next()
		}
		if err := p.variableDefinitions(); err != nil {
			return nil, err
		}
	}
	if doc.fields, err = p.selection(0); err != nil {
		return nil, err
	}
	_, err = p.take(0)
	return doc, err
}

// variableDefinitions are read over; types are not checked.
func (p *parser) variableDefinitions() error {
	if p.peek() != '(' {
		return nil
	}
	for p.peek() != ')' {
		if p.next().kind == 0 {
			return invalid("Syntax Error: Unexpected end of the query.")
		}
	}
	p.next()
	return nil
}

func (p *parser) selection(depth int) ([]selected, error) {
	if depth > maxDepth {
		return nil, invalid("Syntax Error: nested too deeply.")
	}
	if _, err := p.take('{'); err != nil {
		return nil, err
	}
	var out []selected
	for p.peek() != '}' {
		name, err := p.take('n')
		if err != nil {
			return nil, err
		}
		f := selected{key: name.text, name: name.text}
		if p.peek() == ':' {
			p.next()
			name, err := p.take('n')
			if err != nil {
				return nil, err
			}
			f.name = name.text
		}
		if p.peek() == '(' {
			if f.args, err = p.members('(', ')', depth); err != nil {
				return nil, err
			}
		}
		if p.peek() == '{' {
			if f.sel, err = p.selection(depth + 1); err != nil {
				return nil, err
			}
		}
		out = append(out, f)
	}
	p.next()
	if len(out) == 0 {
		return nil, invalid("Syntax Error: Expected Name, found \"}\".")
	}
	return out, nil
}

func (p *parser) members(open, end byte, depth int) (map[string]any, error) {
	if _, err := p.take(open); err != nil {
		return nil, err
	}
	out := map[string]any{}
	for p.peek() != end {
		name, err := p.take('n')
		if err != nil {
			return nil, err
		}
		if _, err := p.take(':'); err != nil {
			return nil, err
		}
		if _, twice := out[name.text]; twice {
			return nil, invalid("There can be only one argument named %q.", name.text)
		}
		if out[name.text], err = p.value(depth + 1); err != nil {
			return nil, err
		}
	}
	p.next()
	return out, nil
}

func (p *parser) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, invalid("Syntax Error: nested too deeply.")
	}
	switch t := p.tokens[p.at]; t.kind {
	case '{':
		return p.members('{', '}', depth)
	case '$':
		p.next()
		name, err := p.take('n')
		return variable(name.text), err
	case 's':
		return p.next().text, nil
	case 'i':
		return json.Number(p.next().text), nil
	case 'n':
		switch text := p.next().text; text {
		case "true", "false":
			return text == "true", nil
		case "null":
			return nil, nil
		default:
			return enumValue(text), nil
		}
	default:
		return nil, invalid("Syntax Error: Unexpected %q.", t.text)
	}
}
