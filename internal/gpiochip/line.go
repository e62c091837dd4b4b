package gpiochip

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// consumer is what gpioinfo shows of a line that we use.
const consumer = "edgeagent"

// Line is one line of a chip. Its methods may be called from several goroutines.
type Line struct {
	kernel kernel
	chip   chip
	offset uint32
	name   string

	mu     sync.Mutex
	handle *os.File // nil until the first In or Out, and after Close
	fd     int      // of the handle, which would leave the poller if it were asked for it
	output bool
	pull   gpio.Pull
	halted bool
	closed bool
}

var _ gpio.PinIO = (*Line)(nil)

// String is the line with its chip, such as gpiochip0/GPIO17.
func (l *Line) String() string { return l.chip.name + "/" + l.name }

// Name is the line's name as the kernel has it.
func (l *Line) Name() string { return l.name }

// Number is the line's number on its chip.
func (l *Line) Number() int { return int(l.offset) }

// Function is "In", "Out" or, before either, "".
func (l *Line) Function() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.handle == nil:
		return ""
	case l.output:
		return "Out"
	}
	return "In"
}

// Halt ends a WaitForEdge, and keeps others from waiting until In is called.
// An output stays as it is.
func (l *Line) Halt() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.halted = true
	if l.handle == nil {
		return nil
	}
	return l.handle.SetReadDeadline(time.Unix(1, 0))
}

// Close gives the line back to the kernel. What becomes of an output's level
// then is for the chip's driver to say: some keep it, some make it an input.
func (l *Line) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.halted, l.closed = true, true
	if l.handle == nil {
		return nil
	}
	err := l.handle.Close()
	l.handle, l.output = nil, false
	return err
}

// In makes the line an input.
func (l *Line) In(pull gpio.Pull, edge gpio.Edge) error {
	flags := uint64(flagInput)
	switch pull {
	case gpio.PullUp:
		flags |= flagPullUp
	case gpio.PullDown:
		flags |= flagPullDown
	case gpio.Float:
		flags |= flagBiasDisabled
	}
	switch edge {
	case gpio.RisingEdge:
		flags |= flagRising
	case gpio.FallingEdge:
		flags |= flagFalling
	case gpio.BothEdges:
		flags |= flagRising | flagFalling
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.configure(&lineConfig{flags: flags}); err != nil {
		return err
	}
	l.output, l.pull, l.halted = false, pull, false
	if err := l.handle.SetReadDeadline(time.Unix(1, 0)); err != nil { // ends a wait for the edges of before
		return fmt.Errorf("line %s cannot be waited on: %w", l, err)
	}
	var stale [16 * eventSize]byte
	for { // edges from before are none of the caller's
		if n, err := unix.Read(l.fd, stale[:]); n <= 0 || err != nil {
			return nil
		}
	}
}

// Out makes the line an output, if it is none, and sets its level. There is no
// instant at which it is an output of the other level.
func (l *Line) Out(level gpio.Level) error {
	var bits uint64
	if level {
		bits = 1
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.handle != nil && l.output {
		if err := l.kernel.ioctl(l.fd, setValues, unsafe.Pointer(&lineValues{bits: bits, mask: 1})); err != nil {
			return fmt.Errorf("line %s cannot be set: %w", l, err)
		}
		return nil
	}
	c := lineConfig{flags: flagOutput, numAttrs: 1}
	c.attrs[0] = configAttribute{lineAttribute{id: unix.GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES, value: bits}, 1}
	if err := l.configure(&c); err != nil {
		return err
	}
	l.output, l.pull = true, gpio.PullNoChange
	return nil
}

// configure asks the kernel for the line, or changes what it is.
func (l *Line) configure(c *lineConfig) error {
	if l.closed {
		return fmt.Errorf("line %s is closed", l)
	}
	if l.handle != nil {
		if err := l.kernel.ioctl(l.fd, setConfig, unsafe.Pointer(c)); err != nil {
			return fmt.Errorf("line %s cannot be set up: %w", l, err)
		}
		return nil
	}
	f, err := l.kernel.device(l.chip.path)
	if err != nil {
		return err
	}
	defer f.Close()
	r := lineRequest{config: *c, numLines: 1}
	r.offsets[0] = l.offset
	copy(r.consumer[:], consumer)
	err = l.kernel.ioctl(int(f.Fd()), getLine, unsafe.Pointer(&r))
	switch {
	case errors.Is(err, unix.EBUSY):
		return l.busy(f)
	case err != nil:
		return fmt.Errorf("line %s cannot be had: %w", l, err)
	}
	// Through the poller a wait for an edge costs no thread and can be ended.
	if err := unix.SetNonblock(int(r.fd), true); err != nil {
		unix.Close(int(r.fd))
		return fmt.Errorf("line %s: %w", l, err)
	}
	l.handle, l.fd = os.NewFile(uintptr(r.fd), l.String()), int(r.fd)
	return nil
}

// busy says who has the line.
func (l *Line) busy(f *os.File) error {
	info, err := l.kernel.lineInfo(int(f.Fd()), l.offset)
	if user := text(info.consumer[:]); err == nil && user != "" {
		return fmt.Errorf("line %s is in use by %q", l, user)
	}
	return fmt.Errorf("line %s is in use by another program", l)
}

// Read is the line's level; low if the kernel cannot tell.
func (l *Line) Read() gpio.Level {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.handle == nil {
		return gpio.Low
	}
	values := lineValues{mask: 1}
	err := l.kernel.ioctl(l.fd, getValues, unsafe.Pointer(&values))
	return err == nil && values.bits&1 == 1
}

// WaitForEdge waits for the next edge that In asked for; a negative time is
// without end. It is false if the time is over, or Halt, Close or In ended it.
// Edges that came together count as one.
func (l *Line) WaitForEdge(timeout time.Duration) bool {
	l.mu.Lock()
	handle, dead := l.handle, time.Time{}
	if timeout >= 0 {
		dead = time.Now().Add(timeout)
	}
	if handle == nil || l.halted || l.output || handle.SetReadDeadline(dead) != nil {
		l.mu.Unlock()
		return false
	}
	l.mu.Unlock()
	var events [16 * eventSize]byte
	n, err := handle.Read(events[:])
	return err == nil && n > 0
}

// Pull is the resistor that In asked for.
func (l *Line) Pull() gpio.Pull {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pull
}

// DefaultPull is not known: the kernel does not tell.
func (l *Line) DefaultPull() gpio.Pull { return gpio.PullNoChange }

// PWM is not possible: it is no matter of GPIO chips.
func (l *Line) PWM(gpio.Duty, physic.Frequency) error {
	return fmt.Errorf("line %s has no PWM", l)
}
