package inspire

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

const (
	// readLimit is the biggest message that is taken. There is no documented
	// limit; public clients of the OPERA Cloud stream allow as much.
	readLimit = 16 << 20
	// maxHandshake bounds what a peer can send before it has upgraded.
	maxHandshake = 256 << 10
	// maxDrops is after how many failed connections the cookies are thrown
	// away: they pin us to one instance of the server, which may be the dead one.
	maxDrops = 3
)

// transport is how the link reaches the network: one cookie jar for token and
// upgrade, so that a load balancer's affinity works by itself.
type transport struct {
	dialer net.Dialer
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	tls    *tls.Config
	jar    *cookies
}

func newTransport(caFile string) (*transport, error) {
	t := &transport{jar: &cookies{}, tls: &tls.Config{MinVersion: tls.VersionTLS12}}
	t.dialer.Timeout = 15 * time.Second
	t.dial = t.dialer.DialContext
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca_file: %s holds no certificate in PEM form", caFile)
		}
		t.tls.RootCAs = pool
	}
	return t, nil
}

// httpClient is for one token call. Redirects are not followed: a token server
// does not redirect, a captive portal does.
func (s *Source) httpClient() *http.Client {
	return &http.Client{
		Jar:           s.net.jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            s.net.dial,
			TLSClientConfig:        s.net.tls.Clone(),
			TLSHandshakeTimeout:    s.waits.Handshake,
			MaxResponseHeaderBytes: maxHandshake,
			DisableKeepAlives:      true,
		},
	}
}

// upgrade opens the WebSocket, offering one subprotocol ("" offers none).
func (s *Source) upgrade(ctx context.Context, c credentials, subprotocol string) (*websocket.Conn, error) {
	address, err := streamAddress(&s.cfg, c.appKey)
	if err != nil {
		return nil, err
	}
	timeout := s.waits.Handshake * time.Duration(1+s.past.handshakes)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var meter *meteredConn
	d := websocket.Dialer{
		NetDialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := s.net.dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			meter = &meteredConn{Conn: conn}
			meter.left.Store(maxHandshake)
			return meter, nil
		},
		Proxy:            http.ProxyFromEnvironment,
		TLSClientConfig:  s.net.tls.Clone(),
		HandshakeTimeout: timeout,
		ReadBufferSize:   16 << 10,
		WriteBufferSize:  4 << 10,
		Jar:              s.net.jar,
	}
	if subprotocol != "" {
		d.Subprotocols = []string{subprotocol}
	}
	id := newUUID()
	conn, resp, err := d.DialContext(ctx, address, http.Header{"X-Request-Id": {id}, "User-Agent": {s.agent()}})
	if err != nil {
		return nil, s.upgradeFailure(c, resp, err)
	}
	meter.left.Store(-1)
	// The library takes any choice of the server; none is fine, one that was
	// never offered is not.
	if chosen := conn.Subprotocol(); chosen != "" && !slices.Contains(d.Subprotocols, chosen) {
		conn.Close()
		return nil, &failure{ending{stage: atUpgrade, signal: "subprotocol", detail: c.redact(chosen, "")}}
	}
	conn.SetReadLimit(readLimit)
	s.log.Info().Str("chain", s.cfg.ChainCode).Str("host", s.host).Str("request", id).
		Str("subprotocol", conn.Subprotocol()).Msg("pms connection opened")
	return conn, nil
}

func (s *Source) upgradeFailure(c credentials, resp *http.Response, err error) error {
	if !errors.Is(err, websocket.ErrBadHandshake) || resp == nil {
		return s.networkFailure(atUpgrade, c, err)
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 1024)) // already in memory
	f := &failure{ending{stage: atUpgrade, status: resp.StatusCode, retryAfter: retryAfter(resp, s.now())}}
	switch {
	case resp.StatusCode == http.StatusSwitchingProtocols:
		f.status, f.signal, f.detail = 0, "http other", "the upgrade was answered wrongly"
	case isHTML(resp.Header, body):
		f.detail = "a web page came back"
	default:
		f.detail = c.redact(string(body), "")
	}
	return f
}

func isCertificateError(err error) bool {
	var (
		verify  *tls.CertificateVerificationError
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
		record  tls.RecordHeaderError
	)
	return errors.As(err, &verify) || errors.As(err, &unknown) || errors.As(err, &host) ||
		errors.As(err, &invalid) || errors.As(err, &record) || strings.Contains(err.Error(), "x509:")
}

// meteredConn ends a handshake that sends without end. Once the connection is
// upgraded the read limit takes over.
type meteredConn struct {
	net.Conn
	left atomic.Int64 // negative: not metered
}

func (m *meteredConn) Read(p []byte) (int, error) {
	left := m.left.Load()
	if left < 0 {
		return m.Conn.Read(p)
	}
	if left == 0 {
		return 0, errors.New("the answer to the upgrade is too long")
	}
	n, err := m.Conn.Read(p[:min(int64(len(p)), left)])
	m.left.Add(-int64(n))
	return n, err
}
