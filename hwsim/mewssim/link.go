package mewssim

import (
	"io"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"edgeagent/hwsim/door"
)

const (
	// writeWithin is how long a client may take to make room for a write.
	writeWithin = 30 * time.Second
	// closeWithin is how long it may take to answer a close frame.
	closeWithin = 5 * time.Second
)

// link is one socket. The goroutine of the HTTP request reads, another writes
// what is queued, so that the desk never waits for a client.
type link struct {
	s      *Server
	seen   *Connect        // guarded by the book
	linked map[string]bool // devices, as they were when it connected
	done   chan struct{}   // closed when it ends

	mu     sync.Mutex
	ws     *websocket.Conn // nil before the 101
	queue  []frame
	wake   chan struct{} // has room for one
	frozen bool
	cut    bool // to be reset, as soon as there is something to reset
}

// frame is one message to be written; kind is an opcode.
type frame struct {
	kind   int
	data   []byte
	events int
}

func (s *Server) newLink() *link {
	s.mu.Lock()
	s.connects++
	l := &link{s: s, seen: &Connect{ID: s.connects, At: s.options.Now()}, linked: map[string]bool{},
		done: make(chan struct{}), wake: make(chan struct{}, 1)}
	s.mu.Unlock()
	s.book.write(func() { s.book.connects = append(s.book.connects, l.seen) })
	return l
}

// enter makes the link hear events, before the client knows that it is
// connected; no event is lost after that. It says no once the server closes.
func (s *Server) enter(l *link) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	maps.Copy(l.linked, s.world.linked)
	s.links[l] = true
	s.running.Add(1)
	s.book.write(func() { s.book.open++; l.seen.Status, l.seen.Linked = http.StatusSwitchingProtocols, len(l.linked) })
	return true
}

func (s *Server) leave(l *link) {
	close(l.done)
	s.mu.Lock()
	delete(s.links, l)
	s.mu.Unlock()
	s.book.write(func() { s.book.open--; l.seen.Ended = s.options.Now() })
	s.running.Done()
}

// run serves the socket until it ends.
func (l *link) run(ws *websocket.Conn) {
	defer func() { _ = ws.Close() }() // may be closed already
	f := l.s.Faults().Socket
	l.mu.Lock()
	l.ws = ws
	cut := l.cut
	l.mu.Unlock()
	if cut {
		door.ResetTCP(ws.NetConn())
		return
	}
	if f.CloseAtOnce != 0 {
		l.close(f.CloseAtOnce, "")
	}
	ws.SetReadLimit(1 << 20)
	ws.SetPingHandler(l.ping)
	ws.SetPongHandler(func(string) error { l.s.book.write(func() { l.seen.Pongs++ }); return nil })
	ws.SetCloseHandler(l.clientClose)
	l.s.running.Go(func() { l.write(f.PingEvery) })
	for {
		kind, data, err := ws.ReadMessage()
		if err != nil {
			if l.silent() { // a dead line does not end because the client says goodbye
				_, _ = io.Copy(io.Discard, ws.NetConn())
			}
			return
		}
		l.receive(kind, data)
	}
}

// receive takes what no client needs to send, except for the text ping.
func (l *link) receive(kind int, data []byte) {
	if kind == websocket.TextMessage && string(data) == "ping" {
		l.s.book.write(func() { l.seen.TextPings++ })
		l.send([]byte(nullEvents), 0)
		return
	}
	l.s.book.violate("client message", "%d bytes that are not ping", len(data))
}

func (l *link) ping(data string) error {
	l.s.book.write(func() { l.seen.Pings = append(l.seen.Pings, l.s.options.Now()) })
	if !l.s.Faults().Socket.NoPong {
		l.enqueue(frame{kind: websocket.PongMessage, data: []byte(data)})
	}
	return nil
}

// clientClose answers a close frame, unless there is silence.
func (l *link) clientClose(code int, _ string) error {
	l.s.book.write(func() { l.seen.ClientClose = code })
	if !l.silent() {
		_ = l.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(closeWithin)) // it may be gone
	}
	return nil
}

// silent says whether nothing may be sent, now.
func (l *link) silent() bool {
	l.mu.Lock()
	frozen := l.frozen
	l.mu.Unlock()
	return frozen || l.s.Faults().Socket.Silent
}

// send queues a text.
func (l *link) send(text []byte, events int) {
	l.enqueue(frame{kind: websocket.TextMessage, data: text, events: events})
}

func (l *link) enqueue(f frame) {
	l.mu.Lock()
	l.queue = append(l.queue, f)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default: // the writer will come anyway
	}
}

// write sends what is queued until the link ends.
func (l *link) write(pingEvery time.Duration) {
	var tick <-chan time.Time
	if pingEvery > 0 {
		t := time.NewTicker(pingEvery)
		defer t.Stop()
		tick = t.C
	}
	for {
		l.mu.Lock()
		frames := l.queue
		l.queue = nil
		l.mu.Unlock()
		for _, f := range frames {
			if err := l.put(f); err != nil {
				l.reset() // a client that hears nothing must not think that all is well
				return
			}
			if f.kind == websocket.CloseMessage {
				return
			}
		}
		select {
		case <-l.wake:
		case <-tick:
			l.enqueue(frame{kind: websocket.PingMessage})
		case <-l.done:
			return
		}
	}
}

// put writes one frame, into the books first, so that what a client has seen is
// always in them. What falls into a silence is lost.
func (l *link) put(f frame) error {
	if l.silent() {
		return nil
	}
	deadline := time.Now().Add(writeWithin)
	switch f.kind {
	case websocket.TextMessage:
		l.s.book.write(func() { l.seen.Frames++; l.seen.Events += f.events })
		_ = l.ws.SetWriteDeadline(deadline) // always nil
		return l.ws.WriteMessage(f.kind, f.data)
	case websocket.CloseMessage:
		_ = l.ws.SetReadDeadline(time.Now().Add(closeWithin)) // closed already: nothing to do
		fallthrough
	default:
		return l.ws.WriteControl(f.kind, f.data, deadline)
	}
}

// close queues a close frame and gives the client a moment to answer it.
// 1006 cannot be sent: it is a connection that ends without one.
func (l *link) close(code int, reason string) {
	if code == websocket.CloseAbnormalClosure {
		l.reset()
		return
	}
	l.s.book.write(func() { l.seen.ServerClose = code })
	l.enqueue(frame{kind: websocket.CloseMessage, data: websocket.FormatCloseMessage(code, reason)})
}

// reset ends the TCP connection with a RST.
func (l *link) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = true
	if l.ws != nil {
		door.ResetTCP(l.ws.NetConn())
	}
}

func (s *Server) openLinks() []*link {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*link, 0, len(s.links))
	for l := range s.links {
		out = append(out, l)
	}
	return out
}

func (s *Server) resetSockets() {
	for _, l := range s.openLinks() {
		l.reset()
	}
}

// DropSockets resets the open sockets and leaves the API alone.
func (s *Server) DropSockets() { s.resetSockets() }

// CloseSockets closes the open sockets with a code, after what is queued.
func (s *Server) CloseSockets(code int, reason string) {
	for _, l := range s.openLinks() {
		l.close(code, reason)
	}
}

// FreezeSockets makes the sockets open now half-open for good: they stay, but
// nothing is sent or answered. New ones are well.
func (s *Server) FreezeSockets() {
	for _, l := range s.openLinks() {
		l.mu.Lock()
		l.frozen = true
		l.mu.Unlock()
	}
}

// PingSockets sends one control ping to each open socket.
func (s *Server) PingSockets() {
	for _, l := range s.openLinks() {
		l.enqueue(frame{kind: websocket.PingMessage})
	}
}
