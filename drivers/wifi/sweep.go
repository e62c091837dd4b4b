package wifi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
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
	// alarmErrors is how many troubles an alarm tells in full.
	alarmErrors = 3
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
		if out, err := d.Sweep(ctx); err != nil || out.Refused > 0 {
			wait = sweepAgain // the alarm says why
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
// of what the controller holds, but for what has long been over. One stay that
// gives trouble does not keep it from the others.
func (d *Driver) Sweep(ctx context.Context) (Swept, error) {
	held, err := d.ctl.List(ctx)
	if err != nil && len(held) == 0 {
		return Swept{}, d.swept("", []error{fmt.Errorf("%s: %w", d.name, err)})
	}
	d.observe(nil)
	var errs []error
	if err != nil {
		errs = append(errs, fmt.Errorf("%s: %w", d.name, err))
	}
	newest := map[string]time.Time{} // by stay key, of live credentials
	for _, c := range held {
		if c.Live && c.Created.After(newest[c.Key]) {
			newest[c.Key] = c.Created
		}
	}
	out, doomed, alarm := d.doom(newest)
	for _, key := range doomed {
		if ctx.Err() != nil {
			break
		}
		removed, err := d.end(ctx, key, newest[key])
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: end access that is over: %w", d.name, err))
		}
		if removed {
			out.Removed++
		}
	}
	if alarm == "" && out.Unknown > 0 {
		alarm = fmt.Sprintf("%s on the controller that this gateway did not make; they are left alone", plural(out.Unknown, "WiFi code"))
	}
	return out, d.swept(alarm, errs)
}

// swept tells people what came of a sweep. A refusal says nothing about the
// controller, so the alarm has to: somebody's access is not ended.
func (d *Driver) swept(alarm string, errs []error) error {
	err := together(errs)
	if errors.Is(err, context.Canceled) {
		return err // our own shutdown
	}
	if err != nil {
		d.observe(err)
		trouble := err.Error()
		if more := len(errs) - alarmErrors; more > 0 {
			trouble = fmt.Sprintf("%s; and %s like it", together(errs[:alarmErrors]), plural(more, "other"))
		}
		alarm = strings.TrimPrefix(alarm+"; "+trouble, "; ")
	}
	d.warn(alarm)
	return err
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
