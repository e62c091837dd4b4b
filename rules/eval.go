package rules

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"edgeagent/drivers"
	"edgeagent/pms"
)

// Planned is a command that a rule wants, with when it is due and how long it
// is wanted.
type Planned struct {
	// Command has ID, Device, Action, Subject and Params. The ID is the
	// event's id, the rule's name and the step's place in the rule, so it is
	// the same when the event comes again or the list is put in another order.
	Command drivers.Command
	// Setting: see drivers.Action.
	Setting bool
	// After is how long after the event the command is due; Within is how long
	// after the event it is no longer wanted, 0 for never.
	After, Within time.Duration
	// Rule is the name of the rule.
	Rule string
}

// Eval lists the commands that the rules want about the event, in the order of
// the rules. It changes nothing, and the result shares nothing with the table.
func (t *Table) Eval(e *pms.Event) []Planned {
	list, known := t.byKind[e.Kind]
	if !known {
		list = t.rules
	}
	var out []Planned
	for _, r := range list {
		if r.failing(e) != nil {
			continue
		}
		for _, s := range r.steps {
			for _, o := range s.orders {
				if p, refusal := o.plan(r, s, e); refusal == nil {
					out = append(out, p)
				}
			}
		}
	}
	return out
}

// failing is the first condition that does not hold, nil if all do.
func (r *rule) failing(e *pms.Event) *condition {
	for i := range r.conditions {
		if c := &r.conditions[i]; !c.holds(e.Field(c.field)) {
			return c
		}
	}
	return nil
}

// refusal says why an order is not given. Its text is made only when wanted.
type refusal struct {
	// otherDevice: the event wants another device than this one.
	otherDevice bool
	what        string   // the parameter, or the subject
	wrong       string   // what is wrong with its value, "" if it has none
	names       []string // the empty fields it would have come from
}

func (r *refusal) String() string {
	switch {
	case r.wrong != "":
		return r.wrong
	case len(r.names) == 0:
		return r.what + " is empty"
	}
	return fmt.Sprintf("%s is empty: the event has no %s", r.what, either(r.names))
}

// plan makes the command, or says why there is none.
func (o *order) plan(r *rule, s *step, e *pms.Event) (Planned, *refusal) {
	if s.wanted != nil && s.named(e) != o.device {
		return Planned{}, &refusal{otherDevice: true}
	}
	params := make(map[string]string, len(o.params))
	for i := range o.params {
		p := &o.params[i]
		value := p.expand(e)
		switch {
		case value == "" && p.Required:
			return Planned{}, &refusal{what: p.Name, names: p.value.names()}
		case value == "":
			continue
		}
		if wrong := p.wrong(value); wrong != "" {
			return Planned{}, &refusal{what: p.Name, wrong: wrong}
		}
		params[p.Name] = value
	}
	var missing []string
	subject := o.subject.expand(func(name string) string {
		value, isParam := params[name]
		if !isParam {
			value = e.Field(name)
		}
		if value == "" {
			missing = append(missing, name)
		}
		return value
	})
	if missing != nil {
		return Planned{}, &refusal{what: "subject " + o.subject.source, names: missing}
	}
	return Planned{
		Command: drivers.Command{
			ID:      strings.Join([]string{e.ID, r.id, o.id}, "/"),
			Device:  o.device,
			Action:  o.action,
			Subject: subject,
			Params:  params,
		},
		Setting: o.setting, After: s.after, Within: s.within, Rule: r.name,
	}, nil
}

// named is the device that the event wants.
func (s *step) named(e *pms.Event) string {
	return cmp.Or(s.wanted.expand(e.Field), s.spare)
}

// expand is the parameter's value for an event: the rule's, or where that
// comes to nothing, the action's default.
func (p *param) expand(e *pms.Event) string {
	if value := p.value.expand(e.Field); p.pinned || strings.TrimSpace(value) != "" {
		return value
	}
	if value := p.fallback.expand(e.Field); strings.TrimSpace(value) != "" {
		return value
	}
	return ""
}
