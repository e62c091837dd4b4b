package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	list, err := Parse([]byte(`# comment
rules:
  - name: 0101
    when:
      room: 0101            # an octal number to YAML, a room to a hotel
      event: [stay.checked_in, stay.extended]
      shared: True
      vip: "!V1"
      group: 1.10
    do:
      - device: lobby
        action: encode
        params:
          room: 0101
          copies: 2
          text: |
            two
            lines
          none:
          flag: false
        within: 1h30m
        after: 90s
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Rule{{
		Name: "0101",
		When: map[string]Match{
			"room": {Values: []string{"0101"}}, "event": {Values: []string{"stay.checked_in", "stay.extended"}, List: true},
			"shared": {Values: []string{"True"}}, "vip": {Values: []string{"!V1"}}, "group": {Values: []string{"1.10"}},
		},
		Do: []Step{{
			Device: "lobby", Action: "encode",
			Params: Params{"room": "0101", "copies": "2", "text": "two\nlines\n", "none": "", "flag": "false"},
			Within: 90 * time.Minute, After: 90 * time.Second,
		}},
	}}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	c := &compiler{said: map[Problem]bool{}}
	var order []string
	for _, cond := range c.conditions("", list[0].When) {
		order = append(order, cond.field)
	}
	if diff := cmp.Diff([]string{"room", "event", "shared", "vip", "group"}, order); diff != "" {
		t.Errorf("conditions lose the order of the source (-want +got)\n%s", diff)
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct{ name, source, want string }{
		{"nothing", "", "1:1: no rules: begin the list with rules: on a line of its own"},
		{"only a comment", "# rules\n", "1:1: no rules: begin the list with rules: on a line of its own"},
		{"empty", "rules:\n", "1:1: no rules: begin the list with rules: on a line of its own"},
		{"list without its key", "- name: a\n", "1:1: list was used where mapping is expected"},
		{"unknown key at the top", "rule: []\n", `1:1: unknown key "rule": did you mean "rules"?`},
		{"unknown key of a rule", "rules:\n  - name: a\n    whem: {}\n", `3:5: unknown key "whem": did you mean "when"?`},
		{"unknown key of a step", "rules:\n- do:\n  - repeat: 2\n",
			`3:5: unknown key "repeat": there are rules, name, when, do, device, kind, action, params, within, after`},
		{"the same key twice", "rules:\n- name: a\n  name: b\n", `3:3: mapping key "name" already defined at [2:3]`},
		{"the same condition twice", "rules:\n- when:\n    vip: a\n    vip: b\n", `4:5: mapping key "vip" already defined at [3:5]`},
		{"a number for a time", "rules:\n- do:\n  - within: 10\n", `3:13: a number says no unit: write a time span such as 10m or 1h30m`},
		{"a word for a time", "rules:\n- do:\n  - after: soon\n", `3:12: "soon" is not a time span: write one such as 10m or 1h30m`},
		{"a list for a time", "rules:\n- do:\n  - within: [10m]\n", `3:13: a time span belongs here, such as 10m or 1h30m`},
		{"a mapping for the rules", "rules: { name: a }\n", `1:8: mapping was used where list is expected`},
		{"a text for a rule", "rules:\n- encode\n", `2:3: string was used where mapping is expected`},
		{"a list for a name", "rules:\n- name: [a]\n", `2:9: a text belongs here`},
		{"a text for the steps", "rules:\n- do: encode\n", `2:7: string was used where list is expected`},
		{"a mapping in a condition", "rules:\n- when: { vip: { not: V1 } }\n", `2:16: a condition is a text or a list of texts`},
		{"a list in a list", "rules:\n- when: { vip: [[V1]] }\n", `2:17: a list of a condition holds texts`},
		{"a list for the conditions", "rules:\n- when: [event]\n", `2:9: list was used where mapping is expected`},
		{"a list for params", "rules:\n- do:\n  - params: [a]\n", `3:13: params are names with values, such as copies: 2`},
		{"a list for a parameter", "rules:\n- do:\n  - params: { a: [b] }\n", `3:18: the value of a parameter is a text, a number, true or false`},
		{"not without quotes", "rules:\n- when:\n    vip: !V1\n", `3:10: !V1 begins a YAML tag, which rules cannot have: put quotes around it, as in "!V1"`},
		{"a star first", "rules:\n- when:\n    vip: *V1\n", `3:10: * begins a YAML anchor or alias, which rules cannot have: put quotes around it if it is text`},
		{"an anchor", "rules:\n- &a\n  name: a\n", `2:3: & begins a YAML anchor or alias, which rules cannot have: put quotes around it if it is text`},
		{"two documents", "rules: []\n---\nrules: []\n", `2:1: ---: a rule file is one plain YAML document`},
		{"an open bracket", "rules: [\n", `1:8: sequence end token ']' not found`},
		{"a tab", "rules:\n\t- name: a\n", `2:1: a tab: YAML wants spaces at the beginning of a line`},
		{"too deep in brackets", "rules: " + strings.Repeat("[", 17) + "\n", `1:24: nested too deeply`},
		{"too deep in dashes", strings.Repeat("- ", 17), `1:33: nested too deeply`},
		{"too deep in lines", "rules:\n" + strings.Repeat(" ", 200) + "- name: a\n", `2:201: nested too deeply`},
		{"a long text", "rules:\n- name: " + strings.Repeat("x", 4097) + "\n", `2:9: a text of 4097 bytes, and at most 4096 are possible`},
		{"many items", "rules:\n" + strings.Repeat(" -\n", 60000), `60000:2: more than 60000 words and signs, which no rule file needs`},
		{"a long file", strings.Repeat("#\n", 1<<19) + "#", `1:1: 1048577 bytes of rules, and at most 1048576 are possible`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.source))
			got := "no error"
			if err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// A property file holds the list among other things, and may share values.
func TestRulesInsideAnotherDocument(t *testing.T) {
	var property struct {
		Suites []string `yaml:"suites"`
		Rules  []Rule   `yaml:"rules"`
	}
	err := yaml.UnmarshalWithOptions([]byte("suites: &s [suite, loft]\nrules:\n- name: a\n  when: { room_type: *s, event: stay.* }\n"), &property, yaml.Strict())
	if err != nil {
		t.Fatal(err)
	}
	want := []Rule{{Name: "a", When: map[string]Match{
		"event": {Values: []string{"stay.*"}}, "room_type": {Values: []string{"suite", "loft"}, List: true},
	}}}
	if diff := cmp.Diff(want, property.Rules); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
