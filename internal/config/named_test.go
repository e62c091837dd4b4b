package config

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each file that a property file names is found where check looks for it, and has a
// place on another machine.
func TestNamedFiles(t *testing.T) {
	dir := t.TempDir()
	other := t.TempDir()
	write := func(name string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"beside", "secrets/in-folder", "certs/ca.pem"} {
		write(filepath.Join(dir, name))
	}
	write(filepath.Join(other, "elsewhere"))
	lent := t.TempDir()
	write(filepath.Join(lent, "edgeagent_lent"))
	text := []byte("pms:\n" +
		"  - name: a\n    inspire: { client_secret_file: beside, app_key_file: in-folder, ca_file: certs/ca.pem, password_file: beside }\n" +
		"  - name: b\n    mews: { client_token_file: " + other + "/elsewhere, access_token_file: nowhere }\n")
	path := filepath.Join(dir, "property.yaml")
	want := []Named{
		{As: "beside", Found: filepath.Join(dir, "beside"), Home: "beside"},
		{As: "in-folder", Found: filepath.Join(dir, "secrets/in-folder"), Home: "secrets/in-folder"},
		{As: "certs/ca.pem", Found: filepath.Join(dir, "certs/ca.pem"), Home: "certs/ca.pem"},
		{As: other + "/elsewhere", Found: filepath.Join(other, "elsewhere"), Home: filepath.Join(other, "elsewhere")},
		{As: "nowhere"},
	}
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	got, err := NamedFiles(path, text)
	if diff := cmp.Diff(want, got, byName()); err != nil || diff != "" {
		t.Errorf("%v, (-want +got):\n%s", err, diff)
	}

	// The service has been lent its secrets: on another machine they belong into the folder.
	t.Setenv("CREDENTIALS_DIRECTORY", lent)
	got, err = NamedFiles(path, []byte("pms:\n  - name: a\n    inspire: { client_secret_file: lent }\n"))
	want = []Named{{As: "lent", Found: filepath.Join(lent, "edgeagent_lent"), Home: "secrets/lent"}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("lent: %v, (-want +got):\n%s", err, diff)
	}
	if _, err := NamedFiles(path, []byte("pms: [")); err == nil {
		t.Error("no YAML, and no error")
	}
}

func byName() cmp.Option {
	return cmp.Transformer("sorted", func(in []Named) map[string]Named {
		out := map[string]Named{}
		for _, n := range in {
			out[n.As] = n
		}
		return out
	})
}

// What comes from elsewhere goes where the property file says, and nowhere else.
func TestBelongs(t *testing.T) {
	named := []Named{{As: "pms-secret"}, {As: "/etc/ssl/ca.pem"}, {As: "../shared/key"}, {As: "../../root/x"}, {As: "/etc/../etc/passwd"}, {As: ".."}}
	for home, want := range map[string][2]bool{
		"pms-secret":                          {true, false},
		"secrets/pms-secret":                  {true, false},
		"whatever/else":                       {true, false},
		"/etc/ssl/ca.pem":                     {true, true},
		"../shared/key":                       {true, true},
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
