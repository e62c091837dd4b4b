package inspiresim

import (
	"context"
	"encoding/binary"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"edgeagent/hwsim/door"
)

// maxClientMessage bounds what a client can send; a subscribe takes under 1 KB.
const maxClientMessage = 1 << 20

// conn is one connection. The goroutine of the HTTP request reads; each
// subscription has one that writes events; timers do the rest.
type conn struct {
	s      *Server
	id     int
	appKey string
	legacy bool
	pinned *Faults
	seen   *Connect // guarded by the audit book
	ws     *websocket.Conn
	w      *wire
	ctx    context.Context // ends with the connection
	cancel context.CancelFunc
	pumps  sync.WaitGroup

	mu          sync.Mutex
	initialised bool
	acked       bool
	token       issued
	subs        map[string]*subscription
	sent        int       // events, for Faults.Then
	troubles    []Trouble // still to come
	closing     bool      // a close frame was sent or answered
	byServer    bool      // the server ended it, so the client is not to blame
	frozen      bool
	subscribed  bool // a subscribe came, whatever became of it
	pingLate    bool
	lastPing    time.Time
	lastHeard   time.Time
	awaited     []time.Time // server pings not yet answered
}

// newConn enters the request into the books and fixes its switches.
func (s *Server) newConn(r *http.Request) *conn {
	s.mu.Lock()
	s.connects++
	c := &conn{s: s, id: s.connects, subs: map[string]*subscription{}}
	if len(s.pinned) > 0 {
		first := s.pinned[0]
		c.pinned = &first
		s.pinned = s.pinned[1:]
	}
	s.mu.Unlock()
	c.troubles = append(c.troubles, c.faults().Then...)
	c.seen = &Connect{ID: c.id, At: s.now(), Offered: websocket.Subprotocols(r),
		Cookies: cookieNames(r), RequestID: r.Header.Get("X-Request-Id")}
	s.audit.write(func() { s.audit.connects = append(s.audit.connects, c.seen) })
	return c
}

func (c *conn) refuse(status int, problem string) {
	c.s.audit.write(func() { c.seen.Status, c.seen.Problem, c.seen.Ended = status, problem, c.s.now() })
}

func (c *conn) refuseHTTP(w http.ResponseWriter, status int, problem string) {
	c.refuse(status, problem)
	switch status {
	case http.StatusFound:
		w.Header().Set("Location", "/portal")
		writePage(w, status, portalPage)
	case http.StatusOK:
		writePage(w, status, portalPage)
	default:
		http.Error(w, http.StatusText(status), status)
	}
}

// faults are the switches of this connection now.
func (c *conn) faults() Faults {
	if c.pinned != nil {
		return *c.pinned
	}
	return c.s.Faults()
}

// faultsFor are the switches of one chain on this connection now.
func (c *conn) faultsFor(chain string) Faults {
	if c.pinned != nil {
		return *c.pinned
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if f, own := c.s.chainFaults[chain]; own {
		return f
	}
	return c.s.faults
}

// run serves the connection until it ends.
func (c *conn) run(ws *websocket.Conn) {
	c.ws = ws
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.w = &wire{conn: ws.NetConn(), closed: c.ctx.Done(), frozen: make(chan struct{}), drip: func() (int, time.Duration) {
		f := c.faults()
		return f.Life.DripBytes, f.Life.DripEvery
	}}
	if !c.s.enter(c) {
		c.reset()
		return
	}
	defer c.s.leave(c)
	defer c.end()
	f := c.faults()
	if f.Upgrade.Subprotocol == SubprotocolRequire && ws.Subprotocol() != protoTransport {
		c.s.audit.violate(c.id, "subprotocol", "graphql-transport-ws was not offered")
		c.close(4406, "Subprotocol not acceptable")
	}
	c.lastHeard = time.Now()
	c.after(f.Handshake.InitWithin, c.initLate)
	c.s.running.Go(c.live)
	ws.SetReadLimit(maxClientMessage)
	ws.SetPingHandler(c.controlPing)
	ws.SetPongHandler(c.controlPong)
	ws.SetCloseHandler(c.clientClose)
	for {
		kind, data, err := ws.ReadMessage()
		if err != nil {
			if c.isFrozen() {
				<-c.ctx.Done()
			}
			return
		}
		c.heard()
		if kind == websocket.BinaryMessage {
			c.s.audit.violate(c.id, "frame", "binary message")
			c.close(4400, "Invalid message received")
			continue
		}
		c.receive(data)
	}
}

// enter and leave keep the list of connections; enter says no once the server closes.
func (s *Server) enter(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.conns[c] = true
	s.running.Add(1)
	s.audit.write(func() { s.audit.open++ })
	return true
}

func (s *Server) leave(c *conn) {
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	s.audit.write(func() {
		s.audit.open--
		c.seen.Ended = s.now()
	})
	s.running.Done()
}

// end stops everything that belongs to the connection.
func (c *conn) end() {
	c.cancel()
	_ = c.ws.Close() // may be closed already
	c.finishAll(false)
	c.pumps.Wait()
}

// finishAll ends all subscriptions. It comes before the frame or the RST that
// tells the client, so that a quick one finds its chain free.
func (c *conn) finishAll(clean bool) {
	c.mu.Lock()
	subs, byServer := c.liveSubs(), c.byServer
	completed := make([]bool, len(subs))
	for i, sub := range subs {
		completed[i] = sub.completed
	}
	c.mu.Unlock()
	for i, sub := range subs {
		if !byServer && !completed[i] {
			c.s.audit.violate(c.id, "complete", "the client left without complete for a live subscription")
		}
		c.finish(sub, clean || completed[i])
	}
}

func (c *conn) isFrozen() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.frozen
}

func (c *conn) initLate() {
	c.mu.Lock()
	late := !c.initialised
	c.mu.Unlock()
	if late {
		c.s.audit.violate(c.id, "connection_init", "did not come in time")
		c.close(4408, "Connection initialisation timeout")
	}
}

// clientClose answers a close frame, as RFC 6455 wants it.
func (c *conn) clientClose(code int, _ string) error {
	c.s.audit.write(func() { c.seen.ClientClose = code })
	c.mu.Lock()
	closing := c.closing
	c.closing = true
	c.mu.Unlock()
	c.finishAll(false)
	if !closing {
		payload := []byte{}
		if code != websocket.CloseNoStatusReceived {
			payload = binary.BigEndian.AppendUint16(payload, uint16(code))
		}
		_ = c.w.frame(opClose, payload) // the client may be gone
	}
	return nil
}

// close sends a close frame and gives the client a moment to answer it. 1006
// cannot be sent: it is a connection that ends without one; 1005 a frame
// without a code.
func (c *conn) close(code int, reason string) {
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		return
	}
	c.closing, c.byServer = true, true
	c.mu.Unlock()
	c.s.audit.write(func() { c.seen.ServerClose = code })
	c.finishAll(true)
	if code == websocket.CloseAbnormalClosure {
		c.drop()
		return
	}
	var payload []byte
	if code != websocket.CloseNoStatusReceived {
		payload = append(binary.BigEndian.AppendUint16(payload, uint16(code)), reason...)
	}
	deadline := time.Now().Add(2 * time.Second)
	_ = c.ws.NetConn().SetWriteDeadline(deadline) // closed already: nothing to do
	_ = c.w.frame(opClose, payload)               // as above
	_ = c.ws.SetReadDeadline(deadline)            // as above
}

// drop ends the TCP connection without a close frame.
func (c *conn) drop() {
	c.serverEnded()
	c.finishAll(false)
	c.cancel()
	_ = c.ws.Close() // may be closed already
}

// reset ends the TCP connection with a RST.
func (c *conn) reset() {
	c.serverEnded()
	c.finishAll(false)
	c.cancel()
	door.ResetTCP(c.ws.NetConn())
}

// freeze stops reading and writing and leaves the TCP connection as it is. The
// chain is free for others: the half that is left is of no use to anybody.
func (c *conn) freeze() {
	c.mu.Lock()
	c.frozen = true
	c.mu.Unlock()
	c.serverEnded()
	c.w.freeze()
	_ = c.ws.SetReadDeadline(time.Unix(1, 0)) // wakes the reader
	c.finishAll(true)
}

// serverEnded marks that the client is not to blame for what follows.
func (c *conn) serverEnded() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closing, c.byServer = true, true
}
