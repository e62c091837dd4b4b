package keycard

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestLockFile(t *testing.T) {
	dir := t.TempDir()
	const device = "/dev/ttyUSB7"
	path := filepath.Join(dir, "LCK..ttyUSB7")
	first, err := claim(dir, device)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != fmt.Sprintf("%10d\n", os.Getpid()) {
		t.Errorf("the file holds %q, %v", text, err)
	}
	name, _ := os.ReadFile("/proc/self/comm")
	want := fmt.Sprintf("in use by process %d (%s): stop it, or remove %s if it has nothing to do with the port", os.Getpid(), strings.TrimSpace(string(name)), path)
	if _, err := claim(dir, device); err == nil || err.Error() != want {
		t.Errorf("second claim: got  %v\nwant %s", err, want)
	}
	if err := first.release(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is left: %v", err)
	}
	if got := lockName("/dev/pts/3"); got != "LCK..pts_3" {
		t.Error(got)
	}
	var none *lockFile
	if err := none.release(); err != nil {
		t.Error(err)
	}
}

// A file whose process is gone locks nobody out; one of a living process that
// uses no lock but the file does.
func TestStaleLockFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "LCK..ttyUSB7")
	sleeper := exec.Command("sleep", "1000")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	pid := sleeper.Process.Pid
	if err := os.WriteFile(path, fmt.Appendf(nil, "%10d\n", pid), 0o644); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("in use by process %d (sleep): stop it, or remove %s if it has nothing to do with the port", pid, path)
	if _, err := claim(dir, "/dev/ttyUSB7"); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if err := sleeper.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = sleeper.Wait()
	for _, text := range []string{fmt.Sprintf("%10d\n", pid), "", "garbage", "-1"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		l, err := claim(dir, "/dev/ttyUSB7")
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if err := l.release(); err != nil {
			t.Error(err)
		}
	}
}

// Of many who ask at once, one has it at a time.
func TestLockFileRace(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	var mu sync.Mutex
	holders, times := 0, 0
	for range 8 {
		wg.Go(func() {
			for range 200 {
				l, err := claim(dir, "/dev/ttyUSB7")
				if err != nil {
					if _, ok := errors.AsType[*takenError](err); !ok {
						t.Error(err)
					}
					continue
				}
				mu.Lock()
				if holders++; holders > 1 {
					t.Error("two have it")
				}
				times++
				mu.Unlock()
				mu.Lock()
				holders--
				mu.Unlock()
				if err := l.release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if times == 0 {
		t.Error("nobody had it")
	}
}

// Without a place for lock files the port is used all the same.
func TestNoLockDir(t *testing.T) {
	l, err := claim(filepath.Join(t.TempDir(), "gone"), "/dev/ttyUSB7")
	if _, taken := errors.AsType[*takenError](err); l != nil || err == nil || taken {
		t.Errorf("got %v, %v", l, err)
	}
	if got := (&takenError{}).Error(); got != "in use by another program: stop it (ModemManager, a terminal, a second agent)" {
		t.Error(got)
	}
}

// What cannot be written is read: another user's lock file, or one in a folder
// that is read-only for the service, still says who has the port.
func TestForeignLockFileIsHeeded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "LCK..ttyUSB7")
	sleeper := exec.Command("sleep", "1000")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	pid := sleeper.Process.Pid
	why := fmt.Errorf("open %s: %w", path, os.ErrPermission)
	if err := heed(path, why); !errors.Is(err, os.ErrPermission) {
		t.Errorf("without a file: %v", err)
	}
	if err := os.WriteFile(path, fmt.Appendf(nil, "%10d\n", pid), 0o444); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("in use by process %d (sleep): stop it, or remove %s if it has nothing to do with the port", pid, path)
	if err := heed(path, why); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if err := sleeper.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = sleeper.Wait() // it was killed
	if err := heed(path, why); !errors.Is(err, os.ErrPermission) {
		t.Errorf("its process is gone: %v", err)
	}
}
