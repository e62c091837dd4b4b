package config

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "property.yaml")
	if err := os.Mkdir(filepath.Join(dir, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"secrets/pms-secret": "s", "broker.pem": "", "beside": "s"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := Files(path, []byte(`
pms:
  - name: inspire
    inspire: { client_secret_file: pms-secret, app_key_file: ../elsewhere, colour: blue }
devices:
  - name: tvs
    iptv: { broker: "tls://b:1", password_file: /etc/x, ca_file: broker.pem }
  - name: wifi
    wifi: { api_key_file: beside, password_file: pms-secret }
status: { cert_file: c.pem, key_file: k.pem, users: [ { name: a, password_file: page-a } ] }
`))
	want := []Named{
		{"status.cert_file", "c.pem", filepath.Join(dir, "c.pem"), HoldsCertificate, false},
		{"status.key_file", "k.pem", filepath.Join(dir, "secrets", "k.pem"), HoldsKey, false},
		{"status.users[0].password_file", "page-a", filepath.Join(dir, "secrets", "page-a"), HoldsPassword, false},
		{"pms[0].inspire.client_secret_file", "pms-secret", filepath.Join(dir, "secrets", "pms-secret"), HoldsSecret, true},
		{"pms[0].inspire.app_key_file", "../elsewhere", filepath.Join(dir, "elsewhere"), HoldsSecret, false},
		{"devices[0].iptv.password_file", "/etc/x", "/etc/x", HoldsSecret, false},
		{"devices[0].iptv.ca_file", "broker.pem", filepath.Join(dir, "broker.pem"), HoldsCertificate, false},
		{"devices[1].wifi.api_key_file", "beside", filepath.Join(dir, "beside"), HoldsSecret, true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := Files(path, []byte("\tnonsense")); got != nil {
		t.Errorf("%v", got)
	}
}
