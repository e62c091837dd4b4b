package inspire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"github.com/rs/zerolog"

	"edgeagent/pms"
)

// pipes is a listener without a network, so that time can stand still.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.done:
		return nil, errors.New("nobody listens")
	}
}

// stillPMS is a PMS in a bubble of time: it acknowledges, and answers the
// first pongs pings.
type stillPMS struct {
	event    string         // sent once, after the subscription
	log      zerolog.Logger // the link's
	mu       sync.Mutex
	pongs    int
	pings    []time.Time
	tokens   []time.Time
	subs     []time.Time
	complete []time.Time
}

func (s *stillPMS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		s.mu.Lock()
		s.tokens = append(s.tokens, time.Now())
		s.mu.Unlock()
		_, _ = w.Write([]byte(`{"access_token":"t","expires_in":3600}`))
		return
	}
	up := websocket.Upgrader{Subprotocols: []string{transportWS}}
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	conn.SetPingHandler(func(string) error { return nil })
	for {
		var m struct{ Type string }
		if conn.ReadJSON(&m) != nil {
			return
		}
		if answer := s.answer(m.Type); answer != "" {
			if conn.WriteMessage(websocket.TextMessage, []byte(answer)) != nil {
				return
			}
		}
		if m.Type == "complete" {
			_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""), time.Now().Add(time.Second))
		}
	}
}

func (s *stillPMS) answer(kind string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	switch kind {
	case "connection_init":
		return `{"type":"connection_ack"}`
	case "subscribe":
		s.subs = append(s.subs, now)
		return s.event
	case "complete":
		s.complete = append(s.complete, now)
	case "ping":
		s.pings = append(s.pings, now)
		if s.pongs != 0 {
			s.pongs--
			return `{"type":"pong"}`
		}
	}
	return ""
}

// inBubble runs a link with its real timers against a PMS for a while.
func inBubble(t *testing.T, pms *stillPMS, cfg Config, long time.Duration, check func(s *Source, m *memory, errs []error)) {
	synctest.Test(t, func(t *testing.T) {
		// The bubble's clock starts in 2000; nobody would believe it.
		time.Sleep(time.Until(time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)))
		p := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		server := &http.Server{Handler: pms}
		go func() { _ = server.Serve(p) }()
		cfg.TokenURL, cfg.StreamURL = "http://127.0.0.1/oauth/v1/tokens", "ws://127.0.0.1/subscriptions"
		m := &memory{}
		src, err := New("opera", cfg, Deps{Log: pms.log, Secret: secretsOf(testSecret, testAppKey), Memory: m})
		if err != nil {
			t.Fatal(err)
		}
		src.net.dial = p.dial
		ctx, cancel := context.WithTimeout(context.Background(), long)
		defer cancel()
		var errs []error
		for ctx.Err() == nil {
			for _, err := range src.Notices(ctx, "") {
				if err != nil {
					errs = append(errs, err)
				}
			}
		}
		check(src, m, errs)
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		p.Close()
		synctest.Wait()
	})
}

func bubbleConfig() Config {
	cfg := validConfig()
	cfg.ClientSecretFile, cfg.AppKeyFile = "secret", "appkey"
	return cfg
}

func TestQ6_PingInterval(t *testing.T) {
	for name, every := range map[string]time.Duration{"inspire": 15 * time.Second, "ohip": 10 * time.Second} {
		t.Run(name, func(t *testing.T) {
			server := &stillPMS{pongs: -1}
			cfg := bubbleConfig()
			cfg.Dialect = name
			inBubble(t, server, cfg, 10*time.Minute, func(_ *Source, _ *memory, errs []error) {
				if len(errs) > 0 || len(server.subs) != 1 {
					t.Fatalf("%d subscriptions, errors %v", len(server.subs), errs)
				}
				// One goes out with the subscription, to make the server speak.
				for i := 2; i < len(server.pings); i++ {
					if gap := server.pings[i].Sub(server.pings[i-1]); gap != every {
						t.Fatalf("ping %d after %s", i, gap)
					}
				}
				if want := int(10*time.Minute/every) + 1; len(server.pings) < want-1 || len(server.pings) > want {
					t.Errorf("%d pings", len(server.pings))
				}
			})
		})
	}
}

func TestQ7_PatienceInRealTimes(t *testing.T) {
	tests := []struct {
		name, dialect string
		pongs         int
		alive         time.Duration // until given up, from the last sign of life
	}{
		{"after pongs", "inspire", 3, 90 * time.Second},
		{"never a pong", "inspire", 0, 240 * time.Second},
		{"OPERA Cloud after pongs", "ohip", 3, 180 * time.Second},
		{"OPERA Cloud never a pong", "ohip", 0, 240 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := &stillPMS{pongs: tt.pongs}
			cfg := bubbleConfig()
			cfg.Dialect = tt.dialect
			inBubble(t, server, cfg, 10*time.Minute, func(_ *Source, _ *memory, errs []error) {
				if len(errs) == 0 || !strings.Contains(errs[0].Error(), "nothing was heard") || len(server.subs) < 2 {
					t.Fatalf("errors %v, %d subscriptions", errs, len(server.subs))
				}
				last := server.subs[0]
				if tt.pongs > 0 {
					last = server.pings[tt.pongs-1]
				}
				// A new subscription follows the gap and at most one back-off.
				if took := server.subs[1].Sub(last); took < tt.alive+10*time.Second || took > tt.alive+14*time.Second {
					t.Errorf("a new stream after %s, want %s and the gap", took, tt.alive)
				}
			})
		})
	}
}

func TestQ19_RotationInRealTimes(t *testing.T) {
	server := &stillPMS{pongs: -1}
	inBubble(t, server, bubbleConfig(), 3*time.Hour, func(_ *Source, _ *memory, errs []error) {
		if len(errs) > 0 || len(server.subs) != 4 || len(server.tokens) != 4 {
			t.Fatalf("%d subscriptions, %d tokens, errors %v", len(server.subs), len(server.tokens), errs)
		}
		for i := 1; i < len(server.subs); i++ {
			lived := server.complete[i-1].Sub(server.subs[i-1])
			if lived < 53*time.Minute+45*time.Second || lived > 55*time.Minute {
				t.Errorf("stream %d lived %s", i, lived)
			}
			if gap := server.subs[i].Sub(server.complete[i-1]); gap < 10*time.Second || gap > 11*time.Second {
				t.Errorf("gap %d is %s", i, gap)
			}
		}
	})
}

// A day leaves lines about connection, subscription and delivery, with figures
// and nothing personal.
func TestAuditLines(t *testing.T) {
	var lines bytes.Buffer
	server := &stillPMS{pongs: -1, log: zerolog.New(&lines), event: `{"type":"next","payload":{"data":{"newEvent":{"metadata":{"offset":"7"},` +
		`"moduleName":"RESERVATION","eventName":"CHECK IN","detail":[{"elementName":"ROOM","newValue":"101"},{"elementName":"NAME","newValue":"Müller"}]}}}}`}
	cfg := bubbleConfig()
	cfg.Rotate = "never"
	inBubble(t, server, cfg, 50*time.Minute, func(*Source, *memory, []error) {})
	for line, want := range map[string]int{
		`"chain":"TTE","host":"127.0.0.1","request":`: 1,
		`"message":"pms connection opened"`:           1,
		`"message":"pms subscription started"`:        1,
		`"message":"pms delivery"`:                    3, // every quarter of an hour
		`"message":"pms stream ended"`:                1,
		`"events":1`:                                  4,
		"Müller":                                      0,
	} {
		if got := strings.Count(lines.String(), line); got != want {
			t.Errorf("%d lines with %s, want %d", got, line, want)
		}
	}
	if t.Failed() {
		t.Log(lines.String())
	}
}

func TestMemoryIsWrittenSparingly(t *testing.T) {
	server := &stillPMS{pongs: -1}
	cfg := bubbleConfig()
	cfg.Rotate = "never"
	inBubble(t, server, cfg, 24*time.Hour, func(s *Source, m *memory, errs []error) {
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		if m.saves < 715 || m.saves > 730 { // every two minutes
			t.Errorf("%d writes in a quiet day", m.saves)
		}
		var r remembered
		if err := json.Unmarshal(m.data, &r); err != nil || time.Since(r.LastLive) > time.Minute {
			t.Errorf("last live %s, %v", r.LastLive, err)
		}
		if st := s.Link().State; st != pms.LinkWaiting {
			t.Errorf("state %s", st)
		}
	})
}
