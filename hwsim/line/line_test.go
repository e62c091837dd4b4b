package line_test

import (
	"bytes"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"edgeagent/hwsim/line"
	"edgeagent/hwsim/line/linetest"
)

// device has a line and answers each byte with its complement.
type device struct {
	t    *testing.T
	line line.Line[*echo]
	own  line.Speed
	done chan struct{}
	wg   sync.WaitGroup
}

// echo is what the device knows of a connection.
type echo struct {
	device *device
	wire   line.Wire
}

func (e *echo) Feed(b []byte) {
	if e.wire.Misread(e.device.own) {
		e.wire.Write(line.Garble(b))
		return
	}
	b = bytes.Clone(b)
	for i := range b {
		b[i] = ^b[i]
	}
	e.wire.Write(b)
}

func newDevice(t *testing.T, open func(line.Device[*echo]) line.Line[*echo]) *device {
	t.Helper()
	d := &device{t: t, own: line.Speed{Baud: 9600}, done: make(chan struct{})}
	d.line = open(line.Device[*echo]{
		Session: func(w line.Wire) *echo { return &echo{d, w} },
		Go:      func(f func()) { d.wg.Go(f) }, Done: d.done,
	})
	if err := d.line.Plug(""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		close(d.done)
		_ = d.line.Unplug()
		d.wg.Wait()
	})
	return d
}

func onPTY(t *testing.T, path, byID string) *device {
	t.Helper()
	return newDevice(t, func(d line.Device[*echo]) line.Line[*echo] { return line.PTY(path, byID, d) })
}

func onTCP(t *testing.T) *device {
	t.Helper()
	return newDevice(t, func(d line.Device[*echo]) line.Line[*echo] { return line.TCP("127.0.0.1:0", d) })
}

// open is a computer that opens the line, at the device's speed.
func (d *device) open() *linetest.Host {
	d.t.Helper()
	if !filepath.IsAbs(d.line.Name()) {
		return linetest.Dial(d.t, d.line.Name())
	}
	h := linetest.OpenTTY(d.t, d.line.Name())
	h.SetSpeed(9600, false)
	return h
}

func answers(h *linetest.Host) {
	h.T.Helper()
	h.Send([]byte{0x00, 0x0D, 0x11, 0x13, 0x03, 0xFF})
	h.Want([]byte{0xFF, 0xF2, 0xEE, 0xEC, 0xFC, 0x00})
}

func bothWays(t *testing.T, do func(*testing.T, *device)) {
	t.Run("PTY", func(t *testing.T) { do(t, onPTY(t, filepath.Join(t.TempDir(), "tty"), "")) })
	t.Run("TCP", func(t *testing.T) { do(t, onTCP(t)) })
}

func TestHangUp(t *testing.T) {
	bothWays(t, func(t *testing.T, d *device) {
		h, name := d.open(), d.line.Name()
		answers(h)
		if err := d.line.Plug(""); !errors.Is(err, line.ErrPlugged) {
			t.Errorf("plugged in twice: %v", err)
		}
		if err := d.line.Unplug(); err != nil {
			t.Fatal(err)
		}
		if err := d.line.Unplug(); !errors.Is(err, line.ErrUnplugged) {
			t.Errorf("unplugged twice: %v", err)
		}
		if _, err := h.Conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("no hang-up: %v", err)
		}
		if _, err := os.Lstat(name); filepath.IsAbs(name) && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the name is still there: %v", err)
		} else if _, err := net.Dial("tcp", name); err == nil {
			t.Error("it still listens")
		}
		if err := d.line.Plug(""); err != nil || d.line.Name() != name {
			t.Fatalf("back as %s: %v", d.line.Name(), err)
		}
		answers(d.open())
	})
}

func TestAnotherName(t *testing.T) {
	dir := t.TempDir()
	first, second, byID := filepath.Join(dir, "ttyUSB0"), filepath.Join(dir, "ttyUSB1"), filepath.Join(dir, "by-id")
	d := onPTY(t, first, byID)
	if err := d.line.Unplug(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(byID); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the second name is still there: %v", err)
	}
	if err := d.line.Plug(second); err != nil || d.line.Name() != second {
		t.Fatalf("back as %s: %v", d.line.Name(), err)
	}
	answers(d.open())
	if to, err := os.Readlink(byID); err != nil || to != second {
		t.Errorf("by-id leads to %s: %v", to, err)
	}
	if _, err := os.Lstat(first); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the old name is still there: %v", err)
	}
}

// The kernel's name may be another terminal's by the time the device is back.
func TestTheKernelsNameChanges(t *testing.T) {
	d := onPTY(t, filepath.Join(t.TempDir(), "tty"), "")
	before, err := os.Readlink(d.line.Name())
	if err != nil {
		t.Fatal(err)
	}
	if err := d.line.Unplug(); err != nil {
		t.Fatal(err)
	}
	other := onPTY(t, filepath.Join(t.TempDir(), "tty"), "") // takes the number that came free
	held, err := os.Readlink(other.line.Name())
	if err != nil {
		t.Fatal(err)
	}
	if err := d.line.Plug(""); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Readlink(d.line.Name()); err != nil || after == held || held != before && after != before {
		t.Errorf("%s, then %s while another has %s: %v", before, after, held, err)
	}
	answers(d.open())
}

func TestAFileIsNotReplaced(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d := onPTY(t, filepath.Join(t.TempDir(), "tty"), "")
	if err := d.line.Unplug(); err != nil {
		t.Fatal(err)
	}
	if err := d.line.Plug(file); err == nil || !strings.Contains(err.Error(), "is no symlink") {
		t.Errorf("plugged in over a file: %v", err)
	}
}

func TestSpeed(t *testing.T) {
	d := onPTY(t, filepath.Join(t.TempDir(), "tty"), "")
	h := d.open()
	sent := []byte{0x00, 0x00, 0xFF, 0x05}
	for _, tc := range []struct {
		baud    uint32
		twoStop bool
		right   bool
	}{{9600, false, true}, {19200, false, false}, {9600, true, false}, {9601, false, false}} {
		h.SetSpeed(tc.baud, tc.twoStop)
		h.Send(sent)
		if got := h.Read(len(sent)); bytes.Equal(got, []byte{0xFF, 0xFF, 0x00, 0xFA}) != tc.right {
			t.Errorf("at %d baud, two stop bits %t: % X", tc.baud, tc.twoStop, got)
		}
	}
	if d.line.Sessions()[0].wire.Misread(line.Speed{TwoStop: true}) {
		t.Error("no speed is another than any")
	}
}

func TestTCPHasNoSpeed(t *testing.T) {
	d := onTCP(t)
	d.own.Baud = 1
	answers(d.open())
}

func TestGarble(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	got := line.Garble(all)
	if !bytes.Equal(got, line.Garble(all)) {
		t.Error("not the same for the same")
	}
	if i := slices.IndexFunc(got, func(b byte) bool { return b < 0x20 || b == 0xFF }); i >= 0 {
		t.Errorf("%02X becomes %02X, which means something", i, got[i])
	}
}

// What a computer has not read when it closes the line is lost, and nothing is
// written while it is away.
func TestComputerCloses(t *testing.T) {
	d := onPTY(t, filepath.Join(t.TempDir(), "tty"), "")
	wire := d.line.Sessions()[0].wire
	h := d.open()
	answers(h)
	if !wire.Write([]byte("unread")) {
		t.Error("nobody was there")
	}
	if err := h.Conn.Close(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); wire.Write([]byte("late")); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it writes to nobody")
		}
	}
	time.Sleep(50 * time.Millisecond) // the reader looks every 5 ms, and flushes once
	answers(d.open())
	if err := d.line.Unplug(); err != nil {
		t.Fatal(err)
	}
	if wire.Write([]byte("x")) || wire.Misread(line.Speed{Baud: 1}) {
		t.Error("an unplugged line takes bytes, or has a speed")
	}
}

func TestConnectionsOfTCP(t *testing.T) {
	d := onTCP(t)
	a, b := d.open(), d.open()
	answers(a)
	answers(b)
	sessions := d.line.Sessions()
	if len(sessions) != 2 {
		t.Fatalf("%d sessions", len(sessions))
	}
	for _, s := range sessions {
		if !s.wire.Write([]byte{0x55}) {
			t.Error("nobody there")
		}
	}
	a.Want([]byte{0x55})
	b.Want([]byte{0x55})
	if err := d.line.Unplug(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); len(d.line.Sessions()) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("sessions of an unplugged line")
		}
	}
}
