package rules

import "edgeagent/pms"

// Together is what the rules make of events that come together, as a check-in
// also makes a room occupied.
type Together struct {
	Fires []Firing
	// Others are the rules that no event fires, each with the best reason why.
	Others []Verdict
}

// Firing is a rule that fires on one of the events.
type Firing struct {
	Verdict
	// Event is the event's place among them, from 0.
	Event int
}

// ExplainAll is Explain of events that come together; there is at least one.
func (t *Table) ExplainAll(events []pms.Event) Together {
	var all Together
	first := t.Explain(&events[0])
	fired := make([]bool, len(first))
	for i := range events {
		for k, v := range t.Explain(&events[i]) {
			if v.Fires {
				fired[k] = true
				all.Fires = append(all.Fires, Firing{v, i})
			} else if v.Field != "event" && first[k].Field == "event" {
				first[k] = v // a rule for this event: its reason says more than that it is for another
			}
		}
	}
	for k, v := range first {
		if !fired[k] {
			all.Others = append(all.Others, v)
		}
	}
	return all
}
