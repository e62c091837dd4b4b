package wifi

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"edgeagent/drivers"
)

// UniFi Network by two of its interfaces. With an API key, vouchers are made,
// found and deleted through the Integration API v1; which voucher let a device
// in, and cutting it, only the legacy API knows. One key serves both on UniFi
// OS. With user and password, on a software controller or on UniFi OS, all is
// done through the legacy API.
//
// A voucher's code cannot be chosen, its limits cannot be changed, and its
// clock starts at first use. So an extension is a new voucher for new devices
// and a new authorisation for those that are online, and the intended end of a
// voucher is its creation plus its time limit.

// Caps has no AbsoluteExpiry: an unused voucher outlives its guest until Sweep
// ends it.
func (u *unifi) Caps() Caps {
	return Caps{RateLimit: true, DataCap: true, DeviceLimit: true, FindByNote: true, CutSession: true, SecretReadable: true}
}

const (
	unifiMaxMinutes = 1_000_000
	// tolerance is how far the end of a voucher may be from the wanted one
	// before it is replaced: minutes are rounded up, calls take their time.
	tolerance = 3 * time.Minute
	// maxHistory bounds how far back devices are looked for.
	maxHistory = 400 * 24 * time.Hour
)

type unifi struct {
	*client
	site  string
	login *unifiLogin // nil: with an API key

	mu     sync.Mutex
	siteID string
	// past holds, per stay key, the codes that this process has seen: a revoke
	// whose vouchers are deleted still has to find their devices.
	past map[string]history
}

func newUnifi(c *client, cfg Config) controller {
	u := &unifi{client: c, site: cfg.Site, past: map[string]history{}}
	c.needs = unifiSources
	if cfg.byPassword() {
		u.login = &unifiLogin{now: c.now}
		c.manners = manners{
			sign: u.carry, heard: u.login.heard, explain: u.explain,
			refused:   "log-in refused: compare user and the file of password_file with the controller's; it must be a local account without a second factor",
			rights:    "the account lacks the right to manage hotspot guests: make it a hotspot manager or a site administrator",
			elsewhere: "write the address of the UniFi controller itself into url, without a path",
		}
		return u
	}
	c.manners = manners{
		sign:      u.sign,
		explain:   u.explain,
		refused:   "API key refused: make a new one under Network, Integrations and put it into the file of api_key_file",
		rights:    "the API key lacks the right to manage hotspot guests: give it to the admin who made the key",
		elsewhere: "write the address of a UniFi OS console into url, without a path",
	}
	return u
}

func (u *unifi) sign(_ context.Context, r *http.Request) error {
	key, err := u.secretFile("api_key_file", u.cfg.APIKeyFile)
	if err == nil {
		r.Header.Set("X-API-KEY", key)
	}
	return err
}

func (u *unifi) explain(err error, answer *answerError) error {
	if answer.status == http.StatusUnauthorized && answer.code == "api.err.NoSiteContext" {
		return &drivers.LinkDown{Err: fmt.Errorf("%w: no site %q for this account or key: write the internal name from the address bar of the controller's pages", err, u.site)}
	}
	return nil
}

func (u *unifi) Ensure(ctx context.Context, g Grant) (Credential, error) {
	mine, err := u.named(ctx, g.marker())
	if err != nil {
		return Credential{}, err
	}
	keep, rest := u.choose(mine, g)
	if keep == nil {
		if err := u.untimed(); err != nil {
			return Credential{}, err
		}
		if keep, err = u.create(ctx, g); err != nil {
			return Credential{}, err
		}
	}
	past := u.remember(g.Stay, append(slices.Clone(mine), *keep))
	if err := u.move(ctx, g, *keep, rest, past); err != nil {
		return Credential{}, err
	}
	u.paid(g.Stay)
	made := u.credential(*keep)
	made.Key, made.Codes, made.Since = g.Key, past.codes, past.since
	return made, nil
}

// move takes the stay's devices over from the vouchers that go to the one that
// stays: devices first, so that a crash in between repeats it.
func (u *unifi) move(ctx context.Context, g Grant, keep voucher, rest []voucher, past history) error {
	if len(rest) == 0 {
		return nil
	}
	inUse := len(past.codes) > len(rest)+1 // codes of yet earlier vouchers, by which devices came in
	for _, v := range rest {
		inUse = inUse || v.Used > 0
	}
	if inUse {
		macs, err := u.online(ctx, past, keep.Code)
		if err != nil {
			return err
		}
		if len(macs) > 0 {
			if err := u.untimed(); err != nil {
				return err
			}
		}
		for _, mac := range macs {
			if err := u.authorise(ctx, mac, g); err != nil {
				return err
			}
		}
	}
	for _, v := range rest {
		if err := u.remove(ctx, v.ID); err != nil {
			return err
		}
	}
	return nil
}

// Revoke ends the credential first, then the sessions: the other way round a
// device would log straight back in. Deleting a voucher leaves its devices
// online, and afterwards nothing says whose they are: look before. A look that
// fails keeps no code alive; its cut is tried again, by the codes that receipt
// and history have.
func (u *unifi) Revoke(ctx context.Context, stay Stay, cut bool) (Revoked, error) {
	mine, err := u.named(ctx, stay.marker())
	if err != nil {
		return Revoked{}, err
	}
	past := u.remember(stay, mine)
	var macs []string
	var errs []error
	if cut && len(past.codes) > 0 {
		if macs, err = u.online(ctx, past, ""); err != nil {
			errs = append(errs, err)
			u.uncut(stay)
		}
	}
	for _, v := range mine {
		errs = append(errs, u.remove(ctx, v.ID))
	}
	if err := together(errs); err != nil {
		return Revoked{}, err
	}
	for _, mac := range macs {
		if err := u.unauthorise(ctx, mac); err != nil {
			u.uncut(stay)
			return Revoked{}, err
		}
	}
	u.forget(stay)
	return Revoked{Credentials: len(mine), Sessions: len(macs)}, nil
}

// online finds the devices that a stay's codes let in and that are authorised
// now, but for those that the code except let in. A later authorisation through
// the API does not name a voucher: such a device belongs to whoever's code it
// used last.
func (u *unifi) online(ctx context.Context, past history, except string) ([]string, error) {
	byDevice := map[string][]guest{}
	err := u.guests(ctx, past.since, func(g guest) { byDevice[g.MAC] = append(byDevice[g.MAC], g) })
	if err != nil {
		return nil, err
	}
	var macs []string
	for mac, records := range byDevice {
		sort.Slice(records, func(i, j int) bool { return records[i].Start < records[j].Start })
		owner, live := "", false
		for _, r := range records {
			if r.Code != "" {
				owner = r.Code
			}
			live = live || !r.Expired && (r.Code == owner || r.Code == "" && r.By == "api")
		}
		if live && owner != except && slices.Contains(past.codes, owner) {
			macs = append(macs, mac)
		}
	}
	slices.Sort(macs)
	return macs, nil
}

// List returns all vouchers with our marker, and the stays without one whose
// devices are still to be cut.
func (u *unifi) List(ctx context.Context) ([]Credential, error) {
	all, err := u.marked(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]Credential, 0, len(all))
	for _, v := range all {
		key, ok := strings.CutPrefix(v.Name, markerPrefix)
		if !ok || !stayKey.MatchString(key) {
			continue
		}
		c := u.credential(v)
		c.Key = key
		list = append(list, c)
	}
	return append(list, u.owed()...), nil
}

func (u *unifi) credential(v voucher) Credential {
	return Credential{ID: v.ID, Code: v.Code, Shown: inFives(v.Code), Codes: []string{v.Code}, Since: v.CreatedAt, Created: u.created(v), Live: !v.Expired}
}

// inFives is a code as UniFi's own pages print it and its portal takes it: other
// products' portals take no hyphen.
func inFives(code string) string {
	if len(code) == 10 && strings.Trim(code, "0123456789") == "" {
		return code[:5] + "-" + code[5:]
	}
	return code
}
