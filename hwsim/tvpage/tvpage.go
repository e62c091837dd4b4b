// Package tvpage is the reference TV: one static page that speaks the TV
// contract over MQTT in a WebSocket, for a bench, for a set with a browser, and
// for whoever builds another. Package tvsim has sets without a screen, for tests.
package tvpage

import (
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

//go:embed index.html
var page []byte

// Set says which TV a page is.
type Set struct {
	// Broker is the address of its WebSocket listener, ws:// or wss://.
	Broker string
	// Prefix begins every topic; "" for htl/v1. Property is the next level.
	Prefix, Property string
	// Room is the room key; ID tells the sets of a room apart, "" for web. The
	// client id is "{Room}-{ID}".
	Room, ID string
	// User is the user name at the broker, "" for the room key.
	User, Password string
	// Hotel is a name to show while nobody is greeted; it may be empty.
	Hotel string
}

// Address is that of the page for a set. What it says of the set stands in the
// fragment, which no browser sends: it reaches no server and no log.
func (s Set) Address(page string) string {
	values := url.Values{}
	for key, value := range map[string]string{
		"broker": s.Broker, "prefix": s.Prefix, "property": s.Property, "room": s.Room, "tv": s.ID,
		"user": s.User, "password": s.Password, "hotel": s.Hotel,
	} {
		if value != "" {
			values.Set(key, value)
		}
	}
	// Neither needs an escape in a fragment, and a person may have to read this.
	return page + "#" + strings.NewReplacer("%3A", ":", "%2F", "/").Replace(values.Encode())
}

// Handler serves the page at /. The page itself forbids everything but a
// WebSocket; the header allows none but the broker's, and no frame around it.
func Handler(broker string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/":
			http.NotFound(w, r)
			return
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "the page can only be read", http.StatusMethodNotAllowed)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Length", strconv.Itoa(len(page)))
		h.Set("Content-Security-Policy", "connect-src "+origin(broker)+"; frame-ancestors 'none'")
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(page)
	})
}

// origin is scheme and host of an address, as a policy names them.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "'none'"
	}
	return u.Scheme + "://" + u.Host
}

// Server serves the page on this machine.
type Server struct {
	url    string
	server *http.Server
	ended  chan error
}

// Start serves the page at a free port of 127.0.0.1, for sets of that broker.
func Start(broker string) (*Server, error) {
	open, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("the page of the TVs: %w", err)
	}
	s := &Server{
		url:    "http://" + open.Addr().String() + "/",
		server: &http.Server{Handler: Handler(broker), ReadHeaderTimeout: 5 * time.Second},
		ended:  make(chan error, 1),
	}
	go func() { s.ended <- s.server.Serve(open) }()
	return s, nil
}

// URL is the address of the page, without a set.
func (s *Server) URL() string { return s.url }

// Close stops serving. Pages that are open live on.
func (s *Server) Close() error {
	_ = s.server.Close()
	if err := <-s.ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("the page of the TVs: %w", err)
	}
	return nil
}
