package wifi

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"edgeagent/drivers"
)

// PinError is a controller that shows another certificate than the pinned one.
type PinError struct {
	// Want is the pin of the property file, Seen the SHA-256 of the certificate
	// that was shown; both in hex.
	Want, Seen string
}

func (e *PinError) Error() string {
	return fmt.Sprintf("the controller's certificate has changed: expected sha256 %s, seen %s; nothing was sent to it. "+
		"If its firmware was updated, compare `edgeagent probe` with the controller's own page and set tls.pin_sha256 to the new value", e.Want, e.Seen)
}

// Certificate is what a controller shows to whoever connects.
type Certificate struct {
	// SHA256 of the certificate in hex: what a browser shows, and the pin to set.
	SHA256 string
	// KeySHA256 is that of its public key; as a pin it survives a renewal that
	// keeps the key.
	KeySHA256 string
	Subject   string
	NotAfter  time.Time
}

// Fingerprint connects to a controller and returns the certificate that it
// shows, trusted or not, so that a person can compare it and pin it. It sends
// nothing else, and accepts nothing on anybody's behalf.
func Fingerprint(ctx context.Context, address string) (Certificate, error) {
	if problem := urlProblem(address, product{address: "https://192.168.1.1"}); problem != "" {
		return Certificate{}, errors.New(problem)
	}
	u, err := url.Parse(address)
	if err != nil {
		return Certificate{}, err
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	dialer := tls.Dialer{Config: &tls.Config{
		MinVersion: tls.VersionTLS12,
		ServerName: u.Hostname(),
		// Nothing is sent over this connection; it is closed after the handshake.
		InsecureSkipVerify: true,
	}}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return Certificate{}, fmt.Errorf("certificate of %s: %w", u.Host, err)
	}
	defer conn.Close()
	state := conn.(*tls.Conn).ConnectionState()
	if len(state.PeerCertificates) == 0 {
		return Certificate{}, fmt.Errorf("%s showed no certificate", u.Host)
	}
	leaf := state.PeerCertificates[0]
	cert, key := digests(leaf)
	return Certificate{
		SHA256: hex.EncodeToString(cert[:]), KeySHA256: hex.EncodeToString(key[:]),
		Subject: leaf.Subject.String(), NotAfter: leaf.NotAfter,
	}, nil
}

func digests(leaf *x509.Certificate) (cert, key [32]byte) {
	return sha256.Sum256(leaf.Raw), sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
}

// web returns the HTTP client. It is made at first use, because the CA file may
// be mended while the agent runs.
func (c *client) web() (*http.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.http != nil {
		return c.http, nil
	}
	secure, err := c.tlsConfig()
	if err != nil {
		return nil, &drivers.LinkDown{Err: err}
	}
	c.http = &http.Client{
		Timeout: c.cfg.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
		Transport: &http.Transport{
			// No proxy: the controller stands on the hotel's own network.
			DialContext:         (&net.Dialer{Timeout: c.cfg.Timeout, KeepAlive: 30 * time.Second}).DialContext,
			TLSClientConfig:     secure,
			TLSHandshakeTimeout: c.cfg.Timeout,
			MaxConnsPerHost:     2,
			MaxIdleConnsPerHost: 2,
			IdleConnTimeout:     time.Minute,
			DisableCompression:  true, // an answer is as large as it is
		},
	}
	return c.http, nil
}

// hangUp closes connections that wait for another call.
func (c *client) hangUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.http != nil {
		c.http.CloseIdleConnections()
	}
	if c.close != nil {
		c.close()
	}
}

func (c *client) tlsConfig() (*tls.Config, error) {
	secure := &tls.Config{MinVersion: tls.VersionTLS12}
	switch {
	case c.cfg.TLS.PinSHA256 != "":
		pin, err := parsePin(c.cfg.TLS.PinSHA256)
		if err != nil {
			return nil, fmt.Errorf("tls.pin_sha256: %w", err)
		}
		// Chain and name are not checked, the pin is. VerifyConnection also runs
		// on resumed sessions, VerifyPeerCertificate would not.
		secure.InsecureSkipVerify = true
		secure.VerifyConnection = func(state tls.ConnectionState) error { return checkPin(pin, state) }
	case c.cfg.TLS.CAFile != "":
		if c.secret == nil {
			return nil, errors.New("no way to read tls.ca_file")
		}
		text, err := c.secret(c.cfg.TLS.CAFile)
		if err != nil {
			return nil, fmt.Errorf("tls.ca_file: %w", err)
		}
		secure.RootCAs = x509.NewCertPool()
		if !secure.RootCAs.AppendCertsFromPEM([]byte(text)) {
			return nil, errors.New("tls.ca_file holds no certificate: write the name of a PEM file")
		}
	}
	return secure, nil
}

func checkPin(pin [32]byte, state tls.ConnectionState) error {
	seen := "no certificate"
	if len(state.PeerCertificates) > 0 {
		cert, key := digests(state.PeerCertificates[0])
		if cert == pin || key == pin {
			return nil
		}
		seen = hex.EncodeToString(cert[:])
	}
	return &PinError{Want: hex.EncodeToString(pin[:]), Seen: seen}
}

// untrusted tells a certificate that fails its check from other errors.
func untrusted(err error) bool {
	var verify *tls.CertificateVerificationError
	return errors.As(err, &verify)
}
