package wifi

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"
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
	// problems yields what is wrong for this product only; nil for nothing.
	problems func(*Config) iter.Seq2[string, string]
	// timeout bounds one call if the property file does not; 15s if zero.
	timeout time.Duration
	open    func(*client, Config) controller
}

// products lists every one by its name in the property file.
var products = map[string]product{
	"mikrotik": {
		title:   "MikroTik RouterOS",
		address: "https://192.168.88.1",
		needs: map[string]string{
			"user":          "make an account for the gateway under System, Users and write its name",
			"password_file": "write the password of the router's account into a file and its name here",
		},
		takes:    []string{"server"},
		problems: mikrotikProblems,
		open:     newMikrotik,
	},
	"nomadix": {
		title:    "Nomadix",
		address:  "http://192.168.1.1:1111",
		plain:    true,
		takes:    []string{"user", "password_file", "credentials"},
		problems: nomadixProblems,
		timeout:  10 * time.Second,
		open:     newNomadix,
	},
	"omada": {
		title:   "TP-Link Omada",
		address: "https://192.168.1.2:8043",
		needs: map[string]string{
			"controller_id":      "write the Omada ID that the page of the Open API client shows",
			"client_id":          "make a client under Settings, Platform Integration, Open API, in the mode client credentials",
			"client_secret_file": "write the name of the file that holds the client's secret",
		},
		takes:    []string{"site", "credentials", "portals"},
		problems: omadaProblems,
		open:     newOmada,
	},
	"opnsense": {
		title:   "OPNsense",
		address: "https://192.168.1.1",
		needs: map[string]string{
			"api_key_file": "make a key under System, Access, Users and write the name of the file that is downloaded there",
			"server":       "write the name of the voucher server under System, Access, Servers",
		},
		takes:    []string{"zones"},
		problems: opnsenseProblems,
		open:     newOpnsense,
	},
	"radius": {
		title: "RADIUS",
		needs: map[string]string{
			"radius":                        "write where the database of FreeRADIUS is, and the NAS that ask it",
			"radius.database.password_file": "write the password of the database user into it",
			"radius.nas.secret_file":        "write the secret that the NAS has for us into it",
		},
		problems: radiusProblems,
		open:     newRadius,
	},
	"unifi": {
		title:    "UniFi Network",
		address:  "https://192.168.1.1",
		takes:    []string{"site", "api_key_file", "user", "password_file"}, // unifiProblems says which together
		problems: unifiProblems,
		open:     newUnifi,
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

// ownProblems yields what only this product minds.
func (c *Config) ownProblems() iter.Seq2[string, string] {
	if p := products[c.Controller].problems; p != nil {
		return p(c)
	}
	return func(func(string, string) bool) {}
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
