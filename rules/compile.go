package rules

import (
	"fmt"
	"slices"
	"strings"

	"edgeagent/drivers"
	"edgeagent/pms"
)

// Bounds of a rule list. A hotel has a dozen rules; these keep a runaway file
// from costing more than a moment.
const (
	MaxRules  = 500
	MaxSteps  = 20  // per rule
	MaxValues = 500 // per condition
)

// desk is the word for the property's desk encoder.
const desk = "desk"

// Device is a device as rules see it.
type Device struct {
	// Name as in the property file; Kind is keycard, iptv or wifi.
	Name, Kind string
	// Actions are what it can be told.
	Actions []drivers.Action
}

// Options are what Compile can check more of if it knows it.
type Options struct {
	// RoomTypes are the room type codes of the property; nil: any.
	RoomTypes []string
}

// Problem is something wrong with a rule list.
type Problem struct {
	// Path is the YAML path from the list on, such as "[2].do[0].params.room".
	Path    string
	Message string
	// Warning: the rule works, but probably not as meant.
	Warning bool
}

func (p Problem) String() string { return p.Path + ": " + p.Message }

// Table is a checked rule list. It does not change; any number of goroutines may use it.
type Table struct {
	rules  []*rule
	byKind map[pms.EventKind][]*rule
}

// rule is a Rule ready to run.
type rule struct {
	name, id   string
	index      int
	kinds      []string
	conditions []condition
	steps      []*step
}

// Compile checks the rules against what the property has and makes them ready
// to run. The table holds the rules without problems (warnings aside), so a
// list with a slip in one rule still serves with the others. desk names the
// device that "desk" stands for; with "" steps for it do nothing.
func Compile(list []Rule, devices []Device, desk string, options ...Options) (*Table, []Problem) {
	c := &compiler{devices: devices, desk: desk, taken: map[string]string{}, said: map[Problem]bool{}}
	for _, o := range options {
		c.roomTypes = append(c.roomTypes, o.RoomTypes...)
	}
	table := &Table{byKind: map[pms.EventKind][]*rule{}}
	if len(list) > MaxRules {
		c.problem(fmt.Sprintf("[%d]", MaxRules), "too many rules: %d, and at most %d are possible", len(list), MaxRules)
		list = list[:MaxRules]
	}
	for i := range list {
		before := len(c.problems)
		r := c.rule(i, &list[i])
		if len(c.problems) == before {
			table.rules = append(table.rules, r)
		}
	}
	for _, kind := range eventKinds() {
		k := pms.EventKind(kind)
		table.byKind[k] = nil
		for _, r := range table.rules {
			if slices.Contains(r.kinds, kind) {
				table.byKind[k] = append(table.byKind[k], r)
			}
		}
	}
	c.conflicts(table.rules)
	return table, c.problems
}

// compiler collects problems.
type compiler struct {
	devices   []Device
	desk      string
	roomTypes []string
	problems  []Problem
	said      map[Problem]bool
	taken     map[string]string // names by slug
}

func (c *compiler) problem(path, format string, args ...any) {
	c.add(Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

// add keeps each problem once: a step for every device of a kind has the same
// slip at each of them.
func (c *compiler) add(p Problem) {
	if !c.said[p] {
		c.said[p] = true
		c.problems = append(c.problems, p)
	}
}

func (c *compiler) rule(index int, source *Rule) *rule {
	at := fmt.Sprintf("[%d]", index)
	r := &rule{name: source.Name, id: slug(source.Name), index: index}
	c.name(at, r)
	r.conditions = c.conditions(at, source.When)
	r.kinds = c.kinds(at, source.When, r.conditions)
	for i := range r.conditions {
		c.possible(at, &r.conditions[i], r.kinds)
	}
	switch {
	case len(source.Do) == 0:
		c.problem(at, "do is missing: say what to do, and with which device")
	case len(source.Do) > MaxSteps:
		c.problem(at+".do", "too many steps: %d, and at most %d are possible: make several rules of it", len(source.Do), MaxSteps)
		return r
	}
	for i := range source.Do {
		r.steps = append(r.steps, c.step(fmt.Sprintf("%s.do[%d]", at, i), i+1, &source.Do[i], r))
	}
	return r
}

func (c *compiler) name(at string, r *rule) {
	if strings.TrimSpace(r.name) == "" {
		c.problem(at, "name is missing: commands are named after their rule")
		return
	}
	if r.id == "" {
		c.problem(at+".name", "name %q has no letter or digit: write what the rule does, such as cut a key at check-in", r.name)
		return
	}
	if len(r.name) > 100 {
		c.problem(at+".name", "name is too long: %d bytes, and at most 100 are possible: shorten it", len(r.name))
		return
	}
	switch other, taken := c.taken[r.id]; {
	case taken && other == r.name:
		c.problem(at+".name", "another rule has the name %q too: give each its own", r.name)
	case taken:
		c.problem(at+".name", "name %q differs too little from %q of another rule: give each its own", r.name, other)
	}
	c.taken[r.id] = r.name
}

// key appends a mapping's key to a path, if the key reads as one there.
func key(path, name string) string {
	plain := func(r rune) bool {
		return r == '_' || r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !plain(r) }) {
		return path
	}
	return path + "." + name
}
