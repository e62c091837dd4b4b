package keycard

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

func TestPortErrors(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	defer slave.Close()
	first, err := openSerial(slave.Name(), 9600, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	name, _ := os.ReadFile("/proc/self/comm")
	comm := strings.TrimSpace(string(name))
	for path, want := range map[string]string{
		filepath.Join(dir, "gone"): "/gone: no such adapter: is it plugged in? `ls /dev/serial/by-id` shows ",
		plain:                      "/plain: not a serial port: `ls /dev/serial/by-id` shows ",
		slave.Name():               fmt.Sprintf(": in use by process %d (%s): stop it, or remove /run/lock/%s if it has nothing", os.Getpid(), comm, lockName(slave.Name())),
	} {
		if _, err := openSerial(path, 9600, 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", path, err, want)
		}
	}
	_, err = dial(t.Context(), Config{Address: "127.0.0.1:1"})
	if want := "127.0.0.1:1: connect: connection refused: is the lock system running, and its PMS channel set to TCP on this port?"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// A program that heeds no lock file, but has the port for itself, is named too.
func TestHolder(t *testing.T) {
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	other := exec.Command("sleep", "1000")
	other.ExtraFiles = []*os.File{slave}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = other.Process.Kill(), other.Wait() }()
	// The lock goes with the description, which the other process has too.
	if err := unix.Flock(int(slave.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	device := slave.Name()
	_ = slave.Close()
	want := fmt.Sprintf("%s: in use by process %d (sleep): stop it", device, other.Process.Pid)
	if _, err := openSerial(device, 9600, 1); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := os.Stat(filepath.Join(lockDir, lockName(device))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a lock file is left: %v", err)
	}
}

// A line that does not drain ends a write at its deadline, and closing does not wait for it.
func TestStuckLine(t *testing.T) {
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	defer slave.Close()
	port, err := openSerial(slave.Name(), 9600, 1)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_ = port.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
		_, err = port.Write(bytes.Repeat([]byte{'x'}, 4096))
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v, want a deadline exceeded", err)
	}
	read := make(chan error)
	go func() {
		_, err := io.ReadAll(port)
		read <- err
	}()
	if err := port.Close(); err != nil {
		t.Error(err)
	}
	if err := <-read; !errors.Is(err, os.ErrClosed) {
		t.Errorf("read ends with %v", err)
	}
}

// All 256 values pass both ways.
func TestEightBitClean(t *testing.T) {
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	port, err := openSerial(slave.Name(), 115200, 1)
	_ = slave.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for name, ends := range map[string][2]io.ReadWriter{"out": {port, master}, "in": {master, port}} {
		if _, err := ends[0].Write(all); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(all))
		if _, err := io.ReadFull(ends[1], got); err != nil || !bytes.Equal(got, all) {
			t.Errorf("%s: got % X, %v", name, got, err)
		}
	}
}
