//go:build real

package realtest

import (
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"

	"edgeagent/hwsim"
	"edgeagent/hwsim/tvpage"
)

// setAccess is the access list of the contract's document: a set reads no more
// than the three topics of its room.
const setAccess = `user agent
topic readwrite ` + root + `/#

pattern read  ` + root + `/agent/state
pattern read  ` + root + `/room/%u/welcome
pattern read  ` + root + `/room/%u/message
pattern read  ` + root + `/room/%u/command
pattern write ` + root + `/room/%u/tv/%c/#
`

// webDoor gives a broker that does not run yet a second listener for browsers:
// WebSockets over TLS, with a password for each room. It returns its address.
func (m *mosquitto) webDoor(rooms ...string) string {
	m.t.Helper()
	passwords := m.write("passwords", "")
	for _, room := range rooms {
		text, err := exec.Command(program(m.t, "mosquitto_passwd"), "-b", passwords, room, password(room)).CombinedOutput()
		if err != nil {
			m.t.Fatalf("mosquitto_passwd: %v: %s", err, text)
		}
	}
	address := freeAddress(m.t)
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		m.t.Fatal(err)
	}
	settings, err := os.ReadFile(filepath.Join(m.dir, "mosquitto.conf"))
	if err != nil {
		m.t.Fatal(err)
	}
	m.write("mosquitto.conf", string(settings)+strings.Join([]string{
		"password_file " + passwords,
		"listener " + port + " " + host,
		"protocol websockets",
		"cafile " + m.ca.file("ca.crt"),
		"certfile " + m.ca.file("server.crt"),
		"keyfile " + m.ca.file("server.key"),
	}, "\n")+"\n")
	return "wss://" + address + "/mqtt"
}

// awaitWeb waits until that door is open, and is the broker's own: its port was
// free when it was chosen, which is not to say that nobody took it since.
func (m *mosquitto) awaitWeb(address string) {
	m.t.Helper()
	dialer := &websocket.Dialer{TLSClientConfig: m.ca.client(m.t, ""), Subprotocols: []string{"mqtt"}, HandshakeTimeout: patience}
	eventually(m.t, "the broker takes WebSockets at "+address, func() (bool, string) {
		socket, _, err := dialer.Dial(address, nil)
		if err != nil {
			return false, err.Error()
		}
		return socket.Close() == nil, "a WebSocket"
	})
}

func password(room string) string { return "key of " + room + " & more" }

// servePage serves the reference TV and returns its address for a room.
func servePage(t *testing.T, broker string) func(room string) string {
	t.Helper()
	page, err := tvpage.Start(broker)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := page.Close(); err != nil {
			t.Error(err)
		}
	})
	return func(room string) string {
		set := tvpage.Set{Broker: broker, Property: hwsim.PropertyID, Room: room, Password: password(room), Hotel: "Hotel Sea View"}
		return set.Address(page.URL())
	}
}

// cable is a network cable to an address, which can be pulled out.
type cable struct {
	to    string
	open  net.Listener
	mu    sync.Mutex
	out   bool
	conns []net.Conn
}

func newCable(t *testing.T, to string) *cable {
	t.Helper()
	open, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{to: to, open: open}
	t.Cleanup(func() { c.pull(); _ = open.Close() })
	go func() {
		for {
			conn, err := open.Accept()
			if err != nil {
				return
			}
			go c.join(conn)
		}
	}()
	return c
}

func (c *cable) join(near net.Conn) {
	far, err := net.Dial("tcp", c.to)
	c.mu.Lock()
	if err != nil || c.out {
		c.mu.Unlock()
		_ = near.Close()
		if err == nil {
			_ = far.Close()
		}
		return
	}
	c.conns = append(c.conns, near, far)
	c.mu.Unlock()
	go func() { _, _ = io.Copy(far, near); _ = far.Close() }()
	_, _ = io.Copy(near, far)
	_ = near.Close()
}

// pull takes the cable out, until it is put in again.
func (c *cable) pull() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = true
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = nil
}

func (c *cable) plug() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = false
}

// quote writes a text into a script: JSON is JavaScript.
func quote(text string) string {
	quoted, _ := json.Marshal(text) // a text always encodes
	return string(quoted)
}
