package wifi

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"edgeagent/drivers"
)

// A sweep compares what the controller holds with what is wanted. It is the
// safety net under the lanes, and on a product without an absolute expiry the
// only thing that ends a credential nobody ever used.

const (
	sweepEvery = time.Hour
	sweepAgain = 5 * time.Minute // after one that did not get through
	// A sweep that would remove more than a third or so of what there is has
	// probably misunderstood something, a clock for one; a few are always fine.
	guardPercent = 30
	guardFloor   = 3
)

// Swept is what a sweep found.
type Swept struct {
	Held    int // stays with a live credential
	Removed int // stays whose access was ended
	Refused int // stays whose access should have ended, had they not been too many
	Unknown int // stays that nobody here knows; they are left alone
}

func (d *Driver) sweeps(ctx context.Context) {
	for {
		wait := cmp.Or(d.web.sweepEvery, sweepEvery)
		if _, err := d.Sweep(ctx); err != nil {
			wait = sweepAgain
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// Sweep revokes the stays whose newest wanted setting is a due revoke, or whose
// wanted access is over. Credentials with a marker that nobody knows are
// counted and left alone. It removes nothing when that would be more than 30 %
// of what the controller holds.
func (d *Driver) Sweep(ctx context.Context) (Swept, error) {
	held, err := d.ctl.List(ctx)
	if err != nil {
		err = fmt.Errorf("%s: %w", d.name, err)
		d.observe(err)
		return Swept{}, err
	}
	d.observe(nil)
	newest := map[string]time.Time{} // by stay key, of live credentials
	for _, c := range held {
		if c.Live && c.Created.After(newest[c.Key]) {
			newest[c.Key] = c.Created
		}
	}
	wanted := d.wanted()
	out := Swept{Held: len(newest)}
	var doomed []string
	for _, key := range slices.Sorted(maps.Keys(newest)) {
		cmd, known := wanted[key]
		switch {
		case !known:
			out.Unknown++
		case d.over(cmd, newest[key]):
			doomed = append(doomed, key)
		}
	}
	if len(doomed) > guardFloor && len(doomed)*100 > len(newest)*guardPercent {
		out.Refused = len(doomed)
		d.warn(fmt.Sprintf("%d of %d guests would lose WiFi access at once, so none does: check the gateway's clock and the PMS link, then remove the codes on the controller's page", len(doomed), len(newest)))
		return out, nil
	}
	for _, key := range doomed {
		removed, err := d.end(ctx, key, newest[key])
		if err != nil {
			err = fmt.Errorf("%s: end access that is over: %w", d.name, err)
			d.observe(err)
			return out, err
		}
		if removed {
			out.Removed++
		}
	}
	d.warn("")
	if out.Unknown > 0 {
		d.warn(fmt.Sprintf("%s on the controller that this gateway did not make; they are left alone", plural(out.Unknown, "WiFi code")))
	}
	return out, nil
}

// wanted is the newest setting of every stay, by stay key.
func (d *Driver) wanted() map[string]drivers.Command {
	byKey := map[string]drivers.Command{}
	if d.site.Wanted == nil {
		return byKey
	}
	for _, cmd := range d.site.Wanted(d.name) {
		key := cmd.Params["stay"]
		if old, ok := byKey[key]; !ok || old.Seq < cmd.Seq {
			byKey[key] = cmd
		}
	}
	return byKey
}

// known are the stays that have a wanted setting, with their newest receipts.
func (d *Driver) known() []Stay {
	wanted := d.wanted()
	stays := make([]Stay, 0, len(wanted))
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		stay := Stay{Key: key}
		if d.site.Known != nil {
			stay.Known = d.site.Known(d.name, wanted[key].Subject)
		}
		stays = append(stays, stay)
	}
	return stays
}

// over reports whether a stay's access has ended by what is wanted.
func (d *Driver) over(cmd drivers.Command, created time.Time) bool {
	now := d.now()
	if cmd.Action == "revoke" {
		return !cmd.Due.After(now)
	}
	departure, err := instant(cmd.Params["until"])
	if err != nil {
		return false
	}
	end := departure.Add(*d.cfg.GraceAfterDeparture)
	// A guest with a departure in the past has the shortest access there is.
	if least := created.Add(minAccess); end.Before(least) {
		end = least
	}
	return now.After(end.Add(tolerance))
}

// end revokes a stay unless something newer is wanted by now.
func (d *Driver) end(ctx context.Context, key string, created time.Time) (bool, error) {
	unlock := d.lock(key)
	defer unlock()
	cmd, known := d.wanted()[key]
	if !known || !d.over(cmd, created) {
		return false, nil
	}
	stay := Stay{Key: key}
	if d.site.Known != nil {
		stay.Known = d.site.Known(d.name, cmd.Subject)
	}
	cut := true
	if cmd.Action == "revoke" {
		if value, err := flag(cmd.Params["cut"], true); err == nil {
			cut = value
		}
	}
	_, err := d.ctl.Revoke(ctx, stay, cut)
	return err == nil, err
}
