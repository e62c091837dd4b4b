package config

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestLoadWithoutAFile(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "none.yaml"):   "no such property file; write one, or name another with --config",
		dir:                               "this is a folder; name the property file in it with --config",
		filepath.Join(dir, "a", "b.yaml"): "no such property file; write one, or name another with --config",
	} {
		l, problems := Load(path)
		if l != nil || len(problems) != 1 || problems[0].Message != want || problems[0].Line != 0 {
			t.Errorf("%s: %v", path, said(problems))
		}
	}
	long := filepath.Join(dir, "long.yaml")
	write(t, long, strings.Repeat("# \n", 400_000))
	if _, problems := Load(long); len(problems) != 1 || !strings.Contains(problems[0].Message, "longer than 512 KiB") {
		t.Errorf("%s: %v", long, said(problems))
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, "/dev/zero"} {
		if _, problems := Load(path); len(problems) != 1 || !strings.Contains(problems[0].Message, "no ordinary file but a pipe or a device") {
			t.Errorf("%s: %v", path, said(problems))
		}
	}
}

// systemd's credential of the name goes before the file beside the property file.
func TestCredentials(t *testing.T) {
	path := property(t, hotel, "secret")
	credentials := t.TempDir()
	write(t, filepath.Join(credentials, "secret"), "from systemd\r\n")
	t.Setenv("CREDENTIALS_DIRECTORY", credentials)
	l, problems := Load(path)
	if problems.Fatal() {
		t.Fatal(problems.Render())
	}
	file := l.PMS[0].Inspire.ClientSecretFile
	if got, err := Secret(file); err != nil || got != "from systemd" {
		t.Errorf("%s: %q, %v", file, got, err)
	}
}

// By hand there is nothing lent: then the service's own secret counts, not a
// second one of that name that somebody makes beside the property file.
func TestCredentialsByHand(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	c := newChecker("property.yaml")
	c.store = t.TempDir()
	if got := c.credential("edgeagent.signing-key"); got != "" {
		t.Errorf("found %q, which is not there", got)
	}
	want := filepath.Join(c.store, "edgeagent.signing-key")
	write(t, want, "seed")
	if got := c.credential("edgeagent.signing-key"); got != want {
		t.Errorf("found %q", got)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", t.TempDir())
	if got := c.credential("edgeagent.signing-key"); got != "" {
		t.Errorf("in the service: found %q, which was not lent", got)
	}
}

// What systemd lends has a mode that only looks as if a group could read it.
func TestCredentialsMode(t *testing.T) {
	path := property(t, hotel+"devices: [ { name: e, keycard: { address: 'h:1', encoder: E } } ]\n", "secret")
	if err := os.Chmod(filepath.Join(filepath.Dir(path), "secret"), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, problems := Load(path); len(problems) != 1 || !problems[0].Warning || !strings.Contains(problems[0].Message, "; run chmod 600 ") {
		t.Errorf("beside the property file: %v", said(problems))
	}
	t.Setenv("CREDENTIALS_DIRECTORY", filepath.Dir(path))
	if _, problems := Load(path); len(problems) != 0 {
		t.Errorf("lent: %v", said(problems))
	}
}

// A certificate and a key are taken in PEM form, among other text too.
func TestHasPEM(t *testing.T) {
	certificatePEM := []byte(certificate(t))
	block, _ := pem.Decode(certificatePEM)
	der := block.Bytes
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("a key")})
	for _, tt := range []struct {
		name, what string
		text       []byte
		want       bool
	}{
		{"certificate", "certificate", certificatePEM, true},
		{"certificate after text and a key", "certificate", slices.Concat([]byte("# the hotel's\n"), keyPEM, certificatePEM), true},
		{"DER", "certificate", der, false},
		{"damaged", "certificate", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der[1:]}), false},
		{"key for certificate", "certificate", keyPEM, false},
		{"key", "private key", keyPEM, true},
		{"certificate for key", "private key", certificatePEM, false},
		{"nothing", "certificate", nil, false},
	} {
		if got := hasPEM(tt.text, tt.what); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}

// Bytes that are no text and escapes in a value reach no terminal, wherever a problem shows them.
func TestPrintable(t *testing.T) {
	_, problems := Parse("p.yaml", []byte("property: { id: seaview, timezone: Europe/Lisbon }\nstore: \"\\e[2J\"\nname: H\xf4tel\n"))
	if len(problems) == 0 {
		t.Fatal("no problems")
	}
	_, more := Parse("p.yaml", []byte("devices:\n  - name: e\n    keycard: { port: \"/dev/\\e[2J\", encoder: E }\n"))
	for _, p := range append(problems, more...) {
		if text := p.Message + p.Source; !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			t.Errorf("%q", text)
		}
	}
}

func TestSecret(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"good": "a b \n", "empty": "", "line": "\n", "long": strings.Repeat("x", maxSecret+1)} {
		write(t, filepath.Join(dir, name), text)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got, err := Secret(filepath.Join(dir, "good")); err != nil || got != "a b " {
		t.Errorf("good: %q, %v", got, err)
	}
	for name, want := range map[string]string{
		"none":   "there is no file DIR/none; make it (mode 0600) and put the value into it",
		"empty":  "the file DIR/empty is empty; put the value into it",
		"line":   "the file DIR/line is empty; put the value into it",
		"long":   "the file DIR/long has 65537 bytes, and at most 65536 are possible; is it another file?",
		"folder": "DIR/folder is a folder; name the file in it",
	} {
		_, err := Secret(filepath.Join(dir, name))
		if err == nil || strings.ReplaceAll(err.Error(), dir, "DIR") != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Secret("/dev/zero"); err == nil || err.Error() != "/dev/zero is no ordinary file" {
		t.Errorf("/dev/zero: %v", err)
	}
}

func TestCovered(t *testing.T) {
	for line, want := range map[string]string{
		`  client_secret: hunter2`:               `  client_secret: …`,
		`x: { app_key: "hunter2", b: c }`:        `x: { app_key: …`,
		`  "password": hunter2`:                  `  "password": …`,
		`broker: tls://u:hunter2@h:1`:            `broker: tls://…@h:1`,
		`url: wss://h/s?key=hunter2&x=y`:         `url: wss://h/s?…`,
		`  password_file: broker-password`:       `  password_file: broker-password`,
		`  password_file: Hunter2!`:              `  password_file: …`,
		`x: { app_key_file: "Hunter2!", b: c }`:  `x: { app_key_file: …, b: c }`,
		`x: { app_key_file: a/b.pem, b: c }`:     `x: { app_key_file: a/b.pem, b: c }`,
		`  key_mode: base64`:                     `  key_mode: base64`,
		`  params: { key: new }`:                 `  params: { key: new }`,
		`  api-key: hunter2`:                     `  api-key: …`,
		`  waits: { token: 15s }`:                `  waits: { token: 15s }`,
		`  client_secret:   # in a file, please`: `  client_secret:   # in a file, please`,
	} {
		if got := covered(line); got != want {
			t.Errorf("%s: %s", line, got)
		}
	}
}

// What stands where the name of a file belongs is shown only if it looks like one.
func TestSecretForAFileName(t *testing.T) {
	const message = "client_secret_file: there is no such file, and what stands here is not shown, since it may be the secret itself; write the name of a file, such as client-secret, and the value into that file"
	for _, secret := range []string{"Hunter2!", "'c0rrect horse'", "3f9a0be1c77d4e21aa", strings.Repeat("x", 300), "k3Jd/9sLq+A==", "p@ss-word"} {
		text := strings.Replace(hotel, "client_secret_file: secret", "client_secret_file: "+secret, 1) + "colour: blue\n"
		_, problems := Load(property(t, text, "secret"))
		got := said(problems)
		if !slices.Contains(got, message) {
			t.Errorf("%s: %q", secret, got)
		}
		text = strings.Replace(text, "hotel_code: S", "hotel_code: S, colour: blue", 1) // the line is shown for another fault
		_, more := Load(property(t, text, "secret"))
		if all := problems.Render() + more.Render(); strings.Contains(all, strings.Trim(secret, "'")) || !strings.Contains(all, "client_secret_file: …, app_key_file: secret") {
			t.Errorf("it shows %s:\n%s", secret, all)
		}
		_, after, _ := strings.Cut(more.Render(), "unknown key \"colour\" in inspire")
		lines := strings.Split(after, "\n")
		if at := strings.Index(lines[1], "colour"); at < 0 || []rune(lines[2])[len([]rune(lines[1][:at]))] != '^' {
			t.Errorf("the caret does not point at colour:\n%s", after)
		}
	}
	for _, name := range []string{"pms-secret", "secrets/pms", "/etc/edgeagent/X", "../x", "page-desk", "edgeagent.signing-key", "tv-ca.pem", "wifi-nas-1-secret"} {
		text := strings.Replace(hotel, "client_secret_file: secret", "client_secret_file: "+name, 1)
		_, problems := Load(property(t, text, "secret"))
		if all := problems.Render(); !strings.Contains(all, "client_secret_file: there is no file ") || !strings.Contains(all, name) {
			t.Errorf("%s:\n%s", name, all)
		}
	}
}

// Long lines and odd characters stay readable, with the caret in place.
func TestExcerpt(t *testing.T) {
	for _, tt := range []struct {
		name, line    string
		column        int
		source, caret string
	}{
		{"short", "a: b", 4, "a: b", "   ^"},
		{"umlauts", "ä: ü", 4, "ä: ü", "   ^"},
		{"tab", "\ta: b", 2, "\ta: b", "\t^"},
		{"past the end", "a", 9, "a", " ^"},
		{"bell", "a\x07b", 3, "a\ufffdb", "  ^"},
	} {
		source, before := excerpt(tt.line, tt.column)
		if source != tt.source || before+"^" != tt.caret {
			t.Errorf("%s: %q %q", tt.name, source, before)
		}
	}
	source, before := excerpt(strings.Repeat("x", 1000)+"!"+strings.Repeat("y", 1000), 1001)
	if n := len([]rune(source)); n > widest+2 || []rune(source)[len([]rune(before))] != '!' {
		t.Errorf("%q %q", source, before)
	}
}

// An API key of OPNsense is two lines, as it is downloaded; any other secret is one.
func TestSecretOfTwoLines(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		key, text, want string
	}{
		{"api_key_file", "key=a/b==\r\nsecret=c+d\r\n", ""},
		{"api_key_file", "\ufeff\nsecret=c\n\nkey=a\n", ""},
		{"api_key_file", "one\n", ""},
		{"api_key_file", "key=a\nkey=b\n", "the file F has 2 lines, and a secret is one; leave only the value in it"},
		{"api_key_file", "key=a\nsecret=b\nnote=c\n", "the file F has 3 lines, and a secret is one; leave only the value in it"},
		{"api_key_file", "\uFEFFkey=a\r\nsecret=b\r\n", ""},
		{"api_key_file", "\uFEFFabc\n", "the file F is not plain text, as some editors save it (with a byte order mark, or in UTF-16); save it as UTF-8 without BOM"},
		{"password_file", "\xFF\xFEa\x00b\x00", "the file F is not plain text, as some editors save it (with a byte order mark, or in UTF-16); save it as UTF-8 without BOM"},
		{"password_file", "a\x00b\x00\n\x00", "the file F is not plain text, as some editors save it (with a byte order mark, or in UTF-16); save it as UTF-8 without BOM"},
		{"password_file", "key=a\nsecret=b\n", "the file F has 2 lines, and a secret is one; leave only the value in it"},
	} {
		file := filepath.Join(dir, "f")
		write(t, file, tt.text)
		if got := contentProblem(tt.key, file, "F"); got != tt.want {
			t.Errorf("%s %q: %q, want %q", tt.key, tt.text, got, tt.want)
		}
	}
}

// A secret in the folder for secrets is found by hand, and by the name that
// systemd gives its copy; so is one of the credential store.
func TestSecretsFolder(t *testing.T) {
	path := property(t, hotel+"devices: [ { name: e, keycard: { address: 'h:1', encoder: E } } ]\n", "secret")
	dir := filepath.Dir(path)
	if err := os.Remove(filepath.Join(dir, "secret")); err != nil {
		t.Fatal(err)
	}
	find := func() (string, Problems) {
		l, problems := Load(path)
		if l == nil {
			t.Fatal(problems.Render())
		}
		return l.PMS[0].Inspire.ClientSecretFile, problems
	}
	missing := func(what, want string) {
		t.Helper()
		if _, problems := find(); len(problems) != 2 || problems[0].Message != "client_secret_file: there is no file "+want+"; make it (mode 0600) and put the value into it" {
			t.Errorf("%s: %v", what, said(problems))
		}
	}
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	missing("no folder", filepath.Join(dir, "secret"))
	if err := os.Mkdir(filepath.Join(dir, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	want := filepath.Join(dir, "secrets", "secret")
	missing("by hand", want)
	lent := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", lent)
	missing("in the service", want)
	for _, name := range []string{"edgeagent_secret", "edgeagent.secret"} {
		write(t, filepath.Join(lent, name), "x")
		if got, problems := find(); got != filepath.Join(lent, name) || len(problems) > 0 {
			t.Errorf("%s: found %s, %v", name, got, said(problems))
		}
	}
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	write(t, want, "x")
	if got, problems := find(); got != want || len(problems) > 0 {
		t.Errorf("by hand: found %s, %v", got, said(problems))
	}
	c := newChecker(path)
	c.store = t.TempDir()
	write(t, filepath.Join(c.store, "edgeagent.secret"), "x")
	if got := c.credential("secret"); got != filepath.Join(c.store, "edgeagent.secret") {
		t.Errorf("in the store: found %s", got)
	}
}

// A gateway's socket is in memory; on a bench each store has its own beside it.
func TestSocketFor(t *testing.T) {
	for store, want := range map[string]string{
		DefaultStore: "/run/edgeagent/control.sock", "/tmp/hotel/store.db": "/tmp/hotel/control.sock",
	} {
		if got := socketFor(store); got != want {
			t.Errorf("%s: %s", store, got)
		}
	}
}
