package config

import (
	"crypto/tls"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"edgeagent/internal/password"
)

// Status is where the status page listens, and who may do what there.
type Status struct {
	// Listen is where the page is. Default 127.0.0.1:8080. Any other address than
	// loopback needs cert_file, key_file and users.
	Listen string `yaml:"listen"`
	// Socket is the Unix socket by which the command line speaks with the running
	// agent: whoever may open it may do everything. Default control.sock beside the
	// store, or /run/edgeagent/control.sock where the store has its own default;
	// relative to the property file.
	Socket string `yaml:"socket"`
	// CertFile and KeyFile are the page's own certificate, with its chain, and the
	// private key that belongs to it, in PEM form. With them the page is https.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
	// Users may log in. Without any, the page on loopback only shows.
	Users []User `yaml:"users"`
}

// User is a person who logs in to the page, or a script.
type User struct {
	// Name is who it is, such as desk: a-z, 0-9, _ and -.
	Name string `yaml:"name"`
	// Role is what the user may do: look, or operate as well. Default look.
	Role string `yaml:"role"`
	// PasswordFile is what edgeagent password has written.
	PasswordFile string `yaml:"password_file"`
	// TokenFile holds a secret of 32 characters or more that a script sends along
	// as Authorization: Bearer.
	TokenFile string `yaml:"token_file"`
}

// TLS reports whether the page is https.
func (s *Status) TLS() bool { return s.CertFile != "" }

// Loopback reports whether only this machine reaches the page.
func (s *Status) Loopback() bool {
	host, _, err := net.SplitHostPort(s.Listen)
	return err == nil && isLoopback(host)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

const (
	// defaultListen is where the status page is unless the file says otherwise.
	defaultListen = "127.0.0.1:8080"
	maxUsers      = 50
	// shortestToken is how many characters nobody guesses.
	shortestToken = 32
	roleLook      = "look"
	roleOperate   = "operate"
)

// page checks what is said of the status page, after its files have been looked
// at. A file with faults still has its page; if they are the page's own, then
// where only this machine reaches it, and there it only shows.
func (c *checker) page(l *Loaded) {
	s := &l.Status
	c.certificate(s)
	c.users(s)
	c.listen(s)
	if !c.sound("status") || c.tab > 0 { // what stands in which section is a guess then
		*s = Status{Listen: defaultListen, Socket: s.Socket}
	}
}

// listen checks the address, and that what it needs is there.
func (c *checker) listen(s *Status) {
	const path, better = "status.listen", "write an address of this machine and a port, such as 127.0.0.1:8080"
	host, port, err := net.SplitHostPort(s.Listen)
	if err != nil {
		c.add(path, "status.listen %q is no address; %s", short(s.Listen), better)
		return
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		c.add(path, "status.listen has the port %q, and ports are 1 to 65535; %s", short(port), better)
		return
	}
	if isLoopback(host) {
		return
	}
	if host != "" && net.ParseIP(host) == nil {
		c.add(path, "status.listen %q names a host; write the address itself, such as 192.0.2.7:%s, or 0.0.0.0:%s for every address of this machine", short(s.Listen), port, port)
		return
	}
	var lacks []string
	if s.CertFile == "" && s.KeyFile == "" && !c.shadowed("status.cert_file") && !c.shadowed("status.key_file") {
		lacks = append(lacks, "cert_file and key_file (TLS)")
	}
	if len(s.Users) == 0 && !c.shadowed("status.users") {
		lacks = append(lacks, "users, each with a password_file or a token_file")
	}
	if len(lacks) > 0 {
		c.add(path, "status.listen %q is open to the network, and for that status needs %s; add them, or write 127.0.0.1:%s and reach the page through ssh",
			short(s.Listen), strings.Join(lacks, " and "), port)
	}
}

// certificate checks that the two halves are there and belong together.
func (c *checker) certificate(s *Status) {
	const cert, key = "status.cert_file", "status.key_file"
	switch {
	case s.CertFile == "" && s.KeyFile == "":
		return
	case s.KeyFile == "":
		c.add(cert, "cert_file stands alone; add key_file: with the private key that belongs to it")
		return
	case s.CertFile == "":
		c.add(key, "key_file stands alone; add cert_file: with the certificate that it belongs to")
		return
	case !c.sound(cert) || !c.sound(key):
		return
	}
	pair, err := tls.LoadX509KeyPair(s.CertFile, s.KeyFile)
	if err != nil {
		c.add(key, "key_file: the private key does not go with the certificate of cert_file: %s", strings.TrimPrefix(err.Error(), "tls: "))
		return
	}
	if end := pair.Leaf.NotAfter; time.Now().After(end) {
		c.add(cert, "cert_file: the certificate ended on %s, and browsers refuse it; put a new one there", end.Format(time.DateOnly)).Warning = true
	}
}

// users checks who may log in.
func (c *checker) users(s *Status) {
	if len(s.Users) > maxUsers {
		c.add(fmt.Sprintf("status.users[%d]", maxUsers), "%d users, and at most %d are possible", len(s.Users), maxUsers)
		s.Users = s.Users[:maxUsers]
	}
	seen, tokens := map[string]string{}, map[string]string{}
	for i := range s.Users {
		u, path := &s.Users[i], fmt.Sprintf("status.users[%d]", i)
		c.named(seen, path, u.Name, "user")
		set(&u.Role, roleLook)
		if roles := []string{roleLook, roleOperate}; !slices.Contains(roles, u.Role) {
			c.add(path+".role", "unknown role %q; %s", short(u.Role), didYouMean(u.Role, roles))
		}
		if u.PasswordFile == "" && u.TokenFile == "" && !c.shadowedEntry(path) {
			c.tell(path, "user %q has neither password_file nor token_file; run edgeagent password --file FILE and name that file as password_file", short(u.Name))
		}
		c.passwordFile(path+".password_file", u.PasswordFile)
		c.tokenFile(tokens, path+".token_file", u.TokenFile)
	}
}

func (c *checker) passwordFile(path, file string) {
	if file == "" || !c.sound(path) {
		return
	}
	text, err := Secret(file)
	if err == nil {
		_, err = password.Parse(text)
	}
	if err != nil {
		c.add(path, "password_file: the file %s %v; run edgeagent password --file with a new file's name, and name that here", short(filepath.Base(file)), password.ErrForm)
	}
}

func (c *checker) tokenFile(seen map[string]string, path, file string) {
	if file == "" || !c.sound(path) {
		return
	}
	token, err := Secret(file)
	if n := utf8.RuneCountInString(token); err != nil || n < shortestToken {
		c.add(path, "token_file: the file %s holds %d characters, and a token that nobody guesses has at least %d; make one with openssl rand -hex 32", short(filepath.Base(file)), n, shortestToken)
		return
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		c.add(path, "token_file: the file %s holds blanks or characters beyond ASCII, which no script can send; make one with openssl rand -hex 32", short(filepath.Base(file)))
		return
	}
	if first, twice := seen[token]; twice {
		c.add(path, "two users have one token, the first in line %d, so nobody could say who it was; make one for each with openssl rand -hex 32", c.line(first))
		return
	}
	seen[token] = path
}
