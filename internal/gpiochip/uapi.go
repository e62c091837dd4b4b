package gpiochip

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What is asked of the kernel; golang.org/x/sys lacks one of them.
const (
	getChipInfo = unix.GPIO_GET_CHIPINFO_IOCTL
	getLineInfo = unix.GPIO_V2_GET_LINEINFO_IOCTL
	getLine     = unix.GPIO_V2_GET_LINE_IOCTL
	setConfig   = 0xc110b40d // GPIO_V2_LINE_SET_CONFIG_IOCTL
	getValues   = unix.GPIO_V2_LINE_GET_VALUES_IOCTL
	setValues   = unix.GPIO_V2_LINE_SET_VALUES_IOCTL
)

// The flags of a line.
const (
	flagInput        = 1 << 2
	flagOutput       = 1 << 3
	flagRising       = 1 << 4
	flagFalling      = 1 << 5
	flagPullUp       = 1 << 8
	flagPullDown     = 1 << 9
	flagBiasDisabled = 1 << 10
)

// eventSize is that of struct gpio_v2_line_event, of which nothing is needed
// but that it came.
const eventSize = 48

// The kernel's structures. Each 64-bit field lies at a multiple of 8, so that
// they are the same on every machine.
type (
	chipInfo struct {
		name, label [32]byte
		lines       uint32
	}
	lineInfo struct {
		name, consumer   [32]byte
		offset, numAttrs uint32
		flags            uint64
		attrs            [10]lineAttribute
		_                [4]uint32
	}
	lineAttribute struct {
		id, _ uint32
		value uint64
	}
	configAttribute struct {
		lineAttribute
		mask uint64
	}
	lineConfig struct {
		flags    uint64
		numAttrs uint32
		_        [5]uint32
		attrs    [10]configAttribute
	}
	lineRequest struct {
		offsets          [64]uint32
		consumer         [32]byte
		config           lineConfig
		numLines, events uint32
		_                [5]uint32
		fd               int32
	}
	lineValues struct{ bits, mask uint64 }
)

// kernel is where chips are and how they are asked; tests have one of their own.
type kernel struct {
	dir   string
	ioctl func(fd int, request uint, argument unsafe.Pointer) error
}

func system() kernel { return kernel{dir: "/dev", ioctl: ioctl} }

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

// text is a name as the kernel writes it, up to the first zero.
func text(b []byte) string { return unix.ByteSliceToString(b) }
