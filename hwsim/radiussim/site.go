package radiussim

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"edgeagent/hwsim/console"
)

// Site is a hotel's RADIUS: the server, its database behind a proxy, the
// hotspot, and the guests' phones. It judges by effect.
type Site struct {
	*NAS
	Server *Server
	Proxy  *Proxy
	extra  func() error
}

// StartSite starts a hotel's RADIUS on a database, under a clock; nil for the
// machine's.
func (d *Database) StartSite(now func() time.Time) (s *Site, err error) {
	s = &Site{}
	begun := s // a return sets s
	defer func() {
		if err != nil {
			_ = begun.Close()
		}
	}()
	if s.Server, err = d.StartServer(now); err != nil {
		return nil, err
	}
	if s.Proxy, err = d.StartProxy(); err != nil {
		return nil, err
	}
	s.NAS, err = StartNAS(NASOptions{Auth: s.Server.Auth, Acct: s.Server.Acct, Secret: s.Server.Secret, OrderSecret: OrderSecret, Now: now, Upper: true})
	return s, err
}

// OpenSite starts a database and a hotel's RADIUS on it; Close ends both.
func OpenSite(kind string) (*Site, error) {
	db, err := OpenDatabase(kind)
	if err != nil {
		return nil, err
	}
	s, err := db.StartSite(nil)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s.extra = db.Close
	return s, nil
}

// Later lets time pass for FreeRADIUS and the hotspot, and for nobody else.
func (s *Site) Later(by time.Duration) error {
	now := func() time.Time { return time.Now().Add(by) }
	s.NAS.setClock(now)
	return s.Server.restart(now)
}

// URL is where the agent finds the database, for people.
func (s *Site) URL() string { return s.Server.db.Kind + "://" + s.Proxy.Addr() + "/" + s.Server.name }

// Join is a guest who types a credential on a phone at the portal.
func (s *Site) Join(mac, user, code string) error {
	if err := s.Server.Tick(); err != nil {
		return err
	}
	return s.NAS.Join(mac, user, code)
}

// unknownDevice is the phone that tries a credential without getting on.
const unknownDevice = "02:ff:ff:ff:ff:ff"

// Access lists the accounts with a marker. What works is tried, and what is
// granted is what the server says.
func (s *Site) Access() []console.Access {
	out, err := s.Server.SQL(`SELECT g.username, g.groupname, p.value, e.value, n.value FROM radusergroup g
		JOIN radcheck p ON p.username = g.username AND p.attribute = 'Cleartext-Password'
		JOIN radcheck e ON e.username = g.username AND e.attribute = 'Expiration'
		JOIN radcheck n ON n.username = g.username AND n.attribute = 'Simultaneous-Use'
		WHERE g.groupname LIKE 'htl:%' ORDER BY g.id`)
	if err != nil || s.Server.Tick() != nil {
		return nil
	}
	var list []console.Access
	for line := range strings.Lines(out) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 5 {
			continue
		}
		a := console.Access{User: f[0], Marker: f[1], Code: f[2]}
		if sec, err := strconv.ParseInt(f[3], 10, 64); err == nil {
			a.Until = time.Unix(sec, 0)
		}
		a.Devices, _ = strconv.Atoi(f[4])
		if grant, err := s.NAS.Ask(unknownDevice, a.User, a.Code, CHAP); err == nil {
			a.Works, a.DownKbps, a.UpKbps = true, grant.DownKbps, grant.UpKbps
		}
		list = append(list, a)
	}
	return list
}

// Made counts how often an account was written.
func (s *Site) Made() int {
	n := 0
	for _, r := range s.Proxy.Requests() {
		if strings.HasPrefix(r.Path, "INSERT INTO radcheck") && !strings.Contains(r.Path, "SELECT") {
			n++
		}
	}
	return n
}

// Close ends everything.
func (s *Site) Close() error {
	var errs []error
	if s.NAS != nil {
		errs = append(errs, s.NAS.Close())
	}
	if s.Proxy != nil {
		errs = append(errs, s.Proxy.Close())
	}
	if s.Server != nil {
		errs = append(errs, s.Server.Close())
	}
	if s.extra != nil {
		errs = append(errs, s.extra())
	}
	return errors.Join(errs...)
}
