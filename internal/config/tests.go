package config

import (
	"fmt"
	"reflect"
	"time"

	"edgeagent/rules"
)

// TestFile is a file of rule tests, which lies beside a property file.
type TestFile struct {
	// Tests are the tests.
	Tests []RuleTest `yaml:"tests"`
}

// RuleTest says which commands the rules must make of some events.
type RuleTest struct {
	// Name says what the hotel wants; it stands in front of each failure.
	Name string `yaml:"name"`
	// Events happen one after the other: the event and its fields, as edgeagent
	// explain takes them.
	Events []rules.Params `yaml:"events"`
	// Devices are those that the test is about; commands for others are not
	// looked at. Default: all.
	Devices []string `yaml:"devices"`
	// Expect lists the commands that must come, in any order, and no others may.
	Expect []Expected `yaml:"expect"`
}

// Expected is a command that must come. What is left out may be anything.
type Expected struct {
	// Device and Action are those of the command.
	Device string `yaml:"device"`
	Action string `yaml:"action"`
	// Subject is what the command is about, such as room:101.
	Subject string `yaml:"subject"`
	// Params are the parameters that matter, with their values. An empty one must
	// not be there.
	Params rules.Params `yaml:"params"`
	// After is how much later than the event it comes; Within how long it is wanted.
	After  *time.Duration `yaml:"after"`
	Within *time.Duration `yaml:"within"`
}

// LoadedTests is a file of rule tests that was read, and knows where everything
// stands in it.
type LoadedTests struct {
	TestFile
	c *checker
}

// LoadTests reads a file of rule tests. With problems none of it counts; of a file
// with faults it gives what could be read, nil if that is nothing.
func LoadTests(path string) (*LoadedTests, Problems) {
	text, err := read(path)
	if err != nil {
		return nil, Problems{{File: path, Message: err.Error()}}
	}
	c := newChecker(path)
	loaded := &LoadedTests{c: c}
	root, ok := c.parse(text)
	if !ok {
		return nil, c.sorted()
	}
	c.duplicates(root)
	c.fill(root, reflect.ValueOf(&loaded.TestFile).Elem(), "", "the file of rule tests")
	loaded.check()
	return loaded, c.sorted()
}

// check reports what no test can do without.
func (l *LoadedTests) check() {
	c := l.c
	if len(l.Tests) == 0 {
		c.add("tests", "no tests; write tests: and below it an entry with name:, events: and expect:")
	}
	seen := map[string]string{}
	for i := range l.Tests {
		t, path := &l.Tests[i], fmt.Sprintf("tests[%d]", i)
		switch first, twice := seen[t.Name]; {
		case t.Name == "":
			c.add(path, "this test has no name; add name: and what the hotel wants, such as a suite gets two keys")
		case twice:
			c.add(path+".name", "two tests are called %q, the first in line %d; give one another name", short(t.Name), c.line(first))
		default:
			seen[t.Name] = path + ".name"
		}
		if len(t.Events) == 0 {
			c.add(path, "this test has no events; write events: and below it such as - { event: stay.checked_in, room: 101 }")
		}
		for k, e := range t.Events {
			if e["event"] == "" {
				c.add(fmt.Sprintf("%s.events[%d]", path, k), "this event does not say what happens; write event: and one such as stay.checked_in")
			}
		}
		if t.Expect == nil {
			c.add(path, "this test expects nothing at all; write expect: and below it the commands, or expect: [] if none may come")
		}
		for k := range t.Expect {
			at := fmt.Sprintf("%s.expect[%d]", path, k)
			if t.Expect[k].Device == "" {
				c.add(at, "this command has no device; add device: and the name of one")
			}
			if t.Expect[k].Action == "" {
				c.add(at, "this command has no action; add action: and one such as encode, welcome or ensure")
			}
		}
	}
}

// Slip is At for a fault of the test itself; false where something is wrong with
// what stands there already, or with what is around it.
func (l *LoadedTests) Slip(path, message string) (Problem, bool) {
	if l.c.shadowed(path) || l.c.said[path] || l.c.said[parent(path)] {
		return Problem{}, false
	}
	return l.At(path, message), true
}

// At is a problem at a path of the file, such as tests[0].expect[1].params.copies.
func (l *LoadedTests) At(path, message string) Problem { return *l.c.tell(path, "%s", message) }
