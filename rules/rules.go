// Package rules decides what a hotel does about an event: decision tables that
// an installer can read, checked before they run and explained before anything
// moves.
//
//	[]Rule --Compile--> Table --Eval(event)--> commands
//	                          --Explain(event)--> why, and why not
//
// A rule has conditions (when) and steps (do). All conditions must hold; every
// rule whose conditions hold is carried out, in the order of the file.
//
// A condition names a field of the event and says what it must be:
//
//	room_type: suite               equal
//	room_type: [suite, deluxe]     one of these
//	room: 1*                       begins with 1
//	vip: "!V1"                     anything but V1, also nothing (quotes: a bare ! means something else to YAML)
//	room: [1*, "!13*"]             one of the first kind, and none of the second
//	vip: present                   not empty
//	vip: absent                    empty
//
// The words present and absent are words only when they stand alone. To
// compare with the text itself write a list: [present].
//
// Values of parameters are templates: ${field} becomes the event's value, $$ a
// dollar sign.
package rules

import (
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// Rule says what to do about some events.
type Rule struct {
	// Name of the rule, unique in its list. Commands are named after it, so a
	// new name makes a new rule, while a new place in the list does not.
	Name string `yaml:"name"`
	// When lists the conditions, by field of the event. All must hold.
	When map[string]Match `yaml:"when"`
	// Do lists the steps, carried out in this order.
	Do []Step `yaml:"do"`
}

// Step is one thing to do: an action, and the device or the kind of device to do it.
type Step struct {
	// Device names the device: its name in the property file, desk for the
	// property's desk encoder, or a template such as ${encoder}, which is the
	// desk encoder too when it comes to nothing.
	Device string `yaml:"device"`
	// Kind addresses every device of this kind (keycard, iptv, wifi), instead of Device.
	Kind string `yaml:"kind"`
	// Action is what the device shall do, such as encode, welcome or ensure.
	Action string `yaml:"action"`
	// Params are the action's parameters, with ${field} for what the event
	// says. What is left out has the action's own default.
	Params Params `yaml:"params"`
	// Within is the time, from the event on, after which the step is no longer
	// wanted, such as 10m. The default is the action's own.
	Within time.Duration `yaml:"within"`
	// After delays the step, such as 30m.
	After time.Duration `yaml:"after"`
}

// Match is what a condition wants of its field: one text or a list of them,
// see the package comment.
type Match struct {
	Values []string
	// List is true for a list, in which present and absent are ordinary text.
	List bool

	// offset is the place in the source; it keeps the order of conditions,
	// which a map would lose.
	offset int
}

// Params are parameters by name. The values are text as it stands in the
// source, so a room 0101 keeps its zero.
type Params map[string]string

// Equal reports whether both want the same, wherever they stand in a file.
func (m Match) Equal(other Match) bool {
	if m.List != other.List || len(m.Values) != len(other.Values) {
		return false
	}
	for i, v := range m.Values {
		if v != other.Values[i] {
			return false
		}
	}
	return true
}

// UnmarshalYAML reads a text, a number, true or false, or a list of them.
func (m *Match) UnmarshalYAML(node ast.Node) error {
	*m = Match{offset: node.GetToken().Position.Offset}
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		text, err := scalar(node, "a condition is a text or a list of texts")
		m.Values = []string{text}
		return err
	}
	m.List = true
	for _, item := range list.Values {
		text, err := scalar(item, "a list of a condition holds texts")
		if err != nil {
			return err
		}
		m.Values = append(m.Values, text)
	}
	return nil
}

// UnmarshalYAML reads a mapping of names to texts, numbers, true or false.
func (p *Params) UnmarshalYAML(node ast.Node) error {
	mapping, ok := node.(ast.MapNode)
	if !ok {
		return &yaml.SyntaxError{Message: "params are names with values, such as copies: 2", Token: node.GetToken()}
	}
	*p = Params{}
	for iter := mapping.MapRange(); iter.Next(); {
		name, err := scalar(iter.Key(), "the name of a parameter is a text")
		if err != nil {
			return err
		}
		value, err := scalar(iter.Value(), "the value of a parameter is a text, a number, true or false")
		if err != nil {
			return err
		}
		(*p)[name] = value
	}
	return nil
}

// scalar is a node's text as the source spells it: 0101 stays 0101, and yes stays yes.
func scalar(node ast.Node, want string) (string, error) {
	switch n := node.(type) {
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case *ast.NullNode:
		return "", nil
	case *ast.StringNode:
		return n.Value, nil
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, nil
	case *ast.TagNode:
		tag := n.GetToken().Value
		return "", &yaml.SyntaxError{Message: "put quotes around what begins with !, as in \"" + strings.TrimSpace(tag) + "\"", Token: n.GetToken()}
	}
	return "", &yaml.SyntaxError{Message: want, Token: node.GetToken()}
}
