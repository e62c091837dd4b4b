package rules

import (
	"fmt"
	"slices"

	"edgeagent/pms"
)

// Verdict says what a rule makes of an event, and why. It holds what the event
// holds, names of guests among it: show it to who asked, never log it.
type Verdict struct {
	Rule string
	// Fires is true if the rule gives at least one command.
	Fires bool
	// Field, Wanted and Actual tell of the first condition that does not hold;
	// Field is "" if all hold.
	Field, Wanted, Actual string
	// Steps tell of every step, if all conditions hold.
	Steps []StepVerdict
}

// StepVerdict says what a step makes of an event at one device.
type StepVerdict struct {
	// Number counts the rule's steps from 1.
	Number int
	// Target is the device, or what the rule calls it where there is none.
	Target, Action string
	// Planned is the command, nil if there is none.
	Planned *Planned
	// Why says why there is none, "" if there is one.
	Why string
}

// Explain tells of every rule what it makes of the event. The commands are
// those that Eval lists.
func (t *Table) Explain(e *pms.Event) []Verdict {
	out := make([]Verdict, 0, len(t.rules))
	for _, r := range t.rules {
		v := Verdict{Rule: r.name}
		if c := r.failing(e); c != nil {
			v.Field, v.Wanted, v.Actual = c.field, c.wanted(), e.Field(c.field)
		} else {
			for _, s := range r.steps {
				v.Steps = append(v.Steps, s.explain(r, e)...)
			}
			v.Fires = slices.ContainsFunc(v.Steps, func(s StepVerdict) bool { return s.Planned != nil })
		}
		out = append(out, v)
	}
	return out
}

func (s *step) explain(r *rule, e *pms.Event) []StepVerdict {
	var out []StepVerdict
	for _, o := range s.orders {
		p, refused := o.plan(r, s, e)
		v := StepVerdict{Number: s.number, Target: o.device, Action: s.action}
		switch {
		case refused == nil:
			v.Planned = &p
		case refused.otherDevice:
			continue
		default:
			v.Why = refused.String()
		}
		out = append(out, v)
	}
	if len(out) > 0 {
		return out
	}
	v := StepVerdict{Number: s.number, Target: s.target, Action: s.action, Why: s.inert}
	if v.Why == "" {
		v.Why = "the event names no device, and this property has no desk encoder"
		if name := s.named(e); name != "" {
			v.Why = fmt.Sprintf("no device named %q can %s", name, s.action)
		}
	}
	return []StepVerdict{v}
}
