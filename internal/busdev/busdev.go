// Package busdev gives the kernel's SPI and I2C buses, /dev/spidevB.C and
// /dev/i2c-N, as buses of periph.io/x/conn, on any board.
//
//	OpenSPI ─> Connect: mode, speed ─> Tx: one transfer
//	OpenI2C ───────────────────────> Tx: write, then read, to an address
//
// periph has such a package too, in periph.io/x/host. This one is 25 KB smaller
// in the arm64 binary, has no registry and no init, and opens the file that the
// property file names.
package busdev

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kernel is how a device is opened and asked; tests have one of their own.
type kernel struct {
	open  func(path string) (*os.File, error)
	ioctl func(fd int, request uint, argument unsafe.Pointer) error
}

func system() kernel {
	return kernel{
		open:  func(path string) (*os.File, error) { return os.OpenFile(path, os.O_RDWR, 0) },
		ioctl: ioctl,
	}
}

func ioctl(fd int, request uint, argument unsafe.Pointer) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(argument))
		switch {
		case errno == 0:
			return nil
		case !errors.Is(errno, unix.EINTR):
			return errno
		}
	}
}

// device opens a bus, and says what to do where it cannot be had. The kernel lets
// any number of programs talk over one another there; of ours, one at a time does.
func (k kernel) device(path, what, group string) (*os.File, error) {
	f, err := k.open(path)
	if err == nil {
		if err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err == nil {
			return f, nil
		}
		_ = f.Close() // what the lock said counts
	}
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		return nil, fmt.Errorf("%s is in use by another agent: stop it", path)
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("this machine has no %s bus %s: switch it on (on a Raspberry Pi: raspi-config, Interface Options)", what, path)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("this user may not use %s: it must be in the group %s", path, group)
	}
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		err = at.Err
	}
	return nil, fmt.Errorf("%s: %w", path, err)
}
