package pn532

import (
	"context"
	"fmt"
	"math/bits"
	"time"

	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"
)

// The first byte of each SPI transfer says what it is (UM0701-02, 6.2.5).
const (
	spiWrite  = 0x01
	spiStatus = 0x02
	spiRead   = 0x03
)

const (
	spiSpeed = 1 * physic.MegaHertz // the chip takes 5 MHz; long wires do not
	spiPause = time.Millisecond
	// spiWakeBytes of a status question hold the chip select low for 2 ms at
	// 1 MHz, in which a sleeping chip starts its clock.
	spiWakeBytes = 256
	spiWakeWait  = 5 * time.Millisecond
)

// spiLink is the link over SPI, mode 0. The chip wants the lowest bit first,
// which the hardware of small computers cannot send: every byte is reversed
// here, and the bus is never asked for it.
type spiLink struct {
	name  string
	open  func() (spi.PortCloser, error)
	lines Lines
	port  spi.PortCloser
	conn  spi.Conn
	dec   decoder
}

// SPI is the link over the SPI port that open opens. open is called again after
// the chip could not be brought back otherwise.
func SPI(name string, open func() (spi.PortCloser, error), lines Lines) Link {
	return &spiLink{name: name, open: open, lines: lines}
}

func (s *spiLink) String() string { return s.name }

func (s *spiLink) Open() error {
	_ = s.Close() // it is opened anew because it failed
	if err := s.lines.prepare(); err != nil {
		return err
	}
	port, err := s.open()
	if err != nil {
		return err
	}
	conn, err := port.Connect(spiSpeed, spi.Mode0, 8)
	if err != nil {
		_ = port.Close() // what Connect said counts
		return fmt.Errorf("SPI at 1 MHz, mode 0: %w", err)
	}
	s.port, s.conn = port, conn
	s.dec.reset()
	return nil
}

func (s *spiLink) Close() error {
	if s.port == nil {
		return nil
	}
	port := s.port
	s.port, s.conn = nil, nil
	return port.Close()
}

func (s *spiLink) Signals() bool { return s.lines.Ready != nil }

func (s *spiLink) Wake() error {
	_, err := s.transfer([]byte{spiStatus}, spiWakeBytes-1)
	time.Sleep(spiWakeWait)
	return err
}

func (s *spiLink) Reset() error { return s.lines.pulse() }

func (s *spiLink) Send(frame []byte) error {
	s.dec.reset()
	_, err := s.transfer(append([]byte{spiWrite}, frame...), 0)
	return err
}

// transfer sends w, and reads n bytes more while the chip stays selected.
func (s *spiLink) transfer(w []byte, n int) ([]byte, error) {
	if s.conn == nil {
		return nil, errNotOpen
	}
	out := make([]byte, len(w)+n)
	for i, b := range w {
		out[i] = bits.Reverse8(b)
	}
	var in []byte
	if n > 0 {
		in = make([]byte, len(out))
	}
	if err := s.conn.Tx(out, in); err != nil {
		return nil, fmt.Errorf("SPI: %w", err)
	}
	for i, b := range in {
		in[i] = bits.Reverse8(b)
	}
	return in[min(len(w), len(in)):], nil
}

func (s *spiLink) ready() (bool, error) {
	status, err := s.transfer([]byte{spiStatus}, 1)
	return err == nil && status[0]&1 == 1 && status[0] != 0xFF, err
}

func (s *spiLink) Receive(ctx context.Context, n int, limit time.Duration) (Frame, error) {
	deadline := time.Now().Add(limit)
	for {
		if err := s.lines.await(ctx, time.Until(deadline), spiPause, s.ready); err != nil {
			return Frame{}, err
		}
		b, err := s.transfer([]byte{spiRead}, n)
		if err != nil {
			return Frame{}, err
		}
		s.dec.feed(b)
		if f, ok := s.dec.next(); ok {
			s.dec.reset() // what was read behind the frame means nothing
			return f, nil
		}
		if !time.Now().Before(deadline) {
			return Frame{}, ErrSilent
		}
	}
}

func (s *spiLink) Drop() { s.dec.reset() }
