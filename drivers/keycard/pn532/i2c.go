package pn532

import (
	"context"
	"fmt"
	"time"

	"periph.io/x/conn/v3/i2c"
)

const (
	i2cAddress = 0x24
	// i2cPause lies between two transfers: the chip stretches the clock, and
	// not every master waits for it.
	i2cPause = 5 * time.Millisecond
	// i2cTries is how often an address that is not acknowledged is called: a
	// chip that sleeps hears the first call only to wake up.
	i2cTries = 3
)

// i2cLink is the link over I2C. Each read starts with a byte that says whether
// an answer is ready.
type i2cLink struct {
	name  string
	open  func() (i2c.BusCloser, error)
	lines Lines
	bus   i2c.BusCloser
	dev   i2c.Dev
	dec   decoder
}

// I2C is the link over the I2C bus that open opens. open is called again after
// the chip could not be brought back otherwise.
func I2C(name string, open func() (i2c.BusCloser, error), lines Lines) Link {
	return &i2cLink{name: name, open: open, lines: lines}
}

func (l *i2cLink) String() string { return l.name }

func (l *i2cLink) Open() error {
	_ = l.Close() // it is opened anew because it failed
	if err := l.lines.prepare(); err != nil {
		return err
	}
	bus, err := l.open()
	if err != nil {
		return err
	}
	l.bus, l.dev = bus, i2c.Dev{Bus: bus, Addr: i2cAddress}
	l.dec.reset()
	return nil
}

func (l *i2cLink) Close() error {
	if l.bus == nil {
		return nil
	}
	bus := l.bus
	l.bus = nil
	return bus.Close()
}

func (l *i2cLink) Signals() bool { return l.lines.Ready != nil }

// Wake calls the chip once; asleep, it does not acknowledge, and wakes up.
func (l *i2cLink) Wake() error {
	if l.bus == nil {
		return errNotOpen
	}
	var status [1]byte
	_ = l.dev.Tx(nil, status[:])
	time.Sleep(i2cPause)
	return nil
}

func (l *i2cLink) Reset() error { return l.lines.pulse() }

func (l *i2cLink) Send(frame []byte) error {
	if l.bus == nil {
		return errNotOpen
	}
	l.dec.reset()
	var err error
	for range i2cTries {
		if err = l.dev.Tx(frame, nil); err == nil {
			time.Sleep(i2cPause)
			return nil
		}
		time.Sleep(i2cPause)
	}
	return fmt.Errorf("I2C: address 24h: %w", err)
}

// ready takes an address that is not acknowledged for "not yet".
func (l *i2cLink) ready() (bool, error) {
	if l.bus == nil {
		return false, errNotOpen
	}
	var status [1]byte
	err := l.dev.Tx(nil, status[:])
	return err == nil && status[0]&1 == 1 && status[0] != 0xFF, nil
}

func (l *i2cLink) Receive(ctx context.Context, n int, limit time.Duration) (Frame, error) {
	deadline := time.Now().Add(limit)
	for {
		if err := l.lines.await(ctx, time.Until(deadline), i2cPause, l.ready); err != nil {
			return Frame{}, err
		}
		b := make([]byte, 1+n)
		if err := l.dev.Tx(nil, b); err == nil {
			l.dec.feed(b[1:])
		}
		if f, ok := l.dec.next(); ok {
			l.dec.reset() // what was read behind the frame means nothing
			return f, nil
		}
		if !time.Now().Before(deadline) {
			return Frame{}, ErrSilent
		}
	}
}

func (l *i2cLink) Drop() { l.dec.reset() }
