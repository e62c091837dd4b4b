package mewssim

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// patience ends a test that would hang; nothing is expected to take that long.
const patience = 2 * time.Minute

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func start(t *testing.T, o Options) *Server {
	t.Helper()
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

func startAt(t *testing.T) (*Server, *clock) {
	t.Helper()
	c := newClock()
	return start(t, Options{Now: c.now}), c
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// hotel is a small property.
type hotel struct {
	*Server
	stay, category, room, other, guest, cutter string
}

func build(s *Server) *hotel {
	h := &hotel{Server: s, stay: s.AddService("Stay")}
	h.category = must(s.AddCategory(h.stay, "Room", "Double"))
	h.room = must(s.AddRoom("101", h.category, "1", ""))
	h.other = must(s.AddRoom("102", h.category, "1", ""))
	h.guest = s.AddCustomer(Customer{Title: "Misses", FirstName: "Ágnes", LastName: "Örkény", PreferredLanguage: "hu-HU"})
	h.cutter = s.AddDevice(KeyCutter, "Desk encoder", "ENC-1")
	must(0, s.Link(h.cutter))
	return h
}

func (h *hotel) book(room string) Reservation {
	now := h.Now()
	return must(h.Reserve(Booking{Service: h.stay, Owner: h.guest, Room: room, Arrival: now, Departure: now.AddDate(0, 0, 2)}))
}

// body is a request's with what every one carries.
func (s *Server) body(fields object) object {
	out := object{"ClientToken": s.ClientToken(), "AccessToken": s.AccessToken(), "Client": "Test 1.0"}
	maps.Copy(out, fields)
	return out
}

// reply is an answer of the API.
type reply struct {
	status int
	header http.Header
	text   string
	json   object
}

func (r reply) list(name string) []object {
	var out []object
	all, _ := r.json[name].([]any)
	for _, v := range all {
		out = append(out, v.(object))
	}
	return out
}

func (s *Server) request(t *testing.T, path string, body []byte) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, s.PlatformURL()+path, bytes.NewReader(body))
	ok(t, err)
	r.Header.Set("Content-Type", "application/json")
	return r
}

func tryRoundTrip(r *http.Request) (reply, error) {
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	out := reply{status: resp.StatusCode, header: resp.Header, text: string(b)}
	_ = json.Unmarshal(b, &out.json) // some are no JSON
	return out, err
}

func roundTrip(t *testing.T, r *http.Request) reply {
	t.Helper()
	out, err := tryRoundTrip(r)
	ok(t, err)
	return out
}

// call asks an operation.
func (s *Server) call(t *testing.T, operation string, fields object) reply {
	t.Helper()
	return roundTrip(t, s.request(t, apiPrefix+operation, must(json.Marshal(s.body(fields)))))
}

// good asks an operation that must not refuse.
func (s *Server) good(t *testing.T, operation string, fields object) reply {
	t.Helper()
	r := s.call(t, operation, fields)
	if r.status != 200 {
		t.Fatalf("%s: %d %s", operation, r.status, r.text)
	}
	return r
}

func first(n int) object { return object{"Count": n} }

func after(n int, cursor any) object { return object{"Count": n, "Cursor": cursor} }

// peer is a raw client of the socket.
type peer struct {
	t *testing.T
	*websocket.Conn
}

func (s *Server) cookie() string {
	return "ClientToken=" + s.ClientToken() + "; AccessToken=" + s.AccessToken()
}

func (s *Server) tryDial(url string, cookies ...string) (*websocket.Conn, int, error) {
	d := websocket.Dialer{HandshakeTimeout: patience}
	ws, resp, err := d.Dial(url, http.Header{"Cookie": cookies})
	if resp != nil {
		return ws, resp.StatusCode, err
	}
	return ws, 0, err
}

func (s *Server) dial(t *testing.T) *peer {
	t.Helper()
	ws, status, err := s.tryDial(s.SocketURL()+socketPath, s.cookie())
	if err != nil {
		t.Fatalf("dialling: %d %v", status, err)
	}
	t.Cleanup(func() { _ = ws.Close() })
	ok(t, ws.SetReadDeadline(time.Now().Add(patience)))
	return &peer{t, ws}
}

// frame reads one message.
func (p *peer) frame() string {
	p.t.Helper()
	_, data, err := p.ReadMessage()
	if err != nil {
		p.t.Fatalf("reading: %v", err)
	}
	return string(data)
}

// events reads one envelope.
func (p *peer) events() []object {
	p.t.Helper()
	var envelope struct{ Events []object }
	text := p.frame()
	if err := json.Unmarshal([]byte(text), &envelope); err != nil {
		p.t.Fatalf("%.200s: %v", text, err)
	}
	return envelope.Events
}

// nothing checks that nothing was sent before what comes now.
func (p *peer) nothing(s *Server) {
	p.t.Helper()
	s.SendRaw("end")
	if got := p.frame(); got != "end" {
		p.t.Fatalf("unexpected frame %s", got)
	}
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func (s *Server) await(t *testing.T, cond func(Audit) bool) Audit {
	t.Helper()
	a, err := s.Wait(within(t), cond)
	ok(t, err)
	return a
}

func (s *Server) rules() []string {
	var out []string
	for _, v := range s.Violations() {
		out = append(out, v.Rule)
	}
	return out
}
