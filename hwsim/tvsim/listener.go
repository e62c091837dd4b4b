package tvsim

import (
	"crypto/tls"
	"log/slog"
	"net"
	"sync"

	"github.com/mochi-mqtt/server/v2/listeners"
)

// listener hands connections to the broker, and knows all of them, so that
// stopping can mean what a power cut means: every socket closed, nobody told.
type listener struct {
	id    string
	open  net.Listener
	mu    sync.Mutex
	conns map[net.Conn]struct{}
	gone  bool
	busy  sync.WaitGroup
}

func newListener(id string, open net.Listener) *listener {
	return &listener{id: id, open: open, conns: map[net.Conn]struct{}{}}
}

func (l *listener) Init(*slog.Logger) error { return nil }
func (l *listener) ID() string              { return l.id }
func (l *listener) Address() string         { return l.open.Addr().String() }
func (l *listener) Protocol() string        { return "tcp" }

func (l *listener) Serve(establish listeners.EstablishFn) {
	for {
		conn, err := l.open.Accept()
		if err != nil {
			return
		}
		if !l.add(conn) {
			_ = conn.Close()
			return
		}
		go func() {
			defer l.drop(conn)
			_ = establish(l.ID(), conn)
		}()
	}
}

func (l *listener) add(conn net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone {
		return false
	}
	l.conns[conn] = struct{}{}
	l.busy.Add(1)
	return true
}

func (l *listener) drop(conn net.Conn) {
	_ = conn.Close()
	l.mu.Lock()
	delete(l.conns, conn)
	l.mu.Unlock()
	l.busy.Done()
}

func (l *listener) cut() {
	_ = l.open.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone = true
	for conn := range l.conns {
		_ = conn.Close()
	}
}

func (l *listener) wait() { l.busy.Wait() }

// Close is the broker's own way of stopping.
func (l *listener) Close(closeClients listeners.CloseFn) {
	closeClients(l.ID())
	l.cut()
}

// open opens the listeners, and keeps their ports for later starts. The caller holds mu.
func (b *Broker) open() ([]*listener, error) {
	open, err := net.Listen("tcp", b.addr)
	if err != nil {
		return nil, err
	}
	b.addr = open.Addr().String()
	if b.opts.TLS != nil {
		open = tls.NewListener(open, b.opts.TLS)
	}
	doors := []*listener{newListener("tv", open)}
	if b.webAddr == "" {
		return doors, nil
	}
	if open, err = net.Listen("tcp", b.webAddr); err != nil {
		doors[0].cut()
		return nil, err
	}
	b.webAddr = open.Addr().String()
	return append(doors, newListener("web", newWeb(open))), nil
}
