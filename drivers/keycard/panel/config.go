package panel

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// Config is the section of a front panel in the property file. Each part may be left out.
type Config struct {
	// Chip is the GPIO chip that the lines are on: its name, or its label such as pinctrl-rp1. Default: whichever has them.
	Chip string `yaml:"chip"`
	// Lamp shows how the encoder stands.
	Lamp *Lamp `yaml:"lamp"`
	// Buzzer sounds when somebody has to do something.
	Buzzer *Buzzer `yaml:"buzzer"`
	// CardSwitch tells that a card lies in the reader.
	CardSwitch *CardSwitch `yaml:"card_switch"`
	// Relay opens a door.
	Relay *Relay `yaml:"relay"`
}

// Lamp is a lamp, and how it shines in each state: steady, dark, or times on and off in turn, over and over.
type Lamp struct {
	// Line is the lamp's GPIO line by name, such as GPIO17, or by number if there is a chip.
	Line string `yaml:"line"`
	// Active is the level at which it shines, high or low. Default high.
	Active string `yaml:"active"`
	// Idle: ready for work. Default steady.
	Idle string `yaml:"idle"`
	// Busy: the encoder is at work. Default 120ms 120ms.
	Busy string `yaml:"busy"`
	// Present: somebody must hold a card to the reader now. Default 500ms 500ms.
	Present string `yaml:"present"`
	// OK: the card is done. Default 900ms 100ms.
	OK string `yaml:"ok"`
	// Error: it was not. Default 100ms 100ms 100ms 700ms.
	Error string `yaml:"error"`
}

// Buzzer is a buzzer with its own tone, and what it sounds: none, or times on and off in turn, once.
type Buzzer struct {
	// Line is the buzzer's GPIO line.
	Line string `yaml:"line"`
	// Active is the level at which it sounds, high or low. Default high.
	Active string `yaml:"active"`
	// Present: somebody must hold a card to the reader now. Default 40ms.
	Present string `yaml:"present"`
	// OK: a card is done. Default 120ms.
	OK string `yaml:"ok"`
	// Error: no card was made. Default 150ms 100ms 150ms 100ms 150ms.
	Error string `yaml:"error"`
}

// CardSwitch is a switch in the reader's slot.
type CardSwitch struct {
	// Line is the switch's GPIO line.
	Line string `yaml:"line"`
	// Active is the level while a card lies there, high or low. Default low: the switch closes to ground.
	Active string `yaml:"active"`
	// Pull is the resistor in the gateway that gives the line its other level: up, down or none. Default: away from active.
	Pull string `yaml:"pull"`
	// Debounce is how long the contact must be still to count, 5ms to 500ms. Default 30ms.
	Debounce time.Duration `yaml:"debounce"`
}

// Relay is the relay of a door.
type Relay struct {
	// Line is the relay's GPIO line.
	Line string `yaml:"line"`
	// Active is the level at which the door opens, high or low. Default high. The other one is the safe level.
	Active string `yaml:"active"`
	// Open is how long the action open_door keeps it on. Default 3s.
	Open time.Duration `yaml:"open"`
	// Cap is the longest time that it is ever on, however often the door is asked for meanwhile; at most 30s. Default 5s.
	Cap time.Duration `yaml:"cap"`
	// Rest is how long it stays off between two times; at most 1m. Default 2s.
	Rest time.Duration `yaml:"rest"`
}

// The bounds of a relay. A door that must stand open longer has its own controls.
const (
	minOpen = 100 * time.Millisecond
	maxCap  = 30 * time.Second
	minRest = 500 * time.Millisecond
	maxRest = time.Minute
)

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// WithDefaults gives the section with every optional field of its parts filled.
func (c Config) WithDefaults() Config {
	if c.Lamp != nil {
		l := *c.Lamp
		l.Active = or(l.Active, "high")
		l.Idle, l.Busy, l.Present = or(l.Idle, "steady"), or(l.Busy, "120ms 120ms"), or(l.Present, "500ms 500ms")
		l.OK, l.Error = or(l.OK, "900ms 100ms"), or(l.Error, "100ms 100ms 100ms 700ms")
		c.Lamp = &l
	}
	if c.Buzzer != nil {
		b := *c.Buzzer
		b.Active = or(b.Active, "high")
		b.Present, b.OK, b.Error = or(b.Present, "40ms"), or(b.OK, "120ms"), or(b.Error, "150ms 100ms 150ms 100ms 150ms")
		c.Buzzer = &b
	}
	if c.CardSwitch != nil {
		s := *c.CardSwitch
		s.Active = or(s.Active, "low")
		away := "up"
		if s.Active == "high" {
			away = "down"
		}
		s.Pull = or(s.Pull, away)
		s.Debounce = or(s.Debounce, 30*time.Millisecond)
		c.CardSwitch = &s
	}
	if c.Relay != nil {
		r := *c.Relay
		r.Active = or(r.Active, "high")
		r.Cap = or(r.Cap, 5*time.Second)
		r.Open, r.Rest = or(r.Open, min(3*time.Second, r.Cap)), or(r.Rest, 2*time.Second)
		c.Relay = &r
	}
	return c
}

// pulls are the resistors by their names in the property file.
var pulls = map[string]gpio.Pull{"up": gpio.PullUp, "down": gpio.PullDown, "none": gpio.Float}

// Lines lists the lines that are in use, by the path of each in the section.
func (c *Config) Lines() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		_ = (c.Lamp == nil || yield("lamp.line", c.Lamp.Line)) &&
			(c.Buzzer == nil || yield("buzzer.line", c.Buzzer.Line)) &&
			(c.CardSwitch == nil || yield("card_switch.line", c.CardSwitch.Line)) &&
			(c.Relay == nil || yield("relay.line", c.Relay.Line))
	}
}

// Problems yields what is wrong with the section: the path inside it, and what to write instead.
func (c *Config) Problems() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		if c.Lamp == nil && c.Buzzer == nil && c.CardSwitch == nil && c.Relay == nil {
			yield("", "has nothing on it: add lamp:, buzzer:, card_switch: or relay:, or remove it")
			return
		}
		_ = c.lineProblems(yield) && c.levelProblems(yield) && c.patternProblems(yield) && c.switchProblems(yield) && c.relayProblems(yield)
	}
}

func (c *Config) lineProblems(yield func(string, string) bool) bool {
	users := map[string]string{}
	for path, line := range c.Lines() {
		part, _, _ := strings.Cut(path, ".")
		_, numeric := strconv.ParseUint(line, 10, 32)
		first, twice := users[strings.ToLower(line)]
		problem := ""
		switch {
		case line == "":
			problem = "missing: write the name of a GPIO line, such as GPIO17"
		case numeric == nil && c.Chip == "":
			problem = fmt.Sprintf("%s is a number, and each chip counts its own lines: write the line's name, such as GPIO17, or add chip: to the panel", line)
		case twice:
			problem = fmt.Sprintf("%s is the line of %s already: each part of a panel needs its own", line, first)
		}
		users[strings.ToLower(line)] = part
		if problem != "" && !yield(path, problem) {
			return false
		}
	}
	return true
}

func (c *Config) levelProblems(yield func(string, string) bool) bool {
	for path, level := range c.levels() {
		if _, problem := levelOf(level); level != "" && problem != nil && !yield(path, problem.Error()) {
			return false
		}
	}
	return true
}

// levels lists the active levels, by the path of each in the section.
func (c *Config) levels() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		_ = (c.Lamp == nil || yield("lamp.active", c.Lamp.Active)) &&
			(c.Buzzer == nil || yield("buzzer.active", c.Buzzer.Active)) &&
			(c.CardSwitch == nil || yield("card_switch.active", c.CardSwitch.Active)) &&
			(c.Relay == nil || yield("relay.active", c.Relay.Active))
	}
}

func levelOf(text string) (gpio.Level, error) {
	switch text {
	case "high":
		return gpio.High, nil
	case "low":
		return gpio.Low, nil
	}
	return gpio.Low, fmt.Errorf("%q is no level: write high or low", text)
}

func (c *Config) patternProblems(yield func(string, string) bool) bool {
	type named struct{ path, text string }
	if l := c.Lamp; l != nil {
		for _, n := range []named{{"idle", l.Idle}, {"busy", l.Busy}, {"present", l.Present}, {"ok", l.OK}, {"error", l.Error}} {
			if _, problem := parseBlink(n.text); n.text != "" && problem != "" && !yield("lamp."+n.path, problem) {
				return false
			}
		}
	}
	if b := c.Buzzer; b != nil {
		for _, n := range []named{{"present", b.Present}, {"ok", b.OK}, {"error", b.Error}} {
			if _, problem := parseBeep(n.text); n.text != "" && problem != "" && !yield("buzzer."+n.path, problem) {
				return false
			}
		}
	}
	return true
}

func (c *Config) switchProblems(yield func(string, string) bool) bool {
	s := c.CardSwitch
	if s == nil {
		return true
	}
	if _, known := pulls[s.Pull]; s.Pull != "" && !known &&
		!yield("card_switch.pull", fmt.Sprintf("%q is no resistor: write up, down or none", s.Pull)) {
		return false
	}
	if d := s.Debounce; d != 0 && (d < 5*time.Millisecond || d > 500*time.Millisecond) {
		return yield("card_switch.debounce", fmt.Sprintf("%s is out of range: write 5ms to 500ms", d))
	}
	return true
}

func (c *Config) relayProblems(yield func(string, string) bool) bool {
	if c.Relay == nil {
		return true
	}
	for _, b := range []struct {
		name             string
		value, low, high time.Duration
	}{
		{"open", c.Relay.Open, minOpen, maxCap},
		{"cap", c.Relay.Cap, minOpen, maxCap},
		{"rest", c.Relay.Rest, minRest, maxRest},
	} {
		if b.value != 0 && (b.value < b.low || b.value > b.high) &&
			!yield("relay."+b.name, fmt.Sprintf("%s is out of range: write %s to %s", b.value, b.low, b.high)) {
			return false
		}
	}
	if r := c.WithDefaults().Relay; r.Open > r.Cap && r.Cap >= minOpen && r.Open <= maxCap {
		return yield("relay.open", fmt.Sprintf("open %s is longer than the cap of %s: shorten open, or raise cap", r.Open, r.Cap))
	}
	return true
}
