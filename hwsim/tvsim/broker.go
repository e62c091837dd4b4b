// Package tvsim is the far end of the TV wire: an MQTT broker and the sets on
// it, for a bench and for tests.
//
//	agent --MQTT--> Broker --MQTT--> TV (one client per set, as in a hotel)
//
// The broker behaves as Mosquitto 2 does where the two differ: a publication
// that the access list forbids is confirmed and dropped, a subscription that it
// forbids is granted and stays silent. The sets keep every rule of the contract
// strictly, and remember all that they ever showed, so that a judge can ask
// whose name stood where, and when.
package tvsim

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// AgentUser is the user name of the gateway; every other user name is a room key.
const AgentUser = "agent"

// Recall says what a broker still holds when it starts again.
type Recall int

// What a broker can remember of its retained messages.
const (
	Keep    Recall = iota // all of them
	Lose                  // none: persistence was off
	Restore               // those of the last Save: killed between two autosaves
)

// BrokerOptions set up a broker.
type BrokerOptions struct {
	// Addr is the address to listen on; default "127.0.0.1:0". The port found
	// at the first start is used again at every later one.
	Addr string
	// WebAddr is the address of a second listener, for WebSockets at /mqtt; ""
	// for none. Its port stays the same too. It never speaks TLS.
	WebAddr string
	// TLS makes the first listener speak TLS. If it demands client certificates, the
	// common name is the user name.
	TLS *tls.Config
	// Prefix and Property begin every topic, as in "htl/v1/seaview/…".
	// Prefix defaults to "htl/v1".
	Prefix, Property string
	// AgentPassword is the password of the gateway.
	AgentPassword string
	// RoomPassword is the password of a room's sets; nil for one made from the room key.
	RoomPassword func(room string) string
}

// Broker is an MQTT broker in this process.
type Broker struct {
	opts  BrokerOptions
	root  string
	turn  sync.Mutex                  // one packet at a time, as in Mosquitto
	owner atomic.Pointer[mqtt.Client] // whose packet it is
	down  atomic.Bool

	mu        sync.Mutex
	server    *mqtt.Server
	listeners []*listener
	addr      string
	webAddr   string
	denied    []string
	opened    []string
	kept      map[string]packets.Packet
	saved     map[string]packets.Packet
	published map[string]int
}

// NewBroker makes a broker that is not running yet.
func NewBroker(o BrokerOptions) *Broker {
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.Prefix == "" {
		o.Prefix = "htl/v1"
	}
	if o.RoomPassword == nil {
		o.RoomPassword = func(room string) string { return "tv-" + room }
	}
	return &Broker{opts: o, root: o.Prefix + "/" + o.Property, addr: o.Addr, webAddr: o.WebAddr, published: map[string]int{}}
}

// Start opens the listener and serves. The broker remembers what recall says.
func (b *Broker) Start(recall Recall) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.server != nil {
		return fmt.Errorf("broker is already running on %s", b.addr)
	}
	doors, err := b.open()
	if err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	caps := mqtt.NewDefaultServerCapabilities()
	caps.MaximumMessageExpiryInterval = 0 // its default drops retained messages after a day
	caps.ReceiveMaximum = 65535
	caps.MaximumInflight = 65535
	server := mqtt.New(&mqtt.Options{Capabilities: caps, InlineClient: true, Logger: slog.New(slog.DiscardHandler)})
	if err := server.AddHook(&access{broker: b, server: server}, nil); err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	for _, held := range b.recalled(recall) {
		server.Topics.RetainMessage(held)
	}
	for _, door := range doors {
		if err := server.AddListener(door); err != nil {
			return fmt.Errorf("broker: %w", err)
		}
	}
	b.down.Store(false)
	b.server, b.listeners = server, doors
	if err := server.Serve(); err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	return nil
}

func (b *Broker) recalled(recall Recall) map[string]packets.Packet {
	switch recall {
	case Lose:
		return nil
	case Restore:
		return b.saved
	}
	return b.kept
}

// Stop cuts every connection as a killed process would, and waits until all is
// closed. No will is kept.
func (b *Broker) Stop() {
	b.mu.Lock()
	server, doors := b.server, b.listeners
	b.server, b.listeners = nil, nil
	b.mu.Unlock()
	if server == nil {
		return
	}
	b.down.Store(true)
	// The library's Close reads its list of clients under a lock that it takes
	// twice, and hangs if a client enters or leaves in between: none is left then.
	for _, door := range doors {
		door.cut()
	}
	for _, door := range doors {
		door.wait()
	}
	_ = server.Close()
	b.mu.Lock()
	b.kept = server.Topics.Retained.GetAll()
	b.mu.Unlock()
}

// Save notes the retained messages as an autosave would, for Restore.
func (b *Broker) Save() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.server != nil {
		b.saved = b.server.Topics.Retained.GetAll()
	}
}

// Addr is host:port of the listener.
func (b *Broker) Addr() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.addr
}

// URL is the address as a client writes it.
func (b *Broker) URL() string {
	if b.opts.TLS != nil {
		return "tls://" + b.Addr()
	}
	return "tcp://" + b.Addr()
}

// Access is what a client of that user name needs to connect: AgentUser or a room key.
func (b *Broker) Access(user string) Access {
	return Access{URL: b.URL(), Username: user, Password: b.password(user)}
}

func (b *Broker) password(user string) string {
	if user == AgentUser {
		return b.opts.AgentPassword
	}
	return b.opts.RoomPassword(user)
}

// Deny makes the broker confirm and drop everything on topics that match one
// of the filters, in both directions, for everybody. No filters: nothing is denied.
func (b *Broker) Deny(filters ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.denied = slices.Clone(filters)
}

// Open lets everybody read and write below some topics beside the hotel's, as a
// house with other products on its broker would.
func (b *Broker) Open(prefixes ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.opened = slices.Clone(prefixes)
}

func (b *Broker) opens(topic string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.opened, func(prefix string) bool { return strings.HasPrefix(topic, prefix+"/") })
}

func (b *Broker) denies(topic string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.denied, func(filter string) bool { return matches(filter, topic) })
}

// Kick closes the connection of that client id, if it is there.
func (b *Broker) Kick(clientID string) bool {
	server := b.running()
	if server == nil {
		return false
	}
	client, ok := server.Clients.Get(clientID)
	if ok {
		client.Stop(packets.ErrAdministrativeAction)
	}
	return ok
}

// Clients are the ids of the clients that are connected.
func (b *Broker) Clients() []string {
	server := b.running()
	if server == nil {
		return nil
	}
	var ids []string
	for id, client := range server.Clients.GetAll() {
		if !client.Net.Inline && !client.Closed() {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Retained are the retained messages whose topics begin with prefix, running
// or not. $SYS topics are left out.
func (b *Broker) Retained(prefix string) map[string][]byte {
	b.mu.Lock()
	held := b.kept
	if b.server != nil {
		held = b.server.Topics.Retained.GetAll()
	}
	b.mu.Unlock()
	found := map[string][]byte{}
	for topic, message := range held {
		if strings.HasPrefix(topic, prefix) && !strings.HasPrefix(topic, "$") {
			found[topic] = slices.Clone(message.Payload)
		}
	}
	return found
}

// Put publishes a message of unknown origin, past the access list.
func (b *Broker) Put(topic string, payload []byte, retain bool) error {
	server := b.running()
	if server == nil {
		return fmt.Errorf("broker is not running")
	}
	return server.Publish(topic, payload, retain, 1)
}

// Published counts what clients have published on topics that match the
// filter, since the broker was made.
func (b *Broker) Published(filter string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	sum := 0
	for topic, n := range b.published {
		if matches(filter, topic) {
			sum += n
		}
	}
	return sum
}

// Topics are those that clients have published on, since the broker was made.
func (b *Broker) Topics() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(maps.Keys(b.published))
}

func (b *Broker) running() *mqtt.Server {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.server
}
