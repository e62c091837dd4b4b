package hwsim

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// TestEveryRoomHasAPage follows the address that is printed for a room, as a
// browser would: the page, and then its broker.
func TestEveryRoomHasAPage(t *testing.T) {
	h, err := Open(Options{Dir: t.TempDir(), Rooms: []string{"101", "102"}, Annex: []string{"401"}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for _, room := range h.Rooms {
		u, err := url.Parse(h.TVPage(room))
		if err != nil {
			t.Fatal(err)
		}
		set, err := url.ParseQuery(u.Fragment)
		if err != nil || set.Get("room") != room || u.RawQuery != "" {
			t.Errorf("the page of %s is at %s, error %v", room, u, err)
		}
		answer, err := http.Get(u.String())
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		broker := set.Get("broker")
		if policy := answer.Header.Get("Content-Security-Policy"); answer.StatusCode != 200 || !strings.Contains(policy, strings.TrimSuffix(broker, "/mqtt")+";") {
			t.Errorf("the page of %s: %s, policy %q", room, answer.Status, policy)
		}
		o := paho.NewClientOptions().AddBroker(broker).SetClientID(room + "-web").SetUsername(room).SetPassword(set.Get("password"))
		client := paho.NewClient(o.SetAutoReconnect(false).SetProtocolVersion(4))
		if token := client.Connect(); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
			t.Errorf("the page of %s cannot reach %s: %v", room, broker, token.Error())
		}
		client.Disconnect(0)
	}
}
