package unifisim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The filter language of the Integration API: property.function(args), joined
// by and(…), or(…), not(…). Strings stand in single quotes, a quote inside is
// doubled. In like, "." is one character, "*" any number, "\" an escape.

const maxFilterDepth = 16

// functions that each property of an object allows, by property name.
type filterable map[string][]string

type predicate func(get func(property string) any) bool

type filterParser struct {
	text  string
	pos   int
	allow filterable
}

// parseFilter reads a whole expression; the error is the message for the reply.
func parseFilter(text string, allow filterable) (predicate, error) {
	p := &filterParser{text: text, allow: allow}
	match, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if p.pos != len(text) {
		return nil, fmt.Errorf("filter: unexpected text at %d", p.pos)
	}
	return match, nil
}

func (p *filterParser) expression(depth int) (predicate, error) {
	if depth > maxFilterDepth {
		return nil, fmt.Errorf("filter: nested too deeply at %d", p.pos)
	}
	start := p.pos
	for p.pos < len(p.text) && (isWord(p.text[p.pos]) || p.text[p.pos] == '.') {
		p.pos++
	}
	name := p.text[start:p.pos]
	if !p.take('(') {
		return nil, fmt.Errorf("filter: expected ( at %d", p.pos)
	}
	if name == "and" || name == "or" || name == "not" {
		return p.combination(name, depth)
	}
	dot := strings.LastIndexByte(name, '.')
	if dot <= 0 {
		return nil, fmt.Errorf("filter: expected property.function at %d", start)
	}
	return p.function(name[:dot], name[dot+1:])
}

func (p *filterParser) combination(name string, depth int) (predicate, error) {
	var parts []predicate
	for {
		p.space()
		part, err := p.expression(depth + 1)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
		p.space()
		if p.take(',') {
			continue
		}
		if !p.take(')') {
			return nil, fmt.Errorf("filter: expected , or ) at %d", p.pos)
		}
		break
	}
	switch {
	case name == "not" && len(parts) != 1:
		return nil, fmt.Errorf("filter: not takes one expression")
	case name != "not" && len(parts) < 2:
		return nil, fmt.Errorf("filter: %s takes two or more expressions", name)
	}
	return func(get func(string) any) bool {
		switch name {
		case "not":
			return !parts[0](get)
		case "and":
			return !slices.ContainsFunc(parts, func(q predicate) bool { return !q(get) })
		default:
			return slices.ContainsFunc(parts, func(q predicate) bool { return q(get) })
		}
	}, nil
}

func (p *filterParser) function(property, fn string) (predicate, error) {
	allowed, ok := p.allow[property]
	if !ok {
		return nil, fmt.Errorf("filter: %q is not filterable", property)
	}
	if !slices.Contains(allowed, fn) {
		return nil, fmt.Errorf("filter: %q does not support %q", property, fn)
	}
	var args []any
	p.space()
	for !p.take(')') {
		if len(args) > 0 && !p.take(',') {
			return nil, fmt.Errorf("filter: expected , or ) at %d", p.pos)
		}
		p.space()
		arg, err := p.value()
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
		p.space()
	}
	switch fn {
	case "isNull", "isNotNull":
		if len(args) != 0 {
			return nil, fmt.Errorf("filter: %s takes no argument", fn)
		}
	case "in", "notIn":
		if len(args) == 0 {
			return nil, fmt.Errorf("filter: %s takes one or more arguments", fn)
		}
	default:
		if len(args) != 1 {
			return nil, fmt.Errorf("filter: %s takes one argument", fn)
		}
	}
	if fn == "like" {
		if _, ok := args[0].(string); !ok {
			return nil, fmt.Errorf("filter: like takes a string")
		}
	}
	return func(get func(string) any) bool { return apply(fn, get(property), args) }, nil
}

func (p *filterParser) value() (any, error) {
	if p.take('\'') {
		var b strings.Builder
		for p.pos < len(p.text) {
			ch := p.text[p.pos]
			p.pos++
			if ch != '\'' {
				b.WriteByte(ch)
				continue
			}
			if !p.take('\'') {
				return b.String(), nil
			}
			b.WriteByte('\'')
		}
		return nil, fmt.Errorf("filter: string without end")
	}
	start := p.pos
	for p.pos < len(p.text) && (isWord(p.text[p.pos]) || strings.IndexByte(".:+-", p.text[p.pos]) >= 0) {
		p.pos++
	}
	word := p.text[start:p.pos]
	if word == "true" || word == "false" {
		return word == "true", nil
	}
	if n, err := strconv.ParseFloat(word, 64); err == nil {
		return n, nil
	}
	if t, err := time.Parse(time.RFC3339, word); err == nil {
		return t, nil
	}
	return nil, fmt.Errorf("filter: bad value at %d", start)
}

func (p *filterParser) take(ch byte) bool {
	if p.pos < len(p.text) && p.text[p.pos] == ch {
		p.pos++
		return true
	}
	return false
}

func (p *filterParser) space() {
	for p.take(' ') {
	}
}

func isWord(ch byte) bool {
	return ch >= 'a' && ch <= 'z' || ch >= 'A' && ch <= 'Z' || ch >= '0' && ch <= '9' || ch == '_'
}

// apply compares; nil is a property that the object lacks.
func apply(fn string, have any, args []any) bool {
	equal := func(arg any) bool { return compare(have, arg) == 0 }
	switch fn {
	case "isNull":
		return have == nil
	case "isNotNull":
		return have != nil
	case "eq":
		return have != nil && equal(args[0])
	case "ne":
		return have == nil || !equal(args[0])
	case "in":
		return have != nil && slices.ContainsFunc(args, equal)
	case "notIn":
		return have == nil || !slices.ContainsFunc(args, equal)
	case "like":
		text, ok := have.(string)
		return ok && like(args[0].(string), text)
	}
	if have == nil {
		return false
	}
	n := compare(have, args[0])
	return n != incomparable && (fn == "gt" && n > 0 || fn == "ge" && n >= 0 || fn == "lt" && n < 0 || fn == "le" && n <= 0)
}

const incomparable = -2

func compare(a, b any) int {
	switch x := a.(type) {
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(x, y)
		}
	case bool:
		if y, ok := b.(bool); ok {
			if x == y {
				return 0
			}
			return 1
		}
	case int:
		if y, ok := b.(float64); ok {
			switch {
			case float64(x) < y:
				return -1
			case float64(x) > y:
				return 1
			}
			return 0
		}
	case time.Time:
		if y, ok := b.(time.Time); ok {
			return x.Compare(y)
		}
	}
	return incomparable
}

// like matches without back-tracking beyond the last star, so that no pattern
// takes longer than the product of both lengths.
func like(pattern, text string) bool {
	type token struct {
		ch        rune
		any, many bool
	}
	var tokens []token
	escaped := false
	for _, ch := range pattern {
		switch {
		case escaped:
			tokens, escaped = append(tokens, token{ch: ch}), false
		case ch == '\\':
			escaped = true
		case ch == '.':
			tokens = append(tokens, token{any: true})
		case ch == '*':
			tokens = append(tokens, token{many: true})
		default:
			tokens = append(tokens, token{ch: ch})
		}
	}
	runes := []rune(text)
	t, r, star, mark := 0, 0, -1, 0
	for r < len(runes) {
		switch {
		case t < len(tokens) && tokens[t].many:
			star, mark = t, r
			t++
		case t < len(tokens) && (tokens[t].any || tokens[t].ch == runes[r]):
			t++
			r++
		case star >= 0:
			mark++
			t, r = star+1, mark
		default:
			return false
		}
	}
	for t < len(tokens) && tokens[t].many {
		t++
	}
	return t == len(tokens)
}
