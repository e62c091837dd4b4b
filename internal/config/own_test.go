package config

import (
	"net"
	"os"
	"path/filepath"
	"testing"
)

// What stands under the name of the socket or of the store, and is neither, stays.
func TestOwnFilesAreNobodyElses(t *testing.T) {
	path := property(t, hotel, "secret")
	dir := filepath.Dir(path)
	write(t, filepath.Join(dir, "precious.txt"), "precious")
	l, err := net.Listen("unix", filepath.Join(dir, "left.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"status: { socket: precious.txt }": "status.socket: precious.txt is there and no socket, and would be lost; name a path where nothing is, such as /run/edgeagent/control.sock",
		"status: { socket: . }":            "status.socket: " + filepath.Base(dir) + " is there and no socket, and would be lost; name a path where nothing is, such as /run/edgeagent/control.sock",
		"status: { socket: left.sock }":    "",
		"status: { socket: new.sock }":     "",
		"store: " + filepath.Base(path):    "store: that is this very property file; name a file that the agent can make, such as store.db",
		"store: precious.txt":              "store: precious.txt is there and no store; name a file that the agent can make, such as store.db",
		"store: new.db":                    "",
	} {
		write(t, path, string(text)+"\n"+line+"\n")
		_, problems := Load(path)
		got := ""
		for _, p := range problems {
			if !p.Warning && p.Line > 0 {
				got = p.Message
			}
		}
		if got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

// The socket is found whatever is wrong with the file.
func TestSocketOfABrokenFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "property.yaml")
	at := func(name string) string { return filepath.Join(dir, name) }
	for text, want := range map[string]string{
		"property: { id: a }\nstore: here/a.db\n":                                            at("here/control.sock"),
		"property: { id: a }\nstatus: { listen: \"127.0.0.1:1\", socket: 'b.sock' }\n":       at("b.sock"),
		"property:\n\tid: a\nstore: here/a.db # ours\n":                                      at("here/control.sock"),
		"property:\n\tid: a\nstatus:\n  listen: \"127.0.0.1:1\"\n  socket: b.sock\npms: [\n": at("b.sock"),
		"property:\n\tid: a\nstatus: { listen: \"127.0.0.1:1\", socket: b.sock }\n":          at("b.sock"),
		"property:\n\tid: a\n# status: { socket: no.sock }\ndevices: { socket: no.sock }\n":  "/run/edgeagent/control.sock",
		"property: &a { id: a }\nstore: \"c.db\"\n":                                          at("control.sock"),
		"": "/run/edgeagent/control.sock",
	} {
		write(t, path, text)
		if got, err := Socket(path); err != nil || got != want {
			t.Errorf("%q: %s, %v, want %s", text, got, err, want)
		}
	}
	if _, err := Socket(at("none.yaml")); err == nil || err.Error() != at("none.yaml")+": no such property file; write one, or name another with --config" {
		t.Error(err)
	}
}
