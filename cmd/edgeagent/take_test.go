package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// card is a boot partition and the gateway that starts from it; its agent
// finds fault with a property file that holds the word bad.
func card(t *testing.T, files map[string]string) *gateway {
	t.Helper()
	g := &gateway{t: t, root: t.TempDir()}
	g.program("1", `test "$1" = check || exit 2; if grep -q bad "$3"; then echo "$3:1:1: bad is no good"; exit 1; fi; test -e "${3%property.yaml}secrets/pms"`)
	for name, text := range files {
		g.write(name, text, 0o600)
	}
	g.take()
	return g
}

func takeScript(t *testing.T) string {
	t.Helper()
	script, err := filepath.Abs("../../build/arm64/image/root/usr/lib/edgeagent/image/take")
	if err != nil {
		t.Fatal(err)
	}
	return script
}

// take is a start of the gateway.
func (g *gateway) take() {
	t := g.t
	t.Helper()
	cmd := exec.Command("sh", takeScript(t))
	cmd.Env = append(os.Environ(), "ROOT="+g.root)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("take: %v: %s", err, out)
	}
	if _, err := os.Stat(filepath.Join(g.root, "run/edgeagent-take")); err == nil {
		t.Error("secrets are left behind in run")
	}
}

const (
	onCard  = "boot/firmware/edgeagent/"
	onData  = "etc/edgeagent/"
	bothWay = "The property file has faults. Mend it here and put the card back.\r\n"
)

// What is good is moved, and said.
func TestTakePropertyFromCard(t *testing.T) {
	g := card(t, map[string]string{
		onCard + "property.yaml": "good pms", onCard + "secrets/pms": "s3cret", onCard + "ca.pem": "-----BEGIN CERTIFICATE-----",
		onCard + "key.pem": "-----BEGIN PRIVATE KEY-----", onCard + "authorized_keys": "ssh-ed25519 AAAA", onCard + "lan.network": "[Match]",
		onCard + "FAULTS.txt": "of before", onData + "property.yaml": "older",
	})
	for name, want := range map[string]string{
		"property.yaml": "good pms", "secrets/pms": "s3cret", "ca.pem": "-----BEGIN CERTIFICATE-----", "key.pem": "-----BEGIN PRIVATE KEY-----",
	} {
		if g.has(onData+name) != want || g.has(onCard+name) != "" {
			t.Errorf("%s: on the data partition %q, on the card %q", name, g.has(onData+name), g.has(onCard+name))
		}
	}
	for name, want := range map[string]os.FileMode{"property.yaml": 0o644, "secrets/pms": 0o600, "ca.pem": 0o644, "key.pem": 0o600, "secrets": 0o700} {
		if info, err := os.Stat(filepath.Join(g.root, onData, name)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", name, info, err, want)
		}
	}
	if g.has(onCard+"FAULTS.txt") != "" || !strings.HasSuffix(g.has(onCard+"TAKEN.txt"), " UTC; the gateway has it now\r\n") {
		t.Errorf("FAULTS.txt %q, TAKEN.txt %q", g.has(onCard+"FAULTS.txt"), g.has(onCard+"TAKEN.txt"))
	}
	if g.has("run/systemd/network/10-card-lan.network") != "[Match]" || g.has(onCard+"lan.network") == "" || g.has(onCard+"authorized_keys") == "" {
		t.Error("addresses and keys shall stay on the card, and the addresses count")
	}
}

// The first file is taken with its faults, for the gateway's page; it stays on
// the card too, to be mended.
func TestTakeFirstPropertyWithFaults(t *testing.T) {
	g := card(t, map[string]string{onCard + "property.yaml": "bad pms", onCard + "secrets/pms": "s3cret"})
	if g.has(onData+"property.yaml") != "bad pms" || g.has(onCard+"property.yaml") != "bad pms" {
		t.Errorf("on the data partition %q, on the card %q", g.has(onData+"property.yaml"), g.has(onCard+"property.yaml"))
	}
	if got, want := g.has(onCard+"FAULTS.txt"), bothWay+"\r\nproperty.yaml:1:1: bad is no good\r\n"; got != want {
		t.Errorf("FAULTS.txt %q, want %q", got, want)
	}
}

// A file with faults does not take the place of one that serves a hotel.
func TestTakeKeepsWhatServes(t *testing.T) {
	g := card(t, map[string]string{
		onCard + "property.yaml": "bad", onCard + "secrets/pms": "new", onData + "property.yaml": "good pms", onData + "secrets/pms": "old",
	})
	if g.has(onData+"property.yaml") != "good pms" || g.has(onData+"secrets/pms") != "old" {
		t.Errorf("it became %q with the secret %q", g.has(onData+"property.yaml"), g.has(onData+"secrets/pms"))
	}
	if got, want := g.has(onCard+"FAULTS.txt"), bothWay+"Until then the one before counts.\r\n\r\nproperty.yaml:1:1: bad is no good\r\n"; got != want {
		t.Errorf("FAULTS.txt %q, want %q", got, want)
	}
}

// A file with faults takes the place of one with others, so that the page shows
// what is left to mend.
func TestTakeBetterFaults(t *testing.T) {
	g := card(t, map[string]string{onCard + "property.yaml": "still bad", onData + "property.yaml": "bad"})
	if g.has(onData+"property.yaml") != "still bad" || strings.Contains(g.has(onCard+"FAULTS.txt"), "Until then") {
		t.Errorf("on the data partition %q; FAULTS.txt %q", g.has(onData+"property.yaml"), g.has(onCard+"FAULTS.txt"))
	}
}

// What was copied with its faults and stays on the card does not come back over
// what has been installed since, by the page or otherwise.
func TestTakeNothingTwice(t *testing.T) {
	g := card(t, map[string]string{onCard + "property.yaml": "good, without its secret"})
	if g.has(onData+"property.yaml") != "good, without its secret" || g.has(onCard+"FAULTS.txt") == "" {
		t.Fatalf("on the data partition %q; FAULTS.txt %q", g.has(onData+"property.yaml"), g.has(onCard+"FAULTS.txt"))
	}
	g.write(onData+"property.yaml", "good, from the page", 0o644)
	g.write(onData+"secrets/pms", "typed in", 0o600)
	g.take()
	if g.has(onData+"property.yaml") != "good, from the page" || g.has(onData+"secrets/pms") != "typed in" {
		t.Errorf("it became %q", g.has(onData+"property.yaml"))
	}
	if g.has(onCard+"property.yaml") != "" || g.has(onCard+"FAULTS.txt") != "" || g.has(onCard+"TAKEN.txt") == "" {
		t.Error("the card still tells of faults")
	}
	g.write(onCard+"property.yaml", "good, without its secret", 0o644) // somebody wants it after all
	g.take()
	if g.has(onData+"property.yaml") != "good, without its secret" || g.has(onData+"property.yaml.before") != "good, from the page" {
		t.Errorf("it stayed %q, and what was before is %q", g.has(onData+"property.yaml"), g.has(onData+"property.yaml.before"))
	}
}

// What was mended on the card is taken, and so is what was missing there.
func TestTakeWhatWasMendedOnTheCard(t *testing.T) {
	g := card(t, map[string]string{onCard + "property.yaml": "bad pms", onCard + "secrets/pms": "s3cret"})
	g.take()
	if g.has(onCard+"FAULTS.txt") == "" || g.has(onCard+"property.yaml") != "bad pms" {
		t.Error("nothing has changed, and the faults are gone")
	}
	g.write(onCard+"property.yaml", "good pms", 0o600)
	g.take()
	if g.has(onData+"property.yaml") != "good pms" || g.has(onCard+"secrets/pms") != "" {
		t.Errorf("the property file is %q", g.has(onData+"property.yaml"))
	}
	g = card(t, map[string]string{onCard + "property.yaml": "good pms"})
	g.write(onCard+"secrets/pms", "s3cret", 0o600)
	g.take()
	if g.has(onData+"secrets/pms") != "s3cret" || g.has(onCard+"FAULTS.txt") != "" || g.has(onCard+"property.yaml") != "" {
		t.Error("the secret that was missing was not taken")
	}
}

// The passphrase of backups is named by no property file, and what is to be restored
// is not taken here.
func TestTakePassphraseOfBackups(t *testing.T) {
	g := card(t, map[string]string{
		onCard + "secrets/backup-passphrase": "two words", onCard + "old.backup": "sealed", onCard + "passphrase.txt": "two words",
		onData + "property.yaml": "good pms", onData + "secrets/pms": "s3cret",
	})
	if info, err := os.Stat(filepath.Join(g.root, onData, "secrets/backup-passphrase")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v; it is to be a secret like any other", info, err)
	}
	if g.has(onCard+"secrets/backup-passphrase") != "" || g.has(onCard+"FAULTS.txt") != "" || g.has(onCard+"old.backup") == "" || g.has(onCard+"passphrase.txt") == "" {
		t.Errorf("FAULTS.txt %q", g.has(onCard+"FAULTS.txt"))
	}
}

// A secret alone replaces one that is there.
func TestTakeSecretAlone(t *testing.T) {
	g := card(t, map[string]string{onCard + "secrets/pms": "new", onData + "property.yaml": "good pms", onData + "secrets/pms": "old"})
	if g.has(onData+"property.yaml") != "good pms" || g.has(onData+"secrets/pms") != "new" || g.has(onCard+"secrets/pms") != "" {
		t.Errorf("the secret is %q", g.has(onData+"secrets/pms"))
	}
}

// What has the wrong name or size stays where it is, and the card says why: the
// rest is taken.
func TestTakeSaysWhatItDoesNotKnow(t *testing.T) {
	g := card(t, map[string]string{
		onCard + "README.txt": "read me", onCard + "spi.txt": "", onCard + "authorized_keys": "ssh-ed25519 AAAA", onCard + "System Volume Information/x": "",
		onCard + "property.yaml.txt": "good", onCard + "Property.yml": "good", onCard + "rules": "none",
		onCard + "secrets/pms.txt": "s3cret", onCard + "secrets/huge": strings.Repeat("x", 65537), onCard + "secrets/pms": "s3cret",
		onData + "property.yaml": "good pms huge",
	})
	want := "Not taken:\r\n" +
		"  Property.yml has another name than property.yaml, all of which counts, an ending such as .txt too\r\n" +
		"  property.yaml.txt has another name than property.yaml, all of which counts, an ending such as .txt too\r\n" +
		"  rules is nothing that the gateway knows\r\n" +
		"  secrets/huge has more than 65536 bytes: is it another file?\r\n" +
		"  secrets/pms.txt is named nowhere in the property file; all of its name counts, an ending such as .txt too\r\n"
	if got := g.has(onCard + "FAULTS.txt"); got != want {
		t.Errorf("FAULTS.txt\n%q, want\n%q", got, want)
	}
	if g.has(onData+"secrets/pms") != "s3cret" || g.has(onData+"secrets/pms.txt") != "" || g.has(onData+"secrets/huge") != "" || g.has(onCard+"property.yaml.txt") == "" {
		t.Error("something was taken that is not known, or left that is")
	}
	for _, name := range []string{"property.yaml.txt", "Property.yml", "rules", "secrets/pms.txt", "secrets/huge"} {
		if err := os.Remove(filepath.Join(g.root, onCard, name)); err != nil {
			t.Fatal(err)
		}
	}
	g.take()
	if got := g.has(onCard + "FAULTS.txt"); got != "" {
		t.Errorf("all is gone, and FAULTS.txt says %q", got)
	}
}

// A full card leaves nothing half done, and is told of.
func TestTakeOntoAFullCard(t *testing.T) {
	g := &gateway{t: t, root: t.TempDir()}
	g.program("1", "exit 0")
	g.write(onCard+"property.yaml", "good", 0o600)
	full := filepath.Join(g.root, "bin")
	g.write("bin/sync", "#!/bin/sh\nexit 1\n", 0o755) // says what the kernel has not yet
	cmd := exec.Command("sh", takeScript(t))
	cmd.Env = append(os.Environ(), "ROOT="+g.root, "PATH="+full+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err == nil || string(out) != "edgeagent: what lies on the boot partition could not be taken: is the card full?\n" {
		t.Errorf("%v, %s", err, out)
	}
	for _, name := range []string{onData + "property.yaml.new", onData + "property.yaml", "run/edgeagent-take"} {
		if _, err := os.Stat(filepath.Join(g.root, name)); err == nil {
			t.Errorf("%s is left behind", name)
		}
	}
	if g.has(onCard+"property.yaml") != "good" {
		t.Error("the property file is gone")
	}
}
