package pn532sim

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
	conns map[*tcpConn]*session
}

type tcpConn struct{ net.Conn }

// ListenTCP adds a port on a TCP listener. addr is host:port; Port.Name tells
// the address in use when its port is 0.
func (c *Chip) ListenTCP(addr string, opts PortOptions) (*Port, error) {
	p := &Port{chip: c, path: addr, opts: opts}
	k := &tcp{port: p, conns: map[*tcpConn]*session{}}
	p.kind = k
	if err := c.addPort(p); err != nil {
		return nil, err
	}
	if err := k.plug(""); err != nil {
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
		return fmt.Errorf("listen for the host: %w", err)
	}
	c.ln = ln
	c.port.mu.Lock()
	c.port.path = ln.Addr().String()
	c.port.mu.Unlock()
	c.port.chip.watch(func() { c.accept(ln) })
	return nil
}

func (c *tcp) accept(ln net.Listener) {
	for {
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		co := &tcpConn{nc}
		se := &session{port: c.port, wire: co}
		c.mu.Lock()
		if c.ln != ln {
			c.mu.Unlock()
			nc.Close()
			return
		}
		c.conns[co] = se
		c.mu.Unlock()
		c.port.chip.watch(func() { c.read(co, se) })
	}
}

func (c *tcp) read(co *tcpConn, se *session) {
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
func (co *tcpConn) write(b []byte) bool {
	if err := co.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return false
	}
	_, err := co.Write(b)
	return err == nil
}

// misread implements wire: TCP has no line speed.
func (co *tcpConn) misread() bool { return false }
