package wifi

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/unifisim"
)

func TestPins(t *testing.T) {
	t.Run("of the certificate", func(t *testing.T) {
		b := newBench(t, nil)
		old := b.sim.Fingerprint()
		b.must(t, ensure(keyA, start.Add(24*time.Hour)))
		if err := b.sim.Reissue(false); err != nil {
			t.Fatal(err)
		}
		b.sim.ForgetRequests()
		for range 2 { // it is never accepted, however often it is tried
			_, err := b.try(t, ensure(keyA, start.Add(24*time.Hour)))
			var pin *PinError
			if class(err) != "down" || !errors.As(err, &pin) || pin.Want != old || pin.Seen != b.sim.Fingerprint() {
				t.Fatalf("got %v", err)
			}
			want := "expected sha256 " + old + ", seen " + b.sim.Fingerprint() + "; nothing was sent to it. " +
				"If its firmware was updated, compare `edgeagent probe` with the controller's own page and set tls.pin_sha256 to the new value"
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q does not say %q", err, want)
			}
		}
		if calls := b.calls(); len(calls) != 0 {
			t.Errorf("something was sent to the wrong certificate: %v", calls)
		}
	})
	t.Run("of the key", func(t *testing.T) {
		b := newBench(t, nil)
		b.restart(t, func(c *Config) { c.TLS = TLS{PinSHA256: colons(b.sim.KeyFingerprint())} })
		b.must(t, ensure(keyA, start.Add(24*time.Hour)))
		if err := b.sim.Reissue(false); err != nil {
			t.Fatal(err)
		}
		b.must(t, ensure(keyA, start.Add(24*time.Hour))) // renewed with the same key
		if err := b.sim.Reissue(true); err != nil {
			t.Fatal(err)
		}
		if _, err := b.try(t, ensure(keyA, start.Add(24*time.Hour))); class(err) != "down" {
			t.Errorf("another key: %v", err)
		}
	})
	t.Run("ca file", func(t *testing.T) {
		b := newBench(t, nil)
		b.restart(t, func(c *Config) { c.TLS = TLS{CAFile: "ca.pem"} })
		b.must(t, ensure(keyA, start.Add(24*time.Hour)))
		b.restart(t, func(c *Config) { c.TLS = TLS{CAFile: "unifi-key"} })
		if _, err := b.try(t, ensure(keyA, start.Add(24*time.Hour))); class(err) != "down" || !strings.Contains(err.Error(), "tls.ca_file holds no certificate") {
			t.Errorf("not a certificate: %v", err)
		}
	})
	t.Run("system", func(t *testing.T) {
		b := newBench(t, nil)
		b.restart(t, func(c *Config) { c.TLS = TLS{System: true} })
		if _, err := b.try(t, ensure(keyA, start.Add(24*time.Hour))); class(err) != "down" || !strings.Contains(err.Error(), "the certificate is not trusted; compare `edgeagent probe`") {
			t.Errorf("self-signed: %v", err)
		}
	})
}

func colons(hex string) string {
	var parts []string
	for i := 0; i < len(hex); i += 2 {
		parts = append(parts, strings.ToUpper(hex[i:i+2]))
	}
	return strings.Join(parts, ":")
}

func TestFingerprint(t *testing.T) {
	b := newBench(t, nil)
	cert, err := Fingerprint(context.Background(), b.sim.URL())
	if err != nil || cert.SHA256 != b.sim.Fingerprint() || cert.KeySHA256 != b.sim.KeyFingerprint() || cert.Subject != "CN=console.local" {
		t.Errorf("got %+v, %v", cert, err)
	}
	if _, err := Fingerprint(context.Background(), "http://192.0.2.1"); err == nil {
		t.Error("plain http was accepted")
	}
	if calls := b.calls(); len(calls) != 0 {
		t.Errorf("looking at the certificate sent %v", calls)
	}
}

func TestProbe(t *testing.T) {
	b := newBench(t, nil)
	report, err := b.drv.Report(context.Background())
	if err != nil || report.Version != "9.4.19" || report.Site != "default" || report.Skew != 0 {
		t.Errorf("got %+v, %v", report, err)
	}
	for _, call := range b.calls() {
		if !strings.HasPrefix(call, "GET ") {
			t.Errorf("a probe made the call %s", call)
		}
	}
	b.restart(t, func(c *Config) { c.Site = "annexe" })
	if err := b.drv.Probe(context.Background()); class(err) != "down" || !strings.Contains(err.Error(), `has no site "annexe" for this key: write the internal name`) {
		t.Errorf("unknown site: %v", err)
	}
	b.restart(t, func(c *Config) { c.APIKeyFile = "missing" })
	if err := b.drv.Probe(context.Background()); class(err) != "down" || !strings.Contains(err.Error(), "api_key_file: no file") {
		t.Errorf("no key file: %v", err)
	}
}

func TestProbeOldVersion(t *testing.T) {
	sim, err := unifisim.Start(unifisim.Options{Version: "9.0.99"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	drv, err := open("w", Config{Controller: "unifi", URL: sim.URL(), APIKeyFile: "k", TLS: TLS{PinSHA256: sim.Fingerprint()}},
		drivers.Site{Secret: func(string) (string, error) { return sim.APIKey(), nil }}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := drv.Probe(context.Background()); err == nil || err.Error() != "w: UniFi Network 9.0.99 has no vouchers in its API: update it to 9.1 or later" {
		t.Errorf("got %v", err)
	}
}
