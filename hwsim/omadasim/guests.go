package omadasim

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"edgeagent/hwsim/console"
)

// Why a device does not get on.
var (
	ErrRefused = errors.New("the portal does not take that")
	ErrExpired = errors.New("it is not valid now")
	ErrFull    = errors.New("as many devices as may are online")
)

// record is one log-in of one device. What let it in may change or go: the
// record's end stays.
type record struct {
	id, mac        string
	userName, code string
	start, end     time.Time
	ended          bool
	down, up       int
}

func (r *record) valid(now time.Time) bool { return !r.ended && now.Before(r.end) }

func (s *site) valid(now time.Time, which func(*record) bool) []*record {
	var list []*record
	for _, r := range s.records {
		if r.valid(now) && which(r) {
			list = append(list, r)
		}
	}
	return list
}

func (s *site) device(mac string) func(*record) bool {
	return func(r *record) bool { return r.mac == strings.ToUpper(strings.ReplaceAll(mac, ":", "-")) }
}

// Join is a guest who types a name and password, or with no name a voucher, on a
// device at the portal of the first site.
func (c *Controller) Join(mac, user, code string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, now := c.sites[0], c.now()
	fresh := &record{id: s.nextID("record"), mac: strings.ToUpper(strings.ReplaceAll(mac, ":", "-")), start: now}
	var err error
	if user == "" {
		err = s.byVoucher(fresh, code, now)
	} else {
		err = s.byUser(fresh, user, code, now)
	}
	if err != nil {
		return err
	}
	for _, old := range s.valid(now, s.device(mac)) {
		old.ended, old.end = true, now
	}
	s.records = append(s.records, fresh)
	return nil
}

func (s *site) byUser(r *record, user, code string, now time.Time) error {
	at := slices.IndexFunc(s.users, func(u *localUser) bool { return u.userName == user && *u.Password == code })
	if at < 0 {
		return ErrRefused
	}
	u := s.users[at]
	others := s.valid(now, func(o *record) bool { return o.userName == user && o.mac != r.mac })
	switch {
	case !s.opens(typeLocalUser, u.chosen):
		return ErrRefused
	case !u.works(now):
		return ErrExpired
	case len(others) >= *u.MaxUsers:
		return ErrFull
	}
	r.userName, r.end = user, u.expires()
	r.down, r.up = u.Rate.rates()
	return nil
}

func (u *localUser) works(now time.Time) bool { return *u.Enabled && now.Before(u.expires()) }

func (s *site) byVoucher(r *record, code string, now time.Time) error {
	g, v := s.voucher(code)
	if v == nil || !s.opens(typeVoucher, g.chosen) {
		return ErrRefused
	}
	others := s.valid(now, func(o *record) bool { return o.code == code && o.mac != r.mac })
	switch {
	case s.status(g, v, now) == 2 || g.ValidityType == 1 && now.Before(time.UnixMilli(g.Effective)):
		return ErrExpired
	case *g.LimitType == 1 && int64(len(others)) >= *g.LimitNum, *g.LimitType == 0 && int64(v.uses) >= *g.LimitNum:
		return ErrFull
	}
	if v.first.IsZero() {
		v.first = now
	}
	v.uses++
	r.code, r.end = code, g.end(v, now)
	r.down, r.up = g.Rate.rates()
	return nil
}

// Online reports whether a device has access now.
func (c *Controller) Online(mac string) bool {
	_, ok := c.Ends(mac)
	return ok
}

// Ends is when a device's present access ends; false if it has none.
func (c *Controller) Ends(mac string) (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	live := c.sites[0].valid(c.now(), c.sites[0].device(mac))
	if len(live) == 0 {
		return time.Time{}, false
	}
	return live[0].end, true
}

// Rates are what a device has now, in kbit/s as its guest sees them.
func (c *Controller) Rates(mac string) (down, up int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.sites[0].valid(c.now(), c.sites[0].device(mac)) {
		return r.down, r.up
	}
	return 0, 0
}

// Access lists what the first site's users and vouchers give.
func (c *Controller) Access() []console.Access {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, now := c.sites[0], c.now()
	var list []console.Access
	for _, u := range s.users {
		online := len(s.valid(now, func(r *record) bool { return r.userName == u.userName }))
		a := console.Access{Marker: u.Name, User: u.userName, Code: *u.Password, Until: u.expires(), Devices: *u.MaxUsers, DataMB: u.mb(),
			Works: u.works(now) && online < *u.MaxUsers}
		a.DownKbps, a.UpKbps = u.Rate.rates()
		list = append(list, a)
	}
	for _, g := range s.groups {
		for _, v := range g.vouchers {
			online := len(s.valid(now, func(r *record) bool { return r.code == v.code }))
			a := console.Access{Marker: *g.Name, Code: v.code, DataMB: g.mb(), Until: g.end(v, now), Works: s.status(g, v, now) < 2}
			if *g.LimitType == 1 {
				a.Devices = int(*g.LimitNum)
				a.Works = a.Works && online < a.Devices
			}
			a.DownKbps, a.UpKbps = g.Rate.rates()
			list = append(list, a)
		}
	}
	return list
}

const (
	minPeriod = 60_000             // ms
	maxPeriod = 86_400_000_000_000 // ms
)

func (c *Controller) authedRecords(s *site, r *http.Request, rest []string, body []byte) answer {
	now := c.now()
	if len(rest) == 0 && r.Method == http.MethodGet {
		return paged(r, s.recordObjects(strings.ToLower(r.URL.Query().Get("searchKey")), now))
	}
	if len(rest) != 2 || r.Method != http.MethodPost {
		return fail(codeInvalid, "no such resource")
	}
	at := slices.IndexFunc(s.records, func(o *record) bool { return o.id == rest[0] })
	if at < 0 {
		return fail(codeNoRecord, "no such record")
	}
	one := s.records[at]
	if !one.valid(now) {
		return fail(codeNotConnected, "the client is not connected")
	}
	switch rest[1] {
	case "disconnect":
		one.ended, one.end = true, now
		return done(nil)
	case "period":
		var in struct {
			Period *int64 `json:"period"`
		}
		if err := decode(r, body, &in); err != nil || !fits(true, in.Period, minPeriod, maxPeriod) {
			return fail(codeInvalid, "period must be %d to %d", minPeriod, maxPeriod)
		}
		from := one.end
		if c.opts.PeriodFromNow {
			from = now
		}
		one.end = from.Add(time.Duration(*in.Period) * time.Millisecond)
		return done(nil)
	}
	return fail(codeInvalid, "no such resource")
}

func (s *site) recordObjects(search string, now time.Time) []map[string]any {
	var list []map[string]any
	for _, r := range s.records {
		if !strings.Contains(strings.ToLower(r.mac+" "+r.userName+" "+r.code), search) {
			continue
		}
		o := map[string]any{"id": r.id, "mac": r.mac, "name": r.mac, "authType": typeLocalUser, "start": r.start.UnixMilli(),
			"end": r.end.UnixMilli(), "valid": r.valid(now)}
		if r.code != "" {
			o["authType"], o["voucherCode"] = typeVoucher, r.code
		} else {
			o["localUserName"] = r.userName
		}
		list = append(list, o)
	}
	return list
}
