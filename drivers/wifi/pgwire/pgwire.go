// Package pgwire is as much of PostgreSQL's protocol 3.0 as it takes to run
// single statements with text parameters: the general clients cost the gateway's
// binary 0.3 to 0.7 MB, which it does not have.
//
// https://www.postgresql.org/docs/current/protocol.html
package pgwire

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Config says how to reach a database.
type Config struct {
	// Network is tcp or unix. For unix, Address is the path of the socket.
	Network, Address         string
	User, Password, Database string
	// TLS is wanted if not nil; a server that has none is refused.
	TLS *tls.Config
}

// Error is an error that the server reports, by its SQLSTATE and nothing else:
// its words may quote a row.
type Error struct{ Code string }

func (e *Error) Error() string { return "the database answered " + e.Code }

// Bounds of what is read.
const (
	maxMessage = 1 << 20
	maxRows    = 200_000
	// maxAnswer is for all rows of an answer together, with what it costs to keep
	// them: a column of no bytes is still a string.
	maxAnswer  = 8 << 20
	columnCost = 16
	rowCost    = 24
)

var errProtocol = errors.New("it does not speak as PostgreSQL does")

// Conn is a connection. It serves one caller at a time, and none after an
// error that is not an *Error.
type Conn struct {
	line   net.Conn
	in     *bufio.Reader
	broken bool
	// ServerVersion is what the server said of itself.
	ServerVersion string
}

// Connect opens a connection and logs in.
func Connect(ctx context.Context, cfg Config) (*Conn, error) {
	var dialer net.Dialer
	line, err := dialer.DialContext(ctx, cfg.Network, cfg.Address)
	if err != nil {
		return nil, err
	}
	c := &Conn{line: line}
	err = c.within(ctx, func() error {
		if cfg.TLS != nil {
			if err := c.secure(ctx, cfg.TLS); err != nil {
				return err
			}
		}
		c.in = bufio.NewReader(c.line)
		return c.logIn(cfg)
	})
	if err != nil {
		_ = c.line.Close()
		return nil, err
	}
	return c, nil
}

// Broken reports whether the connection is of no more use.
func (c *Conn) Broken() bool { return c.broken }

// Close says goodbye.
func (c *Conn) Close() error {
	c.broken = true
	_ = c.line.SetWriteDeadline(time.Now().Add(time.Second))
	_ = c.send(message('X'))
	return c.line.Close()
}

// Run runs one statement with its parameters $1, $2 and so on, and returns its
// rows as text; NULL is "".
func (c *Conn) Run(ctx context.Context, statement string, args ...string) (rows [][]string, err error) {
	err = c.within(ctx, func() error {
		rows, err = c.run(statement, args)
		return err
	})
	var answer *Error
	if err != nil && !errors.As(err, &answer) {
		c.broken = true
	}
	return rows, err
}

// within bounds work on the line by a context.
func (c *Conn) within(ctx context.Context, work func() error) error {
	line := c.line // TLS may come around it meanwhile
	deadline, _ := ctx.Deadline()
	_ = line.SetDeadline(deadline) // the zero time is none
	stop := context.AfterFunc(ctx, func() { _ = line.SetDeadline(time.Unix(1, 0)) })
	err := work()
	if !stop() && err == nil {
		return nil // too late to matter; the next call sets the deadline anew
	}
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return err
}

// secure asks for TLS and starts it. PostgreSQL answers with a single byte, so
// that nothing can be slipped in before the handshake.
func (c *Conn) secure(ctx context.Context, cfg *tls.Config) error {
	if err := c.send(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 8), sslRequest)); err != nil {
		return err
	}
	var answer [1]byte
	if _, err := io.ReadFull(c.line, answer[:]); err != nil {
		return err
	}
	switch answer[0] {
	case 'S':
	case 'N':
		return errors.New("the database has no TLS: switch ssl on in postgresql.conf")
	default:
		return errProtocol
	}
	safe := tls.Client(c.line, cfg)
	if err := safe.HandshakeContext(ctx); err != nil {
		return err
	}
	c.line = safe
	return nil
}

const (
	sslRequest = 80877103
	protocol3  = 196608
)

func (c *Conn) run(statement string, args []string) ([][]string, error) {
	parse := append(cstring(message('P'), ""), statement...)
	parse = append(parse, 0, 0, 0) // types are the server's to find
	bind := cstring(cstring(message('B'), ""), "")
	bind = binary.BigEndian.AppendUint16(bind, 0) // all as text
	bind = binary.BigEndian.AppendUint16(bind, uint16(len(args)))
	for _, a := range args {
		bind = append(binary.BigEndian.AppendUint32(bind, uint32(len(a))), a...)
	}
	bind = binary.BigEndian.AppendUint16(bind, 0)
	execute := append(cstring(message('E'), ""), 0, 0, 0, 0)
	if err := c.send(parse, bind, execute, message('S')); err != nil {
		return nil, err
	}
	var rows [][]string
	var failed error
	held := 0
	for {
		kind, body, err := c.receive()
		if err != nil {
			return nil, err
		}
		switch kind {
		case 'D':
			row, err := columns(body)
			if err != nil {
				return nil, err
			}
			if rows = append(rows, row); len(rows) > maxRows {
				return nil, fmt.Errorf("more than %d rows", maxRows)
			}
			if held += len(body) + rowCost + columnCost*len(row); held > maxAnswer {
				return nil, fmt.Errorf("more than %d bytes", maxAnswer)
			}
		case 'E':
			failed = serverError(body)
		case 'Z':
			return rows, failed
		case '1', '2', 'C', 'I', 'N', 'S', 'n', 's':
		default:
			return nil, errProtocol
		}
	}
}

// columns reads a DataRow.
func columns(body []byte) ([]string, error) {
	if len(body) < 2 {
		return nil, errProtocol
	}
	n := int(binary.BigEndian.Uint16(body))
	body = body[2:]
	row := make([]string, 0, min(n, 64))
	for range n {
		if len(body) < 4 {
			return nil, errProtocol
		}
		size := int32(binary.BigEndian.Uint32(body))
		body = body[4:]
		if size < 0 { // NULL
			row = append(row, "")
			continue
		}
		if int(size) > len(body) {
			return nil, errProtocol
		}
		row = append(row, string(body[:size]))
		body = body[size:]
	}
	return row, nil
}

// serverError keeps the SQLSTATE of an ErrorResponse.
func serverError(body []byte) error {
	for len(body) > 1 {
		field := body[0]
		end := 1
		for end < len(body) && body[end] != 0 {
			end++
		}
		if field == 'C' && end == 6 && state(body[1:end]) {
			return &Error{Code: string(body[1:end])}
		}
		body = body[min(end+1, len(body)):]
	}
	return &Error{Code: "XX000"}
}

func state(code []byte) bool {
	for _, b := range code {
		if (b < '0' || b > '9') && (b < 'A' || b > 'Z') {
			return false
		}
	}
	return true
}

// message begins a message; its length is filled in by send.
func message(kind byte) []byte { return []byte{kind, 0, 0, 0, 0} }

func cstring(m []byte, text string) []byte { return append(append(m, text...), 0) }

func (c *Conn) send(messages ...[]byte) error {
	var out []byte
	for _, m := range messages {
		if m[0] != 0 { // only the first ones of a connection have no kind
			binary.BigEndian.PutUint32(m[1:], uint32(len(m)-1))
		}
		out = append(out, m...)
	}
	_, err := c.line.Write(out)
	return err
}

func (c *Conn) receive() (kind byte, body []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(c.in, head[:]); err != nil {
		return 0, nil, err
	}
	size := binary.BigEndian.Uint32(head[1:])
	if size < 4 || size > maxMessage {
		return 0, nil, errProtocol
	}
	body = make([]byte, size-4)
	_, err = io.ReadFull(c.in, body)
	return head[0], body, err
}
