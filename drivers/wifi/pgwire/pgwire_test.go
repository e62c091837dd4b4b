package pgwire

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The example of RFC 7677, section 3, but for the name: PostgreSQL takes it from
// the start of the connection.
func TestScram(t *testing.T) {
	s := newScram("pencil", "rOprNGfwEbeRWgbNEkqO")
	final, err := s.final("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
	if err != nil || !strings.HasPrefix(final, "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=") {
		t.Errorf("%q, %v", final, err)
	}
	if s.verify("v=AAAA") || s.verify("") || !s.verify("v="+base64.StdEncoding.EncodeToString(s.want)) {
		t.Error("the server's signature is not checked")
	}
	for _, challenge := range []string{"", "r=other,s=QUJD,i=4096", "r=rOprNGfwEbeRWgbNEkqO,s=QUJD,i=4096", "r=rOprNGfwEbeRWgbNEkqOx,s=QUJD,i=1", "r=rOprNGfwEbeRWgbNEkqOx,s=QUJD,i=999999999", "r=rOprNGfwEbeRWgbNEkqOx,s=,i=4096"} {
		if _, err := newScram("pencil", "rOprNGfwEbeRWgbNEkqO").final(challenge); err == nil {
			t.Errorf("%q is answered", challenge)
		}
	}
}

// server plays the other end of a connection.
func server(t *testing.T, play func(in *bufio.Reader, out net.Conn)) Config {
	t.Helper()
	return serverAt(t, "tcp", "127.0.0.1:0", play)
}

// local is a server at a Unix socket, which may do without a password.
func local(t *testing.T, play func(in *bufio.Reader, out net.Conn)) Config {
	t.Helper()
	return serverAt(t, "unix", filepath.Join(t.TempDir(), "s"), play)
}

func serverAt(t *testing.T, network, address string, play func(in *bufio.Reader, out net.Conn)) Config {
	t.Helper()
	port, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = port.Close() })
	go func() {
		for {
			line, err := port.Accept()
			if err != nil {
				return
			}
			go func() {
				defer line.Close()
				in := bufio.NewReader(line)
				head := make([]byte, 4)
				if _, err := in.Read(head); err != nil {
					return
				}
				_, _ = in.Discard(int(binary.BigEndian.Uint32(head)) - 4)
				play(in, line)
			}()
		}
	}()
	return Config{Network: network, Address: port.Addr().String(), User: "u", Password: "pw", Database: "d"}
}

func say(out net.Conn, kind byte, body string) {
	m := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(body)+4))
	_, _ = out.Write(append(m, body...))
}

const ready = "I"

// afterNonce reads SCRAM's first message and returns its nonce.
func afterNonce(in *bufio.Reader) string {
	head := make([]byte, 5)
	_, _ = io.ReadFull(in, head)
	body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
	_, _ = io.ReadFull(in, body)
	_, nonce, _ := strings.Cut(string(body), "r=")
	return nonce
}

func TestLogInIsCareful(t *testing.T) {
	for name, test := range map[string]struct {
		play func(*bufio.Reader, net.Conn)
		want string
	}{
		"clear text": {func(_ *bufio.Reader, out net.Conn) { say(out, 'R', "\x00\x00\x00\x03") }, "the database wants the password in the clear: set scram-sha-256 in pg_hba.conf"},
		"GSS":        {func(_ *bufio.Reader, out net.Conn) { say(out, 'R', "\x00\x00\x00\x07") }, "the database knows no way to log in that is known here: set scram-sha-256 in pg_hba.conf"},
		"SCRAM that is cut short": {func(_ *bufio.Reader, out net.Conn) {
			say(out, 'R', "\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00")
			say(out, 'R', "\x00\x00\x00\x00")
			say(out, 'Z', ready)
		}, "it does not speak as PostgreSQL does"},
		"SCRAM that is skipped": {func(in *bufio.Reader, out net.Conn) {
			say(out, 'R', "\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00")
			nonce := afterNonce(in)
			say(out, 'R', "\x00\x00\x00\x0br="+nonce+"X,s=AAAA,i=4096")
			say(out, 'Z', ready)
		}, "it does not speak as PostgreSQL does"},
		"SCRAM and then clear text": {func(_ *bufio.Reader, out net.Conn) {
			say(out, 'R', "\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00")
			say(out, 'R', "\x00\x00\x00\x03")
		}, "the database wants the password in the clear: set scram-sha-256 in pg_hba.conf"},
		"no welcome":  {func(_ *bufio.Reader, out net.Conn) { say(out, 'Z', ready) }, "it does not speak as PostgreSQL does"},
		"no password": {func(_ *bufio.Reader, out net.Conn) { say(out, 'R', "\x00\x00\x00\x00"); say(out, 'Z', ready) }, "the database lets anybody in without a password: set scram-sha-256 in pg_hba.conf"},
		"MD5":         {func(_ *bufio.Reader, out net.Conn) { say(out, 'R', "\x00\x00\x00\x05salt") }, "the database wants MD5: set scram-sha-256 in pg_hba.conf"},
		"refused": {func(_ *bufio.Reader, out net.Conn) {
			say(out, 'E', "SFATAL\x00C28P01\x00Mpassword 'pw' is wrong\x00\x00")
		}, "the database answered 28P01"},
		"no code":  {func(_ *bufio.Reader, out net.Conn) { say(out, 'E', "SFATAL\x00") }, "the database answered XX000"},
		"web page": {func(_ *bufio.Reader, out net.Conn) { _, _ = out.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) }, "it does not speak as PostgreSQL does"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Connect(t.Context(), server(t, test.play)); err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestRun(t *testing.T) {
	cfg := local(t, func(in *bufio.Reader, out net.Conn) {
		say(out, 'R', "\x00\x00\x00\x00")
		say(out, 'S', "server_version\x0015.9\x00")
		say(out, 'Z', ready)
		for {
			kind, err := in.ReadByte()
			if err != nil {
				return
			}
			head := make([]byte, 4)
			for i := range head {
				head[i], _ = in.ReadByte()
			}
			body := make([]byte, binary.BigEndian.Uint32(head)-4)
			for i := range body {
				body[i], _ = in.ReadByte()
			}
			switch text := string(body); {
			case kind == 'P' && strings.Contains(text, "fail"):
				say(out, 'E', "C23505\x00Mkey (k7m2p9xq) exists\x00\x00")
			case kind == 'P' && strings.Contains(text, "hang"):
				return
			case kind == 'P' && strings.Contains(text, "flood"):
				flood(out)
				return
			case kind == 'P':
				say(out, 'D', "\x00\x02\x00\x00\x00\x03one\xff\xff\xff\xff")
			case kind == 'S':
				say(out, 'Z', ready)
			}
		}
	})
	c, err := Connect(t.Context(), cfg)
	if err != nil || c.ServerVersion != "15.9" {
		t.Fatal(err)
	}
	defer c.Close()
	rows, err := c.Run(t.Context(), "SELECT", "a")
	if err != nil || len(rows) != 1 || rows[0][0] != "one" || rows[0][1] != "" {
		t.Errorf("%q, %v", rows, err)
	}
	var answer *Error
	if _, err := c.Run(t.Context(), "fail"); !errors.As(err, &answer) || err.Error() != "the database answered 23505" || c.Broken() {
		t.Errorf("%v, broken %v", err, c.Broken())
	}
	if _, err := c.Run(t.Context(), "hang"); err == nil || !c.Broken() {
		t.Errorf("%v, broken %v", err, c.Broken())
	}
	if c, err = Connect(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Run(t.Context(), "flood"); err == nil || err.Error() != "more than 8388608 bytes" || !c.Broken() {
		t.Errorf("%v, broken %v", err, c.Broken())
	}
	_ = c.Close()
}

// flood sends rows of nothing until nobody listens.
func flood(out net.Conn) {
	row := "\xff\xff" + strings.Repeat("\xff", 4*0xffff)
	m := append(binary.BigEndian.AppendUint32([]byte{'D'}, uint32(len(row)+4)), row...)
	for {
		if _, err := out.Write(m); err != nil {
			return
		}
	}
}

func TestDeadline(t *testing.T) {
	cfg := server(t, func(in *bufio.Reader, _ net.Conn) { _, _ = in.ReadByte() })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Connect(ctx, cfg); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func FuzzColumns(f *testing.F) {
	f.Add([]byte("\x00\x02\x00\x00\x00\x03one\xff\xff\xff\xff"))
	f.Add([]byte("\xff\xff"))
	f.Fuzz(func(t *testing.T, body []byte) {
		row, err := columns(body)
		size := 0
		for _, text := range row {
			size += len(text)
		}
		if err == nil && size > len(body) {
			t.Errorf("%d bytes from %d", size, len(body))
		}
	})
}

func FuzzServerError(f *testing.F) {
	f.Add([]byte("SFATAL\x00C28P01\x00Mwords\x00\x00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		var e *Error
		if !errors.As(serverError(body), &e) || len(e.Code) != 5 || !state([]byte(e.Code)) {
			t.Errorf("%q", e.Code)
		}
	})
}
