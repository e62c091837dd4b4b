package mews

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// transport is how the link reaches the network.
type transport struct {
	dialer net.Dialer
	tls    *tls.Config
}

func newTransport(caFile string) (*transport, error) {
	// Mews takes TLS 1.2 at the least (changelog of 5 June 2018).
	t := &transport{tls: &tls.Config{MinVersion: tls.VersionTLS12}}
	t.dialer.Timeout = 10 * time.Second
	if caFile == "" {
		return t, nil
	}
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
	return t, nil
}

// client is for requests to the API. It follows no redirect: a body with
// tokens goes to the address in the property file and nowhere else.
func (t *transport) client() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         t.dialer.DialContext,
			TLSClientConfig:     t.tls.Clone(),
			TLSHandshakeTimeout: 10 * time.Second,
			MaxIdleConnsPerHost: 4,
			IdleConnTimeout:     90 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
