package keycard

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
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
	for path, want := range map[string]string{
		filepath.Join(dir, "gone"): "/gone: no such adapter: is it plugged in? `ls /dev/serial/by-id` shows ",
		plain:                      "/plain: not a serial port: `ls /dev/serial/by-id` shows ",
		slave.Name():               ": in use by another program: stop it (ModemManager, a terminal, a second agent)",
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
