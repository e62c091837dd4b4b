package tvsim

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"net/url"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// link is one connection of a set.
type link struct {
	tv     *TV
	client paho.Client
	lost   chan struct{}
	once   sync.Once

	mu    sync.Mutex
	conn  net.Conn
	queue []outgoing
	wake  chan struct{}
	heard bool // something came on the welcome topic since subscribing
	quiet *time.Timer
}

type outgoing struct {
	topic   string
	payload []byte
	retain  bool
	after   time.Duration
	reload  bool // not a message: subscribe to welcome once more
}

const patience = 10 * time.Second

func (t *TV) run(ctx context.Context, stopped chan struct{}) {
	defer close(stopped)
	for ctx.Err() == nil {
		l := &link{tv: t, lost: make(chan struct{}), wake: make(chan struct{}, 1)}
		if err := l.dial(ctx); err == nil {
			l.serve(ctx)
		}
		l.close()
		select {
		case <-ctx.Done():
		case <-time.After(t.opts.Redial):
		}
	}
}

func (l *link) options(ctx context.Context) *paho.ClientOptions {
	t := l.tv
	gone, _ := json.Marshal(stateDoc{V: major, State: "offline"})
	o := paho.NewClientOptions().AddBroker(t.opts.Access.URL)
	o.SetClientID(t.id).SetUsername(t.opts.Access.Username).SetPassword(t.opts.Access.Password)
	o.SetProtocolVersion(4).SetCleanSession(true).SetAutoReconnect(false).SetConnectRetry(false)
	o.SetKeepAlive(30 * time.Second).SetConnectTimeout(patience).SetWriteTimeout(patience)
	// Handlers only change memory and never publish, so order costs nothing,
	// and without it two messages of one topic may be taken the wrong way round.
	o.SetOrderMatters(true)
	o.SetBinaryWill(t.base+"/tv/"+t.id+"/state", gone, 1, true)
	o.SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) { l.receive(m) })
	o.SetConnectionLostHandler(func(paho.Client, error) { l.fail() })
	o.SetCustomOpenConnectionFn(func(u *url.URL, _ paho.ClientOptions) (net.Conn, error) { return l.open(ctx, u) })
	return o
}

func (l *link) open(ctx context.Context, u *url.URL) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: patience}
	var conn net.Conn
	var err error
	if u.Scheme == "tls" || u.Scheme == "ssl" || u.Scheme == "mqtts" {
		conn, err = (&tls.Dialer{NetDialer: dialer, Config: l.tv.opts.Access.TLS}).DialContext(ctx, "tcp", u.Host)
	} else {
		conn, err = dialer.DialContext(ctx, "tcp", u.Host)
	}
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	l.conn = conn
	l.mu.Unlock()
	return conn, nil
}

var errLost = errors.New("connection lost")

func (l *link) dial(ctx context.Context) error {
	l.client = paho.NewClient(l.options(ctx))
	token := l.client.Connect()
	select {
	case <-token.Done():
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := token.Error(); err != nil {
		return err
	}
	base := l.tv.base
	token = l.client.SubscribeMultiple(map[string]byte{base + "/welcome": 1, base + "/message": 1, base + "/command": 1}, nil)
	if !token.WaitTimeout(patience) {
		return errLost
	}
	return token.Error()
}

// serve keeps the connection until it breaks or the power goes.
func (l *link) serve(ctx context.Context) {
	t := l.tv
	t.mu.Lock()
	t.link = l
	t.touch()
	t.mu.Unlock()
	l.listen()
	l.post(l.stateMessage())
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.lost:
			return
		case <-l.wake:
			if !l.flush(ctx) {
				return
			}
		}
	}
}

// listen begins the time in which silence means vacant.
func (l *link) listen() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.quiet != nil {
		l.quiet.Stop()
	}
	if !l.heard {
		l.quiet = time.AfterFunc(l.tv.opts.Silence, l.silence)
	}
}

func (l *link) silence() {
	l.mu.Lock()
	heard := l.heard
	l.mu.Unlock()
	if !heard {
		l.update(func(g *glass) []Ack { return g.clear() })
	}
}

func (l *link) receive(m paho.Message) {
	base := l.tv.base
	switch m.Topic() {
	case base + "/welcome":
		l.mu.Lock()
		first := !l.heard
		l.heard = true
		l.mu.Unlock()
		l.update(func(g *glass) []Ack { return g.welcome(m.Payload(), !m.Retained(), first) })
	case base + "/message":
		var doc messageDoc
		_ = json.Unmarshal(m.Payload(), &doc) // a broken one has no version, and is answered so
		l.update(func(g *glass) []Ack { return []Ack{g.message(doc, len(m.Payload()))} })
	case base + "/command":
		l.command(m.Payload())
	}
}

func (l *link) command(payload []byte) {
	var doc commandDoc
	if err := json.Unmarshal(payload, &doc); err != nil || doc.V == nil || *doc.V != major {
		l.update(func(*glass) []Ack { return []Ack{{ID: doc.ID, Result: "unsupported"}} })
		return
	}
	switch doc.Command {
	case "power":
		l.update(func(g *glass) []Ack { return []Ack{g.power(doc)} })
	case "reload":
		l.update(func(g *glass) []Ack { g.forget(); return []Ack{{ID: doc.ID, Result: "received"}} })
		l.mu.Lock()
		l.heard = false
		l.mu.Unlock()
		l.listen()
		l.post(outgoing{reload: true})
	case "mute":
		l.update(func(g *glass) []Ack { g.muted = doc.On; return []Ack{{ID: doc.ID, Result: "received"}} })
	case "wake":
		doc.On = true
		l.update(func(g *glass) []Ack { return []Ack{g.power(doc)} })
	default:
		l.update(func(*glass) []Ack { return []Ack{{ID: doc.ID, Result: "unsupported"}} })
	}
}

// update changes the set and queues its answers, and its state if that changed.
func (l *link) update(change func(*glass) []Ack) {
	t := l.tv
	t.mu.Lock()
	if t.link != nil && t.link != l {
		t.mu.Unlock()
		return
	}
	before := t.glass.screen.Gen
	acks := change(&t.glass)
	after, mode := t.glass.screen, t.mode
	t.acks = append(t.acks, acks...)
	t.watch()
	t.touch()
	t.mu.Unlock()
	if mode == AcksNone {
		return
	}
	var out []outgoing
	for _, ack := range acks {
		out = append(out, l.ackMessage(ack))
	}
	if after.Gen != before {
		out = append(out, l.stateMessage())
	}
	if mode == AcksLate {
		for i := range out {
			out[i].after = t.opts.AckDelay
		}
	}
	l.post(out...)
}

func (l *link) ackMessage(a Ack) outgoing {
	at := l.tv.opts.Now().UTC().Format(time.RFC3339)
	payload, _ := json.Marshal(ackDoc{V: major, ID: a.ID, Gen: a.Gen, TV: l.tv.id, Result: a.Result, Detail: a.Detail, At: at})
	return outgoing{topic: l.tv.base + "/tv/" + l.tv.id + "/ack", payload: payload}
}

func (l *link) stateMessage() outgoing {
	payload, _ := json.Marshal(stateDoc{V: major, State: "online", App: "tvsim", ShownGen: l.tv.Shown().Gen})
	return outgoing{topic: l.tv.base + "/tv/" + l.tv.id + "/state", payload: payload, retain: true}
}

func (l *link) post(out ...outgoing) {
	l.mu.Lock()
	l.queue = append(l.queue, out...)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// flush sends what is queued, in order.
func (l *link) flush(ctx context.Context) bool {
	for {
		l.mu.Lock()
		if len(l.queue) == 0 {
			l.mu.Unlock()
			return true
		}
		next := l.queue[0]
		l.queue = l.queue[1:]
		l.mu.Unlock()
		if next.after > 0 {
			select {
			case <-time.After(next.after):
			case <-l.lost:
				return false
			case <-ctx.Done():
				return false
			}
		}
		var token paho.Token
		if next.reload {
			token = l.client.Subscribe(l.tv.base+"/welcome", 1, nil) // brings the retained message once more
		} else {
			token = l.client.Publish(next.topic, 1, next.retain, next.payload)
		}
		if !token.WaitTimeout(patience) || token.Error() != nil {
			return false
		}
	}
}

func (l *link) fail() { l.once.Do(func() { close(l.lost) }) }

// close ends the connection the hard way.
func (l *link) close() {
	t := l.tv
	t.mu.Lock()
	if t.link == l {
		t.link = nil
		t.touch()
	}
	t.mu.Unlock()
	l.mu.Lock()
	if l.quiet != nil {
		l.quiet.Stop()
	}
	if l.conn != nil {
		_ = l.conn.Close()
	}
	l.mu.Unlock()
	if l.client != nil {
		l.client.Disconnect(0)
	}
}
