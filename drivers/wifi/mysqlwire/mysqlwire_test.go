package mysqlwire

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const salt = "abcdefghijklmnopqrst"

// other is the server's end of a connection.
type other struct {
	net.Conn
	number byte
}

func (o *other) say(body string) {
	_, _ = o.Write(append([]byte{byte(len(body)), byte(len(body) >> 8), byte(len(body) >> 16), o.number}, body...))
	o.number++
}

func (o *other) hear() string {
	head := make([]byte, 4)
	if _, err := io.ReadFull(o, head); err != nil {
		return ""
	}
	body := make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
	_, _ = io.ReadFull(o, body)
	o.number = head[3] + 1
	return string(body)
}

// greet is a server's first packet.
func greet(can uint32, way string) string {
	return "\x0a8.0.36\x00" + "\x01\x00\x00\x00" + salt[:8] + "\x00" +
		string([]byte{byte(can), byte(can >> 8), utf8mb4General, 2, 0, byte(can >> 16), byte(can >> 24), saltSize + 1}) +
		strings.Repeat("\x00", 10) + salt[8:] + "\x00" + way + "\x00"
}

// server plays the other end of each connection.
func server(t *testing.T, network string, play func(*other)) Config {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
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
				play(&other{Conn: line})
			}()
		}
	}()
	return Config{Network: network, Address: port.Addr().String(), User: "u", Password: "pw", Database: "d"}
}

const refusal = "\xff\x15\x04#28000Access denied for 'k7m2p9xq'"

// knows tells whether a proof of caching_sha2_password comes from somebody who
// knows pw: as a server finds out, from the hash of the hash that it keeps.
func knows(proof string) bool {
	kept := sha256.Sum256(digest(sha256.New(), []byte("pw")))
	once := xor([]byte(proof), digest(sha256.New(), kept[:], []byte(salt)))
	again := sha256.Sum256(once)
	return again == kept
}

// proofIn finds the proof in a client's hello.
func proofIn(hello string) string {
	_, rest, _ := strings.Cut(hello[32:], "\x00")
	return rest[1 : 1+rest[0]]
}

func TestLogInByCachedHash(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	verdict := func(o *other, ok bool) {
		if ok {
			o.say("\x00\x00\x00\x02\x00\x00\x00")
		} else {
			o.say(refusal)
		}
		o.hear()
	}
	for name, test := range map[string]struct {
		network string
		play    func(o *other)
	}{
		"remembered": {"tcp", func(o *other) {
			o.say(greet(needed, caching))
			proof := proofIn(o.hear())
			o.say("\x01\x03")
			verdict(o, knows(proof))
		}},
		"switched to": {"tcp", func(o *other) {
			o.say(greet(needed, "sha256_password"))
			o.hear()
			o.say("\xfe" + caching + "\x00" + salt + "\x00")
			proof := o.hear()
			o.say("\x01\x03")
			verdict(o, knows(proof))
		}},
		"forgotten, at a socket": {"unix", func(o *other) {
			o.say(greet(needed, caching))
			o.hear()
			o.say("\x01\x04")
			verdict(o, o.hear() == "pw\x00")
		}},
		"forgotten, by key": {"tcp", func(o *other) {
			o.say(greet(needed, caching))
			o.hear()
			o.say("\x01\x04")
			wish := o.hear()
			o.say("\x01" + public)
			plain, err := rsa.DecryptOAEP(sha1.New(), nil, key, []byte(o.hear()), nil)
			verdict(o, err == nil && wish == "\x02" && string(xor(plain, []byte(salt))) == "pw\x00")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Connect(t.Context(), server(t, test.network, test.play))
			if err != nil {
				t.Fatal(err)
			}
			_ = c.Close()
		})
	}
}

func TestLogInIsCareful(t *testing.T) {
	plainly := func(say ...string) func(*other) {
		return func(o *other) {
			for _, text := range say {
				o.say(text)
				if o.hear() == "" {
					return
				}
			}
		}
	}
	unknown := "the database wants a way to log in that is not known here: identify the user by mysql_native_password or caching_sha2_password"
	for name, test := range map[string]struct {
		play func(*other)
		want string
	}{
		"the password in the clear": {plainly(greet(needed, native), "\xfemysql_clear_password\x00"), unknown},
		"another way":               {plainly(greet(needed, "client_ed25519"), "\xfeclient_ed25519\x00"+strings.Repeat("s", 32)), unknown},
		"a way twice":               {plainly(greet(needed, native), "\xfe"+native+"\x00"+salt+"\x00", "\xfe"+native+"\x00"+salt+"\x00"), "it does not speak as MySQL does"},
		"a short challenge":         {plainly(greet(needed, native), "\xfe"+native+"\x00short\x00"), "it does not speak as MySQL does"},
		"the password, unasked for": {plainly(greet(needed, native), "\x01\x04"), "it does not speak as MySQL does"},
		"no key":                    {plainly(greet(needed, caching), "\x01\x04", "\x01nothing"), "it does not speak as MySQL does"},
		"refused":                   {plainly(greet(needed, native), refusal), "the database answered 1045"},
		"refused at once":           {plainly("\xff\x6a\x04Host '10.0.0.9' is not allowed"), "the database answered 1130"},
		"old":                       {plainly(greet(needed&^canPlugins, native)), "the database is too old: MySQL or MariaDB 5.5 is needed at least"},
		"another protocol":          {plainly("\x09" + greet(needed, native)[1:]), "it does not speak as MySQL does"},
		"cut short":                 {plainly(greet(needed, native)[:30]), "it does not speak as MySQL does"},
		"a web page":                {func(o *other) { _, _ = io.WriteString(o, "HTTP/1.1 400 Bad Request\r\n\r\n") }, "it does not speak as MySQL does"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Connect(t.Context(), server(t, "tcp", test.play)); err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

// Without TLS nothing is sent but that it is wanted, and nothing is heard that
// somebody on the way has put before it.
func TestTLSIsInsistedOn(t *testing.T) {
	heard := make(chan string, 1)
	cfg := server(t, "tcp", func(o *other) { o.say(greet(needed, native)); heard <- o.hear() })
	cfg.TLS = &tls.Config{ServerName: "db"}
	_, err := Connect(t.Context(), cfg)
	if err == nil || err.Error() != "the database has no TLS: set ssl_cert and ssl_key in its configuration" {
		t.Error(err)
	}
	if got := <-heard; got != "" {
		t.Errorf("sent %q", got)
	}
	cfg = server(t, "tcp", func(o *other) {
		first, second := &bytes.Buffer{}, "\x07\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00"
		body := greet(needed|canTLS, native)
		first.Write([]byte{byte(len(body)), 0, 0, 0})
		first.WriteString(body + second)
		_, _ = o.Write(first.Bytes())
		heard <- o.hear()
	})
	cfg.TLS = &tls.Config{ServerName: "db"}
	if _, err = Connect(t.Context(), cfg); !errors.Is(err, errProtocol) {
		t.Error(err)
	}
	if got := <-heard; got != "" {
		t.Errorf("sent %q", got)
	}
}

func TestRun(t *testing.T) {
	cfg := server(t, "tcp", func(o *other) {
		o.say(greet(needed, native))
		o.hear()
		o.say("\x00\x00\x00\x02\x00\x00\x00")
		for {
			switch said := o.hear(); {
			case said == "\x03SELECT 'a' AND _utf8mb4 X'27'":
				for _, body := range []string{"\x02", "column", "column", "\xfe\x00\x00\x02\x00", "\x03one\xfb", "\xfb\xfc\x03\x00two", "\xfe\x00\x00\x02\x00"} {
					o.say(body)
				}
			case said == "\x03DELETE":
				o.say("\x00\x01\x00\x02\x00\x00\x00")
			case said == "\x03FAIL":
				o.say("\xff\x26\x04#23000Duplicate entry 'k7m2p9xq'")
			case said == "\x03FILE":
				o.say("\xfb/etc/passwd")
			case said == "\x03FLOOD":
				o.say("\x01")
				o.say("column")
				o.say("\xfe\x00\x00\x02\x00")
				for row := strings.Repeat("\x00", 64); o.Conn != nil; o.number++ {
					body := "\xfd\x00\x00\x08" + strings.Repeat(row, 1<<13)
					if _, err := o.Write(append([]byte{4, 0, 8, o.number}, body...)); err != nil {
						return
					}
				}
			default:
				return
			}
		}
	})
	connect := func() *Conn {
		c, err := Connect(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := connect()
	rows, err := c.Run(t.Context(), "SELECT ? AND ?", "a", "'")
	if err != nil || len(rows) != 2 || strings.Join(rows[0], "|") != "one|" || strings.Join(rows[1], "|") != "|two" {
		t.Errorf("%q, %v", rows, err)
	}
	if rows, err = c.Run(t.Context(), "DELETE"); err != nil || rows != nil {
		t.Errorf("%q, %v", rows, err)
	}
	var answer *Error
	if _, err := c.Run(t.Context(), "FAIL"); !errors.As(err, &answer) || err.Error() != "the database answered 1062" || c.Broken() {
		t.Errorf("%v, broken %v", err, c.Broken())
	}
	if _, err := c.Run(t.Context(), "SELECT ?"); err == nil || err.Error() != "a statement with 1 parameters was given 0" || c.Broken() {
		t.Errorf("%v, broken %v", err, c.Broken())
	}
	for statement, want := range map[string]string{"FILE": "it does not speak as MySQL does", "FLOOD": "more than 8388608 bytes", "HANG UP": "EOF"} {
		c := connect()
		if _, err := c.Run(t.Context(), statement); err == nil || err.Error() != want || !c.Broken() {
			t.Errorf("%s: %v, broken %v", statement, err, c.Broken())
		}
		_ = c.Close()
	}
	_ = c.Close()
}

func TestDeadline(t *testing.T) {
	cfg := server(t, "tcp", func(o *other) { o.hear() })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Connect(ctx, cfg); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestLiteral(t *testing.T) {
	for text, want := range map[string]string{
		"":               `''`,
		"htl:00 (a) - b": `'htl:00 (a) - b'`,
		`'; DROP`:        `_utf8mb4 X'273b2044524f50'`,
		`a\`:             `_utf8mb4 X'615c'`,
		"ü":              `_utf8mb4 X'c3bc'`,
		"a\x00b":         `_utf8mb4 X'610062'`,
	} {
		if got := literal(text); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
}

func FuzzTexts(f *testing.F) {
	f.Add([]byte("\x03one\xfb"), 2)
	f.Add([]byte("\xfe\xff\xff\xff\xff\xff\xff\xff\xff"), 1)
	f.Fuzz(func(t *testing.T, body []byte, columns int) {
		columns = max(0, min(columns, maxColumns))
		row, err := texts(body, columns)
		size := 0
		for _, text := range row {
			size += len(text)
		}
		if err == nil && size > len(body) {
			t.Errorf("%d bytes from %d", size, len(body))
		}
	})
}

func FuzzGreeting(f *testing.F) {
	f.Add([]byte(greet(needed, caching)))
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) == 0 {
			return // receive gives none
		}
		if g, err := readGreeting(body); err == nil && len(g.salt) != saltSize {
			t.Errorf("%q", g.salt)
		}
	})
}
