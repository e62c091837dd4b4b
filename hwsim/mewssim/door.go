package mewssim

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// reusePort is SO_REUSEPORT on Linux, which package syscall leaves out there.
const reusePort = 0xf

// door is one listening host. It can be shut without giving up the port: a
// second socket, bound but not listening, keeps it, so that the kernel refuses
// connections and nobody else gets the number in the meantime.
type door struct {
	server *http.Server
	tls    *tls.Config

	mu       sync.Mutex
	listener net.Listener
	address  string
	holder   int // file descriptor of the bound socket, -1 if none
	conns    map[net.Conn]bool
	serving  sync.WaitGroup
}

func newDoor(handler http.HandlerFunc, config *tls.Config) *door {
	d := &door{tls: config, holder: -1, conns: map[net.Conn]bool{}}
	d.server = &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10,
		ErrorLog: log.New(io.Discard, "", 0), ConnState: d.note}
	return d
}

// note keeps the connections that still belong to the HTTP server.
func (d *door) note(c net.Conn, state http.ConnState) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch state {
	case http.StateNew:
		d.conns[c] = true
	case http.StateHijacked, http.StateClosed:
		delete(d.conns, c)
	}
}

func (d *door) open(address string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.listen(address)
}

func (d *door) listen(address string) error {
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		if controlErr := raw.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, reusePort, 1)
		}); controlErr != nil {
			return controlErr
		}
		return err
	}}
	l, err := lc.Listen(context.Background(), "tcp", address)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", address, err)
	}
	d.listener, d.address = l, l.Addr().String()
	serve := l
	if d.tls != nil {
		serve = tls.NewListener(l, d.tls)
	}
	d.serving.Go(func() { _ = d.server.Serve(serve) }) // ends when the listener is closed
	return nil
}

func (d *door) addr() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.address
}

// hold stops listening and keeps the port.
func (d *door) hold() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.listener == nil {
		return nil
	}
	fd, err := bindOnly(d.listener.Addr())
	if err != nil {
		return fmt.Errorf("keeping port of %s: %w", d.address, err)
	}
	d.holder = fd
	err = d.listener.Close()
	d.listener = nil
	return err
}

// reopen listens again after hold.
func (d *door) reopen() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.listener != nil {
		return nil
	}
	if d.holder < 0 {
		return errors.New("the server is closed")
	}
	if err := d.listen(d.address); err != nil {
		return err
	}
	err := syscall.Close(d.holder)
	d.holder = -1
	return err
}

// shut stops listening for good.
func (d *door) shut() error {
	d.mu.Lock()
	if d.listener != nil {
		_ = d.listener.Close() // nothing hangs on it any more
		d.listener = nil
	}
	if d.holder >= 0 {
		_ = syscall.Close(d.holder) // as above
		d.holder = -1
	}
	d.mu.Unlock()
	d.serving.Wait() // else the server would close the listener once more
	return d.server.Close()
}

// resetAll resets the connections that are plain HTTP.
func (d *door) resetAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.conns {
		resetTCP(c)
	}
}

// resetTCP closes so that the peer gets a RST instead of a FIN.
func resetTCP(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0) // an error means it is closed already
	}
	_ = c.Close() // as above
}

func bindOnly(addr net.Addr) (int, error) {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok || tcp.IP.To4() == nil {
		return -1, fmt.Errorf("%s is no IPv4 address", addr)
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	err = errors.Join(
		syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1),
		syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, reusePort, 1),
		syscall.Bind(fd, &syscall.SockaddrInet4{Port: tcp.Port, Addr: [4]byte(tcp.IP.To4())}))
	if err != nil {
		_ = syscall.Close(fd) // the first error tells more
		return -1, err
	}
	return fd, nil
}
