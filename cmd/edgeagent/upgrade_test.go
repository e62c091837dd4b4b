package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// gateway is a root folder with the upgrade script that ships and a systemctl
// that says what a test wants.
type gateway struct {
	t    *testing.T
	root string
	env  []string
}

func newGateway(t *testing.T, version string) *gateway {
	t.Helper()
	g := &gateway{t: t, root: t.TempDir()}
	g.env = append(os.Environ(), "EDGEAGENT_ROOT="+g.root, "PATH="+filepath.Join(g.root, "bin")+":"+os.Getenv("PATH"))
	g.write("bin/systemctl", "#!/bin/sh\necho \"$*\" >>"+g.root+"/called\ncase \"$*\" in *Monotonic*) echo 100000000 ;; *ActiveState*) echo active ;; *MainPID*) echo 42 ;; esac\n", 0o755)
	g.write("bin/dpkg-query", "#!/bin/sh\necho 2\n", 0o755)
	g.write("etc/edgeagent/property.yaml", "", 0o644)
	g.write("usr/lib/systemd/system/edgeagent.service", "unit of "+version, 0o644)
	g.program(version, "exit 0")
	return g
}

func (g *gateway) write(name, text string, mode os.FileMode) {
	g.t.Helper()
	path := filepath.Join(g.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		g.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		g.t.Fatal(err)
	}
}

// program installs a version that answers every verb in one way.
func (g *gateway) program(version, does string) {
	g.t.Helper()
	g.write("usr/bin/edgeagent", "#!/bin/sh\n# "+version+"\n"+does+"\n", 0o755)
}

// run calls the script; it returns what it said and whether it ended well.
func (g *gateway) run(result string, args ...string) (string, bool) {
	g.t.Helper()
	script, err := filepath.Abs("../../build/arm64/upgrade")
	if err != nil {
		g.t.Fatal(err)
	}
	cmd := exec.Command(script, args...)
	old := syscall.Umask(0o077) // as the unit has it
	defer syscall.Umask(old)
	cmd.Env = append(g.env, "SERVICE_RESULT="+result)
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

func (g *gateway) do(result string, args ...string) string {
	g.t.Helper()
	out, ok := g.run(result, args...)
	if !ok {
		g.t.Fatalf("upgrade %v: %s", args, out)
	}
	return out
}

// has is what a file holds, "" if it is not there.
func (g *gateway) has(name string) string {
	text, _ := os.ReadFile(filepath.Join(g.root, name))
	return string(text)
}

func (g *gateway) runs(version string) {
	g.t.Helper()
	if !strings.Contains(g.has("usr/bin/edgeagent"), "# "+version+"\n") {
		g.t.Errorf("not %s runs but %s", version, g.has("usr/bin/edgeagent"))
	}
}

// unpack puts a version in place as dpkg does, and goes no further.
func (g *gateway) unpack(from, to string) {
	g.t.Helper()
	g.do("", "keep", from, to)
	g.program(to, "exit 0")
	g.write("usr/lib/systemd/system/edgeagent.service", "unit of "+to, 0o644)
}

func (g *gateway) upgrade(from, to string) {
	g.t.Helper()
	g.unpack(from, to)
	g.do("", "begin", to)
}

// runsAs says whose file the agent that runs is.
func (g *gateway) runsAs(name string) {
	g.t.Helper()
	exe := filepath.Join(g.root, "proc/42/exe")
	if err := errors.Join(os.MkdirAll(filepath.Dir(exe), 0o755), os.RemoveAll(exe), os.Symlink(filepath.Join(g.root, name), exe)); err != nil {
		g.t.Fatal(err)
	}
}

const steppedBackWord = "version 2 did not hold after the upgrade (it ended: once timeout, 2 times watchdog); 1 runs again\n"

// The third bad end puts the version before in place again, its unit too.
func TestUpgradeStepsBack(t *testing.T) {
	g := newGateway(t, "1")
	g.upgrade("1", "2")
	for _, result := range []string{"watchdog", "success", "timeout", ""} {
		g.do(result, "ended")
	}
	g.runs("2")
	if out := g.do("watchdog", "ended"); out != "edgeagent: "+steppedBackWord {
		t.Errorf("said %q", out)
	}
	g.runs("1")
	if got := g.has("usr/lib/systemd/system/edgeagent.service"); got != "unit of 1" || g.has("called") != "daemon-reload\nreset-failed edgeagent.service\n" {
		t.Errorf("the unit is %q, and systemctl was told %q", got, g.has("called"))
	}
	if got := g.has("var/lib/edgeagent-upgrade/stepped-back"); got != steppedBackWord {
		t.Errorf("left word %q", got)
	}
	if !strings.Contains(g.has("usr/lib/edgeagent/failed"), "# 2\n") {
		t.Error("the one that failed is not kept for who looks into it")
	}
	for range 9 { // not the new version's fault any more
		g.do("watchdog", "ended")
	}
	g.runs("1")

	// The next one is on trial against the one that held.
	g.upgrade("1", "3")
	if g.has("var/lib/edgeagent-upgrade/stepped-back") != "" {
		t.Error("the page still says that something was stepped back")
	}
	for range 3 {
		g.do("exit-code", "ended")
	}
	g.runs("1")
}

// A version that replaces one on trial does not make that the one to go back to.
func TestUpgradeKeepsOnlyWhatHeld(t *testing.T) {
	g := newGateway(t, "1")
	g.upgrade("1", "2")
	g.upgrade("2", "3")
	for range 3 {
		g.do("signal", "ended")
	}
	g.runs("1")
	want := "version 3 did not hold after the upgrade (it ended: 3 times signal); 1 runs again\n"
	if got := g.has("var/lib/edgeagent-upgrade/stepped-back"); got != want {
		t.Errorf("left word %q", got)
	}
	if info, err := os.Stat(filepath.Join(g.root, "var/lib/edgeagent-upgrade/stepped-back")); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("the agent cannot read it: %v, %v", info, err)
	}
}

// A version that has run for long enough at one go holds; its later ends are its own.
func TestUpgradeIsProven(t *testing.T) {
	g := newGateway(t, "1")
	g.upgrade("1", "2")
	g.runsAs("usr/bin/edgeagent")
	g.write("proc/uptime", "699.9 1.0\n", 0o644)
	if out := g.do("", "proven"); out != "" {
		t.Errorf("599 s prove nothing, and it said %q", out)
	}
	g.write("proc/uptime", "700.1 1.0\n", 0o644)
	if out := g.do("", "proven"); out != "edgeagent: version 2 holds\n" {
		t.Errorf("said %q", out)
	}
	if !strings.HasSuffix(g.has("called"), "stop --no-block edgeagent-proven.timer\n") {
		t.Errorf("systemctl was told %q", g.has("called"))
	}
	for range 3 {
		g.do("watchdog", "ended")
	}
	g.runs("2")
	if g.has("usr/lib/edgeagent/previous/edgeagent") != "" {
		t.Error("the version before is kept for longer than the trial")
	}
}

// A version that does not take the property file is refused in its own words,
// unless the one before did not take it either: it may be the remedy.
func TestUpgradeChecks(t *testing.T) {
	const fault = "property.yaml:3:1: unknown key"
	g := newGateway(t, "1")
	g.do("", "keep", "1", "2")
	if out := g.do("", "check"); out != "" {
		t.Errorf("said %q", out)
	}
	g.program("2", "[ \"$1 $2\" = 'check --config' ] && echo '"+fault+"'; exit 1")
	want := "edgeagent: the new version does not take the property file; it is not installed, and the one before runs on:\n" + fault + "\n"
	if out, ok := g.run("", "check"); ok || out != want {
		t.Errorf("%t: said %q, want %q", ok, out, want)
	}
	g.write("usr/lib/edgeagent/previous/edgeagent", "#!/bin/sh\nexit 1\n", 0o755)
	if out := g.do("", "check"); out != "edgeagent: the property file has problems; edgeagent check lists them\n" {
		t.Errorf("said %q", out)
	}
	if err := os.Remove(filepath.Join(g.root, "etc/edgeagent/property.yaml")); err != nil {
		t.Fatal(err)
	}
	g.write("usr/lib/edgeagent/previous/edgeagent", "#!/bin/sh\nexit 0\n", 0o755)
	if out := g.do("", "check"); out != "" {
		t.Errorf("without a property file it said %q", out)
	}
}

// When systemd has given up, the version on trial goes at once; without one the
// agent is started again after a while, for nobody comes by.
func TestUpgradeStartsAgain(t *testing.T) {
	g := newGateway(t, "1")
	g.upgrade("1", "2")
	g.do("", "again")
	g.runs("1")
	want := "is-failed --quiet edgeagent.service\ndaemon-reload\nreset-failed edgeagent.service\nis-failed --quiet edgeagent.service\nreset-failed edgeagent.service\nstart --no-block edgeagent.service\n"
	if got := g.has("called"); got != want {
		t.Errorf("systemctl was told %q", got)
	}
	g.write("called", "", 0o644)
	g.write("bin/sleep", "#!/bin/sh\necho sleep $1 >>"+g.root+"/called\n", 0o755)
	g.do("", "again")
	if got := g.has("called"); !strings.HasPrefix(got, "is-failed --quiet edgeagent.service\nsleep 600\nis-failed") || !strings.Contains(got, "\nstart ") {
		t.Errorf("systemctl was told %q", got)
	}
}

// A bad end after which systemd starts it at once is none of again's business: the
// version on trial has two more.
func TestUpgradeLeavesARestartAlone(t *testing.T) {
	g := newGateway(t, "1")
	g.upgrade("1", "2")
	g.write("bin/systemctl", "#!/bin/sh\ncase \"$*\" in is-failed*) exit 1 ;; esac\necho \"$*\" >>"+g.root+"/called\n", 0o755)
	g.do("", "again")
	g.runs("2")
	if got := g.has("called"); got != "" {
		t.Errorf("systemctl was told %q", got)
	}
}

func TestUpgradeSaysHowItIsCalled(t *testing.T) {
	g := newGateway(t, "1")
	if out, ok := g.run("", "step_back"); ok || out != "edgeagent: usage: upgrade keep OLD NEW | check | begin VERSION | abort VERSION | ended | proven | again\n" {
		t.Errorf("%t: %q", ok, out)
	}
}
