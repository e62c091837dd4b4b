package config

import (
	"fmt"
	"slices"
	"strings"

	"edgeagent/drivers"
	"edgeagent/drivers/iptv"
	"edgeagent/drivers/keycard"
	"edgeagent/drivers/keycard/panel"
	"edgeagent/drivers/wifi"
	"edgeagent/rules"
)

// Actions are what a kind of device can be told.
func Actions(kind string) []drivers.Action {
	switch kind {
	case "keycard":
		return keycard.Actions()
	case "iptv":
		return iptv.Actions()
	case "wifi":
		return wifi.Actions()
	}
	return nil
}

// Actions are what a device can be told: by its kind, and by what is fitted to it.
func (d *Device) Actions() []drivers.Action {
	actions := Actions(d.Kind())
	if d.Keycard != nil {
		if d.Keycard.IsPN532() {
			actions = keycard.ModuleActions()
		}
		actions = append(actions, d.Keycard.Panel.Actions()...)
	}
	return actions
}

// rules compiles the property's rules, or the table that ships.
func (c *checker) rules(l *Loaded) {
	if slices.Contains(c.faults, "rules") || slices.Contains(c.faults, "devices") {
		return // no list at all: whatever rules say of it would be wrong
	}
	own := l.Rules != nil
	table, prefix := l.Rules, ""
	if own && len(table) == 0 {
		c.add("rules", "an empty list of rules: nothing will ever happen; remove it to have the table that ships").Warning = true
	}
	if !own {
		var err error
		prefix = "the table that ships: "
		if table, err = rules.Parse(rules.Default()); err != nil {
			c.tell("rules", "%s%v", prefix, err)
			return
		}
	}
	var encoders []string
	devices := make([]rules.Device, 0, len(l.Devices))
	for i := range l.Devices {
		d := &l.Devices[i]
		devices = append(devices, rules.Device{Name: unreserved(d.Name), Kind: d.Kind(), Actions: c.actionsOf(i, d)})
		if d.Keycard != nil {
			encoders = append(encoders, unreserved(d.Name))
		}
	}
	slices.Sort(encoders)
	desk := c.desk(l, slices.Compact(encoders), table)
	compiled, problems := rules.Compile(table, devices, desk, rules.Options{RoomTypes: slices.DeleteFunc(slices.Clone(l.Property.RoomTypes), func(code string) bool { return code == "" })})
	unknown := map[string]bool{}
	for _, p := range problems {
		if unknown[p.Path] && !strings.HasPrefix(p.Message, "unknown field") {
			continue // that the unknown is of another type as well helps nobody
		}
		unknown[p.Path] = strings.HasPrefix(p.Message, "unknown field")
		c.addAt("rules"+p.Path, aboutKey(p.Message), "%s%s", prefix, p.Message).Warning = p.Warning
	}
	l.Table = compiled
}

// aboutKey reports whether a problem of a rule is about the name of a field or a
// parameter, and not about its value.
func aboutKey(message string) bool {
	return strings.HasPrefix(message, `unknown field "`) || strings.Contains(message, ` has no parameter "`)
}

// deskWord is what rules call the front desk's encoder, whatever its name.
const deskWord = "desk"

// unreserved is the name of a device for the rules. One that has the reserved
// word for its name, which is reported, stands there under another: otherwise
// each rule with that word would be reported for it as well.
func unreserved(name string) string {
	if name == deskWord {
		return "the device called desk"
	}
	return name
}

// actionsOf is what a device can be told: by its kind, or anything while its
// kind is in doubt, so that its rules are not reported for that as well.
func (c *checker) actionsOf(i int, d *Device) []drivers.Action {
	sure := 0
	for _, there := range []bool{d.Keycard != nil, d.IPTV != nil, d.WiFi != nil} {
		if there {
			sure++
		}
	}
	fitted := (&panel.Config{Relay: &panel.Relay{}}).Actions()
	switch {
	case sure == 1 && d.Keycard != nil && c.shadowed(fmt.Sprintf("devices[%d].keycard.panel", i)):
		return append(keycard.Actions(), fitted...)
	case sure == 1:
		return d.Actions()
	}
	return slices.Concat(Actions("keycard"), fitted, Actions("iptv"), Actions("wifi"))
}

// desk is the encoder at the front desk.
func (c *checker) desk(l *Loaded, encoders []string, table []rules.Rule) string {
	desk := unreserved(l.Property.Desk)
	switch {
	case desk != "" && !slices.Contains(encoders, desk):
		hint := "this property has none; remove desk:"
		if len(encoders) > 0 {
			hint = didYouMean(desk, encoders)
		}
		c.add("property.desk", "desk: %q is no keycard device; %s", short(desk), hint)
		return ""
	case desk == "" && len(encoders) == 1:
		return encoders[0]
	case desk == "" && len(encoders) > 1 && wantDesk(table):
		c.deskless(encoders)
	}
	return desk
}

func (c *checker) deskless(encoders []string) {
	shown := encoders[:min(len(encoders), 10)]
	c.add("property.desk", "there are %d encoders (%s); say under property which stands at the front desk, such as desk: %s",
		len(encoders), strings.Join(shown, ", "), encoders[0])
}

// wantDesk reports whether a rule addresses the front desk's encoder.
func wantDesk(table []rules.Rule) bool {
	for _, r := range table {
		for _, s := range r.Do {
			if s.Device == deskWord || strings.Contains(s.Device, "${") {
				return true
			}
		}
	}
	return false
}
