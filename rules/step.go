package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"edgeagent/drivers"
	"edgeagent/pms"
)

// step is a Step ready to run.
type step struct {
	number int // from 1
	// target and action are as the rule names them, for people.
	target, action string
	// wanted gives the device's name where only the event knows it; spare is
	// the device for an event that names none, "" if there is none.
	wanted *template
	spare  string
	// orders are what to tell each device: all of them, or with wanted, one.
	orders []*order
	// inert says why the step does nothing in this property, "" if it does.
	inert         string
	after, within time.Duration
}

// order is what a step means for one device.
type order struct {
	device string
	id     string // ends the command's id
	action string
	// setting, subject: see drivers.Action.
	setting bool
	subject template
	params  []param
}

// param is a parameter with where its value comes from.
type param struct {
	drivers.Param
	value, fallback template
	// pinned: the rule gives this very text, even if empty.
	pinned bool
}

func kindNames() []string { return []string{"keycard", "iptv", "wifi"} }

func (c *compiler) step(at string, number int, source *Step, r *rule) *step {
	s := &step{number: number, action: source.Action, after: source.After, within: source.Within}
	if source.After < 0 {
		c.problem(at+".after", "after %s: a step cannot come before its event", span(source.After))
	}
	if source.Within < 0 {
		c.problem(at+".within", "within %s: write a time from the event on, such as 10m", span(source.Within))
	}
	devices := c.target(at, source, s)
	if source.Action == "" {
		c.problem(at, "action is missing: %s", actionHelp(devices))
		return s
	}
	c.templates(at, source, r)
	capable := slices.DeleteFunc(slices.Clone(devices), func(d Device) bool { return action(d, source.Action) == nil })
	if len(devices) > 0 && len(capable) == 0 {
		names := actionNames(devices)
		c.problem(at+".action", "%s has no action %q: %s", s.target, source.Action,
			suggest(source.Action, names, quoted, "it has "+strings.Join(names, ", ")))
		return s
	}
	for _, d := range capable {
		s.orders = append(s.orders, c.order(at, source, s, d, r))
	}
	if source.Kind == "keycard" && len(s.orders) > 1 && !s.orders[0].setting {
		c.problem(at+".kind", "kind: keycard would %s at each of %d encoders: name one with device:", source.Action, len(s.orders))
	}
	return s
}

// target finds the devices of a step.
func (c *compiler) target(at string, source *Step, s *step) []Device {
	pick := func(match func(Device) bool) []Device {
		return slices.DeleteFunc(slices.Clone(c.devices), func(d Device) bool { return !match(d) })
	}
	var names []string
	for _, d := range c.devices {
		names = append(names, d.Name)
	}
	s.target = source.Device
	switch {
	case source.Device != "" && source.Kind != "":
		c.problem(at, "both device and kind: write one of them")
		return nil
	case source.Device == "" && source.Kind == "":
		c.problem(at, "device is missing: name a device with device:, or all of a kind with kind: %s", either(kindNames()))
		return nil
	case source.Kind != "":
		s.target = "kind " + source.Kind
		found := pick(func(d Device) bool { return d.Kind == source.Kind })
		if len(found) == 0 {
			s.inert = "this property has no " + source.Kind
			if known := kindNames(); !slices.Contains(known, source.Kind) {
				c.problem(at+".kind", "unknown kind %q: %s", source.Kind, suggest(source.Kind, known, quoted, "write "+either(known)))
			}
		}
		return found
	case strings.Contains(source.Device, "$"):
		found := pick(func(d Device) bool { return action(d, source.Action) != nil })
		c.wanted(at, source, s, found)
		return found
	case source.Device == desk && !slices.Contains(names, desk):
		found := pick(func(d Device) bool { return d.Name == c.desk })
		if c.desk == "" {
			s.inert = "this property has no desk encoder"
		} else if len(found) == 0 {
			c.problem(at+".device", "desk stands for %q, which is no device of this property", c.desk)
		}
		return found
	}
	found := pick(func(d Device) bool { return d.Name == source.Device })
	if len(found) == 0 {
		c.problem(at+".device", "unknown device %q: %s", source.Device, suggest(source.Device, names, quoted, deviceHelp(names)))
	}
	return found
}

// wanted prepares a step whose device only the event knows: found are those
// it can be. Where the event names none, it is the desk encoder.
func (c *compiler) wanted(at string, source *Step, s *step, found []Device) {
	t, err := parseTemplate(source.Device)
	if err != nil {
		return // said by templates
	}
	s.wanted, s.spare = &t, c.desk
	if slices.ContainsFunc(c.devices, func(d Device) bool { return d.Name == desk }) {
		s.spare = desk
	}
	if len(found) > 0 {
		return
	}
	s.inert = fmt.Sprintf("no device of this property can %s", source.Action)
	if near := nearest(source.Action, actionNames(c.devices)); near != "" {
		c.problem(at+".action", "unknown action %q: did you mean %q?", source.Action, near)
	}
}

func deviceHelp(names []string) string {
	if len(names) == 0 {
		return "this property has no devices"
	}
	return "this property has " + strings.Join(names, ", ")
}

func actionHelp(devices []Device) string {
	if len(devices) == 0 {
		return "write what the device shall do"
	}
	return "write " + either(actionNames(devices))
}

func actionNames(devices []Device) []string {
	var names []string
	for _, d := range devices {
		for _, a := range d.Actions {
			if !slices.Contains(names, a.Name) {
				names = append(names, a.Name)
			}
		}
	}
	return names
}

func action(d Device, name string) *drivers.Action {
	for i := range d.Actions {
		if d.Actions[i].Name == name {
			return &d.Actions[i]
		}
	}
	return nil
}

// templates checks the templates of a step by themselves, so that they are
// also checked where the property lacks the device.
func (c *compiler) templates(at string, source *Step, r *rule) {
	if s := source.Device; strings.Contains(s, "$") {
		c.fields(at+".device", s, r)
	}
	for _, name := range paramNames(source.Params) {
		c.fields(key(at+".params", name), source.Params[name], r)
	}
}

func paramNames(params Params) []string {
	names := make([]string, 0, len(params))
	for name := range params {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// fields checks a template and the fields it names.
func (c *compiler) fields(at, text string, r *rule) {
	t, err := parseTemplate(text)
	if err != nil {
		c.problem(at, "%v", err)
		return
	}
	known := fieldNames()
	for _, name := range t.names() {
		if !pms.IsEventField(name) {
			c.problem(at, "unknown field ${%s}: %s", name, suggest(name, known, braced, "use one of "+strings.Join(known, ", ")))
			continue
		}
		if only := onlyIn(name); only != nil && nothing(name) == "" && len(r.kinds) > 0 && !overlaps(only, r.kinds) {
			c.problem(at, "${%s} is always empty here: only %s has it: use another field, or leave it out", name, either(only))
		}
	}
}

// order makes a step's order for one device and checks its parameters.
func (c *compiler) order(at string, source *Step, s *step, d Device, r *rule) *order {
	a := action(d, source.Action)
	o := &order{device: d.Name, id: fmt.Sprint(s.number), action: a.Name, setting: a.Setting}
	if source.Kind != "" {
		// Named, not counted: another device of the kind must not change the ids.
		o.id += "." + d.Name
	}
	if s.within == 0 {
		s.within = a.Within
	}
	switch {
	case s.within == 0 && !a.Setting:
		c.problem(at, "%s is a job without an end: add within, such as within: 10m", a.Name)
	case s.within > 0 && s.after >= s.within:
		c.problem(at+".after", "after %s begins when within %s has ended: the step would never be carried out: shorten after, or raise within", span(s.after), span(s.within))
	}
	c.params(at, source, a, o)
	c.subject(at, a, o)
	return o
}

// subject parses what the action is about, and checks that it names parameters or fields.
func (c *compiler) subject(at string, a *drivers.Action, o *order) {
	t, err := parseTemplate(a.Subject)
	if err != nil {
		c.problem(at+".action", "subject of %s: %v", a.Name, err)
		return
	}
	for _, name := range t.names() {
		isParam := slices.ContainsFunc(a.Params, func(p drivers.Param) bool { return p.Name == name })
		if !isParam && !pms.IsEventField(name) {
			c.problem(at+".action", "subject of %s: unknown field ${%s}", a.Name, name)
		}
	}
	o.subject = t
}
