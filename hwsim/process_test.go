package hwsim

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A power cut also reaches an agent that its command has run elsewhere, and does
// so before the command can see to it.
func TestKillElsewhere(t *testing.T) {
	dir := t.TempDir()
	pidFile, started := filepath.Join(dir, "pid"), filepath.Join(dir, "started")
	script := fmt.Sprintf("sleep 1000 & echo $! >%s; : >%s; wait", pidFile, started)
	file := filepath.Join(dir, "agent")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	h := &Hotel{PropertyFile: "property.yaml", AgentPID: pidFile}
	p, err := h.StartAgent([]string{file}, filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Eventually(ctx, func() bool { _, err := os.Stat(started); return err == nil }); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	p.Kill()
	if _, err := Eventually(ctx, func() bool { return gone(pid) }); err != nil {
		t.Error("the process behind the command lives on")
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// gone is whether a process runs no more, whoever has yet to ask how it ended.
func gone(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(text), ") Z ")
}
