package inspiresim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

const (
	testChain  = "HTBTTE"
	otherChain = "TTE"
	testKey    = "APPKEY001"
	testQuery  = `subscription { newEvent(input: {chainCode: "HTBTTE"}) { metadata { offset } moduleName eventName detail { elementName oldValue newValue } } }`
	longQuery  = `subscription { newEvent(input: {chainCode: "HTBTTE"}) { metadata { offset uniqueEventId } moduleName eventName primaryKey timestamp hotelId detail { elementName oldValue newValue } } }`
	patience   = 30 * time.Second
)

var testClient = Client{ID: "client", Secret: "secret", AppKey: testKey, Enterprise: "HOTELX", Chains: []string{testChain, otherChain}}

func start(t *testing.T, o Options) *Server {
	t.Helper()
	if o.Clients == nil {
		o.Clients = []Client{testClient}
	}
	s, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// tokenRequest is a good one, to be spoilt.
func tokenRequest(t *testing.T, s *Server) *http.Request {
	t.Helper()
	body := url.Values{"grant_type": {"client_credentials"}, "scope": {"urn:pms:events"}}.Encode()
	if s.options.Dialect == OHIP {
		body = url.Values{"grant_type": {"client_credentials"}, "scope": {"urn:opc:hgbu:ws:__myscopes__"}}.Encode()
	}
	r, err := http.NewRequest(http.MethodPost, s.TokenURL(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("client", "secret")
	r.Header.Set("x-app-key", testKey)
	r.Header.Set("enterpriseId", "HOTELX")
	return r
}

func roundTrip(t *testing.T, r *http.Request) (status int, header http.Header, body string) {
	t.Helper()
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

func fetchToken(t *testing.T, s *Server) string {
	t.Helper()
	status, _, body := roundTrip(t, tokenRequest(t, s))
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != 200 || answer.AccessToken == "" {
		t.Fatalf("token: status %d, body %q, %v", status, body, err)
	}
	return answer.AccessToken
}

// peer is a raw client.
type peer struct {
	t *testing.T
	*websocket.Conn
}

func (s *Server) keyFor(mode KeyMode) string {
	return s.StreamURL() + "?key=" + url.QueryEscape(mode.encode(testKey))
}

func dial(t *testing.T, s *Server, protocols ...string) *peer {
	t.Helper()
	p, resp, err := tryDial(t, s, protocols...)
	if err != nil {
		t.Fatalf("dialing: %v (%v)", err, resp)
	}
	return p
}

func tryDial(t *testing.T, s *Server, protocols ...string) (*peer, *http.Response, error) {
	t.Helper()
	d := websocket.Dialer{Subprotocols: protocols, HandshakeTimeout: patience}
	ws, resp, err := d.Dial(s.keyFor(s.Faults().Upgrade.Key), nil)
	if err != nil {
		return nil, resp, err
	}
	t.Cleanup(func() { _ = ws.Close() })
	return &peer{t, ws}, resp, nil
}

func (p *peer) write(text string) {
	p.t.Helper()
	if err := p.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		p.t.Fatal(err)
	}
}

// frame is a message of the server.
type frame struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
	raw     string
}

// wireEvent is an event as a client sees it.
type wireEvent struct {
	Metadata struct {
		Offset   json.RawMessage `json:"offset"`
		UniqueID string          `json:"uniqueEventId"`
	} `json:"metadata"`
	Module     string  `json:"moduleName"`
	Name       string  `json:"eventName"`
	PrimaryKey string  `json:"primaryKey"`
	Timestamp  string  `json:"timestamp"`
	Hotel      *string `json:"hotelId"`
	Detail     []struct {
		Name string  `json:"elementName"`
		Old  *string `json:"oldValue"`
		New  *string `json:"newValue"`
	} `json:"detail"`
}

func (p *peer) tryRead() (frame, error) {
	if err := p.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return frame{}, err
	}
	_, data, err := p.ReadMessage()
	if err != nil {
		return frame{}, err
	}
	f := frame{raw: string(data)}
	return f, json.Unmarshal(data, &f)
}

func (p *peer) read() frame {
	p.t.Helper()
	f, err := p.tryRead()
	if err != nil {
		p.t.Fatal(err)
	}
	return f
}

// expect reads one frame, which must be of that type.
func (p *peer) expect(kind string) frame {
	p.t.Helper()
	f := p.read()
	if f.Type != kind {
		p.t.Fatalf("got %s, want type %s", f.raw, kind)
	}
	return f
}

// expectClose reads until the connection ends, which must be with that code.
func (p *peer) expectClose(code int) {
	p.t.Helper()
	for {
		_, err := p.tryRead()
		if err == nil {
			continue
		}
		if ce := (*websocket.CloseError)(nil); !errors.As(err, &ce) || ce.Code != code {
			p.t.Fatalf("ended with %v, want close code %d", err, code)
		}
		return
	}
}

func (p *peer) init(s *Server) {
	p.t.Helper()
	p.write(fmt.Sprintf(`{"type":"connection_init","payload":{"Authorization":"Bearer %s","x-app-key":%q}}`, fetchToken(p.t, s), testKey))
}

func (p *peer) subscribe(id, query, more string) {
	p.t.Helper()
	text, err := json.Marshal(query)
	if err != nil {
		p.t.Fatal(err)
	}
	p.write(fmt.Sprintf(`{"id":%q,"type":"subscribe","payload":{"query":%s%s}}`, id, text, more))
}

// live dials, initialises and subscribes.
func live(t *testing.T, s *Server, more string) *peer {
	t.Helper()
	p := dial(t, s, protoTransport)
	p.init(s)
	p.expect("connection_ack")
	before := len(s.Audit().Subscriptions)
	p.subscribe("sub-1", testQuery, more)
	s.wait(t, func(a Audit) bool {
		return len(a.Subscriptions) > before && (a.Subscriptions[before].Accepted || a.Subscriptions[before].Refused != "")
	})
	return p
}

func from(n int) string { return fmt.Sprintf(`,"extensions":{"fromOffset":%d}`, n) }

func (s *Server) wait(t *testing.T, cond func(Audit) bool) Audit {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	a, err := s.Wait(ctx, cond)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (p *peer) event() wireEvent {
	p.t.Helper()
	f := p.expect("next")
	var payload struct {
		Data struct {
			NewEvent wireEvent `json:"newEvent"`
		} `json:"data"`
	}
	if err := json.Unmarshal(f.Payload, &payload); err != nil {
		p.t.Fatalf("%s: %v", f.raw, err)
	}
	return payload.Data.NewEvent
}

func event(n int) Event {
	return Event{Module: "RESERVATION", Name: "CHECK IN", PrimaryKey: fmt.Sprint(1000 + n), HotelID: "H1",
		Detail: []Element{{Name: "ROOM", New: fmt.Sprint(100 + n)}}}
}

func TestEventsFlow(t *testing.T) {
	s := start(t, Options{})
	s.Publish(testChain, event(1))
	s.Publish(testChain, event(2))
	p := live(t, s, from(1))
	for _, want := range []string{`"1"`, `"2"`} {
		if got := p.event(); string(got.Metadata.Offset) != want {
			t.Fatalf("offset %s, want %s", got.Metadata.Offset, want)
		}
	}
	s.Publish(testChain, event(3))
	if got := p.event(); string(got.Metadata.Offset) != `"3"` || *got.Detail[0].New != "103" {
		t.Fatalf("got %+v", got)
	}
	p.write(`{"id":"sub-1","type":"complete"}`)
	p.expectClose(1000)
	a := s.wait(t, func(a Audit) bool { return a.Open == 0 })
	if len(a.Violations) > 0 {
		t.Fatalf("violations: %v", a.Violations)
	}
	if got := a.Subscriptions[0]; got.Sent != 3 || !got.Completed || got.Offset != "1" {
		t.Fatalf("got %+v", got)
	}
}
