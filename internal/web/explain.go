package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"edgeagent/pms"
	"edgeagent/rules"
)

// explained is what the rules make of an event, for the page.
type explained struct {
	Event  string   `json:"event"`
	Room   string   `json:"room"`
	Fires  []firing `json:"fires"`
	Others []other  `json:"others"`
}

type firing struct {
	Rule string `json:"rule"`
	// On is the event that comes with the asked one, "" for that one itself.
	On    string `json:"on,omitempty"`
	Steps []step `json:"steps"`
}

type step struct {
	Action  string      `json:"action"`
	Target  string      `json:"target"`
	Subject string      `json:"subject,omitempty"`
	After   float64     `json:"after,omitempty"`  // seconds
	Within  float64     `json:"within,omitempty"` // seconds
	Params  [][2]string `json:"params,omitempty"`
	Why     string      `json:"why,omitempty"` // why there is no command
}

// other is a rule that does not fire: a condition that does not hold, or steps
// that come to nothing.
type other struct {
	Rule   string `json:"rule"`
	Field  string `json:"field,omitempty"`
	Actual string `json:"actual,omitempty"`
	Wanted string `json:"wanted,omitempty"`
	Steps  []step `json:"steps,omitempty"`
}

// explain answers for an event that somebody has written or pasted.
func (p *Page) explain(w http.ResponseWriter, r *http.Request) {
	var given struct{ Text string }
	if !p.explains(w) || !readJSON(w, r, &given) {
		return
	}
	kind, fields, err := question(given.Text)
	var events []pms.Event
	if err == nil {
		events, err = p.Rules.Sample(kind, fields)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	p.answer(w, events)
}

// explainHappened answers for one of the last events.
func (p *Page) explainHappened(w http.ResponseWriter, r *http.Request) {
	if !p.explains(w) {
		return
	}
	if e, err := p.Rules.Happened(r.PathValue("id")); answered(w, err) {
		p.answer(w, []pms.Event{e})
	}
}

func (p *Page) explains(w http.ResponseWriter) bool {
	if p.Rules == nil {
		http.Error(w, "nothing runs", http.StatusServiceUnavailable)
		return false
	}
	return true
}

func (p *Page) answer(w http.ResponseWriter, events []pms.Event) {
	all := p.Rules.Explain(events)
	out := explained{Event: string(events[0].Kind), Room: events[0].Room, Fires: []firing{}, Others: []other{}}
	for _, f := range all.Fires {
		shown := firing{Rule: f.Rule, Steps: steps(f.Steps)}
		if f.Event > 0 {
			shown.On = fmt.Sprintf("%s of %s", events[f.Event].Kind, events[f.Event].Room)
		}
		out.Fires = append(out.Fires, shown)
	}
	for _, v := range all.Others {
		out.Others = append(out.Others, other{Rule: v.Rule, Field: v.Field, Actual: v.Actual, Wanted: v.Wanted, Steps: steps(v.Steps)})
	}
	asJSON(w, out)
}

func steps(verdicts []rules.StepVerdict) []step {
	var list []step
	for _, v := range verdicts {
		s := step{Action: v.Action, Target: v.Target, Why: v.Why}
		if planned := v.Planned; planned != nil {
			s.Subject = planned.Command.Subject
			s.After, s.Within = seconds(planned.After), seconds(planned.Within)
			for _, name := range slices.Sorted(maps.Keys(planned.Command.Params)) {
				s.Params = append(s.Params, [2]string{name, planned.Command.Params[name]})
			}
		}
		list = append(list, s)
	}
	return list
}

func seconds(d time.Duration) float64 { return d.Seconds() }

// question reads an event as edgeagent explain takes it, stay.checked_in room=101,
// with double quotes around what has blanks; or an event of /api/status, as JSON.
func question(text string) (kind string, fields []string, err error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "{") {
		return pasted(text)
	}
	words, err := split(text)
	switch {
	case err != nil:
		return "", nil, err
	case len(words) == 0:
		return "", nil, errors.New("name an event, such as stay.checked_in room=101")
	}
	return words[0], words[1:], nil
}

// pasted reads an event in JSON: the fields that rules know count.
func pasted(text string) (kind string, fields []string, err error) {
	var given map[string]any
	if err := json.Unmarshal([]byte(text), &given); err != nil {
		return "", nil, fmt.Errorf("this is no JSON: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		var value string
		switch v := given[name].(type) {
		case string:
			value = v
		case bool, float64:
			value = fmt.Sprint(v)
		default:
			continue
		}
		switch {
		case name == "kind" || name == "event":
			kind = value
		case pms.IsEventField(name) && name != "guests":
			fields = append(fields, name+"="+value)
		}
	}
	if kind == "" {
		return "", nil, errors.New(`the event lacks its kind, such as "kind": "stay.checked_in"`)
	}
	return kind, fields, nil
}

// split cuts a text at blanks outside double quotes.
func split(text string) (words []string, err error) {
	var word strings.Builder
	quoted, begun := false, false
	for _, r := range text {
		switch {
		case r == '"':
			quoted, begun = !quoted, true
		case !quoted && strings.ContainsRune(" \t\r\n", r):
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	if quoted {
		return nil, errors.New("a double quote is not closed")
	}
	if begun {
		words = append(words, word.String())
	}
	return words, nil
}
