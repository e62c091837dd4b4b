package iptv

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// soon is how long before its end a certificate is complained of.
const soon = 14 * 24 * time.Hour

// errReload ends a session that must begin again with other certificates.
var errReload = errors.New("the certificates have changed")

// papers are the files of TLS, as they were when they were last fit for use.
type papers struct {
	secure *tls.Config
	text   string // of the files
	ends   time.Time
}

// choices are what TLS may use for the next connection: the files as they are
// now, so that renewed ones need no restart, and then those of the last
// connection, so that a slip in replacing them costs none.
func (d *Driver) choices(u *url.URL) ([]*papers, error) {
	if !encrypted(u.Scheme) {
		return []*papers{{}}, nil
	}
	now, err := d.readPapers(u)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.papers == nil && err != nil:
		return nil, err
	case d.papers == nil:
		return []*papers{now}, nil // also one that has ended: the clock may be wrong, and the broker says so
	case err == nil:
		err = d.ended(now)
	}
	switch {
	case err != nil:
		d.status.papers = unfit(err)
		return []*papers{d.papers}, nil
	case now.text == d.papers.text:
		return []*papers{now}, nil
	}
	return []*papers{now, d.papers}, nil
}

// took notes what a connection was made with, and why not with newer files.
func (d *Driver) took(p *papers, why error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case why != nil:
		d.status.papers = unfit(why)
	case p != d.papers: // newly read
		d.status.papers = ""
	}
	d.papers = p
}

func (d *Driver) ended(p *papers) error {
	if p.ends.IsZero() || p.ends.After(d.now()) {
		return nil
	}
	return fmt.Errorf("cert_file %s ended on %s", d.cfg.CertFile, p.ends.UTC().Format(time.DateOnly))
}

func unfit(err error) string { return err.Error() + "; those read before are still in use" }

// Reload reads the files of TLS anew, and connects anew if they are others than
// before. Files that are no use change nothing, and the error says so: they are
// tried beside the connection that there is before that is given up.
func (d *Driver) Reload() error {
	u, err := d.cfg.address()
	if err != nil || !encrypted(u.Scheme) {
		return err
	}
	now, err := d.readPapers(u)
	if err == nil {
		err = d.ended(now)
	}
	d.mu.Lock()
	before, connected := d.papers, d.session != nil
	d.mu.Unlock()
	changed := err == nil && before != nil && before.text != now.text
	if changed && connected {
		err = d.trial()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		if before == nil {
			return err // nothing was ever of use, and State tells why
		}
		d.status.papers = unfit(err)
		return errors.New(d.status.papers)
	}
	d.status.papers = ""
	if d.papers == nil {
		d.papers = now // good ones, before the first attempt to connect has read any
	}
	if changed && d.session != nil {
		d.session.fail(errReload)
	}
	return nil
}

// trial connects once more, with the files as they are now.
func (d *Driver) trial() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*d.cfg.ConnectTimeout+d.echo)
	defer cancel()
	return Try(ctx, d.name, d.cfg, d.site)
}

// readPapers reads the files of TLS.
func (d *Driver) readPapers(u *url.URL) (*papers, error) {
	p := &papers{secure: &tls.Config{MinVersion: tls.VersionTLS12, ServerName: u.Hostname()}}
	if d.cfg.CAFile != "" {
		text, err := d.secret("ca_file", d.cfg.CAFile)
		if err != nil {
			return nil, err
		}
		p.text = text
		p.secure.RootCAs = x509.NewCertPool()
		if !p.secure.RootCAs.AppendCertsFromPEM([]byte(text)) {
			return nil, fmt.Errorf("ca_file %s holds no PEM certificate", d.cfg.CAFile)
		}
	}
	if d.cfg.CertFile == "" {
		return p, nil
	}
	cert, err := d.secret("cert_file", d.cfg.CertFile)
	if err != nil {
		return nil, err
	}
	key, err := d.secret("key_file", d.cfg.KeyFile)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		return nil, fmt.Errorf("cert_file %s and key_file %s are no PEM pair: %w", d.cfg.CertFile, d.cfg.KeyFile, err)
	}
	p.text += cert + key
	p.secure.Certificates = []tls.Certificate{pair}
	if pair.Leaf != nil {
		p.ends = pair.Leaf.NotAfter
	}
	return p, nil
}

// expiries are complaints about certificates that end soon: nothing works when
// they have ended, for all rooms at once. The caller holds mu.
func (d *Driver) expiries() (all []string) {
	if d.status.papers != "" {
		all = append(all, d.status.papers)
	}
	if d.papers != nil && !d.papers.ends.IsZero() && d.papers.ends.Sub(d.now()) < soon {
		all = append(all, fmt.Sprintf("the gateway's certificate ends on %s: renew it", d.papers.ends.UTC().Format(time.DateOnly)))
	}
	d.session.mu.Lock()
	defer d.session.mu.Unlock()
	if conn, ok := d.session.conn.(*tls.Conn); ok {
		for _, cert := range conn.ConnectionState().PeerCertificates {
			if cert.NotAfter.Sub(d.now()) < soon {
				all = append(all, fmt.Sprintf("the broker's certificate ends on %s: renew it, or no TV connects any more", cert.NotAfter.UTC().Format(time.DateOnly)))
				break
			}
		}
	}
	return all
}
