package wifi

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// product is one brand of WiFi controller.
type product struct {
	// title is its name for people.
	title string
	// address is an example of its url; "" if it has none, for not being spoken
	// to over HTTP.
	address string
	// plain lets it be spoken to over http://, where it offers nothing better.
	plain bool
	// needs says of each key that it must have, beside those of every product,
	// where its value comes from. takes lists those that it may have.
	needs map[string]string
	takes []string
	open  func(*client, Config) controller
}

// products lists every one by its name in the property file.
var products = map[string]product{
	"radius": {
		title: "RADIUS",
		needs: map[string]string{
			"radius":                        "write where the database of FreeRADIUS is, and the NAS that ask it",
			"radius.database.password_file": "write the password of the database user into it",
			"radius.nas.secret_file":        "write the secret that the NAS has for us into it",
		},
		open: newRadius,
	},
	"unifi": {
		title:   "UniFi Network",
		address: "https://192.168.1.1",
		needs:   map[string]string{"api_key_file": "make a key under Network, Integrations and write the name of the file that holds it"},
		takes:   []string{"site"},
		open:    newUnifi,
	},
}

// keys are those of the section that only some products have, in its order.
var keys = []struct {
	name string
	set  func(*Config) bool
}{
	{"site", func(c *Config) bool { return c.Site != "" }},
	{"api_key_file", func(c *Config) bool { return c.APIKeyFile != "" }},
	{"user", func(c *Config) bool { return c.User != "" }},
	{"password_file", func(c *Config) bool { return c.PasswordFile != "" }},
	{"controller_id", func(c *Config) bool { return c.ControllerID != "" }},
	{"client_id", func(c *Config) bool { return c.ClientID != "" }},
	{"client_secret_file", func(c *Config) bool { return c.ClientSecretFile != "" }},
	{"credentials", func(c *Config) bool { return c.Credentials != "" }},
	{"portals", func(c *Config) bool { return len(c.Portals) > 0 }},
	{"server", func(c *Config) bool { return c.Server != "" }},
	{"zones", func(c *Config) bool { return len(c.Zones) > 0 }},
	{"radius", func(c *Config) bool { return c.Radius != nil }},
}

func productNames() string { return strings.Join(slices.Sorted(maps.Keys(products)), ", ") }

// keyProblems yields the keys that the product needs and lacks, or does not know.
func (c *Config) keyProblems() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		p, ok := products[c.Controller]
		if !ok {
			text := fmt.Sprintf("unknown controller %q: write one of %s", c.Controller, productNames())
			if c.Controller == "" {
				text = "controller is missing: write one of " + productNames()
			}
			yield("controller", text)
			return
		}
		for _, k := range keys {
			source, needed := p.needs[k.name]
			switch set := k.set(c); {
			case needed && !set:
				if !yield(k.name, k.name+" is missing: "+source) {
					return
				}
			case set && !needed && !slices.Contains(p.takes, k.name):
				if !yield(k.name, fmt.Sprintf("%s is not for %s: remove the line", k.name, p.title)) {
					return
				}
			}
		}
	}
}
