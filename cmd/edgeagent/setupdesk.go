package main

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"edgeagent/drivers/keycard"
	"edgeagent/internal/ca"
	"edgeagent/internal/config"
	"edgeagent/internal/password"
	"edgeagent/internal/web"
)

// setupDesk does what the setup page is there for: beside the property file and in
// its folder for secrets, and nowhere else.
type setupDesk struct {
	path      string
	at        *net.TCPAddr
	pair      *tls.Certificate
	cert, key []byte // the pair in PEM form

	checking sync.Mutex // one check at a time: the unit has little memory
	asking   sync.Mutex
	shown    pinShown
}

// The files of the page's own certificate, by the names that docs/page.md has.
const (
	pageCert = "page-cert.pem"
	pageKey  = "page-key.pem"
)

// newDesk finds the page's certificate, or makes one, which the status page can
// have later: people compare its fingerprint once.
func newDesk(path string) (*setupDesk, error) {
	d := &setupDesk{path: path}
	cert, key := filepath.Join(filepath.Dir(path), pageCert), filepath.Join(d.secrets(), pageKey)
	var errs [2]error
	d.cert, errs[0] = os.ReadFile(cert)
	d.key, errs[1] = os.ReadFile(key)
	pair, err := tls.X509KeyPair(d.cert, d.key)
	if err == nil {
		d.pair = &pair
		return d, nil
	}
	host, err := os.Hostname()
	if err != nil {
		host = "edgeagent"
	}
	if d.cert, d.key, err = ca.SelfSigned(host, []string{host, host + ".local", "localhost", "127.0.0.1"}, time.Now()); err != nil {
		return nil, err
	}
	if pair, err = tls.X509KeyPair(d.cert, d.key); err != nil {
		return nil, err
	}
	d.pair = &pair
	if errors.Is(errs[0], fs.ErrNotExist) && errors.Is(errs[1], fs.ErrNotExist) { // else somebody else's stays as it is
		return d, errors.Join(putFile(key, d.key, 0o600), putFile(cert, d.cert, 0o644))
	}
	return d, nil
}

// secrets is the folder for secrets, the property file's own if there is none.
func (d *setupDesk) secrets() string {
	dir := filepath.Join(filepath.Dir(d.path), "secrets")
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return dir
	}
	return filepath.Dir(d.path)
}

func (d *setupDesk) named(host string) bool { return d.pair.Leaf.VerifyHostname(host) == nil }

func (d *setupDesk) desk(done func()) web.Desk {
	return web.Desk{Machine: d.machine, Check: d.check, Ask: d.ask, Keep: d.keep, OwnCertificate: d.ownCertificate, Install: d.install, Close: done}
}

func (d *setupDesk) machine() web.Machine {
	m := web.Machine{File: d.path, Addresses: d.addresses(), Clock: time.Now().Format("2006-01-02 15:04 MST")}
	m.Name, _ = os.Hostname()
	if time.Now().Year() < 2026 {
		m.Clock += ", so it was never set: until a time server answers, no key is made"
	}
	adapters := keycard.Adapters()
	for i := range adapters {
		m.Ports = append(m.Ports, web.Port{Name: stableName(&adapters[i]), Model: adapters[i].Model})
	}
	return m
}

func (d *setupDesk) check(text string) web.Checked {
	if strings.TrimSpace(text) == "" {
		return web.Checked{}
	}
	d.checking.Lock()
	defer d.checking.Unlock()
	loaded, problems := config.Parse(d.path, []byte(text))
	found := web.Checked{Fine: !problems.Fatal()}
	for _, p := range problems {
		f := web.Fault{Line: p.Line, Column: p.Column, Text: p.Message, Warning: p.Warning}
		f.Source, f.Before = p.Excerpt()
		found.Faults = append(found.Faults, f)
	}
	report := strings.Split(strings.TrimSpace(config.Report(d.path, loaded, problems)), "\n")
	found.Sum = report[len(report)-1]
	files, _ := config.Files(d.path, []byte(text)) // what is no property file names none
	for _, n := range files {
		found.Files = append(found.Files, web.Wanted{Name: n.Name, For: n.Key, Path: n.Path, There: n.There, How: d.bring(n)})
	}
	cert, key := pageFiles(files)
	found.NoCertificate = cert != nil && key != nil && !cert.There && !key.There
	return found
}

// pageFiles are those of the status page's certificate, nil for none.
func pageFiles(files []config.Named) (cert, key *config.Named) {
	for i := range files {
		switch files[i].Key {
		case "status.cert_file":
			cert = &files[i]
		case "status.key_file":
			key = &files[i]
		}
	}
	return cert, key
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// bring says how a file is brought: one that is elsewhere, or that is something
// else already, is not for the page.
func (d *setupDesk) bring(n config.Named) web.Bring {
	dir := filepath.Dir(n.Path)
	full, err := filepath.Abs(d.path)
	here, _ := filepath.Abs(filepath.Dir(d.path))
	secrets, _ := filepath.Abs(d.secrets())
	if err != nil || dir != here && dir != secrets || !plainName.MatchString(filepath.Base(n.Path)) || strings.HasPrefix(n.Path, full) {
		return web.ByHand
	}
	switch n.Holds {
	case config.HoldsPassword:
		return web.AsPassword
	case config.HoldsCertificate, config.HoldsKey:
		return web.AsPEM
	}
	return web.AsSecret
}

// maxBrought bounds a secret, in bytes; certificates of many authorities are longer.
const (
	maxBrought = 4 << 10
	maxBundle  = 1 << 20
)

// keep writes a file that the text names, for root alone unless it is a certificate.
func (d *setupDesk) keep(text, name, value string) error {
	files, _ := config.Files(d.path, []byte(text)) // what is no property file names none
	at := slices.IndexFunc(files, func(n config.Named) bool { return n.Name == name })
	if at < 0 {
		return errors.New("the property file names no such file any more")
	}
	n, mode, most := files[at], os.FileMode(0o600), maxBrought
	value = strings.TrimSpace(value)
	if value == "" {
		return errors.New("it is empty; nothing was written")
	}
	switch d.bring(n) {
	case web.ByHand:
		return fmt.Errorf("%s is not for this page; put it there yourself", n.Path)
	case web.AsPassword:
		line, err := password.New(value)
		if err != nil {
			return err
		}
		value = line
	case web.AsPEM:
		most = maxBundle
		if block, _ := pem.Decode([]byte(value)); block == nil {
			return fmt.Errorf("it holds no %s in PEM form, with a line -----BEGIN; nothing was written", n.Holds)
		}
		if n.Holds == config.HoldsCertificate {
			mode = 0o644
		}
	}
	if len(value) > most {
		return fmt.Errorf("it has %d bytes, and at most %d are possible; nothing was written", len(value), most)
	}
	return unpathed(putFile(n.Path, []byte(value+"\n"), mode))
}

// ownCertificate puts the page's certificate where the text has the status page's.
func (d *setupDesk) ownCertificate(text string) error {
	files, _ := config.Files(d.path, []byte(text))
	cert, key := pageFiles(files)
	if cert == nil || key == nil || cert.There || key.There || d.bring(*cert) == web.ByHand || d.bring(*key) == web.ByHand {
		return errors.New("the property file has no place for it")
	}
	return unpathed(errors.Join(putFile(key.Path, d.key, 0o600), putFile(cert.Path, d.cert, 0o644)))
}

// install puts the text in place; the file before it is kept beside it.
func (d *setupDesk) install(text string) (string, error) {
	loaded, problems := config.Parse(d.path, []byte(text))
	if problems.Fatal() {
		return "", errors.New("the property file has faults by now; look at them, and mend them first")
	}
	if old := bounded(d.path); old != "" && old != text {
		if err := putFile(d.path+".before", []byte(old), 0o600); err != nil {
			return "", unpathed(err)
		}
	}
	if err := putFile(d.path, []byte(text), 0o644); err != nil {
		return "", unpathed(err)
	}
	_, port, err := net.SplitHostPort(loaded.Status.Listen)
	switch {
	case err != nil || loaded.Status.Loopback():
		return "", nil
	case port == fmt.Sprint(d.at.Port):
		return "/", nil
	}
	host := "localhost"
	if all := d.addresses(); len(all) > 0 {
		host = all[0]
	}
	return "https://" + net.JoinHostPort(host, port) + "/", nil
}

// unpathed says which file could not be written, and why, in one line.
func unpathed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("it cannot be written: %w; is the folder writable, and the card not full?", err)
}
