package keycard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// stream is a byte stream to a lock system. Close ends a Read that is under way.
type stream interface {
	io.ReadWriteCloser
	SetWriteDeadline(time.Time) error
}

// byID is where Linux keeps names of adapters that survive replugging.
const byID = "/dev/serial/by-id"

// dial opens the link that the section names.
func dial(ctx context.Context, cfg Config) (stream, error) {
	if cfg.Address == "" {
		return openSerial(cfg.Port, cfg.Baud, cfg.StopBits)
	}
	dialer := net.Dialer{Timeout: 5 * time.Second}
	c, err := dialer.DialContext(ctx, "tcp", cfg.Address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: is the lock system running, and its PMS channel set to TCP on this port?", cfg.Address, reason(err))
	}
	return c, nil
}

// reason strips "dial tcp 192.0.2.10:8090:" from what is said anyway.
func reason(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}

// serialPort is a serial line. The serial library opens it exclusively and sets
// speed and raw mode; the bytes go through a second, non-blocking descriptor,
// because the library's Read can neither be bounded without returning (0, nil)
// nor be closed safely from elsewhere, and its Write blocks for ever on a line
// that does not drain.
type serialPort struct {
	*os.File
	settings serial.Port
	lock     *lockFile // nil where none could be made
	unlocked error     // why
}

// openSerial follows the name to the device anew each time: after replugging, the
// same name leads to another device.
func openSerial(path string, baud, stopBits int) (stream, error) {
	device, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, portError(path, err)
	}
	held, err := claim(lockDir, device)
	taken, isTaken := errors.AsType[*takenError](err)
	if isTaken {
		return nil, fmt.Errorf("%s: %w", path, taken)
	}
	// Where this process may write no lock file, the two locks below still hold.
	port := &serialPort{lock: held, unlocked: err}
	if err := port.open(device, baud, stopBits); err != nil {
		_ = held.release() // the port is not opened: nothing to add to that
		if isBusy(err) {
			return nil, fmt.Errorf("%s: %w", path, &takenError{pid: holder(device)})
		}
		return nil, portError(path, err)
	}
	return port, nil
}

func (p *serialPort) open(device string, baud, stopBits int) error {
	file, err := os.OpenFile(device, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	mode := &serial.Mode{BaudRate: baud, DataBits: 8, Parity: serial.NoParity, StopBits: serial.OneStopBit}
	if stopBits == 2 {
		mode.StopBits = serial.TwoStopBits
	}
	if err = lock(file); err == nil {
		// InitialStatusBits stays nil: DTR and RTS are up after opening, and devices without modem lines would refuse.
		p.settings, err = serial.Open(device, mode)
	}
	if err != nil {
		_ = file.Close()
		return err
	}
	p.File = file
	return nil
}

// isBusy reports whether another program has the port.
func isBusy(err error) bool {
	port, ok := errors.AsType[*serial.PortError](err)
	return errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EWOULDBLOCK) || ok && port.Code() == serial.PortBusy
}

// lock keeps other programs that ask away, even where this one runs as root,
// whom the kernel's exclusive mode does not stop.
func lock(file *os.File) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var locked error
	if err := raw.Control(func(fd uintptr) { locked = unix.Flock(int(fd), unix.LOCK_EX|unix.LOCK_NB) }); err != nil {
		return err
	}
	return locked
}

// Close drops what has not been sent, else the kernel would wait for it to
// drain, and releases both descriptors: one held open would make the kernel
// give a replugged adapter another number.
func (p *serialPort) Close() error {
	_ = p.settings.ResetOutputBuffer() // a pulled adapter has no buffer any more
	return errors.Join(p.File.Close(), p.settings.Close(), p.lock.release())
}

var errSpeed = errors.New("the adapter cannot do this speed")

// portError says what is wrong with a serial port and what to do.
func portError(path string, err error) error {
	var code serial.PortErrorCode = -1
	if port, ok := errors.AsType[*serial.PortError](err); ok {
		code = port.Code()
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: no such adapter: is it plugged in? %s", path, present())
	case errors.Is(err, fs.ErrPermission), code == serial.PermissionDenied:
		return fmt.Errorf("%s: no permission: add the user of this service to the group dialout", path)
	case code == serial.InvalidSerialPort, errors.Is(err, unix.ENOTTY):
		return fmt.Errorf("%s: not a serial port: %s", path, present())
	case code == serial.InvalidSpeed:
		return fmt.Errorf("%s: %w: write another baud", path, errSpeed)
	}
	if op, ok := errors.AsType[*fs.PathError](err); ok {
		err = op.Err
	}
	return fmt.Errorf("%s: %w", path, err)
}

// present lists the adapters that are there, so that the right name can be copied.
func present() string {
	entries, err := os.ReadDir(byID)
	if err != nil || len(entries) == 0 {
		return "`ls " + byID + "` shows none"
	}
	names := make([]string, 0, 4)
	for _, entry := range entries[:min(len(entries), 4)] {
		names = append(names, entry.Name())
	}
	return "`ls " + byID + "` shows " + strings.Join(names, ", ")
}
