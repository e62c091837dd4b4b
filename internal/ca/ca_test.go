package ca

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var today = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func made(t *testing.T) (*Authority, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tv-ca")
	a, err := Init(dir, "Hotel Sea View", today)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []Leaf{
		{Name: "server", User: "broker", Hosts: []string{"broker.lan", "192.0.2.5"}}, {Name: "agent", User: "agent"}, {Name: "tv-101", User: "101"},
	} {
		if _, err := a.Issue(l); err != nil {
			t.Fatal(err)
		}
	}
	return a, dir
}

func TestWhatIsMade(t *testing.T) {
	a, dir := made(t)
	pool := x509.NewCertPool()
	pool.AddCert(a.Root())
	for _, tt := range []struct {
		name, user, host string
		use              x509.ExtKeyUsage
		life             time.Duration
	}{
		{"server", "broker", "broker.lan", x509.ExtKeyUsageServerAuth, LeafLife},
		{"server", "broker", "192.0.2.5", x509.ExtKeyUsageServerAuth, LeafLife},
		{"agent", "agent", "", x509.ExtKeyUsageClientAuth, LeafLife},
		{"tv-101", "101", "", x509.ExtKeyUsageClientAuth, LeafLife},
	} {
		pair, err := tls.LoadX509KeyPair(filepath.Join(dir, tt.name+".crt"), filepath.Join(dir, tt.name+".key"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{
			Roots: pool, DNSName: tt.host, KeyUsages: []x509.ExtKeyUsage{tt.use}, CurrentTime: today,
		}); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if c := pair.Leaf; c.Subject.CommonName != tt.user || !c.NotAfter.Equal(today.Add(tt.life)) || c.IsCA || c.NotBefore.After(today) {
			t.Errorf("%s: %s, CA %v, from %s until %s", tt.name, c.Subject, c.IsCA, c.NotBefore, c.NotAfter)
		}
		if other := map[x509.ExtKeyUsage]x509.ExtKeyUsage{
			x509.ExtKeyUsageServerAuth: x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageClientAuth: x509.ExtKeyUsageServerAuth,
		}[tt.use]; len(pair.Leaf.ExtKeyUsage) != 1 || pair.Leaf.ExtKeyUsage[0] == other {
			t.Errorf("%s is good for %v", tt.name, pair.Leaf.ExtKeyUsage)
		}
	}
	if r := a.Root(); !r.IsCA || !r.MaxPathLenZero || !r.NotAfter.Equal(today.Add(RootLife)) || r.Subject.CommonName != "Hotel Sea View TV CA" {
		t.Errorf("authority: %+v", r)
	}
	files, _ := os.ReadDir(dir)
	if len(files) != 8 {
		t.Errorf("%d files, not 8", len(files))
	}
	for _, f := range files {
		info, _ := f.Info()
		want := os.FileMode(0o644)
		if strings.HasSuffix(f.Name(), ".key") {
			want = 0o600
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v", f.Name(), info.Mode())
		}
	}
	if info, _ := os.Stat(dir); info.Mode().Perm() != 0o700 {
		t.Errorf("folder has mode %v", info.Mode())
	}
}

// Whatever is called twice, no key changes.
func TestNoKeyIsWrittenOver(t *testing.T) {
	a, dir := made(t)
	read := func() (all string) {
		for _, name := range []string{"ca", "server", "agent", "tv-101"} {
			text, err := os.ReadFile(filepath.Join(dir, name+".key"))
			if err != nil {
				t.Fatal(err)
			}
			all += string(text)
		}
		return all
	}
	before := read()
	if _, err := Init(dir, "Another", today); err == nil ||
		err.Error() != dir+" has an authority already; to prolong its certificates run edgeagent ca renew" {
		t.Errorf("Init: %v", err)
	}
	if _, err := a.Issue(Leaf{Name: "tv-101", User: "101"}); err == nil ||
		err.Error() != "tv-101.crt is there already; to prolong it run edgeagent ca renew tv-101" {
		t.Errorf("Issue: %v", err)
	}
	if err := a.create("tv-101.key", "PRIVATE KEY", nil); err == nil || err.Error() != "tv-101.key is there already, and a key is never written over" {
		t.Errorf("create: %v", err)
	}
	for _, name := range []string{"ca", "server", "agent", "tv-101"} {
		if _, err := a.Renew(name); err != nil {
			t.Error(err)
		}
	}
	// A power cut between a key and its certificate.
	for _, name := range []string{"tv-101.crt", "ca.crt"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	b, err := Init(dir, "Hotel Sea View", today)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Issue(Leaf{Name: "tv-101", User: "101"}); err != nil {
		t.Error(err)
	}
	if read() != before {
		t.Error("a key has changed")
	}
}

func TestRenewKeepsWhatItIs(t *testing.T) {
	_, dir := made(t)
	later := today.Add(LeafLife - 24*time.Hour)
	a, err := Open(dir, later)
	if err != nil {
		t.Fatal(err)
	}
	old, _ := a.read("server")
	again, err := a.Renew("server")
	if err != nil {
		t.Fatal(err)
	}
	if !again.NotAfter.Equal(later.Add(LeafLife)) || strings.Join(Hosts(again), " ") != "broker.lan 192.0.2.5" || again.SerialNumber.Cmp(old.SerialNumber) == 0 {
		t.Errorf("%s, %v", again.NotAfter, Hosts(again))
	}
	if moved, err := a.Renew("server", "10.0.0.1"); err != nil || strings.Join(Hosts(moved), " ") != "10.0.0.1" {
		t.Errorf("%v, %v", Hosts(moved), err)
	}
	for name, want := range map[string]string{
		"agent": "agent is a client's certificate, and nobody dials a client: leave the hosts out",
		"tv-9":  "there is no certificate tv-9; edgeagent ca list shows those that there are",
	} {
		if _, err := a.Renew(name, "10.0.0.1"); err == nil || err.Error() != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Old and new authority vouch for each other's certificates.
	was := a.Root()
	is, err := a.Renew("ca")
	if err != nil {
		t.Fatal(err)
	}
	tv, _ := a.Renew("tv-101")
	for _, root := range []*x509.Certificate{was, is} {
		for _, leaf := range []*x509.Certificate{again, tv} {
			if err := leaf.CheckSignatureFrom(root); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestNothingOutlivesTheAuthority(t *testing.T) {
	_, dir := made(t)
	a, err := Open(dir, today.Add(RootLife-48*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if leaf, err := a.Renew("agent"); err != nil || leaf.NotAfter.After(a.Root().NotAfter) {
		t.Errorf("%v, %v", leaf.NotAfter, err)
	}
	want := "the authority in " + dir + " ended on 2036-11-22; rename the folder and begin again with edgeagent ca init"
	if _, err := Open(dir, today.Add(RootLife)); err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}

func TestDamage(t *testing.T) {
	const clock = "the clock of this machine says 1970-01-01; set it first, for a certificate says from when to when it is good"
	if _, err := Init(filepath.Join(t.TempDir(), "x"), "H", time.Unix(0, 0)); err == nil || err.Error() != clock {
		t.Errorf("%v", err)
	}
	for _, tt := range []struct {
		name   string
		damage func(dir string) error
		want   string
	}{
		{"no authority", func(dir string) error { return os.Remove(filepath.Join(dir, "ca.crt")) }, "DIR has no authority; make one with edgeagent ca init"},
		{"no key", func(dir string) error { return os.Remove(filepath.Join(dir, "ca.key")) },
			"DIR has no ca.key; nothing can be signed without it, so bring it from where it is kept"},
		{"other key", func(dir string) error {
			return os.Rename(filepath.Join(dir, "agent.key"), filepath.Join(dir, "ca.key"))
		}, "ca.key and ca.crt in DIR do not belong together"},
		{"cut short", func(dir string) error { return os.Truncate(filepath.Join(dir, "ca.key"), 40) },
			"ca.key has no line -----BEGIN PRIVATE KEY-----: is it another file, or was it cut short?"},
		{"large", func(dir string) error { return os.Truncate(filepath.Join(dir, "ca.crt"), maxFile+1) }, "ca.crt is no file of certificate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, dir := made(t)
			if err := tt.damage(dir); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(dir, today); err == nil || err.Error() != strings.ReplaceAll(tt.want, "DIR", dir) {
				t.Errorf("%v", err)
			}
		})
	}
	a, dir := made(t)
	if err := os.Rename(filepath.Join(dir, "ca.key"), filepath.Join(dir, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	if look, err := Look(dir); err != nil || look.Root().Subject.CommonName != "Hotel Sea View TV CA" {
		t.Errorf("without its key the authority cannot be looked at: %v", err)
	}
	b, other := made(t)
	if err := os.Rename(filepath.Join(other, "agent.crt"), filepath.Join(dir, "agent.crt")); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, "tv-101.crt"), 9); err != nil {
		t.Fatal(err)
	}
	all, err := a.List()
	want := "agent.crt is not signed by this authority\ntv-101.crt has no line -----BEGIN CERTIFICATE-----: is it another file, or was it cut short?"
	if len(all) != 2 || all[0].Name != "ca" || all[1].Name != "server" || err == nil || err.Error() != want {
		t.Errorf("%v, %v", all, err)
	}
	if all, err := b.List(); len(all) != 3 || err != nil {
		t.Errorf("%v, %v", all, err)
	}
}

// A name cannot lead out of the folder, and no TV gets the agent's rights.
func TestNamesThatAreRefused(t *testing.T) {
	a, _ := made(t)
	for _, tt := range []struct {
		leaf Leaf
		want string
	}{
		{Leaf{Name: "../tv-1", User: "1"}, `"../tv-1" cannot be the name of a certificate: use a-z, 0-9, - and _`},
		{Leaf{Name: "ca", User: "1"}, `"ca" cannot be the name of a certificate: use a-z, 0-9, - and _`},
		{Leaf{Name: "tv-1", User: "1/#"}, `"1/#" cannot be a user name at the broker: use 1 to 64 of a-z, 0-9, - and _`},
		{Leaf{Name: "tv-1", User: "+"}, `"+" cannot be a user name at the broker: use 1 to 64 of a-z, 0-9, - and _`},
		{Leaf{Name: "tv-1", User: ""}, `"" cannot be a user name at the broker: use 1 to 64 of a-z, 0-9, - and _`},
		{Leaf{Name: "tv-agent", User: "agent"}, "the user agent may do everything at the broker: only the certificate called agent is for it, and tv-agent is not"},
	} {
		if _, err := a.Issue(tt.leaf); err == nil || err.Error() != tt.want {
			t.Errorf("%+v: %v", tt.leaf, err)
		}
	}
	if _, err := a.Renew("../tv-ca/agent"); err == nil {
		t.Error("a certificate of another folder was renewed")
	}
}
