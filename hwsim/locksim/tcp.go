package locksim

import (
	"fmt"
	"net"
	"sync"
	"time"
)

// tcp is the carrier of a TCP listener.
type tcp struct {
	port  *Port
	mu    sync.Mutex
	ln    net.Listener // nil when unplugged
	conns map[*conn]*session
}

type conn struct{ net.Conn }

// ListenTCP adds a port on a TCP listener. addr is host:port; Port.Name tells
// the address in use when its port is 0.
func (s *System) ListenTCP(addr string, opts PortOptions) (*Port, error) {
	p, err := s.newPort(addr, opts)
	if err != nil {
		return nil, err
	}
	c := &tcp{port: p, conns: map[*conn]*session{}}
	p.kind = c
	if err := s.addPort(p); err != nil {
		return nil, err
	}
	if err := c.plug(""); err != nil {
		return nil, err
	}
	return p, nil
}

func (c *tcp) plug(rename string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ln != nil {
		return errPlugged
	}
	addr := rename
	if addr == "" {
		addr = c.port.Name()
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen for the agent: %w", err)
	}
	c.ln = ln
	c.port.mu.Lock()
	c.port.name = ln.Addr().String()
	c.port.mu.Unlock()
	c.port.sys.spawn(func() { c.accept(ln) })
	return nil
}

func (c *tcp) accept(ln net.Listener) {
	for {
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		co := &conn{nc}
		se := c.port.session(co)
		c.mu.Lock()
		if c.ln != ln {
			c.mu.Unlock()
			nc.Close()
			return
		}
		c.conns[co] = se
		c.mu.Unlock()
		c.port.sys.spawn(func() { c.read(co, se) })
	}
}

func (c *tcp) read(co *conn, se *session) {
	defer func() {
		co.Close()
		c.mu.Lock()
		delete(c.conns, co)
		c.mu.Unlock()
	}()
	buf := make([]byte, 256)
	for {
		n, err := co.Read(buf)
		if n > 0 {
			se.feed(buf[:n])
		}
		if err != nil {
			return
		}
	}
}

func (c *tcp) unplug() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ln == nil {
		return errUnplugged
	}
	err := c.ln.Close()
	c.ln = nil
	for co := range c.conns {
		co.Close()
	}
	return err
}

func (c *tcp) shut() { _ = c.unplug() }

func (c *tcp) sessions() []*session {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]*session, 0, len(c.conns))
	for _, se := range c.conns {
		out = append(out, se)
	}
	return out
}

// write implements wire.
func (co *conn) write(b []byte) bool {
	if err := co.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return false
	}
	_, err := co.Write(b)
	return err == nil
}

// misread implements wire: TCP has no line speed.
func (co *conn) misread() bool { return false }
