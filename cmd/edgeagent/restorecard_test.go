package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const restoreScript = "usr/lib/edgeagent/image/restore"

// flashed is a card with a backup on it; its agent restores if the passphrase is the right one.
func flashed(t *testing.T, does string, files map[string]string) *gateway {
	t.Helper()
	g := image(t, map[string]string{
		"dev/rtc0": "", onCard + "old.backup": "sealed", onCard + "passphrase.txt": "\xef\xbb\xbftwo words \r\n",
	})
	if err := os.MkdirAll(filepath.Join(g.root, onData), 0o755); err != nil {
		t.Fatal(err)
	}
	g.program("1", `test "$1" = restore || { ! grep -q bad "$3"; exit; }
test "$2 $4" = "--config --passphrase-file" || exit 9
test "$(cat "$5")" = "two words " || { echo "edgeagent: $6: the passphrase is another one; nothing was written" >&2; exit 1; }
`+does)
	for name, text := range files {
		if text == "" {
			_ = os.Remove(filepath.Join(g.root, name))
		} else {
			g.write(name, text, 0o755)
		}
	}
	return g
}

func TestRestoreFromCard(t *testing.T) {
	g := flashed(t, `echo sound >"$3"; echo 'seaview is restored'`, nil)
	if out, ok := g.script(restoreScript); !ok || out != "seaview is restored\n" {
		t.Error(out)
	}
	g.wantFile(onData+"property.yaml", "sound\n")
	g.wantFile(onCard+"old.backup", "")
	g.wantFile(onCard+"passphrase.txt", "")
	g.wantFile(onCard+"FAULTS.txt", "")
	if taken := g.has(onCard + "TAKEN.txt"); !strings.HasPrefix(taken, "restored at 20") || !strings.HasSuffix(taken, " UTC from old.backup; the gateway has it now\r\n") {
		t.Errorf("TAKEN.txt %q", taken)
	}
	g.wantFile("run/edgeagent-restore/passphrase", "")
}

// What is restored and does not fit is not restored again: the page goes on with it.
func TestRestoreThatDoesNotFit(t *testing.T) {
	g := flashed(t, `echo bad >"$3"; echo 'property.yaml:1:1: bad'; echo 'edgeagent: everything is restored, but' >&2; exit 1`, nil)
	if out, ok := g.script(restoreScript); !ok {
		t.Error(out)
	}
	g.wantFile(onCard+"old.backup", "")
	g.wantFile(onCard+"passphrase.txt", "")
	g.wantFile(onCard+"FAULTS.txt", "The backup is restored, but its property file does not fit this gateway. Mend it on the page.\r\n\r\nproperty.yaml:1:1: bad\r\nedgeagent: everything is restored, but\r\n")
}

// What cannot be restored stays on the card, with the reason beside it.
func TestRestoreThatIsRefused(t *testing.T) {
	const another = "echo never >$3"
	for _, c := range []struct {
		why, does string
		files     map[string]string
	}{
		{"old.backup: the passphrase is another one; nothing was written", another, map[string]string{onCard + "passphrase.txt": "one word"}},
		{"passphrase.txt is missing beside it, with the passphrase of the backup; all of its name counts", another, map[string]string{onCard + "passphrase.txt": ""}},
		{"passphrase.txt is here, but no file whose name ends in .backup", another, map[string]string{onCard + "old.backup": ""}},
		{"there is more than one file whose name ends in .backup; leave the one that counts", another, map[string]string{onCard + "new.backup": "sealed"}},
		{"this gateway has a property file that serves; a backup is for a card that was just flashed", another, map[string]string{onData + "property.yaml": "sound"}},
		{"there is something already", "echo 'edgeagent: there is something already' >&2; exit 1", map[string]string{onData + "property.yaml": "bad"}},
		{"the clock shows 2022", "echo 'edgeagent: the clock shows 2022' >&2; exit 1", map[string]string{"dev/rtc0": "", onCard + "FAULTS.txt": ""}},
	} {
		g := flashed(t, c.does, c.files)
		before := []byte(g.has(onCard+"old.backup") + g.has(onCard+"passphrase.txt") + g.has(onData+"property.yaml"))
		if out, ok := g.script(restoreScript); ok || out != "edgeagent-restore: "+c.why+"\n" {
			t.Errorf("it said %q, want %q", out, c.why)
		}
		g.wantFile(onCard+"FAULTS.txt", "The backup was not restored:\r\n  "+c.why+"\r\n")
		if !bytes.Equal(before, []byte(g.has(onCard+"old.backup")+g.has(onCard+"passphrase.txt")+g.has(onData+"property.yaml"))) {
			t.Errorf("%s: something has changed", c.why)
		}
		g.wantFile("run/edgeagent-restore/passphrase", "")
	}
}
