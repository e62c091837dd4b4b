package rules

import (
	"fmt"
	"slices"
	"strings"
)

// conflicts warns of two rules that tell one device two things about the same
// subject on the same event: settings replace each other, so only the later
// one counts. Settings of different subjects do not, and jobs add up.
func (c *compiler) conflicts(list []*rule) {
	settings := make([][]setting, len(list))
	for i, r := range list {
		settings[i] = r.settings()
	}
	for j, later := range list {
		for i, earlier := range list[:j] {
			if !share(settings[i], settings[j]) {
				continue
			}
			if kinds := together(earlier, later); len(kinds) > 0 {
				c.conflict(earlier, later, settings[i], settings[j], kinds)
			}
		}
	}
}

// setting is what a step keeps set: a device, and the subject as the rule's
// values make it, before any event.
type setting struct {
	device, subject, action string
	step                    int
}

func (s setting) same(o setting) bool { return s.device == o.device && s.subject == o.subject }

func (r *rule) settings() []setting {
	var out []setting
	for i, s := range r.steps {
		for _, o := range s.orders {
			if o.setting && s.wanted == nil {
				out = append(out, setting{device: o.device, subject: o.subjectSource(), action: o.action, step: i})
			}
		}
	}
	return out
}

// subjectSource is the subject with the sources of the parameters put in: two
// steps are about the same if it is the same text.
func (o *order) subjectSource() string {
	return o.subject.expand(func(name string) string {
		for _, p := range o.params {
			if p.Name == name {
				return p.value.source
			}
		}
		return braced(name)
	})
}

func share(a, b []setting) bool {
	return slices.ContainsFunc(a, func(s setting) bool { return slices.ContainsFunc(b, s.same) })
}

// together lists the kinds of events on which both rules can fire.
func together(a, b *rule) []string {
	for i := range a.conditions {
		for j := range b.conditions {
			x, y := &a.conditions[i], &b.conditions[j]
			if x.field == y.field && x.field != "event" && !x.meets(y) {
				return nil
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(a.kinds), func(k string) bool { return !slices.Contains(b.kinds, k) })
}

func (c *compiler) conflict(earlier, later *rule, a, b []setting, kinds []string) {
	for _, mine := range b {
		i := slices.IndexFunc(a, mine.same)
		if i < 0 {
			continue
		}
		what := mine.action
		if a[i].action != what {
			what = a[i].action + " and " + what
		}
		c.add(Problem{
			Path: fmt.Sprintf("[%d].do[%d]", later.index, mine.step),
			Message: fmt.Sprintf("rules %q and %q both set %s of %s on %s (%s): only the later one counts: have their conditions exclude each other, or remove one",
				earlier.name, later.name, mine.subject, mine.device, strings.Join(kinds, ", "), what),
			Warning: true,
		})
	}
}
