package inspiresim

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func TestTroublesOnALiveConnection(t *testing.T) {
	for _, tt := range []struct {
		name    string
		trouble Trouble
		want    func(p *peer, s *Server)
	}{
		{"close with a code", Trouble{Do: ActClose, Code: 4500, Text: "oops"}, func(p *peer, _ *Server) { p.expectClose(4500) }},
		{"close without a code", Trouble{Do: ActClose, Code: 1005}, func(p *peer, _ *Server) { p.expectClose(1005) }},
		{"end without a close frame", Trouble{Do: ActClose, Code: 1006}, func(p *peer, _ *Server) { p.expectClose(1006) }},
		{"reset", Trouble{Do: ActReset}, func(p *peer, _ *Server) {
			if _, err := p.tryRead(); !errors.Is(err, syscall.ECONNRESET) {
				p.t.Fatal(err)
			}
		}},
		{"half-open", Trouble{Do: ActFreeze}, func(p *peer, s *Server) {
			s.wait(p.t, func(a Audit) bool { return a.Live == 0 && a.Open == 1 })
			s.Publish(testChain, event(1))
			p.write(`{"type":"ping"}`)
			p.expectSilence()
		}},
		{"silent complete", Trouble{Do: ActComplete}, func(p *peer, s *Server) {
			p.expect("complete")
			s.Publish(testChain, event(1))
			p.write(`{"type":"ping"}`)
			p.expect("pong")
		}},
		{"error frame, idle socket", Trouble{Do: ActError, Text: "token has expired"}, func(p *peer, s *Server) {
			if f := p.expect("error"); f.raw != `{"type":"error","id":"sub-1","payload":[{"message":"token has expired"}]}` {
				p.t.Fatal(f.raw)
			}
			s.Publish(testChain, event(1))
			p.write(`{"type":"ping"}`)
			p.expect("pong")
		}},
		{"1 MiB frame", Trouble{Do: ActHuge, Size: 1 << 20}, func(p *peer, _ *Server) {
			if f := p.expect("next"); len(f.raw) != 1<<20 {
				p.t.Fatal(len(f.raw))
			}
		}},
		{"20 MiB frame", Trouble{Do: ActHuge, Size: 20 << 20}, func(p *peer, _ *Server) {
			if f := p.expect("next"); len(f.raw) != 20<<20 {
				p.t.Fatal(len(f.raw))
			}
		}},
		{"20 MiB frame over the limit", Trouble{Do: ActHuge, Size: 20 << 20}, func(p *peer, s *Server) {
			p.SetReadLimit(16 << 20)
			if _, err := p.tryRead(); !errors.Is(err, websocket.ErrReadLimit) {
				p.t.Fatal(err)
			}
			_ = p.Close() // as a client does
			s.wait(p.t, func(a Audit) bool { return a.Open == 0 })
		}},
		{"endless frame", Trouble{Do: ActEndless}, func(p *peer, s *Server) { p.expectFlood(s, 0x81) }},
		{"endless fragments", Trouble{Do: ActFragments}, func(p *peer, s *Server) { p.expectFlood(s, 0x01) }},
		{"unknown type", Trouble{Do: ActUnknown, Text: "hello"}, func(p *peer, _ *Server) { p.expect("hello") }},
		{"ka", Trouble{Do: ActUnknown, Text: "ka"}, func(p *peer, _ *Server) { p.expect("ka") }},
		{"garbage", Trouble{Do: ActText, Text: "{"}, func(p *peer, _ *Server) {
			if _, data, err := p.ReadMessage(); err != nil || string(data) != "{" {
				p.t.Fatal(string(data), err)
			}
		}},
		{"ping", Trouble{Do: ActPing}, func(p *peer, _ *Server) { p.expect("ping") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, Options{})
			p := live(t, s, "")
			done := make(chan int)
			go func() { done <- s.Do(testChain, tt.trouble) }()
			tt.want(p, s)
			if n := <-done; n != 1 {
				t.Fatalf("reached %d connections", n)
			}
			if v := s.Audit().Violations; len(v) > 0 && tt.trouble.Do != ActHuge && tt.trouble.Do != ActEndless && tt.trouble.Do != ActFragments {
				t.Fatal(v)
			}
		})
	}
}

func (p *peer) expectSilence() {
	p.t.Helper()
	if err := p.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		p.t.Fatal(err)
	}
	_, data, err := p.ReadMessage()
	if ne := (net.Error)(nil); !errors.As(err, &ne) || !ne.Timeout() {
		p.t.Fatalf("got %q, %v", data, err)
	}
}

// expectFlood reads some MiB of a message that does not end, then leaves.
func (p *peer) expectFlood(s *Server, first byte) {
	p.t.Helper()
	head := make([]byte, 1)
	if _, err := io.ReadFull(p.NetConn(), head); err != nil || head[0] != first {
		p.t.Fatalf("first byte %x, %v", head, err)
	}
	if _, err := io.CopyN(io.Discard, p.NetConn(), 20<<20); err != nil {
		p.t.Fatal(err)
	}
	_ = p.Close() // as a client does
	s.wait(p.t, func(a Audit) bool { return a.Open == 0 })
}

func TestTroubleOfTheNextConnectionAfterSomeEvents(t *testing.T) {
	s := start(t, Options{})
	f := s.Faults()
	f.Then = []Trouble{{After: 2, Do: ActUnknown, Text: "hello"}, {After: 3, Do: ActClose, Code: 4504}}
	s.NextConnection(f)
	s.PublishAll(testChain, []Event{event(1), event(2), event(3), event(4)})
	p := live(t, s, from(1))
	p.expectEvents([]uint64{1, 2})
	p.expect("hello")
	p.expectEvents([]uint64{3})
	p.expectClose(4504)
	live(t, s, from(1)).expectOffsets(1, 2, 3, 4)
}

func TestFaultsOfTheHandshake(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Faults)
		want   func(p *peer)
	}{
		{"no ack", func(f *Faults) { f.Handshake.NoAck = true }, func(p *peer) { p.expectSilence() }},
		{"late ack", func(f *Faults) { f.Handshake.AckDelay = 20 * time.Millisecond }, func(p *peer) { p.expect("connection_ack") }},
		{"ack with payload", func(f *Faults) { f.Handshake.AckPayload = `{"a":1}` }, func(p *peer) {
			if f := p.expect("connection_ack"); string(f.Payload) != `{"a":1}` {
				p.t.Fatal(f.raw)
			}
		}},
		{"closed on init", func(f *Faults) { f.Handshake.Close = 4403 }, func(p *peer) { p.expectClose(4403) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, Options{})
			s.Change(tt.change)
			p := dial(t, s, protoTransport)
			p.init(s)
			tt.want(p)
		})
	}
	t.Run("connection_error", func(t *testing.T) {
		s := start(t, Options{})
		s.Change(func(f *Faults) { f.Handshake.RefuseFrame, f.Handshake.RefuseCode = true, 4403 })
		p := dial(t, s, protoTransport)
		p.write(`{"type":"connection_init","payload":{}}`)
		p.expect("connection_error")
		p.expectClose(4403)
	})
}

func TestFaultsOfTheSubscription(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Subscribe)
		want   func(p *peer, s *Server)
	}{
		{"error frame", func(f *Subscribe) { f.Fail = "no" }, func(p *peer, _ *Server) { p.expect("error") }},
		{"closed", func(f *Subscribe) { f.FailClose = 4500 }, func(p *peer, _ *Server) { p.expectClose(4500) }},
		{"complete", func(f *Subscribe) { f.Complete = true }, func(p *peer, _ *Server) { p.expect("complete") }},
		{"silent, until it is not", func(f *Subscribe) { f.Silent = true }, func(p *peer, s *Server) {
			p.write(`{"type":"ping"}`)
			p.expect("pong")
			s.Change(func(f *Faults) { f.Subscribe.Silent = false })
			p.expectOffsets(1)
		}},
		{"stays open after complete", func(f *Subscribe) { f.KeepOpen = true }, func(p *peer, _ *Server) {
			p.expectOffsets(1)
			p.write(`{"id":"sub-1","type":"complete"}`)
			p.write(`{"type":"ping"}`)
			p.expect("pong")
		}},
		{"late events after complete", func(f *Subscribe) { f.CloseDelay = 200 * time.Millisecond }, func(p *peer, s *Server) {
			p.expectOffsets(1)
			p.write(`{"id":"sub-1","type":"complete"}`)
			s.wait(p.t, func(a Audit) bool { return a.Subscriptions[0].Completed })
			s.Publish(testChain, event(2))
			p.expectEvents([]uint64{2})
			p.expectClose(1000)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, Options{})
			s.Publish(testChain, event(1))
			s.Change(func(f *Faults) { tt.change(&f.Subscribe) })
			tt.want(live(t, s, from(1)), s)
		})
	}
}

func TestExpiryEndsALiveStreamIfAsked(t *testing.T) {
	s := start(t, Options{Now: newClock().now}) // it stands still, so the token is good until the timer rings
	s.ChangeTokens(func(f *TokenFaults) { f.Lifetime = 100 * time.Millisecond })
	s.Change(func(f *Faults) { f.Subscribe.EndOnExpiry = true })
	live(t, s, "").expectClose(4401)
}

func TestSlowDrip(t *testing.T) {
	s := start(t, Options{})
	p := live(t, s, "")
	s.Change(func(f *Faults) { f.Life.DripBytes, f.Life.DripEvery = 10, time.Millisecond })
	s.Publish(testChain, event(1))
	buffer := make([]byte, 1<<10)
	n, err := p.NetConn().Read(buffer)
	if err != nil || n > 100 || !strings.Contains(string(buffer[:n]), `{"`) {
		t.Fatalf("%d bytes at once, %v", n, err)
	}
}
