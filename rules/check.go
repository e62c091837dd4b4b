package rules

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"

	"edgeagent/pms"
)

// conditions takes them apart, in the order of the source.
func (c *compiler) conditions(at string, when map[string]Match) []condition {
	known := fieldNames()
	fields := make([]string, 0, len(when))
	for field := range when {
		fields = append(fields, field)
	}
	sort.Slice(fields, func(i, j int) bool {
		a, b := fields[i], fields[j]
		return cmp.Or(
			cmp.Compare(when[a].offset, when[b].offset),
			cmp.Compare(slices.Index(known, a), slices.Index(known, b)),
			cmp.Compare(a, b)) < 0
	})
	var out []condition
	for _, field := range fields {
		if !slices.Contains(known, field) {
			c.problem(key(at+".when", field), "unknown field %q: %s", field,
				suggest(field, known, quoted, "use one of "+strings.Join(known, ", ")))
			continue
		}
		out = append(out, c.condition(at+".when."+field, field, when[field]))
	}
	return out
}

func (c *compiler) condition(at, field string, m Match) condition {
	out := condition{field: field}
	if len(m.Values) == 0 || !m.List && m.Values[0] == "" {
		c.problem(at, "no value: write what %s must be, or present, or absent", field)
		return out
	}
	if !m.List {
		switch m.Values[0] {
		case "present":
			out.present = true
			return out
		case "absent":
			out.absent = true
			return out
		case "!present", "!absent":
			c.problem(at, "%q: write present or absent without !", m.Values[0])
			return out
		}
	}
	if len(m.Values) > MaxValues {
		c.problem(at, "too many values: %d, and at most %d are possible", len(m.Values), MaxValues)
		return out
	}
	for i, text := range m.Values {
		here := at
		if m.List {
			here = fmt.Sprintf("%s[%d]", at, i)
		}
		text, not := strings.CutPrefix(text, "!")
		p, ok := c.pattern(here, field, text)
		switch {
		case !ok:
		case not:
			out.none = append(out.none, p)
		default:
			out.any = append(out.any, p)
		}
	}
	return out
}

func (c *compiler) pattern(at, field, text string) (pattern, bool) {
	text, prefix := strings.CutSuffix(text, "*")
	p := pattern{text: text, prefix: prefix}
	switch {
	case text == "" && prefix:
		c.problem(at, "a * alone says nothing: write present for any value")
		return p, false
	case text == "":
		c.problem(at, "an empty text: write absent, without a list, for no value")
		return p, false
	case strings.Contains(text, "*"):
		c.problem(at, "%q: a * stands only at the end", p)
		return p, false
	case strings.HasPrefix(text, "!"):
		c.problem(at, "%q: one ! is enough", "!"+p.String())
		return p, false
	}
	return p, c.known(at, field, p)
}

// known checks a value against what the field can be.
func (c *compiler) known(at, field string, p pattern) bool {
	values, noun := domain(field), field
	switch {
	case field == "event":
	case field == "room_type" && len(c.roomTypes) > 0:
		values, noun = c.roomTypes, "room type"
	case values == nil:
		return true
	default:
		if p.prefix || !slices.Contains(values, p.text) {
			c.problem(at, "%s is true or false, not %q", field, p)
			return false
		}
		return true
	}
	if slices.ContainsFunc(values, p.fits) {
		return true
	}
	switch {
	case p.prefix && field == "event":
		c.problem(at, "no event begins with %q: there are %s", p.text, strings.Join(values, ", "))
	case p.prefix:
		c.problem(at, "no room type begins with %q: the property file lists %s", p.text, strings.Join(values, ", "))
	case field == "event":
		c.problem(at, "unknown event %q: %s", p.text, suggest(p.text, values, quoted, "there are "+strings.Join(values, ", ")))
	default:
		c.problem(at, "unknown %s %q: the property file lists %s", noun, p.text, strings.Join(values, ", "))
	}
	return false
}

// kinds lists the kinds of events that the rule is for.
func (c *compiler) kinds(at string, when map[string]Match, conditions []condition) []string {
	if _, ok := when["event"]; !ok {
		c.problem(at+".when", "event is missing: say which events the rule is for, such as event: %s", pms.StayCheckedIn)
		return nil
	}
	var kinds []string
	for i := range conditions {
		if conditions[i].field != "event" {
			continue
		}
		for _, kind := range eventKinds() {
			if conditions[i].holds(kind) {
				kinds = append(kinds, kind)
			}
		}
	}
	return kinds
}

// possible reports conditions that nothing can fulfil.
func (c *compiler) possible(at string, cond *condition, kinds []string) {
	path := at + ".when." + cond.field
	if len(cond.any)+len(cond.none) == 0 && !cond.present && !cond.absent {
		return // its values were no good; that has been said
	}
	if !cond.possible() {
		switch {
		case cond.absent:
			c.problem(path, "can never hold: %s always has a value: write true or false, or whatever it must be", cond.field)
		default:
			c.problem(path, "can never hold: nothing is %s: leave one of them out", cond.wanted())
		}
		return
	}
	only := onlyIn(cond.field)
	if only == nil || len(kinds) == 0 || cond.holds(nothing(cond.field)) || overlaps(only, kinds) {
		return
	}
	c.problem(path, "can never hold: only %s has %s, and this rule is for %s: leave one of the two out", either(only), cond.field, strings.Join(kinds[:min(len(kinds), 3)], ", "))
}

func overlaps(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}
