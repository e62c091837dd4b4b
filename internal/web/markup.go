package web

import (
	"fmt"
	"html"
	"strings"
)

// markup is HTML that grows. Texts get in through verbs alone, escaped, also
// within quoted attributes: the forms around them are written here.
type markup struct{ strings.Builder }

func (m *markup) add(form string, texts ...any) {
	for i, text := range texts {
		if s, ok := text.(string); ok {
			texts[i] = html.EscapeString(s)
		}
	}
	fmt.Fprintf(m, form, texts...)
}

// when adds a form if it is the case.
func (m *markup) when(is bool, form string, texts ...any) {
	if is {
		m.add(form, texts...)
	}
}

// plural is a number of things in words.
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
