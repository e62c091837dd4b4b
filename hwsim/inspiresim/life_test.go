package inspiresim

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func TestPings(t *testing.T) {
	t.Run("answered with the payload", func(t *testing.T) {
		s := start(t, Options{})
		p := dial(t, s)
		p.write(`{"type":"ping","payload":{"n":1}}`) // also before the ack
		if f := p.expect("pong"); string(f.Payload) != `{"n":1}` {
			t.Fatal(f.raw)
		}
		if a := s.Audit(); a.Connects[0].Pings != 1 {
			t.Fatal(a.Connects)
		}
	})
	t.Run("never answered, events flow", func(t *testing.T) {
		s := start(t, Options{})
		s.Change(func(f *Faults) { f.Life.Pong = PongNever })
		p := live(t, s, "")
		p.write(`{"type":"ping"}`)
		s.wait(t, func(a Audit) bool { return a.Connects[0].Pings == 1 })
		s.Publish(testChain, event(1))
		p.expectEvents([]uint64{1})
		p.expectSilence()
	})
	t.Run("answered late, events flow", func(t *testing.T) {
		s := start(t, Options{})
		s.Change(func(f *Faults) { f.Life.Pong, f.Life.PongDelay = PongLate, 100*time.Millisecond })
		p := live(t, s, "")
		p.write(`{"type":"ping"}`)
		s.wait(t, func(a Audit) bool { return a.Connects[0].Pings == 1 })
		s.Publish(testChain, event(1))
		p.expectEvents([]uint64{1})
		p.expect("pong")
	})
	t.Run("of the server, both kinds", func(t *testing.T) {
		s := start(t, Options{})
		p := live(t, s, "")
		s.Change(func(f *Faults) { f.Life.PingEvery, f.Life.ControlPingEvery = 5*time.Millisecond, 5*time.Millisecond })
		p.expect("ping")
		p.write(`{"type":"pong"}`)
		go func() {
			for _, err := p.tryRead(); err == nil; {
				_, err = p.tryRead() // answers control pings
			}
		}()
		s.wait(t, func(a Audit) bool { return a.Connects[0].Pongs == 1 && a.Connects[0].ControlPongs > 1 })
	})
	t.Run("control pings of the client", func(t *testing.T) {
		s := start(t, Options{})
		p := live(t, s, "")
		got := make(chan string, 1)
		p.SetPongHandler(func(data string) error { got <- data; return nil })
		for _, quiet := range []bool{true, false} {
			s.Change(func(f *Faults) { f.Life.NoControlPong = quiet })
			if err := p.WriteControl(websocket.PingMessage, []byte{'a'}, time.Now().Add(time.Second)); err != nil {
				t.Fatal(err)
			}
			p.write(`{"type":"ping"}`)
			p.expect("pong")
			if (len(got) == 0) != quiet {
				t.Fatalf("quiet %t, but %d pongs", quiet, len(got))
			}
		}
	})
	t.Run("ka", func(t *testing.T) {
		s := start(t, Options{})
		p := live(t, s, "")
		s.Change(func(f *Faults) { f.Life.KeepAlive = 5 * time.Millisecond }) // reaches a live connection
		p.expect("ka")
		p.expect("ka")
	})
}

func TestNegligentClientsAreRecorded(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Life)
		rule   string
		code   int
	}{
		{"no pings", func(l *Life) { l.PingWithin = 20 * time.Millisecond }, "ping", 0},
		{"no pongs", func(l *Life) { l.PingEvery, l.PongWithin = time.Hour, 20*time.Millisecond }, "pong", 0},
		{"nothing at all", func(l *Life) { l.DeadAfter = 100 * time.Millisecond }, "heartbeat", 4504},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, Options{})
			p := live(t, s, "")
			s.Change(func(f *Faults) { tt.change(&f.Life) })
			s.Do(testChain, Trouble{Do: ActPing})
			a := s.wait(t, func(a Audit) bool { return len(a.Violations) > 0 })
			if a.Violations[0].Rule != tt.rule {
				t.Fatal(a.Violations)
			}
			if tt.code != 0 {
				p.expectClose(tt.code)
			}
		})
	}
}

func TestSecondConsumer(t *testing.T) {
	second := func(t *testing.T, s *Server) *peer {
		t.Helper()
		p := dial(t, s, protoTransport)
		p.init(s)
		p.expect("connection_ack")
		p.subscribe("sub-2", testQuery, "")
		return p
	}
	t.Run("is refused", func(t *testing.T) {
		s := start(t, Options{})
		first := live(t, s, "")
		second(t, s).expectClose(4409)
		s.Publish(testChain, event(1))
		first.expectOffsets(1)
	})
	t.Run("kicks the first", func(t *testing.T) {
		s := start(t, Options{})
		s.Change(func(f *Faults) { f.Lock.Policy = LockKick })
		first := live(t, s, "")
		p := second(t, s)
		first.expectClose(4409)
		s.wait(t, func(a Audit) bool { return a.Live == 1 && a.Open == 1 })
		s.Publish(testChain, event(1))
		p.expectOffsets(1)
	})
	t.Run("shares", func(t *testing.T) {
		s := start(t, Options{})
		s.Change(func(f *Faults) { f.Lock.Policy = LockShare })
		first := live(t, s, "")
		p := second(t, s)
		s.wait(t, func(a Audit) bool { return a.Live == 2 })
		s.Publish(testChain, event(1))
		first.expectOffsets(1)
		p.expectOffsets(1)
	})
	t.Run("may take the chain of a half-open connection", func(t *testing.T) {
		s := start(t, Options{})
		live(t, s, "")
		s.Do(testChain, Trouble{Do: ActFreeze})
		second(t, s)
		s.wait(t, func(a Audit) bool { return a.Live == 1 })
	})
}

func TestConsumerLockAfterAnEnd(t *testing.T) {
	for _, tt := range []struct {
		name  string
		clean bool
		wait  time.Duration
	}{{"without complete", false, 2 * time.Minute}, {"with complete", true, 10 * time.Second}} {
		t.Run(tt.name, func(t *testing.T) {
			clock := newClock()
			s := start(t, Options{Now: clock.now})
			s.Change(func(f *Faults) { f.Lock = Lock{For: 2 * time.Minute, Gap: 10 * time.Second} })
			p := live(t, s, "")
			if tt.clean {
				p.write(`{"id":"sub-1","type":"complete"}`)
				p.expectClose(1000)
			} else {
				_ = p.Close() // no complete
			}
			s.wait(t, func(a Audit) bool { return a.Open == 0 })
			clock.add(tt.wait - time.Second)
			early := live(t, s, "")
			early.expectClose(4409)
			clock.add(time.Second)
			live(t, s, "")
			if v := s.Audit().Violations; v[len(v)-1].Rule != "reconnect" {
				t.Fatal(v)
			}
		})
	}
}

func TestDownAndUp(t *testing.T) {
	s := start(t, Options{})
	p := live(t, s, "")
	address := s.Host()
	if err := s.Down(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.tryRead(); !errors.Is(err, syscall.ECONNRESET) {
		t.Fatal(err)
	}
	for range 3 {
		if _, _, err := tryDial(t, s, protoTransport); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatal(err)
		}
	}
	if err := s.Up(); err != nil {
		t.Fatal(err)
	}
	if s.Host() != address {
		t.Fatalf("address %s, was %s", s.Host(), address)
	}
	s.wait(t, func(a Audit) bool { return a.Live == 0 })
	p = live(t, s, "")
	s.Cut()
	if _, err := p.tryRead(); !errors.Is(err, syscall.ECONNRESET) {
		t.Fatal(err)
	}
	if v := s.Audit().Violations; len(v) > 0 {
		t.Fatal(v)
	}
}

func TestFixedAddress(t *testing.T) {
	first := start(t, Options{})
	address := first.Host()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := start(t, Options{Addr: address, StreamPath: "/ohip-ws/subscriptions", TokenPath: "/t"})
	if second.Host() != address || second.TokenURL() != "http://"+address+"/t" {
		t.Fatal(second.Host(), second.TokenURL())
	}
	live(t, second, "")
}

func TestTLS(t *testing.T) {
	s := start(t, Options{TLS: true})
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(s.CAPEM()) {
		t.Fatal("no certificate")
	}
	config := &tls.Config{RootCAs: roots}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: config}}
	s.ChangeTokens(func(f *TokenFaults) { f.Cookies = true })
	resp, err := client.Do(tokenRequest(t, s))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != 200 || len(resp.Cookies()) != 2 {
		t.Fatal(resp.StatusCode, resp.Cookies())
	}
	d := websocket.Dialer{TLSClientConfig: config, Subprotocols: []string{protoTransport}}
	ws, _, err := d.Dial(s.keyFor(KeyBase64), http.Header{"Cookie": {"ARRAffinity=1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.Close() }()
	p := &peer{t, ws}
	p.write(`{"type":"ping"}`)
	p.expect("pong")
	if got := s.Audit().Connects[0].Cookies; len(got) != 1 || got[0] != "ARRAffinity" {
		t.Fatal(got)
	}
	s.Cut()
	if _, err := p.tryRead(); err == nil {
		t.Fatal("still there")
	}
	if _, _, err := websocket.DefaultDialer.Dial(s.keyFor(KeyBase64), nil); err == nil {
		t.Fatal("trusted without the CA")
	}
}
