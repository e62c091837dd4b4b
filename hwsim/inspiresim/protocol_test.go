package inspiresim

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func TestProtocolViolations(t *testing.T) {
	ready := func(p *peer, s *Server) {
		p.init(s)
		p.expect("connection_ack")
	}
	for _, tt := range []struct {
		name string
		do   func(p *peer, s *Server)
		code int
		rule string
	}{
		{"second init", func(p *peer, s *Server) { ready(p, s); p.init(s) }, 4429, "connection_init"},
		{"subscribe before init", func(p *peer, _ *Server) { p.subscribe("a", testQuery, "") }, 4401, "subscribe"},
		{"subscribe before ack", func(p *peer, s *Server) {
			s.Change(func(f *Faults) { f.Handshake.NoAck = true })
			p.init(s)
			p.subscribe("a", testQuery, "")
		}, 4401, "subscribe"},
		{"id in use", func(p *peer, s *Server) {
			ready(p, s)
			p.subscribe("a", testQuery, "")
			p.subscribe("a", testQuery, "")
		}, 4409, "subscribe"},
		{"subscribe without id", func(p *peer, s *Server) {
			ready(p, s)
			p.write(`{"type":"subscribe","payload":{"query":"x"}}`)
		}, 4400, "subscribe"},
		{"no json", func(p *peer, _ *Server) { p.write("hello") }, 4400, "message"},
		{"double-encoded init", func(p *peer, _ *Server) { p.write(`"{\"type\":\"connection_init\"}"`) }, 4400, "message"},
		{"unknown type", func(p *peer, s *Server) { ready(p, s); p.write(`{"type":"hello"}`) }, 4400, "message"},
		{"server's type", func(p *peer, s *Server) { ready(p, s); p.write(`{"type":"next","id":"a"}`) }, 4400, "message"},
		{"legacy start", func(p *peer, s *Server) { ready(p, s); p.write(`{"type":"start","id":"a"}`) }, 4400, "message"},
		{"binary", func(p *peer, _ *Server) {
			if err := p.WriteMessage(websocket.BinaryMessage, []byte(`{"type":"ping"}`)); err != nil {
				p.t.Fatal(err)
			}
		}, 4400, "frame"},
		{"no token", func(p *peer, _ *Server) {
			p.write(`{"type":"connection_init","payload":{"x-app-key":"APPKEY001"}}`)
		}, 4401, "credentials"},
		{"unknown token", func(p *peer, _ *Server) {
			p.write(`{"type":"connection_init","payload":{"Authorization":"Bearer x","x-app-key":"APPKEY001"}}`)
		}, 4401, "credentials"},
		{"key in base64", func(p *peer, s *Server) {
			p.write(fmt.Sprintf(`{"type":"connection_init","payload":{"Authorization":"Bearer %s","x-app-key":"QVBQS0VZMDAx"}}`, fetchToken(p.t, s)))
		}, 4401, "credentials"},
		{"revoked token", func(p *peer, s *Server) {
			token := fetchToken(p.t, s)
			s.RevokeTokens()
			p.write(fmt.Sprintf(`{"type":"connection_init","payload":{"Authorization":"Bearer %s","x-app-key":"APPKEY001"}}`, token))
		}, 4401, "credentials"},
		{"no init", func(*peer, *Server) {}, 4408, "connection_init"},
		{"no subscribe", ready, 4408, "subscribe"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, Options{})
			s.Change(func(f *Faults) {
				switch tt.name {
				case "no init":
					f.Handshake.InitWithin = 50 * time.Millisecond
				case "no subscribe":
					f.Handshake.SubscribeWithin = 50 * time.Millisecond
				}
			})
			p := dial(t, s, protoTransport)
			tt.do(p, s)
			p.expectClose(tt.code)
			a := s.wait(t, func(a Audit) bool { return a.Open == 0 })
			if len(a.Violations) != 1 || a.Violations[0].Rule != tt.rule || a.Connects[0].ServerClose != tt.code {
				t.Fatalf("violations %v, connect %+v", a.Violations, a.Connects[0])
			}
		})
	}
}

func TestCompleteOfUnknownIDAndUnknownMembersAreRecorded(t *testing.T) {
	s := start(t, Options{})
	p := live(t, s, "")
	p.write(`{"type":"complete","id":"other"}`)
	p.write(`{"type":"ping","hello":1}`)
	p.expect("pong")
	a := s.wait(t, func(a Audit) bool { return len(a.Violations) == 2 })
	if a.Violations[0].Rule != "complete" || a.Violations[1].Rule != "message" {
		t.Fatal(a.Violations)
	}
}

func TestLeavingWithoutCompleteIsRecorded(t *testing.T) {
	s := start(t, Options{})
	p := live(t, s, "")
	_ = p.Close() // the point: no complete, no close frame
	a := s.wait(t, func(a Audit) bool { return a.Open == 0 })
	if len(a.Violations) != 1 || a.Violations[0].Rule != "complete" {
		t.Fatal(a.Violations)
	}
}

func TestSubprotocolPolicies(t *testing.T) {
	for _, tt := range []struct {
		name    string
		policy  Subprotocol
		offered []string
		status  int
		chosen  string
		code    int
	}{
		{"echo", SubprotocolEcho, []string{protoTransport}, 101, protoTransport, 0},
		{"echo, other offered", SubprotocolEcho, []string{protoLegacy}, 101, "", 0},
		{"echo, none offered", SubprotocolEcho, nil, 101, "", 0},
		{"require", SubprotocolRequire, []string{protoTransport}, 101, protoTransport, 0},
		{"require, none offered", SubprotocolRequire, nil, 101, "", 4406},
		{"none", SubprotocolNone, []string{protoTransport}, 101, "", 0},
		{"refuse", SubprotocolRefuse, []string{protoTransport}, 400, "", 0},
		{"refuse, none offered", SubprotocolRefuse, nil, 101, "", 0},
		{"legacy", SubprotocolLegacy, []string{protoLegacy}, 101, protoLegacy, 0},
		{"legacy, new offered", SubprotocolLegacy, []string{protoTransport}, 400, "", 0},
		{"foreign", SubprotocolForeign, []string{protoTransport}, 101, "mqtt", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, Options{})
			s.Change(func(f *Faults) { f.Upgrade.Subprotocol = tt.policy })
			p, resp, err := tryDial(t, s, tt.offered...)
			if resp.StatusCode != tt.status || (err != nil) != (tt.status != 101) {
				t.Fatalf("status %d, %v", resp.StatusCode, err)
			}
			if got := resp.Header.Get("Sec-WebSocket-Protocol"); got != tt.chosen {
				t.Fatalf("chosen %q", got)
			}
			if tt.code != 0 {
				p.expectClose(tt.code)
			}
		})
	}
}

func TestLegacyProtocol(t *testing.T) {
	s := start(t, Options{})
	s.Change(func(f *Faults) { f.Upgrade.Subprotocol = SubprotocolLegacy })
	s.Publish(testChain, event(1))
	p := dial(t, s, protoLegacy)
	p.init(s)
	p.expect("connection_ack")
	p.expect("ka")
	p.write(`{"id":"1","type":"start","payload":{"query":"subscription { newEvent(input: {chainCode: \"HTBTTE\"}) { moduleName } }","extensions":{"fromOffset":1}}}`)
	if f := p.expect("data"); !strings.Contains(f.raw, "RESERVATION") {
		t.Fatal(f.raw)
	}
	p.write(`{"id":"1","type":"stop"}`)
	p.expectClose(1000)
}

func TestUpgradeAnswers(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 426, 429, 499, 500, 503, 200, 302} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			s := start(t, Options{})
			f := s.Faults()
			f.Upgrade.Status, f.Upgrade.RetryAfter = status, "9"
			s.NextConnection(f)
			_, resp, err := tryDial(t, s, protoTransport)
			if err == nil || resp.StatusCode != status || resp.Header.Get("Retry-After") != "9" {
				t.Fatalf("%v, %+v", err, resp)
			}
			live(t, s, "") // only the next one was meant
		})
	}
}

func TestUpgradeKeys(t *testing.T) {
	client := testClient
	client.AppKey = "k>>k??k~" // has + and / in base64
	for _, tt := range []struct {
		name   string
		mode   KeyMode
		raw    string
		status int
	}{
		{"base64 of another", KeyBase64, "QVBQS0VZMDAx", 400},
		{"base64 right", KeyBase64, "az4%2Baz8%2Fa34%3D", 101},
		{"base64 unescaped plus", KeyBase64, "az4+az8/a34=", 400},
		{"base64url", KeyBase64URL, "az4-az8_a34%3D", 101},
		{"literal", KeyLiteral, "k%3E%3Ek%3F%3Fk~", 101},
		{"missing", KeyLiteral, "", 400},
		{"sha256 of sample", KeySHA256Hex, "144c31efe3a5f77bf7569665a92437709cdd6c5ebd9e113e16cf91607874b87a", 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, Options{Clients: []Client{client}})
			s.Change(func(f *Faults) { f.Upgrade.Key = tt.mode })
			_, resp, _ := websocket.DefaultDialer.Dial(s.StreamURL()+"?key="+tt.raw, nil)
			if resp.StatusCode != tt.status {
				t.Fatalf("status %d, want %d (right: %s)", resp.StatusCode, tt.status, tt.mode.encode(client.AppKey))
			}
		})
	}
}

func TestTooManyUpgrades(t *testing.T) {
	s := start(t, Options{})
	s.Change(func(f *Faults) { f.Upgrade.MaxPerWindow, f.Upgrade.Window = 2, time.Minute })
	dial(t, s)
	dial(t, s)
	_, resp, err := tryDial(t, s)
	if err == nil || resp.StatusCode != 429 || resp.Header.Get("Retry-After") != "60" {
		t.Fatalf("%v %+v", err, resp)
	}
}
