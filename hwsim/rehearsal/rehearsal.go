// Package rehearsal reads an installer's own property file and makes a copy of
// it for the simulated hotel: addresses and secrets lead there, and all that an
// installer has thought about stays as it was written.
//
//	property file -> Plan (what the hotel must be called and have)
//	              -> Set, Drop (what must lead to it) -> Text, the copy
//
// It knows what a property file looks like from its documentation alone. What
// the agent thinks of a file is the agent's business: `edgeagent check`.
package rehearsal

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Plan is what a property file asks of the hotel that it is rehearsed on.
type Plan struct {
	Property, Name, Zone string
	Links                []Link
	Devices              []Device
	// OwnRules reports whether the file has rules of its own.
	OwnRules bool
	// HasStatus reports whether it says where the status page is.
	HasStatus bool

	file *ast.File
}

// Link is a link to a PMS. One of Inspire and Mews is set, if the kind is known.
type Link struct {
	Name    string   `yaml:"name"`
	Inspire *Inspire `yaml:"inspire"`
	Mews    *Mews    `yaml:"mews"`
	// Path leads to the section in the file.
	Path string `yaml:"-"`
}

// Inspire is what the simulated event stream must know.
type Inspire struct {
	Dialect    string `yaml:"dialect"`
	Enterprise string `yaml:"enterprise_id"`
	Chain      string `yaml:"chain_code"`
	Hotel      string `yaml:"hotel_code"`
	Client     string `yaml:"client_id"`
	Username   string `yaml:"username"`
	KeyMode    string `yaml:"key_mode"`
	Aliases    struct {
		Events   map[string]string `yaml:"events"`
		Elements map[string]string `yaml:"elements"`
	} `yaml:"aliases"`
}

// Mews is what the simulated Mews must have.
type Mews struct {
	Services []string `yaml:"services"`
	Devices  []struct {
		Mews    string `yaml:"mews"`
		Device  string `yaml:"device"`
		Encoder string `yaml:"encoder"`
	} `yaml:"devices"`
	Rooms map[string]string `yaml:"rooms"` // name in Mews -> room
	Locks map[string]string `yaml:"locks"` // lock id -> room
	// KeysByCommand: nil is true if there are key cutters.
	KeysByCommand *bool `yaml:"keys_by_command"`
}

// Device is a device. One of the sections is set, if the kind is known.
type Device struct {
	Name    string   `yaml:"name"`
	Keycard *Keycard `yaml:"keycard"`
	IPTV    *IPTV    `yaml:"iptv"`
	WiFi    *WiFi    `yaml:"wifi"`
	// Path leads to the section in the file.
	Path string `yaml:"-"`
}

// Keycard is what the simulated lock system must know of an encoder.
type Keycard struct {
	Protocol  string            `yaml:"protocol"`
	Port      string            `yaml:"port"`
	Address   string            `yaml:"address"`
	Baud      int               `yaml:"baud"`
	StopBits  int               `yaml:"stop_bits"`
	Encoder   string            `yaml:"encoder"`
	Rooms     map[string]string `yaml:"rooms"` // room -> name in the lock system
	AckResult bool              `yaml:"ack_result"`
	Panel     any               `yaml:"panel"`
	PN532     map[string]any    `yaml:"pn532"`
}

// IPTV is what broker and TVs must know.
type IPTV struct {
	Prefix string              `yaml:"prefix"`
	Rooms  map[string][]string `yaml:"rooms"` // room -> keys of its TVs
	// Bridges are other products behind the broker.
	Bridges []any `yaml:"bridges"`
}

// WiFi is what the simulated controller must have.
type WiFi struct {
	Controller  string   `yaml:"controller"`
	URL         string   `yaml:"url"`
	Site        string   `yaml:"site"`
	APIKeyFile  string   `yaml:"api_key_file"`
	User        string   `yaml:"user"`
	Credentials string   `yaml:"credentials"`
	Server      string   `yaml:"server"`
	ClientID    string   `yaml:"client_id"`
	Portals     []string `yaml:"portals"`
	Radius      *struct {
		NAS []any `yaml:"nas"`
	} `yaml:"radius"`
	Zones   []int  `yaml:"zones"`
	Devices int    `yaml:"devices_per_guest"`
	Grace   string `yaml:"grace_after_departure"`
	Tiers   map[string]struct {
		DownKbps int    `yaml:"down_kbps"`
		UpKbps   int    `yaml:"up_kbps"`
		Profile  string `yaml:"profile"`
	} `yaml:"tiers"`
	Network struct {
		PasswordFile string `yaml:"password_file"`
	} `yaml:"network"`
}

// Read reads a property file.
func Read(path string) (*Plan, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the property file: %w", err)
	}
	p, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// Parse is Read of a text.
func Parse(text []byte) (*Plan, error) {
	var whole struct {
		Property struct {
			ID       string `yaml:"id"`
			Name     string `yaml:"name"`
			Timezone string `yaml:"timezone"`
		} `yaml:"property"`
		Status  any      `yaml:"status"`
		PMS     []Link   `yaml:"pms"`
		Devices []Device `yaml:"devices"`
		Rules   []any    `yaml:"rules"`
	}
	if err := yaml.Unmarshal(text, &whole); err != nil {
		return nil, fmt.Errorf("not a property file that can be rehearsed (edgeagent check says more): %w", err)
	}
	file, err := parser.ParseBytes(text, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	p := &Plan{Property: whole.Property.ID, Name: whole.Property.Name, Zone: whole.Property.Timezone,
		Links: whole.PMS, Devices: whole.Devices, OwnRules: len(whole.Rules) > 0, HasStatus: whole.Status != nil, file: file}
	for i := range p.Links {
		p.Links[i].Path = fmt.Sprintf("$.pms[%d].%s", i, p.Links[i].kind())
	}
	for i := range p.Devices {
		p.Devices[i].Path = fmt.Sprintf("$.devices[%d].%s", i, p.Devices[i].Kind())
	}
	return p, nil
}

func (l *Link) kind() string {
	if l.Mews != nil {
		return "mews"
	}
	return "inspire"
}

// Kind is the name of the device's section, "" if it has none that is known.
func (d *Device) Kind() string {
	switch {
	case d.Keycard != nil:
		return "keycard"
	case d.IPTV != nil:
		return "iptv"
	case d.WiFi != nil:
		return "wifi"
	}
	return ""
}

// Set writes a value, as YAML, for a key of a section, in the place of what was there.
func (p *Plan) Set(section, key, value string) error {
	m, err := p.section(section)
	if err != nil {
		return err
	}
	fresh, err := parser.ParseBytes([]byte(key+": "+value), 0)
	if err != nil {
		return err
	}
	entry, ok := fresh.Docs[0].Body.(*ast.MappingNode)
	if !ok || len(entry.Values) != 1 {
		return fmt.Errorf("%s is no value for %s", value, key)
	}
	for _, v := range m.Values {
		if name(v) == key {
			v.Value = entry.Values[0].Value
			return nil
		}
	}
	if len(m.Values) > 0 {
		entry.AddColumn(m.Values[0].Key.GetToken().Position.Column - 1)
	}
	m.Values = append(m.Values, entry.Values[0])
	return nil
}

// Drop takes keys out of a section and reports whether there were any.
func (p *Plan) Drop(section string, keys ...string) (dropped bool) {
	m, err := p.section(section)
	if err != nil {
		return false
	}
	var kept []*ast.MappingValueNode
	for _, v := range m.Values {
		if slices.Contains(keys, name(v)) {
			dropped = true
			continue
		}
		kept = append(kept, v)
	}
	m.Values = kept
	return dropped
}

// Leads lists where the links and devices of the copy lead: the values of all
// keys that are addresses or ports.
func (p *Plan) Leads() []string {
	var list []string
	var walk func(n ast.Node)
	walk = func(n ast.Node) {
		switch n := n.(type) {
		case *ast.SequenceNode:
			for _, v := range n.Values {
				walk(v)
			}
		case *ast.MappingNode:
			for _, v := range n.Values {
				if slices.Contains(leading, name(v)) {
					list = append(list, v.Value.GetToken().Value)
				}
				walk(v.Value)
			}
		}
	}
	for _, part := range []string{"$.pms", "$.devices"} {
		path, err := yaml.PathString(part)
		if err != nil {
			continue
		}
		if n, err := path.FilterFile(p.file); err == nil {
			walk(n)
		}
	}
	return list
}

// leading are the keys whose values lead out of the file.
var leading = []string{"url", "token_url", "stream_url", "platform_url", "socket_url", "broker", "address", "source", "port", "spi", "i2c", "chip"}

// Text is the copy.
func (p *Plan) Text() string { return strings.TrimRight(p.file.String(), "\n") + "\n" }

func (p *Plan) section(section string) (*ast.MappingNode, error) {
	path, err := yaml.PathString(section)
	if err != nil {
		return nil, err
	}
	node, err := path.FilterFile(p.file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.TrimPrefix(section, "$."), err)
	}
	m, ok := node.(*ast.MappingNode)
	if !ok {
		return nil, fmt.Errorf("%s has nothing in it", strings.TrimPrefix(section, "$."))
	}
	return m, nil
}

func name(v *ast.MappingValueNode) string { return v.Key.GetToken().Value }
