package pn532

import (
	"bytes"
	"errors"
	"math/bits"
	"slices"
	"sync"
	"time"

	"periph.io/x/conn/v3"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpiotest"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"
)

// double stands in for the chip. It knows frames from the manual, not from the
// code under test, and does what a frame says to the cards in its field.
type double struct {
	mu       sync.Mutex
	cards    []*testCard // in the field; the first is found
	field    bool
	selected *testCard
	sector   int
	asleep   bool
	dead     bool // says nothing until the reset line is pulled
	out      []answer
	latest   []byte // the last answer, for a NACK
	pending  []byte // bytes of a frame that is not whole yet
	heard    []byte // codes of the commands that were carried out
	aborts   int
	resets   int
	opens    int
	// fault decides what goes wrong with a command; "" for nothing.
	fault func(code byte, data []byte) string
	edge  func() // an answer is due
	polls int
	// noise changes bytes on their way, in either direction.
	noise func([]byte) []byte
}

type answer struct {
	at    time.Time
	bytes []byte
}

func newDouble() *double { return &double{sector: -1} }

func frame(tfi byte, data ...byte) []byte {
	n := byte(1 + len(data))
	s := tfi
	for _, b := range data {
		s += b
	}
	return slices.Concat([]byte{0, 0, 0xFF, n, -n, tfi}, data, []byte{-s, 0})
}

// host takes bytes from the host.
func (d *double) host(b []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.noise != nil {
		b = d.noise(bytes.Clone(b))
	}
	if d.asleep {
		d.asleep = !bytes.HasPrefix(b, []byte{0x55, 0x55})
		return
	}
	if d.dead {
		return
	}
	d.pending = append(d.pending, b...)
	for {
		at := bytes.Index(d.pending, []byte{0, 0xFF})
		if at < 0 || len(d.pending) < at+4 {
			return
		}
		n, check := d.pending[at+2], d.pending[at+3]
		if n != 0 && n+check == 0 && len(d.pending) < at+int(n)+5 {
			return
		}
		d.pending = d.pending[at+2:]
		switch {
		case n == 0 && check == 0xFF:
			d.aborts++
			d.out = nil
		case n == 0xFF && check == 0:
			d.send(0, d.latest)
		case n+check == 0:
			if sum(d.pending[2:3+int(n)]) == 0 && n > 1 {
				d.command(bytes.Clone(d.pending[2 : 2+n]))
			}
		}
	}
}

func (d *double) send(after time.Duration, b []byte) {
	if d.noise != nil {
		b = d.noise(bytes.Clone(b))
	}
	d.out = append(d.out, answer{time.Now().Add(after), b})
	if d.edge != nil {
		time.AfterFunc(after, d.edge)
	}
}

var ackBytes = []byte{0, 0, 0xFF, 0, 0xFF, 0}

func (d *double) command(content []byte) {
	code, data := content[1], content[2:]
	what := ""
	if d.fault != nil {
		what = d.fault(code, data)
	}
	switch what {
	case "deaf":
		return
	case "dead":
		d.dead, d.out = true, nil
		return
	case "no ack":
	case "two acks":
		d.send(0, ackBytes)
		fallthrough
	default:
		d.send(time.Millisecond, ackBytes)
	}
	if what == "no answer" {
		return
	}
	d.heard = append(d.heard, code)
	reply, after, sense := d.understand(code, data)
	if !sense {
		what = "error frame"
	}
	d.latest = frame(0xD5, append([]byte{code + 1}, reply...)...)
	sent := bytes.Clone(d.latest)
	switch what {
	case "error frame":
		sent = []byte{0, 0, 0xFF, 1, 0xFF, 0x7F, 0x81, 0}
	case "wrong checksum":
		sent[len(sent)-2]++
	case "late":
		after += 3 * time.Second
	case "preamble":
		sent = append([]byte{0, 0, 0}, sent...)
	case "stale before":
		d.send(after, frame(0xD5, 0x09, 0x00))
	}
	d.send(after+2*time.Millisecond, sent)
}

// understand is carryOut; bytes that noise has put together make no sense.
func (d *double) understand(code byte, data []byte) (reply []byte, after time.Duration, sense bool) {
	defer func() { sense = recover() == nil }()
	reply, after = d.carryOut(code, data)
	return reply, after, true
}

func (d *double) carryOut(code byte, data []byte) ([]byte, time.Duration) {
	switch code {
	case 0x02:
		return []byte{0x32, 0x01, 0x06, 0x07}, 0
	case 0x32:
		if data[0] == 1 {
			if d.field = data[1]&1 == 1; !d.field {
				d.selected = nil
			}
		}
	case 0x4A:
		d.selected, d.sector = nil, -1
		if !d.field || len(d.cards) == 0 {
			return []byte{0}, 16 * 30 * time.Millisecond
		}
		c := d.cards[0]
		d.selected = c
		return slices.Concat([]byte{1, 1, c.atqa[0], c.atqa[1], c.sak, byte(len(c.uid))}, c.uid), 5 * time.Millisecond
	case 0x40:
		return d.toCard(data[1:], false), 3 * time.Millisecond
	case 0x42:
		return d.toCard(data, true), 3 * time.Millisecond
	case 0x44, 0x52:
		d.selected = nil
		return []byte{0}, 0
	case 0x16:
		return []byte{0}, 0
	}
	return nil, 0
}

// toCard gives status and answer of a card's command; any error lets the card go.
func (d *double) toCard(data []byte, raw bool) []byte {
	if d.selected == nil {
		return []byte{0x27}
	}
	if !slices.Contains(d.cards, d.selected) {
		d.selected = nil
		return []byte{0x01}
	}
	status, reply := d.selected.do(d, data, raw)
	if status != 0 {
		d.selected, d.sector = nil, -1
	}
	return append([]byte{status}, reply...)
}

// ready gives the next answer that is due, without taking it.
func (d *double) ready() (answer, bool) {
	if len(d.out) == 0 || d.out[0].at.After(time.Now()) {
		return answer{}, false
	}
	return d.out[0], true
}

func (d *double) reset() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.resets++
	d.dead, d.out, d.pending, d.selected, d.field = false, nil, nil, nil, false
}

// testCard is a card with its memory.
type testCard struct {
	name    string
	uid     []byte
	atqa    [2]byte
	sak     byte
	version []byte // nil: does not answer GET_VERSION
	unit    int
	memory  []byte
	pwd     []byte
	open    bool
	writes  int
	reads   int
	// onWrite is called before a write; what it returns instead of "" happens:
	// "status", "ignored", "lost" (written, but the card is gone before it answers).
	onWrite func(d *double, n int, addr byte) string
	onRead  func(d *double, n int, addr byte) string
}

func newNTAG(size string, uid ...byte) *testCard {
	pages := map[string]int{"213": 45, "215": 135, "216": 231}[size]
	c := &testCard{name: "NTAG" + size, uid: uid, atqa: [2]byte{0, 0x44}, unit: 4, memory: make([]byte, pages*4)}
	c.version = []byte{0, 4, 4, 2, 1, 0, map[string]byte{"213": 0x0F, "215": 0x11, "216": 0x13}[size], 3}
	copy(c.memory, []byte{uid[0], uid[1], uid[2], 0x88 ^ uid[0] ^ uid[1] ^ uid[2], uid[3], uid[4], uid[5], uid[6], uid[3] ^ uid[4] ^ uid[5] ^ uid[6], 0x48, 0, 0})
	copy(c.memory[12:], []byte{0xE1, 0x10, map[string]byte{"213": 0x12, "215": 0x3E, "216": 0x6D}[size], 0, 0x03, 0x00, 0xFE, 0x00})
	lock := map[string]int{"213": 40, "215": 130, "216": 226}[size]
	copy(c.memory[lock*4:], []byte{0, 0, 0, 0xBD, 4, 0, 0, 0xFF})
	return c
}

func newClassic(sak byte, uid ...byte) *testCard {
	blocks := map[byte]int{0x08: 64, 0x18: 256}[sak]
	c := &testCard{name: "Classic", uid: uid, atqa: [2]byte{0, 4}, sak: sak, unit: 16, memory: make([]byte, blocks*16)}
	copy(c.memory, slices.Concat(uid, []byte{uid[0] ^ uid[1] ^ uid[2] ^ uid[3], sak, 4, 0}))
	for b := range blocks {
		if b < 128 && b%4 == 3 || b%16 == 15 {
			copy(c.memory[b*16:], []byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0x80, 0x69, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF})
		}
	}
	return c
}

func (c *testCard) at(addr byte) []byte { return c.memory[int(addr)*c.unit : (int(addr)+1)*c.unit] }

func (c *testCard) do(d *double, data []byte, raw bool) (byte, []byte) {
	switch command := data[0]; {
	case raw && command == 0x60:
		if c.version == nil {
			return 0x01, nil
		}
		return 0, c.version
	case raw && command == 0x1B:
		if !bytes.Equal(c.pwd, data[1:]) {
			return 0x01, nil
		}
		c.open = true
		return 0, []byte{0xAA, 0x55}
	case raw:
		return 0x01, nil
	case c.unit == 16 && (command == 0x60 || command == 0x61):
		sector := int(data[1]) / 4
		trailer := c.at(byte(sector*4 + 3))
		key := trailer[:6]
		if command == 0x61 {
			key = trailer[10:]
		}
		if !bytes.Equal(key, data[2:8]) || !bytes.Equal(c.uid[len(c.uid)-4:], data[8:]) {
			return 0x14, nil
		}
		d.sector = sector
		return 0, nil
	case command == 0x30:
		return c.read(d, data[1])
	case command == 0xA0 && c.unit == 16, command == 0xA2 && c.unit == 4:
		return c.write(d, data[1], data[2:])
	}
	return 0x01, nil
}

func (c *testCard) read(d *double, addr byte) (byte, []byte) {
	c.reads++
	if c.onRead != nil && c.onRead(d, c.reads, addr) != "" {
		return 0x01, nil
	}
	if c.unit == 16 {
		if d.sector != int(addr)/4 {
			return 0x14, nil
		}
		b := bytes.Clone(c.at(addr))
		if addr%4 == 3 {
			clear(b[:6])
		}
		return 0, b
	}
	var b []byte
	for i := range 4 {
		b = append(b, c.at(byte((int(addr)+i)%(len(c.memory)/4)))...)
	}
	return 0, b
}

func (c *testCard) write(d *double, addr byte, data []byte) (byte, []byte) {
	if c.unit == 16 && d.sector != int(addr)/4 || c.pwd != nil && !c.open {
		return 0x01, nil
	}
	c.writes++
	what := ""
	if c.onWrite != nil {
		what = c.onWrite(d, c.writes, addr)
	}
	if !slices.Contains(d.cards, c) && what != "lost" {
		return 0x01, nil
	}
	switch what {
	case "ignored":
		return 0, nil
	case "status":
		return 0x01, nil
	case "half":
		copy(c.at(addr), data[:len(data)/2])
		return 0x01, nil
	case "lost":
		copy(c.at(addr), data)
		return 0x01, nil
	}
	copy(c.at(addr), data)
	return 0, nil
}

func (d *double) put(cards ...*testCard) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cards = cards
}

// hsuDouble is the double at the end of a serial line.
type hsuDouble struct {
	*double
	timeout time.Duration
}

func (h *hsuDouble) Write(b []byte) (int, error) {
	n := min(len(b), 7) // a Write may take only a part
	h.host(b[:n])
	return n, nil
}

func (h *hsuDouble) Read(b []byte) (int, error) {
	for deadline := time.Now().Add(h.timeout); ; time.Sleep(time.Millisecond) {
		h.mu.Lock()
		if a, ok := h.ready(); ok {
			n := copy(b, a.bytes[:min(len(a.bytes), 5)])
			if h.out[0].bytes = a.bytes[n:]; len(h.out[0].bytes) == 0 {
				h.out = h.out[1:]
			}
			h.mu.Unlock()
			return n, nil
		}
		h.mu.Unlock()
		if !time.Now().Before(deadline) {
			return 0, nil
		}
	}
}

func (h *hsuDouble) SetReadTimeout(t time.Duration) error { h.timeout = t; return nil }
func (h *hsuDouble) Close() error                         { return nil }

func (h *hsuDouble) ResetInputBuffer() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		if _, ok := h.ready(); !ok {
			return nil
		}
		h.out = h.out[1:]
	}
}

// spiDouble is the double on an SPI bus that sends the highest bit first.
type spiDouble struct{ *double }

func (s *spiDouble) String() string                    { return "SPI" }
func (s *spiDouble) Close() error                      { return nil }
func (s *spiDouble) LimitSpeed(physic.Frequency) error { return nil }
func (s *spiDouble) Duplex() conn.Duplex               { return conn.Full }
func (s *spiDouble) TxPackets([]spi.Packet) error      { return errors.New("not there") }
func (s *spiDouble) Connect(f physic.Frequency, m spi.Mode, n int) (spi.Conn, error) {
	if f != physic.MegaHertz || m != spi.Mode0 || n != 8 {
		return nil, errors.New("wrong settings")
	}
	return s, nil
}

func (s *spiDouble) Tx(w, r []byte) error {
	b := make([]byte, len(w))
	for i := range w {
		b[i] = bits.Reverse8(w[i])
	}
	switch b[0] {
	case 1:
		s.host(b[1:])
	case 2:
		s.mu.Lock()
		s.polls++
		if _, ok := s.ready(); ok && len(r) > 1 {
			r[1] = bits.Reverse8(1)
		}
		s.mu.Unlock()
	case 3:
		for i, x := range s.take(len(r) - 1) {
			r[1+i] = bits.Reverse8(x)
		}
	}
	return nil
}

// take gives n bytes of the answer that is due, filled up; what is not read is lost.
func (d *double) take(n int) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	b := make([]byte, n)
	if a, ok := d.ready(); ok {
		if m := copy(b, a.bytes); m < len(a.bytes) {
			d.out[0].bytes = a.bytes[m:]
		} else {
			d.out = d.out[1:]
		}
	}
	return b
}

// i2cDouble is the double on an I2C bus.
type i2cDouble struct{ *double }

func (s *i2cDouble) String() string                  { return "I2C" }
func (s *i2cDouble) Close() error                    { return nil }
func (s *i2cDouble) SetSpeed(physic.Frequency) error { return nil }

func (s *i2cDouble) Tx(addr uint16, w, r []byte) error {
	if addr != 0x24 {
		return errors.New("nobody has this address")
	}
	s.mu.Lock()
	slept := s.asleep
	s.asleep = false
	s.mu.Unlock()
	if slept {
		return errors.New("address not acknowledged")
	}
	if len(w) > 0 {
		s.host(w)
	}
	if len(r) > 0 {
		s.mu.Lock()
		s.polls++
		if _, ok := s.ready(); ok {
			r[0] = 1
		}
		s.mu.Unlock()
		if r[0] == 1 && len(r) > 1 {
			copy(r[1:], s.take(len(r)-1))
		}
	}
	return nil
}

var _ i2c.BusCloser = (*i2cDouble)(nil)
var _ spi.PortCloser = (*spiDouble)(nil)

// resetPin tells the double when the reset line goes up.
type resetPin struct {
	gpio.PinIO
	d   *double
	low bool
}

func (p *resetPin) Out(l gpio.Level) error {
	if l == gpio.High && p.low {
		p.d.reset()
	}
	p.low = l == gpio.Low
	return nil
}

// readyPin is the ready line of the double.
type readyPin struct {
	gpiotest.Pin
	d *double
}

func (p *readyPin) Read() gpio.Level {
	p.d.mu.Lock()
	defer p.d.mu.Unlock()
	_, ready := p.d.ready()
	return gpio.Level(!ready)
}
