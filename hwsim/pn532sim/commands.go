package pn532sim

import (
	"fmt"
	"time"
)

// reply is what a command comes to: data from the response code on, a syntax
// error, or nothing at all.
type reply struct {
	data   []byte
	syntax bool
	none   bool
	sleep  bool // the chip powers down behind this response
}

// command is one line of the table of what the chip knows.
type command struct {
	code     byte
	name     string
	min, max int  // bytes behind the code
	status   bool // the response begins with a status byte
	run      func(c *Chip, j *job, args []byte) reply
}

// commands is the table of UM0701-02, 7.1. Peer-to-peer and card emulation are
// not there: this chip reads and writes cards.
func commands() []command {
	return []command{
		{0x00, "Diagnose", 1, 263, false, (*Chip).diagnose},
		{0x02, "GetFirmwareVersion", 0, 0, false, (*Chip).firmwareVersion},
		{0x04, "GetGeneralStatus", 0, 0, false, (*Chip).generalStatus},
		{0x06, "ReadRegister", 2, 263, false, (*Chip).readRegister},
		{0x08, "WriteRegister", 3, 263, false, (*Chip).writeRegister},
		{0x0C, "ReadGPIO", 0, 0, false, (*Chip).readGPIO},
		{0x0E, "WriteGPIO", 2, 2, false, (*Chip).writeGPIO},
		{0x10, "SetSerialBaudRate", 1, 1, false, (*Chip).setSerialBaudRate},
		{0x12, "SetParameters", 1, 1, false, (*Chip).setParameters},
		{0x14, "SAMConfiguration", 1, 3, false, (*Chip).samConfiguration},
		{0x16, "PowerDown", 1, 2, true, (*Chip).powerDown},
		{0x32, "RFConfiguration", 2, 12, false, (*Chip).rfConfiguration},
		{0x4A, "InListPassiveTarget", 2, 14, false, (*Chip).inListPassiveTarget},
		{0x60, "InAutoPoll", 3, 17, false, (*Chip).inAutoPoll},
		{0x40, "InDataExchange", 1, 264, true, (*Chip).inDataExchange},
		{0x42, "InCommunicateThru", 0, 264, true, (*Chip).inCommunicateThru},
		{0x44, "InDeselect", 1, 1, true, (*Chip).inDeselect},
		{0x52, "InRelease", 1, 1, true, (*Chip).inRelease},
		{0x54, "InSelect", 1, 1, true, (*Chip).inSelect},
	}
}

// execute does the work of a command.
func (c *Chip) execute(j *job) reply {
	f := j.fault
	line := j.command()
	if f.ErrorFrame {
		return reply{syntax: true}
	}
	if j.data[0] != tfiHost || len(line) == 0 {
		return reply{syntax: true}
	}
	for _, k := range commands() {
		args := line[1:]
		if k.code != line[0] || len(args) < k.min || len(args) > k.max {
			continue
		}
		if f.Status != 0 && k.status && !f.StatusAfterWork {
			return c.failed(k.code, f.Status)
		}
		r := k.run(c, j, args)
		if r.syntax {
			c.blameSyntax(j, k.name)
		}
		if r.syntax || r.none {
			return r
		}
		if f.Status != 0 && k.status {
			return c.failed(k.code, f.Status)
		}
		r.data = append([]byte{k.code + 1}, r.data...)
		return r
	}
	c.blameSyntax(j, "")
	return reply{syntax: true}
}

func (c *Chip) blameSyntax(j *job, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.blame(j.out.name(), RuleSyntax, "%s% X", name+" ", j.command())
}

// failed is a response with a status that is not 0. The card has dropped out.
func (c *Chip) failed(code, status byte) reply {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.core.lastErr = status
	c.deactivate()
	return reply{data: []byte{code + 1, status}}
}

// rest is what a command without cards needs; false when it was ended.
func (c *Chip) rest(j *job) bool { return c.sleep(c.cfg.ChipTime, j.stop) }

// plain is the end of a command without cards.
func (c *Chip) plain(j *job, data ...byte) reply {
	return reply{data: data, none: !c.rest(j)}
}

// diagnose runs a test of UM0701-02, 7.2.1.
func (c *Chip) diagnose(j *job, args []byte) reply {
	switch args[0] {
	case 0x00: // communication line: everything comes back
		return c.plain(j, args...)
	case 0x01, 0x02, 0x07: // ROM, RAM, antenna
		return c.plain(j, 0x00)
	case 0x04: // polls for a FeliCa card, of which there is none: the number of failures
		return c.plain(j, 0x80)
	case 0x06: // is the card still there?
		c.mu.Lock()
		defer c.mu.Unlock()
		if t := c.activeTarget(); t != nil && c.inField(t.card) {
			return reply{data: []byte{0x00}}
		}
		return reply{data: []byte{0x01}}
	}
	return reply{syntax: true}
}

// firmwareVersion answers IC, Ver, Rev, Support (UM0701-02, 7.2.2).
func (c *Chip) firmwareVersion(j *job, _ []byte) reply {
	return c.plain(j, c.cfg.Firmware[:]...)
}

// generalStatus answers the last error, the external field, the targets and
// the SAM's state (UM0701-02, 7.2.3).
func (c *Chip) generalStatus(j *job, _ []byte) reply {
	if !c.rest(j) {
		return reply{none: true}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []byte
	n := byte(0)
	for i, t := range c.core.tg {
		if t != nil {
			list = append(list, byte(i+1), 0x00, 0x00, 0x10)
			n++
		}
	}
	data := append([]byte{c.core.lastErr, 0x00, n}, list...)
	return reply{data: append(data, 0x80)}
}

// The bits of SetParameters (UM0701-02, 7.2.9).
const (
	paramRATS = 0x10 // select an ISO 14443-4 card up to its ATS
	paramBare = 0x40 // frames to the host without preamble and postamble
)

func (c *Chip) setParameters(j *job, args []byte) reply {
	c.mu.Lock()
	c.core.parameters = args[0]
	c.mu.Unlock()
	return c.plain(j)
}

// samConfiguration sets the chip up (UM0701-02, 7.2.10).
func (c *Chip) samConfiguration(j *job, args []byte) reply {
	if args[0] < 0x01 || args[0] > 0x04 {
		return reply{syntax: true}
	}
	c.mu.Lock()
	c.core.ready = args[0] == 0x01
	c.core.irqOff = len(args) == 3 && args[2] == 0x00
	c.mu.Unlock()
	return c.plain(j)
}

// powerDown sends the chip to sleep behind its response (UM0701-02, 7.2.11).
func (c *Chip) powerDown(j *job, args []byte) reply {
	c.mu.Lock()
	c.core.wakeBy = args[0]
	c.mu.Unlock()
	r := c.plain(j, 0x00)
	r.sleep = true
	return r
}

func (c *Chip) readGPIO(j *job, _ []byte) reply {
	c.mu.Lock()
	p3, p7 := c.core.gpio[0], c.core.gpio[1]
	c.mu.Unlock()
	return c.plain(j, p3, p7, 0x01)
}

// writeGPIO sets P3 and P7 where bit 7 says so (UM0701-02, 7.2.7).
func (c *Chip) writeGPIO(j *job, args []byte) reply {
	c.mu.Lock()
	for i, v := range args {
		if v&0x80 != 0 {
			c.core.gpio[i] = v & 0x7F
		}
	}
	c.mu.Unlock()
	return c.plain(j)
}

// baudRates are the speeds of SetSerialBaudRate, in bit/s (UM0701-02, 7.2.8).
var baudRates = [...]int{9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600, 1288000}

// setSerialBaudRate takes effect once the host has confirmed the response by an ACK.
func (c *Chip) setSerialBaudRate(j *job, args []byte) reply {
	if int(args[0]) >= len(baudRates) {
		return reply{syntax: true}
	}
	c.mu.Lock()
	c.core.baudNext = baudRates[args[0]]
	c.mu.Unlock()
	return c.plain(j)
}

// rfConfiguration sets an item of UM0701-02, 7.3.1.
func (c *Chip) rfConfiguration(j *job, args []byte) reply {
	lengths := map[byte]int{0x01: 1, 0x02: 3, 0x04: 1, 0x05: 3, 0x0A: 11, 0x0B: 8, 0x0C: 3, 0x0D: 9}
	item, v := args[0], args[1:]
	if n, known := lengths[item]; !known || n != len(v) {
		return reply{syntax: true}
	}
	c.mu.Lock()
	switch item {
	case 0x01:
		if v[0]&0x01 != 0 {
			c.empower()
		} else {
			c.unpower()
			c.write("", Note, nil, "field off")
		}
	case 0x02:
		c.core.timings = [2]byte{v[1], v[2]}
	case 0x05:
		c.core.retries = [3]byte(v)
	}
	c.mu.Unlock()
	return c.plain(j)
}

// comTimeout is how long the chip waits for a card's answer: 100 us times two
// to the power of the code less one; code 0 waits for no time at all that a
// person could notice (UM0701-02, 7.3.1, item 02).
func (c *Chip) comTimeout() time.Duration {
	code := c.core.timings[1]
	if code == 0 || code > 0x10 {
		return time.Millisecond
	}
	return 100 * time.Microsecond << (code - 1)
}

// Command prints the bytes from a command code on for people.
func Command(b []byte) string {
	if len(b) == 0 {
		return "nothing"
	}
	for _, k := range commands() {
		if k.code == b[0] {
			return fmt.Sprintf("%s % X", k.name, b[1:])
		}
	}
	return fmt.Sprintf("% X", b)
}
