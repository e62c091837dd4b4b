package tvsim

import (
	"bytes"
	"crypto/subtle"
	"crypto/tls"
	"strings"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// access is the broker's door and its access list, in Mosquitto's manner.
type access struct {
	mqtt.HookBase
	broker *Broker
	server *mqtt.Server
}

func (a *access) ID() string { return "access" }

func (a *access) Provides(hook byte) bool {
	return bytes.Contains([]byte{
		mqtt.OnConnectAuthenticate, mqtt.OnACLCheck, mqtt.OnPublish, mqtt.OnSubscribe,
		mqtt.OnSubscribed, mqtt.OnPacketProcessed, mqtt.OnWill,
	}, []byte{hook})
}

// OnConnectAuthenticate takes the common name of a client certificate as the
// user name, or checks the password.
func (a *access) OnConnectAuthenticate(client *mqtt.Client, p packets.Packet) bool {
	if conn, ok := client.Net.Conn.(*tls.Conn); ok {
		if certs := conn.ConnectionState().PeerCertificates; len(certs) > 0 {
			client.Properties.Username = []byte(certs[0].Subject.CommonName)
			return true
		}
	}
	user := string(client.Properties.Username)
	given := p.Connect.Password
	return user != "" && subtle.ConstantTimeCompare(given, []byte(a.broker.password(user))) == 1
}

// OnACLCheck decides what is delivered, and to whom. It is asked with a filter
// at subscription and with a topic at delivery; a filter with wildcards is let
// through, since each of its messages is asked about again. What clients write
// is judged in OnPublish.
func (a *access) OnACLCheck(client *mqtt.Client, topic string, write bool) bool {
	if write || client.Net.Inline || strings.ContainsAny(topic, "+#") {
		return true
	}
	return a.mayRead(string(client.Properties.Username), topic)
}

// OnPublish drops what may not be written, without telling the client: MQTT
// 3.1.1 has no word for it.
func (a *access) OnPublish(client *mqtt.Client, p packets.Packet) (packets.Packet, error) {
	a.broker.turn.Lock()
	a.broker.owner.Store(client)
	if client.Net.Inline {
		return p, nil
	}
	a.broker.count(p.TopicName)
	if !a.mayWrite(string(client.Properties.Username), client.ID, p.TopicName) {
		return p, packets.CodeSuccessIgnore
	}
	return p, nil
}

// OnSubscribe and OnPacketProcessed enclose the handling of one packet.
// Without that a subscriber could get a retained message after the live one
// that replaced it, which Mosquitto's single thread never does.
func (a *access) OnSubscribe(client *mqtt.Client, p packets.Packet) packets.Packet {
	a.broker.turn.Lock()
	a.broker.owner.Store(client)
	return p
}

func (a *access) OnPacketProcessed(client *mqtt.Client, _ packets.Packet, _ error) {
	if a.broker.owner.CompareAndSwap(client, nil) {
		a.broker.turn.Unlock()
	}
}

// OnSubscribed grants what the access list forbids; it just never delivers.
func (a *access) OnSubscribed(client *mqtt.Client, p packets.Packet, codes []byte) {
	for i, sub := range p.Filters {
		if codes[i] < packets.ErrUnspecifiedError.Code || !mqtt.IsValidFilter(sub.Filter, false) {
			continue
		}
		codes[i] = sub.Qos
		a.server.Topics.Subscribe(client.ID, sub)
		client.State.Subscriptions.Add(sub.Filter, sub)
	}
}

// OnWill keeps a killed broker from writing wills into what it remembers, and
// drops the will of a connection that already has a successor: Mosquitto sends
// it before the successor's messages, here it would come after them.
func (a *access) OnWill(client *mqtt.Client, will mqtt.Will) (mqtt.Will, error) {
	now, ok := a.server.Clients.Get(client.ID)
	if a.broker.down.Load() || (ok && now != client) {
		will.Retain = false
		will.TopicName = "$SYS/dropped"
	}
	return will, nil
}

func (a *access) mayRead(user, topic string) bool {
	b := a.broker
	if b.opens(topic) {
		return true
	}
	if !strings.HasPrefix(topic, b.root+"/") || b.denies(topic) {
		return false
	}
	return user == AgentUser || topic == b.root+"/agent/state" || strings.HasPrefix(topic, b.root+"/room/"+user+"/")
}

func (a *access) mayWrite(user, client, topic string) bool {
	b := a.broker
	if b.opens(topic) {
		return true
	}
	if !strings.HasPrefix(topic, b.root+"/") || b.denies(topic) {
		return false
	}
	return user == AgentUser || strings.HasPrefix(topic, b.root+"/room/"+user+"/tv/"+client+"/")
}

func (b *Broker) count(topic string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.published[topic]++
}

// matches tells whether an MQTT topic filter covers a topic.
func matches(filter, topic string) bool {
	want, have := strings.Split(filter, "/"), strings.Split(topic, "/")
	for i, level := range want {
		switch {
		case level == "#":
			return true
		case i >= len(have), level != "+" && level != have[i]:
			return false
		}
	}
	return len(want) == len(have)
}
