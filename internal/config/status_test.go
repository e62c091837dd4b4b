package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pageFiles makes the paths of the page's files absolute.
func pageFiles(t *testing.T, text string) string {
	t.Helper()
	return strings.ReplaceAll(text, "../", mustAbs(t, "testdata")+"/")
}

func mustAbs(t *testing.T, path string) string {
	t.Helper()
	return beside(".", path)
}

const openPage = `status:
  listen: 0.0.0.0:8443
  cert_file: ../page.pem
  key_file: ../page.key
  users:
    - { name: desk, role: operate, password_file: ../page-password }
    - { name: prometheus, token_file: ../token }
`

func TestPageOnTheNetwork(t *testing.T) {
	l, problems := Load(property(t, hotel+pageFiles(t, openPage), "secret"))
	for _, p := range problems {
		if !p.Warning {
			t.Error(p)
		}
	}
	if s := l.Status; s.Loopback() || !s.TLS() || len(s.Users) != 2 || s.Users[0].Role != "operate" || s.Users[1].Role != "look" {
		t.Errorf("%+v", s)
	}
}

// Whatever is wrong with the page's own settings, the page is not open to the
// network with less than they ask for.
func TestFaultyPageStaysHere(t *testing.T) {
	for _, tt := range []struct{ old, new string }{
		{"cert_file: ../page.pem", "cert_file: ../absent.pem"},
		{"key_file: ../page.key", "key_file: ../other.key"},
		{"  key_file: ../page.key\n", ""},
		{"password_file: ../page-password", "password_file: ../secret"},
		{"role: operate", "role: master"},
		{"token_file: ../token", "token_fiel: ../token"},
		{"users:", "user:"},
		{"listen: 0.0.0.0:8443", "listen: 8443"},
	} {
		l, problems := Load(property(t, hotel+pageFiles(t, strings.Replace(openPage, tt.old, tt.new, 1)), "secret"))
		if !problems.Fatal() {
			t.Errorf("%s: no problem", tt.new)
		}
		l.Status.Socket = ""
		if diff := cmp.Diff(Status{Listen: defaultListen}, l.Status); diff != "" {
			t.Errorf("%s: %s", tt.new, diff)
		}
	}
	// A fault elsewhere leaves the page where the installer looks for it.
	l, _ := Load(property(t, strings.Replace(hotel, "Europe/Lisbon", "Lisbon", 1)+pageFiles(t, openPage), "secret"))
	if l.Status.Loopback() || len(l.Status.Users) != 2 {
		t.Errorf("%+v", l.Status)
	}
}

func TestLoopback(t *testing.T) {
	for listen, want := range map[string]bool{
		"127.0.0.1:80": true, "127.8.9.1:80": true, "[::1]:80": true, "localhost:80": true,
		"0.0.0.0:80": false, ":80": false, "[::]:80": false, "192.0.2.1:80": false, "localhost.evil.example:80": false, "": false,
	} {
		if s := (Status{Listen: listen}); s.Loopback() != want {
			t.Errorf("%q: %v", listen, !want)
		}
	}
}
