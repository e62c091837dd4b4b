package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Redacted is a property file as others may see it: for a bug report.
type Redacted struct {
	// Text has each line where the file has it, but only what is known to be
	// harmless: the keys, and the values of those keys that a property file knows
	// and that hold no secret. Comments are gone, since people write anything there.
	Text string
	// hidden are the values that were left out, and what the secret files hold.
	hidden []string
}

// Hide takes out of a text what the property file or its secret files keep secret.
func (r *Redacted) Hide(text string) string {
	for _, secret := range r.hidden {
		text = strings.ReplaceAll(text, secret, "…")
	}
	return text
}

// shortest is how long a secret must be to be looked for elsewhere: a shorter one
// would be found in every other word.
const shortest = 4

// Redact reads a property file for others. Of one that is no YAML it shows nothing.
func Redact(path string) *Redacted {
	r := &redactor{path: path, shown: map[*token.Token]string{}, store: credStore}
	text, err := read(path)
	if err != nil {
		return &Redacted{Text: err.Error() + "\n"}
	}
	source := strings.ReplaceAll(strings.TrimPrefix(string(text), "\ufeff"), "\r\n", "\n")
	c := newChecker(path)
	if c.lines = strings.Split(source, "\n"); !c.readable() {
		return &Redacted{Text: "the file is no text, and left out\n"}
	}
	tokens := lexer.Tokenize(source)
	if !c.bounded(tokens) || c.unwanted(tokens) > 0 {
		return &Redacted{Text: "the file is no property file, and left out\n"}
	}
	tree, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil || len(tree.Docs) != 1 || tree.Docs[0].Body == nil {
		return &Redacted{Text: "the file is no YAML, and left out\n"}
	}
	r.walk(tree.Docs[0].Body, reflect.TypeFor[File](), "")
	return &Redacted{Text: r.print(tokens), hidden: r.hidden}
}

type redactor struct {
	path, store string
	shown       map[*token.Token]string // the values that may be seen, as they may be
	hidden      []string
}

// walk marks what may be seen of a value of that type. key is what it is called.
func (r *redactor) walk(node ast.Node, t reflect.Type, key string) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if entries, ok := entriesOf(node); ok {
		for _, e := range entries {
			r.shown[e.Key.GetToken()] = e.Key.GetToken().Value
			switch inner, known := under(t, keyText(e)); {
			case known && !private(keyText(e)):
				r.walk(e.Value, inner, keyText(e))
			default:
				r.hide(e.Value)
			}
		}
		return
	}
	if list, ok := node.(*ast.SequenceNode); ok {
		inner := t
		if t.Kind() == reflect.Slice {
			inner = t.Elem()
		}
		for _, item := range list.Values {
			r.walk(item, inner, key)
		}
		return
	}
	text, ok := textOf(node)
	switch {
	case !ok:
	case !single(t), strings.HasSuffix(key, "_file") && !r.exists(text):
		r.hide(node) // perhaps the secret itself stands there
	default:
		if strings.HasSuffix(key, "_file") && !public(key) {
			r.contents(text)
		}
		r.show(node, covered(text))
	}
}

// single reports whether one value can stand for a type.
func single(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int64:
		return true
	}
	return reflect.PointerTo(t).Implements(reflect.TypeFor[yaml.NodeUnmarshaler]())
}

// under is the type of what a section of that type has under a key.
func under(t reflect.Type, key string) (reflect.Type, bool) {
	own := reflect.PointerTo(t).Implements(reflect.TypeFor[yaml.NodeUnmarshaler]())
	switch {
	case own && t.Kind() == reflect.Map:
		return reflect.TypeFor[string](), true
	case t.Kind() == reflect.Map:
		return t.Elem(), true
	case t.Kind() != reflect.Struct:
		return nil, false
	}
	for i := range t.NumField() {
		if yamlName(t.Field(i)) == key {
			return t.Field(i).Type, true
		}
	}
	return nil, false
}

// privateKey are further keys whose values are nobody's business: a client id
// often has the secret in it, and a parameter of a rule may be a code.
var privateKey = regexp.MustCompile(`^(client_id|auth_code|phone|track[0-9]|first_name|last_name|guests)$`)

func private(key string) bool { return secretKey.MatchString(key) || privateKey.MatchString(key) }

func (r *redactor) show(node ast.Node, text string) {
	t := node.GetToken()
	if literal, ok := node.(*ast.LiteralNode); ok {
		t, text = literal.Value.GetToken(), strings.Join(strings.Fields(text), " ")
	}
	r.shown[t] = text
}

// hide keeps everything below a node for the list of what is hidden.
func (r *redactor) hide(node ast.Node) {
	if entries, ok := entriesOf(node); ok {
		for _, e := range entries {
			r.hide(e.Value)
		}
	}
	if list, ok := node.(*ast.SequenceNode); ok {
		for _, item := range list.Values {
			r.hide(item)
		}
	}
	if text, ok := textOf(node); ok {
		r.keep(text)
	}
}

func (r *redactor) keep(secret string) {
	if secret = strings.TrimSpace(secret); len(secret) >= shortest {
		r.hidden = append(r.hidden, secret)
	}
}

// file is where a file that the property file names is, "" if it is nowhere.
func (r *redactor) file(name string) string {
	for _, full := range []string{beside(r.path, name), filepath.Join(r.store, name)} {
		if info, err := os.Stat(full); err == nil && info.Mode().IsRegular() {
			return full
		}
	}
	return ""
}

func (r *redactor) exists(name string) bool { return r.file(name) != "" }

// contents keeps what a secret file holds for the list of what is hidden.
func (r *redactor) contents(name string) {
	text, err := os.ReadFile(r.file(name))
	if err != nil || len(text) > maxSecret {
		return // whoever makes the report may perhaps not read it: then it is in none of its parts
	}
	for line := range strings.Lines(string(text)) {
		r.keep(line)
		if _, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok { // key=…, secret=…
			r.keep(value)
		}
	}
}

// print writes the tokens where they stand, but for what may not be seen.
func (r *redactor) print(tokens token.Tokens) string {
	var b strings.Builder
	line, column := 1, 1
	for _, t := range tokens {
		text, shown := r.shown[t]
		switch {
		case t.Type == token.CommentType:
			continue
		case shown && (t.Type == token.DoubleQuoteType || t.Type == token.SingleQuoteType):
			text = "'" + strings.ReplaceAll(text, "'", "''") + "'"
		case shown:
		case isSign(t):
			text = strings.TrimSpace(t.Value)
		default:
			text = "…"
		}
		for ; line < t.Position.Line; line++ {
			b.WriteByte('\n')
			column = 1
		}
		for ; column < t.Position.Column; column++ {
			b.WriteByte(' ')
		}
		if column > t.Position.Column && !isSign(t) { // what is before it has grown
			text = " " + text
		}
		b.WriteString(text)
		column += len([]rune(text))
	}
	return b.String() + "\n"
}

// isSign reports whether a token is one of YAML's own.
func isSign(t *token.Token) bool {
	switch t.Type {
	case token.SequenceEntryType, token.MappingValueType, token.CollectEntryType, token.SequenceStartType, token.SequenceEndType,
		token.MappingStartType, token.MappingEndType, token.LiteralType, token.FoldedType, token.DocumentHeaderType:
		return true
	}
	return false
}
