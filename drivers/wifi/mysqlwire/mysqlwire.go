// Package mysqlwire is as much of the protocol of MySQL and MariaDB as it takes
// to run single statements with text parameters: the general client costs the
// gateway's binary 0.2 MB, which it does not have.
//
// https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html
// https://mariadb.com/kb/en/clientserver-protocol/
package mysqlwire

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// Config says how to reach a database.
type Config struct {
	// Network is tcp or unix. For unix, Address is the path of the socket.
	Network, Address         string
	User, Password, Database string
	// TLS is wanted if not nil; a server that has none is refused. Without it the
	// line has to stay on this machine.
	TLS *tls.Config
}

// Error is an error that the server reports, by its number and nothing else: its
// words may quote a row.
type Error struct{ Code int }

func (e *Error) Error() string { return fmt.Sprint("the database answered ", e.Code) }

// Bounds of what is written and read.
const (
	maxStatement = 1<<24 - 2 // one packet holds it, with the byte of the command
	maxPacket    = 1 << 20
	maxColumns   = 64
	maxRows      = 200_000
	// maxAnswer is for all rows of an answer together, with what it costs to keep
	// them: a column of no bytes is still a string.
	maxAnswer  = 8 << 20
	columnCost = 16
	rowCost    = 24
)

var errProtocol = errors.New("it does not speak as MySQL does")

// Conn is a connection. It serves one caller at a time, and none after an
// error that is not an *Error.
type Conn struct {
	line   net.Conn
	in     *bufio.Reader
	number byte // of the next packet
	broken bool
}

// Connect opens a connection and logs in.
func Connect(ctx context.Context, cfg Config) (*Conn, error) {
	var dialer net.Dialer
	line, err := dialer.DialContext(ctx, cfg.Network, cfg.Address)
	if err != nil {
		return nil, err
	}
	c := &Conn{line: line, in: bufio.NewReader(line)}
	if err := c.within(ctx, func() error { return c.logIn(ctx, cfg) }); err != nil {
		_ = c.line.Close()
		return nil, err
	}
	return c, nil
}

// Broken reports whether the connection is of no more use.
func (c *Conn) Broken() bool { return c.broken }

// Commands of the client, and what an answer begins with.
const (
	comQuit  = 1
	comQuery = 3

	headOK    = 0x00
	headMore  = 0x01 // of a log-in
	headNull  = 0xfb // in a row; as an answer, a wish for a file of ours
	headEOF   = 0xfe // at a log-in, the wish for another way
	headError = 0xff
)

// Close says goodbye.
func (c *Conn) Close() error {
	c.broken = true
	_ = c.line.SetWriteDeadline(time.Now().Add(time.Second))
	c.number = 0
	_ = c.send([]byte{comQuit})
	return c.line.Close()
}

// Run runs one statement, in which each ? is a parameter, and returns its rows
// as text; NULL is "". It must have no ? within quotes.
func (c *Conn) Run(ctx context.Context, statement string, args ...string) (rows [][]string, err error) {
	whole, err := fill(statement, args)
	if err != nil {
		return nil, err
	}
	err = c.within(ctx, func() error {
		rows, err = c.run(whole)
		return err
	})
	var answer *Error
	if err != nil && !errors.As(err, &answer) {
		c.broken = true
	}
	return rows, err
}

// fill puts literals where the parameters are, which takes one journey instead
// of the three of a prepared statement.
func fill(statement string, args []string) (string, error) {
	parts := strings.Split(statement, "?")
	if len(parts) != len(args)+1 {
		return "", fmt.Errorf("a statement with %d parameters was given %d", len(parts)-1, len(args))
	}
	var whole strings.Builder
	for i, part := range parts {
		whole.WriteString(part)
		if i < len(args) {
			whole.WriteString(literal(args[i]))
		}
	}
	if whole.Len() > maxStatement {
		return "", fmt.Errorf("a statement of %d bytes is too long", whole.Len())
	}
	return whole.String(), nil
}

// literal needs no escaping, of which the server's sql_mode has its own ideas: a
// text with anything but plain characters goes as hex.
func literal(text string) string {
	for i := range len(text) {
		if b := text[i]; b < ' ' || b > '~' || b == '\'' || b == '\\' {
			return "_utf8mb4 X'" + hex.EncodeToString([]byte(text)) + "'"
		}
	}
	return "'" + text + "'"
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

func (c *Conn) run(statement string) ([][]string, error) {
	c.number = 0
	if err := c.send(append([]byte{comQuery}, statement...)); err != nil {
		return nil, err
	}
	head, err := c.receive()
	if err != nil {
		return nil, err
	}
	switch head[0] {
	case headOK:
		return nil, nil
	case headError:
		return nil, serverError(head)
	case headNull:
		return nil, errProtocol
	}
	count, rest, ok := length(head)
	if !ok || len(rest) != 0 || count == 0 || count > maxColumns {
		return nil, errProtocol
	}
	for range count { // names and types, which are known
		if _, err := c.receive(); err != nil {
			return nil, err
		}
	}
	end, err := c.receive()
	if err == nil && !isEOF(end) {
		err = errProtocol
	}
	if err != nil {
		return nil, err
	}
	return c.rows(int(count))
}

func (c *Conn) rows(columns int) ([][]string, error) {
	var rows [][]string
	for held := 0; ; {
		body, err := c.receive()
		if err != nil {
			return nil, err
		}
		switch {
		case isEOF(body):
			return rows, nil
		case body[0] == headError:
			return nil, serverError(body)
		}
		row, err := texts(body, columns)
		if err != nil {
			return nil, err
		}
		if rows = append(rows, row); len(rows) > maxRows {
			return nil, fmt.Errorf("more than %d rows", maxRows)
		}
		if held += len(body) + rowCost + columnCost*columns; held > maxAnswer {
			return nil, fmt.Errorf("more than %d bytes", maxAnswer)
		}
	}
}

// texts reads a row.
func texts(body []byte, columns int) ([]string, error) {
	row := make([]string, columns)
	for i := range row {
		if len(body) > 0 && body[0] == headNull {
			body = body[1:]
			continue
		}
		size, rest, ok := length(body)
		if !ok || size > uint64(len(rest)) {
			return nil, errProtocol
		}
		row[i], body = string(rest[:size]), rest[size:]
	}
	if len(body) != 0 {
		return nil, errProtocol
	}
	return row, nil
}

// length reads a length-encoded number.
func length(b []byte) (n uint64, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, nil, false
	}
	width := map[byte]int{0xfc: 2, 0xfd: 3, 0xfe: 8}[b[0]]
	switch {
	case b[0] < headNull:
		return uint64(b[0]), b[1:], true
	case width == 0 || len(b) <= width:
		return 0, nil, false
	}
	for i := width; i > 0; i-- {
		n = n<<8 | uint64(b[i])
	}
	return n, b[1+width:], true
}

func isEOF(body []byte) bool { return body[0] == headEOF && len(body) < 9 }

// serverError keeps the number of an error.
func serverError(body []byte) error {
	if len(body) < 3 {
		return errProtocol
	}
	return &Error{Code: int(body[1]) | int(body[2])<<8}
}

// send sends a packet.
func (c *Conn) send(body []byte) error {
	n := len(body)
	_, err := c.line.Write(append([]byte{byte(n), byte(n >> 8), byte(n >> 16), c.number}, body...))
	c.number++
	return err
}

// receive reads a packet, of one byte at least.
func (c *Conn) receive() ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(c.in, head[:]); err != nil {
		return nil, err
	}
	size := int(head[0]) | int(head[1])<<8 | int(head[2])<<16
	if size == 0 || size > maxPacket || head[3] != c.number {
		return nil, errProtocol
	}
	c.number++
	body := make([]byte, size)
	_, err := io.ReadFull(c.in, body)
	return body, err
}
