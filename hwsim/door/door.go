// Package door is the listening socket of a simulated server. It can be shut
// without giving up the port, so that a server that is down stays findable at
// the same address, and it can break connections as a line does.
package door

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Door is a listening socket. While it is held another socket, bound but not
// listening, keeps the port, so that the kernel refuses connections and nobody
// else gets the number in the meantime.
type Door struct {
	server *http.Server
	tls    *tls.Config

	mu       sync.Mutex
	listener net.Listener
	address  string
	holder   int // file descriptor of the bound socket, -1 if none
	conns    map[net.Conn]bool
	asked    map[string]bool // paths with their queries
	serving  sync.WaitGroup
}

// New makes the door to a handler; config is nil for plain HTTP.
func New(handler http.Handler, config *tls.Config) *Door {
	d := &Door{tls: config, holder: -1, conns: map[net.Conn]bool{}, asked: map[string]bool{}}
	d.server = &http.Server{Handler: d.noting(handler), ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10,
		ErrorLog: log.New(io.Discard, "", 0), ConnState: d.note}
	return d
}

// maxAsked is how many different addresses are remembered.
const maxAsked = 10_000

// noting remembers what is asked for.
func (d *Door) noting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := url.QueryUnescape(r.URL.RequestURI())
		if err != nil {
			text = r.URL.RequestURI()
		}
		d.mu.Lock()
		if len(d.asked) < maxAsked {
			d.asked[text] = true
		}
		d.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

// Asked are the paths that were asked for, with their queries, as people read them.
func (d *Door) Asked() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.asked))
}

// note keeps the connections that still belong to the HTTP server.
func (d *Door) note(c net.Conn, state http.ConnState) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch state {
	case http.StateNew:
		d.conns[c] = true
	case http.StateHijacked, http.StateClosed:
		delete(d.conns, c)
	}
}

// Open listens at an address; port 0 takes a free one.
func (d *Door) Open(address string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.listen(address)
}

func (d *Door) listen(address string) error {
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		if controlErr := raw.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
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

// Addr is the address as host:port.
func (d *Door) Addr() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.address
}

// Hold stops listening and keeps the port.
func (d *Door) Hold() error {
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

// Reopen listens again after Hold.
func (d *Door) Reopen() error {
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
	err := unix.Close(d.holder)
	d.holder = -1
	return err
}

// Shut stops listening for good, and ends the connections.
func (d *Door) Shut() error {
	d.mu.Lock()
	if d.listener != nil {
		_ = d.listener.Close() // nothing hangs on it any more
		d.listener = nil
	}
	if d.holder >= 0 {
		_ = unix.Close(d.holder) // as above
		d.holder = -1
	}
	d.mu.Unlock()
	d.serving.Wait() // else the server would close the listener once more
	return d.server.Close()
}

// ResetAll resets the connections that still belong to the HTTP server; those
// that were upgraded belong to whoever took them over.
func (d *Door) ResetAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.conns {
		ResetTCP(c)
	}
}

// ResetTCP closes so that the peer gets a RST instead of a FIN.
func ResetTCP(c net.Conn) {
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
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1),
		unix.Bind(fd, &unix.SockaddrInet4{Port: tcp.Port, Addr: [4]byte(tcp.IP.To4())}))
	if err != nil {
		_ = unix.Close(fd) // the first error tells more
		return -1, err
	}
	return fd, nil
}
