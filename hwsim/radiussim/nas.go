package radiussim

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// NAS is a hotspot: it asks a RADIUS server who may get on, reports on those
// who are, and takes orders about them by RFC 5176.
type NAS struct {
	opt  NASOptions
	port net.PacketConn
	now  atomic.Pointer[func() time.Time]

	mu       sync.Mutex
	sessions map[string]*Session // by MAC
	orders   []Order
	serial   uint32
	strict   uint32 // Error-Cause of every refusal to come; 0 for none
	mute     bool
	done     map[[16]byte][]byte // answers by the authenticator of the request
}

// NASOptions say what kind of NAS to start.
type NASOptions struct {
	// Auth and Acct are the addresses of the RADIUS server; without one it reports
	// to nobody.
	Auth, Acct string
	// Secret is shared with the server, OrderSecret with who may give orders.
	Secret, OrderSecret string
	// Now is its clock; time.Now if nil.
	Now func() time.Time
	// Separator stands between the bytes of a MAC in Calling-Station-Id; "-" if
	// empty. Upper writes it in upper case.
	Separator string
	Upper     bool
}

// nasIP is what it calls itself.
var nasIP = net.IPv4(127, 0, 0, 1).To4()

// Session is a device that is on.
type Session struct {
	ID, MAC, User, Calling string
	IP                     net.IP
	Started                time.Time
	// Timeout is the length that it may have; zero is without end.
	Timeout time.Duration
	// What the server granted.
	Grant Grant
}

// Grant is what an Access-Accept said.
type Grant struct {
	Timeout, Interim time.Duration
	DownKbps, UpKbps int
	// Class is everything else that counts to a test.
	MikrotikRate string
}

// Order is a request that came in.
type Order struct {
	Disconnect bool
	User       string
	Calling    string
	Timeout    time.Duration
	// Accepted says whether it was carried out, Cause why not.
	Accepted bool
	Cause    uint32
}

// StartNAS starts a NAS at a free port of this machine.
func StartNAS(o NASOptions) (*NAS, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Separator == "" {
		o.Separator = "-"
	}
	port, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	n := &NAS{opt: o, port: port, sessions: map[string]*Session{}, done: map[[16]byte][]byte{}}
	n.setClock(o.Now)
	go n.serve()
	return n, nil
}

// Addr is where it takes orders.
func (n *NAS) Addr() string { return n.port.LocalAddr().String() }

func (n *NAS) clock() time.Time { return (*n.now.Load())() }

func (n *NAS) setClock(now func() time.Time) { n.now.Store(&now) }

// Close switches it off.
func (n *NAS) Close() error { return n.port.Close() }

// Orders lists what came in, repetitions once.
func (n *NAS) Orders() []Order {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.orders)
}

// Refuse makes it answer all orders with an Error-Cause; 0 ends that.
func (n *NAS) Refuse(cause uint32) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.strict = cause
}

// Mute makes it answer nothing.
func (n *NAS) Mute(on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mute = on
}

// Separate makes it write another separator into Calling-Station-Id, for
// devices that join from then on.
func (n *NAS) Separate(by string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.opt.Separator = by
}

// ErrRejected is a log-in that the server refused.
var ErrRejected = errors.New("access rejected")

// Method is how a password is proved.
type Method int

// The methods.
const (
	PAP Method = iota
	CHAP
)

// Ask is a log-in without a session: it says what a device would be granted.
func (n *NAS) Ask(mac, user, code string, how Method) (Grant, error) {
	p := n.request(accessRequest, mac)
	p.text(userName, user)
	answer, err := exchange(n.opt.Auth, n.opt.Secret, p, func(p *packet) {
		switch how {
		case CHAP:
			challenge := make([]byte, 16)
			_, _ = rand.Read(challenge)
			p.add(chapPassword, respond(p.id, code, challenge))
			p.add(chapChallenge, challenge)
		case PAP:
			p.add(userPassword, hide(code, []byte(n.opt.Secret), p.authenticator))
		}
	})
	if err != nil {
		return Grant{}, err
	}
	if answer.code == accessReject {
		why, _ := answer.get(replyMessage)
		return Grant{}, fmt.Errorf("%w %s", ErrRejected, why)
	}
	if answer.code != accessAccept {
		return Grant{}, errPacket
	}
	g := Grant{Timeout: time.Duration(answer.seconds(sessionTimeout)) * time.Second, Interim: time.Duration(answer.seconds(acctInterimPeriod)) * time.Second}
	for _, a := range answer.attributes {
		if a.kind == vendorSpecific && len(a.value) > 6 {
			g.vendor(binary.BigEndian.Uint32(a.value), a.value[4], a.value[6:])
		}
	}
	return g, nil
}

func (g *Grant) vendor(vendor uint32, kind byte, value []byte) {
	switch {
	case vendor == 14122 && kind == 7 && len(value) == 4: // WISPr-Bandwidth-Max-Up, bit/s
		g.UpKbps = int(binary.BigEndian.Uint32(value) / 1000)
	case vendor == 14122 && kind == 8 && len(value) == 4:
		g.DownKbps = int(binary.BigEndian.Uint32(value) / 1000)
	case vendor == 14988 && kind == 8:
		g.MikrotikRate = string(value)
	}
}

// Join is a device that logs in. One that is on already logs in anew.
func (n *NAS) Join(mac, user, code string) error {
	n.mu.Lock()
	n.serial++
	serial := n.serial
	n.mu.Unlock()
	grant, err := n.Ask(mac, user, code, Method(serial%2))
	if err != nil {
		return err
	}
	if n.Online(mac) {
		if err := n.leave(mac, 1); err != nil {
			return err
		}
	}
	s := &Session{ID: fmt.Sprintf("8%07x", serial), MAC: mac, User: user, Calling: n.calling(mac), IP: net.IPv4(10, 5, byte(serial>>8), byte(serial)),
		Started: n.clock(), Timeout: grant.Timeout, Grant: grant}
	n.mu.Lock()
	n.sessions[mac] = s
	n.mu.Unlock()
	return n.account(s, 1, 0)
}

// Admit puts a device on without asking anybody, for tests that have no server.
func (n *NAS) Admit(s Session) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sessions[s.MAC] = &s
}

// Leave is a device that logs off.
func (n *NAS) Leave(mac string) error { return n.leave(mac, 1) }

func (n *NAS) leave(mac string, cause uint32) error {
	n.mu.Lock()
	s := n.sessions[mac]
	delete(n.sessions, mac)
	n.mu.Unlock()
	if s == nil || n.opt.Acct == "" {
		return nil
	}
	return n.account(s, 2, cause)
}

// Report sends an interim update on every session.
func (n *NAS) Report() error {
	n.mu.Lock()
	var all []*Session
	for _, s := range n.sessions {
		all = append(all, s)
	}
	n.mu.Unlock()
	for _, s := range all {
		if err := n.account(s, 3, 0); err != nil {
			return err
		}
	}
	return nil
}

// Lose drops all sessions without a word, as a power cut does.
func (n *NAS) Lose() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.sessions)
}

// Session of a device that is on.
func (n *NAS) Session(mac string) (Session, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s, ok := n.sessions[mac]
	if !ok || s.Timeout > 0 && !n.clock().Before(s.Started.Add(s.Timeout)) {
		return Session{}, false
	}
	return *s, true
}

// Online reports whether a device has access.
func (n *NAS) Online(mac string) bool {
	_, ok := n.Session(mac)
	return ok
}

func (n *NAS) calling(mac string) string {
	digits := make([]byte, 0, 12)
	for i := range len(mac) {
		if c := mac[i] | 0x20; c >= '0' && c <= '9' || c >= 'a' && c <= 'f' {
			digits = append(digits, c)
		}
	}
	var pairs []string
	for pair := range slices.Chunk(digits, 2) {
		pairs = append(pairs, string(pair))
	}
	out := strings.Join(pairs, n.opt.Separator)
	if n.opt.Upper {
		out = strings.ToUpper(out)
	}
	return out
}
