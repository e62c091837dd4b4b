package unifisim

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"edgeagent/hwsim/console"
)

// Why a device is not let on.
var (
	ErrNoSuchCode = errors.New("no voucher has this code")
	ErrExpired    = errors.New("the voucher has expired")
	ErrFull       = errors.New("the voucher has its full number of devices")
)

// Voucher is one voucher. Rates are in kbit/s as the guest sees them: Down is
// rxRateLimitKbps, the download. Zero is no limit.
type Voucher struct {
	ID, Name, Code  string
	CreatedAt       time.Time
	Minutes         int
	Devices         int // 0 is any number
	DataMB          int
	DownKbps        int
	UpKbps          int
	Used            int       // devices that were let on by it
	ActivatedAt     time.Time // first use; zero before
	ExpiresAt       time.Time // zero before the first use
	admitted        map[string]bool
	legacyCreateSec int64
}

// Session is a device's present authorisation.
type Session struct {
	MAC              string
	Method           string // VOUCHER or API
	Start, End       time.Time
	DownKbps, UpKbps int
	DataMB           int
}

type site struct {
	id, name string
	vouchers []*Voucher
	devices  map[string]*device
	guests   []*guest
	counter  int
}

// device is a client on the guest network.
type device struct {
	id, mac   string
	connected time.Time // zero: not associated now
	session   *guest    // nil: never authorised, or unauthorised since
}

// guest is a record of stat/guest: one authorisation of one device.
type guest struct {
	id, mac          string
	voucherID        string
	voucherCode      string
	by               string // voucher or api
	start, end       time.Time
	down, up, dataMB int
	ended            bool // by unauthorize, or replaced by a later authorisation
}

func newSite(name string) *site {
	return &site{id: uuid("site-"+name, 0), name: name, devices: map[string]*device{}}
}

func (v *Voucher) expired(now time.Time) bool {
	return !v.ExpiresAt.IsZero() && !now.Before(v.ExpiresAt)
}

func (g *guest) expired(now time.Time) bool { return g.ended || !now.Before(g.end) }

// Join is a guest who types a code on a device at the portal of the first site,
// which asks for no user name.
func (c *Controller) Join(mac, _, code string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, now := c.sites[0], c.now()
	mac = strings.ToLower(mac)
	code = strings.NewReplacer("-", "", " ", "").Replace(code)
	v := s.byCode(code)
	switch {
	case v == nil:
		return ErrNoSuchCode
	case v.expired(now):
		return ErrExpired
	case !v.admitted[mac] && v.Devices > 0 && v.Used >= v.Devices:
		return ErrFull
	}
	if v.ActivatedAt.IsZero() {
		v.ActivatedAt = now
		v.ExpiresAt = now.Add(time.Duration(v.Minutes) * time.Minute)
	}
	if !v.admitted[mac] {
		v.admitted[mac] = true
		v.Used++
	}
	s.authorise(mac, now, &guest{
		voucherID: v.ID, voucherCode: v.Code, by: "voucher", end: v.ExpiresAt,
		down: v.DownKbps, up: v.UpKbps, dataMB: v.DataMB,
	})
	return nil
}

// Associate puts a device on the guest network without access; Online stays false.
func (c *Controller) Associate(mac string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sites[0].device(strings.ToLower(mac)).connected = c.now()
}

// Disassociate takes a device off the air, as a phone that sleeps. Its
// authorisation stays.
func (c *Controller) Disassociate(mac string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sites[0].device(strings.ToLower(mac)).connected = time.Time{}
}

// Online reports whether a device has access now.
func (c *Controller) Online(mac string) bool {
	s, ok := c.Session(mac)
	return ok && c.now().Before(s.End)
}

// Session is a device's present authorisation; false if it has none.
func (c *Controller) Session(mac string) (Session, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d, ok := c.sites[0].devices[strings.ToLower(mac)]
	if !ok || d.session == nil || d.session.expired(c.now()) {
		return Session{}, false
	}
	g := d.session
	return Session{
		MAC: d.mac, Method: strings.ToUpper(g.by), Start: g.start, End: g.end,
		DownKbps: g.down, UpKbps: g.up, DataMB: g.dataMB,
	}, true
}

// CodeWorks reports whether a new device that types the code would get on now.
func (c *Controller) CodeWorks(code string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.sites[0].byCode(strings.NewReplacer("-", "", " ", "").Replace(code))
	return v != nil && !v.expired(c.now()) && (v.Devices == 0 || v.Used < v.Devices)
}

// Vouchers lists the vouchers of the first site, oldest first.
func (c *Controller) Vouchers() []Voucher {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]Voucher, 0, len(c.sites[0].vouchers))
	for _, v := range c.sites[0].vouchers {
		clone := *v
		clone.admitted = nil
		list = append(list, clone)
	}
	return list
}

// LiveVouchers lists the vouchers of that name that have not expired.
func (c *Controller) LiveVouchers(name string) []Voucher {
	var live []Voucher
	now := c.now()
	for _, v := range c.Vouchers() {
		if v.Name == name && !v.expired(now) {
			live = append(live, v)
		}
	}
	return live
}

// AddVoucher makes a voucher as a person at the console's own page would and
// returns its code.
func (c *Controller) AddVoucher(name string, minutes, devices int) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := &Voucher{Name: name, Minutes: minutes, Devices: devices}
	c.sites[0].add(v, c.now())
	return v.Code
}

func (s *site) add(v *Voucher, now time.Time) {
	v.ID = s.nextID("voucher")
	v.CreatedAt = now.UTC().Truncate(time.Second)
	v.legacyCreateSec = now.Unix()
	v.admitted = map[string]bool{}
	for v.Code == "" || s.byCode(v.Code) != nil {
		v.Code = randomCode()
	}
	s.vouchers = append(s.vouchers, v)
}

func (s *site) remove(id string) bool {
	for i, v := range s.vouchers {
		if v.ID == id {
			s.vouchers = append(s.vouchers[:i:i], s.vouchers[i+1:]...)
			return true
		}
	}
	return false
}

func (s *site) byCode(code string) *Voucher {
	for _, v := range s.vouchers {
		if v.Code == code {
			return v
		}
	}
	return nil
}

func (s *site) device(mac string) *device {
	d, ok := s.devices[mac]
	if !ok {
		d = &device{id: s.nextID("client"), mac: mac}
		s.devices[mac] = d
	}
	return d
}

// authorise replaces whatever authorisation the device had. The new record of
// an authorisation by API does not say which voucher once admitted the device.
func (s *site) authorise(mac string, now time.Time, g *guest) *guest {
	d := s.device(mac)
	if d.session != nil && !d.session.expired(now) {
		d.session.ended, d.session.end = true, now
	}
	if d.connected.IsZero() && g.by == "voucher" {
		d.connected = now
	}
	g.id, g.mac, g.start = s.nextID("guest"), mac, now
	d.session = g
	s.guests = append(s.guests, g)
	return g
}

func (s *site) unauthorise(mac string, now time.Time) *guest {
	d, ok := s.devices[mac]
	if !ok || d.session == nil || d.session.expired(now) {
		return nil
	}
	g := d.session
	g.ended, g.end = true, now
	d.session = nil
	return g
}

func (s *site) nextID(kind string) string {
	s.counter++
	return uuid(s.name+"-"+kind, s.counter)
}

// uuid is an identifier that is the same in every run, so that requests can be compared.
func uuid(kind string, n int) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%s %d", kind, n))
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

func randomCode() string {
	n, err := rand.Int(rand.Reader, big.NewInt(10_000_000_000))
	if err != nil {
		panic("unifisim: no randomness: " + err.Error())
	}
	return fmt.Sprintf("%010d", n)
}

// Access lists what the first site's vouchers give.
func (c *Controller) Access() []console.Access {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []console.Access
	for _, v := range c.sites[0].vouchers {
		list = append(list, console.Access{
			Marker: v.Name, Code: v.Code, Until: v.CreatedAt.Add(time.Duration(v.Minutes) * time.Minute), Devices: v.Devices, DataMB: v.DataMB,
			DownKbps: v.DownKbps, UpKbps: v.UpKbps,
			Works: !v.expired(c.now()) && (v.Devices == 0 || v.Used < v.Devices),
		})
	}
	return list
}
