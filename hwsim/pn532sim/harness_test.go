package pn532sim

import (
	"bytes"
	"context"
	"encoding/hex"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim/line/linetest"

	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"
)

// quick is a chip that is set up and loses no time.
func quick(change func(*Config)) Config {
	cfg := Config{Seed: 1, Awake: true, AckTime: 1, ChipTime: 1, CardTime: 1, PollTime: 1, WakeTime: 1}
	if change != nil {
		change(&cfg)
	}
	return cfg
}

func start(t *testing.T, cfg Config) *Chip {
	t.Helper()
	c := New(cfg)
	t.Cleanup(func() { c.Close() })
	t.Cleanup(func() {
		if t.Failed() {
			lines := c.Transcript()
			for _, l := range lines[max(0, len(lines)-60):] {
				t.Log(l)
			}
		}
	})
	return c
}

// host is the other end, without any idea of what frames mean.
type host interface {
	Send(b []byte)
	// Want reads exactly one frame.
	Want(frame []byte)
}

// client is a host on a byte stream.
type client struct{ *linetest.Host }

func overTCP(t *testing.T, c *Chip) (*client, *Port) {
	t.Helper()
	p, err := c.ListenTCP("127.0.0.1:0", PortOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return dial(t, p), p
}

func dial(t *testing.T, p *Port) *client {
	t.Helper()
	return &client{linetest.Dial(t, p.Name())}
}

func overPTY(t *testing.T, c *Chip, opts PortOptions) (*client, *Port) {
	t.Helper()
	p, err := c.OpenPTY(filepath.Join(t.TempDir(), "pn532"), opts)
	if err != nil {
		t.Fatal(err)
	}
	return openTTY(t, p), p
}

func openTTY(t *testing.T, p *Port) *client {
	t.Helper()
	return &client{linetest.OpenTTY(t, p.Name())}
}

// quiet checks that nothing else is on its way: the firmware version comes next.
func (c *client) quiet() {
	c.T.Helper()
	ask(c, "02", "03 32 01 06 07")
}

// ask sends a command and wants its ACK and its response, both from the code on.
func ask(h host, command, response string) {
	if c, ok := h.(*client); ok {
		c.T.Helper()
	}
	h.Send(toChip(command))
	h.Want(ackFrame())
	h.Want(toHost(response))
}

// toChip and toHost build a normal frame by hand.
func toChip(data string) []byte { return byHand(0xD4, data) }
func toHost(data string) []byte { return byHand(0xD5, data) }

func byHand(tfi byte, data string) []byte {
	body := append([]byte{tfi}, unhex(data)...)
	total := byte(0)
	for _, b := range body {
		total += b
	}
	out := append([]byte{0x00, 0x00, 0xFF, byte(len(body)), byte(-len(body))}, body...)
	return append(out, -total, 0x00)
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// eventually waits on the chip until cond holds.
func eventually(t *testing.T, c *Chip, what string, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := c.Wait(ctx, cond); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// heard is how many bytes have come from the host.
func heard(c *Chip) (n int) {
	for _, l := range c.Transcript() {
		if l.Dir == In {
			n += len(l.Bytes)
		}
	}
	return n
}

// rules are the rules that the host has broken, in order.
func rules(c *Chip) (out []Rule) {
	for _, v := range c.Violations() {
		out = append(out, v.Rule)
	}
	return out
}

// spiHost is a host on SPI that turns its bytes around itself.
type spiHost struct {
	t    *testing.T
	chip *Chip
	conn spi.Conn
}

func overSPI(t *testing.T, c *Chip) (*spiHost, *SPIPort) {
	t.Helper()
	p := c.SPI("SPI0.0", false)
	conn, err := p.Connect(physic.MegaHertz, spi.Mode0, 8)
	if err != nil {
		t.Fatal(err)
	}
	return &spiHost{t, c, conn}, p
}

func mirrored(b []byte) []byte {
	out := bytes.Clone(b)
	for i, x := range out {
		var y byte
		for n := range 8 {
			y |= x >> n & 1 << (7 - n)
		}
		out[i] = y
	}
	return out
}

func (s *spiHost) transfer(w []byte, n int) []byte {
	s.t.Helper()
	w = mirrored(append(bytes.Clone(w), make([]byte, n)...))
	r := make([]byte, len(w))
	if err := s.conn.Tx(w, r); err != nil {
		s.t.Fatal(err)
	}
	return mirrored(r)[len(w)-n:]
}

func (s *spiHost) Send(b []byte) {
	s.t.Helper()
	s.transfer(append([]byte{0x01}, b...), 0)
}

func (s *spiHost) ready() bool { return s.transfer([]byte{0x02}, 1)[0] == 0x01 }

func (s *spiHost) Want(frame []byte) {
	s.t.Helper()
	eventually(s.t, s.chip, "ready", s.ready)
	if got := s.transfer([]byte{0x03}, len(frame)); !bytes.Equal(got, frame) {
		s.t.Fatalf("got  % X\nwant % X", got, frame)
	}
}

// i2cHost is a host on I2C.
type i2cHost struct {
	t    *testing.T
	chip *Chip
	bus  *I2CBus
}

func overI2C(t *testing.T, c *Chip) *i2cHost {
	return &i2cHost{t, c, c.I2C("I2C1")}
}

func (h *i2cHost) Send(b []byte) {
	h.t.Helper()
	if err := h.bus.Tx(0x24, b, nil); err != nil {
		h.t.Fatal(err)
	}
}

func (h *i2cHost) Want(frame []byte) {
	h.t.Helper()
	eventually(h.t, h.chip, "ready", func() bool {
		r := []byte{0xFF}
		if err := h.bus.Tx(0x24, nil, r); err != nil {
			h.t.Error(err)
			return true
		}
		return r[0] == 0x01
	})
	r := make([]byte, 1+len(frame))
	if err := h.bus.Tx(0x24, nil, r); err != nil {
		h.t.Fatal(err)
	}
	if !bytes.Equal(r[1:], frame) || r[0] != 0x01 {
		h.t.Fatalf("got  % X\nwant 01 % X", r, frame)
	}
}

// uid4 and uid7 are those of the worked frames.
func uid4() []byte { return []byte{0xC1, 0xD3, 0x33, 0xEA} }
func uid7() []byte { return []byte{0x04, 0xA2, 0xB3, 0xC4, 0xD5, 0xE6, 0x80} }

const factoryA = "FF FF FF FF FF FF"
