package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const lastedNotWord = "version 2 did not hold after the upgrade (it ended: 3 times exit-code); 1 runs again\n"

func (g *gateway) word(want string) {
	g.t.Helper()
	if got := g.has("var/lib/edgeagent-upgrade/stepped-back"); got != want {
		g.t.Errorf("left word %q, want %q", got, want)
	}
}

func (g *gateway) crashes() {
	g.t.Helper()
	for range 3 {
		g.do("exit-code", "ended")
	}
}

// The power goes between dpkg's unpacking and configuring: the new version is on
// trial all the same, and its unit too.
func TestUpgradeCutAfterUnpacking(t *testing.T) {
	g := newGateway(t, "1")
	g.unpack("1", "2")
	g.crashes()
	g.runs("1")
	g.word(lastedNotWord)
	if got := g.has("usr/lib/systemd/system/edgeagent.service"); got != "unit of 1" {
		t.Errorf("the unit is %q", got)
	}

	// dpkg --configure -a, later: what runs is not the version that it speaks of.
	want := "edgeagent: version 2 did not hold, and 1 runs; to try 2 once more, install its package again\n"
	if out := g.do("", "begin", "2"); out != want {
		t.Errorf("said %q, want %q", out, want)
	}
	g.crashes()
	g.runs("1")
	g.word(lastedNotWord)

	// Somebody installs it again: he wants it to be tried.
	g.upgrade("2", "2")
	g.word("")
	g.crashes()
	g.runs("1")
	g.word(lastedNotWord)

	// The package of the one that runs says the same as the gateway does.
	g.upgrade("2", "1")
	g.word("")
	g.crashes()
	g.runs("1")
	g.word("")
}

// Ten bad ends on end, or a timer: each verb sees that a trial was not begun.
func TestUpgradeCutIsSeenByAll(t *testing.T) {
	g := newGateway(t, "1")
	g.unpack("1", "2")
	g.do("", "again")
	g.runs("1")
	g.word("version 2 did not hold after the upgrade (it ended: before it ran); 1 runs again\n")

	g = newGateway(t, "1")
	g.unpack("1", "2")
	g.write("proc/uptime", "700.1 1.0\n", 0o644)
	g.runsAs("usr/lib/edgeagent/previous/edgeagent") // dpkg was killed, the agent was not
	if out := g.do("", "proven"); out != "" {
		t.Errorf("the version before has proven the new one: %q", out)
	}
	if got := g.has("called"); !strings.HasPrefix(got, "start --no-block edgeagent-proven.timer\n") || strings.Contains(got, "stop ") {
		t.Errorf("systemctl was told %q", got)
	}
	g.runsAs("usr/bin/edgeagent")
	if out := g.do("", "proven"); out != "edgeagent: version 2 holds\n" {
		t.Errorf("said %q", out)
	}
	g.do("", "begin", "2") // dpkg --configure -a has nothing to try any more
	g.crashes()
	g.runs("2")
}

// The power goes before the new files are there: what runs is not on trial, and is
// not blamed for what has not come.
func TestUpgradeCutBeforeUnpacking(t *testing.T) {
	g := newGateway(t, "1")
	g.do("", "keep", "1", "2")
	g.crashes()
	g.runs("1")
	g.word("")
	g.write("proc/uptime", "700.1 1.0\n", 0o644)
	g.runsAs("usr/bin/edgeagent")
	if out := g.do("", "proven"); out != "" {
		t.Errorf("said %q", out)
	}
	g.upgrade("1", "2")
	g.crashes()
	g.runs("1")
	g.word(lastedNotWord)
}

// What did not come leaves a version on trial on trial, with its ends and its name;
// what came is named and counted anew. The one to go back to stays the last that held.
func TestUpgradeCutTwice(t *testing.T) {
	g := newGateway(t, "1")
	g.unpack("1", "2")
	g.do("", "keep", "2", "3")
	g.crashes()
	g.runs("1")
	g.word(lastedNotWord)

	g = newGateway(t, "1")
	g.upgrade("1", "2")
	g.do("exit-code", "ended")
	g.do("exit-code", "ended")
	g.unpack("2", "3")
	g.do("signal", "ended")
	g.do("signal", "ended")
	g.runs("3")
	g.do("signal", "ended")
	g.runs("1")
	g.word("version 3 did not hold after the upgrade (it ended: 3 times signal); 1 runs again\n")
}

// A new version that dpkg takes back leaves no trial, and none of the one before ends.
func TestUpgradeAborted(t *testing.T) {
	g := newGateway(t, "1")
	g.unpack("1", "2")
	g.do("exit-code", "ended") // while it was being checked
	g.program("1", "exit 0")
	g.do("", "abort", "2")
	g.crashes()
	g.runs("1")
	g.word("")
	if g.has("usr/lib/edgeagent/previous/edgeagent") != "" {
		t.Error("a copy of the version that runs is left")
	}

	g.upgrade("1", "2")
	g.do("exit-code", "ended")
	g.unpack("2", "3")
	g.program("2", "exit 0")
	g.do("", "abort", "3")
	g.do("exit-code", "ended")
	g.runs("2")
	g.do("exit-code", "ended")
	g.runs("1")
	g.word(lastedNotWord)
}

// The power goes in the middle of a step back: it is ended, and the version before
// is not proven in the name of the new one.
func TestUpgradeStepBackCut(t *testing.T) {
	g := newGateway(t, "1")
	g.upgrade("1", "2")
	g.write("var/lib/edgeagent-upgrade/trial", "2\n1\nexit-code\nexit-code\nexit-code\n", 0o644)
	g.write("usr/lib/edgeagent/failed", "the 2", 0o755)
	g.program("1", "exit 0")
	if out := g.do("", "proven"); out != "edgeagent: "+lastedNotWord {
		t.Errorf("said %q", out)
	}
	if got := g.has("usr/lib/systemd/system/edgeagent.service"); got != "unit of 1" {
		t.Errorf("the unit is %q", got)
	}
	if got := g.has("usr/lib/edgeagent/failed"); got != "the 2" {
		t.Errorf("what did not hold is replaced by what does: %q", got)
	}
	if g.has("var/lib/edgeagent-upgrade/trial") != "" {
		t.Error("it is on trial still")
	}
}

// A trial that nobody has begun, nor announced: a package that cannot do so was cut short.
func TestUpgradeWithoutAWord(t *testing.T) {
	g := newGateway(t, "1")
	g.unpack("1", "2")
	if err := os.Remove(filepath.Join(g.root, "var/lib/edgeagent-upgrade/coming")); err != nil {
		t.Fatal(err)
	}
	g.crashes()
	g.runs("1")
	g.word(lastedNotWord)
}

// A version that does not come to an end with the property file is not installed,
// also if it does not listen when it is told to stop.
func TestUpgradeCheckHangs(t *testing.T) {
	g := newGateway(t, "1")
	g.do("", "keep", "1", "2")
	g.env = append(g.env, "EDGEAGENT_CHECK_LIMIT=0.2")
	want := "edgeagent: the new version has not read the property file within 0.2 seconds; it is not installed, and the one before runs on\n"
	for _, hangs := range []string{"", "trap '' TERM; "} {
		g.program("2", hangs+"sleep 20; echo >"+g.root+"/outlived")
		if out, ok := g.run("", "check"); ok || out != want {
			t.Errorf("%s: %t: said %q, want %q", hangs, ok, out, want)
		}
		if g.has("outlived") != "" {
			t.Errorf("%s: it was waited for", hangs)
		}
	}
}
