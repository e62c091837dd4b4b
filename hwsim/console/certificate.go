package console

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// Reissue gives a console another self-signed certificate, as a firmware
// update does, and drops all connections so that the next one sees it. With
// newKey false the key pair stays: only the certificate's pin changes.
func (c *Console) Reissue(newKey bool) error {
	c.mu.Lock()
	old := c.cert
	c.serial++
	serial := int64(c.serial)
	c.mu.Unlock()
	var key *ecdsa.PrivateKey
	if !newKey && old != nil {
		key = old.PrivateKey.(*ecdsa.PrivateKey)
	} else {
		fresh, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return fmt.Errorf("console: make key: %w", err)
		}
		key = fresh
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject:      pkix.Name{CommonName: "console.local"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().AddDate(10, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     []string{"console.local"},
		// The address is in it, so that a CA file of this certificate is enough.
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return fmt.Errorf("console: make certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return fmt.Errorf("console: make certificate: %w", err)
	}
	c.mu.Lock()
	c.cert = &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
	c.mu.Unlock()
	c.dropConnections()
	return nil
}

// Fingerprint is the SHA-256 of the present certificate, in lower-case hex.
func (c *Console) Fingerprint() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum := sha256.Sum256(c.cert.Leaf.Raw)
	return hex.EncodeToString(sum[:])
}

// KeyFingerprint is the SHA-256 of the present public key (SPKI), in lower-case hex.
func (c *Console) KeyFingerprint() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum := sha256.Sum256(c.cert.Leaf.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}

// CertificatePEM is the present certificate, usable as a CA file.
func (c *Console) CertificatePEM() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.cert.Leaf.Raw})
}

// Mute makes a console accept connections and stay silent, before the TLS
// handshake; present connections are dropped. Mute(false) ends that.
func (c *Console) Mute(on bool) {
	c.mu.Lock()
	if on && c.unmute == nil {
		c.unmute = make(chan struct{})
	}
	if !on && c.unmute != nil {
		close(c.unmute)
		c.unmute = nil
	}
	c.mu.Unlock()
	if on {
		c.dropConnections()
	}
}

func (c *Console) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	wait := c.unmute
	c.mu.Unlock()
	if wait != nil {
		select {
		case <-wait:
		case <-c.done:
		case <-hello.Context().Done():
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cert, nil
}
