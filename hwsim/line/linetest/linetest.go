// Package linetest is the computer's end of a line, for tests of devices: it
// sends and wants bytes, without any idea of what they mean.
package linetest

import (
	"bytes"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Host is a program that has a line open.
type Host struct {
	T    *testing.T
	Conn interface {
		io.ReadWriteCloser
		SetReadDeadline(time.Time) error
	}
}

// patience is how long bytes may take on a busy machine.
const patience = 10 * time.Second

// Dial opens a line over TCP.
func Dial(t *testing.T, addr string) *Host {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &Host{t, c}
}

// OpenTTY opens a pseudo-terminal as it is, at whatever speed was set last.
func OpenTTY(t *testing.T, path string) *Host {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return &Host{t, f}
}

// Send sends bytes.
func (h *Host) Send(b []byte) {
	h.T.Helper()
	if _, err := h.Conn.Write(b); err != nil {
		h.T.Fatal(err)
	}
}

// Want reads exactly these bytes.
func (h *Host) Want(b []byte) {
	h.T.Helper()
	if got := h.Read(len(b)); !bytes.Equal(got, b) {
		h.T.Fatalf("got  % X\nwant % X", got, b)
	}
}

// Read reads so many bytes.
func (h *Host) Read(n int) []byte {
	h.T.Helper()
	if err := h.Conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		h.T.Fatal(err)
	}
	buf := make([]byte, n)
	got, err := io.ReadFull(h.Conn, buf)
	if err != nil {
		h.T.Fatalf("after % X: %v", buf[:got], err)
	}
	return buf
}

// SetSpeed does what a serial library does after opening a pseudo-terminal.
func (h *Host) SetSpeed(baud uint32, twoStop bool) {
	h.T.Helper()
	raw, err := h.Conn.(*os.File).SyscallConn()
	if err != nil {
		h.T.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		set, err := unix.IoctlGetTermios(int(fd), unix.TCGETS2)
		if err != nil {
			h.T.Error(err)
			return
		}
		set.Cflag = set.Cflag&^(unix.CBAUD|unix.CSTOPB) | unix.BOTHER
		if twoStop {
			set.Cflag |= unix.CSTOPB
		}
		set.Ispeed, set.Ospeed = baud, baud
		if err := unix.IoctlSetTermios(int(fd), unix.TCSETS2, set); err != nil {
			h.T.Error(err)
		}
	})
	if err != nil {
		h.T.Fatal(err)
	}
}
