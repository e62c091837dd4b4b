package rules

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"edgeagent/drivers"
	"edgeagent/pms"
)

// params checks what a step gives to an action, and adds the action's defaults.
func (c *compiler) params(at string, source *Step, a *drivers.Action, o *order) {
	var known []string
	for _, p := range a.Params {
		known = append(known, p.Name)
	}
	for _, name := range paramNames(source.Params) {
		if !slices.Contains(known, name) {
			c.problem(key(at+".params", name), "%s has no parameter %q: %s", a.Name, name,
				suggest(name, known, quoted, paramHelp(known)))
		}
	}
	for _, p := range a.Params {
		text, given := source.Params[p.Name]
		fallback, err := parseTemplate(p.Default)
		if err != nil {
			c.problem(at+".action", "default of %s: %v", p.Name, err)
			continue
		}
		for _, name := range fallback.names() {
			if !pms.IsEventField(name) {
				c.problem(at+".action", "default of %s: unknown field ${%s}", p.Name, name)
			}
		}
		out := param{Param: p, value: fallback, fallback: fallback}
		if given {
			if out.value, err = parseTemplate(text); err != nil {
				continue // said by templates
			}
			out.pinned = out.value.fixed()
			c.value(key(at+".params", p.Name), &out)
		}
		if !given && p.Required && p.Default == "" {
			c.problem(at, "%s needs %s: write it under params", a.Name, p.Name)
			continue
		}
		o.params = append(o.params, out)
	}
}

func paramHelp(known []string) string {
	if len(known) == 0 {
		return "it takes none"
	}
	return "it takes " + strings.Join(known, ", ")
}

// value checks what a rule gives for a parameter, as far as that is known
// before an event is.
func (c *compiler) value(at string, p *param) {
	if p.pinned {
		text := p.value.expand(nil)
		if text == "" && p.Required {
			c.problem(at, "%s must not be empty: write a value, or leave it out for the default", p.Name)
		} else if wrong := p.wrong(text); wrong != "" {
			c.problem(at, "%s", wrong)
		}
		return
	}
	field := p.value.single()
	if field == "" || p.Type == drivers.Text || p.Type == "" || fieldType(field) == p.Type {
		return
	}
	c.problem(at, "%s is %s, but ${%s} is %s", p.Name, typeWords(p.Type), field, typeWords(fieldType(field)))
}

// wrong says what is wrong with a value, "" if nothing. Values of events are
// the PMS's words and get the same look as an installer's.
func (p *param) wrong(text string) string {
	if text == "" {
		return ""
	}
	if len(p.OneOf) > 0 && !slices.Contains(p.OneOf, text) {
		near := nearest(text, p.OneOf)
		if _, err := strconv.Atoi(text); near != "" && err != nil { // 12 is no slip of 1
			return fmt.Sprintf("%s is %s, not %q: did you mean %q?", p.Name, either(p.OneOf), text, near)
		}
		return fmt.Sprintf("%s is %s, not %q", p.Name, either(p.OneOf), text)
	}
	ok := true
	switch p.Type {
	case drivers.Integer:
		_, err := strconv.Atoi(text)
		ok = err == nil
	case drivers.Flag:
		ok = text == "true" || text == "false"
	case drivers.Instant:
		_, err := time.Parse(time.RFC3339, text)
		ok = err == nil
	case drivers.Guests:
		var list []struct{}
		ok = json.Unmarshal([]byte(text), &list) == nil
	}
	if ok {
		return ""
	}
	if p.Type == drivers.Guests {
		return p.Name + " is " + typeWords(p.Type) // what it is instead may be a name
	}
	return fmt.Sprintf("%s is %s, not %q", p.Name, typeWords(p.Type), text)
}

func typeWords(t drivers.ParamType) string {
	switch t {
	case drivers.Integer:
		return "a whole number"
	case drivers.Flag:
		return "true or false"
	case drivers.Instant:
		return "a time such as 2026-03-01T12:00:00+01:00"
	case drivers.Guests:
		return "a list of guests such as ${guests}"
	}
	return "text"
}
