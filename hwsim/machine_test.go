package hwsim

import (
	"os"
	"strings"
	"testing"
)

// An agent on another machine finds the encoders on the network.
func TestEncodersOverTCP(t *testing.T) {
	h, err := Open(Options{Dir: t.TempDir(), TCP: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	file, err := os.ReadFile(h.PropertyFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range h.Encoders {
		if want := "\n      address: " + e.Port.Name() + "\n"; !strings.Contains(string(file), want) || !strings.HasPrefix(e.Port.Name(), "127.0.0.1:") {
			t.Errorf("%s: the property file lacks %q", e.Device, want)
		}
	}
	if strings.Contains(string(file), "port:") || len(h.Encoders) != 2 {
		t.Errorf("a serial line is left, or an encoder missing: %v", h.Encoders)
	}
}
