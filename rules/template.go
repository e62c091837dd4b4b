package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// template is text with ${name} in it, taken apart once so that expanding it is
// only joining.
type template struct {
	source string
	parts  []part
}

// part is literal text, or the name of something to look up.
type part struct{ text, name string }

func parseTemplate(source string) (template, error) {
	t := template{source: source}
	rest := source
	for rest != "" {
		i := strings.IndexByte(rest, '$')
		if i < 0 {
			t.literal(rest)
			break
		}
		t.literal(rest[:i])
		rest = rest[i+1:]
		switch {
		case strings.HasPrefix(rest, "$"):
			t.literal("$")
			rest = rest[1:]
		case strings.HasPrefix(rest, "{"):
			name, after, closed := strings.Cut(rest[1:], "}")
			if !closed {
				return t, fmt.Errorf("%q lacks the closing brace of ${…}", source)
			}
			if strings.TrimSpace(name) != name || name == "" {
				return t, fmt.Errorf("%q names no field: write a field between the braces, as in ${room}", source)
			}
			t.parts = append(t.parts, part{name: name})
			rest = after
		default:
			return t, errors.New("a lone $: write ${field} for a field, or $$ for a dollar sign")
		}
	}
	return t, nil
}

func (t *template) literal(text string) {
	if text == "" {
		return
	}
	if n := len(t.parts); n > 0 && t.parts[n-1].name == "" {
		t.parts[n-1].text += text
		return
	}
	t.parts = append(t.parts, part{text: text})
}

// names lists what the template looks up, each once, in order.
func (t template) names() []string {
	var names []string
	for _, p := range t.parts {
		if p.name != "" && !slices.Contains(names, p.name) {
			names = append(names, p.name)
		}
	}
	return names
}

// fixed reports whether the template looks up nothing.
func (t template) fixed() bool {
	return len(t.parts) == 0 || len(t.parts) == 1 && t.parts[0].name == ""
}

// single is the name that makes up the whole template, "" if it is not like that.
func (t template) single() string {
	if len(t.parts) != 1 {
		return ""
	}
	return t.parts[0].name
}

func (t template) expand(value func(name string) string) string {
	switch len(t.parts) {
	case 0:
		return ""
	case 1:
		if p := t.parts[0]; p.name != "" {
			return value(p.name)
		}
		return t.parts[0].text
	}
	var b strings.Builder
	for _, p := range t.parts {
		if p.name != "" {
			b.WriteString(value(p.name))
		} else {
			b.WriteString(p.text)
		}
	}
	return b.String()
}
