package keycard

import (
	"time"

	"edgeagent/drivers/keycard/panel"
)

// Config is the section of an encoder in the property file.
type Config struct {
	// Protocol is the language of the lock system: salto, onity (also TESA and its relatives), or vingcard (needs a site
	// capture). Or pn532, an NFC module that makes keys for locks that you own, never for a brand's. Default salto.
	Protocol string `yaml:"protocol"`
	// Port is the serial port, by a name that survives replugging: /dev/serial/by-id/… Either port or address.
	Port string `yaml:"port"`
	// Address is host:port of a lock system that is reached over TCP.
	Address string `yaml:"address"`
	// Baud is the speed of the serial line. Default 9600.
	Baud int `yaml:"baud"`
	// StopBits of the serial line, 1 or 2. Default 1. Data bits are 8, parity is none.
	StopBits int `yaml:"stop_bits"`
	// Encoder is the encoder's name in the lock system, exactly as it stands there; with onity and vingcard its number.
	Encoder string `yaml:"encoder"`
	// Rooms maps room numbers of the PMS to room names of the lock system. A room that is not listed has the same name in both.
	Rooms map[string]string `yaml:"rooms"`
	// Authorisations names authorisations of the lock system by number, 1 to 62, for the parameters grants and denials.
	Authorisations map[string]int `yaml:"authorisations"`
	// MaxRooms is how many rooms the encoders put on one card, 1 to 4. Default 4.
	MaxRooms int `yaml:"max_rooms"`
	// Tracks are the magnetic tracks that the encoders have. Default [1, 2, 3] with salto, else [1, 2].
	Tracks []int `yaml:"tracks"`
	// Operator is the name that the lock system records, at most 24 characters, 20 with onity. Default AGENT.
	Operator string `yaml:"operator"`
	// Eject says what a motor encoder does with a finished card: eject waits until it is taken, rear the same at its back, retain does not wait. Default eject.
	Eject string `yaml:"eject"`
	// WantUID asks the lock system for the serial number of each card. Of Onity's, few can tell it.
	WantUID bool `yaml:"want_uid"`
	// AckResult confirms each result, and has a damaged one sent again. Default off with salto and onity, on with
	// vingcard. Relatives of Onity on a serial line, such as ST40 and Inhova, want it on.
	AckResult *bool `yaml:"ack_result"`
	// NakWhileBusy says whether a capture has shown ENQ to be answered NAK while a card is being made: then ACK ends the
	// wait for a lost result early. Default on with salto and onity, where each key after a lost result has to show it
	// anew, and off with vingcard.
	NakWhileBusy *bool `yaml:"nak_while_busy"`
	// AcceptWildcardLRC takes frames whose check byte says "do not verify". Default on.
	AcceptWildcardLRC *bool `yaml:"accept_wildcard_lrc"`
	// StripEcho removes our own bytes where a two-wire adapter sends them back.
	StripEcho bool `yaml:"strip_echo"`
	// VingCard is what protocol vingcard needs beside the rest.
	VingCard *VingCard `yaml:"vingcard"`
	// PN532 is what protocol pn532 needs beside the rest.
	PN532 *PN532 `yaml:"pn532"`
	// Timers bound every wait. The defaults suit real encoders.
	Timers Timers `yaml:"timers"`
	// Panel is the station's lamp, buzzer, card switch and door relay, on GPIO lines of the gateway.
	Panel *panel.Config `yaml:"panel"`
}

// VingCard is what a site with VingCard Vision adds. New key, copy and read are
// sent as they are publicly known; the rest only where somebody has captured,
// at this site, that the lock system does it.
type VingCard struct {
	// UserType is the type of a guest's card, by its name in Vision.
	UserType string `yaml:"user_type"`
	// UserGroup is the user group of guests, by its name in Vision. Default none.
	UserGroup string `yaml:"user_group"`
	// Commands are what a capture has shown the lock system to carry out beside I, H and E:
	// B (check-out), C (move to another room), G (key for a later day). Default none.
	Commands []string `yaml:"commands"`
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
	// Duplicate is how long a repetition of a result is not taken for the next one. Default 2s, with ack_result 4s:
	// a lock system whose ACK was lost repeats its result, and waits first.
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

// Keys says which keys the encoder makes: those of a brand's lock system, or the
// credentials that we sign for locks of our own. Encoders of the same keys make
// the same one for a room.
func (c *Config) Keys() string { return or(c.Protocol, "salto") }

// WithDefaults gives the section with every optional field filled.
func (c Config) WithDefaults() Config {
	c.Protocol = or(c.Protocol, "salto")
	c.Baud = or(c.Baud, 9600)
	c.StopBits = or(c.StopBits, 1)
	dialect := c.dialectOf()
	c.MaxRooms = or(c.MaxRooms, dialect.maxRooms)
	if c.Tracks == nil {
		c.Tracks = dialect.tracks
	}
	c.Operator = or(c.Operator, "AGENT")
	c.Eject = or(c.Eject, "eject")
	if c.AckResult == nil {
		c.AckResult = &dialect.confirms
	}
	if c.AcceptWildcardLRC == nil {
		on := true
		c.AcceptWildcardLRC = &on
	}
	duplicate := 2 * time.Second
	if *c.AckResult {
		duplicate = 4 * time.Second
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
	t.Duplicate = or(t.Duplicate, duplicate)
	t.Reopen = or(t.Reopen, 500*time.Millisecond)
	t.ReopenMax = max(or(t.ReopenMax, 10*time.Second), t.Reopen)
	return c
}
