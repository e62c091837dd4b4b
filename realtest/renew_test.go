//go:build real

package realtest

import (
	"crypto/tls"
	"strings"
	"syscall"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"edgeagent/hwsim"
	"edgeagent/hwsim/tvsim"
)

// TestCertificatesAreRenewed prolongs the broker's certificate, the agent's and
// a TV's, and has those that run take them: nobody is started again.
func TestCertificatesAreRenewed(t *testing.T) {
	m := newMosquitto(t, "", "101")
	h := openHotel(t, native(t), hwsim.Options{Rooms: []string{"101"}, Broker: m, Identity: m.identity()})
	agent := startAgent(t, h)
	guest := h.Guest("Ms", "Ana", "Silva", "PT", 2)
	h.Desk().CheckIn(guest, "101")
	expectScreen(t, h, "101", "Silva")
	served := func() string {
		conn, err := tls.Dial("tcp", m.addr, m.ca.client(t, tvsim.AgentUser))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	before, connects := served(), m.connects("edgeagent-"+hwsim.PropertyID)
	m.ca.run(t, "renew", "ca", "server", "agent", "tv-101")
	m.signal(syscall.SIGHUP)
	eventually(t, "the broker shows its new certificate", func() (bool, string) { return served() != before, before })
	if err := agent.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the agent connects with its new certificate", func() (bool, string) {
		return m.connects("edgeagent-"+hwsim.PropertyID) > connects, "no new connection"
	})
	set := m.listen("101", "101-renewed", root+"/room/101/welcome") // with its new certificate
	defer set.hangUp()
	h.Desk().Rename(guest, "Silva-Costa")
	expectScreen(t, h, "101", "Silva-Costa")
	if condition, reason := device(t, h); condition != "online" {
		t.Errorf("the TVs are %s: %s", condition, reason)
	}
}

// TestRivalsAreFound connects another client under the agent's client id, and a
// second set under that of a TV.
func TestRivalsAreFound(t *testing.T) {
	h, m, _ := twoGuests(t)
	o := paho.NewClientOptions().AddBroker(m.URL()).SetClientID("edgeagent-" + hwsim.PropertyID).SetTLSConfig(m.ca.client(t, tvsim.AgentUser))
	o.SetProtocolVersion(4).SetAutoReconnect(true).SetMaxReconnectInterval(time.Second).SetConnectTimeout(patience)
	rival := paho.NewClient(o)
	if token := rival.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
		t.Fatal(token.Error())
	}
	want := "is another client connected under the client id edgeagent-" + hwsim.PropertyID + "?"
	eventually(t, want, func() (bool, string) {
		_, reason := device(t, h)
		return strings.Contains(reason, want), reason
	})
	rival.Disconnect(0)

	twin := tvsim.NewTV(tvsim.TVOptions{
		Access: m.Access("101"), Property: hwsim.PropertyID, Room: "101", ID: "tv1", Silence: time.Second, Redial: 200 * time.Millisecond,
	})
	twin.Plug()
	defer twin.Unplug()
	want = "TV 101-tv1 came online 5 times within a minute: do two sets have that client id?"
	eventually(t, want, func() (bool, string) {
		_, reason := device(t, h)
		return strings.Contains(reason, want), reason
	})
}
