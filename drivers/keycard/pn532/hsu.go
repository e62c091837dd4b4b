package pn532

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"go.bug.st/serial"
)

// Port is a serial line as go.bug.st/serial opens it. Read returns 0 and no
// error when its time is over.
type Port interface {
	io.ReadWriteCloser
	SetReadTimeout(time.Duration) error
	ResetInputBuffer() error
}

const (
	hsuBaud = 115200
	// readSlice is how long one Read waits before the context is looked at again.
	readSlice = 50 * time.Millisecond
	// drainLimit is how long a frame may take to leave; at 115200 baud the
	// longest takes 25 ms.
	drainLimit = 2 * time.Second
)

// wakeUp brings a chip that sleeps on its serial line back: two bytes with many
// edges, then time for its clock to start (UM0701-02, 7.2.11).
var wakeUp = [16]byte{0x55, 0x55}

// hsu is the link over a High Speed UART.
type hsu struct {
	name   string
	baud   int
	open   func() (Port, error)
	lines  Lines
	port   Port
	dec    decoder
	framed bool // a frame has come since the line was opened: the speed is right
	buf    [512]byte
}

// garbledError is the silence of a line on which noise comes, and nothing else:
// that of another speed.
type garbledError struct{ baud int }

func (e *garbledError) Error() string {
	return fmt.Sprintf("nothing readable answered at %d baud, only noise", e.baud)
}

// Garbled reports whether bytes came that nobody could read, as at another speed.
func Garbled(err error) bool {
	_, ok := errors.AsType[*garbledError](err)
	return ok
}

// Is makes it a kind of silence.
func (e *garbledError) Is(target error) bool { return target == ErrSilent || target == errNoAck }

// HSU is the link over a serial line that open opens, at 115200 baud, 8 data
// bits, no parity, 1 stop bit. open is called again after the line was lost.
func HSU(name string, open func() (Port, error), lines Lines) Link {
	lines.Ready = nil // bytes arrive by themselves
	return &hsu{name: name, baud: hsuBaud, open: open, lines: lines}
}

// Serial is the link over the serial port with this path.
func Serial(path string, lines Lines) Link {
	return HSU(path, func() (Port, error) {
		// InitialStatusBits stays nil: devices without modem lines would refuse.
		port, err := serial.Open(path, &serial.Mode{BaudRate: hsuBaud, DataBits: 8, Parity: serial.NoParity, StopBits: serial.OneStopBit})
		if err != nil {
			return nil, portError(err)
		}
		return port, nil
	}, lines)
}

// portError says what is wrong with a serial port and what to do.
func portError(err error) error {
	var code serial.PortErrorCode = -1
	if port, ok := errors.AsType[*serial.PortError](err); ok {
		code = port.Code()
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), code == serial.PortNotFound:
		return errors.New("no such adapter: is it plugged in?")
	case code == serial.PortBusy:
		return errors.New("in use by another program: stop it (ModemManager, a terminal, a second agent)")
	case code == serial.PermissionDenied:
		return errors.New("no permission: add the user of this service to the group dialout")
	case code == serial.InvalidSerialPort:
		return errors.New("not a serial port")
	}
	return err
}

func (h *hsu) String() string { return h.name }

func (h *hsu) Open() error {
	_ = h.Close() // it is opened anew because it failed
	if err := h.lines.prepare(); err != nil {
		return err
	}
	port, err := h.open()
	if err != nil {
		return err
	}
	h.port, h.framed = port, false
	h.dec.reset()
	return nil
}

// Close also serves a line that was lost: a descriptor held open would make the
// kernel give a replugged adapter another number.
func (h *hsu) Close() error {
	if h.port == nil {
		return nil
	}
	port := h.port
	h.port = nil
	return port.Close()
}

func (h *hsu) Signals() bool { return h.lines.Ready != nil }

func (h *hsu) Wake() error { return h.Send(wakeUp[:]) }

func (h *hsu) Reset() error { return h.lines.pulse() }

// Send writes in a goroutine of its own: a line that does not drain blocks Write
// for ever, and closing it does not help. Such a line is given up.
func (h *hsu) Send(frame []byte) error {
	if h.port == nil {
		return errNotOpen
	}
	port, done := h.port, make(chan error, 1)
	go func() {
		defer close(done)
		done <- writeAll(port, frame)
	}()
	timer := time.NewTimer(drainLimit)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		h.port = nil
		go func() {
			for range done { // until Write gives up
			}
			_ = port.Close() // nobody waits for it
		}()
		return errors.New("writing: the line does not take our bytes: pull the adapter and plug it in again")
	}
}

// writeAll goes on after a Write that took only a part.
func writeAll(w io.Writer, b []byte) error {
	for len(b) > 0 {
		n, err := w.Write(b)
		if err != nil {
			return fmt.Errorf("writing: %w", err)
		}
		if n == 0 {
			return fmt.Errorf("writing: %w", io.ErrShortWrite)
		}
		b = b[n:]
	}
	return nil
}

func (h *hsu) Receive(ctx context.Context, _ int, limit time.Duration) (Frame, error) {
	deadline := time.Now().Add(limit)
	for {
		if f, ok := h.dec.next(); ok {
			h.framed = true
			return f, nil
		}
		if h.port == nil {
			return Frame{}, errNotOpen
		}
		if err := context.Cause(ctx); err != nil {
			return Frame{}, err
		}
		rest := time.Until(deadline)
		switch {
		case rest <= 0 && h.dec.noise > 0 && !h.framed:
			return Frame{}, &garbledError{h.baud}
		case rest <= 0:
			return Frame{}, ErrSilent
		}
		if err := h.port.SetReadTimeout(min(rest, readSlice)); err != nil {
			return Frame{}, fmt.Errorf("reading: %w", err)
		}
		n, err := h.port.Read(h.buf[:])
		if err != nil {
			return Frame{}, cut(err)
		}
		h.dec.feed(h.buf[:n])
	}
}

// AskAt asks once, over a serial line that open opens at this speed, what answers
// there. It is for a line on which nothing answers as it should: a Reader knows
// one speed.
func AskAt(ctx context.Context, baud int, open func() (Port, error)) (Firmware, error) {
	link := &hsu{name: "HSU", baud: baud, open: open}
	if err := link.Open(); err != nil {
		return Firmware{}, err
	}
	defer link.Close() // it was only asked
	if err := link.Wake(); err != nil {
		return Firmware{}, err
	}
	c := &chip{link: link, limits: usualLimits()}
	if err := c.samConfiguration(ctx, false); err != nil {
		return Firmware{}, err
	}
	return c.firmware(ctx)
}

func cut(err error) error {
	if port, ok := errors.AsType[*serial.PortError](err); ok && port.Code() == serial.PortClosed || errors.Is(err, io.EOF) {
		return errors.New("the line was cut: adapter unplugged")
	}
	return fmt.Errorf("the line was cut: %w", err)
}

func (h *hsu) Drop() {
	h.dec.reset()
	if h.port != nil {
		_ = h.port.ResetInputBuffer() // a line that is gone says so at the next read
	}
}
