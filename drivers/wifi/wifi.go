// Package wifi opens and closes guest access on the hotel's WiFi controller:
// one credential per stay, made at check-in, sized to the stay, and revoked
// together with the sessions that it let in.
//
//	Command --params--> Grant --> controller (one file per product) --https--> console
//	                                   ^
//	           Sweep, hourly: what the controller holds against what is wanted
//
// A stay is known to the controller by a marker, "htl:" and the stay key; a
// guest's name never leaves the gateway through this package.
package wifi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"net/url"
	"sync"
	"time"

	"edgeagent/drivers"
)

// Driver is one WiFi controller. Do may be called from several goroutines.
type Driver struct {
	name string
	cfg  Config
	site drivers.Site
	web  *client
	ctl  controller
	now  func() time.Time

	// stays orders the work on one stay: a sweep runs beside the lane.
	stays [16]sync.Mutex

	halt func()

	mu    sync.Mutex
	state drivers.State
	alarm string // of the last sweep; degrades an online controller
}

var (
	_ drivers.Driver   = (*Driver)(nil)
	_ drivers.Remarker = (*Driver)(nil)
)

// Open prepares the driver; it does not fail because the controller is away.
// From then on it compares the controller with site.Wanted, at once and hourly,
// until Halt.
func Open(name string, cfg Config, site drivers.Site) (*Driver, error) {
	d, err := open(name, cfg, site, time.Now)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	d.halt = func() {
		cancel()
		<-done
	}
	go func() {
		defer close(done)
		d.sweeps(ctx)
	}()
	return d, nil
}

// open makes a driver that sweeps only when told to.
func open(name string, cfg Config, site drivers.Site, now func() time.Time) (*Driver, error) {
	cfg = cfg.WithDefaults()
	for path, problem := range cfg.Problems() {
		return nil, fmt.Errorf("%s: %s: %s", name, path, problem)
	}
	base, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("%s: url: %w", name, err)
	}
	d := &Driver{
		name: name, cfg: cfg, site: site, now: now,
		halt:  func() {},
		web:   newClient(base, cfg, site.Secret, now),
		state: drivers.State{Condition: drivers.Unset, Since: now()},
	}
	d.web.needs = products[cfg.Controller].needs
	d.web.stays, d.web.key = d.known, site.Key
	d.ctl = products[cfg.Controller].open(d.web, cfg)
	return d, nil
}

// String is the device's name in the property file.
func (d *Driver) String() string { return d.name }

// Halt stops the sweeps and waits for one under way. What was granted stays granted.
func (d *Driver) Halt() error {
	d.halt()
	d.web.hangUp()
	return nil
}

// Do carries out ensure or revoke.
func (d *Driver) Do(ctx context.Context, cmd drivers.Command) (drivers.Receipt, error) {
	receipt, err := d.do(ctx, cmd)
	if err != nil {
		err = fmt.Errorf("%s: %w", d.name, err)
	}
	d.observe(err)
	return receipt, err
}

func (d *Driver) do(ctx context.Context, cmd drivers.Command) (drivers.Receipt, error) {
	key := cmd.Params["stay"]
	if !stayKey.MatchString(key) {
		return drivers.Receipt{}, fmt.Errorf("%w: param stay is not a stay key: set it to ${stay}", drivers.ErrRefused)
	}
	stay := Stay{Key: key}
	if d.site.Known != nil {
		stay.Known = d.site.Known(d.name, cmd.Subject)
	}
	unlock := d.lock(key)
	defer unlock()
	switch cmd.Action {
	case "ensure":
		grant, err := d.grant(stay, cmd.Params)
		if err != nil {
			return drivers.Receipt{}, err
		}
		made, err := d.ctl.Ensure(ctx, grant)
		if err != nil {
			return drivers.Receipt{}, fmt.Errorf("open access: %w", err)
		}
		return d.receipt(grant, made), nil
	case "revoke":
		cut, err := flag(cmd.Params["cut"], true)
		if err != nil {
			return drivers.Receipt{}, fmt.Errorf("%w: param cut: %w", drivers.ErrRefused, err)
		}
		gone, err := d.ctl.Revoke(ctx, stay, cut)
		if err != nil {
			return drivers.Receipt{}, fmt.Errorf("close access: %w", err)
		}
		return drivers.Receipt{Note: gone.String(), Values: closed(stay.Known)}, nil
	}
	return drivers.Receipt{}, fmt.Errorf("%w: no action %q: there are ensure and revoke", drivers.ErrRefused, cmd.Action)
}

// closed is what a receipt said, with the word that it lets nobody in any more:
// a stay that is reinstated gets the same code back, where that can be, and
// until then nobody is to be shown it.
func closed(known map[string]string) map[string]string {
	if len(known) == 0 {
		return nil
	}
	known = maps.Clone(known)
	known[drivers.ValueClosed] = "true"
	return known
}

// receipt tells people until when, and the store what must be found again.
func (d *Driver) receipt(g Grant, made Credential) drivers.Receipt {
	zone := d.site.Zone
	if zone == nil {
		zone = time.UTC
	}
	note := "WiFi access"
	if d.Caps().DeviceLimit { // else their number is the controller's own affair
		note += " for " + plural(g.Devices, "device")
	}
	note += " until " + g.Until.In(zone).Format("2006-01-02 15:04")
	if g.Overdue {
		note += ", because the departure lies in the past"
	}
	return drivers.Receipt{Note: note, Values: map[string]string{
		"ssid":    d.cfg.Network.SSID,
		"user":    made.User,
		"code":    made.Code,
		"shown":   cmp.Or(made.Shown, made.Code),
		"voucher": made.ID,
		"until":   g.Until.UTC().Format(time.RFC3339),
		"codes":   made.codes(),
		"since":   made.Since.UTC().Format(time.RFC3339),
	}}
}

// Probe asks whether the controller is there, takes the key, has the site and
// grants the rights that are needed. It changes nothing.
func (d *Driver) Probe(ctx context.Context) error {
	_, err := d.Report(ctx)
	return err
}

// Report is Probe with what it found.
func (d *Driver) Report(ctx context.Context) (Report, error) {
	report, err := d.ctl.Probe(ctx)
	if err != nil {
		err = fmt.Errorf("%s: %w", d.name, err)
	}
	d.observe(err)
	return report, err
}

// Network returns the name and password of the guests' network; both are empty
// if the property file does not say, the password also where there is none.
func (d *Driver) Network() (ssid, password string, err error) {
	if d.cfg.Network.PasswordFile != "" {
		password, err = d.web.secretFile("network.password_file", d.cfg.Network.PasswordFile)
	}
	return d.cfg.Network.SSID, password, err
}

// Caps says what the controller can do.
func (d *Driver) Caps() Caps { return d.ctl.Caps() }

// Remark tells of a product on which a code that nobody used outlives its guest.
func (d *Driver) Remark() string {
	if d.ctl.Caps().AbsoluteExpiry {
		return ""
	}
	return "this controller's codes have no end of their own: while the agent stands still, a departed guest's code can go on working"
}

// State says how the controller stood when it was last spoken to.
func (d *Driver) State() drivers.State {
	d.mu.Lock()
	defer d.mu.Unlock()
	state := d.state
	if state.Condition != drivers.Online {
		return state
	}
	if skew := time.Duration(d.web.skew.Load()); skew.Abs() > maxSkew {
		state.Condition = drivers.Degraded
		state.Reason = fmt.Sprintf("the controller's clock differs by %v from the gateway's: let both use the same time server", skew)
	}
	if trouble := d.web.trouble.Load(); trouble != nil && *trouble != "" {
		state.Condition, state.Reason = drivers.Degraded, *trouble
	}
	if d.alarm != "" {
		state.Condition, state.Reason = drivers.Degraded, d.alarm
	}
	return state
}

// observe learns the controller's state from what came of a call.
func (d *Driver) observe(err error) {
	next := drivers.State{Condition: drivers.Online}
	var down *drivers.LinkDown
	switch {
	case err == nil:
	case errors.Is(err, drivers.ErrRefused), errors.Is(err, context.Canceled):
		return // a wrong command, or our own shutdown: nothing about the controller
	case errors.As(err, &down):
		next = drivers.State{Condition: drivers.Offline, Reason: err.Error()}
	default:
		next = drivers.State{Condition: drivers.Degraded, Reason: err.Error()}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	next.Since = d.state.Since
	if next.Condition != d.state.Condition {
		next.Since = d.now()
	}
	d.state = next
}

func (d *Driver) warn(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.alarm = text
}

func (d *Driver) lock(key string) (unlock func()) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key))
	m := &d.stays[h.Sum32()%uint32(len(d.stays))]
	m.Lock()
	return m.Unlock
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
