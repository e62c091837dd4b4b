package wifi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"edgeagent/drivers"
)

// FreeRADIUS by the tables of its sql module, and the NAS that ask it by RFC
// 5176. There is no console to call: a log-in succeeds as soon as the rows are
// there, and fails as soon as they are gone or Expiration has passed, without a
// restart. A session that runs has been given its length at log-in
// (Session-Timeout, which FreeRADIUS makes of Expiration), so that it ends by
// itself though nothing of ours gets through any more.

// Caps: what FreeRADIUS grants is one thing, what a NAS makes of it another;
// rates and caps hold where it knows the attributes.
func (r *radius) Caps() Caps {
	return Caps{
		ChooseCode: true, ChooseUser: true, AbsoluteExpiry: true, Extend: true, DeviceLimit: true, FindByNote: true, SecretReadable: true,
		RateLimit:  len(r.set.Attributes) > 0,
		DataCap:    slices.Contains(r.set.Attributes, "mikrotik") || slices.Contains(r.set.Attributes, "chillispot"),
		CutSession: len(r.set.NAS) > 0,
	}
}

type radius struct {
	*client
	set   Radius
	store tables
	// waits are how long a NAS is waited for; nil for RFC 5176's own practice.
	waits []time.Duration
}

func newRadius(c *client, cfg Config) controller {
	r := &radius{client: c, set: *cfg.Radius}
	d := r.set.Database
	password := func() (string, error) {
		if d.PasswordFile == "" {
			return "", nil
		}
		return c.secretFile("radius.database.password_file", d.PasswordFile)
	}
	secure := func() (*tls.Config, error) { return c.databaseTLS(d) }
	dial := mysqlDial
	if d.Kind == "postgres" {
		dial = postgresDial
	}
	lines := newPool(d.Address, func() time.Duration { return c.cfg.Timeout }, dial(d, password, secure))
	r.store = &sqlTables{database: lines, dialect: dialects[d.Kind]}
	c.manners = manners{
		close: func() { r.store.close() },
		// Devices whose end got lost lock their guest out: look often.
		sweepEvery: 3 * r.set.Interim,
	}
	return r
}

// databaseTLS is that of the section, or none for a line that stays on this machine.
func (c *client) databaseTLS(d RadiusDatabase) (*tls.Config, error) {
	if c.cfg.TLS == (TLS{}) {
		return nil, nil
	}
	secure, err := c.tlsConfig()
	if err != nil {
		return nil, &drivers.LinkDown{Err: err}
	}
	if host, _, err := net.SplitHostPort(d.Address); err == nil {
		secure.ServerName = host
	}
	return secure, nil
}

// Ensure writes the stay's rows if they are not so already, and tells running
// sessions of another end.
func (r *radius) Ensure(ctx context.Context, g Grant) (Credential, error) {
	user := g.userName()
	held, err := r.store.account(ctx, user)
	if err != nil {
		return Credential{}, err
	}
	if !held.empty() && !held.marked(g.marker()) {
		return Credential{}, fmt.Errorf("%w: FreeRADIUS has another account by the name that this stay would have: remove it", drivers.ErrRefused)
	}
	secret := r.secretOf(g.Stay, held)
	ends := epoch(value(held.check, attrExpiration))
	until := r.until(g, ends)
	plan := r.set.plan(g, user, secret, until)
	if !plan.same(held) {
		if err := r.store.put(ctx, plan); err != nil {
			return Credential{}, err
		}
	}
	// The receipt knows better than the rows whether the sessions were told: a
	// power cut may have come between.
	told := ends
	if known, err := time.Parse(time.RFC3339, g.Known["until"]); err == nil && !known.Equal(until) {
		told = known
	}
	if !held.empty() && !told.Equal(until) {
		if err := r.stretch(ctx, user, until, until.Before(told) || until.Before(ends)); err != nil {
			return Credential{}, err
		}
	}
	now := r.now()
	return Credential{Key: g.Key, ID: user, User: user, Code: secret, Codes: []string{secret}, Since: now, Created: now, Live: true}, nil
}

// secretOf is what the guest was told, else what FreeRADIUS has since a reply
// was lost, else a new one.
func (r *radius) secretOf(stay Stay, held account) string {
	if stay.Known["code"] == "" {
		if secret := value(held.check, attrPassword); codeFormatOfOurs.MatchString(secret) {
			return secret
		}
	}
	return stay.code()
}

// until is the end to write, in whole seconds. A guest whose departure lies in
// the past keeps the end that a first call gave: another call is no extension.
func (r *radius) until(g Grant, ends time.Time) time.Time {
	now, until := r.now(), g.Until.Truncate(time.Second)
	if g.Overdue && ends.After(now) && !ends.Before(g.Departed.Truncate(time.Second)) && !ends.After(until) {
		return ends
	}
	return until
}

// Revoke deletes the rows first and ends the sessions then: the other way round
// a device would log straight back in.
func (r *radius) Revoke(ctx context.Context, stay Stay, cut bool) (Revoked, error) {
	user := stay.userName()
	held, err := r.store.account(ctx, user)
	if err != nil {
		return Revoked{}, err
	}
	var done Revoked
	if !held.empty() && held.marked(stay.marker()) {
		if err := r.store.remove(ctx, user); err != nil {
			return Revoked{}, err
		}
		done.Credentials = 1
	}
	if !cut || len(r.set.NAS) == 0 {
		return done, nil
	}
	done.Sessions, err = r.disconnect(ctx, user)
	return done, err
}

// purgeAfter is how long rows outlive their Expiration: FreeRADIUS has the
// secrets in clear text, for CHAP, and refuses them already.
const purgeAfter = 24 * time.Hour

// List lists the accounts that carry our marker. It tidies up on the way: rows
// of sessions that ended without a word, and accounts that ended long ago and
// that no stay of ours has. The database's clock decides, which is next to
// FreeRADIUS's; the gateway's may be wrong by days after a power cut.
func (r *radius) List(ctx context.Context) ([]Credential, error) {
	now, err := r.store.clock(ctx)
	if err != nil {
		return nil, err
	}
	r.learn(now, r.now().Truncate(time.Second))
	marked, err := r.store.marked(ctx)
	if err != nil {
		return nil, err
	}
	var users, ended []string
	held := marked[:0]
	for _, u := range marked {
		key, ok := strings.CutPrefix(u.marker, markerPrefix)
		if !ok || !stayKey.MatchString(key) || u.user != (Stay{Key: key}).userName() {
			continue
		}
		held, users = append(held, u), append(users, u.user)
		if !epoch(u.expiration).After(now) {
			ended = append(ended, u.user)
		}
	}
	if err := r.tidy(ctx, users, now); err != nil {
		return nil, err
	}
	busy, err := r.store.busy(ctx, ended)
	if err != nil {
		return nil, err
	}
	return r.listed(ctx, held, busy, now)
}

// tidy closes the rows of sessions that nobody reports on any more, and opens
// again those that somebody does.
func (r *radius) tidy(ctx context.Context, users []string, now time.Time) error {
	var known []string
	for _, n := range r.set.NAS {
		known = append(known, addr(n.NASIP).String())
	}
	if err := r.store.reopen(ctx, users, known); err != nil {
		return err
	}
	return r.store.closeStale(ctx, users, known, now, 3*r.set.Interim)
}

// listed turns accounts into credentials. One that has ended is live to the
// sweep as long as a device is on by it, or its rows are due to go: the sweep
// revokes it then, with all its care.
func (r *radius) listed(ctx context.Context, held []markedUser, busy []string, now time.Time) ([]Credential, error) {
	wanted := map[string]bool{}
	if r.stays != nil {
		for _, s := range r.stays() {
			wanted[s.Key] = true
		}
	}
	list := make([]Credential, 0, len(held))
	for _, u := range held {
		key, ends := strings.TrimPrefix(u.marker, markerPrefix), epoch(u.expiration)
		due := !ends.IsZero() && now.After(ends.Add(purgeAfter))
		on := slices.Contains(busy, u.user)
		if due && !on && !wanted[key] {
			if err := r.store.remove(ctx, u.user); err != nil {
				return nil, err
			}
			continue
		}
		list = append(list, Credential{
			Key: key, ID: u.user, User: u.user, Code: u.secret, Codes: []string{u.secret},
			// The rows do not say when they were made, but when they end at the latest.
			Created: earlier(ends.Add(-minAccess), r.now()), Live: ends.After(now) || on || due,
		})
	}
	return list, nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// Probe asks the database for version, clock and rights, the groups of the
// tiers, and each NAS to end a session that there is not.
func (r *radius) Probe(ctx context.Context) (Report, error) {
	version, clock, err := r.store.check(ctx)
	if err != nil {
		return Report{}, err
	}
	r.learn(clock, r.now().Truncate(time.Second))
	report := Report{Product: "FreeRADIUS on " + r.set.Database.Kind, Version: version, Site: r.set.Database.Name, Skew: time.Duration(r.skew.Load())}
	var wanted []string
	for _, t := range r.cfg.Tiers {
		if t.Profile != "" && !slices.Contains(wanted, t.Profile) {
			wanted = append(wanted, t.Profile)
		}
	}
	slices.Sort(wanted)
	known, err := r.store.groups(ctx, wanted)
	if err != nil {
		return report, err
	}
	for _, name := range wanted {
		if !slices.Contains(known, name) {
			return report, fmt.Errorf("FreeRADIUS has no group %q in radgroupcheck or radgroupreply: make it, or change the tier's profile", name)
		}
	}
	var wrong []error
	for _, n := range r.set.NAS {
		if err := r.probeNAS(ctx, n); err != nil {
			wrong = append(wrong, err)
		}
	}
	return report, errors.Join(wrong...)
}

// probeNAS wants to hear that there is no such session.
func (r *radius) probeNAS(ctx context.Context, n RadiusNAS) error {
	err := r.order(ctx, n, acctSession{acctSessionID: "00000000", user: "edgeagent-probe", calling: "00-00-00-00-00-00"}, nas.Disconnect)
	if err == nil || noSession(err) {
		return nil
	}
	return fmt.Errorf("NAS %s: %w", n.Address, err)
}

func addr(text string) netip.Addr {
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return ip.Unmap()
}
