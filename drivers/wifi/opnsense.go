package wifi

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"edgeagent/drivers"
)

// OPNsense's captive portal, with the vouchers of one of its voucher servers:
// one group of vouchers per stay, named by our marker.
//
//	group htl:…  [old voucher, expired] [the guest's voucher]
//	                  |                     |
//	             its sessions          its sessions, found by user name
//
// OPNsense chooses user name and password, shows the password once and keeps a
// hash of it, so that a voucher whose answer got lost is of no use to anybody:
// it is expired, and another one is made. Expired vouchers stay in the group as
// long as the stay lasts, because their names lead to the devices that they
// let in.
//
// A voucher's end is absolute and cannot be changed, and a session ends with
// the voucher that let it in. An extension is a new voucher for the guest to
// type in; what is online stays so until the old end. The product can also let
// a device in without a voucher (session/connect), but such a session has no
// end at all: with the agent down it would outlive the guest.

// Caps has no Extend, no rates, no caps and no number of devices: a zone
// allows either one device per voucher or any number.
func (o *opnsense) Caps() Caps {
	return Caps{AbsoluteExpiry: true, FindByNote: true, CutSession: true}
}

type opnsense struct {
	*client
	server string // the voucher server
}

func newOpnsense(c *client, cfg Config) controller {
	o := &opnsense{client: c, server: cfg.Server}
	c.manners = manners{
		sign:      o.sign,
		refused:   "API key refused: make a new one under System, Access, Users and put the file that is downloaded there in place of api_key_file",
		rights:    "the user of the API key lacks the privilege \"Services: Captive Portal\": give it to the user under System, Access, Users",
		elsewhere: "write the address of OPNsense's own pages into url, with its port if it is not 443",
	}
	return o
}

func (o *opnsense) sign(_ context.Context, r *http.Request) error {
	text, err := o.secretFile("api_key_file", o.cfg.APIKeyFile)
	if err != nil {
		return err
	}
	key, secret, ok := parseOpnsenseKey(text)
	if !ok {
		return &drivers.LinkDown{Err: fmt.Errorf("api_key_file: not a key as OPNsense lets it be downloaded: it has the lines key=... and secret=...")}
	}
	r.SetBasicAuth(key, secret)
	return nil
}

// parseOpnsenseKey reads the file that OPNsense lets be downloaded once, with
// the lines key=… and secret=… in any order, or key:secret in one line. Both
// parts are base64, which has "=" but no ":".
func parseOpnsenseKey(text string) (key, secret string, ok bool) {
	text = strings.TrimPrefix(text, "\ufeff")
	parts := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, found := strings.Cut(strings.TrimSpace(line), "=")
		if name = strings.TrimSpace(name); found && (name == "key" || name == "secret") {
			parts[name] = strings.TrimSpace(value)
		}
	}
	key, secret = parts["key"], parts["secret"]
	if len(parts) == 0 {
		key, secret, _ = strings.Cut(strings.TrimSpace(text), ":")
	}
	good := func(part string) bool { return part != "" && !strings.ContainsAny(part, ": \t\r\n") }
	if !good(key) || !good(secret) {
		return "", "", false
	}
	return key, secret, true
}

// Ensure keeps the voucher that the guest was told while it is right, and
// expires all others before it makes a new one: however often it breaks off
// and is called again, no two work at a time.
func (o *opnsense) Ensure(ctx context.Context, g Grant) (Credential, error) {
	mine, err := o.group(ctx, g.marker())
	if err != nil {
		return Credential{}, err
	}
	past := names(g.Stay, mine)
	var keep *ticket
	for i, v := range mine {
		if v.live() && v.User == g.Known["voucher"] && g.Known["code"] != "" && o.fits(v, g) {
			keep = &mine[i]
		}
	}
	if keep == nil { // before the guest's old voucher goes
		if err := o.untimed(); err != nil {
			return Credential{}, err
		}
	}
	for i, v := range mine {
		if !v.live() || keep == &mine[i] {
			continue
		}
		if err := o.expire(ctx, v.User); err != nil {
			return Credential{}, err
		}
	}
	if keep != nil {
		made := o.credential(*keep)
		made.User, made.Code = g.Known["user"], g.Known["code"]
		made.Key, made.Codes = g.Key, past
		return made, nil
	}
	made, err := o.generate(ctx, g)
	made.Key, made.Codes = g.Key, append(past, made.ID)
	return made, err
}

// names are the user names of all vouchers that a stay has had, as far as
// known: a session tells nothing else of the voucher that let it in.
func names(stay Stay, mine []ticket) []string {
	all := strings.Fields(stay.Known["codes"])
	for _, v := range mine {
		if !slices.Contains(all, v.User) {
			all = append(all, v.User)
		}
	}
	return all
}

// fits reports whether a voucher ends when the grant says.
func (o *opnsense) fits(v ticket, g Grant) bool {
	now, end := o.now(), o.local(v.Expiry)
	least := g.Until
	if g.Overdue {
		least = g.Departed // made before the departure passed, it is still right
		if now.After(least) {
			least = now
		}
	}
	return now.Before(end) && !end.Before(least.Add(-tolerance)) && !end.After(g.Until.Add(tolerance))
}

// Revoke ends the vouchers first, then the sessions: the other way round a
// device would log straight back in. The group goes last, so that what breaks
// off finds the names again.
func (o *opnsense) Revoke(ctx context.Context, stay Stay, cut bool) (Revoked, error) {
	mine, err := o.group(ctx, stay.marker())
	if err != nil {
		return Revoked{}, err
	}
	var done Revoked
	for _, v := range mine {
		if !v.live() {
			continue
		}
		if err := o.expire(ctx, v.User); err != nil {
			return done, err
		}
		done.Credentials++
	}
	if users := names(stay, mine); cut && len(users) > 0 {
		ids, err := o.online(ctx, users)
		if err != nil {
			return done, err
		}
		for _, id := range ids {
			if err := o.disconnect(ctx, id); err != nil {
				return done, err
			}
			done.Sessions++
		}
	}
	// Also where there is none: of a voucher server that does not exist all
	// lists are empty, and only this call says so.
	return done, o.drop(ctx, stay.marker())
}

// List returns all vouchers in groups with our marker. There is no list of all
// vouchers: it is one call for each group. One that cannot be read does not
// hide the others.
func (o *opnsense) List(ctx context.Context) ([]Credential, error) {
	if err := o.serverExists(ctx); err != nil {
		return nil, err
	}
	groups, err := o.groups(ctx)
	if err != nil {
		return nil, err
	}
	var list []Credential
	var errs faults
	for _, name := range groups {
		key, ours := strings.CutPrefix(name, markerPrefix)
		if !ours || !stayKey.MatchString(key) {
			continue
		}
		mine, err := o.group(ctx, name)
		if errs.enough(err) {
			break
		}
		for _, v := range mine {
			c := o.credential(v)
			c.Key = key
			// An expired voucher may have devices online until its old end: while
			// they can be, the sweep has to look after the stay.
			c.Live = v.live() || o.now().Before(o.local(v.Expiry))
			list = append(list, c)
		}
	}
	return list, together(errs.all)
}

// credential is a voucher without what OPNsense does not tell any more.
func (o *opnsense) credential(v ticket) Credential {
	created := o.local(v.Expiry - v.Validity) // both were given as the same number of seconds
	if v.Validity == 0 {
		created = o.local(v.Start) // expired by us, at this instant
	}
	return Credential{ID: v.User, Codes: []string{v.User}, Since: created, Created: created, Live: v.live()}
}

// local is an instant of the controller's clock by the gateway's.
func (o *opnsense) local(epoch seconds) time.Time {
	return time.Unix(int64(epoch), 0).Add(-time.Duration(o.skew.Load()))
}
