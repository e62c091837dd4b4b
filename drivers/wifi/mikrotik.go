package wifi

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// MikroTik RouterOS 7 by its REST interface: a hotspot user per stay, with a
// name that follows from the stay and a random password.
//
//	user --logs in--> active, and a cookie that lets the device in again for 3 days
//
// A user has no rate and no number of devices of its own: both are its
// profile's, made on the router beforehand, one for each tier. Nor has it a
// day on which it ends. limit-uptime, the time that its devices may be online
// in all, is set so that it cannot run out before the stay does; it bounds what
// a user is worth that nobody removes, but what ends access on time is Revoke.

// Caps: no AbsoluteExpiry, so Sweep ends what is over. No RateLimit and no
// DeviceLimit: those are what the profile says, which Probe compares with the
// property file. No FindByNote: a comment can only be searched for as a whole.
func (m *mikrotik) Caps() Caps {
	return Caps{ChooseCode: true, ChooseUser: true, Extend: true, DataCap: true, CutSession: true, SecretReadable: !m.hidden.Load()}
}

const (
	defaultProfile = "default" // every router has it
	allServers     = "all"
	// bytesPerMB: the router counts bytes, and decimal ones are what is sold.
	bytesPerMB = 1_000_000
)

type mikrotik struct {
	*client
	server string
	// hidden: the account's group lacks the policy to see passwords.
	hidden atomic.Bool
}

func newMikrotik(c *client, cfg Config) controller {
	m := &mikrotik{client: c, server: cfg.Server}
	if m.server == "" {
		m.server = allServers
	}
	c.manners = manners{
		sign:      c.basicAuth,
		explain:   m.explain,
		refused:   "user or password refused: compare user and password_file with System, Users on the router; its group needs the policy rest-api, and its address must allow the gateway's",
		rights:    "the router's account lacks a right: its group needs the policies read, write and rest-api",
		elsewhere: "write the router's address into url, without a path",
	}
	return m
}

// mikrotikProblems: a rate without a profile would never reach a guest.
func mikrotikProblems(c *Config) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, name := range slices.Sorted(maps.Keys(c.Tiers)) {
			if t := c.Tiers[name]; t.Profile == "" && (t.DownKbps > 0 || t.UpKbps > 0) {
				if !yield("tiers."+name+".profile", "profile is missing: MikroTik has rates in hotspot user profiles only; make one with rate-limit="+writeRates(t)+" and write its name") {
					return
				}
			}
		}
	}
}

func (m *mikrotik) Ensure(ctx context.Context, g Grant) (Credential, error) {
	mine, err := m.named(ctx, g.Stay)
	if err != nil {
		return Credential{}, err
	}
	if len(mine) == 0 {
		if err := m.untimed(); err != nil {
			return Credential{}, err
		}
		want, code := m.want(g, hotspotUser{})
		made, err := m.add(ctx, want)
		if err == nil {
			return m.granted(g, made.ID, code, want["comment"]), nil
		}
		if !hasCode(err, "already-have-user") {
			return Credential{}, err
		}
		// Ours, and it was not there a moment ago: a lost reply that took its time.
		if mine, err = m.named(ctx, g.Stay); err != nil {
			return Credential{}, err
		}
		if len(mine) == 0 {
			return Credential{}, errors.New("add a user: the router has one of that name and does not show it")
		}
	}
	keep := m.choose(mine, g.Known["code"])
	for i, u := range mine {
		if i != keep {
			if err := m.remove(ctx, routerUsers, u.ID); err != nil {
				return Credential{}, err
			}
		}
	}
	want, code := m.want(g, mine[keep])
	if changes := differing(want, mine[keep], g.told() && len(mine) == 1); len(changes) > 0 {
		if _, timed := changes["limit-uptime"]; timed {
			if err := m.untimed(); err != nil {
				return Credential{}, err
			}
		}
		if err := m.set(ctx, mine[keep].ID, changes); err != nil {
			return Credential{}, err
		}
	}
	return m.granted(g, mine[keep].ID, code, want["comment"]), nil
}

// choose finds the user to keep where there is one for each of several servers:
// the one whose password the guest was told, else the one of our server.
func (m *mikrotik) choose(mine []hotspotUser, told string) int {
	keep := 0
	for i, u := range mine {
		if told != "" && !hidden(u) && *u.Password == told {
			return i
		}
		if serverOf(u) == m.server {
			keep = i
		}
	}
	return keep
}

func (m *mikrotik) granted(g Grant, id, code, comment string) Credential {
	s, _ := parseStamp(comment)
	return Credential{Key: g.Key, ID: id, User: g.userName(), Code: code, Codes: []string{code}, Since: s.made, Created: s.since(), Live: true}
}

// want are the values that a stay's user should have, and its code, given what
// it has now: nothing if it is to be made. Every change wears the router's
// flash, so what is good enough stays.
func (m *mikrotik) want(g Grant, now hotspotUser) (map[string]string, string) {
	s, _ := parseStamp(now.Comment)
	s.key = g.Key
	if s.made.IsZero() {
		s.made = m.now().UTC().Truncate(time.Second)
	}
	limit, ok := parseInterval(now.Uptime)
	if !ok || !m.fits(g, s.made, limit) {
		limit, s.again = m.online(g, s.made, g.Until), time.Time{}
		if g.Overdue && now.ID != "" {
			s.again = m.now().UTC().Truncate(time.Second)
		}
	}
	profile := g.Profile
	if profile == "" {
		profile = defaultProfile
	}
	code := m.code(g.Stay, now)
	return map[string]string{
		"name": g.userName(), "password": code, "profile": profile, "server": m.server, "comment": s.String(),
		"limit-uptime": routerInterval(limit), "limit-bytes-total": strconv.FormatInt(int64(g.DataMB)*bytesPerMB, 10), "disabled": "false",
	}, code
}

// code is the password to have: the one that is there, or the one that the
// guest was told, or a new one. An account without the policy sensitive reads
// nothing, or stars; then what the guest was told is what is there, for every
// code that was ever set here went into a receipt or was replaced.
func (m *mikrotik) code(stay Stay, now hotspotUser) string {
	switch {
	case now.ID == "":
	case hidden(now):
		m.hidden.Store(true)
	case *now.Password != "":
		m.hidden.Store(false)
		return *now.Password
	}
	return stay.code()
}

// hidden reports whether the password is there and cannot be read.
func hidden(u hotspotUser) bool {
	return u.Password == nil || *u.Password != "" && strings.Trim(*u.Password, "*") == ""
}

// told reports whether a stay's guest was told a code of ours.
func (s Stay) told() bool { return codeFormatOfOurs.MatchString(s.Known["code"]) }

// differing are the wanted values that a user does not have. A password that
// cannot be read is taken for the one that the guest was told; if nobody was
// told any, or if there is something to change anyway, it is set.
func differing(want map[string]string, now hotspotUser, told bool) map[string]string {
	limit, _ := parseInterval(now.Uptime)
	have := map[string]string{
		"name": now.Name, "profile": now.Profile, "server": serverOf(now), "comment": now.Comment,
		"limit-uptime": routerInterval(limit), "limit-bytes-total": now.Bytes, "disabled": now.Disabled,
	}
	for name, unset := range map[string]string{"profile": defaultProfile, "limit-bytes-total": "0", "disabled": "false"} {
		if have[name] == "" {
			have[name] = unset
		}
	}
	switch {
	case !hidden(now):
		have["password"] = *now.Password
	case told:
		have["password"] = want["password"]
	}
	if s, _ := parseStamp(now.Comment); s.String() == want["comment"] {
		have["comment"] = want["comment"] // whatever note stands behind it
	}
	changes := map[string]string{}
	for name, value := range want {
		if have[name] != value {
			changes[name] = value
		}
	}
	if len(changes) > 0 && hidden(now) {
		changes["password"] = want["password"]
	}
	return changes
}

func serverOf(u hotspotUser) string {
	if u.Server == "" {
		return allServers
	}
	return u.Server
}

// Revoke ends the user first, then the sessions, then the cookies, which would
// let the devices in again without a password for days. A device whose session
// ends may be back by its cookie before that is gone: look once more.
func (m *mikrotik) Revoke(ctx context.Context, stay Stay, cut bool) (Revoked, error) {
	mine, err := m.named(ctx, stay)
	if err != nil {
		return Revoked{}, err
	}
	for _, u := range mine {
		if err := m.remove(ctx, routerUsers, u.ID); err != nil {
			return Revoked{}, err
		}
	}
	gone := Revoked{Credentials: len(mine)}
	if cut {
		if gone.Sessions, err = m.removeOf(ctx, routerActive, stay.userName()); err != nil {
			return Revoked{}, err
		}
	}
	// Without cut too: a cookie is a credential.
	cookies, err := m.removeOf(ctx, routerCookies, stay.userName())
	if err == nil && cut && cookies > 0 {
		_, err = m.removeOf(ctx, routerActive, stay.userName())
	}
	if err != nil {
		return Revoked{}, err
	}
	return gone, nil
}

// List returns all users with our marker.
func (m *mikrotik) List(ctx context.Context) ([]Credential, error) {
	var all []hotspotUser
	if err := printLines(ctx, m, routerUsers, ".id,name,comment,disabled", "", "", &all); err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	var list []Credential
	for _, u := range all {
		if s, ours := parseStamp(u.Comment); ours {
			list = append(list, Credential{Key: s.key, ID: u.ID, User: u.Name, Since: s.made, Created: s.since(), Live: u.Disabled != "true"})
		}
	}
	return list, nil
}
