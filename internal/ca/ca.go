// Package ca is a small certificate authority for the TVs of a hotel that has
// none: one folder with the authority, the broker's certificate, the agent's
// and one for each room or set.
//
//	Init ──> ca.key ca.crt
//	Issue ─> NAME.key NAME.crt     signed by it
//	Renew ─> NAME.crt              anew, for the key that is there
//
// A key is written once and never again: what has been carried to a TV or a
// broker stays good, and nothing that an installer does here by mistake can
// lock a hotel out. Keys are ECDSA on P-256, which all that speak TLS 1.2 know.
package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// How long certificates are good for. A leaf must be replaced often enough that
// people know how; the authority is in every TV, where nobody likes to go.
const (
	RootLife = 10 * 365 * 24 * time.Hour
	LeafLife = 2 * 365 * 24 * time.Hour
	// early is how long before its making a certificate begins, for machines
	// whose clock is behind.
	early = 24 * time.Hour
)

// root is the name of the authority's own files.
const root = "ca"

// Authority is a folder with an authority in it.
type Authority struct {
	dir  string
	now  time.Time
	key  crypto.Signer
	cert *x509.Certificate
}

// Leaf is what a certificate is for.
type Leaf struct {
	// Name is that of its files.
	Name string
	// User is the common name: the user name at the broker.
	User string
	// Hosts are the names and addresses by which clients dial it. With any it
	// is a server's certificate, with none a client's.
	Hosts []string
}

// agent is the user whose certificate opens every topic, and the name of its files.
const agent = "agent"

var (
	// fileName is of slugs, and after a dot the number of a set: it never leads
	// out of the folder.
	fileName = regexp.MustCompile(`^[a-z0-9_-]{1,80}(\.[0-9]{1,2})?$`)
	userName = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)
)

// check refuses what could be taken for another's: a user name stands in
// topics, where + and / say more than one room.
func (l Leaf) check() error {
	switch {
	case !fileName.MatchString(l.Name) || l.Name == root:
		return fmt.Errorf("%q cannot be the name of a certificate: use a-z, 0-9, - and _", l.Name)
	case !userName.MatchString(l.User):
		return fmt.Errorf("%q cannot be a user name at the broker: use 1 to 64 of a-z, 0-9, - and _", l.User)
	case (l.User == agent) != (l.Name == agent):
		return fmt.Errorf("the user %s may do everything at the broker: only the certificate called %s is for it, and %s is not", agent, agent, l.Name)
	}
	return nil
}

// Init makes an authority for a hotel in a folder, which is made if it is not
// there. It fails if the folder has one.
func Init(dir, hotel string, now time.Time) (*Authority, error) {
	if err := plausible(now); err != nil {
		return nil, err
	}
	if (&Authority{dir: dir}).Has(root) {
		return nil, fmt.Errorf("%s has an authority already; to prolong its certificates run edgeagent ca renew", dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the folder of the authority: %w", err)
	}
	a := &Authority{dir: dir, now: now}
	var err error
	if a.key, err = a.ownKey(root); err != nil {
		return nil, err
	}
	if a.cert, err = a.signRoot(pkix.Name{CommonName: hotel + " TV CA"}); err != nil {
		return nil, err
	}
	return a, nil
}

// Look opens the authority in a folder to see what there is: without its key,
// which may be kept elsewhere, and also if it has ended.
func Look(dir string) (*Authority, error) {
	a := &Authority{dir: dir}
	var err error
	if a.cert, err = a.read(root); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s has no authority; make one with edgeagent ca init", dir)
	}
	return a, err
}

// Open opens the authority in a folder to sign with it.
func Open(dir string, now time.Time) (*Authority, error) {
	if err := plausible(now); err != nil {
		return nil, err
	}
	a, err := Look(dir)
	if err != nil {
		return nil, err
	}
	a.now = now
	if a.key, err = readKey(a.file(root + ".key")); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s has no ca.key; nothing can be signed without it, so bring it from where it is kept", dir)
	} else if err != nil {
		return nil, err
	}
	if !fits(a.key, a.cert) {
		return nil, fmt.Errorf("ca.key and ca.crt in %s do not belong together", dir)
	}
	if !a.cert.NotAfter.After(now) {
		return nil, fmt.Errorf("the authority in %s ended on %s; rename the folder and begin again with edgeagent ca init", dir, day(a.cert.NotAfter))
	}
	return a, nil
}

// plausible refuses to make certificates by a clock that was never set: they
// would have ended before they began.
func plausible(now time.Time) error {
	if now.Year() < 2026 {
		return fmt.Errorf("the clock of this machine says %s; set it first, for a certificate says from when to when it is good", day(now))
	}
	return nil
}

func day(at time.Time) string { return at.UTC().Format(time.DateOnly) }

func (a *Authority) file(name string) string { return filepath.Join(a.dir, name) }

// Root is the authority's own certificate.
func (a *Authority) Root() *x509.Certificate { return a.cert }

// Issue makes a key and its certificate. It fails if there is a key and a
// certificate of that name; a key alone is what a power cut left behind, and is
// taken on.
func (a *Authority) Issue(l Leaf) (*x509.Certificate, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	if a.Has(l.Name) {
		return nil, fmt.Errorf("%s.crt is there already; to prolong it run edgeagent ca renew %s", l.Name, l.Name)
	}
	key, err := a.ownKey(l.Name)
	if err != nil {
		return nil, err
	}
	form := &x509.Certificate{Subject: pkix.Name{CommonName: l.User}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if len(l.Hosts) > 0 {
		form.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		form.DNSNames, form.IPAddresses = hosts(l.Hosts)
	}
	return a.signLeaf(l.Name, form, key.Public())
}

// hosts parts names from addresses.
func hosts(all []string) (names []string, addresses []net.IP) {
	for _, host := range all {
		if ip := net.ParseIP(host); ip != nil {
			addresses = append(addresses, ip)
		} else {
			names = append(names, host)
		}
	}
	return names, addresses
}

// Renew makes the certificate of that name anew, for the same key, user and
// hosts; or for other hosts, if any are given. The name "ca" is the authority
// itself: certificates that it has signed stay good, and TVs that know the old
// ca.crt take them until that ends.
func (a *Authority) Renew(name string, other ...string) (*x509.Certificate, error) {
	if name == root {
		cert, err := a.signRoot(a.cert.Subject)
		if err == nil {
			a.cert = cert
		}
		return cert, err
	}
	if !fileName.MatchString(name) {
		return nil, fmt.Errorf("%q is no name of a certificate; edgeagent ca list shows those that there are", name)
	}
	old, err := a.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no certificate %s; edgeagent ca list shows those that there are", name)
	} else if err != nil {
		return nil, err
	}
	form := &x509.Certificate{Subject: old.Subject, ExtKeyUsage: old.ExtKeyUsage, DNSNames: old.DNSNames, IPAddresses: old.IPAddresses}
	if len(other) > 0 {
		if len(old.DNSNames)+len(old.IPAddresses) == 0 {
			return nil, fmt.Errorf("%s is a client's certificate, and nobody dials a client: leave the hosts out", name)
		}
		form.DNSNames, form.IPAddresses = hosts(other)
	}
	return a.signLeaf(name, form, old.PublicKey)
}

func (a *Authority) signRoot(subject pkix.Name) (*x509.Certificate, error) {
	form := &x509.Certificate{
		Subject: subject, NotBefore: a.now.Add(-early), NotAfter: a.now.Add(RootLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	return a.sign(root, form, form, a.key.Public())
}

// signLeaf signs for LeafLife, or as long as the authority has left.
func (a *Authority) signLeaf(name string, form *x509.Certificate, public crypto.PublicKey) (*x509.Certificate, error) {
	form.NotBefore, form.NotAfter = a.now.Add(-early), a.now.Add(LeafLife)
	if form.NotAfter.After(a.cert.NotAfter) {
		form.NotAfter = a.cert.NotAfter
	}
	form.BasicConstraintsValid, form.KeyUsage = true, x509.KeyUsageDigitalSignature
	return a.sign(name, form, a.cert, public)
}

func (a *Authority) sign(name string, form, parent *x509.Certificate, public crypto.PublicKey) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	form.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, form, parent, public, a.key)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be signed: %w", name, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be signed: %w", name, err)
	}
	return cert, a.write(name+".crt", "CERTIFICATE", der)
}

// ownKey is the key of that name, made if there is none.
func (a *Authority) ownKey(name string) (crypto.Signer, error) {
	key, err := readKey(a.file(name + ".key"))
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	made, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(made)
	if err != nil {
		return nil, err
	}
	return made, a.create(name+".key", "PRIVATE KEY", der)
}
