package busdev

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"
)

// What is asked of the kernel (linux/spi/spidev.h).
const (
	spiSetMode  = 0x40016b01 // SPI_IOC_WR_MODE
	spiSetBits  = 0x40016b03 // SPI_IOC_WR_BITS_PER_WORD
	spiSetSpeed = 0x40046b04 // SPI_IOC_WR_MAX_SPEED_HZ
	spiMessage  = 0x40006b00 // SPI_IOC_MESSAGE, with the size of the transfers at bit 16

	// spiMost is how many transfers one message may have: the size has 14 bits.
	spiMost = (1<<14 - 1) / int(unsafe.Sizeof(transfer{}))
)

// transfer is struct spi_ioc_transfer.
type transfer struct {
	tx, rx         uint64
	len, speed     uint32
	delay          uint16
	bits, csChange uint8
	_              [4]uint8
}

// SPI is a port of an SPI bus: a bus with one of its select lines.
type SPI struct {
	kernel kernel
	path   string

	mu   sync.Mutex
	file *os.File // nil once closed
	most physic.Frequency
}

var _ spi.PortCloser = (*SPI)(nil)

// OpenSPI opens an SPI port, such as /dev/spidev0.0.
func OpenSPI(path string) (*SPI, error) { return system().openSPI(path) }

func (k kernel) openSPI(path string) (*SPI, error) {
	f, err := k.device(path, "SPI", "spi")
	if err != nil {
		return nil, err
	}
	return &SPI{kernel: k, path: path, file: f}, nil
}

// String names the port.
func (s *SPI) String() string { return s.path }

// Close gives the port back.
func (s *SPI) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	f := s.file
	s.file = nil
	return f.Close()
}

// LimitSpeed keeps Connect below a speed that the wiring bears.
func (s *SPI) LimitSpeed(f physic.Frequency) error {
	if f < physic.Hertz {
		return fmt.Errorf("%s: %s is no speed", s.path, f)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.most = f
	return nil
}

// Connect sets speed, mode and the size of a word, which is always 8 bits.
func (s *SPI) Connect(f physic.Frequency, mode spi.Mode, bits int) (spi.Conn, error) {
	if bits != 8 || mode&^spi.Mode3 != 0 || f < physic.Hertz {
		return nil, fmt.Errorf("%s: only words of 8 bits in modes 0 to 3 are served", s.path)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.most > 0 {
		f = min(f, s.most)
	}
	m, b, hz := uint8(mode), uint8(bits), uint32(f/physic.Hertz)
	for _, set := range []struct {
		request uint
		value   unsafe.Pointer
	}{{spiSetMode, unsafe.Pointer(&m)}, {spiSetBits, unsafe.Pointer(&b)}, {spiSetSpeed, unsafe.Pointer(&hz)}} {
		if err := s.ask(set.request, set.value); err != nil {
			return nil, err
		}
	}
	return &spiConn{s}, nil
}

// ask does one ioctl. The caller holds s.mu.
func (s *SPI) ask(request uint, argument unsafe.Pointer) error {
	if s.file == nil {
		return fmt.Errorf("%s: %w", s.path, os.ErrClosed)
	}
	err := s.kernel.ioctl(int(s.file.Fd()), request, argument)
	switch {
	case errors.Is(err, unix.ENOTTY):
		return fmt.Errorf("%s is no SPI bus", s.path)
	case errors.Is(err, unix.EMSGSIZE):
		return fmt.Errorf("%s: a transfer is longer than the kernel's spidev.bufsiz", s.path)
	case err != nil:
		return fmt.Errorf("%s: %w", s.path, err)
	}
	return nil
}

// spiConn is a port that is set up.
type spiConn struct{ port *SPI }

// String names the port.
func (c *spiConn) String() string { return c.port.path }

// Duplex says that both directions run at once.
func (c *spiConn) Duplex() conn.Duplex { return conn.Full }

// Tx does one transfer.
func (c *spiConn) Tx(w, r []byte) error { return c.TxPackets([]spi.Packet{{W: w, R: r}}) }

// TxPackets does transfers, one after another.
func (c *spiConn) TxPackets(packets []spi.Packet) error {
	if len(packets) == 0 || len(packets) > spiMost {
		return fmt.Errorf("%s: %d transfers at once, and 1 to %d are possible", c.port.path, len(packets), spiMost)
	}
	var pins runtime.Pinner // the kernel gets addresses that Go does not see as pointers
	defer pins.Unpin()
	all := make([]transfer, len(packets))
	for i, p := range packets {
		if len(p.W) > 0 && len(p.R) > 0 && len(p.W) != len(p.R) {
			return fmt.Errorf("%s: %d bytes to send and %d to receive: they must be as many", c.port.path, len(p.W), len(p.R))
		}
		t := &all[i]
		t.len, t.bits = uint32(max(len(p.W), len(p.R))), p.BitsPerWord
		t.tx, t.rx = address(&pins, p.W), address(&pins, p.R)
		// Between transfers the select line is let go; after the last one the
		// flag means the opposite.
		if last := i == len(packets)-1; p.KeepCS == last {
			t.csChange = 1
		}
	}
	c.port.mu.Lock()
	defer c.port.mu.Unlock()
	size := uint(len(all)) * uint(unsafe.Sizeof(all[0]))
	return c.port.ask(spiMessage|size<<16, unsafe.Pointer(&all[0]))
}

// address is where the bytes lie, as the kernel wants it; 0 for none.
func address(pins *runtime.Pinner, b []byte) uint64 {
	if len(b) == 0 {
		return 0
	}
	pins.Pin(&b[0])
	return uint64(uintptr(unsafe.Pointer(&b[0])))
}
