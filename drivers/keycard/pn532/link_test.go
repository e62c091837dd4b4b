package pn532

import (
	"context"
	"errors"
	"math/bits"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"periph.io/x/conn/v3/conntest"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpiotest"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2ctest"
	"periph.io/x/conn/v3/spi"
	"periph.io/x/conn/v3/spi/spitest"
)

// reversed gives bytes as they leave a host that sends the highest bit first.
func reversed(b ...byte) []byte {
	out := make([]byte, len(b))
	for i := range b {
		out[i] = bits.Reverse8(b[i])
	}
	return out
}

// P15: GetFirmwareVersion as it leaves such a host.
func TestReversedFrame(t *testing.T) {
	frame := append([]byte{spiWrite}, unhex(t, vectors[0].bytes)...)
	if diff := cmp.Diff(unhex(t, "80 00 00 FF 40 7F 2B 40 54 00"), reversed(frame...)); diff != "" {
		t.Error(diff)
	}
}

// initialisation is what goes over every bus first: command, answer, and how
// many bytes are read for the answer.
var initialisation = []struct {
	sent, answer string
	room         int
}{
	{"00 00 FF 03 FD D4 14 01 17 00", "00 00 FF 02 FE D5 15 16 00", 16},
	{"00 00 FF 02 FE D4 02 2A 00", "00 00 FF 06 FA D5 03 32 01 06 07 E8 00", 20},
	{"00 00 FF 06 FA D4 32 05 FF 01 10 E5 00", "00 00 FF 02 FE D5 33 F8 00", 16},
	{"00 00 FF 04 FC D4 32 01 01 F8 00", "00 00 FF 02 FE D5 33 F8 00", 16},
	{"00 00 FF 02 FE D4 02 2A 00", "00 00 FF 06 FA D5 03 32 01 06 07 E8 00", 20},
}

func padded(b []byte, n int) []byte { return append(slices.Clone(b), make([]byte, n-len(b))...) }

func probe(t *testing.T, link Link) {
	t.Helper()
	r, err := Open(link, options())
	if err != nil {
		t.Fatal(err)
	}
	if f, err := r.Probe(t.Context()); err != nil || f != (Firmware{0x32, 1, 6, 7}) {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestSPISequence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ops := []conntest.IO{{W: padded(reversed(spiStatus), 256), R: make([]byte, 256)}}
		exchange := func(answer []byte, room int) {
			ops = append(ops,
				conntest.IO{W: reversed(spiStatus, 0), R: reversed(0, 0)}, // not yet
				conntest.IO{W: reversed(spiStatus, 0), R: reversed(0, 1)},
				conntest.IO{W: padded(reversed(spiRead), 1+room), R: padded(append([]byte{0}, reversed(answer...)...), 1+room)})
		}
		for _, step := range initialisation {
			ops = append(ops, conntest.IO{W: reversed(append([]byte{spiWrite}, unhex(t, step.sent)...)...)})
			exchange(ackFrame[:], 6)
			exchange(unhex(t, step.answer), step.room)
		}
		port := &spitest.Playback{Playback: conntest.Playback{Ops: ops, DontPanic: true}}
		probe(t, SPI("SPI0.0", func() (spi.PortCloser, error) { return port, nil }, Lines{}))
		if port.Count != len(ops) {
			t.Errorf("%d of %d transfers", port.Count, len(ops))
		}
	})
}

func TestI2CSequence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ops := []i2ctest.IO{{Addr: 0x24, R: []byte{0}}}
		exchange := func(answer []byte, room int) {
			ops = append(ops,
				i2ctest.IO{Addr: 0x24, R: []byte{0}}, // not yet
				i2ctest.IO{Addr: 0x24, R: []byte{1}},
				i2ctest.IO{Addr: 0x24, R: padded(append([]byte{1}, answer...), 1+room)})
		}
		for _, step := range initialisation {
			ops = append(ops, i2ctest.IO{Addr: 0x24, W: unhex(t, step.sent)})
			exchange(ackFrame[:], 6)
			exchange(unhex(t, step.answer), step.room)
		}
		bus := &i2ctest.Playback{Ops: ops, DontPanic: true}
		probe(t, I2C("I2C1", func() (i2c.BusCloser, error) { return bus, nil }, Lines{}))
		if err := bus.Close(); err != nil {
			t.Error(err)
		}
	})
}

// scriptPort is a serial line that answers what it expects.
type scriptPort struct {
	t       *testing.T
	steps   [][2][]byte // what is to be written, what is answered
	written []byte
	in      []byte
	timeout time.Duration
}

func (p *scriptPort) Write(b []byte) (int, error) {
	if p.written = append(p.written, b[0]); len(p.steps) > 0 && string(p.written) == string(p.steps[0][0]) {
		p.in, p.written, p.steps = append(p.in, p.steps[0][1]...), nil, p.steps[1:]
	}
	return 1, nil // only ever a part
}

func (p *scriptPort) Read(b []byte) (int, error) {
	if len(p.in) == 0 {
		time.Sleep(p.timeout)
		return 0, nil
	}
	b[0], p.in = p.in[0], p.in[1:]
	return 1, nil
}

func (p *scriptPort) SetReadTimeout(d time.Duration) error { p.timeout = d; return nil }
func (p *scriptPort) ResetInputBuffer() error              { return nil }
func (p *scriptPort) Close() error                         { return nil }

func TestHSUSequence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		steps := [][2][]byte{{unhex(t, "55 55 00 00 00 00 00 00 00 00 00 00 00 00 00 00"), nil}}
		for _, step := range initialisation {
			steps = append(steps, [2][]byte{unhex(t, step.sent), append(ackFrame[:], unhex(t, step.answer)...)})
		}
		port := &scriptPort{t: t, steps: steps}
		probe(t, HSU("/dev/serial", func() (Port, error) { return port, nil }, Lines{}))
		if len(port.steps) > 0 || len(port.written) > 0 {
			t.Errorf("%d steps were not reached, % X is left", len(port.steps), port.written)
		}
	})
}

func TestResetLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pin := &gpiotest.Pin{N: "RSTPD_N"}
		lines := Lines{Reset: pin}
		if err := lines.prepare(); err != nil || pin.Read() != gpio.High {
			t.Errorf("%v, %s", err, pin.Read())
		}
		start := time.Now()
		go func() {
			time.Sleep(10 * time.Millisecond)
			if pin.Read() != gpio.Low {
				t.Error("not low after 10 ms")
			}
		}()
		if err := lines.pulse(); err != nil || pin.Read() != gpio.High || time.Since(start) != 30*time.Millisecond {
			t.Errorf("%v, %s after %s", err, pin.Read(), time.Since(start))
		}
	})
	if err := (Lines{}).pulse(); !errors.Is(err, ErrNoResetLine) {
		t.Error(err)
	}
}

// stuckPort takes no bytes, as a line with its flow stopped.
type stuckPort struct {
	scriptPort
	closed chan struct{}
	free   chan struct{}
}

func (p *stuckPort) Write([]byte) (int, error) { <-p.free; return 0, errors.New("gone") }
func (p *stuckPort) Close() error              { close(p.closed); return nil }

func TestLineThatDoesNotDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port := &stuckPort{closed: make(chan struct{}), free: make(chan struct{})}
		link := HSU("x", func() (Port, error) { return port, nil }, Lines{})
		if err := link.Open(); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		err := link.Send(ackFrame[:])
		if err == nil || err.Error() != "writing: the line does not take our bytes: pull the adapter and plug it in again" || time.Since(start) != drainLimit {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		if err := link.Send(ackFrame[:]); !errors.Is(err, errNotOpen) {
			t.Error(err)
		}
		if _, err := link.Receive(context.Background(), 6, time.Second); !errors.Is(err, errNotOpen) {
			t.Error(err)
		}
		close(port.free)
		<-port.closed
	})
}
