package wifi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"edgeagent/drivers"
)

// Probe asks for the version, whether the router may and does run a hotspot,
// whether the profiles are as the tiers want them, and for the right to change
// users: it changes one that cannot be there.
func (m *mikrotik) Probe(ctx context.Context) (Report, error) {
	var info struct {
		Version string `json:"version"`
	}
	if err := m.show(ctx, "/system/resource", "version", "", "", into(&info)); err != nil {
		return Report{}, fmt.Errorf("ask for the version: %w", err)
	}
	version, _, _ := strings.Cut(info.Version, " ")
	if !routerVersion(version) {
		return Report{}, fmt.Errorf("%s does not answer as RouterOS 7 does", m.base.Host)
	}
	report := Report{Product: "MikroTik RouterOS", Version: version, Site: m.server, Skew: time.Duration(m.skew.Load())}
	for _, check := range []func(context.Context) error{m.checkRights, m.checkMode, m.checkServers, m.checkProfiles} {
		if err := check(ctx); err != nil {
			return report, err
		}
	}
	return report, nil
}

// routerVersion accepts 7.16.2, 7.17beta4 and later ones.
func routerVersion(text string) bool {
	major, _, ok := strings.Cut(text, ".")
	n, err := strconv.Atoi(major)
	return ok && err == nil && n >= 7 && len(text) < 32
}

// nobody is the id of no user: the router counts its items from 1.
const nobody = "*FFFFFFFF"

// checkRights tries to change a user that is not there. The router looks at
// the rights first.
func (m *mikrotik) checkRights(ctx context.Context) error {
	err := m.set(ctx, nobody, map[string]string{"disabled": "false"})
	if gone(err) {
		err = nil
	}
	for _, menu := range []string{routerActive, routerCookies} {
		if err == nil {
			err = printLines(ctx, m, menu, ".id", "user", nobody, &[]struct{}{})
		}
	}
	return err
}

// checkMode: new routers come with features locked, and only a person beside
// the router can unlock them. Older versions do not have the menu.
func (m *mikrotik) checkMode(ctx context.Context) error {
	var mode struct {
		Mode    string `json:"mode"`
		Hotspot string `json:"hotspot"`
	}
	err := m.show(ctx, "/system/device-mode", "mode,hotspot", "", "", into(&mode))
	if hasCode(err, "no-such-command") || gone(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("ask for the device-mode: %w", err)
	}
	if mode.Hotspot == "false" || mode.Hotspot == "no" || mode.Hotspot == "" && mode.Mode == "home" {
		return &drivers.LinkDown{Err: errors.New(deviceModeAdvice)}
	}
	return nil
}

func (m *mikrotik) checkServers(ctx context.Context) error {
	var list []struct {
		Name     string `json:"name"`
		Disabled string `json:"disabled"`
	}
	if err := printLines(ctx, m, routerServers, "name,disabled", "", "", &list); err != nil {
		return fmt.Errorf("read the hotspot servers: %w", err)
	}
	var names []string
	for _, s := range list {
		if s.Disabled != "true" {
			names = append(names, s.Name)
		}
	}
	switch {
	case len(names) == 0:
		return errors.New("the router runs no hotspot: set one up with /ip/hotspot/setup, and enable it")
	case m.server != allServers && !slices.Contains(names, m.server):
		return fmt.Errorf("the router runs no hotspot %q: write one of %s into server", m.server, strings.Join(names, ", "))
	}
	return nil
}

// hotspotProfile is a line of /ip/hotspot/user/profile.
type hotspotProfile struct {
	Name   string `json:"name"`
	Shared string `json:"shared-users"`
	Rates  string `json:"rate-limit"`
}

// checkProfiles holds the profiles against the tiers. They are where the
// router keeps rates and numbers of devices, and nobody else looks at both.
func (m *mikrotik) checkProfiles(ctx context.Context) error {
	var list []hotspotProfile
	if err := printLines(ctx, m, routerProfiles, "name,shared-users,rate-limit", "", "", &list); err != nil {
		return fmt.Errorf("read the user profiles: %w", err)
	}
	tiers := map[string]Tier{m.cfg.DefaultTier: {}}
	maps.Copy(tiers, m.cfg.Tiers)
	var wrong []string
	for _, name := range slices.Sorted(maps.Keys(tiers)) {
		t := tiers[name]
		if t.Profile == "" {
			t.Profile = defaultProfile
		}
		at := slices.IndexFunc(list, func(p hotspotProfile) bool { return p.Name == t.Profile })
		if at < 0 {
			wrong = append(wrong, fmt.Sprintf("tier %s: the router has no user profile %q: make it under IP, Hotspot, User Profiles", name, t.Profile))
			continue
		}
		wrong = append(wrong, m.checkProfile(name, t, list[at])...)
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "; "))
	}
	return nil
}

func (m *mikrotik) checkProfile(tier string, t Tier, p hotspotProfile) (wrong []string) {
	shared := p.Shared
	if shared == "" {
		shared = "1" // the default
	}
	if shared != strconv.Itoa(m.cfg.DevicesPerGuest) {
		wrong = append(wrong, fmt.Sprintf("tier %s: the user profile %q has shared-users=%s, and devices_per_guest is %d: make them equal", tier, p.Name, shared, m.cfg.DevicesPerGuest))
	}
	down, up, ok := routerRates(p.Rates)
	if t.DownKbps != 0 && (!ok || down != t.DownKbps) || t.UpKbps != 0 && (!ok || up != t.UpKbps) {
		wrong = append(wrong, fmt.Sprintf("tier %s: the user profile %q has rate-limit=%q, and the tier is %s, the guest's upload first: make them equal", tier, p.Name, p.Rates, writeRates(t)))
	}
	return wrong
}
