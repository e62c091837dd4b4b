package wifi

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"edgeagent/drivers"
)

// What a sweep may end, and what it leaves for a person to look at.

const (
	// longOver is for how long access must have been over for the guard to let
	// its end through: by then a person has had a day to object, and codes that
	// were kept would only ever become more.
	longOver = 24 * time.Hour
	// laneTime is what the lane gets for a revoke that has just become due. A
	// group that leaves at once is no mass removal.
	laneTime = 10 * time.Minute
	// guardNames is how many rooms an alarm lists.
	guardNames = 12
)

// doom finds the stays whose access is to be ended, and the alarm if there are
// too many of them.
func (d *Driver) doom(newest map[string]time.Time) (out Swept, doomed []string, alarm string) {
	wanted, now := d.wanted(), d.now()
	out.Held = len(newest)
	var counted []string
	for _, key := range slices.Sorted(maps.Keys(newest)) {
		cmd, known := wanted[key]
		switch {
		case !known:
			out.Unknown++
		case !d.over(cmd, newest[key]) || justDue(cmd, now):
		case d.longOver(cmd, newest[key]):
			doomed = append(doomed, key)
		default:
			counted = append(counted, key)
		}
	}
	if len(counted) <= guardFloor || len(counted)*100 <= len(newest)*guardPercent {
		doomed = append(doomed, counted...)
		slices.Sort(doomed)
		return out, doomed, ""
	}
	out.Refused = len(counted)
	return out, doomed, fmt.Sprintf("%d of %d guests would lose WiFi access at once, so none does (%s): check the gateway's clock and the PMS link, then remove the codes on the controller's page",
		len(counted), len(newest), rooms(wanted, counted))
}

// rooms names stays for the people who have to look after them: by room where
// one is known, else by what stands on the controller.
func rooms(wanted map[string]drivers.Command, keys []string) string {
	names := make([]string, 0, len(keys))
	for _, key := range keys {
		name := Stay{Key: key}.marker()
		if room := wanted[key].Params["room"]; room != "" {
			name = "room " + room
		}
		names = append(names, name)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	more := ""
	if n := len(names) - guardNames; n > 0 {
		names, more = names[:guardNames], fmt.Sprintf(" and %d more", n)
	}
	return strings.Join(names, ", ") + more
}

// over reports whether a stay's access has ended by what is wanted.
func (d *Driver) over(cmd drivers.Command, created time.Time) bool {
	if cmd.Due.After(d.now()) {
		return false // its time has not come
	}
	if cmd.Action == "revoke" {
		return true
	}
	end, known := d.endOf(cmd, created)
	return known && d.now().After(end.Add(tolerance))
}

// endOf is when a stay's wanted access ends.
func (d *Driver) endOf(cmd drivers.Command, created time.Time) (end time.Time, known bool) {
	departure, err := instant(cmd.Params["until"])
	if err != nil {
		return time.Time{}, false
	}
	end = departure.Add(*d.cfg.GraceAfterDeparture)
	// A guest with a departure in the past has the shortest access there is.
	if least := created.Add(minAccess); end.Before(least) {
		end = least
	}
	return end, true
}

// justDue reports whether the lane is about to carry a revoke out itself. One
// that it has tried gets a new due time with each try.
func justDue(cmd drivers.Command, now time.Time) bool {
	age := now.Sub(cmd.Due)
	return cmd.Action == "revoke" && cmd.Try == 0 && age >= 0 && age < laneTime
}

// longOver reports whether access that is over has been so for longer than any
// mistake stays unnoticed. It takes two clocks that agree to say so.
func (d *Driver) longOver(cmd drivers.Command, created time.Time) bool {
	if !d.web.agrees() {
		return false
	}
	var ended time.Time
	if cmd.Action == "revoke" {
		if ended = cmd.Due; cmd.Try > 0 {
			ended = cmd.Accepted
		}
	} else {
		ended, _ = d.endOf(cmd, created)
	}
	return !ended.IsZero() && d.now().Sub(ended) > longOver
}
