package locksim

import (
	"encoding/hex"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim/line/linetest"
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
type client struct{ *linetest.Host }

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
	return &client{linetest.Dial(t, p.Name())}
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
	return &client{linetest.OpenTTY(t, p.Name())}
}

// quiet checks that nothing is on its way: the answer to an ENQ comes first.
func (c *client) quiet() {
	c.T.Helper()
	c.Send([]byte{0x05})
	c.Want([]byte{0x06})
}

// ask sends a command and reads ACK and result.
func (c *client) ask(command, result string) {
	c.T.Helper()
	c.Send(wireFrame(command))
	c.Want([]byte{0x06})
	c.Want(wireFrame(result))
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
