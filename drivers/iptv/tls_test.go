package iptv

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/tvsim"
)

// authority is a small CA for one test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	a.key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "hotel CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(100 * 24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, form, form, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	a.cert, _ = x509.ParseCertificate(raw)
	a.pem = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}))
	return a
}

func (a *authority) issue(name string, ip net.IP) (cert, key string) {
	a.t.Helper()
	return a.issueUntil(name, ip, time.Now().Add(90*24*time.Hour))
}

func (a *authority) issueUntil(name string, ip net.IP, ends time.Time) (cert, key string) {
	a.t.Helper()
	own, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	form := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{ip},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: ends,
	}
	raw, err := x509.CreateCertificate(rand.Reader, form, a.cert, &own.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	der, _ := x509.MarshalECPrivateKey(own)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})),
		string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
}

func (a *authority) pair(name string, ip net.IP) tls.Certificate {
	a.t.Helper()
	cert, key := a.issue(name, ip)
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		a.t.Fatal(err)
	}
	return pair
}

func TestCertificates(t *testing.T) {
	hotel, stranger := newAuthority(t), newAuthority(t)
	here := net.IPv4(127, 0, 0, 1)
	pool := x509.NewCertPool()
	pool.AddCert(hotel.cert)
	for _, tt := range []struct {
		name   string
		server tls.Certificate
		want   string // "" for success
	}{
		{"good", hotel.pair("broker", here), ""},
		{"wrong name", hotel.pair("broker", net.IPv4(10, 0, 0, 1)), "shows a certificate for another name"},
		{"unknown authority", stranger.pair("broker", here), "shows a certificate of an unknown authority: put the hotel's CA into ca_file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := tvsim.NewBroker(tvsim.BrokerOptions{Property: property, TLS: &tls.Config{
				Certificates: []tls.Certificate{tt.server}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
			}})
			if err := b.Start(tvsim.Keep); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(b.Stop)
			cert, key := hotel.issue(tvsim.AgentUser, here) // the name in the certificate is the user name
			files := map[string]string{"ca.pem": hotel.pem, "agent.pem": cert, "agent.key": key}
			site := drivers.Site{Property: property, Secret: func(file string) (string, error) { return files[file], nil }}
			cfg := Config{Broker: b.URL(), CAFile: "ca.pem", CertFile: "agent.pem", KeyFile: "agent.key"}
			err := Try(t.Context(), "tvs", cfg, site)
			if got := fmt.Sprint(err); (tt.want == "") != (err == nil) || (tt.want != "" && !strings.Contains(got, tt.want)) {
				t.Errorf("error %v", err)
			}
			if tt.want != "" {
				return
			}
			tv := tvsim.NewTV(tvsim.TVOptions{Property: property, Room: "101", ID: "tv1", Access: tvsim.Access{
				URL: b.URL(), TLS: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{hotel.pair("101", here)}},
			}})
			tv.Plug()
			defer tv.Unplug()
			if err := tv.Until(t.Context(), (*tvsim.TV).Connected); err != nil {
				t.Error(err)
			}
		})
	}
}
