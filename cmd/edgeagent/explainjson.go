package main

import (
	"edgeagent/pms"
	"edgeagent/rules"
)

// explanation is what explain says, for programs.
type explanation struct {
	Event  pms.EventKind `json:"event"`
	Room   string        `json:"room"`
	Happen []happening   `json:"happens"`
	Not    []reason      `json:"does_not_happen"`
}

// happening is a rule that fires.
type happening struct {
	Rule  string        `json:"rule"`
	On    pms.EventKind `json:"on"`
	Room  string        `json:"room"`
	Steps []stepTold    `json:"steps"`
}

// stepTold is what a step means for one device: a command, or why there is none.
type stepTold struct {
	Action  string            `json:"action"`
	Device  string            `json:"device"`
	Subject string            `json:"subject,omitempty"`
	Params  map[string]string `json:"params,omitempty"`
	After   string            `json:"after,omitempty"`
	Within  string            `json:"within,omitempty"`
	WhyNot  string            `json:"why_not,omitempty"`
}

// reason is a rule that does not fire: a condition that does not hold, or steps of
// which none gives a command.
type reason struct {
	Rule   string     `json:"rule"`
	Field  string     `json:"field,omitempty"`
	Actual string     `json:"actual,omitempty"`
	Wanted string     `json:"wanted,omitempty"`
	Steps  []stepTold `json:"steps,omitempty"`
}

func explained(table *rules.Table, events []pms.Event) explanation {
	e := explanation{Event: events[0].Kind, Room: events[0].Room, Happen: []happening{}, Not: []reason{}}
	happen, others := sift(table, events)
	for _, f := range happen {
		e.Happen = append(e.Happen, happening{f.Rule, events[f.on].Kind, events[f.on].Room, stepsTold(f.Steps)})
	}
	for _, v := range others {
		e.Not = append(e.Not, reason{v.Rule, v.Field, v.Actual, v.Wanted, stepsTold(v.Steps)})
	}
	return e
}

func stepsTold(steps []rules.StepVerdict) []stepTold {
	var list []stepTold
	for _, s := range steps {
		t := stepTold{Action: s.Action, Device: s.Target, WhyNot: s.Why}
		if p := s.Planned; p != nil {
			t.Subject, t.Params = p.Command.Subject, p.Command.Params
			if p.After > 0 {
				t.After = span(p.After)
			}
			if p.Within > 0 {
				t.Within = span(p.Within)
			}
		}
		list = append(list, t)
	}
	return list
}
