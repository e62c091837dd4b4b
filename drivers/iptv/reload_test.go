package iptv

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/tvsim"
)

// files are what the property file names, and can be replaced.
type files struct {
	mu  sync.Mutex
	all map[string]string
}

func (f *files) put(pairs ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := 0; i+1 < len(pairs); i += 2 {
		f.all[pairs[i]] = pairs[i+1]
	}
}

func (f *files) read(name string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all[name] == "" {
		return "", fmt.Errorf("the file %s is empty; put the value into it", name)
	}
	return f.all[name], nil
}

// secured is a rig whose broker wants certificates; it notes the serial number
// of each that the agent shows.
func secured(t *testing.T, hotel *authority, ends time.Time, edit ...func(*Driver)) (*rig, *files, func() string) {
	t.Helper()
	here := net.IPv4(127, 0, 0, 1)
	pool := x509.NewCertPool()
	pool.AddCert(hotel.cert)
	var mu sync.Mutex
	last := ""
	r := newRig(t)
	r.broker.Stop()
	r.broker = tvsim.NewBroker(tvsim.BrokerOptions{Property: property, TLS: &tls.Config{
		Certificates: []tls.Certificate{hotel.pair("broker", here)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
		VerifyPeerCertificate: func(_ [][]byte, chains [][]*x509.Certificate) error {
			mu.Lock()
			defer mu.Unlock()
			last = chains[0][0].SerialNumber.String()
			return nil
		},
	}})
	r.must(r.broker.Start(tvsim.Keep))
	t.Cleanup(r.broker.Stop)
	f := &files{all: map[string]string{"ca.pem": hotel.pem}}
	cert, key := hotel.issueUntil(tvsim.AgentUser, here, ends)
	f.put("agent.pem", cert, "agent.key", key)
	r.cfg.Broker, r.cfg.Username, r.cfg.PasswordFile = r.broker.URL(), "", ""
	r.cfg.CAFile, r.cfg.CertFile, r.cfg.KeyFile = "ca.pem", "agent.pem", "agent.key"
	r.open(append(edit, func(d *Driver) { d.site.Secret = f.read })...)
	r.connected()
	return r, f, func() string { mu.Lock(); defer mu.Unlock(); return last }
}

func TestReload(t *testing.T) {
	hotel, here := newAuthority(t), net.IPv4(127, 0, 0, 1)
	r, f, serial := secured(t, hotel, time.Now().Add(90*24*time.Hour))
	session := func() *session {
		s, err := r.driver.live()
		r.must(err)
		return s
	}
	first, used := session(), serial()
	r.must(r.driver.Reload())
	if session() != first {
		t.Error("files that have not changed broke the connection")
	}

	cert, key := hotel.issue(tvsim.AgentUser, here)
	f.put("agent.pem", cert, "agent.key", key)
	r.must(r.driver.Reload())
	r.eventually("a connection with the new certificate", func() bool {
		s, err := r.driver.live()
		return err == nil && s != first && serial() != used
	})
	r.do(r.ledger.welcome("101", "s1", "Smith"))

	old, _ := hotel.issueUntil(tvsim.AgentUser, here, time.Now().Add(-time.Hour))
	ended, itsKey := hotel.issueUntil(tvsim.AgentUser, here, time.Now().Add(-time.Hour))
	yesterday := time.Now().Add(-time.Hour).UTC().Format(time.DateOnly)
	for _, tt := range []struct {
		files []string
		want  string
	}{
		{[]string{"agent.pem", "garbage"}, "cert_file agent.pem and key_file agent.key are no PEM pair: tls: failed to find any PEM data in certificate input"},
		{[]string{"agent.pem", old}, "cert_file agent.pem and key_file agent.key are no PEM pair: tls: private key does not match public key"},
		{[]string{"agent.pem", ended, "agent.key", itsKey}, "cert_file agent.pem ended on " + yesterday},
		{[]string{"agent.pem", cert, "agent.key", key, "ca.pem", "garbage"}, "ca_file ca.pem holds no PEM certificate"},
		{[]string{"ca.pem", ""}, "ca_file: the file ca.pem is empty; put the value into it"},
	} {
		f.put(tt.files...)
		before := session()
		want := tt.want + "; those read before are still in use"
		if err := r.driver.Reload(); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
		if s := r.driver.State(); session() != before || s.Condition != drivers.Degraded || s.Reason != want {
			t.Errorf("state %+v", s)
		}
	}
	// Not even a new connection needs the files that are broken.
	broken := session()
	r.eventually("the driver is there to kick", func() bool { return r.broker.Kick("edgeagent-seaview") })
	r.eventually("a new connection", func() bool { s, err := r.driver.live(); return err == nil && s != broken })
	f.put("ca.pem", hotel.pem)
	r.must(r.driver.Reload())
	if s := r.driver.State(); s.Condition != drivers.Online {
		t.Errorf("state %+v", s)
	}
}

// A CA file that is in order and of another authority is tried beside the
// connection, which is not given up for it; nor is it taken when the connection
// breaks by itself. The same goes for a certificate that the broker refuses.
func TestReloadOfFilesThatDoNotConnect(t *testing.T) {
	hotel, stranger, here := newAuthority(t), newAuthority(t), net.IPv4(127, 0, 0, 1)
	r, f, _ := secured(t, hotel, time.Now().Add(90*24*time.Hour))
	good, _ := f.read("agent.pem")
	itsKey, _ := f.read("agent.key")
	cert, key := stranger.issue(tvsim.AgentUser, here)
	for _, tt := range []struct {
		files []string
		want  string
	}{
		{[]string{"ca.pem", stranger.pem}, "shows a certificate of an unknown authority: put the hotel's CA into ca_file; those read before are still in use"},
		{[]string{"ca.pem", hotel.pem, "agent.pem", cert, "agent.key", key}, "; those read before are still in use"},
	} {
		f.put(tt.files...)
		before, err := r.driver.live()
		r.must(err)
		if err := r.driver.Reload(); err == nil || !strings.HasSuffix(err.Error(), tt.want) {
			t.Errorf("error %v", err)
		}
		if s, err := r.driver.live(); s != before {
			t.Errorf("the connection was given up: %v", err)
		}
		r.eventually("the driver is there to kick", func() bool { return r.broker.Kick("edgeagent-seaview") })
		r.eventually("a new connection", func() bool { s, err := r.driver.live(); return err == nil && s != before })
		if s := r.driver.State(); s.Condition != drivers.Degraded || !strings.HasSuffix(s.Reason, tt.want) {
			t.Errorf("state %+v", s)
		}
	}
	f.put("agent.pem", good, "agent.key", itsKey)
	r.must(r.driver.Reload())
	r.state(func(s drivers.State) bool { return s.Condition == drivers.Online })
}

// An ended certificate does not replace a good one, also without a reload.
func TestEndedCertificateIsNotTaken(t *testing.T) {
	hotel, here := newAuthority(t), net.IPv4(127, 0, 0, 1)
	r, f, _ := secured(t, hotel, time.Now().Add(90*24*time.Hour))
	cert, key := hotel.issueUntil(tvsim.AgentUser, here, time.Now().Add(-time.Hour))
	f.put("agent.pem", cert, "agent.key", key)
	before, err := r.driver.live()
	r.must(err)
	r.eventually("the driver is there to kick", func() bool { return r.broker.Kick("edgeagent-seaview") })
	r.eventually("a new connection", func() bool { s, err := r.driver.live(); return err == nil && s != before })
	if s := r.driver.State(); !strings.Contains(s.Reason, "cert_file agent.pem ended on ") {
		t.Errorf("state %+v", s)
	}
}

func TestCertificateThatEndsSoon(t *testing.T) {
	hotel := newAuthority(t)
	ends := time.Now().Add(13 * 24 * time.Hour)
	var ahead atomic.Int64
	r, _, _ := secured(t, hotel, ends, func(d *Driver) {
		d.now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	want := "the gateway's certificate ends on " + ends.UTC().Format(time.DateOnly) + ": renew it"
	if s := r.driver.State(); s.Condition != drivers.Degraded || s.Reason != want {
		t.Errorf("state %+v", s)
	}
	ahead.Store(int64(80 * 24 * time.Hour))
	if s := r.driver.State(); !strings.Contains(s.Reason, "the broker's certificate ends on "+time.Now().Add(90*24*time.Hour).UTC().Format(time.DateOnly)+": renew it, or no TV connects any more") {
		t.Errorf("state %+v", s)
	}
}

// Two sets of one client id: each that connects ends the other's connection.
func TestRestlessTV(t *testing.T) {
	r := newRig(t)
	r.open()
	r.connected()
	topic := "htl/v1/seaview/room/101/tv/101-tv1/state"
	for n := range restless {
		if s := r.driver.State(); s.Condition != drivers.Online {
			t.Errorf("complains after %d: %+v", n, s)
		}
		for _, state := range []string{"offline", "online", "online"} { // the third says what it shows now
			r.must(r.broker.Put(topic, []byte(`{"v":1,"state":"`+state+`"}`), true))
		}
		r.eventually("the driver has heard it", func() bool {
			s, err := r.driver.live()
			if err != nil {
				return false
			}
			n2 := 0
			s.house.look("101", func(r *room) {
				if tv := r.tvs["101-tv1"]; tv != nil {
					n2 = len(tv.came)
				}
			})
			return n2 == n+1
		})
	}
	want := "TV 101-tv1 came online 5 times within a minute: do two sets have that client id?"
	if s := r.driver.State(); s.Condition != drivers.Degraded || s.Reason != want {
		t.Errorf("state %+v", s)
	}
}
