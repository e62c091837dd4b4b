package main

import (
	"crypto/tls"
	"os"
	"strings"
	"sync"
	"time"
)

// lookForCertificate is how often the page sees after its certificate: one from an
// authority that renews by itself is a new file every few weeks.
const lookForCertificate = time.Minute

// ownCertificate is the page's certificate. A new one is taken up when it is put
// there; one that cannot be read changes nothing.
type ownCertificate struct {
	cert, key string

	mu     sync.Mutex
	held   *tls.Certificate
	made   [2]time.Time // when the two files were written
	looked time.Time
}

// get is what crypto/tls asks at each handshake.
func (c *ownCertificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held != nil && time.Since(c.looked) < lookForCertificate {
		return c.held, nil
	}
	c.looked = time.Now()
	made := [2]time.Time{written(c.cert), written(c.key)}
	if c.held != nil && made == c.made {
		return c.held, nil
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	switch {
	case err == nil:
		c.held, c.made = &pair, made
	case c.held == nil:
		return nil, err
	}
	return c.held, nil
}

func written(file string) time.Time {
	info, err := os.Stat(file)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// names reports whether the certificate has a name: then no other web site can
// have its own name lead here.
func (c *ownCertificate) names(host string) bool {
	held, err := c.get(nil)
	return err == nil && held.Leaf.VerifyHostname(host) == nil
}

// name is a name of the certificate, "" if it has none that can be called.
func (c *ownCertificate) name() string {
	held, err := c.get(nil)
	if err != nil {
		return ""
	}
	for _, name := range held.Leaf.DNSNames {
		if !strings.HasPrefix(name, "*") {
			return name
		}
	}
	for _, ip := range held.Leaf.IPAddresses {
		return ip.String()
	}
	return ""
}
