package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// property writes a property file and its secrets into a new folder.
func property(t *testing.T, text string, files ...string) string {
	t.Helper()
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "property.yaml"), text)
	for _, name := range files {
		text := "a value\n"
		switch {
		case strings.HasSuffix(name, ".pem"), strings.HasSuffix(name, ".crt"):
			text = certificate(t)
		case strings.HasSuffix(name, ".key"):
			text = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
		case name == "signing-key":
			text = strings.Repeat("0f", 32) + "\n"
		}
		write(t, filepath.Join(dir, name), text)
	}
	return filepath.Join(dir, "property.yaml")
}

// certificate is one in PEM form, which nobody trusts.
func certificate(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const hotel = `property: { id: seaview, timezone: Europe/Lisbon }
pms:
  - name: inspire
    inspire: { enterprise_id: S, chain_code: S, client_id: c, client_secret_file: secret, app_key_file: secret, hotel_code: S }
`

// said are the problems without their places.
func said(problems Problems) []string {
	var list []string
	for _, p := range problems {
		list = append(list, p.Message)
	}
	return list
}

// The sample needs nothing but its files: not even the uncommented optional
// settings may be wrong, with all of them in use.
func TestSample(t *testing.T) {
	raw, err := os.ReadFile("../../docs/property.sample.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files := []string{"pms-secret", "pms-app-key", "broker-password", "broker-ca.pem", "wifi-api-key"}
	absent := regexp.MustCompile(`^no serial port /dev/serial/by-id/usb-FTDI_`)

	l, problems := Load(property(t, string(raw), files...))
	if len(problems) != 1 || !problems[0].Warning || !absent.MatchString(problems[0].Message) {
		t.Errorf("problems of the sample:\n%s", problems.Render())
	}
	if l.Property.ID != "seaview" || len(l.Devices) != 4 || l.Table == nil {
		t.Errorf("the sample was read as %+v", l.File)
	}

	_, problems = Load(property(t, string(raw)))
	if got := len(problems); got != 1+len(files) || problems.Wrong() || !problems.Fatal() {
		t.Errorf("without its files the sample has %d problems:\n%s", got, problems.Render())
	}

	// What stands behind # as a setting is one, with the default that it shows.
	all := regexp.MustCompile(`(?m)^( *)# ((?:[a-z_]+:|rules:|- name:|  +[-a-zA-Z"{]).*)$`).
		ReplaceAllString(string(raw[strings.Index(string(raw), "\nproperty:"):]), "$1$2")
	all = regexp.MustCompile(`(?m)^ +(stream_url|token_url|system|address): .*$`).ReplaceAllString(all, "")
	all = strings.Replace(all, "ca_file: controller-ca.pem", "", 1)
	all = strings.NewReplacer("page-cert.pem", mustAbs(t, "testdata/page.pem"), "page-key.pem", mustAbs(t, "testdata/page.key"),
		"page-desk ", mustAbs(t, "testdata/page-password")+" ", "page-prometheus ", mustAbs(t, "testdata/token")+" ").Replace(all)
	l, problems = Load(property(t, all, append(files, "pms-ca.pem", "agent.crt", "agent.key", "mews-client-token", "mews-access-token", "signing-key")...))
	for _, p := range problems {
		if !p.Warning && !strings.Contains(p.Message, "neither port nor address") {
			t.Errorf("with every setting: %v\n%s", p, p.Source)
		}
	}
	if l == nil || l.Freshness != 15*time.Minute || l.Store != "/var/lib/edgeagent/store.db" || len(l.Rules) != 1 || len(l.PMS) != 2 || l.PMS[1].Mews == nil || len(l.Status.Users) != 2 || !l.Status.TLS() || l.PMS[0].Inspire.KeyMode != "base64" {
		t.Error("the settings behind # were not read")
	}
}

// A small file gets every default.
func TestDefaults(t *testing.T) {
	l, problems := Load(property(t, hotel+"devices: [ { name: e, keycard: { address: 'h:1', encoder: E } } ]\nstore: s.db\n", "secret"))
	if len(problems) > 0 {
		t.Fatal(problems.Render())
	}
	dir := filepath.Dir(l.Path)
	got := []any{l.Property.Name, l.Property.Language, l.CheckInAt, l.CheckOutAt, l.Freshness, l.Status.Listen, l.Log.Level, l.Zone.String(), l.Store, l.PMS[0].Inspire.ClientSecretFile}
	want := []any{"seaview", "en", 15 * time.Hour, 12 * time.Hour, 15 * time.Minute, "127.0.0.1:8080", "info", "Europe/Lisbon", filepath.Join(dir, "s.db"), filepath.Join(dir, "secret")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Numbers count as they are spelled where a text belongs.
func TestTextAsSpelled(t *testing.T) {
	l, problems := Load(property(t, strings.ReplaceAll(hotel, "hotel_code: S", "hotel_code: 0042")+`devices:
  - name: e
    keycard:
      address: h:1
      encoder: 7
      rooms: { 0101: 1e3, 102: "1.50" }
`, "secret"))
	if len(problems) > 0 {
		t.Fatal(problems.Render())
	}
	k := l.Devices[0].Keycard
	if got := l.PMS[0].Inspire.HotelCode + k.Encoder; got != "00427" {
		t.Errorf("%q", got)
	}
	if diff := cmp.Diff(map[string]string{"0101": "1e3", "102": "1.50"}, k.Rooms); diff != "" {
		t.Error(diff)
	}
}

// What is sound in a file with faults is read all the same, and a fault sets
// off no other problem.
func TestSalvage(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"a timer", "devices:\n  - name: e\n    keycard: { address: 'h:1', encoder: E, timers: { t_ack: soon } }\n" + rule("e", "encode"),
			[]string{`t_ack must be a length of time such as 30s, 10m or 2h, not "soon"`}},
		{"a port that is a list", "devices:\n  - name: e\n    keycard: { port: [x], encoder: E }\n" + rule("e", "encode"),
			[]string{"port must be text, not a section or list"}},
		{"a section of a word", "devices:\n  - name: e\n    keycard: salto\n" + rule("e", "encode"),
			[]string{"keycard must be a section, with keys such as protocol, port, address or baud, each on a line of its own"}},
		{"a misspelt section", "devices:\n  - name: e\n    keycards: { address: 'h:1', encoder: E }\n" + rule("e", "encode"),
			[]string{`unknown key "keycards" in a device; did you mean "keycard"?`}},
		{"a section of an unknown kind", "devices:\n  - name: e\n    minibar: { price: 3 }\n" + rule("e", "encode"),
			[]string{`unknown key "minibar" in a device, which knows name, keycard, iptv, wifi`}},
		{"no list of devices", "devices: 3\n" + rule("e", "encode"),
			[]string{`devices must be a list; begin each entry with "- "`}},
		{"one rule of two", "devices:\n  - name: e\n    keycard: { address: 'h:1', encoder: E }\n" + rule("e", "encode") +
			"  - name: other\n    when: [x]\n    do: [ { device: f, action: encode } ]\n",
			[]string{"when must be a section of names and values, one on each line", `unknown device "f": did you mean "e"?`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, problems := Load(property(t, hotel+tt.text, "secret"))
			if diff := cmp.Diff(tt.want, said(problems)); diff != "" {
				t.Errorf("%s\n%s", diff, problems.Render())
			}
			if l == nil || l.Property.ID != "seaview" || len(l.PMS) != 1 || !problems.Fatal() {
				t.Error("the rest was not read")
			}
		})
	}
}

func rule(device, action string) string {
	return fmt.Sprintf("rules:\n  - name: r\n    when: { event: stay.checked_in }\n    do: [ { device: %s, action: %s } ]\n", device, action)
}

// A file that would keep the YAML library busy is refused before it is read.
func TestHostile(t *testing.T) {
	var keys strings.Builder
	for i := range 12_000 {
		fmt.Fprintf(&keys, "k%d: v\n", i)
	}
	const deep = "nested too deeply: no setting is in more than some six sections, each indented by two spaces; remove brackets, dashes or spaces before this"
	for _, tt := range []struct{ name, text, want string }{
		{"a huge file", strings.Repeat("# \n", 400_000), "the file is longer than 512 KiB, which no property file needs"},
		{"many lines", strings.Repeat("\n", 30_000), "the file is too long from here on: more than 20000 lines, which no property file needs"},
		{"many signs", strings.Repeat("["+strings.Repeat("{},", 40)+"]\n", 600), "the file is too long from here on: more than 60000 brackets, commas and colons, which no property file needs"},
		{"a long line", "a: " + strings.Repeat("[", 10_000), "a line of 10003 bytes, and at most 8192 are possible; break it into several"},
		{"many keys", keys.String(), "the file is too long from here on: more than 30000 words and signs, which no property file needs"},
		{"deep lists", "a: " + strings.Repeat("[", 5_000), deep},
		{"deep sections", "a: " + strings.Repeat("{a: ", 2_000), deep},
		{"dashes", strings.Repeat("- ", 4_000), deep},
		{"indentation", strings.Repeat(" ", 300) + "a: b", deep},
		{"a long plain text", "a: " + strings.Repeat("word\n  ", 10_000), "a text of 49999 bytes, and at most 4096 are possible; shorten it"},
		{"a long quoted text", `a: "` + strings.Repeat("x", 5_000) + `"`, "a text of 5000 bytes, and at most 4096 are possible; shorten it"},
		{"NUL", "a: \x00\n", "a control character (U+0000); remove it, and save the file as plain UTF-8 text"},
		{"escape", "a: \x1b[2J\n", "a control character (U+001B); remove it, and save the file as plain UTF-8 text"},
		{"UTF-16", "\xff\xfea\x00:\x00", "this is not UTF-8 text; save the file in the encoding UTF-8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, problems := Parse("p.yaml", []byte(tt.text))
			if l != nil || len(problems) == 0 || problems[0].Message != tt.want {
				t.Errorf("got %v", said(problems))
			}
			if strings.ContainsFunc(problems.Render(), func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) {
				t.Error("the excerpt could disturb a terminal")
			}
		})
	}
}

// What a property file cannot have hides no other fault of it, nor makes any up.
func TestUnwantedHidesNothing(t *testing.T) {
	const (
		anchor = "& names a YAML anchor, which a property file cannot have; remove it and its name, or put quotes around the whole value if it is text"
		alias  = "* stands for a YAML anchor, which a property file cannot have; write the value itself, or put quotes around it if it is text"
		tab    = "a tab indents this line; YAML wants spaces, two for each level"
	)
	rest := "log: { level: loud }\nstore: a.db\nstore: b.db\n"
	told := []string{`unknown log level "loud"; write debug, info, warn or error`, `"store" is given twice, first in line 6; remove one`}
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"an anchor", "freshness_window: &x 1h\n", []string{anchor}},
		{"an anchor at a wrong value", "freshness_window: &x soon\n", []string{anchor, `freshness_window must be a length of time such as 30s, 10m or 2h, not "soon"`}},
		{"an alias", "freshness_window: *x\n", []string{alias}},
		{"a tag", "freshness_window: !now 1h\n", []string{`!now is a YAML tag, which a property file cannot have; put quotes around the whole value if that is meant, as in "!now", or remove it`}},
		{"a tag alone", "freshness_window: !now\n", []string{`!now is a YAML tag, which a property file cannot have; put quotes around the whole value if that is meant, as in "!now", or remove it`}},
		{"a merge", "patience: { <<: *x, hold: 1s }\n", []string{"<< merges YAML sections, which a property file cannot have; write the settings out", alias}},
		{"a key of its own kind", "patience:\n  ? hold\n  : 1s\n", []string{"? begins a YAML key of its own kind; put quotes around the text"}},
		{"a tab", "patience:\n\thold: 1s\n\tfrist: 2s\n", []string{tab, tab, `unknown key "frist" in patience; did you mean "first"?`}},
		{"tabs and anchors", "patience:\n\thold: &x 1s\n", []string{tab, anchor}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := hotel + rest + tt.text
			l, problems := Load(property(t, text, "secret"))
			want := append(slices.Clone(told), tt.want...)
			got := said(problems)
			got = slices.DeleteFunc(got, func(m string) bool { return strings.HasPrefix(m, "no devices: ") })
			if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got))); diff != "" {
				t.Errorf("%s\n%s", diff, problems.Render())
			}
			if l == nil || l.Property.ID != "seaview" {
				t.Error("the rest was not read")
			}
			for _, p := range problems {
				if strings.Contains(p.Message, "frist") && p.Column != 2 {
					t.Errorf("%s: the tab before it is one character", p)
				}
			}
		})
	}
}

// Thousands of faults end in a list that can be read.
func TestManyFaults(t *testing.T) {
	_, problems := Parse("p.yaml", []byte(hotel+"devices:\n"+strings.Repeat("  - x: 1\n", 5000)))
	if len(problems) != maxProblems+1 || !strings.Contains(problems[maxProblems].Message, "more; mend these first") {
		t.Errorf("%d problems, at last %v", len(problems), problems[len(problems)-1])
	}
}
