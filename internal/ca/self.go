package ca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"
)

// firstDay is before any gateway is set up; a clock that says less was never set.
var firstDay = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// SelfSigned makes a certificate that nobody vouches for, with its key, both in
// PEM form: for a page that people recognize by its fingerprint. It is good for
// RootLife by the clock, from firstDay at least: the clock of a new gateway may
// never have been set, unlike that of the browser.
func SelfSigned(name string, hostNames []string, now time.Time) (cert, key []byte, err error) {
	if now.Before(firstDay) {
		now = firstDay
	}
	made, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, nil, err
	}
	form := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-early), NotAfter: now.Add(RootLife), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	form.DNSNames, form.IPAddresses = hosts(hostNames)
	der, err := x509.CreateCertificate(rand.Reader, form, form, made.Public(), made)
	if err != nil {
		return nil, nil, fmt.Errorf("%s cannot be signed: %w", name, err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(made)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), nil
}
