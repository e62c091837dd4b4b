package pn532sim

import (
	"fmt"
	"slices"
	"time"
)

// Direction of a line of the transcript, seen from the chip.
type Direction string

// The directions.
const (
	In   Direction = "<" // from the host
	Out  Direction = ">" // to the host
	Lost Direction = "x" // was to go out or in, and nobody was there
	Air  Direction = "~" // between chip and cards: what was sent, then what came back
	Note Direction = "#" // what happened on the line or to it
)

// Line is one line of the transcript: bytes as they were on the wire, or a note.
type Line struct {
	At    time.Time
	Port  string
	Dir   Direction
	Bytes []byte
	Note  string
}

// String prints a line for people: time, port, direction, hex.
func (l Line) String() string {
	text := l.Note
	if len(l.Bytes) > 0 {
		text = fmt.Sprintf("% X", l.Bytes)
		if l.Note != "" {
			text += " (" + l.Note + ")"
		}
	}
	return fmt.Sprintf("%s %s %s %s", l.At.Format("15:04:05.000"), l.Port, l.Dir, text)
}

// Violation is something that a host must not do, or should not.
type Violation struct {
	At   time.Time
	Port string
	Rule Rule
	What string
}

// String prints a violation for people.
func (v Violation) String() string { return fmt.Sprintf("%s: %s: %s", v.Port, v.Rule, v.What) }

// Rule names what a host has broken.
type Rule string

// The rules.
const (
	RuleWakeUp    Rule = "wake-up"    // a frame for a chip that sleeps
	RuleChecksum  Rule = "checksum"   // LCS or DCS wrong
	RuleLength    Rule = "length"     // longer than a frame may be
	RuleEarly     Rule = "before ACK" // a frame while the last one has no ACK yet
	RuleBusy      Rule = "busy"       // a command while another one runs; it ends the first
	RuleUnread    Rule = "unread"     // a command while a response waits to be read
	RuleDirection Rule = "direction"  // a frame that does not begin with D4
	RuleSyntax    Rule = "syntax"     // a command that the chip does not know, or of another shape
	RuleSetUp     Rule = "set-up"     // a card command before SAMConfiguration
	RuleTarget    Rule = "target"     // a command for a target that was not listed
	RuleReady     Rule = "not ready"  // data read from SPI or I2C that were not there
	RuleBus       Rule = "bus"        // a mode, speed or transfer that the bus does not take
)

// maxLines bounds the transcript; the oldest half is dropped beyond it.
const maxLines = 200_000

// Transcript returns every byte of every bus and of the air, in order, with its time.
func (c *Chip) Transcript() []Line {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.lines)
}

// Violations returns what the host did wrong, in order.
func (c *Chip) Violations() []Violation {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.violations)
}

// Requests counts the commands that the chip took up.
func (c *Chip) Requests() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.requests
}

func (c *Chip) record(port string, dir Direction, b []byte, note string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.write(port, dir, b, note)
}

// write is record for a caller that holds c.mu.
func (c *Chip) write(port string, dir Direction, b []byte, note string) {
	if len(c.lines) >= maxLines {
		c.lines = slices.Clone(c.lines[maxLines/2:])
	}
	c.lines = append(c.lines, Line{At: c.cfg.Clock.Now(), Port: port, Dir: dir, Bytes: slices.Clone(b), Note: note})
	c.change()
}

// blame writes a violation down. The caller holds c.mu.
func (c *Chip) blame(port string, rule Rule, format string, args ...any) {
	v := Violation{At: c.cfg.Clock.Now(), Port: port, Rule: rule, What: fmt.Sprintf(format, args...)}
	if len(c.violations) < maxLines {
		c.violations = append(c.violations, v)
	}
	c.write(port, Note, nil, "violation: "+string(rule)+": "+v.What)
}
