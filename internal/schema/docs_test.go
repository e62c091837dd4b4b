package schema

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"edgeagent/drivers"
	"edgeagent/drivers/keycard"
	"edgeagent/drivers/keycard/panel"
	"edgeagent/internal/config"
	"edgeagent/pms"
	"edgeagent/rules"
)

const (
	propertyDoc = "../../docs/property.md"
	rulesDoc    = "../../docs/rules.md"
)

// made holds a part of a document, between <!-- name --> and <!-- /name -->, to
// what the code says; with -update it writes the part.
func made(t *testing.T, file, name, want string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
	before, rest, opened := strings.Cut(string(text), begin)
	got, after, closed := strings.Cut(rest, end)
	if !opened || !closed {
		t.Fatalf("%s lacks %q or %q", file, begin, end)
	}
	if *update {
		if err := os.WriteFile(file, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("%s is out of date; run go test ./internal/schema -update (-written +made)\n%s", file, diff)
	}
}

// plain is text as a cell of a table shows it.
func plain(text string) string {
	return strings.NewReplacer("|", `\|`, "<", `\<`, "*", `\*`, "\n", " ").Replace(text)
}

func coded(words []string) string { return "`" + strings.Join(words, "`, `") + "`" }

func TestKeysAreDocumented(t *testing.T) {
	g, top, err := generated()
	if err != nil {
		t.Fatal(err)
	}
	p := &page{g: g, done: map[string]bool{}}
	p.section("", "internal.config.File", top)
	for name, d := range g.definitions {
		if d.(object)["properties"] != nil && !p.done[name] {
			t.Errorf("%s has no section", name)
		}
	}
	made(t, propertyDoc, "keys", p.text.String())
}

// page is the reference, section after section.
type page struct {
	g    *generator
	done map[string]bool
	text strings.Builder
}

// section writes what a section of the property file may hold, and then the
// sections in it.
func (p *page) section(path, name string, s object) {
	p.done[name] = true
	title := "## The top of the file"
	if path != "" {
		title = "## `" + path + "`"
	}
	fmt.Fprintf(&p.text, "%s\n\n", title)
	var one []string
	if alternatives, ok := s["oneOf"].([]any); ok {
		for _, a := range alternatives {
			one = append(one, a.(object)["required"].([]string)...)
		}
		fmt.Fprintf(&p.text, "Exactly one of %s.\n\n", coded(one))
	}
	needed, _ := s["required"].([]string)
	p.text.WriteString("| key | value | |\n|---|---|---|\n")
	type inner struct{ path, name string }
	var within []inner
	for _, key := range p.g.order[name] {
		value := s["properties"].(object)[key].(object)
		kind, section, suffix := p.kind(value)
		switch name + "." + key {
		case "rules.Rule.when":
			kind = "[fields and values](rules.md#conditions)"
		case "rules.Step.params":
			kind = "[by action](rules.md#actions)"
		case "rules.Step.action":
			kind = "[an action](rules.md#actions)"
		}
		if slices.Contains(needed, key) {
			kind += ", **needed**"
		}
		fmt.Fprintf(&p.text, "| `%s` | %s | %s |\n", key, kind, plain(value["description"].(string)))
		if section != "" && !p.done[section] {
			within = append(within, inner{strings.TrimPrefix(path+"."+key+suffix, "."), section})
		}
	}
	p.text.WriteString("\n")
	for _, i := range within {
		if !p.done[i.name] {
			p.section(i.path, i.name, p.g.definitions[i.name].(object))
		}
	}
}

// kind says in words what a value is; if it is a section, which, and what stands
// behind its key in a path.
func (p *page) kind(value object) (kind, section, suffix string) {
	if words, ok := value["enum"].([]string); ok {
		return "one of " + coded(words), "", ""
	}
	if all, ok := value["allOf"].([]any); ok && len(all) == 1 {
		name := strings.TrimPrefix(all[0].(object)["$ref"].(string), "#/definitions/")
		switch name {
		case "text":
			return "text", "", ""
		case "duration":
			return "time", "", ""
		}
		return "section", name, ""
	}
	switch value["type"] {
	case "boolean":
		return "`true` or `false`", "", ""
	case "integer":
		return "number", "", ""
	case "array":
		kind, section, _ = p.kind(value["items"].(object))
		return "list of " + kind + "s", section, "[]"
	case "object":
		if values, ok := value["additionalProperties"].(object); ok {
			kind, section, _ = p.kind(values)
			return "names, each with a " + kind, section, ".NAME"
		}
	}
	return "section", "", ""
}

func TestFieldsAreDocumented(t *testing.T) {
	var b strings.Builder
	b.WriteString("| field | |\n|---|---|\n")
	for _, f := range pms.EventFields {
		fmt.Fprintf(&b, "| `%s` | %s |\n", f.Name, plain(f.Help))
	}
	made(t, rulesDoc, "fields", b.String())
}

var firstCell = regexp.MustCompile("(?m)^\\| `([a-z_.]+)` \\|")

// What an event means no table of the code says, so it is written by hand.
func TestEventsAreDocumented(t *testing.T) {
	text, err := os.ReadFile(rulesDoc)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "<!-- events -->\n")
	table, _, _ := strings.Cut(rest, "<!-- /events -->")
	var got []string
	for _, row := range firstCell.FindAllStringSubmatch(table, -1) {
		got = append(got, row[1])
	}
	if diff := cmp.Diff(rules.EventKinds(), got); diff != "" {
		t.Errorf("the table of events in %s (-code +document)\n%s", rulesDoc, diff)
	}
}

func TestActionsAreDocumented(t *testing.T) {
	var b strings.Builder
	seen := map[string]bool{}
	group := func(title string, actions []drivers.Action) {
		fmt.Fprintf(&b, "### %s\n\n", title)
		for _, a := range actions {
			if !seen[title+a.Name] {
				action(&b, a)
			}
			seen[title+a.Name] = true
		}
	}
	group("`keycard`: encoders", config.Actions("keycard"))
	group("`keycard` with `protocol: pn532`, besides", keycard.ModuleActions()[len(keycard.Actions()):])
	group("`keycard` with a `panel` that has a relay, besides", (&panel.Config{Relay: &panel.Relay{}}).Actions())
	group("`iptv`: TVs", config.Actions("iptv"))
	group("`wifi`: WiFi controllers", config.Actions("wifi"))
	made(t, rulesDoc, "actions", b.String())
}

// action is the entry of one action: what it does, and its parameters.
func action(b *strings.Builder, a drivers.Action) {
	nature := "A setting"
	if !a.Setting {
		nature = "A job"
	}
	if a.Within > 0 {
		nature += ", wanted for " + short(a.Within)
	}
	fmt.Fprintf(b, "**`%s`**: %s. *%s.*\n\n", a.Name, strings.TrimSuffix(plain(a.Help), "."), nature)
	if len(a.Params) == 0 {
		return
	}
	b.WriteString("| parameter | left out | |\n|---|---|---|\n")
	for _, p := range a.Params {
		left := ""
		switch {
		case p.Default != "":
			left = "`" + p.Default + "`"
		case p.Required:
			left = "not possible"
		}
		help := plain(p.Help)
		if p.OneOf != nil {
			help += " (" + coded(p.OneOf) + ")"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", p.Name, left, help)
	}
	b.WriteString("\n")
}

// short is a time as the property file has it: 10m rather than 10m0s.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		return strings.TrimSuffix(text, "0s")
	}
	return text
}

// The examples are rules that ship, word for word.
func TestExamplesShip(t *testing.T) {
	text, err := os.ReadFile(rulesDoc)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "## Examples from the table that ships\n")
	rest, _, _ = strings.Cut(rest, "\n## ")
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(rest, -1)
	if len(examples) < 3 {
		t.Errorf("%s has %d examples", rulesDoc, len(examples))
	}
	for _, e := range examples {
		if !strings.Contains(string(rules.Default()), e[1]) {
			t.Errorf("rules/default.yaml has no such rule:\n%s", e[1])
		}
	}
}
