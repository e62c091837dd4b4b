//go:build real

package realtest

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"edgeagent/hwsim"
	"edgeagent/hwsim/tvsim"
)

// authority is a hotel's own CA, as edgeagent ca makes it. The broker's access
// list and its listener come from there too.
type authority struct{ dir, property string }

// newAuthority makes one for a broker at 127.0.0.1:port, whose files stay where
// they were made.
func newAuthority(t *testing.T, port string, rooms ...string) *authority {
	t.Helper()
	dir := t.TempDir()
	a := &authority{dir: filepath.Join(dir, "tv-ca"), property: filepath.Join(dir, "property.yaml")}
	text := fmt.Sprintf("property: { id: %s, name: Hotel Sea View }\ndevices: [ { name: tvs, iptv: { broker: \"tls://127.0.0.1:%s\" } } ]\n", hwsim.PropertyID, port)
	if err := os.WriteFile(a.property, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	a.run(t, "init", "--broker-dir", a.dir)
	if len(rooms) > 0 {
		a.run(t, append([]string{"tv"}, rooms...)...)
	}
	return a
}

// run calls edgeagent ca.
func (a *authority) run(t *testing.T, args ...string) {
	t.Helper()
	verb := append(native(t)[1:], append([]string{"ca", "--config", a.property}, args...)...)
	if out, err := exec.Command(native(t)[0], verb...).CombinedOutput(); err != nil {
		t.Fatalf("edgeagent %s: %v\n%s", strings.Join(verb, " "), err, out)
	}
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

// settings are those for the broker.
func (a *authority) settings(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(a.file("mosquitto.conf"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// client is how the holder of that certificate dials: the agent, or the sets of
// a room; "" for somebody without one.
func (a *authority) client(t *testing.T, user string) *tls.Config {
	t.Helper()
	text, err := os.ReadFile(a.file("ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	secure := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	if !secure.RootCAs.AppendCertsFromPEM(text) {
		t.Fatal("ca.crt holds no certificate")
	}
	if user == "" {
		return secure
	}
	name := user
	if user != tvsim.AgentUser {
		name = "tv-" + user
	}
	pair, err := tls.LoadX509KeyPair(a.file(name+".crt"), a.file(name+".key"))
	if err != nil {
		t.Fatal(err)
	}
	secure.Certificates = []tls.Certificate{pair}
	return secure
}
