package radiussim

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync"

	"edgeagent/hwsim/console"
)

// Proxy stands before a database and writes down the statements that pass, or
// lets them go wrong as a console does with requests.
type Proxy struct {
	kind, target string
	port         net.Listener

	mu       sync.Mutex
	faults   []*console.Fault
	requests []console.Request
	lines    map[net.Conn]struct{}
}

// StartProxy starts a proxy before a database.
func (d *Database) StartProxy() (*Proxy, error) {
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{kind: d.Kind, target: d.Addr, port: port, lines: map[net.Conn]struct{}{}}
	go func() {
		for {
			line, err := port.Accept()
			if err != nil {
				return
			}
			go p.serve(line)
		}
	}()
	return p, nil
}

// Addr is where it listens.
func (p *Proxy) Addr() string { return p.port.Addr().String() }

// Close ends it with all its lines.
func (p *Proxy) Close() error {
	err := p.port.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for line := range p.lines {
		_ = line.Close()
	}
	return err
}

// Inject makes the next statements go wrong that contain the fault's Match.
func (p *Proxy) Inject(f console.Fault) {
	if f.Count == 0 {
		f.Count = 1
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, &f)
}

// Heal removes all faults.
func (p *Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = nil
}

// Requests lists the statements since the last ForgetRequests, as "SQL text".
func (p *Proxy) Requests() []console.Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]console.Request(nil), p.requests...)
}

// ForgetRequests empties the list.
func (p *Proxy) ForgetRequests() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = nil
}

// seen writes a statement down and finds out whether it shall go wrong.
func (p *Proxy) seen(text string) (console.FaultKind, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, console.Request{Method: "SQL", Path: text})
	for _, f := range p.faults {
		if f.Count != 0 && strings.Contains("SQL "+text, f.Match) {
			if f.Count > 0 {
				f.Count--
			}
			return f.Kind, true
		}
	}
	return "", false
}

// barred reports whether a log-in is refused.
func (p *Proxy) barred() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.faults {
		if f.Kind == console.Unauthorized && f.Count != 0 {
			if f.Count > 0 {
				f.Count--
			}
			return true
		}
	}
	return false
}

func (p *Proxy) track(line net.Conn) (untrack func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines[line] = struct{}{}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.lines, line)
	}
}

// serve carries one connection.
func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	defer p.track(client)()
	if p.barred() {
		p.bar(client)
		return
	}
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	back := &valve{to: client, passed: make(chan struct{}, 1)}
	go func() {
		_, _ = io.Copy(back, server)
		_ = client.Close()
	}()
	in := bufio.NewReader(client)
	first := p.kind == "postgres"
	for {
		raw, text, err := p.unit(in, first)
		if err != nil {
			return
		}
		first = false
		kind, wrong := console.FaultKind(""), false
		if text != "" {
			kind, wrong = p.seen(text)
		}
		if wrong && !p.misbehave(kind, client, server, back, raw) {
			return
		}
		if !wrong {
			if _, err := server.Write(raw); err != nil {
				return
			}
		}
	}
}

// misbehave does a fault and reports whether the connection goes on.
func (p *Proxy) misbehave(kind console.FaultKind, client, server net.Conn, back *valve, raw []byte) bool {
	switch kind {
	case console.DropAfterCommit, console.SilentAfterCommit:
		back.shut()
		_, _ = server.Write(raw)
		<-back.passed
		if kind == console.SilentAfterCommit {
			_, _ = io.Copy(io.Discard, client)
		}
		return false
	case console.Silent:
		_, _ = io.Copy(io.Discard, client)
		return false
	case console.NotJSON:
		_, _ = io.WriteString(client, "<html><body>It works!</body></html>\n")
		return false
	case console.EndlessBody:
		for {
			if _, err := client.Write(p.endless()); err != nil {
				return false
			}
		}
	}
	code, ok := failures[kind]
	if !ok { // Drop, Unauthorized
		return false
	}
	_, err := client.Write(p.failure(code, 1))
	return err == nil
}

// valve lets through what a server says, until it is shut.
type valve struct {
	mu     sync.Mutex
	to     net.Conn
	closed bool
	passed chan struct{}
}

func (v *valve) shut() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.closed = true
}

func (v *valve) Write(b []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		select {
		case v.passed <- struct{}{}:
		default:
		}
		return len(b), nil
	}
	return v.to.Write(b)
}

// code is an error as both kinds of database number it.
type code struct {
	mysql    uint16
	sqlstate string
}

// failures are what a console's refusals are in a database.
var failures = map[console.FaultKind]code{
	console.TooMany:     {1040, "53300"}, // too many connections
	console.Forbidden:   {1142, "42501"}, // no right to the table
	console.ServerError: {1205, "55P03"}, // a lock was not to be had
	console.Redirect:    {1049, "3D000"}, // no such database
}

var refused = code{1045, "28P01"}

var errUnit = errors.New("not a message of this database")

// unit reads what goes to the server in one piece, and the statement in it.
func (p *Proxy) unit(in *bufio.Reader, first bool) (raw []byte, text string, err error) {
	if p.kind == "mysql" {
		head := make([]byte, 4)
		if _, err := io.ReadFull(in, head); err != nil {
			return nil, "", err
		}
		body := make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
		if _, err := io.ReadFull(in, body); err != nil {
			return nil, "", err
		}
		if head[3] == 0 && len(body) > 1 && body[0] == 3 { // COM_QUERY
			text = string(body[1:])
		}
		return append(head, body...), text, nil
	}
	for {
		skip := 1 // the kind
		if first {
			skip = 0
		}
		head := make([]byte, skip+4)
		if _, err := io.ReadFull(in, head); err != nil {
			return nil, "", err
		}
		size := binary.BigEndian.Uint32(head[skip:])
		if size < 4 || size > 1<<24 {
			return nil, "", errUnit
		}
		body := make([]byte, size-4)
		if _, err := io.ReadFull(in, body); err != nil {
			return nil, "", err
		}
		raw = append(append(raw, head...), body...)
		if first {
			return raw, "", nil
		}
		switch head[0] {
		case 'P':
			text = strings.Trim(string(body), "\x00")
		case 'B', 'E', 'D':
		default:
			return raw, text, nil
		}
	}
}

// failure is an error answer; seq is MySQL's number of the packet.
func (p *Proxy) failure(c code, seq byte) []byte {
	if p.kind == "mysql" {
		body := append(binary.LittleEndian.AppendUint16([]byte{0xff}, c.mysql), "#HY000'secret' in the words of the server"...)
		return append([]byte{byte(len(body)), byte(len(body) >> 8), 0, seq}, body...)
	}
	fields := "SERROR\x00C" + c.sqlstate + "\x00M'secret' in the words of the server\x00\x00"
	out := binary.BigEndian.AppendUint32([]byte{'E'}, uint32(len(fields)+4))
	return append(append(out, fields...), 'Z', 0, 0, 0, 5, 'I')
}

// endless is a piece of an answer without an end.
func (p *Proxy) endless() []byte {
	if p.kind == "mysql" {
		return make([]byte, 4096)
	}
	one := []byte{'D', 0, 0, 0, 11, 0, 1, 0, 0, 0, 1, 'x'}
	var out []byte
	for range 300 {
		out = append(out, one...)
	}
	return out
}

// bar refuses a log-in.
func (p *Proxy) bar(client net.Conn) {
	if p.kind == "postgres" { // it hears whom it refuses
		if _, _, err := p.unit(bufio.NewReader(client), true); err != nil {
			return
		}
	}
	_, _ = client.Write(p.failure(refused, 0))
}
