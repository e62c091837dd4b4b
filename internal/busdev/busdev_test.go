package busdev

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"
)

// noBus is a file that is there and no bus.
func noBus(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "no-bus")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// fake is a kernel whose ioctls a test answers.
func fake(t *testing.T, answer func(request uint, argument unsafe.Pointer) error) kernel {
	file := noBus(t)
	return kernel{
		open:  func(string) (*os.File, error) { return os.OpenFile(file, os.O_RDWR, 0) },
		ioctl: func(_ int, request uint, argument unsafe.Pointer) error { return answer(request, argument) },
	}
}

func at[T any](p unsafe.Pointer, i int) *T {
	return (*T)(unsafe.Add(p, uintptr(i)*unsafe.Sizeof(*new(T))))
}

// bytesAt are bytes that the kernel is told of by a number.
func bytesAt(address uint64, n uint32) []byte {
	p := uintptr(address)
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&p)), n)
}

func TestSPI(t *testing.T) {
	var requests []uint
	var mode, word uint8
	var speed uint32
	var sent []byte
	var changes []uint8
	k := fake(t, func(request uint, argument unsafe.Pointer) error {
		requests = append(requests, request)
		switch request {
		case spiSetMode:
			mode = *(*uint8)(argument)
		case spiSetBits:
			word = *(*uint8)(argument)
		case spiSetSpeed:
			speed = *(*uint32)(argument)
		default:
			n := int(request>>16&0x3FFF) / int(unsafe.Sizeof(transfer{}))
			for i := range n {
				x := at[transfer](argument, i)
				changes = append(changes, x.csChange)
				if x.tx != 0 {
					sent = append(sent, bytesAt(x.tx, x.len)...)
				}
				if x.rx != 0 {
					for j := range bytesAt(x.rx, x.len) {
						bytesAt(x.rx, x.len)[j] = byte(0xA0 + j)
					}
				}
			}
		}
		return nil
	})
	s, err := k.openSPI("/dev/spidev0.1")
	if err != nil {
		t.Fatal(err)
	}
	if s.String() != "/dev/spidev0.1" || s.LimitSpeed(500*physic.KiloHertz) != nil {
		t.Error("name or limit")
	}
	c, err := s.Connect(physic.MegaHertz, spi.Mode3, 8)
	if err != nil || mode != 3 || word != 8 || speed != 500_000 {
		t.Fatalf("mode %d, %d bits, %d Hz, %v", mode, word, speed, err)
	}
	in := make([]byte, 3)
	if err := c.Tx([]byte{1, 2, 3}, in); err != nil {
		t.Fatal(err)
	}
	if err := c.TxPackets([]spi.Packet{{W: []byte{4}}, {R: in[:2], KeepCS: true}, {W: []byte{5}, KeepCS: true}}); err != nil {
		t.Fatal(err)
	}
	// As include/uapi/linux/spi/spidev.h has them on arm, arm64 and x86.
	if diff := cmp.Diff([]uint{0x40016b01, 0x40016b03, 0x40046b04, 0x40206b00, 0x40606b00}, requests); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]byte{1, 2, 3, 4, 5}, sent); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]uint8{0, 1, 0, 1}, changes); diff != "" {
		t.Errorf("select line: %s", diff)
	}
	if diff := cmp.Diff([]byte{0xA0, 0xA1, 0xA2}, in); diff != "" {
		t.Error(diff)
	}
	if err := c.Tx([]byte{1}, in); err == nil || err.Error() != "/dev/spidev0.1: 1 bytes to send and 3 to receive: they must be as many" {
		t.Error(err)
	}
	if errors.Join(s.Close(), s.Close()) != nil {
		t.Error("closing twice")
	}
	if err := c.Tx([]byte{1}, nil); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestI2C(t *testing.T) {
	type seen struct {
		Addr, Flags uint16
		Sent        []byte
	}
	var got []seen
	failure := error(nil)
	k := fake(t, func(request uint, argument unsafe.Pointer) error {
		if request != 0x0707 {
			t.Errorf("request %x", request)
		}
		all := (*messages)(argument)
		for i := range int(all.n) {
			m := at[message](all.first, i)
			b := unsafe.Slice((*byte)(m.buf), m.len)
			one := seen{Addr: m.addr, Flags: m.flags}
			if m.flags == i2cRead {
				copy(b, "read")
			} else {
				one.Sent = append(one.Sent, b...)
			}
			got = append(got, one)
		}
		return failure
	})
	b, err := k.openI2C("/dev/i2c-1")
	if err != nil {
		t.Fatal(err)
	}
	in := make([]byte, 4)
	if err := errors.Join(b.Tx(0x24, []byte{1, 2}, in), b.Tx(0x24, nil, in[:1]), b.Tx(0x24, nil, nil)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]seen{{0x24, 0, []byte{1, 2}}, {0x24, 1, nil}, {0x24, 1, nil}}, got); diff != "" || string(in) != "read" {
		t.Errorf("%q %s", in, diff)
	}
	failure = unix.EREMOTEIO
	if err := b.Tx(0x24, []byte{1}, nil); err == nil || err.Error() != "nobody answers at address 24h: check wiring and power" {
		t.Error(err)
	}
	failure = unix.ENOTTY
	if err := b.Tx(0x24, []byte{1}, nil); err == nil || err.Error() != "/dev/i2c-1 is no I2C bus" {
		t.Error(err)
	}
	if err := b.Tx(0x80, []byte{1}, nil); err == nil || err.Error() != "/dev/i2c-1: address 80h has more than 7 bits" {
		t.Error(err)
	}
	if err := b.SetSpeed(physic.MegaHertz); err == nil || !strings.Contains(err.Error(), "dtparam=i2c_arm_baudrate") {
		t.Error(err)
	}
	if errors.Join(b.Close(), b.Close()) != nil {
		t.Error("closing twice")
	}
	if err := b.Tx(0x24, in, nil); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// What cannot be had is told in the words of whoever can change it.
func TestCannotBeOpened(t *testing.T) {
	k := system()
	k.open = func(string) (*os.File, error) { return nil, &fs.PathError{Op: "open", Err: unix.EACCES} }
	if _, err := k.openSPI("/dev/spidev0.0"); err == nil || err.Error() != "this user may not use /dev/spidev0.0: it must be in the group spi" {
		t.Error(err)
	}
	k.open = func(string) (*os.File, error) { return nil, &fs.PathError{Op: "open", Err: unix.ENODEV} }
	if _, err := k.openI2C("/dev/i2c-1"); err == nil || err.Error() != "/dev/i2c-1: no such device" {
		t.Error(err)
	}
	if _, err := OpenI2C("/dev/i2c-no-such"); err == nil ||
		err.Error() != "this machine has no I2C bus /dev/i2c-no-such: switch it on (on a Raspberry Pi: raspi-config, Interface Options)" {
		t.Error(err)
	}
	file := noBus(t)
	s, err := system().openSPI(file)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Connect(physic.MegaHertz, spi.Mode0, 8); err == nil || err.Error() != file+" is no SPI bus" {
		t.Error(err)
	}
	if _, err := system().openI2C(file); err == nil || err.Error() != file+" is in use by another agent: stop it" {
		t.Error(err)
	}
	if _, err := s.Connect(physic.MegaHertz, spi.Mode0|spi.LSBFirst, 8); err == nil || err.Error() != file+": only words of 8 bits in modes 0 to 3 are served" {
		t.Error(err)
	}
}

// The kernel's structures have these sizes on every machine that this runs on.
func TestSizes(t *testing.T) {
	if n := unsafe.Sizeof(transfer{}); n != 32 {
		t.Errorf("struct spi_ioc_transfer has 32 bytes, not %d", n)
	}
	if n, want := unsafe.Sizeof(message{}), 8+unsafe.Sizeof(uintptr(0)); n != want {
		t.Errorf("struct i2c_msg has %d bytes, not %d", want, n)
	}
}
