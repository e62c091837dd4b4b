package mews

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"edgeagent/pms"
)

// Config is the section `mews` of a PMS link in the property file: one
// property, hence one access token and one socket.
type Config struct {
	// PlatformURL is the address of the Connector API. Default https://api.mews.com.
	PlatformURL string `yaml:"platform_url"`
	// SocketURL is the address of the WebSocket, another host than the API's,
	// without a path. Default wss://ws.mews.com.
	SocketURL string `yaml:"socket_url"`
	// ClientTokenFile and AccessTokenFile hold the two tokens.
	ClientTokenFile string `yaml:"client_token_file"`
	AccessTokenFile string `yaml:"access_token_file"`
	// Client is the name under which Mews sees this product; the version is
	// added. Default edgeagent.
	Client string `yaml:"client"`
	// Services lists the services whose reservations are stays, by id or name.
	// Default: all whose rooms are for sleeping in.
	Services []string `yaml:"services"`
	// Devices say which key cutter in Mews is which encoder here.
	Devices []Cutter `yaml:"devices"`
	// LeaveUnmapped leaves the commands of key cutters that Devices does not
	// list to another gateway, instead of answering that nobody serves them.
	LeaveUnmapped bool `yaml:"leave_unmapped"`
	// Rooms translate names of rooms in Mews to those used here.
	Rooms map[string]string `yaml:"rooms"`
	// Locks translate lock ids of Mews to rooms here; one that is left out is a
	// room of that name.
	Locks map[string]string `yaml:"locks"`
	// Grants translate lock ids of common doors to authorisations of the lock system.
	Grants map[string]string `yaml:"grants"`
	// KeysByCommand says that the desk asks for each key in Mews, so none is
	// cut at check-in. Default: true if Devices lists a key cutter.
	KeysByCommand *bool `yaml:"keys_by_command"`
	// MaxAge is how old a key command may be to be carried out. Default 5m.
	MaxAge time.Duration `yaml:"max_age"`
	// KeyWait is how long the desk waits for an encoder that is away, from when
	// the command came; what waits longer is closed with a note. Default 90s, and
	// never more than MaxAge.
	KeyWait time.Duration `yaml:"key_wait"`
	// CloseOldAs is how an older one is answered: cancelled or error. Default cancelled.
	CloseOldAs string `yaml:"close_old_as"`
	// ReconnectAt is the local hour at which the socket is opened anew each
	// night, or never. Default "04:30".
	ReconnectAt string `yaml:"reconnect_at"`
	// Budget is how many requests the token has in 30 s. Default 200.
	Budget int `yaml:"budget"`
	// CAFile holds further certificate authorities (PEM), for a private or test server.
	CAFile string `yaml:"ca_file"`
	// Waits shorten the timers, for a simulated hotel on a bench only.
	Waits Waits `yaml:"waits"`
}

// Cutter is a key cutter of Mews and the encoder that stands for it.
type Cutter struct {
	// Mews is the device's id, identifier or name in Mews.
	Mews string `yaml:"mews"`
	// Device is the device here.
	Device string `yaml:"device"`
	// Encoder is the encoder's name in the lock system, if the device has several.
	Encoder string `yaml:"encoder"`
}

// never turns the nightly reconnect off.
const never = "never"

// WithDefaults fills what the property file left out.
func (c Config) WithDefaults() Config {
	fill := func(s *string, def string) {
		if *s == "" {
			*s = def
		}
	}
	fill(&c.PlatformURL, "https://api.mews.com")
	fill(&c.SocketURL, "wss://ws.mews.com")
	fill(&c.Client, "edgeagent")
	fill(&c.CloseOldAs, "cancelled")
	fill(&c.ReconnectAt, "04:30")
	c.PlatformURL = strings.TrimRight(c.PlatformURL, "/")
	c.SocketURL = strings.TrimRight(c.SocketURL, "/")
	if c.MaxAge == 0 {
		c.MaxAge = 5 * time.Minute
	}
	if c.KeyWait == 0 {
		c.KeyWait = min(90*time.Second, c.MaxAge)
	}
	if c.Budget == 0 {
		c.Budget = 200 // Connector API, Requests: per access token and 30 s
	}
	if c.KeysByCommand == nil {
		byCommand := len(c.Devices) > 0
		c.KeysByCommand = &byCommand
	}
	c.Waits = c.Waits.withDefaults()
	return c
}

// closeOldAs is the state in which a command that is too old ends.
func (c *Config) closeOldAs() pms.CommandState {
	if c.CloseOldAs == "error" {
		return pms.CommandError
	}
	return pms.CommandCancelled
}

// Targets yields the devices of the property file that the section names, with
// their path inside it.
func (c *Config) Targets() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for i, d := range c.Devices {
			if d.Device != "" && !yield(fmt.Sprintf("devices[%d].device", i), d.Device) {
				return
			}
		}
	}
}

type problem struct{ path, text string }

// Problems yields what is wrong with the section: where (the path inside it)
// and what to write instead.
func (c *Config) Problems() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		full := c.WithDefaults()
		for _, list := range [][]problem{full.endpoints(), full.credentials(), full.choices(), full.mapping()} {
			for _, p := range list {
				if !yield(p.path, p.text) {
					return
				}
			}
		}
		for path, text := range c.Waits.Problems() {
			if !yield("waits."+path, text) {
				return
			}
		}
	}
}

func (c *Config) credentials() []problem {
	var list []problem
	for _, n := range []problem{{"client_token_file", c.ClientTokenFile}, {"access_token_file", c.AccessTokenFile}} {
		if n.text == "" {
			list = append(list, problem{n.path, "is missing; Mews gives the client token for the product and the access token for the property"})
		}
	}
	if strings.ContainsFunc(c.Client, func(r rune) bool { return r < ' ' || r > '~' }) || len(c.Client) > 60 {
		list = append(list, problem{"client", "must be a short name in plain letters, such as edgeagent"})
	}
	return list
}

func (c *Config) choices() []problem {
	var list []problem
	if c.CloseOldAs != "cancelled" && c.CloseOldAs != "error" {
		list = append(list, problem{"close_old_as", fmt.Sprintf("%q is not known; write cancelled or error", c.CloseOldAs)})
	}
	if _, err := time.Parse("15:04", c.ReconnectAt); err != nil && c.ReconnectAt != never {
		list = append(list, problem{"reconnect_at", fmt.Sprintf("must be a local hour such as \"04:30\", or never, not %q", c.ReconnectAt)})
	}
	if c.MaxAge < 30*time.Second || c.MaxAge > 24*time.Hour {
		list = append(list, problem{"max_age", "must be 30s to 24h; leave it out for 5m"})
	} else if c.KeyWait < 20*time.Second || c.KeyWait > c.MaxAge {
		list = append(list, problem{"key_wait", fmt.Sprintf("must be 20s to max_age, which is %s; leave it out for 90s", c.MaxAge)})
	}
	if c.Budget < 20 || c.Budget > 10000 {
		list = append(list, problem{"budget", "must be 20 to 10000 requests in 30 s; leave it out for the 200 that Mews allows"})
	}
	return list
}

func (c *Config) mapping() []problem {
	var list []problem
	seen := map[string]int{}
	for i, d := range c.Devices {
		path := fmt.Sprintf("devices[%d]", i)
		if d.Mews == "" {
			list = append(list, problem{path + ".mews", "is missing; write the key cutter's name, identifier or id in Mews (edgeagent probe lists them)"})
		} else if first, twice := seen[strings.ToLower(d.Mews)]; twice {
			list = append(list, problem{path + ".mews", fmt.Sprintf("%q is listed twice, first as devices[%d]; remove one", d.Mews, first)})
		}
		if d.Device == "" {
			list = append(list, problem{path + ".device", "is missing; write the name of the encoder under devices: of the property file"})
		}
		if d.Mews != "" {
			seen[strings.ToLower(d.Mews)] = i
		}
	}
	if c.LeaveUnmapped && len(c.Devices) == 0 {
		list = append(list, problem{"leave_unmapped", "leaves every key command to another gateway, since devices lists none; list this gateway's key cutters, or remove it"})
	}
	for _, lock := range slices.Sorted(maps.Keys(c.Locks)) {
		if c.Grants[lock] != "" {
			list = append(list, problem{"grants." + quoteKey(lock), "stands under locks too; a lock is a room or a common door, remove one"})
		}
	}
	return list
}

// quoteKey writes a map key as YAML paths want it.
func quoteKey(key string) string {
	plain := strings.IndexFunc(key, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_')
	}) < 0
	if plain && key != "" {
		return key
	}
	return "'" + strings.ReplaceAll(key, "'", "''") + "'"
}
