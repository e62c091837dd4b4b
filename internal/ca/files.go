package ca

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxFile bounds what is read as a certificate or a key, in bytes.
const maxFile = 64 << 10

// Entry is one certificate of the folder.
type Entry struct {
	Name string
	Cert *x509.Certificate
}

// List is what the folder holds, the authority first. A file that cannot be
// read does not hide the others: its error comes beside them.
func (a *Authority) List() (all []Entry, err error) {
	files, err := os.ReadDir(a.dir)
	if err != nil {
		return nil, fmt.Errorf("the folder of the authority: %w", err)
	}
	all = []Entry{{root, a.cert}}
	var errs []error
	for _, f := range files {
		name, is := strings.CutSuffix(f.Name(), ".crt")
		if !is || name == root {
			continue
		}
		cert, err := a.read(name)
		switch {
		case err != nil:
			errs = append(errs, err)
		case cert.CheckSignatureFrom(a.cert) != nil:
			errs = append(errs, fmt.Errorf("%s is not signed by this authority", f.Name()))
		default:
			all = append(all, Entry{name, cert})
		}
	}
	return all, errors.Join(errs...)
}

// Has reports whether there is a certificate of that name.
func (a *Authority) Has(name string) bool {
	_, err := os.Lstat(a.file(name + ".crt"))
	return err == nil
}

func (a *Authority) read(name string) (*x509.Certificate, error) {
	der, err := readPEM(a.file(name+".crt"), "CERTIFICATE")
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("%s.crt holds no certificate: %w", name, err)
	}
	return cert, nil
}

func readKey(file string) (crypto.Signer, error) {
	der, err := readPEM(file, "PRIVATE KEY")
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if signer, ok := key.(crypto.Signer); ok && err == nil {
		return signer, nil
	}
	return nil, fmt.Errorf("%s holds no private key of a kind that can sign", filepath.Base(file))
}

// readPEM is the first block of a file.
func readPEM(file, kind string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, fmt.Errorf("%s is no file of %s", filepath.Base(file), strings.ToLower(kind))
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("%s has no line -----BEGIN %s-----: is it another file, or was it cut short?", filepath.Base(file), kind)
	}
	return block.Bytes, nil
}

// fits reports whether a key is that of a certificate.
func fits(key crypto.Signer, cert *x509.Certificate) bool {
	same, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && same.Equal(cert.PublicKey)
}

// create writes a key, which nobody else may read, and which must not be there.
func (a *Authority) create(name, kind string, der []byte) error {
	f, err := os.OpenFile(a.file(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already, and a key is never written over", name)
	} else if err != nil {
		return err
	}
	return fill(f, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// write puts a certificate in the place of an older one, whole or not at all.
// Everybody may read it, as everybody does who connects.
func (a *Authority) write(name, kind string, der []byte) error {
	return a.Put(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o644)
}

// Put writes a file of the folder, in the place of an older one. One that says
// the same already is left alone.
func (a *Authority) Put(name string, text []byte, mode fs.FileMode) error {
	file := a.file(name)
	if old, err := os.ReadFile(file); err == nil && bytes.Equal(old, text) {
		return nil
	}
	f, err := os.CreateTemp(a.dir, "."+name+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // when it did not get its name
	if err := f.Chmod(mode); err != nil {
		f.Close()
		return err
	}
	if err := fill(f, text); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

func fill(f *os.File, text []byte) error {
	_, err := f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// Hosts are the names and addresses that a certificate lists, for people.
func Hosts(cert *x509.Certificate) []string {
	all := slices.Clone(cert.DNSNames)
	for _, ip := range cert.IPAddresses {
		all = append(all, ip.String())
	}
	return all
}
