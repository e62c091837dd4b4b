package config

import (
	"fmt"
	"iter"
	"maps"
	"path/filepath"
	"strings"

	"edgeagent/drivers/keycard"
	"edgeagent/pms/inspire"
	"edgeagent/pms/mews"
)

// socket reports a PMS link whose socket another has already: a server gives
// each chain code one, and two links would take turns in throwing each other out.
func (c *checker) socket(seen map[[3]string]string, path string, link inspire.Config) {
	if link.ChainCode == "" || link.StreamURL == "" || c.shadowed(path) {
		return
	}
	same := [3]string{link.Dialect, link.StreamURL, link.ChainCode}
	first, twice := seen[same]
	if !twice {
		seen[same] = path + ".chain_code"
		return
	}
	c.add(path+".chain_code", "two PMS links have the chain code %q at one server, the first in line %d, and a server gives each chain code one socket; remove one link",
		short(link.ChainCode), c.line(first))
}

// token reports a PMS link whose access token another has already: both would
// hear of each device command, and cut two keys.
func (c *checker) token(seen map[string]string, path string, link *mews.Config) {
	path += ".access_token_file"
	if link.AccessTokenFile == "" || c.said[path] {
		return
	}
	first, twice := seen[link.AccessTokenFile]
	if !twice {
		seen[link.AccessTokenFile] = path
		return
	}
	c.add(path, "two PMS links have one access token, the first in line %d, so each would cut the keys that Mews asks for; a token is one property's, remove one link", c.line(first))
}

// wire reports a keycard device whose serial port or address another has already.
func (c *checker) wire(seen map[string]string, path string, k *keycard.Config) {
	what, given := "port", k.Port
	switch {
	case given != "":
	case k.PN532 != nil && k.PN532.SPI != "":
		what, given = "pn532.spi", k.PN532.SPI
	case k.PN532 != nil && k.PN532.I2C != "":
		what, given = "pn532.i2c", k.PN532.I2C
	default:
		what, given = "address", strings.ToLower(k.Address)
	}
	path += "." + what
	if given == "" || c.said[path] {
		return
	}
	if real, err := filepath.EvalSymlinks(given); err == nil && what == "port" {
		given = real // an adapter has several names
	}
	first, twice := seen[given]
	if !twice {
		seen[given] = path
		return
	}
	if k.IsPN532() {
		c.add(path, "two keycard devices have one %s, the first in line %d, and a module serves one device; remove one", last(what), c.line(first))
		return
	}
	c.add(path, "two keycard devices have one %s, the first in line %d, and a link serves one device; remove one, and in a rule name another encoder of the same lock system with the parameter encoder",
		what, c.line(first))
}

// pins reports a panel or a PN532 with a GPIO line that another one has already.
func (c *checker) pins(seen map[string]string, path string, k *keycard.Config) {
	if k.Panel != nil {
		c.linesOf(seen, path+".panel", k.Panel.Chip, k.Panel.Lines(), "two panels have")
	}
	if k.PN532 != nil {
		c.linesOf(seen, path+".pn532", k.PN532.Chip, k.PN532.Lines(), "two devices have")
	}
}

func (c *checker) linesOf(seen map[string]string, path, chip string, lines iter.Seq2[string, string], who string) {
	here := map[string]string{} // a line that a section has twice is told of by itself
	for at, line := range lines {
		full, key := join(path, at), chip+" "+strings.ToLower(line)
		if line == "" || c.said[full] {
			continue
		}
		if first, twice := seen[key]; twice {
			c.add(full, "%s the line %s, the first in line %d of this file; give each a line of its own", who, short(line), c.line(first))
			continue
		}
		here[key] = full
	}
	maps.Copy(seen, here)
}

// namesake reports a device that is called like a PMS link: pages, logs and
// metrics would show them as one.
func (c *checker) namesake(l *Loaded, path, name string) {
	if name == "" || c.said[path+".name"] {
		return
	}
	for i := range l.PMS {
		if l.PMS[i].Name == name {
			c.add(path+".name", "a PMS link is called %q too, in line %d; give one another name", short(name), c.line(fmt.Sprintf("pms[%d].name", i)))
			return
		}
	}
}
