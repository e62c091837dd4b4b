package config

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each file that a property file names is found where check looks for it, and has a
// place on another machine.
func TestFiles(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", "")
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
	got, err := Files(path, []byte(`
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
		{"status.cert_file", "c.pem", filepath.Join(dir, "c.pem"), HoldsCertificate, false, ""},
		{"status.key_file", "k.pem", filepath.Join(dir, "secrets", "k.pem"), HoldsKey, false, ""},
		{"status.users[0].password_file", "page-a", filepath.Join(dir, "secrets", "page-a"), HoldsPassword, false, ""},
		{"pms[0].inspire.client_secret_file", "pms-secret", filepath.Join(dir, "secrets", "pms-secret"), HoldsSecret, true, "secrets/pms-secret"},
		{"pms[0].inspire.app_key_file", "../elsewhere", filepath.Join(dir, "elsewhere"), HoldsSecret, false, ""},
		{"devices[0].iptv.password_file", "/etc/x", "/etc/x", HoldsSecret, false, ""},
		{"devices[0].iptv.ca_file", "broker.pem", filepath.Join(dir, "broker.pem"), HoldsCertificate, false, ""},
		{"devices[1].wifi.api_key_file", "beside", filepath.Join(dir, "beside"), HoldsSecret, true, "beside"},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if got, err := Files(path, []byte("\tnonsense")); got != nil || err == nil {
		t.Errorf("%v, %v", got, err)
	}

	// The service has been lent its secrets: on another machine they belong into the folder.
	lent := t.TempDir()
	if err := os.WriteFile(filepath.Join(lent, "edgeagent_lent"), []byte("s"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", lent)
	got, err = Files(path, []byte("pms:\n  - name: a\n    inspire: { client_secret_file: lent }\n"))
	want = []Named{{"pms[0].inspire.client_secret_file", "lent", filepath.Join(lent, "edgeagent_lent"), HoldsSecret, true, "secrets/lent"}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

// What comes from elsewhere goes where the property file says, and nowhere else.
func TestBelongs(t *testing.T) {
	named := []Named{{Name: "pms-secret"}, {Name: "/etc/ssl/ca.pem"}, {Name: "../beside/key"}, {Name: "../../root/x"}, {Name: "/etc/../etc/passwd"}, {Name: ".."}}
	for home, want := range map[string][2]bool{
		"pms-secret":                          {true, false},
		"secrets/pms-secret":                  {true, false},
		"whatever/else":                       {true, false},
		"/etc/ssl/ca.pem":                     {true, true},
		"../beside/key":                       {true, true},
		"/etc/credstore/pms-secret":           {true, true},
		"/etc/credstore/edgeagent.pms-secret": {true, true},
		"/etc/credstore/edgeagent.other":      {false, true},
		"/etc/passwd":                         {false, true},
		"/root/x":                             {false, true},
		"../other":                            {false, true},
		"..":                                  {false, true},
		".":                                   {false, false},
		"":                                    {false, false},
		"a/../b":                              {false, false},
		"a//b":                                {false, false},
		"/etc/../etc/passwd":                  {false, false},
		"secrets/../../x":                     {false, false},
		"/etc/credstore/edgeagent.../../x":    {false, false},
		"/etc/credstore/../passwd":            {false, false},
		"/etc/ssl/ca.pem/":                    {false, false},
	} {
		if ok, outside := Belongs(home, named); ok != want[0] || outside != want[1] {
			t.Errorf("%q: %t, outside %t", home, ok, outside)
		}
	}
}
