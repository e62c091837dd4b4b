package main

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"edgeagent/internal/web"
)

func deskOf(t *testing.T) *setupDesk {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	d, err := newDesk(filepath.Join(dir, "property.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	d.at = &net.TCPAddr{IP: net.IPv4zero, Port: 8443}
	return d
}

// The page asks what init asks on a terminal, step by step, but for the secrets.
func TestSetupAsksAsInitDoes(t *testing.T) {
	controller := httptest.NewTLSServer(http.NotFoundHandler())
	defer controller.Close()
	d := deskOf(t)
	names := func(asked []web.Question) (list []string) {
		for i := range asked {
			list = append(list, asked[i].Name)
		}
		return list
	}
	given := map[string]string{"name": "Hotel Sea View", "id": "", "timezone": "Europe/Lisbon", "pms": "inspire", "encoder": "192.0.2.9:8090", "tv": "none", "wifi": "omada", "page": "no"}
	first, _ := d.ask(t.Context(), nil)
	if want := []string{"name", "id", "timezone", "pms", "encoder", "tv", "wifi", "page"}; !slices.Equal(names(first), want) {
		t.Errorf("at first %v", names(first))
	}
	second, text := d.ask(t.Context(), given)
	if want := []string{"name", "id", "timezone", "pms", "enterprise-id", "chain-code", "hotel-code", "client-id", "encoder", "protocol", "encoder-name", "tv", "wifi", "wifi-url", "omada-id", "omada-client", "wifi-pin", "page"}; !slices.Equal(names(second), want) || text != "" {
		t.Errorf("then %v, %q", names(second), text)
	}
	for i := range second {
		if second[i].Name == "id" && second[i].Answer != "sea-view" {
			t.Errorf("the id is %q", second[i].Answer)
		}
	}
	maps.Copy(given, map[string]string{"enterprise-id": "E", "chain-code": "", "hotel-code": "H", "client-id": "a:b", "protocol": "salto", "encoder-name": "1", "wifi-url": controller.URL, "omada-id": "i", "omada-client": "c"})
	third, _ := d.ask(t.Context(), given)
	for i := range third {
		switch q := &third[i]; q.Name {
		case "client-id":
			if q.Problem != "it must be the id only, without a colon: the secret is asked for next" {
				t.Errorf("client-id: %q", q.Problem)
			}
		case "chain-code":
			if q.Answer != "E" || q.Problem != "" {
				t.Errorf("chain-code: %+v", q)
			}
		case "wifi-pin":
			if want := fmt.Sprintf("%x", sha256.Sum256(controller.Certificate().Raw)); q.Answer != want || !strings.HasPrefix(q.Help, "the controller shows one of ") {
				t.Errorf("wifi-pin: %+v, not %s", q, want)
			}
		default:
			if q.Problem != "" {
				t.Errorf("%s: %q", q.Name, q.Problem)
			}
		}
	}
	maps.Copy(given, map[string]string{"client-id": "a", "wifi-pin": ""})
	rest, text := d.ask(t.Context(), given)
	if len(rest) > 0 || !strings.Contains(text, "chain_code: E\n") || strings.Contains(text, "status:") {
		t.Errorf("%v\n%s", names(rest), text)
	}
	// All that is still wrong is a file that is missing, which the page takes.
	found := d.check(text)
	for _, f := range found.Faults {
		if !strings.Contains(f.Text, "there is no file") && !f.Warning {
			t.Errorf("%+v", f)
		}
	}
	for _, f := range found.Files {
		if f.How != web.AsSecret || f.There {
			t.Errorf("%+v", f)
		}
		if err := d.keep(text, f.Name, "0123456789abcdef\n"); err != nil {
			t.Error(err)
		}
	}
	if found = d.check(text); !found.Fine {
		t.Errorf("%+v", found.Faults)
	}
	if address, err := d.install(text); address != "" || err != nil {
		t.Errorf("%q, %v", address, err)
	}
}

func TestSetupKeepsFiles(t *testing.T) {
	d := deskOf(t)
	text := "pms: [ { name: m, mews: { client_token_file: t, ca_file: ca.pem } } ]\nstatus: { listen: '0.0.0.0:8443', cert_file: c.pem, key_file: k.pem, users: [ { name: a, password_file: p } ] }\n"
	for _, c := range []struct{ name, value, want string }{
		{"other", "x", "the property file names no such file any more"},
		{"t", " \n", "it is empty; nothing was written"},
		{"t", strings.Repeat("x", maxBrought+1), "it has 4097 bytes, and at most 4096 are possible; nothing was written"},
		{"ca.pem", "x", "it holds no certificate in PEM form, with a line -----BEGIN; nothing was written"},
		{"k.pem", "x", "it holds no private key in PEM form, with a line -----BEGIN; nothing was written"},
		{"p", "short", "the password has 5 characters, and at least 10 are needed; four words that nobody puts together do well"},
	} {
		if err := d.keep(text, c.name, c.value); err == nil || err.Error() != c.want {
			t.Errorf("%s: got  %v\nwant %s", c.name, err, c.want)
		}
	}
	if found := d.check(text); !found.NoCertificate {
		t.Error("the page is not offered its certificate")
	}
	if err := d.ownCertificate(text); err != nil {
		t.Error(err)
	}
	if err := d.ownCertificate(text); err == nil || err.Error() != "the property file has no place for it" {
		t.Errorf("a second time: %v", err)
	}
	dir := filepath.Dir(d.path)
	for file, mode := range map[string]os.FileMode{"c.pem": 0o644, "secrets/k.pem": 0o600, pageCert: 0o644, "secrets/" + pageKey: 0o600} {
		if info, err := os.Stat(filepath.Join(dir, file)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", file, info, err)
		}
	}
	again, err := newDesk(d.path)
	if err != nil || string(again.cert) != string(d.cert) {
		t.Errorf("another start has another certificate: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "secrets", pageKey)); err != nil {
		t.Fatal(err)
	}
	if other, err := newDesk(d.path); err != nil || string(other.cert) == string(d.cert) {
		t.Errorf("without its key: %v", err)
	}
	if left, err := os.ReadFile(filepath.Join(dir, pageCert)); err != nil || string(left) != string(d.cert) {
		t.Error("a certificate that somebody put there is written over")
	}
	if _, err := d.install(text); err == nil || err.Error() != "the property file has faults by now; look at them, and mend them first" {
		t.Errorf("%v", err)
	}
	if err := d.keep("pms: [ { name: m, mews: { client_token_file: no/t } } ]", "no/t", "x"); err == nil || !strings.HasSuffix(err.Error(), "/secrets/no/t is not for this page; put it there yourself") {
		t.Errorf("%v", err)
	}
	if err := unpathed(putFile("/proc/none/x", nil, 0o600)); err == nil || err.Error() != "it cannot be written: /proc/none/x: no such file or directory; is the folder writable, and the card not full?" {
		t.Errorf("%v", err)
	}
}

func TestSetupCodes(t *testing.T) {
	seen := map[string]bool{}
	form := regexp.MustCompile(`^[2-9A-HJKMNP-Z]{4}-[2-9A-HJKMNP-Z]{4}$`)
	for range 100 {
		code, why := setupCode(nil)
		if why != "" || !form.MatchString(code) || seen[code] {
			t.Fatalf("%q, %q", code, why)
		}
		seen[code] = true
	}
	file := filepath.Join(t.TempDir(), "told")
	for text, want := range map[string]string{
		"Setup code: ABCD-2345\n": "ABCD-2345", "\r\n  SETUP CODE:  four words of mine \r\n": "four words of mine",
		"\ufeffSetup code: ABCD-2345\r\n": "ABCD-2345", "\xff\xfeS\x00e\x00t\x00u\x00p\x00 \x00c\x00o\x00d\x00e\x00:\x00A\x00B\x00C\x00D\x002\x003\x004\x005\x00\r\x00\n\x00": "ABCD2345",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, why := setupCode([]string{"/none", "/dev/tty", file}); why != "" || code != want {
			t.Errorf("%q: %q, %q", text, code, why)
		}
	}
}

// What stands in the unit of the setup page so that it and the agent take turns.
func TestSetupUnit(t *testing.T) {
	lines := linesOf(t, "edgeagent-setup.service")
	for _, want := range []string{
		"Type=notify", "Before=edgeagent.service", "OnSuccess=edgeagent.service", "Restart=on-failure", "RuntimeDirectory=edgeagent-setup",
		"StandardOutput=null", "CapabilityBoundingSet=", "ProtectSystem=strict", "ReadWritePaths=/etc/edgeagent", "DevicePolicy=closed", "IPAddressDeny=any",
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("the unit has no %s", want)
		}
	}
	start := lines[slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "ExecStart=") })]
	if !strings.HasPrefix(start, "ExecStart=/usr/bin/edgeagent setup --config /etc/edgeagent/property.yaml --tell /run/edgeagent-setup/told ") {
		t.Error(start)
	}
	if !slices.Contains(unitLines(t), "ConditionPathExists=!/run/edgeagent-setup/told") {
		t.Error("the agent does not wait for the setup page")
	}
}
