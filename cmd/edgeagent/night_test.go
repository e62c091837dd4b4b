package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	onImage = "../../build/arm64/image/root/"
	onState = "var/lib/edgeagent-upgrade/"
)

// image is a gateway with the scripts of the image, and programs of the system
// that do what a test wants.
func image(t *testing.T, files map[string]string) *gateway {
	t.Helper()
	g := &gateway{t: t, root: t.TempDir()}
	g.env = append(os.Environ(), "ROOT="+g.root, "PATH="+filepath.Join(g.root, "bin")+":"+os.Getenv("PATH"))
	for _, of := range []string{"usr/lib/edgeagent/image/*", "usr/sbin/*"} {
		scripts, err := filepath.Glob(onImage + of)
		if err != nil || len(scripts) == 0 {
			t.Fatal(of, scripts, err)
		}
		for _, script := range scripts {
			text, err := os.ReadFile(script)
			if err != nil {
				t.Fatal(err)
			}
			g.write(strings.TrimPrefix(script, onImage), string(text), 0o755)
		}
	}
	for _, name := range []string{"run", onState} {
		if err := os.MkdirAll(filepath.Join(g.root, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		g.write(name, text, 0o755)
	}
	return g
}

// script runs one of them; it returns what it said and whether it ended well.
func (g *gateway) script(name string, args ...string) (string, bool) {
	g.t.Helper()
	cmd := exec.Command(filepath.Join(g.root, name), args...)
	cmd.Env = g.env
	out, err := cmd.CombinedOutput()
	return strings.ReplaceAll(string(out), g.root, ""), err == nil
}

// wantFile compares a file, "" for none.
func (g *gateway) wantFile(name, want string) {
	g.t.Helper()
	if got := g.has(name); got != want {
		g.t.Errorf("%s: %q, want %q", name, got, want)
	}
}

// The page is told the last line, once, and since when; and nobody's password.
func TestConditionOnImage(t *testing.T) {
	const name = "usr/lib/edgeagent/image/condition"
	g := image(t, nil)
	g.script(name, "update-failed", "first\nhttps://jo:geheim@updates.example.net/x is away\r\n\n")
	g.wantFile(onState+"update-failed", "https://updates.example.net/x is away\n")
	path := filepath.Join(g.root, onState, "update-failed")
	long := time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC)
	if err := os.Chtimes(path, long, long); err != nil {
		t.Fatal(err)
	}
	g.script(name, "update-failed", strings.Repeat("x", 600))
	g.wantFile(onState+"update-failed", strings.Repeat("x", 500)+"\n")
	info, err := os.Stat(path)
	if err != nil || !info.ModTime().Equal(long) || info.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v; the agent reads it, and it holds since %v", info, err, long)
	}
	if out, ok := g.script(name, "update-failed"); !ok || out != "" {
		t.Error(out)
	}
	g.wantFile(onState+"update-failed", "")
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Night is where the hotel is, whichever way the property file is written.
func TestNightAtTheHotel(t *testing.T) {
	const name = "usr/lib/edgeagent/image/night"
	for _, c := range []struct {
		property string
		utc      string // the hour of UTC at which it is three there
	}{
		{"property:\n  id: seaview\n  # timezone: Asia/Tokyo\n  timezone: America/Los_Angeles # at the sea\n", "11"},
		{"property: { id: tokyo, name: \"Hotel #1\", timezone: \"Asia/Tokyo\" }\n", "18"},
		{"property: {id: x, 'timezone': 'Etc/GMT+5', name: y}\n", "08"},
		{"{\"property\": {\"timezone\":\"Asia/Kathmandu\"}}", "21"}, // 21:45
		{"property: {}\n", "03"},
	} {
		g := image(t, map[string]string{"etc/edgeagent/property.yaml": c.property})
		var at []string
		for hour := range 24 {
			utc := time.Date(2026, 1, 15, hour, 50, 0, 0, time.UTC)
			g.write("bin/date", "#!/bin/sh\nexec /bin/date -d '"+utc.Format(time.RFC3339)+"' \"$@\"\n", 0o755)
			if out, ok := g.script(name); ok {
				at = append(at, utc.Format("15"))
			} else if out != "" {
				t.Error(out)
			}
		}
		if len(at) != 1 || at[0] != c.utc {
			t.Errorf("%s: night at %v UTC, want %s", c.property, at, c.utc)
		}
	}
}

// stick is a gateway that has a passphrase for its backups and a stick; mount and umount say
// what the test wants, the agent's backup is a file, and DOES is done before it.
func stick(t *testing.T, does string) *gateway {
	t.Helper()
	g := image(t, map[string]string{
		onData + "secrets/backup-passphrase": "two words and a hundred\n", "dev/disk/by-label/EDGEBACKUP": "",
		"bin/mount": "#!/bin/sh\necho \"mount $*\" >>$ROOT/called\n", "bin/umount": "#!/bin/sh\necho \"umount $*\" >>$ROOT/called\n",
	})
	g.program("1", "echo \"$*\" >>$ROOT/called; "+does+"\ntouch $3/edgeagent-seaview-20261126-031200.backup; echo 'it holds 9 files'")
	return g
}

const backupScript = "usr/sbin/edgeagent-backup"

func TestBackupOntoStick(t *testing.T) {
	g := stick(t, "")
	g.write("run/edgeagent-backup/stick/edgeagent-seaview-20261101-031200.backup.part", "half", 0o600)
	g.write(onState+"backup-failed", "of before\n", 0o644)
	if out, ok := g.script(backupScript); !ok || out != "it holds 9 files\n" {
		t.Error(out)
	}
	want := strings.ReplaceAll("mount -t vfat,exfat,ext4 -o nosuid,nodev,noexec,noatime ROOT/dev/disk/by-label/EDGEBACKUP ROOT/run/edgeagent-backup/stick\n"+
		"backup --file ROOT/run/edgeagent-backup/stick --keep 30 --passphrase-file ROOT/etc/edgeagent/secrets/backup-passphrase\n"+
		"umount ROOT/run/edgeagent-backup/stick\n", "ROOT", g.root)
	g.wantFile("called", want)
	g.wantFile(onState+"backup-failed", "")
	if date := strings.TrimSpace(g.has(onState + "backup-made")); len(date) != len("2026-11-26") {
		t.Errorf("made at %q", date)
	}
	if g.has("run/edgeagent-backup/stick/edgeagent-seaview-20261101-031200.backup.part") != "" {
		t.Error("half a backup fills the stick")
	}
}

// Who has chosen no backups, or has no stick yet, is told nothing.
func TestBackupThatNobodyChose(t *testing.T) {
	for file, said := range map[string]string{
		onData + "secrets/backup-passphrase": "", "dev/disk/by-label/EDGEBACKUP": "edgeagent-backup: there is no stick named EDGEBACKUP\n",
	} {
		g := stick(t, "")
		if err := os.Remove(filepath.Join(g.root, file)); err != nil {
			t.Fatal(err)
		}
		if out, ok := g.script(backupScript); !ok || out != said {
			t.Errorf("without %s: %q", file, out)
		}
		g.wantFile("called", "")
		g.wantFile(onState+"backup-failed", "")
	}
}

// What goes wrong is on the page, in one line, until a backup works.
func TestBackupThatFails(t *testing.T) {
	for want, change := range map[string]func(*gateway){
		"open the stick/x.backup.part: no space left on device\n": func(g *gateway) {
			g.program("1", "echo 'edgeagent: not in the backup: ca' >&2; echo edgeagent: open $3/x.backup.part: no space left on device >&2; exit 1")
		},
		"the stick cannot be read; it wants FAT32, exFAT or ext4: mount: wrong fs type\n": func(g *gateway) {
			g.write("bin/mount", "#!/bin/sh\necho 'mount: wrong fs type' >&2; echo '  dmesg(1) may have more information' >&2; exit 32\n", 0o755)
		},
		"the stick cannot be read; it wants FAT32, exFAT or ext4: it does not answer\n": func(g *gateway) { g.write("bin/mount", "#!/bin/sh\nexit 124\n", 0o755) },
		"the stick did not take the backup to its end: umount: input/output error\n": func(g *gateway) {
			g.write("bin/umount", "#!/bin/sh\necho 'umount: input/output error' >&2; exit 32\n", 0o755)
		},
		"there is no stick named EDGEBACKUP any more; the last backup is of 2026-11-25\n": func(g *gateway) {
			g.write(onState+"backup-made", "2026-11-25\n", 0o644)
			if err := os.Remove(filepath.Join(g.root, "dev/disk/by-label/EDGEBACKUP")); err != nil {
				t.Fatal(err)
			}
		},
		"it was broken off: it took too long, or the gateway was started anew\n": func(g *gateway) { g.program("1", "kill -TERM $PPID; exit 1") },
	} {
		g := stick(t, "")
		change(g)
		if out, ok := g.script(backupScript); ok {
			t.Errorf("%s it says all is well: %s", want, out)
		}
		g.wantFile(onState+"backup-failed", want)
		if made := g.has(onState + "backup-made"); made != "" && made != "2026-11-25\n" {
			t.Errorf("%s and yet it was made: %s", want, made)
		}
	}
}
