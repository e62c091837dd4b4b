package inspire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// session is one open WebSocket: a reader that answers pings and fills the
// inbox, a heartbeat, and writes that wait for each other.
type session struct {
	src   *Source
	conn  *websocket.Conn
	creds credentials
	token *token
	in    *inbox
	tasks sync.WaitGroup
	stop  chan struct{}

	id     string // of the subscription
	legacy bool   // the older protocol was negotiated

	writing  sync.Mutex
	pongSeen atomic.Bool
	pinged   atomic.Int64 // when the oldest unanswered ping left, Unix nanoseconds
	rtt      atomic.Int64 // smoothed round trip
	suspect  atomic.Bool
	warned   atomic.Bool

	// The reader's own: when it moved the deadline, and which unknown frame
	// types it has logged.
	extended time.Time
	strange  map[string]bool
}

func newSession(src *Source, conn *websocket.Conn, c credentials, t *token) *session {
	return &session{
		src: src, conn: conn, creds: c, token: t, in: newInbox(), stop: make(chan struct{}),
		id: newUUID(), legacy: conn.Subprotocol() == legacyWS, strange: map[string]bool{},
	}
}

// start greets the server and sets reader and heartbeat going.
func (n *session) start() error {
	n.conn.SetPingHandler(func(data string) error {
		n.heard()
		// An answer that cannot be sent is found by the next write or read.
		_ = n.conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(n.src.waits.Write))
		return nil
	})
	n.conn.SetPongHandler(func(string) error {
		n.heard()
		if n.legacy {
			n.pongSeen.Store(true) // this protocol has no other pong
		}
		return nil
	})
	n.src.board.Heard(n.src.now())
	n.tasks.Go(n.read)
	init := map[string]any{"type": "connection_init", "payload": map[string]string{
		"Authorization": "Bearer " + n.token.text,
		"x-app-key":     n.creds.appKey,
	}}
	if err := n.sendJSON(init); err != nil {
		return err
	}
	n.tasks.Go(n.beat)
	return nil
}

// close ends the socket and waits until nobody uses it. Without a code the
// connection is just dropped.
func (n *session) close(code int) {
	if code != 0 {
		message := websocket.FormatCloseMessage(code, "")
		if n.conn.WriteControl(websocket.CloseMessage, message, time.Now().Add(n.src.waits.Write)) == nil {
			n.awaitClosed(min(time.Second, n.src.waits.Shutdown))
		}
	}
	close(n.stop)
	n.in.close()
	n.conn.Close()
	n.tasks.Wait()
}

// awaitClosed gives the other side a moment for its half of the goodbye.
func (n *session) awaitClosed(limit time.Duration) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		for _, it := range n.in.take() {
			if it.kind == itemClosed {
				return
			}
		}
		select {
		case <-n.in.ready:
		case <-timer.C:
			return
		}
	}
}

func (n *session) sendJSON(message any) error {
	text, err := json.Marshal(message)
	if err != nil {
		return err
	}
	return n.send(text)
}

// send writes one text frame. The library allows one writer at a time, and a
// dead peer can block one, so each write has a limit.
func (n *session) send(text []byte) error {
	n.writing.Lock()
	defer n.writing.Unlock()
	if err := n.conn.SetWriteDeadline(time.Now().Add(n.src.waits.Write)); err != nil {
		return err
	}
	return n.conn.WriteMessage(websocket.TextMessage, text)
}

// heard notes a sign of life. It runs on the reader, as the library's
// handlers do, so it may move the read deadline.
func (n *session) heard() {
	n.src.board.Heard(n.src.now())
	if n.suspect.Swap(false) {
		n.src.board.Doubt("")
	}
	n.extend()
}

// extend moves the read deadline on, if it is worth it: each frame of a burst
// need not. It runs on the reader only.
func (n *session) extend() {
	now, patience := time.Now(), n.patience()
	if now.Sub(n.extended) < patience/50 {
		return
	}
	n.extended = now
	// A deadline that cannot be set shows at the next read.
	_ = n.conn.SetReadDeadline(now.Add(patience))
}

// patience is how long silence may last. A peer that never answered a ping is
// not given up as fast, or the link would flap at a quiet hotel.
func (n *session) patience() time.Duration {
	w := &n.src.waits
	if !n.pongSeen.Load() {
		return max(w.Dead, w.DeadNoPong)
	}
	return max(w.Dead, 4*time.Duration(n.rtt.Load()))
}

// read runs until the connection ends. Nothing in it waits for the handling of
// events unless the inbox is full.
func (n *session) read() {
	dec := newDecoder(n.src.names)
	var buf bytes.Buffer
	var batch []item
	for {
		n.extend()
		_, r, err := n.conn.NextReader()
		if err == nil {
			buf.Reset()
			_, err = buf.ReadFrom(io.LimitReader(r, readLimit+1))
		}
		if err == nil && buf.Len() > readLimit {
			err = websocket.ErrReadLimit // it grew while being unpacked
		}
		if err != nil {
			n.in.put(item{kind: itemClosed, at: n.src.now(), err: err})
			return
		}
		n.heard()
		if batch = n.understand(dec, buf.Bytes(), batch[:0]); len(batch) > 0 && !n.in.put(batch...) {
			return
		}
		if buf.Cap() > 1<<20 {
			buf = bytes.Buffer{} // one huge frame must not be held for ever
		}
	}
}

// understand turns one frame into items; pings are answered on the spot.
func (n *session) understand(dec *decoder, data []byte, batch []item) []item {
	now := n.src.now()
	f, err := dec.decode(data)
	if err != nil {
		return append(batch, unreadable(now, data, err))
	}
	add := func(k itemKind) {
		batch = append(batch, item{kind: k, at: now, text: n.creds.redact(f.errorText, n.token.text), code: f.errorCode})
	}
	switch f.kind {
	case frameAck:
		add(itemAck)
	case framePing:
		n.answer(f.payload)
	case framePong:
		n.ponged()
	case frameEvents:
		if f.errorText != "" {
			n.src.log.Warn().Str("errors", n.creds.redact(f.errorText, n.token.text)).Msg("pms reports errors beside an event")
		}
		for i := range f.events {
			batch = append(batch, item{kind: itemEvent, at: now, size: len(data) / len(f.events), event: f.events[i]})
		}
		if f.lost != nil {
			batch = append(batch, unreadable(now, data, f.lost))
		}
	case frameError:
		add(itemError)
	case frameConnectionError:
		add(itemConnectionError)
	case frameComplete:
		add(itemComplete)
	case frameOther:
		if len(n.strange) < 16 && !n.strange[f.typ] {
			n.strange[f.typ] = true
			n.src.log.Info().Str("type", printable(f.typ)).Msg("pms sends a frame of unknown type; it is ignored")
		}
	}
	return batch
}

func unreadable(now time.Time, data []byte, why error) item {
	return item{
		kind: itemUndecodable, at: now, size: len(data), text: why.Error(),
		raw: bytes.Clone(data[:min(len(data), maxRaw)]), hash: hashBytes(0, data),
	}
}

func (n *session) answer(payload []byte) {
	pong := []byte(`{"type":"pong"}`)
	if len(payload) > 0 && len(payload) < 64<<10 {
		pong = append(append([]byte(`{"type":"pong","payload":`), payload...), '}')
	}
	// A pong that cannot be sent means a dead connection; the read finds out.
	_ = n.send(pong)
}

func (n *session) ponged() {
	n.pongSeen.Store(true)
	sent := n.pinged.Swap(0)
	if sent == 0 {
		return
	}
	trip := max(0, n.src.now().UnixNano()-sent)
	if old := n.rtt.Load(); old != 0 {
		trip = old + (trip-old)/8
	}
	n.rtt.Store(trip)
}

// beat sends the application's ping at its interval, and watches for silence.
func (n *session) beat() {
	ticker := time.NewTicker(n.src.waits.Ping)
	defer ticker.Stop()
	for {
		select {
		case <-n.stop:
			return
		case <-ticker.C:
		}
		n.ping()
		n.watch()
	}
}

// ping sends a heartbeat. The older protocol knows none; there the
// WebSocket's own does.
func (n *session) ping() {
	if n.legacy {
		_ = n.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(n.src.waits.Write))
		return
	}
	n.pinged.CompareAndSwap(0, n.src.now().UnixNano())
	_ = n.send([]byte(`{"type":"ping"}`)) // failure shows at the read
}

// watch doubts a silent link. A WebSocket ping is tried as well then: every
// library answers one, also under a server that does not know the JSON ping.
func (n *session) watch() {
	silent := n.src.now().Sub(n.src.board.LastHeard())
	if silent < n.src.waits.Suspect || n.in.stuck.Load() { // when stuck it is us who do not listen
		return
	}
	_ = n.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(n.src.waits.Write))
	if !n.suspect.Swap(true) {
		n.src.board.Doubt("nothing heard for " + silent.Round(time.Second).String() + "; the agent reconnects by itself if this lasts")
		n.src.log.Warn().Dur("silent", silent).Msg("pms link is silent")
	}
	if !n.pongSeen.Load() && silent >= n.src.waits.Dead && !n.warned.Swap(true) {
		n.src.log.Warn().Msg("pms never answers pings; the link is given more time")
	}
}

// closeEnding says how the connection ended, from the reader's error.
func (n *session) closeEnding(err error) ending {
	e := ending{stage: atAck}
	var closed *websocket.CloseError
	var timeout net.Error
	switch {
	case errors.As(err, &closed):
		e.code, e.detail = closed.Code, n.creds.redact(closed.Text, n.token.text)
	case errors.Is(err, websocket.ErrReadLimit):
		e.code, e.detail = websocket.CloseMessageTooBig, "our own limit"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		e.signal = "dead"
	case err != nil && strings.HasPrefix(err.Error(), "websocket: "):
		e.code, e.detail = websocket.CloseProtocolError, n.creds.redact(err.Error(), n.token.text)
	default:
		e.code = websocket.CloseAbnormalClosure
		if err != nil && !errors.Is(err, context.Canceled) {
			e.detail = n.creds.redact(err.Error(), n.token.text)
		}
	}
	return e
}
