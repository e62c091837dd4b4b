package schema

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"edgeagent/drivers"
	"edgeagent/drivers/keycard"
	"edgeagent/drivers/keycard/panel"
	"edgeagent/internal/config"
	"edgeagent/pms"
	"edgeagent/rules"
)

// object is a JSON object; encoding/json writes its keys in alphabetical order,
// so the schema is always the same text.
type object = map[string]any

// generate makes the schema of the property file: types and keys by reflection,
// the words from the comments in the source.
func generate() (object, error) {
	g := &generator{docs: map[string]map[string]string{}, definitions: object{
		"text":     object{"type": []string{"string", "number"}}, // 101 is as good as "101"
		"value":    object{"type": []string{"string", "number", "boolean"}},
		"duration": object{"anyOf": []any{object{"type": "string", "pattern": duration}, object{"const": 0}}},
	}}
	top, err := g.structure(reflect.TypeFor[config.File]())
	if err != nil {
		return nil, err
	}
	top["$schema"] = "http://json-schema.org/draft-07/schema#"
	top["title"] = "Property file of edgeagent"
	top["definitions"] = g.definitions
	return top, nil
}

type generator struct {
	docs        map[string]map[string]string // "edgeagent/rules.Step" -> field -> comment
	definitions object
}

// root is the folder of the module, from this one.
const root = "../.."

// docsOf reads the comments of a package's structs.
func (g *generator) docsOf(t reflect.Type) (map[string]string, error) {
	name := t.PkgPath() + "." + t.Name()
	if g.docs[name] != nil {
		return g.docs[name], nil
	}
	files, err := filepath.Glob(filepath.Join(root, strings.TrimPrefix(t.PkgPath(), "edgeagent/"), "*.go"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if s, ok := spec.Type.(*ast.StructType); ok {
					g.docs[t.PkgPath()+"."+spec.Name.Name] = commentsOf(s)
				}
			}
			return true
		})
	}
	if g.docs[name] == nil {
		return nil, fmt.Errorf("the source has no struct %s", name)
	}
	return g.docs[name], nil
}

// commentsOf are the comments of a struct's fields. One without shares that of the
// field before it: one comment stands over several that belong together.
func commentsOf(s *ast.StructType) map[string]string {
	comments, last := map[string]string{}, ""
	for _, f := range s.Fields.List {
		if text := strings.Join(strings.Fields(f.Doc.Text()), " "); text != "" {
			last = text
		}
		for _, name := range f.Names {
			comments[name.Name] = last
		}
	}
	return comments
}

// structure is the schema of a section.
func (g *generator) structure(t reflect.Type) (object, error) {
	docs, err := g.docsOf(t)
	if err != nil {
		return nil, err
	}
	keys := map[string]string{} // by the name of the field
	for i := range t.NumField() {
		if key := yamlKey(t.Field(i)); key != "" {
			keys[t.Field(i).Name] = key
		}
	}
	properties := object{}
	for i := range t.NumField() {
		f := t.Field(i)
		if keys[f.Name] == "" {
			continue
		}
		value, err := g.value(t, f)
		if err != nil {
			return nil, err
		}
		value["description"] = inKeys(docs[f.Name], keys)
		properties[keys[f.Name]] = value
	}
	s := object{"type": "object", "additionalProperties": false, "properties": properties}
	if needed := required[typeName(t)]; needed != nil {
		s["required"] = needed
	}
	if one := exactlyOne[typeName(t)]; one != nil {
		s["oneOf"] = oneOf(one)
	}
	return s, nil
}

func yamlKey(f reflect.StructField) string {
	key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return key
}

// typeName is the name of a type as the tables have it.
func typeName(t reflect.Type) string {
	return strings.TrimPrefix(t.PkgPath(), "edgeagent/") + "." + t.Name()
}

var (
	goWord    = regexp.MustCompile(`[A-Z][A-Za-z0-9]*`)
	firstWord = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*( and [A-Z][A-Za-z0-9]*)?`)
	compound  = regexp.MustCompile(`[a-z][A-Z]|[A-Z]{2}[a-z]|ID$`)
)

// inKeys puts into a comment the keys for the Go names: installers know no others.
// A comment begins with such a name; further on Inspire is rather the product, and
// only what is spelled like no word is a name.
func inKeys(text string, keys map[string]string) string {
	named := func(word string) string {
		if key := keys[word]; key != "" {
			return key
		}
		return word
	}
	first := firstWord.FindString(text)
	return goWord.ReplaceAllStringFunc(first, named) + goWord.ReplaceAllStringFunc(text[len(first):], func(word string) string {
		if !compound.MatchString(word) {
			return word
		}
		return named(word)
	})
}

// value is the schema of a field's value.
func (g *generator) value(t reflect.Type, f reflect.StructField) (object, error) {
	path := typeName(t) + "." + yamlKey(f)
	switch path {
	case "rules.Rule.when":
		return when(), nil
	case "rules.Step.params":
		return object{"type": "object"}, nil // by action, see steps
	}
	if words := enums[path]; words != nil {
		return object{"type": "string", "enum": words}, nil
	}
	return g.plain(f.Type)
}

// duration is what time.ParseDuration takes; 0 needs no unit.
const duration = `^([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h))*$`

func (g *generator) plain(t reflect.Type) (object, error) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return refer("duration"), nil
	case t.Kind() == reflect.Bool:
		return object{"type": "boolean"}, nil
	case t.Kind() == reflect.Int:
		return object{"type": "integer"}, nil
	case t.Kind() == reflect.String:
		return refer("text"), nil
	case t.Kind() == reflect.Slice:
		items, err := g.plain(t.Elem())
		return object{"type": "array", "items": items}, err
	case t.Kind() == reflect.Map:
		values, err := g.plain(t.Elem())
		return object{"type": "object", "additionalProperties": values}, err
	case t.Kind() == reflect.Struct:
		return g.reference(t)
	}
	return nil, fmt.Errorf("no schema for a %s", t)
}

// reference is a section that has a definition of its own.
func (g *generator) reference(t reflect.Type) (object, error) {
	name := strings.ReplaceAll(typeName(t), "/", ".")
	if g.definitions[name] == nil {
		g.definitions[name] = object{} // while it is made
		s, err := g.structure(t)
		if err != nil {
			return nil, err
		}
		if t == reflect.TypeFor[rules.Step]() {
			steps(s)
		}
		g.definitions[name] = s
	}
	return refer(name), nil
}

// refer is what a definition says; beside a bare $ref a description would not count.
func refer(name string) object {
	return object{"allOf": []any{object{"$ref": "#/definitions/" + name}}}
}

// when is the schema of a rule's conditions: the fields of an event.
func when() object {
	properties := object{}
	for _, f := range pms.EventFields {
		values := refer("value")
		if f.Name == "event" {
			values = object{"anyOf": []any{object{"enum": rules.EventKinds()}, object{"type": "string", "pattern": `^!|\*$`}}}
		}
		properties[f.Name] = object{"description": f.Help, "anyOf": []any{values, object{"type": "array", "items": values}}}
	}
	return object{"type": "object", "additionalProperties": false, "required": []string{"event"}, "properties": properties}
}

// steps adds to the schema of a step the actions that there are, and for each its
// parameters.
func steps(s object) {
	byName := map[string][]drivers.Action{}
	var names []string
	fitted := (&panel.Config{Relay: &panel.Relay{}}).Actions()
	for _, a := range slices.Concat(config.Actions("keycard"), keycard.ModuleActions(), fitted, config.Actions("iptv"), config.Actions("wifi")) {
		if byName[a.Name] == nil {
			names = append(names, a.Name)
		}
		byName[a.Name] = append(byName[a.Name], a)
	}
	slices.Sort(names)
	action := s["properties"].(object)["action"].(object)
	delete(action, "allOf")
	var choices, cases []any
	for _, name := range names {
		choices = append(choices, object{"const": name, "description": byName[name][0].Help})
		cases = append(cases, object{
			"if":   object{"required": []string{"action"}, "properties": object{"action": object{"const": name}}},
			"then": object{"properties": object{"params": params(byName[name])}},
		})
	}
	action["oneOf"] = choices
	s["allOf"] = cases
}

// params are the parameters of the actions of one name: those of all devices that
// have it.
func params(actions []drivers.Action) object {
	properties := object{}
	for _, a := range actions {
		for _, p := range a.Params {
			help := p.Help
			if p.Default != "" {
				help += ". Default " + p.Default
			}
			value := refer("value")
			value["description"] = help
			if p.OneOf != nil {
				value = object{"description": help, "anyOf": []any{object{"enum": spellings(p.OneOf)}, object{"type": "string", "pattern": `\$`}}}
			}
			properties[p.Name] = value
		}
	}
	return object{"type": "object", "additionalProperties": false, "properties": properties}
}

// spellings are the texts, and what YAML reads where they have no quotes.
func spellings(texts []string) []any {
	var all []any
	for _, text := range texts {
		all = append(all, text)
		switch text {
		case "on", "off": // texts in YAML 1.2, flags in 1.1
			all = append(all, text == "on")
		default:
			if len(text) == 1 && '0' <= text[0] && text[0] <= '9' {
				all = append(all, int(text[0]-'0'))
			}
		}
	}
	return all
}

func oneOf(keys []string) []any {
	var list []any
	for _, key := range keys {
		list = append(list, object{"required": []string{key}})
	}
	return list
}
