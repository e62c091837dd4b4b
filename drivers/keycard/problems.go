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
)

var (
	unstablePort = regexp.MustCompile(`^/dev/tty(USB|ACM)[0-9]+$`)
	bauds        = []int{1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200}
)

// Problems yields what is wrong with the section: the path inside it, and what to write instead.
func (c *Config) Problems() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		if c.IsPN532() {
			_ = c.moduleProblems(yield) && c.panelProblems(yield)
			return
		}
		_ = c.linkProblems(yield) && c.nameProblems(yield) && c.cardProblems(yield) && c.mapProblems(yield) && c.vingProblems(yield) && c.Timers.problems(yield) && c.moduleless(yield) && c.panelProblems(yield)
	}
}

func (c *Config) moduleless(yield func(string, string) bool) bool {
	return c.PN532 == nil || yield("pn532", "belongs to protocol: pn532: write that, or remove this section")
}

func (c *Config) linkProblems(yield func(string, string) bool) bool {
	known := append(slices.Collect(maps.Keys(protocols)), protocolPN532)
	slices.Sort(known)
	if c.Protocol != "" && !slices.Contains(known, c.Protocol) &&
		!yield("protocol", fmt.Sprintf("protocol %q is not known: write one of %s", c.Protocol, strings.Join(known, ", "))) {
		return false
	}
	switch {
	case c.Port == "" && c.Address == "":
		return yield("port", "neither port nor address is given: write port: /dev/serial/by-id/… for a serial line, or address: host:port for TCP")
	case c.Port != "" && c.Address != "":
		return yield("address", "both port and address are given: keep the one that the encoder is connected by")
	case c.Address != "":
		if problem := c.addressProblem(); problem != "" {
			return yield("address", problem)
		}
		if c.Baud != 0 || c.StopBits != 0 {
			return yield("baud", "baud and stop_bits belong to a serial port: remove them, or write port instead of address")
		}
		return true
	}
	return c.serialProblems(yield)
}

// visionPort is where Vision listens for its own TCP language, which is another one.
const visionPort = "3015"

func (c *Config) addressProblem() string {
	example := c.dialectOf().example
	host, port, err := net.SplitHostPort(c.Address)
	if err != nil || host == "" || port == "" {
		return fmt.Sprintf("%q is not an address: write host:port, such as %s", c.Address, example)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Sprintf("has the port %q, and ports are 1 to 65535: write host:port, such as %s", port, example)
	}
	if c.Protocol == "vingcard" && port == visionPort {
		return "port 3015 of Vision speaks another language, which is not supported: connect its serial port, or write the address of a serial device server that is connected to it"
	}
	return ""
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
	dialect := c.dialectOf()
	_, addressed := dialect.address(c.Encoder)
	switch {
	case c.Encoder == "":
		if !yield("encoder", dialect.missing) {
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
	case !addressed:
		if !yield("encoder", fmt.Sprintf("%q is no encoder of %s: %s", c.Encoder, dialect.maker, dialect.addresses)) {
			return false
		}
	}
	if n, most := len([]rune(c.Operator)), dialect.maxOperator; n > most &&
		!yield("operator", fmt.Sprintf("name of %d characters: at most %d are recorded", n, most)) {
		return false
	}
	return true
}

func (c *Config) cardProblems(yield func(string, string) bool) bool {
	if c.MaxRooms < 0 || c.MaxRooms > maxRooms {
		if !yield("max_rooms", fmt.Sprintf("%d rooms cannot be sent: write a number from 1 to %d", c.MaxRooms, maxRooms)) {
			return false
		}
	}
	for i, n := range c.Tracks {
		if n < 1 || n > len(tracks) {
			if !yield(fmt.Sprintf("tracks[%d]", i), fmt.Sprintf("track %d does not exist: write a list of 1, 2 and 3", n)) {
				return false
			}
		}
	}
	known := c.dialectOf().ejects
	if _, has := known[c.Eject]; c.Eject == "" || has || known == nil {
		return true
	}
	if _, others := salto.ejects[c.Eject]; others {
		return yield("eject", fmt.Sprintf("%q does not exist at encoders of %s: write eject or retain", c.Eject, c.dialectOf().maker))
	}
	return yield("eject", fmt.Sprintf("%q is not known: write eject (wait until the card is taken), rear (the same at the back) or retain (do not wait)", c.Eject))
}

func (c *Config) mapProblems(yield func(string, string) bool) bool {
	for _, room := range slices.Sorted(maps.Keys(c.Rooms)) {
		if problem := roomProblem(c.Rooms[room]); problem != "" && !yield("rooms."+room, problem) {
			return false
		}
	}
	most := len(c.dialectOf().authorisations)
	for _, name := range slices.Sorted(maps.Keys(c.Authorisations)) {
		if n := c.Authorisations[name]; most > 0 && (n < 1 || n > most) {
			if !yield("authorisations."+name, fmt.Sprintf("authorisation %d does not exist: write a number from 1 to %d", n, most)) {
				return false
			}
		}
	}
	return true
}

// vingCommands are the commands of VingCard that a site must have captured.
var vingCommands = []string{"B", "C", "G"}

func (c *Config) vingProblems(yield func(string, string) bool) bool {
	if c.Protocol != "vingcard" {
		return c.VingCard == nil || yield("vingcard", "belongs to protocol: vingcard: write that, or remove this section")
	}
	for _, foreign := range []struct {
		name string
		set  bool
	}{
		{"authorisations", c.Authorisations != nil}, {"eject", c.Eject != ""}, {"operator", c.Operator != ""},
		{"accept_wildcard_lrc", c.AcceptWildcardLRC != nil},
	} {
		if foreign.set && !yield(foreign.name, "VingCard has nothing of the kind: remove it") {
			return false
		}
	}
	if c.VingCard == nil {
		return yield("vingcard", "the section is missing: write vingcard: { user_type: … } with the type of a guest's card, as Vision has it")
	}
	for _, text := range []struct{ name, value, problem string }{
		{"user_type", c.VingCard.UserType, "the type of a guest's card is missing: write its name in Vision, such as Single Room"},
		{"user_group", c.VingCard.UserGroup, ""},
	} {
		problem := text.problem
		if text.value != "" {
			if problem = ""; !isASCII(text.value) || len(text.value) > maxVingName {
				problem = fmt.Sprintf("%q cannot be sent: at most %d plain ASCII characters", text.value, maxVingName)
			}
		}
		if problem != "" && !yield("vingcard."+text.name, problem) {
			return false
		}
	}
	for i, command := range c.VingCard.Commands {
		if !slices.Contains(vingCommands, command) && !yield(fmt.Sprintf("vingcard.commands[%d]", i),
			fmt.Sprintf("%q is not known: write B (check-out), C (move to another room) or G (key for a later day), if a capture has shown that this site's lock system does it", command)) {
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
