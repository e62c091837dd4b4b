package tvsim

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// webPath is where the broker takes WebSockets, as Mosquitto and others have it by default.
const webPath = "/mqtt"

// WebURL is the address for browsers; "" without WebAddr. Before the first
// start its port may not be known yet.
func (b *Broker) WebURL() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.webAddr == "" {
		return ""
	}
	return "ws://" + b.webAddr + webPath
}

// web is the door for browsers: a listener whose connections came as
// WebSockets and carry plain MQTT.
type web struct {
	open   net.Listener
	server *http.Server
	conns  chan net.Conn
	gone   chan struct{}
	once   sync.Once
}

func newWeb(open net.Listener) *web {
	w := &web{open: open, conns: make(chan net.Conn), gone: make(chan struct{})}
	w.server = &http.Server{Handler: w, ReadHeaderTimeout: patience}
	go func() { _ = w.server.Serve(open) }()
	return w
}

// ServeHTTP upgrades a connection. Like every broker it does not ask which page
// it comes from: who may do what is settled by user name and password.
func (w *web) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	if r.URL.Path != webPath {
		http.NotFound(out, r)
		return
	}
	upgrader := websocket.Upgrader{Subprotocols: []string{"mqtt"}, CheckOrigin: func(*http.Request) bool { return true }}
	socket, err := upgrader.Upgrade(out, r, nil)
	if err != nil {
		return // it has answered
	}
	if socket.Subprotocol() != "mqtt" {
		_ = socket.Close()
		return
	}
	socket.SetReadLimit(1 << 20)
	select {
	case w.conns <- &webConn{Conn: socket.NetConn(), socket: socket}:
	case <-w.gone:
		_ = socket.Close()
	}
}

func (w *web) Accept() (net.Conn, error) {
	select {
	case conn := <-w.conns:
		return conn, nil
	case <-w.gone:
		return nil, net.ErrClosed
	}
}

func (w *web) Addr() net.Addr { return w.open.Addr() }

func (w *web) Close() error {
	w.once.Do(func() { close(w.gone) })
	return w.server.Close()
}

// webConn is the stream of bytes in the binary frames of a WebSocket. A frame
// need not be a packet.
type webConn struct {
	net.Conn
	socket *websocket.Conn
	frame  io.Reader // what is left of the one being read
}

var errText = errors.New("MQTT comes in binary frames")

func (c *webConn) Read(p []byte) (int, error) {
	for {
		if c.frame == nil {
			kind, frame, err := c.socket.NextReader()
			if err != nil {
				return 0, err
			}
			if kind != websocket.BinaryMessage {
				return 0, errText
			}
			c.frame = frame
		}
		n, err := c.frame.Read(p)
		if errors.Is(err, io.EOF) {
			c.frame, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (c *webConn) Write(p []byte) (int, error) {
	if err := c.socket.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	if err := c.socket.WriteMessage(websocket.BinaryMessage, p); err != nil {
		return 0, err
	}
	return len(p), nil
}
