package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// publisher is a gateway that has chosen to be brought new versions, and what lies at
// the address.
func publisher(t *testing.T, settings string) *gateway {
	t.Helper()
	return image(t, map[string]string{
		onCard + "updates.txt": settings, "etc/os-release": "IMAGE_VERSION=1.0\n", "at/latest": "edgeagent-slot-1 1.1 4 abcd\n", "at/edgeagent-1.1.slot": "slot",
		"bin/curl":           "#!/bin/sh\nfor url; do :; done\necho \"$url\" >>$ROOT/called\ncat \"$ROOT/at/${url##*/}\" 2>/dev/null || { echo 'curl: (22) The requested URL returned error: 404' >&2; exit 22; }\n",
		"bin/openssl":        "#!/bin/sh\ngrep -qx BESTKEY \"$5\"\n",
		"bin/dpkg":           "#!/bin/sh\n[ \"$2\" != \"$4\" ]\n",
		"bin/edgeagent-slot": "#!/bin/sh\necho \"slot: $(cat)\" >>$ROOT/called\n", "bin/systemctl": "#!/bin/sh\necho \"$*\" >>$ROOT/called\nkill -TERM $PPID\n",
	})
}

const updateScript = "usr/sbin/edgeagent-update"

// What Windows' editor makes of updates.txt is read all the same.
func TestUpdateFromEditedSettings(t *testing.T) {
	g := publisher(t, "\xef\xbb\xbfurl=https://updates.example.net/x \t\r\nkey= BESTKEY\t\r\n")
	g.write("at/latest.sig", "sig", 0o644)
	g.write(onState+"update-failed", "of before\n", 0o644)
	if out, ok := g.script(updateScript); !ok || out != "" {
		t.Error(out)
	}
	g.wantFile("called", "https://updates.example.net/x/latest\nhttps://updates.example.net/x/latest.sig\nhttps://updates.example.net/x/edgeagent-1.1.slot\nslot: slot\nreboot\n")
	g.wantFile(onState+"update-failed", "")
	g.write("etc/os-release", "IMAGE_VERSION=1.1\n", 0o644)
	g.write(onState+"update-failed", "of before\n", 0o644)
	g.write("called", "", 0o644)
	if out, ok := g.script(updateScript); !ok || out != "" {
		t.Error(out)
	}
	g.wantFile("called", "https://updates.example.net/x/latest\nhttps://updates.example.net/x/latest.sig\n")
	g.wantFile(onState+"update-failed", "") // nothing newer is no failure
}

func TestUpdateThatFails(t *testing.T) {
	const settings = "url=https://updates.example.net/x\nkey=BESTKEY\n"
	for _, c := range []struct{ settings, want, file, text string }{
		{"url=http://updates.example.net\n", "updates.txt: url must start with https://\n", "", ""},
		{settings, "curl: (22) The requested URL returned error: 404\n", "", ""},
		{settings, "latest names no version\n", "at/latest", "<html>\n"},
		{strings.Replace(settings, "BEST", "OTHER", 1), "latest is not signed by the key in updates.txt\n", "at/latest.sig", "sig"},
		{settings, "edgeagent-slot: the file is damaged\n", "bin/edgeagent-slot", "#!/bin/sh\ncat >/dev/null\necho 'edgeagent-slot: the file is damaged' >&2\nexit 1\n"},
		{settings, "it was broken off: it took too long, or the gateway was started anew\n", "bin/openssl", "#!/bin/sh\nkill -TERM $PPID\n"},
	} {
		g := publisher(t, c.settings)
		if !strings.Contains(c.want, "404") {
			g.write("at/latest.sig", "sig", 0o644)
		}
		if c.file != "" {
			g.write(c.file, c.text, 0o755)
		}
		out, ok := g.script(updateScript)
		if ok || !strings.HasSuffix(out, c.want) {
			t.Errorf("it said %q, want %q", out, c.want)
		}
		g.wantFile(onState+"update-failed", c.want)
		if strings.Contains(g.has("called"), "reboot") {
			t.Error("the gateway starts anew")
		}
		if left, _ := filepath.Glob(filepath.Join(g.root, "run/*")); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

// A version that did not hold is tried once more, since a power cut during its trial
// looks no different; then it is left.
func TestUpdateTriesTwice(t *testing.T) {
	for failed, want := range map[string]bool{"": true, "1.1\n1.10\n": true, "1.1\n1.0\n1.1\n": false} {
		g := publisher(t, "url=https://updates.example.net/x\nkey=BESTKEY\n")
		g.write("at/latest.sig", "sig", 0o644)
		if failed != "" {
			g.write(onState+"slot-failed", failed, 0o644)
		}
		if out, ok := g.script(updateScript); !ok || out != "" {
			t.Error(out)
		}
		if got := strings.Contains(g.has("called"), "reboot"); got != want {
			t.Errorf("after %q it is tried: %v", failed, got)
		}
	}
}
