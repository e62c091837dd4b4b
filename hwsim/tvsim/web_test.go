package tvsim

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/gorilla/websocket"
)

func newWebBench(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	b.broker = NewBroker(BrokerOptions{Property: "seaview", AgentPassword: "pw", WebAddr: "127.0.0.1:0"})
	b.must(b.broker.Start(Keep))
	t.Cleanup(b.broker.Stop)
	return b
}

// browser connects as a page would.
func (b *bench) browser(room, password string, got chan<- paho.Message) (paho.Client, paho.Token) {
	b.t.Helper()
	o := paho.NewClientOptions().AddBroker(b.broker.WebURL()).SetClientID(room + "-web").SetUsername(room).SetPassword(password)
	o.SetProtocolVersion(4).SetAutoReconnect(false).SetConnectTimeout(patience)
	o.SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) { got <- m })
	c := paho.NewClient(o)
	token := c.Connect()
	b.t.Cleanup(func() { c.Disconnect(0) })
	return c, token
}

func TestBrowsersComeInByWebSocket(t *testing.T) {
	b := newWebBench(t)
	if url := b.broker.WebURL(); !strings.HasPrefix(url, "ws://127.0.0.1:") || !strings.HasSuffix(url, "/mqtt") {
		t.Errorf("address %q", url)
	}
	got := make(chan paho.Message, 8)
	page, token := b.browser("101", "tv-101", got)
	b.done(token)
	b.done(page.Subscribe("#", 1, nil))
	agent := b.client(AgentUser, "agent", nil)
	long := strings.Repeat("x", 9000) // more than one read of the broker takes
	b.done(agent.Publish("htl/v1/seaview/room/102/welcome", 1, false, "for 102"))
	b.done(agent.Publish(base+"/welcome", 1, true, long))
	if m := <-got; m.Topic() != base+"/welcome" || string(m.Payload()) != long {
		t.Errorf("the page got %s, %d bytes", m.Topic(), len(m.Payload()))
	}
	b.done(page.Publish(base+"/tv/101-web/ack", 1, false, long))
	b.done(page.Publish(base+"/welcome", 1, true, "forged"))
	if n := b.broker.Published(base + "/tv/101-web/ack"); n != 1 {
		t.Errorf("%d acks of the page came", n)
	}
	if held := b.broker.Retained(base)[base+"/welcome"]; string(held) != long {
		t.Errorf("a page may write a welcome: %d bytes are retained", len(held))
	}

	url := b.broker.WebURL()
	b.broker.Stop()
	b.must(b.broker.Start(Keep))
	if b.broker.WebURL() != url {
		t.Errorf("after a start the address is %s, before %s", b.broker.WebURL(), url)
	}
	for end := time.Now().Add(patience); page.IsConnectionOpen(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a stopped broker leaves the page connected")
		}
	}
	if _, token := b.browser("101", "guessed", got); token.WaitTimeout(patience) && token.Error() == nil {
		t.Error("any password will do")
	}
}

func TestWhatTheWebDoorRefuses(t *testing.T) {
	b := newWebBench(t)
	web := "http" + strings.TrimPrefix(b.broker.WebURL(), "ws")
	for address, code := range map[string]int{web: 400, strings.TrimSuffix(web, "mqtt"): 404} {
		answer, err := http.Get(address)
		b.must(err)
		_ = answer.Body.Close()
		if answer.StatusCode != code {
			t.Errorf("%s: %s", address, answer.Status)
		}
	}
	plain, _, err := websocket.DefaultDialer.Dial(b.broker.WebURL(), nil)
	b.must(err)
	defer plain.Close()
	if _, _, err := plain.ReadMessage(); err == nil {
		t.Error("a WebSocket without the protocol mqtt is taken")
	}
	talker, _, err := (&websocket.Dialer{Subprotocols: []string{"mqtt"}}).Dial(b.broker.WebURL(), nil)
	b.must(err)
	defer talker.Close()
	b.must(talker.WriteMessage(websocket.TextMessage, []byte("hello")))
	if _, _, err := talker.ReadMessage(); err == nil {
		t.Error("a text frame is taken for MQTT")
	}
}

func TestFramesAreNoPackets(t *testing.T) {
	b := newWebBench(t)
	socket, _, err := (&websocket.Dialer{Subprotocols: []string{"mqtt"}}).Dial(b.broker.WebURL(), nil)
	b.must(err)
	defer socket.Close()
	connect := "\x10\x21\x00\x04MQTT\x04\xc2\x00\x1e\x00\x07101-web\x00\x03101\x00\x06tv-101"
	connect = connect[:1] + string(rune(len(connect)-2)) + connect[2:]
	for _, part := range []string{connect[:1], connect[1:9], "", connect[9:] + "\xc0\x00"} {
		b.must(socket.WriteMessage(websocket.BinaryMessage, []byte(part)))
	}
	var answer []byte
	for len(answer) < 6 {
		_, frame, err := socket.NextReader()
		b.must(err)
		text, err := io.ReadAll(frame)
		b.must(err)
		answer = append(answer, text...)
	}
	if string(answer) != "\x20\x02\x00\x00\xd0\x00" {
		t.Errorf("the broker answers % x", answer)
	}
}

func TestNoWebSocketUnlessAsked(t *testing.T) {
	if url := newBench(t).broker.WebURL(); url != "" {
		t.Errorf("address %q", url)
	}
}
