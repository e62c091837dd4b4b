package busdev

import (
	"errors"
	"fmt"
	"math"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"
)

// What is asked of the kernel (linux/i2c-dev.h, linux/i2c.h).
const (
	i2cTransfer = 0x0707 // I2C_RDWR
	i2cRead     = 0x0001 // I2C_M_RD
)

// message is struct i2c_msg, messages struct i2c_rdwr_ioctl_data: as the C
// compiler lays them out, with pointers as wide as the machine's.
type (
	message struct {
		addr, flags, len uint16
		buf              unsafe.Pointer
	}
	messages struct {
		first unsafe.Pointer
		n     uint32
	}
)

// I2C is an I2C bus.
type I2C struct {
	kernel kernel
	path   string

	mu   sync.Mutex
	file *os.File // nil once closed
}

var _ i2c.BusCloser = (*I2C)(nil)

// OpenI2C opens an I2C bus, such as /dev/i2c-1.
func OpenI2C(path string) (*I2C, error) { return system().openI2C(path) }

func (k kernel) openI2C(path string) (*I2C, error) {
	f, err := k.device(path, "I2C", "i2c")
	if err != nil {
		return nil, err
	}
	return &I2C{kernel: k, path: path, file: f}, nil
}

// String names the bus.
func (b *I2C) String() string { return b.path }

// Close gives the bus back.
func (b *I2C) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.file == nil {
		return nil
	}
	f := b.file
	b.file = nil
	return f.Close()
}

// SetSpeed does nothing but say so: the kernel's own settings fix the speed.
func (b *I2C) SetSpeed(physic.Frequency) error {
	return fmt.Errorf("%s: the speed is set where the bus is switched on (on a Raspberry Pi: dtparam=i2c_arm_baudrate)", b.path)
}

// Tx writes w to an address, then reads r from it, without letting go between.
func (b *I2C) Tx(addr uint16, w, r []byte) error {
	if addr > 0x7F {
		return fmt.Errorf("%s: address %Xh has more than 7 bits", b.path, addr)
	}
	var all []message
	for _, part := range []struct {
		bytes []byte
		flags uint16
	}{{w, 0}, {r, i2cRead}} {
		switch n := len(part.bytes); {
		case n > math.MaxUint16:
			return fmt.Errorf("%s: %d bytes at once are too many", b.path, n)
		case n > 0:
			all = append(all, message{addr: addr, flags: part.flags, len: uint16(n), buf: unsafe.Pointer(&part.bytes[0])})
		}
	}
	if len(all) == 0 {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.file == nil {
		return fmt.Errorf("%s: %w", b.path, os.ErrClosed)
	}
	err := b.kernel.ioctl(int(b.file.Fd()), i2cTransfer, unsafe.Pointer(&messages{first: unsafe.Pointer(&all[0]), n: uint32(len(all))}))
	switch {
	case errors.Is(err, unix.ENOTTY):
		return fmt.Errorf("%s is no I2C bus", b.path)
	case errors.Is(err, unix.EREMOTEIO), errors.Is(err, unix.ENXIO):
		return fmt.Errorf("nobody answers at address %Xh: check wiring and power", addr)
	case err != nil:
		return fmt.Errorf("%s: %w", b.path, err)
	}
	return nil
}
