package mysqlwire

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"hash"
)

// Capabilities of client and server.
const (
	canLongPassword = 1 << 0
	canLongFlag     = 1 << 2
	canDatabase     = 1 << 3
	canProtocol41   = 1 << 9
	canTLS          = 1 << 11
	canTransactions = 1 << 13
	canSalt         = 1 << 15 // the challenge has 20 bytes
	canPlugins      = 1 << 19

	wanted = canLongPassword | canLongFlag | canDatabase | canProtocol41 | canTransactions | canSalt | canPlugins
	needed = canProtocol41 | canSalt | canPlugins
)

// Ways to log in.
const (
	native  = "mysql_native_password"
	caching = "caching_sha2_password"
)

const (
	protocol10 = 10
	// utf8mb4General is a collation that every server knows: what is sent and
	// received is UTF-8. Columns are compared by their own.
	utf8mb4General = 45
	saltSize       = 20
)

// greeting is what a server says first.
type greeting struct {
	can  uint32
	salt []byte
	way  string
}

// readGreeting reads a server's first packet. Servers that take nobody in say so
// here.
func readGreeting(body []byte) (g greeting, err error) {
	if body[0] == headError {
		return g, serverError(body)
	}
	_, rest, ok := bytes.Cut(body[1:], []byte{0}) // the server's version
	if body[0] != protocol10 || !ok || len(rest) < 4+8+1+2+1+2+2+1+10+12 {
		return g, errProtocol
	}
	rest = rest[4:] // the connection's number
	g.salt = append(g.salt, rest[:8]...)
	rest = rest[9:]
	g.can = uint32(binary.LittleEndian.Uint16(rest)) | uint32(binary.LittleEndian.Uint16(rest[5:]))<<16
	rest = rest[2+1+2+2+1+10:]
	g.salt = append(g.salt, rest[:12]...)
	if g.can&needed != needed {
		return g, errors.New("the database is too old: MySQL or MariaDB 5.5 is needed at least")
	}
	if len(rest) > 13 {
		g.way = string(bytes.TrimRight(rest[13:], "\x00"))
	}
	return g, nil
}

func (c *Conn) logIn(ctx context.Context, cfg Config) error {
	first, err := c.receive()
	if err != nil {
		return err
	}
	server, err := readGreeting(first)
	if err != nil {
		return err
	}
	hello := binary.LittleEndian.AppendUint32(nil, wanted)
	if cfg.TLS != nil {
		hello = binary.LittleEndian.AppendUint32(nil, wanted|canTLS)
	}
	hello = binary.LittleEndian.AppendUint32(hello, maxPacket)
	hello = append(hello, utf8mb4General)
	hello = append(hello, make([]byte, 23)...)
	if cfg.TLS != nil {
		if err := c.secure(ctx, cfg.TLS, server.can, hello); err != nil {
			return err
		}
	}
	if server.way != caching {
		server.way = native // the server asks again if it is for something else
	}
	proof := prove(server.way, cfg.Password, server.salt)
	hello = append(append(hello, cfg.User...), 0)
	hello = append(append(hello, byte(len(proof))), proof...)
	hello = append(append(hello, cfg.Database...), 0)
	hello = append(append(hello, server.way...), 0)
	if err := c.send(hello); err != nil {
		return err
	}
	return c.convince(cfg, server.way, server.salt)
}

// secure starts TLS. What has come in before it, nobody vouches for.
func (c *Conn) secure(ctx context.Context, cfg *tls.Config, can uint32, hello []byte) error {
	if can&canTLS == 0 {
		return errors.New("the database has no TLS: set ssl_cert and ssl_key in its configuration")
	}
	if c.in.Buffered() > 0 {
		return errProtocol
	}
	if err := c.send(hello); err != nil {
		return err
	}
	safe := tls.Client(c.line, cfg)
	if err := safe.HandshakeContext(ctx); err != nil {
		return err
	}
	c.line, c.in = safe, bufio.NewReader(safe)
	return nil
}

// convince answers a server until it takes us in. It may ask for another way
// once.
func (c *Conn) convince(cfg Config, way string, salt []byte) error {
	switched := false
	for {
		body, err := c.receive()
		if err != nil {
			return err
		}
		switch {
		case body[0] == headOK:
			return nil
		case body[0] == headError:
			return serverError(body)
		case body[0] == headEOF && !switched:
			switched = true
			name, rest, _ := bytes.Cut(body[1:], []byte{0})
			if way = string(name); way != native && way != caching {
				return errors.New("the database wants a way to log in that is not known here: identify the user by mysql_native_password or caching_sha2_password")
			}
			if salt = bytes.TrimSuffix(rest, []byte{0}); len(salt) != saltSize {
				return errProtocol
			}
			err = c.send(prove(way, cfg.Password, salt))
		case body[0] == headMore && way == caching && len(body) == 2:
			err = c.more(cfg, body[1], salt)
		default:
			return errProtocol
		}
		if err != nil {
			return err
		}
	}
}

// What a server says to a proof of caching_sha2_password.
const (
	shaRemembered = 3 // and OK follows
	shaWhole      = 4 // it wants the password itself
	shaKey        = 2 // our wish for its key
)

// more sends the password to a server that does not remember it: within TLS or a
// socket of this machine as it is, else encrypted for the key that it shows.
func (c *Conn) more(cfg Config, what byte, salt []byte) error {
	plain := append([]byte(cfg.Password), 0)
	switch {
	case what == shaRemembered:
		return nil
	case what != shaWhole:
		return errProtocol
	case cfg.TLS != nil || cfg.Network == "unix":
		return c.send(plain)
	}
	if err := c.send([]byte{shaKey}); err != nil {
		return err
	}
	body, err := c.receive()
	if err != nil {
		return err
	}
	block, _ := pem.Decode(body[1:])
	if body[0] != headMore || block == nil {
		return errProtocol
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	key, ok := parsed.(*rsa.PublicKey)
	if err != nil || !ok {
		return errProtocol
	}
	for i := range plain {
		plain[i] ^= salt[i%len(salt)]
	}
	sealed, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, key, plain, nil)
	if err != nil {
		return errProtocol
	}
	return c.send(sealed)
}

// prove shows that we know the password, without saying it: a hash of the
// challenge with what the server keeps (the hash of a hash), over the hash.
func prove(way, password string, salt []byte) []byte {
	if password == "" {
		return nil
	}
	if way == caching {
		once := digest(sha256.New(), []byte(password))
		return xor(once, digest(sha256.New(), digest(sha256.New(), once), salt))
	}
	once := digest(sha1.New(), []byte(password))
	return xor(once, digest(sha1.New(), salt, digest(sha1.New(), once)))
}

func digest(h hash.Hash, parts ...[]byte) []byte {
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
}

func xor(a, b []byte) []byte {
	for i := range a {
		a[i] ^= b[i]
	}
	return a
}
