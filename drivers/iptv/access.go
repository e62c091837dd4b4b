package iptv

import (
	"fmt"
	"strings"
)

// AgentUser is the gateway's user name at a broker that takes it from the
// certificate. No room key is ever the same.
const AgentUser = "agent"

// RoomKeys are the room keys of a room of the PMS, as they stand in topics and
// as user names of its TVs.
func (c *Config) RoomKeys(room string) []string { return roomKeys(c.Rooms, room) }

func roomKeys(rooms map[string][]string, room string) []string {
	if keys := rooms[room]; len(keys) > 0 {
		return keys
	}
	return []string{roomKey(room)}
}

// AccessList is the access list of a Mosquitto for the TVs of a property: the
// gateway has all of its topics, a TV reads its own room's and writes below its
// own name. A TV's user name is its room key (%u), its client id the name of
// the set (%c).
func (c Config) AccessList(property string) string {
	c = c.WithDefaults(property)
	root := c.Prefix + "/" + property
	var text strings.Builder
	fmt.Fprintf(&text, "# Who may do what at the broker of the TVs of %s.\n", property)
	fmt.Fprintf(&text, "user %s\ntopic readwrite %s/#\n", AgentUser, root)
	for i := range c.Bridges {
		for n := range c.Bridges[i].Publish {
			m, may := &c.Bridges[i].Publish[n], "write"
			if m.On == onState {
				may = "readwrite" // it looks at what is there, to clear what nobody wants
			}
			fmt.Fprintf(&text, "topic %s %s\n", may, m.filter(property))
		}
	}
	text.WriteString("\n")
	fmt.Fprintf(&text, "# Every TV: its room (%%u), and below its own name (%%c).\n")
	fmt.Fprintf(&text, "pattern read %s/agent/state\n", root)
	for _, name := range []string{topicWelcome, topicMessage, topicCommand} {
		fmt.Fprintf(&text, "pattern read %s/room/%%u/%s\n", root, name)
	}
	fmt.Fprintf(&text, "pattern write %s/room/%%u/tv/%%c/#\n", root)
	return text.String()
}

// ListenerSettings are the settings of a Mosquitto for the TVs, whose files
// lie in a folder there: TLS 1.2, a certificate from everybody, the user name
// from it, and nothing that a broker could bring back after a crash.
func ListenerSettings(property, folder, port string) string {
	return strings.NewReplacer("PROPERTY", property, "FOLDER", folder, "PORT", port).Replace(`# The broker of the TVs of PROPERTY, for /etc/mosquitto/conf.d/. Mosquitto reads
# these files as its own user: see docs/tv-broker.md.
listener PORT
cafile FOLDER/ca.crt
certfile FOLDER/server.crt
keyfile FOLDER/server.key
tls_version tlsv1.2
require_certificate true
use_identity_as_username true
allow_anonymous false
acl_file FOLDER/acl

# Killed, a broker with Debian's settings comes back with names of guests who
# have left: it writes every half hour what it retains. Without a memory on disk
# it comes back empty, and the agent tells it everything anew within seconds.
persistence false
message_size_limit 65536

# For sets that have no place for a certificate: the user name is the room key,
# the password one of mosquitto_passwd. Take the # away.
#listener 8884
#cafile FOLDER/ca.crt
#certfile FOLDER/server.crt
#keyfile FOLDER/server.key
#tls_version tlsv1.2
#password_file FOLDER/passwords
`)
}
