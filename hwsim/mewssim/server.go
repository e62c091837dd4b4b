package mewssim

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"edgeagent/hwsim/door"
)

// Server is a running Mews environment. All its methods can be called at any
// time, from any goroutine.
type Server struct {
	options    Options
	platform   *door.Door
	socket     *door.Door
	caPEM      []byte
	book       *book
	operations map[string]operation
	running    sync.WaitGroup

	mu       sync.Mutex
	faults   Faults
	troubles []Trouble
	offset   time.Duration
	token    string // the access token that is good, "" if none
	denied   map[string]bool
	admitted []time.Time // requests within the window
	retryAt  time.Time   // what the last 429 announced
	world    world
	links    map[*link]bool
	connects int
	enabled  map[string]bool // types of events
	holding  int
	held     []event
	changed  chan struct{} // closed and replaced when a command changes
	closed   bool
}

// Start listens and serves until Close. The property is empty, with an active
// connection and all types of events enabled.
func Start(o Options) (*Server, error) {
	o.fill()
	if _, err := time.LoadLocation(o.Zone); err != nil {
		return nil, fmt.Errorf("zone of the property: %w", err)
	}
	for _, token := range []string{o.ClientToken, o.AccessToken} {
		if !tokenLike(token) {
			return nil, errors.New("a token is more than hex digits and hyphens")
		}
	}
	s := &Server{options: o, book: newBook(o.Now), operations: operations(), token: o.AccessToken,
		denied: map[string]bool{}, world: newWorld(), links: map[*link]bool{}, changed: make(chan struct{}),
		enabled: map[string]bool{typeCommand: true, typeReservation: true, typeResource: true, typePrice: true}}
	var config *tls.Config
	if o.TLS {
		var err error
		if config, s.caPEM, err = door.Certificate(); err != nil {
			return nil, err
		}
	}
	s.platform, s.socket = door.New(http.HandlerFunc(s.servePlatform), config), door.New(http.HandlerFunc(s.serveSocket), config)
	if err := s.platform.Open(o.PlatformAddr); err != nil {
		return nil, err
	}
	if err := s.socket.Open(o.SocketAddr); err != nil {
		return nil, errors.Join(err, s.platform.Shut())
	}
	return s, nil
}

// Asked are the addresses that were asked for, without the host.
func (s *Server) Asked() []string { return append(s.platform.Asked(), s.socket.Asked()...) }

// Close ends all connections and stops listening.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.resetSockets()
	err := errors.Join(s.platform.Shut(), s.socket.Shut())
	s.running.Wait()
	return err
}

// PlatformURL is the root of the API, without a slash at the end.
func (s *Server) PlatformURL() string { return s.scheme("http") + "://" + s.platform.Addr() }

// SocketURL is the root of the socket address, without a path.
func (s *Server) SocketURL() string { return s.scheme("ws") + "://" + s.socket.Addr() }

func (s *Server) scheme(plain string) string {
	if s.options.TLS {
		return plain + "s"
	}
	return plain
}

// CAPEM is the certificate of the CA to trust, nil without TLS.
func (s *Server) CAPEM() []byte { return slices.Clone(s.caPEM) }

// ClientToken is the integration's token.
func (s *Server) ClientToken() string { return s.options.ClientToken }

// AccessToken is the property's token, "" while it is revoked.
func (s *Server) AccessToken() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token
}

// EnterpriseID is the property's id.
func (s *Server) EnterpriseID() string { return s.world.enterprise }

// Now is the server's clock as it stands in its answers.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

func (s *Server) now() time.Time { return s.options.Now().Add(s.offset).UTC() }

// stamp is now in the resolution of the wire; the caller holds mu.
func (s *Server) stamp() time.Time {
	if s.faults.Shape.Fraction {
		return s.now().Truncate(time.Millisecond)
	}
	return s.now().Truncate(time.Second)
}

// SetClockOffset runs the server's clock off by so much.
func (s *Server) SetClockOffset(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset = d
}

// Faults are the switches as they stand.
func (s *Server) Faults() Faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults
}

// Change alters the switches, at once.
func (s *Server) Change(change func(*Faults)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.faults)
}

// Trouble lays down what is to happen to requests; of those that fit a request
// the first happens.
func (s *Server) Trouble(t ...Trouble) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.troubles = append(s.troubles, t...)
}

// ClearTroubles takes back what has not happened yet.
func (s *Server) ClearTroubles() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.troubles = nil
}

// Deny takes the permission for an operation from the integration; it answers
// 401 from then on, while others go on.
func (s *Server) Deny(operation string) { s.setDenied(operation, true) }

// Allow undoes Deny.
func (s *Server) Allow(operation string) { s.setDenied(operation, false) }

func (s *Server) setDenied(operation string, denied bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied[operation] = denied
}

// EnableEvents says which types the integration is configured for: DeviceCommand,
// Reservation, Resource, PriceUpdate.
func (s *Server) EnableEvents(types ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.enabled)
	for _, t := range types {
		s.enabled[t] = true
	}
}

// RotateToken gives the property a new access token, which it returns; the old
// one is worth nothing.
func (s *Server) RotateToken() string {
	token := strings.ToUpper(newID()) + "-" + strings.ToUpper(newID()[:4])
	s.setToken(token)
	return token
}

// RevokeToken makes the access token worthless, as disabling the integration
// does. RestoreToken brings the same one back.
func (s *Server) RevokeToken() { s.setToken("") }

// RestoreToken makes the token of the Options good.
func (s *Server) RestoreToken() { s.setToken(s.options.AccessToken) }

func (s *Server) setToken(token string) {
	s.mu.Lock()
	s.token = token
	code := s.faults.Socket.CloseOnRevoke
	s.mu.Unlock()
	if code != 0 {
		s.CloseSockets(code, "")
	}
}

// Down makes both hosts unreachable: connections are reset, new ones refused,
// and the ports stay ours. Up undoes it.
func (s *Server) Down() error {
	err := errors.Join(s.platform.Hold(), s.socket.Hold())
	s.Cut()
	return err
}

// Up listens again at the same addresses.
func (s *Server) Up() error { return errors.Join(s.platform.Reopen(), s.socket.Reopen()) }

// Cut resets all connections; new ones are welcome.
func (s *Server) Cut() {
	s.resetSockets()
	s.platform.ResetAll()
	s.socket.ResetAll()
}

// newID is a random UUID, in lower case as Mews writes them.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
