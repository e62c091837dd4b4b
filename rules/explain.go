package rules

import (
	"fmt"
	"slices"
	"strings"

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

// Render writes verdicts for people: first the rules that fire, with the
// values of their commands, then the others, each with its reason.
func Render(verdicts []Verdict) string {
	var b strings.Builder
	count := 0
	for _, v := range verdicts {
		if !v.Fires {
			continue
		}
		count++
		fmt.Fprintf(&b, "fires: %s\n", v.Rule)
		for _, s := range v.Steps {
			s.render(&b)
		}
	}
	if count == 0 {
		b.WriteString("no rule fires\n")
	}
	for _, v := range verdicts {
		switch {
		case v.Fires:
		case v.Field != "":
			fmt.Fprintf(&b, "does not fire: %s: %s is %s, wanted: %s\n", v.Rule, v.Field, orEmpty(v.Actual), v.Wanted)
		default:
			fmt.Fprintf(&b, "does not fire: %s\n", v.Rule)
			for _, s := range v.Steps {
				s.render(&b)
			}
		}
	}
	return b.String()
}

func (s *StepVerdict) render(b *strings.Builder) {
	fmt.Fprintf(b, "  %d. %s at %s", s.Number, s.Action, s.Target)
	if s.Planned == nil {
		fmt.Fprintf(b, ": no, %s\n", s.Why)
		return
	}
	if s.Planned.Command.Subject != "" {
		fmt.Fprintf(b, " for %s", printable(s.Planned.Command.Subject))
	}
	if s.Planned.After > 0 {
		fmt.Fprintf(b, ", after %s", span(s.Planned.After))
	}
	if s.Planned.Within > 0 {
		fmt.Fprintf(b, ", within %s", span(s.Planned.Within))
	}
	b.WriteByte('\n')
	width := 0
	for name := range s.Planned.Command.Params {
		width = max(width, len(name))
	}
	for _, name := range paramNames(s.Planned.Command.Params) {
		fmt.Fprintf(b, "       %-*s  %s\n", width, name, printable(s.Planned.Command.Params[name]))
	}
}

func orEmpty(value string) string {
	if value == "" {
		return "empty"
	}
	return printable(value)
}

// printable quotes a value of the PMS that could disturb a terminal or look
// like another line.
func printable(value string) string {
	quoted := fmt.Sprintf("%q", value)
	if plain := quoted[1 : len(quoted)-1]; strings.TrimSpace(value) == value && strings.ReplaceAll(plain, `\"`, `"`) == value {
		return value
	}
	return quoted
}
