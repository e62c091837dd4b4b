//go:build real

package realtest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim"
	"edgeagent/hwsim/tvsim"
)

func TestDayOnMosquitto(t *testing.T) {
	rooms := []string{"101", "102", "103", "104", "201", "202", "203", "204", "301", "302", "303", "304"}
	m := newMosquittoWith(t, debians, "", rooms...)
	h := openHotel(t, native(t), hwsim.Options{Rooms: rooms, Broker: m, Identity: m.identity()})
	playDay(t, h, native(t))
}

// twoGuests is a hotel on a real broker with a guest in 101 and one in 102.
func twoGuests(t *testing.T) (*hwsim.Hotel, *mosquitto, *hwsim.Stay) {
	t.Helper()
	m := newMosquitto(t, "", "101", "102")
	h := openHotel(t, native(t), hwsim.Options{Rooms: []string{"101", "102"}, Broker: m, Identity: m.identity()})
	startAgent(t, h)
	one, two := h.Guest("Ms", "Ana", "Silva", "PT", 2), h.Guest("Mr", "Ben", "Okafor", "E", 2)
	h.Desk().CheckIn(one, "101")
	h.Desk().CheckIn(two, "102")
	expectScreen(t, h, "101", "Silva")
	expectScreen(t, h, "102", "Okafor")
	for _, room := range h.Rooms {
		expectRest(t, h, m, room)
	}
	return h, m, one
}

// expectRest waits for what follows a greeting by itself: the WiFi code, and the
// set's word that it shows that too.
func expectRest(t *testing.T, h *hwsim.Hotel, m *mosquitto, room string) {
	t.Helper()
	topic := root + "/room/" + room + "/tv/" + room + "-tv1/state"
	eventually(t, "the TV of "+room+" has all that it is to show", func() (bool, string) {
		shown, state := h.TV(room).Shown(), string(m.Retained(topic)[topic])
		return shown.WiFi != "" && strings.Contains(state, fmt.Sprintf(`"shown_gen":%d}`, shown.Gen)), fmt.Sprintf("gen %d, %q, %s", shown.Gen, shown.WiFi, state)
	})
}

func expectScreen(t *testing.T, h *hwsim.Hotel, room, name string) {
	t.Helper()
	eventually(t, fmt.Sprintf("the TV of %s greets %s", room, name), func() (bool, string) {
		names := h.TV(room).Shown().Names
		return len(names) == 1 && strings.Contains(names[0], name), fmt.Sprintf("%q", names)
	})
}

// device is what the agent says of its TVs.
func device(t *testing.T, h *hwsim.Hotel) (condition, reason string) {
	t.Helper()
	status, err := h.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range status.Devices {
		if d.Name == "tvs" {
			return d.State.Condition, d.State.Reason
		}
	}
	t.Fatal("the agent does not speak of its TVs")
	return "", ""
}

func TestAgentFindsNothingToComplainOf(t *testing.T) {
	h, _, _ := twoGuests(t)
	if condition, reason := device(t, h); condition != "online" || reason != "" {
		t.Errorf("the TVs are %s: %s", condition, reason)
	}
}

// TestTVHearsItsOwnRoomOnly puts a nosy set into 101.
func TestTVHearsItsOwnRoomOnly(t *testing.T) {
	h, m, guest := twoGuests(t)
	nosy := m.listen("101", "101-nosy", "#")
	defer nosy.hangUp()
	agent := m.listen(tvsim.AgentUser, "bench-agent", root+"/bench/none")
	defer agent.hangUp()

	h.Desk().Rename(guest, "Silva-Costa")
	expectScreen(t, h, "101", "Silva-Costa")
	agent.say(root+"/room/102/message", false, "for 102")

	var topics []string
	for _, msg := range nosy.upTo(agent, root+"/room/101/message") {
		topics = append(topics, msg.Topic())
		if !strings.HasPrefix(msg.Topic(), root+"/room/101/") && msg.Topic() != root+"/agent/state" {
			t.Errorf("a TV of 101 got %s", msg.Topic())
		}
	}
	if !slices.Contains(topics, root+"/room/101/welcome") {
		t.Errorf("a TV of 101 did not get its own screen, but %q", topics)
	}
}

// TestForgedWelcomeHasNoEffect has a set write screens: its own, and a
// neighbour's. The broker confirms that, so the set cannot tell.
func TestForgedWelcomeHasNoEffect(t *testing.T) {
	h, m, guest := twoGuests(t)
	held := m.Retained(root + "/room/")
	forger := m.listen("101", "101-forger", root+"/room/101/#")
	defer forger.hangUp()
	agent := m.listen(tvsim.AgentUser, "bench-agent", root+"/#")
	defer agent.hangUp()

	expires := time.Now().Add(time.Hour).Format(time.RFC3339)
	forged := fmt.Sprintf(`{"v":1,"gen":9223372036854775000,"id":"forged","room":"101","stay":"x","occupied":true,`+
		`"guests":[{"display":"Mallory"}],"lang":"en","dir":"ltr","expires_at":%q}`, expires)
	for _, room := range []string{"101", "102"} {
		forger.say(root+"/room/"+room+"/welcome", true, forged)
		forger.say(root+"/room/"+room+"/welcome", true, "") // nor may it clear one
		forger.say(root+"/room/"+room+"/tv/"+room+"-tv1/state", true, `{"v":1,"state":"offline"}`)
		forger.say(root+"/room/"+room+"/tv/"+room+"-tv1/ack", false, `{"v":1,"gen":0,"tv":"`+room+`-tv1","result":"cleared"}`)
		forger.say(root+"/room/"+room+"/message", false, `{"v":1,"id":"x","body":"forged"}`)
		forger.say(root+"/room/"+room+"/command", false, `{"v":1,"id":"x","command":"reload"}`)
	}
	forger.say(root+"/agent/state", true, "offline")

	before := len(held)
	for _, msg := range agent.upTo(agent, root+"/bench/mark") {
		if !msg.Retained() {
			t.Errorf("the broker let %s through", msg.Topic())
		}
	}
	now := m.Retained(root + "/room/")
	if len(now) != before {
		t.Errorf("the broker retains %d messages, before it were %d", len(now), before)
	}
	for topic, payload := range held {
		if string(now[topic]) != string(payload) {
			t.Errorf("%s has changed", topic)
		}
	}
	// The sets still take what the agent says next, and never showed the rest.
	h.Desk().Rename(guest, "Silva-Costa")
	expectScreen(t, h, "101", "Silva-Costa")
	for _, room := range h.Rooms {
		for _, shown := range h.TV(room).History() {
			if slices.Contains(shown.Names, "Mallory") {
				t.Errorf("the TV of %s showed the forged name", room)
			}
		}
	}
}

// TestDeniedTopicIsNamed forgets one line of the access list. Mosquitto then
// confirms every message on that topic, and delivers none.
func TestDeniedTopicIsNamed(t *testing.T) {
	for _, forgotten := range []string{"welcome", "message", "command"} {
		t.Run(forgotten, func(t *testing.T) {
			acl := "user agent\ntopic readwrite " + root + "/agent/#\ntopic read " + root + "/room/+/tv/#\n"
			for _, name := range []string{"welcome", "message", "command"} {
				if name != forgotten {
					acl += "topic readwrite " + root + "/room/+/" + name + "\n"
				}
			}
			m := newMosquitto(t, acl, "101")
			h := openHotel(t, native(t), hwsim.Options{Rooms: []string{"101"}, Broker: m, Identity: m.identity()})
			startAgent(t, h)
			want := "does not deliver topic " + root + "/room/_agentcheck/" + forgotten + ": check its ACL"
			eventually(t, want, func() (bool, string) {
				condition, reason := device(t, h)
				return condition != "online" && strings.Contains(reason, want), condition + ": " + reason
			})
		})
	}
}

// TestNobodyEntersWithoutCertificate proves that the tests above tried a locked door.
func TestNobodyEntersWithoutCertificate(t *testing.T) {
	m := newMosquitto(t, "")
	if err := m.Start(tvsim.Keep); err != nil {
		t.Fatal(err)
	}
	conn, err := tls.Dial("tcp", m.addr, m.ca.client(t, ""))
	if err != nil {
		return // refused in the handshake, as TLS 1.2 does
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the broker lets a client without a certificate stay: %v", err)
	}
}
