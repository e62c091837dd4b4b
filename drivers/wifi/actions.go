package wifi

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"edgeagent/drivers"
)

// Actions lists what a WiFi controller can be told.
func Actions() []drivers.Action {
	stay := drivers.Param{Name: "stay", Help: "key of the stay; access belongs to it, not to a room", Type: drivers.Text, Required: true, Default: "${stay}"}
	return []drivers.Action{{
		Name:    "ensure",
		Help:    "give a stay WiFi access until its departure and a grace; repeated with another departure it extends or shortens",
		Setting: true,
		Subject: "stay:${stay}",
		Limit:   2 * time.Minute,
		Params: []drivers.Param{
			stay,
			{Name: "room", Help: "for products that bind access to a room", Type: drivers.Text, Default: "${room}"},
			{Name: "until", Help: "departure; grace_after_departure is added", Type: drivers.Instant, Required: true, Default: "${departure}"},
			{Name: "vip", Help: "VIP code, looked up in tier_by_vip", Type: drivers.Text, Default: "${vip}"},
			{Name: "tier", Help: "name of a tier; it overrules the VIP code", Type: drivers.Text},
			{Name: "devices", Help: "how many devices may use the code; devices_per_guest if not set", Type: drivers.Integer},
		},
	}, {
		Name:    "revoke",
		Help:    "end a stay's WiFi access, and cut the devices that are online through it",
		Setting: true,
		Ends:    true,
		Subject: "stay:${stay}",
		Limit:   2 * time.Minute,
		Params: []drivers.Param{
			stay,
			{Name: "cut", Help: "end the sessions too; without it they run to their own limit", Type: drivers.Flag, Default: "true"},
		},
	}}
}

// minAccess is what a guest gets who checks in with a departure in the past.
const minAccess = 4 * time.Hour

func (d *Driver) grant(stay Stay, params map[string]string) (Grant, error) {
	g := Grant{Stay: stay, Room: params["room"], Devices: d.cfg.DevicesPerGuest}
	departure, err := instant(params["until"])
	if err != nil {
		return g, fmt.Errorf("%w: param until: %w", drivers.ErrRefused, err)
	}
	now := d.now()
	g.Until = departure.Add(*d.cfg.GraceAfterDeparture)
	if departure.Before(now) {
		g.Departed = g.Until
		if least := now.Add(minAccess); g.Until.Before(least) {
			g.Until, g.Overdue = least, true
		}
	}
	if text := params["devices"]; text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxDevices {
			return g, fmt.Errorf("%w: param devices must be a number from 1 to %d", drivers.ErrRefused, maxDevices)
		}
		g.Devices = n
	}
	g.Tier, err = d.cfg.tier(params["tier"], params["vip"])
	return g, err
}

// instant reads RFC 3339.
func instant(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, errors.New("the stay has no departure")
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, errors.New("not an instant such as 2026-11-22T12:00:00+01:00")
	}
	return t, nil
}

func flag(text string, def bool) (bool, error) {
	switch text {
	case "":
		return def, nil
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, errors.New("must be true or false")
}

// tier finds a guest's tier: by its name, by VIP code, or the default one.
func (c *Config) tier(name, vip string) (Tier, error) {
	if name != "" {
		t, ok := c.Tiers[name]
		if !ok && name != c.DefaultTier {
			names := make([]string, 0, len(c.Tiers))
			for known := range c.Tiers {
				names = append(names, known)
			}
			slices.Sort(names)
			return Tier{}, fmt.Errorf("%w: no tier %q: tiers has %s", drivers.ErrRefused, name, strings.Join(names, ", "))
		}
		return t, nil
	}
	if byVIP, ok := c.TierByVIP[vip]; ok && vip != "" {
		return c.Tiers[byVIP], nil
	}
	return c.Tiers[c.DefaultTier], nil
}
