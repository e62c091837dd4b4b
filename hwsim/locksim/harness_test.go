package locksim

import (
	"bytes"
	"encoding/hex"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// noon is when the tests play, before the stays of the worked frames.
var noon = time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC)

// quick is a lock system on a fast line in July 2026.
func quick(change func(*Config)) Config {
	cfg := Config{
		Now: func() time.Time { return noon }, Seed: 1,
		Rooms: []string{"101", "102", "103", "Room 1"}, Encoders: []string{"1", "2", "Online Encoder 1"},
		AckTime: 1, WorkTime: 1, CardWait: 20 * time.Millisecond,
	}
	if change != nil {
		change(&cfg)
	}
	return cfg
}

func start(t *testing.T, cfg Config) *System {
	t.Helper()
	s := New(cfg)
	t.Cleanup(func() { s.Close() })
	return s
}

// client is the other end of a port, without any idea of frames.
type client struct {
	t *testing.T
	c interface {
		io.ReadWriteCloser
		SetReadDeadline(time.Time) error
	}
}

func overTCP(t *testing.T, s *System, opts ...PortOptions) (*client, *Port) {
	t.Helper()
	p, err := s.ListenTCP("127.0.0.1:0", append(opts, PortOptions{})[0])
	if err != nil {
		t.Fatal(err)
	}
	return dial(t, p), p
}

func dial(t *testing.T, p *Port) *client {
	t.Helper()
	c, err := net.Dial("tcp", p.Name())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &client{t, c}
}

func overPTY(t *testing.T, s *System, opts PortOptions) (*client, *Port) {
	t.Helper()
	p, err := s.OpenPTY(filepath.Join(t.TempDir(), "encoder"), opts)
	if err != nil {
		t.Fatal(err)
	}
	return openTTY(t, p), p
}

func openTTY(t *testing.T, p *Port) *client {
	t.Helper()
	f, err := os.OpenFile(p.Name(), os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return &client{t, f}
}

func (c *client) send(b []byte) {
	c.t.Helper()
	if _, err := c.c.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// want reads exactly these bytes.
func (c *client) want(b []byte) {
	c.t.Helper()
	if got := c.read(len(b)); !bytes.Equal(got, b) {
		c.t.Fatalf("got  % X\nwant % X", got, b)
	}
}

func (c *client) read(n int) []byte {
	c.t.Helper()
	if err := c.c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		c.t.Fatal(err)
	}
	buf := make([]byte, n)
	got, err := io.ReadFull(c.c, buf)
	if err != nil {
		c.t.Fatalf("after % X: %v", buf[:got], err)
	}
	return buf
}

// quiet checks that nothing is on its way: the answer to an ENQ comes first.
func (c *client) quiet() {
	c.t.Helper()
	c.send([]byte{0x05})
	c.want([]byte{0x06})
}

// ask sends a command and reads ACK and result.
func (c *client) ask(command, result string) {
	c.t.Helper()
	c.send(wireFrame(command))
	c.want([]byte{0x06})
	c.want(wireFrame(result))
}

// wireFrame builds the frame of fields written with bars.
func wireFrame(fields string) []byte {
	body := "\xB3" + strings.ReplaceAll(fields, "|", "\xB3") + "\xB3\x03"
	var lrc byte
	for i := range len(body) {
		lrc ^= body[i]
	}
	return append([]byte("\x02"+body), lrc)
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
