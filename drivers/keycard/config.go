package keycard

import (
	"fmt"
	"iter"
	"maps"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"edgeagent/drivers/keycard/panel"
)

// Config is the section of an encoder in the property file.
type Config struct {
	// Protocol is the language of the lock system: salto. Default salto.
	Protocol string `yaml:"protocol"`
	// Port is the serial port, by a name that survives replugging: /dev/serial/by-id/… Either port or address.
	Port string `yaml:"port"`
	// Address is host:port of a lock system that is reached over TCP.
	Address string `yaml:"address"`
	// Baud is the speed of the serial line. Default 9600.
	Baud int `yaml:"baud"`
	// StopBits of the serial line, 1 or 2. Default 1. Data bits are 8, parity is none.
	StopBits int `yaml:"stop_bits"`
	// Encoder is the encoder's name in the lock system, exactly as it stands there.
	Encoder string `yaml:"encoder"`
	// Rooms maps room numbers of the PMS to room names of the lock system. A room that is not listed has the same name in both.
	Rooms map[string]string `yaml:"rooms"`
	// Authorisations names authorisations of the lock system by number, 1 to 62, for the parameters grants and denials.
	Authorisations map[string]int `yaml:"authorisations"`
	// Operator is the name that the lock system records, at most 24 characters. Default AGENT.
	Operator string `yaml:"operator"`
	// Eject says what a motor encoder does with a finished card: eject waits until it is taken, rear the same at its back, retain does not wait. Default eject.
	Eject string `yaml:"eject"`
	// WantUID asks the lock system for the serial number of each card.
	WantUID bool `yaml:"want_uid"`
	// AckResult confirms each result. Default off: the lock systems expect none.
	AckResult bool `yaml:"ack_result"`
	// AcceptWildcardLRC takes frames whose check byte says "do not verify". Default on.
	AcceptWildcardLRC *bool `yaml:"accept_wildcard_lrc"`
	// StripEcho removes our own bytes where a two-wire adapter sends them back.
	StripEcho bool `yaml:"strip_echo"`
	// Timers bound every wait. The defaults suit real encoders.
	Timers Timers `yaml:"timers"`
	// Panel is the station's lamp, buzzer, card switch and door relay, on GPIO lines of the gateway.
	Panel *panel.Config `yaml:"panel"`
}

// Timers bound every wait on the link. Zero means the default.
type Timers struct {
	// Ack is the wait for an answer to ENQ or to a frame. Default 3s.
	Ack time.Duration `yaml:"t_ack"`
	// Sends is how often one frame is sent at most. Default 3.
	Sends int `yaml:"n_send"`
	// Busy is how long a busy lock system or encoder is asked again. Default 10s.
	Busy time.Duration `yaml:"t_busy"`
	// Result is the wait for a result, with the time a person needs. Default 60s.
	Result time.Duration `yaml:"t_result"`
	// Byte is the longest gap between two bytes of a frame. Default 1s.
	Byte time.Duration `yaml:"t_byte"`
	// Late is how long a lost result is waited for before new work is taken. Default 120s.
	Late time.Duration `yaml:"t_late"`
	// Keepalive is how often an idle link is asked whether it is there. Default 30s.
	Keepalive time.Duration `yaml:"t_keepalive"`
	// Settle is the pause between the questions that end a wait for a lost result early. Default 2s.
	Settle time.Duration `yaml:"t_settle"`
	// Duplicate is how long a repetition of a result is not taken for the next one. Default 2s.
	Duplicate time.Duration `yaml:"t_duplicate"`
	// Reopen is the first pause before a lost port is opened again. Default 500ms.
	Reopen time.Duration `yaml:"t_reopen"`
	// ReopenMax is the longest such pause. Default 10s.
	ReopenMax time.Duration `yaml:"t_reopen_max"`
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// WithDefaults gives the section with every optional field filled.
func (c Config) WithDefaults() Config {
	c.Protocol = or(c.Protocol, "salto")
	c.Baud = or(c.Baud, 9600)
	c.StopBits = or(c.StopBits, 1)
	c.Operator = or(c.Operator, "AGENT")
	c.Eject = or(c.Eject, "eject")
	if c.AcceptWildcardLRC == nil {
		on := true
		c.AcceptWildcardLRC = &on
	}
	t := &c.Timers
	t.Ack = or(t.Ack, 3*time.Second)
	t.Sends = or(t.Sends, 3)
	t.Busy = or(t.Busy, 10*time.Second)
	t.Result = or(t.Result, 60*time.Second)
	t.Byte = or(t.Byte, time.Second)
	t.Late = or(t.Late, 120*time.Second)
	t.Keepalive = or(t.Keepalive, 30*time.Second)
	t.Settle = or(t.Settle, 2*time.Second)
	t.Duplicate = or(t.Duplicate, 2*time.Second)
	t.Reopen = or(t.Reopen, 500*time.Millisecond)
	t.ReopenMax = max(or(t.ReopenMax, 10*time.Second), t.Reopen)
	return c
}

// ejects are the link's letters for what happens to a finished card.
var ejects = map[string]string{"eject": "E", "rear": "T", "retain": "R"}

var (
	unstablePort = regexp.MustCompile(`^/dev/tty(USB|ACM)[0-9]+$`)
	bauds        = []int{1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200}
)

// Problems yields what is wrong with the section: the path inside it, and what to write instead.
func (c *Config) Problems() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		_ = c.linkProblems(yield) && c.nameProblems(yield) && c.mapProblems(yield) && c.Timers.problems(yield) && c.panelProblems(yield)
	}
}

func (c *Config) linkProblems(yield func(string, string) bool) bool {
	known := slices.Sorted(maps.Keys(protocols))
	switch {
	case c.Protocol != "" && !slices.Contains(known, c.Protocol):
		if !yield("protocol", fmt.Sprintf("protocol %q is not known: write one of %s", c.Protocol, strings.Join(known, ", "))) {
			return false
		}
	}
	switch {
	case c.Port == "" && c.Address == "":
		return yield("port", "neither port nor address is given: write port: /dev/serial/by-id/… for a serial line, or address: host:port for TCP")
	case c.Port != "" && c.Address != "":
		return yield("address", "both port and address are given: keep the one that the encoder is connected by")
	case c.Address != "":
		if host, port, err := net.SplitHostPort(c.Address); err != nil || host == "" || port == "" {
			return yield("address", fmt.Sprintf("%q is not an address: write host:port, such as 192.0.2.10:8090", c.Address))
		} else if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return yield("address", fmt.Sprintf("has the port %q, and ports are 1 to 65535: write host:port, such as 192.0.2.10:8090", port))
		}
		if c.Baud != 0 || c.StopBits != 0 {
			return yield("baud", "baud and stop_bits belong to a serial port: remove them, or write port instead of address")
		}
		return true
	}
	return c.serialProblems(yield)
}

func (c *Config) serialProblems(yield func(string, string) bool) bool {
	if unstablePort.MatchString(c.Port) && !yield("port",
		c.Port+" changes when adapters are replugged: write the adapter's name under /dev/serial/by-id/ (ls -l /dev/serial/by-id shows which one it is)") {
		return false
	}
	if !strings.HasPrefix(c.Port, "/") && !yield("port", fmt.Sprintf("%q is not a full path: write /dev/serial/by-id/…", c.Port)) {
		return false
	}
	if c.Baud != 0 && !slices.Contains(bauds, c.Baud) && !yield("baud", fmt.Sprintf("%d is not a speed of serial lines: write one of %s",
		c.Baud, strings.Trim(strings.ReplaceAll(fmt.Sprint(bauds), " ", ", "), "[]"))) {
		return false
	}
	if c.StopBits != 0 && c.StopBits != 1 && c.StopBits != 2 {
		return yield("stop_bits", fmt.Sprintf("%d stop bits do not exist: write 1 or 2", c.StopBits))
	}
	return true
}

func (c *Config) nameProblems(yield func(string, string) bool) bool {
	switch {
	case c.Encoder == "":
		if !yield("encoder", "the encoder's name is missing: write it exactly as it stands in the lock system") {
			return false
		}
	case !isASCII(c.Encoder):
		if !yield("encoder", fmt.Sprintf("%q cannot be sent: rename the encoder in the lock system to plain ASCII letters and digits", c.Encoder)) {
			return false
		}
	case len(c.Encoder) > maxEncoder:
		if !yield("encoder", fmt.Sprintf("name of %d characters: at most %d can be sent", len(c.Encoder), maxEncoder)) {
			return false
		}
	}
	if n := len([]rune(c.Operator)); n > maxName && !yield("operator", fmt.Sprintf("name of %d characters: at most %d are recorded", n, maxName)) {
		return false
	}
	if _, known := ejects[c.Eject]; c.Eject != "" && !known {
		return yield("eject", fmt.Sprintf("%q is not known: write eject (wait until the card is taken), rear (the same at the back) or retain (do not wait)", c.Eject))
	}
	return true
}

func (c *Config) mapProblems(yield func(string, string) bool) bool {
	for _, room := range slices.Sorted(maps.Keys(c.Rooms)) {
		if problem := roomProblem(c.Rooms[room]); problem != "" && !yield("rooms."+room, problem) {
			return false
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Authorisations)) {
		if n := c.Authorisations[name]; n < 1 || n > len(authorisationChars) {
			if !yield("authorisations."+name, fmt.Sprintf("authorisation %d does not exist: write a number from 1 to %d", n, len(authorisationChars))) {
				return false
			}
		}
	}
	return true
}

func (c *Config) panelProblems(yield func(string, string) bool) bool {
	if c.Panel == nil {
		return true
	}
	for at, problem := range c.Panel.Problems() {
		if !yield(strings.TrimSuffix("panel."+at, "."), problem) {
			return false
		}
	}
	return true
}

// roomProblem says why a room name cannot be sent, or "".
func roomProblem(name string) string {
	switch {
	case name == "":
		return "the room's name in the lock system is empty"
	case !isASCII(name):
		return fmt.Sprintf("room name %q cannot be sent: only plain ASCII is read alike by every lock system", name)
	case len(name) > maxName:
		return fmt.Sprintf("room name %q has %d characters: at most %d can be sent", name, len(name), maxName)
	}
	return ""
}

func (t *Timers) problems(yield func(string, string) bool) bool {
	for _, timer := range []struct {
		name  string
		value time.Duration
	}{
		{"t_ack", t.Ack}, {"t_busy", t.Busy}, {"t_result", t.Result}, {"t_byte", t.Byte}, {"t_late", t.Late},
		{"t_keepalive", t.Keepalive}, {"t_settle", t.Settle}, {"t_duplicate", t.Duplicate},
		{"t_reopen", t.Reopen}, {"t_reopen_max", t.ReopenMax},
	} {
		if (timer.value < 0 || timer.value > time.Hour) &&
			!yield("timers."+timer.name, fmt.Sprintf("%s is out of range: write a time up to 1h, such as 3s", timer.value)) {
			return false
		}
	}
	if t.Sends < 0 || t.Sends > 10 {
		return yield("timers.n_send", fmt.Sprintf("%d is out of range: write a number from 1 to 10", t.Sends))
	}
	return true
}
