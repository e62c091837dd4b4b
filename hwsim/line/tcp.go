package line

import (
	"fmt"
	"net"
	"sync"
	"time"
)

// tcp is the line of a TCP listener.
type tcp[S Session] struct {
	name
	device Device[S]

	mu    sync.Mutex
	ln    net.Listener // nil when unplugged
	conns map[conn]S
}

// conn is one connection.
type conn struct{ net.Conn }

// TCP is a line on a TCP listener, not plugged in yet. addr is host:port; once
// plugged in, Name tells the address in use when its port is 0.
func TCP[S Session](addr string, d Device[S]) Line[S] {
	return &tcp[S]{name: name{text: addr}, device: d, conns: map[conn]S{}}
}

func (t *tcp[S]) Plug(as string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ln != nil {
		return ErrPlugged
	}
	if as == "" {
		as = t.Name()
	}
	ln, err := net.Listen("tcp", as)
	if err != nil {
		return fmt.Errorf("listen for the computer: %w", err)
	}
	t.ln = ln
	t.rename(ln.Addr().String())
	t.device.Go(func() { t.accept(ln) })
	return nil
}

func (t *tcp[S]) accept(ln net.Listener) {
	for {
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		c := conn{nc}
		se := t.device.Session(c)
		t.mu.Lock()
		if t.ln != ln {
			t.mu.Unlock()
			nc.Close()
			return
		}
		t.conns[c] = se
		t.mu.Unlock()
		t.device.Go(func() { t.read(c, se) })
	}
}

func (t *tcp[S]) read(c conn, se S) {
	defer func() {
		c.Close()
		t.mu.Lock()
		delete(t.conns, c)
		t.mu.Unlock()
	}()
	buf := make([]byte, 256)
	for {
		n, err := c.Read(buf)
		if n > 0 {
			se.Feed(buf[:n])
		}
		if err != nil {
			return
		}
	}
}

func (t *tcp[S]) Unplug() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ln == nil {
		return ErrUnplugged
	}
	err := t.ln.Close()
	t.ln = nil
	for c := range t.conns {
		c.Close()
	}
	return err
}

func (t *tcp[S]) Sessions() []S {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]S, 0, len(t.conns))
	for _, se := range t.conns {
		out = append(out, se)
	}
	return out
}

// Write implements Wire. It hides that of net.Conn.
func (c conn) Write(b []byte) bool {
	if err := c.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return false
	}
	_, err := c.Conn.Write(b)
	return err == nil
}

// Misread implements Wire.
func (conn) Misread(Speed) bool { return false }
