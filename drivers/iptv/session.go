package iptv

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"sync"
	"time"

	"edgeagent/drivers"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// quiesce is how long, in milliseconds, a goodbye may take.
const quiesce = 250

// session is one connection to the broker, from its client to what it heard.
type session struct {
	d      *Driver
	client paho.Client
	house  *house
	lost   chan struct{}
	once   sync.Once
	why    error

	mu      sync.Mutex
	conn    net.Conn
	dialErr error
	denied  map[string]string // topics that the broker takes and does not deliver, and what to say of them
}

// connect makes a connection: with the files of TLS as they are now, or, where
// those get none, as they last did.
func (d *Driver) connect(ctx context.Context, will bool) (*session, error) {
	u, err := d.cfg.address()
	if err != nil {
		return nil, err
	}
	choices, err := d.choices(u)
	if err != nil {
		return nil, err
	}
	var first error
	for _, p := range choices {
		s, err := d.connectWith(ctx, u, p, will)
		if err == nil {
			d.took(p, first)
			return s, nil
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, first
}

// connectWith makes a new client and connects it. A client is never used twice:
// one that lost its connection has in-flight messages that it would send
// again, in an order of its own.
func (d *Driver) connectWith(ctx context.Context, u *url.URL, p *papers, will bool) (*session, error) {
	o, s, err := d.options(ctx, u, p.secure)
	if err != nil {
		return nil, err
	}
	if will {
		o.SetWill(d.root+"/agent/state", "offline", 1, true)
	}
	s.client = paho.NewClient(o)
	token := s.client.Connect()
	timeout := time.NewTimer(d.cfg.ConnectTimeout * 2) // dialing and handshake each have one
	defer timeout.Stop()
	select {
	case <-token.Done():
		err = token.Error()
	case <-ctx.Done():
		err = ctx.Err()
	case <-timeout.C:
		err = context.DeadlineExceeded
	}
	if err != nil {
		s.close()
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.dialErr != nil {
			err = s.dialErr
		}
		return nil, d.explain(err)
	}
	return s, nil
}

func (d *Driver) options(ctx context.Context, u *url.URL, secure *tls.Config) (*paho.ClientOptions, *session, error) {
	s := &session{d: d, house: newHouse(), lost: make(chan struct{}), denied: map[string]string{}}
	o := paho.NewClientOptions().AddBroker(u.String()).SetClientID(d.cfg.ClientID).SetUsername(d.cfg.Username)
	if d.cfg.PasswordFile != "" {
		password, err := d.secret("password_file", d.cfg.PasswordFile)
		if err != nil {
			return nil, nil, err
		}
		o.SetPassword(password)
	}
	// With reconnection by the client a token can succeed for a message that
	// was never delivered.
	o.SetAutoReconnect(false).SetConnectRetry(false).SetCleanSession(true)
	o.SetProtocolVersion(4) // else a refusal is tried again as 3.1, and its reason is lost
	o.SetKeepAlive(d.cfg.KeepAlive).SetPingTimeout(10 * time.Second)
	o.SetConnectTimeout(d.cfg.ConnectTimeout).SetWriteTimeout(10 * time.Second)
	// Unordered, two messages of one topic can be taken the wrong way round,
	// and a departed guest's screen would seem to be there again. Order would
	// stall a handler that publishes; this one only changes memory.
	o.SetOrderMatters(true)
	o.SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) { s.receive(m) })
	o.SetConnectionLostHandler(func(_ paho.Client, err error) { s.fail(err) })
	o.SetCustomOpenConnectionFn(func(u *url.URL, _ paho.ClientOptions) (net.Conn, error) {
		conn, err := d.open(ctx, u, secure)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.conn, s.dialErr = conn, err
		return conn, err
	})
	return o, s, nil
}

func (s *session) receive(m paho.Message) {
	if at, ok := parseTopic(s.d.root, m.Topic()); ok {
		s.house.hear(at, m.Payload())
		return
	}
	s.hearBridge(m.Topic(), m.Payload())
}

// fail ends the session, the first time with a reason.
func (s *session) fail(why error) {
	s.once.Do(func() {
		s.why = why
		close(s.lost)
	})
}

// close lets go of the client. It returns when the client has stopped, so that
// the next one is alone.
func (s *session) close() {
	s.fail(errors.New("the agent has closed the connection"))
	s.client.Disconnect(quiesce)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		_ = s.conn.Close()
	}
}

// down is the error of whoever was waiting when the connection broke.
func (s *session) down() error {
	return &drivers.LinkDown{Err: fmt.Errorf("the connection to broker %s broke: %w", s.d.cfg.Broker, s.why)}
}

// wait waits for a token. One that takes too long leaves nobody knowing, so
// the connection is given up.
func (s *session) wait(ctx context.Context, token paho.Token) error {
	timeout := time.NewTimer(s.d.settle)
	defer timeout.Stop()
	select {
	case <-token.Done():
		if err := token.Error(); err != nil {
			s.fail(err)
			return s.down()
		}
		return nil
	case <-s.lost:
		return s.down()
	case <-ctx.Done():
		return ctx.Err()
	case <-timeout.C:
		s.fail(fmt.Errorf("it took longer than %s to confirm a message", s.d.settle))
		return s.down()
	}
}

func (s *session) publish(ctx context.Context, topic string, retain bool, payload []byte) error {
	return s.wait(ctx, s.client.Publish(topic, 1, retain, payload))
}

// subscribe subscribes, and names the topics that the broker openly refuses.
func (s *session) subscribe(ctx context.Context, filters map[string]byte) (refused []string, err error) {
	token := s.client.SubscribeMultiple(filters, nil)
	if err := s.wait(ctx, token); err != nil {
		return nil, err
	}
	if sub, ok := token.(*paho.SubscribeToken); ok {
		for filter, code := range sub.Result() {
			if code > 2 {
				refused = append(refused, filter)
			}
		}
	}
	return refused, nil
}

// check subscribes and proves that the broker delivers: what is published on a
// topic of each kind must come back. A broker that denies a topic confirms the
// publication all the same, and grants the subscription. Since messages keep
// their order, everything retained has arrived when the proof has.
func (s *session) check(ctx context.Context) error {
	d := s.d
	screens := d.root + "/room/+/" + topicWelcome
	refused, err := s.subscribe(ctx, map[string]byte{screens: 1})
	if err != nil {
		return err
	}
	if len(refused) > 0 {
		return errors.New(d.refusal(screens))
	}
	// Two steps, so that the broker's queue need not hold both floods at once.
	if ok, err := s.proves(ctx, topicWelcome); err != nil {
		return err
	} else if !ok {
		return errors.New(d.denial(d.roomTopic(checkKey, topicWelcome)))
	}
	filters := map[string]byte{d.root + "/room/+/tv/+/state": 0, d.root + "/room/+/tv/+/ack": 1, d.root + "/room/+/tv/+/event": 1}
	for _, name := range []string{topicMessage, topicCommand} {
		filters[d.roomTopic(checkKey, name)] = 1
	}
	if refused, err = s.subscribe(ctx, filters); err != nil {
		return err
	}
	s.mu.Lock()
	for _, filter := range refused {
		s.denied[filter] = d.refusal(filter)
	}
	s.mu.Unlock()
	for _, name := range []string{topicMessage, topicCommand} {
		if slices.Contains(refused, d.roomTopic(checkKey, name)) {
			continue
		}
		ok, err := s.proves(ctx, name)
		if err != nil {
			return err
		}
		s.complain(d.roomTopic(checkKey, name), !ok)
	}
	return s.watchBridges(ctx)
}

func (d *Driver) refusal(filter string) string {
	return fmt.Sprintf("broker %s refuses the subscription to %s: check its ACL", d.cfg.Broker, filter)
}

func (d *Driver) denial(topic string) string {
	return fmt.Sprintf("broker %s accepts but does not deliver topic %s: check its ACL", d.cfg.Broker, topic)
}

func (s *session) proves(ctx context.Context, name string) (bool, error) {
	nonce := rand.Text()
	back := s.house.expect(nonce)
	if err := s.publish(ctx, s.d.roomTopic(checkKey, name), false, []byte(nonce)); err != nil {
		return false, err
	}
	timeout := time.NewTimer(s.d.echo)
	defer timeout.Stop()
	select {
	case <-back:
		return true, nil
	case <-timeout.C:
		return false, nil
	case <-s.lost:
		return false, s.down()
	case <-ctx.Done():
		return false, ctx.Err()
	}
}
