package rules

import (
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// Rules are read off the nodes of the YAML parser. The library's own decoder
// would do that too, but is a quarter of a megabyte for these ten keys.

// keys of a rule file, for who mistypes one.
var keys = []string{"rules", "name", "when", "do", "device", "kind", "action", "params", "within", "after"}

// setters say what to do with the value of each key of a section.
type setters map[string]func(ast.Node) error

func readFile(node ast.Node) (list []Rule, err error) {
	err = section(node, setters{"rules": func(n ast.Node) error {
		list, err = items(n, readRule)
		return err
	}})
	return list, err
}

func readRule(node ast.Node) (r Rule, err error) {
	err = section(node, setters{
		"name": text(&r.Name),
		"when": r.readWhen,
		"do": func(n ast.Node) error {
			r.Do, err = items(n, readStep)
			return err
		},
	})
	return r, err
}

func (r *Rule) readWhen(node ast.Node) error {
	mapping, ok := node.(ast.MapNode)
	if !ok {
		return unexpected(node, ast.MappingType)
	}
	r.When = map[string]Match{}
	for iter := mapping.MapRange(); iter.Next(); {
		field, err := scalar(iter.Key(), "a condition begins with the field it is about")
		if err != nil {
			return err
		}
		var m Match
		if err := m.UnmarshalYAML(iter.Value()); err != nil {
			return err
		}
		r.When[field] = m
	}
	return nil
}

func readStep(node ast.Node) (s Step, err error) {
	err = section(node, setters{
		"device": text(&s.Device),
		"kind":   text(&s.Kind),
		"action": text(&s.Action),
		"params": s.Params.UnmarshalYAML,
		"within": duration(&s.Within),
		"after":  duration(&s.After),
	})
	return s, err
}

// section sets what a mapping has a key for. A key without a value is as if it
// were left out.
func section(node ast.Node, known setters) error {
	mapping, ok := node.(ast.MapNode)
	if !ok {
		return unexpected(node, ast.MappingType)
	}
	for iter := mapping.MapRange(); iter.Next(); {
		key := iter.Key().GetToken()
		set, ok := known[key.Value]
		if !ok {
			return at(key, "unknown key %q: %s", key.Value, suggest(key.Value, keys, quoted, "there are "+strings.Join(keys, ", ")))
		}
		if iter.Value().Type() == ast.NullType {
			continue
		}
		if err := set(iter.Value()); err != nil {
			return err
		}
	}
	return nil
}

func items[T any](node ast.Node, read func(ast.Node) (T, error)) ([]T, error) {
	sequence, ok := node.(*ast.SequenceNode)
	if !ok {
		return nil, unexpected(node, ast.SequenceType)
	}
	list := make([]T, len(sequence.Values))
	for i, item := range sequence.Values {
		if item.Type() == ast.NullType {
			continue
		}
		var err error
		if list[i], err = read(item); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func text(to *string) func(ast.Node) error {
	return func(node ast.Node) (err error) {
		*to, err = scalar(node, "a text belongs here")
		return err
	}
}

func duration(to *time.Duration) func(ast.Node) error {
	return func(node ast.Node) error {
		const such = "such as 10m or 1h30m"
		spelled, err := scalar(node, "a time span belongs here, "+such)
		if err != nil {
			return err
		}
		if node.Type() == ast.IntegerType || node.Type() == ast.FloatType {
			return at(node.GetToken(), "a number says no unit: write a time span %s", such)
		}
		if *to, err = time.ParseDuration(spelled); err != nil {
			return at(node.GetToken(), "%q is not a time span: write one %s", spelled, such)
		}
		return nil
	}
}

func unexpected(node ast.Node, want ast.NodeType) error {
	words := node.Type().YAMLName() + " was used where " + want.YAMLName() + " is expected"
	return at(begin(node), "%s", strings.ReplaceAll(words, "sequence", "list"))
}

// begin is where a node begins: a mapping's own token is the colon of its first key.
func begin(node ast.Node) *token.Token {
	if n, ok := node.(*ast.MappingValueNode); ok {
		return n.Key.GetToken()
	}
	return node.GetToken()
}
