package keycard

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// protocolPN532 is the protocol of a module that makes keys by itself, with no
// lock system behind it.
const protocolPN532 = "pn532"

// PN532 is what protocol pn532 needs beside the rest: an NFC module on a serial
// line (port), SPI or I2C, and the key that it signs with. It makes keys for
// locks that you own, never for a brand's.
type PN532 struct {
	// SPI is the bus of a module on SPI, such as /dev/spidev0.0, in place of port.
	SPI string `yaml:"spi"`
	// I2C is the bus of a module on I2C, such as /dev/i2c-1, in place of port.
	I2C string `yaml:"i2c"`
	// Chip is the GPIO chip that the lines below are on: its name, or its label such as pinctrl-rp1. Default: whichever has them.
	Chip string `yaml:"chip"`
	// Reset is the GPIO line at the module's RSTPDN, such as GPIO25. Default none: a module that hangs needs a person then.
	Reset string `yaml:"reset"`
	// Ready is the GPIO line at the module's IRQ, with spi and i2c. Default none: the module is asked instead.
	Ready string `yaml:"ready"`
	// SigningKeyFile holds the secret that makes keys: an Ed25519 seed as 64 hexadecimal digits, as "openssl rand -hex 32" makes one.
	SigningKeyFile string `yaml:"signing_key_file"`
	// KeyID is the number, 0 to 255, by which locks find the public half of the signing key. Default 0.
	KeyID int `yaml:"key_id"`
	// EarlierKeys are public halves of signing keys used before, 64 hexadecimal digits each, by their key_id: cards
	// with such keys are told to be ours, and may be overwritten.
	EarlierKeys map[string]string `yaml:"earlier_keys"`
	// Property is the name that locks check. Default property.id.
	Property string `yaml:"property"`
	// GenerationsAbove is added to the generation of each key: after a gateway was replaced, the highest that the old one gave.
	GenerationsAbove int `yaml:"generations_above"`
	// Overwrite says which cards may be written: ours (blank ones and guests' keys of ours), or any (also foreign and staff cards). Default ours.
	Overwrite string `yaml:"overwrite"`
}

const overwriteAny = "any"

var (
	spiBus       = regexp.MustCompile(`^/dev/spidev[0-9]+\.[0-9]+$`)
	i2cBus       = regexp.MustCompile(`^/dev/i2c-[0-9]+$`)
	hexKey       = regexp.MustCompile(`^[0-9A-Fa-f]{64}$`)
	propertySlug = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)
)

// IsPN532 reports whether the section is of a module that makes keys by itself.
func (c *Config) IsPN532() bool { return c.Protocol == protocolPN532 }

// pn532Caveat stands wherever somebody could take a module for an encoder of a lock system.
const pn532Caveat = "makes keys for locks that you own, never for a brand's; simulated only: not verified on a device yet"

// moduleProblems are the problems of a section with protocol pn532.
func (c *Config) moduleProblems(yield func(string, string) bool) bool {
	return c.moduleForeign(yield) && c.moduleLink(yield) && c.moduleLines(yield) && c.moduleKeys(yield) &&
		c.cardProblems(yield) && c.mapProblems(yield) && c.Timers.problems(yield)
}

// moduleForeign reports settings that only a lock system has.
func (c *Config) moduleForeign(yield func(string, string) bool) bool {
	for _, foreign := range []struct {
		name string
		set  bool
	}{
		{"address", c.Address != ""}, {"encoder", c.Encoder != ""}, {"authorisations", c.Authorisations != nil},
		{"tracks", c.Tracks != nil}, {"operator", c.Operator != ""}, {"eject", c.Eject != ""}, {"want_uid", c.WantUID},
		{"ack_result", c.AckResult != nil}, {"accept_wildcard_lrc", c.AcceptWildcardLRC != nil}, {"strip_echo", c.StripEcho},
		{"vingcard", c.VingCard != nil},
	} {
		if foreign.set && !yield(foreign.name, "belongs to a lock system, and protocol pn532 has none behind it: remove it") {
			return false
		}
	}
	if c.Baud != 0 || c.StopBits != 0 {
		return yield("baud", "a PN532 has one speed, 115200 with 1 stop bit: remove baud and stop_bits")
	}
	return true
}

func (c *Config) moduleLink(yield func(string, string) bool) bool {
	p := c.PN532
	if p == nil {
		return yield("pn532", "the section is missing: write pn532: { signing_key_file: … } with the file that holds the secret for making keys")
	}
	links := 0
	for _, given := range []string{c.Port, p.SPI, p.I2C} {
		if given != "" {
			links++
		}
	}
	switch {
	case links == 0:
		return yield("pn532", "has no connection: write port: /dev/serial/by-id/… beside it, or spi: /dev/spidev0.0 or i2c: /dev/i2c-1 in it")
	case links > 1:
		return yield("pn532", "the module has several connections: keep the one of port, spi and i2c that its switches are set to")
	case p.SPI != "" && !spiBus.MatchString(p.SPI):
		return yield("pn532.spi", fmt.Sprintf("%q is no SPI bus: write one that \"ls /dev/spidev*\" shows, such as /dev/spidev0.0", printable(p.SPI, 40)))
	case p.I2C != "" && !i2cBus.MatchString(p.I2C):
		return yield("pn532.i2c", fmt.Sprintf("%q is no I2C bus: write one that \"ls /dev/i2c-*\" shows, such as /dev/i2c-1", printable(p.I2C, 40)))
	case c.Port == "":
		return true
	case p.Ready != "" && !yield("pn532.ready", "a module on a serial line needs no ready line: remove it"):
		return false
	}
	return c.serialProblems(yield)
}

func (c *Config) moduleLines(yield func(string, string) bool) bool {
	p := c.PN532
	if p == nil {
		return true
	}
	for at, line := range p.Lines() {
		_, numeric := strconv.ParseUint(line, 10, 32)
		if numeric == nil && p.Chip == "" &&
			!yield("pn532."+at, fmt.Sprintf("%s is a number, and each chip counts its own lines: write the line's name, such as GPIO25, or add chip: to pn532", line)) {
			return false
		}
	}
	if p.Reset != "" && strings.EqualFold(p.Reset, p.Ready) {
		return yield("pn532.ready", fmt.Sprintf("%s is the line of reset already: each needs its own", p.Ready))
	}
	return true
}

// Lines lists the GPIO lines in use, by the name of each in the section.
func (p *PN532) Lines() func(yield func(string, string) bool) {
	return func(yield func(string, string) bool) {
		_ = (p.Reset == "" || yield("reset", p.Reset)) && (p.Ready == "" || yield("ready", p.Ready))
	}
}

func (c *Config) moduleKeys(yield func(string, string) bool) bool {
	p := c.PN532
	if p == nil {
		return true
	}
	problems := []struct {
		path, text string
		wrong      bool
	}{
		{"signing_key_file", "missing: write the name of a file that holds an Ed25519 seed of 64 hexadecimal digits (openssl rand -hex 32)", p.SigningKeyFile == ""},
		{"key_id", fmt.Sprintf("%d is out of range: write a number from 0 to 255", p.KeyID), p.KeyID < 0 || p.KeyID > 255},
		{"property", fmt.Sprintf("%q cannot be a property's name: a-z, 0-9, _ and -, at most 64", printable(p.Property, 70)), p.Property != "" && !propertySlug.MatchString(p.Property)},
		{"generations_above", "must be 0 or more: write the highest generation that the old gateway gave", p.GenerationsAbove < 0},
		{"overwrite", fmt.Sprintf("%q is not known: write ours (blank cards and guests' keys of ours) or any (also foreign and staff cards)", printable(p.Overwrite, 20)),
			p.Overwrite != "" && p.Overwrite != "ours" && p.Overwrite != overwriteAny},
	}
	for _, problem := range problems {
		if problem.wrong && !yield("pn532."+problem.path, problem.text) {
			return false
		}
	}
	for _, id := range slices.Sorted(maps.Keys(p.EarlierKeys)) {
		text := ""
		n, err := strconv.ParseUint(id, 10, 8)
		switch {
		case err != nil:
			text = fmt.Sprintf("%q is no key_id: write a number from 0 to 255", printable(id, 20))
		case int(n) == p.KeyID:
			text = fmt.Sprintf("%d is the key_id of the present signing key: give that one another", n)
		case !hexKey.MatchString(p.EarlierKeys[id]):
			text = fmt.Sprintf("the public key of key_id %d cannot be read: write its 64 hexadecimal digits, as edgeagent probe shows them", n)
		}
		if text != "" && !yield("pn532.earlier_keys."+id, text) {
			return false
		}
	}
	return true
}

// signingKey reads the seed of a signing key. Its error shows nothing of it.
func signingKey(seed string) (ed25519.PrivateKey, error) {
	b, err := hex.DecodeString(strings.TrimSpace(seed))
	if err != nil || len(b) != ed25519.SeedSize {
		return nil, fmt.Errorf("holds no Ed25519 seed: write 64 hexadecimal digits, as openssl rand -hex 32 makes them")
	}
	return ed25519.NewKeyFromSeed(b), nil
}
