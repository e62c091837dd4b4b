package bench

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"edgeagent/hwsim"
	"edgeagent/hwsim/tvsim"
)

// tvBroker is a Mosquitto if there is one on this machine, else the simulated
// broker, which is slower: it is in this process, as the sets are.
type tvBroker struct {
	name    string
	sim     *tvsim.Broker
	program string
	dir     string
	port    string
	cmd     *exec.Cmd
}

func newTVBroker(b *testing.B) *tvBroker {
	for _, name := range []string{"mosquitto", "/usr/sbin/mosquitto"} {
		if path, err := exec.LookPath(name); err == nil {
			return &tvBroker{name: "Mosquitto, one process beside this one", program: path, dir: b.TempDir(), port: freePort(b)}
		}
	}
	return &tvBroker{
		name: "the simulated one, in this process",
		sim:  tvsim.NewBroker(tvsim.BrokerOptions{Property: hwsim.PropertyID, AgentPassword: "secret"}),
	}
}

func (t *tvBroker) access(user string) tvsim.Access {
	if t.sim != nil {
		return t.sim.Access(user)
	}
	return tvsim.Access{URL: "tcp://127.0.0.1:" + t.port, Username: user, Password: "none"}
}

// start starts it; it remembers all, or nothing.
func (t *tvBroker) start(b *testing.B, recall tvsim.Recall) {
	b.Helper()
	if t.sim != nil {
		if err := t.sim.Start(recall); err != nil {
			b.Fatal(err)
		}
		return
	}
	if recall == tvsim.Lose {
		_ = os.Remove(filepath.Join(t.dir, "mosquitto.db"))
	}
	file := filepath.Join(t.dir, "mosquitto.conf")
	text := "listener " + t.port + " 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location " + t.dir + "/\nuser root\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	t.cmd = exec.Command(t.program, "-c", file)
	if err := t.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		conn, err := net.Dial("tcp", "127.0.0.1:"+t.port)
		if err == nil {
			conn.Close()
			return
		}
		if time.Now().After(end) {
			b.Fatal(err)
		}
	}
}

// stop ends it; what it retains is on its disk then.
func (t *tvBroker) stop(b *testing.B) {
	b.Helper()
	if t.sim != nil {
		t.sim.Stop()
		return
	}
	if t.cmd != nil {
		_ = t.cmd.Process.Signal(os.Interrupt)
		_ = t.cmd.Wait() // how it ended was our choice
		t.cmd = nil
	}
}

func (t *tvBroker) client(b *testing.B, id string, hear paho.MessageHandler) paho.Client {
	b.Helper()
	agent := t.access(tvsim.AgentUser)
	o := paho.NewClientOptions().AddBroker(agent.URL).SetClientID(id).SetUsername(agent.Username).SetPassword(agent.Password)
	o.SetProtocolVersion(4).SetAutoReconnect(false).SetDefaultPublishHandler(hear)
	client := paho.NewClient(o)
	done(b, client.Connect())
	return client
}
