// Package gpiochip gives lines of the kernel's GPIO chips as pins of
// periph.io/x/conn. It speaks the character device (Linux 5.10 and later), on
// any board.
//
//	Open ─> find the line, by name or number ─> Line: requested at its first In or Out
//
// periph has such a package too, in periph.io/x/host. This one makes a line an
// output and gives it its level in one step, where that one makes it an output
// at low level first: a relay board that switches on at low level would click
// at every start. It needs no list of all pins, no registry and no init either.
package gpiochip

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Open finds a line by its name, such as GPIO17, or its number on the chip. The
// chip is its name (gpiochip0) or label (pinctrl-rp1); "" searches all of them,
// which survives that a kernel numbers them otherwise. Nothing changes on the
// line before the first In or Out.
func Open(chip, line string) (*Line, error) { return system().open(chip, line) }

func (k kernel) open(chip, line string) (*Line, error) {
	chips, err := k.chips(chip)
	if err != nil {
		return nil, err
	}
	var found []*Line
	for _, c := range chips {
		l, err := k.find(c, line)
		if err != nil {
			return nil, err
		}
		if l != nil {
			found = append(found, l)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, fmt.Errorf("there are lines %s and %s: say which with chip:", found[0], found[1])
	case chip != "":
		return nil, fmt.Errorf("the GPIO chip %s has no line %s: gpioinfo lists those that there are", chip, line)
	}
	return nil, fmt.Errorf("no GPIO chip has a line %s: gpioinfo lists those that there are", line)
}

// chip is a GPIO chip of this machine.
type chip struct {
	path, name, label string
	lines             uint32
}

// chips are those that a name or label means, or all.
func (k kernel) chips(wanted string) ([]chip, error) {
	paths, err := filepath.Glob(filepath.Join(k.dir, "gpiochip*"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, errors.New("this machine has no GPIO chip (no /dev/gpiochip0)")
	}
	var all []chip
	var closed error
	for _, path := range paths {
		c, err := k.chip(path)
		if err != nil {
			closed = err
			continue
		}
		meant := wanted == "" || wanted == c.name || wanted == c.label || wanted == path
		// A Raspberry Pi has a second name for one of its chips.
		if meant && !slices.ContainsFunc(all, func(o chip) bool { return o.name == c.name }) {
			all = append(all, c)
		}
	}
	switch {
	case len(all) > 0:
		return all, nil
	case closed != nil:
		return nil, closed
	}
	return nil, fmt.Errorf("this machine has no GPIO chip %s: gpiodetect lists those that there are", wanted)
}

func (k kernel) chip(path string) (chip, error) {
	f, err := k.device(path)
	if err != nil {
		return chip{}, err
	}
	defer f.Close()
	var info chipInfo
	if err := k.ioctl(int(f.Fd()), getChipInfo, unsafe.Pointer(&info)); err != nil {
		return chip{}, fmt.Errorf("%s is no GPIO chip: %w", path, err)
	}
	return chip{path: path, name: text(info.name[:]), label: text(info.label[:]), lines: info.lines}, nil
}

// device opens a chip's file.
func (k kernel) device(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("this user may not use %s: it must be in the group gpio", path)
	case err != nil:
		return nil, fmt.Errorf("GPIO chip: %w", err)
	}
	return f, nil
}

// find looks for a line on a chip; nil if it has none of that name.
func (k kernel) find(c chip, line string) (*Line, error) {
	f, err := k.device(c.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if n, err := strconv.ParseUint(line, 10, 32); err == nil {
		if uint32(n) >= c.lines {
			return nil, nil
		}
		return &Line{kernel: k, chip: c, offset: uint32(n), name: line}, nil
	}
	for offset := range c.lines {
		info, err := k.lineInfo(int(f.Fd()), offset)
		if err != nil {
			return nil, fmt.Errorf("GPIO chip %s: %w", c.name, err)
		}
		if strings.EqualFold(text(info.name[:]), line) {
			return &Line{kernel: k, chip: c, offset: offset, name: text(info.name[:])}, nil
		}
	}
	return nil, nil
}

func (k kernel) lineInfo(fd int, offset uint32) (lineInfo, error) {
	info := lineInfo{offset: offset}
	err := k.ioctl(fd, getLineInfo, unsafe.Pointer(&info))
	if errors.Is(err, unix.ENOTTY) || errors.Is(err, unix.EINVAL) {
		err = errors.New("its lines cannot be asked: the kernel must be Linux 5.10 or later")
	}
	return info, err
}
