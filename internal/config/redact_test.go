package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func redacted(t *testing.T, text string) *Redacted {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"property.yaml": text, "pms-secret": "Quite-Secret\n", "api-key": "key=Key-1\nsecret=Secret-2\n", "broker-ca.pem": "-----BEGIN"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Redact(filepath.Join(dir, "property.yaml"))
}

func TestRedact(t *testing.T) {
	r := redacted(t, `# the password is ThisMustNotShow
property: { id: seaview, name: "Hotel 'Sea' View", timezone: Europe/Lisbon } # ask ThisMustNotShow
pms:
  - name: inspire
    inspire:
      client_id: id:ThisMustNotShow
      client_secret: ThisMustNotShow
      client_secret_file: pms-secret
      app_key_file: ThisMustNotShow
      stream_url: wss://user:ThisMustNotShow@pms.example.com/subscriptions?key=ThisMustNotShow
      retention: 24h
      unknown_one: ThisMustNotShow
      nested_unknown: { a: [ThisMustNotShow] }
devices:
  - name: wifi
    wifi:
      url: https://192.0.2.20
      api_key_file: api-key
      password: |
        ThisMustNotShow
        ThisMustNotShow either
      tiers: { standard: { down_kbps: 20000 } }
  - name: tvs
    iptv: { broker: "tls://broker.hotel.lan:8883", ca_file: broker-ca.pem, rooms: { "501": [501-living, 501-bedroom] } }
rules:
  - name: two keys
    when: { event: stay.checked_in, room_type: [SUITE, "!STD"], last_name: ThisMustNotShow }
    do:
      - device: desk
        action: encode
        params: { copies: 2, auth_code: ThisMustNotShow }
`)
	const want = `
property: { id: seaview, name: 'Hotel ''Sea'' View', timezone: Europe/Lisbon}
pms:
  - name: inspire
    inspire:
      client_id: …
      client_secret: …
      client_secret_file: pms-secret
      app_key_file: …
      stream_url: wss://…@pms.example.com/subscriptions?…
      retention: 24h
      unknown_one: …
      nested_unknown: { …: […              ] }
`
	if diff := cmp.Diff(want, r.Text[:strings.Index(r.Text, "devices:")]); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if strings.Contains(r.Text, "ThisMustNotShow") {
		t.Errorf("a secret shows:\n%s", r.Text)
	}
	for _, kept := range []string{"url: https://192.0.2.20\n", "api_key_file: api-key\n", "down_kbps: 20000 } }", "broker: 'tls://broker.hotel.lan:8883'", "[501-living, 501-bedroom]", "room_type: [SUITE, '!STD']", "copies: 2, auth_code: …"} {
		if !strings.Contains(r.Text, kept) {
			t.Errorf("%q is missing in\n%s", kept, r.Text)
		}
	}
	const told = "id:ThisMustNotShow, Quite-Secret, Key-1, Secret-2 and key of Quite"
	if got := r.Hide(told); got != "…, …, …, … and key of Quite" {
		t.Errorf("elsewhere: %s", got)
	}
}

// Each line stays where it was, so that what check says of it can be found.
func TestRedactKeepsLines(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, "../../docs/property.sample.yaml") {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got := Redact(file).Text
		if strings.Contains(got, "ThisMustNotShow") {
			t.Errorf("%s: a secret shows:\n%s", file, got)
		}
		if strings.HasSuffix(got, "left out\n") {
			continue
		}
		lines := strings.Split(strings.TrimPrefix(string(source), "\ufeff"), "\n")
		for i, line := range strings.Split(got, "\n") {
			key, _, ok := strings.Cut(strings.TrimLeft(line, " -"), ":")
			if ok && !strings.Contains(line, "…") && !strings.Contains(lines[i], strings.Trim(key, "'\"")) {
				t.Errorf("%s: line %d is %q, and was %q", file, i+1, line, lines[i])
			}
		}
	}
}

func TestRedactWhatIsNoPropertyFile(t *testing.T) {
	for text, want := range map[string]string{
		"a: [ThisMustNotShow":     "the file is no YAML, and left out\n",
		"a: &x ThisMustNotShow":   "the file is no property file, and left out\n",
		"\xff\xfeThisMustNotShow": "the file is no text, and left out\n",
		"ThisMustNotShow":         "…\n",
	} {
		if got := redacted(t, text).Text; got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
	if got := Redact("testdata/none.yaml").Text; got != "no such property file; write one, or name another with --config\n" {
		t.Error(got)
	}
}
