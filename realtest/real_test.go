//go:build real

// Package realtest holds the agent, and the simulators that it is tested with,
// against what we have not made up ourselves: a real Mosquitto with certificates
// and an access list, a real browser as a TV, the processors of the gateways,
// emulated by QEMU, and the tools of libnfc. Nothing here is skipped; what is
// missing on this machine is a failure that says what to install. What the
// browser showed is left in build/out/screens. See make test-real.
package realtest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim"
)

// program finds a program that realtest/install puts there.
func program(t *testing.T, name string) string {
	t.Helper()
	for _, candidate := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path
		}
	}
	t.Fatalf("%s is not installed: run realtest/install as root", name)
	return ""
}

// built is a binary that make has built.
func built(t *testing.T, path, target string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", path))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: run make %s", err, target)
	}
	return path
}

func native(t *testing.T) []string { return []string{built(t, "bin/edgeagent", "build")} }

func openHotel(t *testing.T, command []string, o hwsim.Options) *hwsim.Hotel {
	t.Helper()
	rules, err := hwsim.QuickRules(command)
	if err != nil {
		t.Fatal(err)
	}
	o.Dir, o.Rules = t.TempDir(), rules
	h, err := hwsim.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// playDay plays the day of the demo, every act of it, and expects every effect.
func playDay(t *testing.T, h *hwsim.Hotel, command []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
	defer cancel()
	day := &hwsim.Day{Hotel: h, Command: command, Out: t.Output(), LogFile: filepath.Join(t.TempDir(), "agent.log")}
	showLog(t, day.LogFile)
	rows, err := day.Play(ctx)
	if err != nil {
		t.Error(err)
	}
	for _, row := range rows {
		if !row.OK {
			t.Errorf("%s: %s: seen %s", row.Act, row.Want, row.Seen)
		}
	}
	if err := day.Stop(); err != nil {
		t.Errorf("the agent did not stop as it should: %v", err)
	}
}

// startAgent runs the agent beside a test.
func startAgent(t *testing.T, h *hwsim.Hotel) *hwsim.Process {
	t.Helper()
	logFile := filepath.Join(t.TempDir(), "agent.log")
	showLog(t, logFile)
	agent, err := h.StartAgent(native(t), logFile)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := agent.Stop(ctx); err != nil {
			t.Errorf("the agent did not stop as it should: %v", err)
		}
	})
	if err := h.AwaitLive(t.Context()); err != nil {
		t.Fatal(err)
	}
	return agent
}

func showLog(t *testing.T, file string) {
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := os.ReadFile(file)
			t.Logf("the end of the agent's log:\n%s", tail(log, 400))
		}
	})
}

func tail(text []byte, lines int) string {
	all := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// eventually waits for cond; what says what is expected, seen what there is.
func eventually(t *testing.T, what string, seen func() (ok bool, is string)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	last := ""
	_, err := hwsim.Eventually(ctx, func() (ok bool) {
		ok, last = seen()
		return ok
	})
	if err != nil {
		t.Fatalf("%s: seen %s", what, last)
	}
}
