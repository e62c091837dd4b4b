package inspiresim

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"edgeagent/hwsim/door"
)

// Server is a running PMS side. All its methods can be called at any time, from
// any goroutine.
type Server struct {
	options Options
	now     func() time.Time
	signKey []byte
	door    *door.Door
	caPEM   []byte
	audit   *auditBook
	running sync.WaitGroup

	mu          sync.Mutex
	faults      Faults
	chainFaults map[string]Faults
	pinned      []Faults // for the next connections, in order
	tokenFaults TokenFaults
	issued      map[string]issued
	serials     int
	chains      map[string]*chainLog
	conns       map[*conn]bool
	locks       map[lockKey]*lock
	connects    int
	upgrades    []time.Time   // within the window
	changed     chan struct{} // closed and replaced when a switch changes
	closed      bool
}

// Start listens and serves until Close.
func Start(o Options) (*Server, error) {
	if len(o.Clients) == 0 {
		return nil, errors.New("no client is registered: put at least one into Options.Clients")
	}
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.TokenPath == "" {
		o.TokenPath = "/oauth/v1/tokens"
	}
	if o.StreamPath == "" {
		o.StreamPath = "/subscriptions"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Clients = slices.Clone(o.Clients)
	s := &Server{
		options: o, now: o.Now, signKey: make([]byte, 32), audit: newAuditBook(o.Now),
		faults: defaultFaults(o.Dialect), chainFaults: map[string]Faults{}, issued: map[string]issued{},
		chains: map[string]*chainLog{}, conns: map[*conn]bool{}, locks: map[lockKey]*lock{},
		changed: make(chan struct{}),
	}
	if _, err := rand.Read(s.signKey); err != nil {
		return nil, fmt.Errorf("making a signing key: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc(o.TokenPath, s.serveToken)
	mux.HandleFunc(o.StreamPath, s.serveStream)
	mux.HandleFunc("/portal", func(w http.ResponseWriter, _ *http.Request) { writePage(w, http.StatusOK, portalPage) })
	var config *tls.Config
	if o.TLS {
		var err error
		if config, s.caPEM, err = door.Certificate(); err != nil {
			return nil, err
		}
	}
	s.door = door.New(mux, config)
	if err := s.door.Open(o.Addr); err != nil {
		return nil, err
	}
	return s, nil
}

// Asked are the addresses that were asked for, without the host.
func (s *Server) Asked() []string { return s.door.Asked() }

// Close ends all connections and stops listening.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.resetAll()
	err := s.door.Shut()
	s.running.Wait()
	return err
}

// Host is the address as host:port.
func (s *Server) Host() string { return s.door.Addr() }

// BaseURL is the root, without a slash at the end.
func (s *Server) BaseURL() string { return s.scheme("http") + "://" + s.Host() }

// TokenURL is where tokens are fetched.
func (s *Server) TokenURL() string { return s.BaseURL() + s.options.TokenPath }

// StreamURL is the WebSocket address, without the key.
func (s *Server) StreamURL() string {
	return s.scheme("ws") + "://" + s.Host() + s.options.StreamPath
}

func (s *Server) scheme(plain string) string {
	if s.options.TLS {
		return plain + "s"
	}
	return plain
}

// CAPEM is the certificate of the CA to trust, nil without TLS.
func (s *Server) CAPEM() []byte { return slices.Clone(s.caPEM) }

// Faults are the switches as they stand for everybody.
func (s *Server) Faults() Faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults
}

// Change alters the switches, at once, also for live connections.
func (s *Server) Change(change func(*Faults)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.faults)
	s.tellChange()
}

// tellChange wakes whoever waits for something the switches decide; the caller holds mu.
func (s *Server) tellChange() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *Server) changes() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// ChangeChain alters the switches for the subscriptions of one chain; from then
// on Change does not reach them. Upgrade and Handshake come before a chain is
// known and have no effect here.
func (s *Server) ChangeChain(chain string, change func(*Faults)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, own := s.chainFaults[chain]
	if !own {
		f = s.faults
	}
	change(&f)
	s.chainFaults[chain] = f
	s.tellChange()
}

// NextConnection lays down the switches of the next requests for an upgrade,
// one each, in order; they win over all others while that connection lives.
// Start from Faults() and alter it.
func (s *Server) NextConnection(faults ...Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pinned = append(s.pinned, faults...)
}

// ChangeTokens alters the switches of the token endpoint.
func (s *Server) ChangeTokens(change func(*TokenFaults)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.tokenFaults)
}

// RevokeTokens makes all tokens given so far worthless.
func (s *Server) RevokeTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.issued)
}

// AllowChain and ForbidChain change what the client with that id may read.
func (s *Server) AllowChain(clientID, chain string) { s.setChain(clientID, chain, true) }

// ForbidChain takes a chain from a client; a live subscription goes on.
func (s *Server) ForbidChain(clientID, chain string) { s.setChain(clientID, chain, false) }

func (s *Server) setChain(clientID, chain string, allowed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.options.Clients {
		c := &s.options.Clients[i]
		if c.ID != clientID {
			continue
		}
		c.Chains = slices.DeleteFunc(slices.Clone(c.Chains), func(name string) bool { return name == chain })
		if allowed {
			c.Chains = append(c.Chains, chain)
		}
	}
}

// Down makes the server unreachable: live connections are reset, new ones
// refused, and the port stays ours. Up undoes it.
func (s *Server) Down() error {
	if err := s.door.Hold(); err != nil {
		return err
	}
	s.resetAll()
	return nil
}

// Up listens again at the same address.
func (s *Server) Up() error { return s.door.Reopen() }

// Cut resets all connections, as a redeploy or a broken line does; new ones are welcome.
func (s *Server) Cut() { s.resetAll() }

func (s *Server) resetAll() {
	for _, c := range s.liveConns() {
		c.reset()
	}
	s.door.ResetAll()
}

func (s *Server) liveConns() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b *conn) int { return a.id - b.id })
	return out
}

func (s *Server) chain(name string) *chainLog {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.chains[name]
	if l == nil {
		l = newChainLog(name)
		s.chains[name] = l
	}
	return l
}

func (s *Server) clientByID(id string) (Client, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.options.Clients {
		if c.ID == id {
			return c, true
		}
	}
	return Client{}, false
}
