//go:build real

package realtest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"edgeagent/hwsim"
	"edgeagent/hwsim/tvsim"
)

const (
	root     = "htl/v1/" + hwsim.PropertyID
	patience = 10 * time.Second
)

// memory is what a broker writes to its disk.
type memory int

const (
	// debians: all that is retained, every half hour and when it is asked to.
	debians memory = iota
	// ours: nothing, as the settings of edgeagent ca say.
	ours
)

// mosquitto is a real broker as a hotel would set it up: as Debian delivers it,
// and with what edgeagent ca makes: TLS, client certificates, an access list.
type mosquitto struct {
	t      *testing.T
	ca     *authority
	addr   string
	dir    string
	memory memory
	mu     sync.Mutex
	cmd    *exec.Cmd
	ended  chan struct{}
}

// newMosquitto sets a broker up as we do; it does not run yet. It has the access
// list of edgeagent ca unless another is given.
func newMosquitto(t *testing.T, acl string, rooms ...string) *mosquitto {
	t.Helper()
	return newMosquittoWith(t, ours, acl, rooms...)
}

func newMosquittoWith(t *testing.T, keeps memory, acl string, rooms ...string) *mosquitto {
	t.Helper()
	m := &mosquitto{t: t, dir: t.TempDir(), addr: freeAddress(t), memory: keeps}
	_, port, err := net.SplitHostPort(m.addr)
	if err != nil {
		t.Fatal(err)
	}
	m.ca = newAuthority(t, port, rooms...)
	if acl != "" {
		if err := os.WriteFile(m.ca.file("acl"), []byte(acl), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	made := m.ca.settings(t)
	if keeps == debians {
		made = strings.Replace(made, "\npersistence false\n", "\n", 1)
	}
	if err := os.Mkdir(filepath.Join(m.dir, "conf.d"), 0o700); err != nil {
		t.Fatal(err)
	}
	m.write("conf.d/edgeagent.conf", made)
	m.write("mosquitto.conf", strings.Join([]string{
		"persistence true",
		"persistence_location " + m.dir + "/",
		"include_dir " + m.dir + "/conf.d",
		"user root", // else it gives root away, and may not read these files
	}, "\n")+"\n")
	t.Cleanup(func() {
		m.Stop()
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(m.dir, "log"))
			t.Logf("the end of the broker's log:\n%s", tail(log, 40))
		}
	})
	return m
}

// freeAddress is none of those that the kernel gives to whoever asks for any:
// somebody else would have it by the time the broker is started.
func freeAddress(t *testing.T) string {
	t.Helper()
	const first, last, tries = 12_000, 20_000, 100
	for range tries {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", first+rand.IntN(last-first)))
		if err != nil {
			continue
		}
		defer l.Close()
		return l.Addr().String()
	}
	t.Fatal("no port is free")
	return ""
}

func (m *mosquitto) write(name, text string) string {
	m.t.Helper()
	file := filepath.Join(m.dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
	return file
}

// identity is the agent's.
func (m *mosquitto) identity() hwsim.Identity {
	return hwsim.Identity{
		CAFile: m.ca.file("ca.crt"), CertFile: m.ca.file(tvsim.AgentUser + ".crt"), KeyFile: m.ca.file(tvsim.AgentUser + ".key"),
	}
}

// URL is part of hwsim.Broker, as are the next five.
func (m *mosquitto) URL() string { return "tls://" + m.addr }

func (m *mosquitto) Access(room string) tvsim.Access {
	return tvsim.Access{URL: m.URL(), TLS: m.ca.client(m.t, room)}
}

// Start does not care for recall: what the broker still knows is on its disk.
func (m *mosquitto) Start(tvsim.Recall) error {
	log, err := os.OpenFile(filepath.Join(m.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(program(m.t, "mosquitto"), "-v", "-c", filepath.Join(m.dir, "mosquitto.conf"))
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	m.mu.Lock()
	m.cmd, m.ended = cmd, ended
	m.mu.Unlock()
	for limit := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", m.addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ended:
			text, _ := os.ReadFile(log.Name())
			return fmt.Errorf("mosquitto ended: %s", tail(text, 5))
		default:
			if time.Now().After(limit) {
				return fmt.Errorf("mosquitto does not listen: %w", err)
			}
		}
	}
}

// Stop is a power cut.
func (m *mosquitto) Stop() {
	m.mu.Lock()
	cmd, ended := m.cmd, m.ended
	m.cmd = nil
	m.mu.Unlock()
	if cmd != nil {
		_ = cmd.Process.Kill()
		<-ended
	}
}

// Save asks for the file on disk and waits until it is new.
func (m *mosquitto) Save() {
	if m.memory == ours {
		return
	}
	file := filepath.Join(m.dir, "mosquitto.db")
	before, _ := os.Stat(file)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cmd == nil {
		return
	}
	if err := m.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		m.t.Errorf("ask mosquitto to save: %v", err)
		return
	}
	for limit := time.Now().Add(patience); time.Now().Before(limit); time.Sleep(10 * time.Millisecond) {
		if now, err := os.Stat(file); err == nil && (before == nil || now.ModTime().After(before.ModTime())) {
			return
		}
	}
	m.t.Error("mosquitto did not write what it retains")
}

// Retained asks the broker itself.
func (m *mosquitto) Retained(prefix string) map[string][]byte {
	found := map[string][]byte{}
	l := m.listen(tvsim.AgentUser, "bench-look", root+"/#")
	defer l.hangUp()
	for _, msg := range l.upTo(l, root+"/bench/mark") {
		if msg.Retained() && strings.HasPrefix(msg.Topic(), prefix) {
			found[msg.Topic()] = msg.Payload()
		}
	}
	return found
}

// listener is somebody at the broker who hears what it gives him.
type listener struct {
	t      *testing.T
	client paho.Client
	mu     sync.Mutex
	heard  []paho.Message
	more   chan struct{}
}

// listen connects under a certificate and subscribes.
func (m *mosquitto) listen(user, clientID, filter string) *listener {
	l := &listener{t: m.t, more: make(chan struct{}, 1)}
	o := paho.NewClientOptions().AddBroker(m.URL()).SetClientID(clientID).SetTLSConfig(m.ca.client(m.t, user))
	o.SetProtocolVersion(4).SetAutoReconnect(false).SetConnectTimeout(patience)
	o.SetDefaultPublishHandler(func(_ paho.Client, msg paho.Message) {
		l.mu.Lock()
		l.heard = append(l.heard, msg)
		l.mu.Unlock()
		select {
		case l.more <- struct{}{}:
		default:
		}
	})
	l.client = paho.NewClient(o)
	l.await(l.client.Connect())
	l.await(l.client.Subscribe(filter, 0, nil))
	return l
}

func (l *listener) await(token paho.Token) {
	if !token.WaitTimeout(patience) {
		l.t.Error("the broker does not answer")
	} else if err := token.Error(); err != nil {
		l.t.Error(err)
	}
}

// say publishes; the broker confirms it, whether or not it is allowed.
func (l *listener) say(topic string, retain bool, text string) {
	l.await(l.client.Publish(topic, 1, retain, text))
}

// upTo has another client publish a mark, and returns what came before it: the
// broker serves in order.
func (l *listener) upTo(other *listener, topic string) []paho.Message {
	mark := fmt.Sprint("mark ", time.Now().UnixNano())
	other.say(topic, false, mark)
	limit := time.After(patience)
	for {
		l.mu.Lock()
		for i, msg := range l.heard {
			if string(msg.Payload()) == mark {
				before := l.heard[:i:i]
				l.mu.Unlock()
				return before
			}
		}
		l.mu.Unlock()
		select {
		case <-l.more:
		case <-limit:
			l.t.Errorf("a message on %s does not come through", topic)
			return nil
		}
	}
}

// all is what came so far.
func (l *listener) all() []paho.Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]paho.Message(nil), l.heard...)
}

func (l *listener) hangUp() { l.client.Disconnect(100) }

// stored is what the broker, which is dead, has on its disk.
func (m *mosquitto) stored() string {
	text, _ := os.ReadFile(filepath.Join(m.dir, "mosquitto.db"))
	return string(text)
}

// signal sends one to the broker.
func (m *mosquitto) signal(s os.Signal) {
	m.t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.cmd.Process.Signal(s); err != nil {
		m.t.Fatal(err)
	}
}

// connects counts in the broker's log how often a client connected.
func (m *mosquitto) connects(clientID string) int {
	text, _ := os.ReadFile(filepath.Join(m.dir, "log"))
	return strings.Count(string(text), " as "+clientID+" ")
}
