package ca

import (
	"crypto/tls"
	"testing"
	"time"
)

func TestSelfSigned(t *testing.T) {
	for name, test := range map[string]struct{ now, from time.Time }{
		"a clock that is right":    {time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC), time.Date(2031, 5, 5, 7, 8, 9, 0, time.UTC)},
		"a clock that was not set": {time.Unix(0, 0), time.Date(2025, 12, 31, 0, 0, 0, 0, time.UTC)},
	} {
		t.Run(name, func(t *testing.T) {
			cert, key, err := SelfSigned("gateway", []string{"gateway", "192.0.2.7"}, test.now)
			if err != nil {
				t.Fatal(err)
			}
			pair, err := tls.X509KeyPair(cert, key)
			if err != nil {
				t.Fatal(err)
			}
			leaf := pair.Leaf
			if !leaf.NotBefore.Equal(test.from) || leaf.NotAfter.Sub(leaf.NotBefore) != RootLife+early || leaf.IsCA {
				t.Errorf("from %v until %v, authority %v", leaf.NotBefore, leaf.NotAfter, leaf.IsCA)
			}
			for host, want := range map[string]bool{"gateway": true, "192.0.2.7": true, "evil.example": false} {
				if err := leaf.VerifyHostname(host); (err == nil) != want {
					t.Errorf("%s: %v", host, err)
				}
			}
		})
	}
}
