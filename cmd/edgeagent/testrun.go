package main

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"edgeagent/internal/config"
	"edgeagent/rules"
)

// testRun is one rule test at work.
type testRun struct {
	property *config.Loaded
	tests    *config.LoadedTests
	test     *config.RuleTest
	path     string
	report   *testReport
	// got are the commands that came, not those that the test is not about.
	got []rules.Planned
	// unfired are the rules that an event did not fire, with the reason.
	unfired []rules.Verdict
}

// testClock is when all tests take place: values with a time are always the same.
func testClock(zone *time.Location) time.Time { return time.Date(2030, 1, 15, 15, 0, 0, 0, zone) }

// run puts the events to the rules and compares. Slips in the test itself are kept
// with the report: then nothing that it says of the rules counts.
func (r *testRun) run() {
	r.names()
	for i, fields := range r.test.Events {
		r.happen(fmt.Sprintf(".events[%d]", i), fields)
	}
	if len(r.report.slips) > 0 {
		return
	}
	before := len(r.report.Failures)
	r.compare()
	if failures := r.report.Failures[before:]; len(failures) > 0 {
		sort.SliceStable(failures, func(i, j int) bool { return failures[i].Line < failures[j].Line })
		r.report.failed++
	} else {
		r.report.Passed = append(r.report.Passed, r.test.Name)
	}
}

func (r *testRun) slip(at, format string, args ...any) {
	if p, ok := r.tests.Slip(r.path+at, fmt.Sprintf(format, args...)); ok {
		r.report.slips = append(r.report.slips, p)
	}
}

// names looks for devices and actions that the property does not have: nothing
// could ever come of them.
func (r *testRun) names() {
	var devices []string
	actions := map[string][]string{}
	for i := range r.property.Devices {
		d := &r.property.Devices[i]
		devices = append(devices, d.Name)
		for _, a := range d.Actions() {
			actions[d.Name] = append(actions[d.Name], a.Name)
		}
	}
	for i, name := range r.test.Devices {
		if !slices.Contains(devices, name) {
			r.slip(fmt.Sprintf(".devices[%d]", i), "the property file has no device %q; it has %s", name, strings.Join(devices, ", "))
		}
	}
	for i, e := range r.test.Expect {
		at := fmt.Sprintf(".expect[%d]", i)
		switch {
		case e.Device == "": // what is left out has been told
		case !slices.Contains(devices, e.Device):
			r.slip(at+".device", "the property file has no device %q; it has %s", e.Device, strings.Join(devices, ", "))
		case e.Action == "":
		case !slices.Contains(actions[e.Device], e.Action):
			r.slip(at+".action", "%s has no action %q; it has %s", e.Device, e.Action, strings.Join(actions[e.Device], ", "))
		case len(r.test.Devices) > 0 && !slices.Contains(r.test.Devices, e.Device):
			r.slip(at+".device", "devices leaves %q out, so that nothing of it is looked at; add it there", e.Device)
		}
	}
}

// happen puts an event to the rules, with those that come with it.
func (r *testRun) happen(at string, fields rules.Params) {
	kind, now := fields["event"], testClock(r.property.Zone)
	var words []string
	if kind == "" {
		return // that has been told
	}
	if !slices.Contains(rules.EventKinds(), kind) {
		r.slip(at+".event", "unknown event %q; there are %s", kind, strings.Join(rules.EventKinds(), ", "))
		return
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if name == "event" {
			continue
		}
		word := name + "=" + fields[name]
		if _, err := sample(r.property, kind, []string{word}, now); err != nil {
			r.slip(at+"."+name, "%v", err)
		}
		words = append(words, word)
	}
	events, err := sample(r.property, kind, words, now)
	if err != nil {
		return // that has been told
	}
	happen, others := sift(r.property.Table, events)
	r.unfired = append(r.unfired, others...)
	for _, f := range happen {
		r.report.fires[f.Rule] = true
		for _, s := range f.Steps {
			if s.Planned != nil && (len(r.test.Devices) == 0 || slices.Contains(r.test.Devices, s.Planned.Command.Device)) {
				r.got = append(r.got, *s.Planned)
			}
		}
	}
}

// maxDifferences is more than a command can have parameters.
const maxDifferences = 64

// compare finds for each expected command the one that came: first those that are
// just as expected, then, for what is left, the one that differs least.
func (r *testRun) compare() {
	taken, met := make([]bool, len(r.got)), make([]bool, len(r.test.Expect))
	for most := range maxDifferences {
		for i := range r.test.Expect {
			if met[i] {
				continue
			}
			for k := range r.got {
				if taken[k] || r.got[k].Command.Device != r.test.Expect[i].Device || r.got[k].Command.Action != r.test.Expect[i].Action {
					continue
				}
				differences := r.differences(i, &r.got[k])
				if len(differences) > most {
					continue
				}
				taken[k], met[i] = true, true
				r.report.Failures = append(r.report.Failures, differences...)
				break
			}
		}
	}
	for i := range r.test.Expect {
		if !met[i] {
			r.missing(i)
		}
	}
	for k := range r.got {
		if !taken[k] {
			r.fail(".expect", "this comes too", "nothing more", told(&r.got[k]))
		}
	}
}

// differences are what is otherwise than expected in a command.
func (r *testRun) differences(i int, got *rules.Planned) []failure {
	e, at := &r.test.Expect[i], fmt.Sprintf(".expect[%d]", i)
	what := got.Command.Action + " at " + got.Command.Device
	by := fmt.Sprintf(", by rule %q", got.Rule)
	var list []failure
	differ := func(key, expected, actual string) {
		list = append(list, r.failure(at+"."+key, last(key)+" of "+what+" is another", orNone(expected), orNone(actual)+by))
	}
	if e.Subject != "" && e.Subject != got.Command.Subject {
		differ("subject", e.Subject, got.Command.Subject)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Params)) {
		if want, is := e.Params[name], got.Command.Params[name]; !r.same(want, is) {
			differ("params."+name, want, is)
		}
	}
	if e.After != nil && *e.After != got.After {
		differ("after", span(*e.After), span(got.After))
	}
	if e.Within != nil && *e.Within != got.Within {
		differ("within", span(*e.Within), span(got.Within))
	}
	return list
}

// same compares values; instants as such, in the hotel's time if they name no zone.
func (r *testRun) same(want, got string) bool {
	if want == got {
		return true
	}
	a, err := instant(want, r.property.Zone)
	if err != nil || want == "" {
		return false
	}
	b, err := time.Parse(time.RFC3339, got)
	return err == nil && a.Equal(b)
}

// missing tells of an expected command that did not come: of what came instead,
// and why the rules that have such a step did not fire.
func (r *testRun) missing(i int) {
	e := &r.test.Expect[i]
	var came []string
	for k := range r.got {
		came = append(came, told(&r.got[k]))
	}
	if came == nil {
		came = []string{"nothing"}
	}
	f := r.failure(fmt.Sprintf(".expect[%d]", i), "this does not come", e.Action+" at "+e.Device, came...)
	able := r.rulesWith(e.Action)
	for _, v := range r.unfired {
		why := fmt.Sprintf("rule %q: %s", v.Rule, strings.Join(reasons(v), "; "))
		if able[v.Rule] && (v.Field != "event" || len(f.Why) == 0 && len(able) == 1) && !slices.Contains(f.Why, why) {
			f.Why = append(f.Why, why)
		}
	}
	r.report.Failures = append(r.report.Failures, f)
}

// rulesWith are the names of the rules that have a step of that action.
func (r *testRun) rulesWith(action string) map[string]bool {
	list := r.property.Rules
	if list == nil {
		list, _ = rules.Parse(rules.Default()) // it has just been loaded
	}
	names := map[string]bool{}
	for _, rule := range list {
		if slices.ContainsFunc(rule.Do, func(s rules.Step) bool { return s.Action == action }) {
			names[rule.Name] = true
		}
	}
	return names
}

func (r *testRun) fail(at, message, expected string, got ...string) {
	r.report.Failures = append(r.report.Failures, r.failure(at, message, expected, got...))
}

func (r *testRun) failure(at, message, expected string, got ...string) failure {
	p := r.tests.At(r.path+at, r.test.Name+": "+message)
	return failure{File: p.File, Line: p.Line, Column: p.Column, Test: r.test.Name, Message: message, Expected: expected, Got: got, place: p}
}

// told is a command in a line.
func told(p *rules.Planned) string {
	text := p.Command.Action + " at " + p.Command.Device
	if p.Command.Subject != "" {
		text += " for " + plain(p.Command.Subject)
	}
	var params []string
	for _, name := range slices.Sorted(maps.Keys(p.Command.Params)) {
		params = append(params, name+": "+plain(p.Command.Params[name]))
	}
	if len(params) > 0 {
		text += " { " + strings.Join(params, ", ") + " }"
	}
	return text + fmt.Sprintf(", by rule %q", p.Rule)
}

func orNone(text string) string {
	if text == "" || text == "0s" {
		return "none"
	}
	return plain(text)
}

// last is the name at the end of a path.
func last(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }
