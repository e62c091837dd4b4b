package wifi

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"edgeagent/drivers"
)

// Probe asks for version, site, and one entry each of what needs a right.
func (u *unifi) Probe(ctx context.Context) (Report, error) {
	if u.login != nil {
		return u.probeOld(ctx)
	}
	var info struct {
		Version string `json:"applicationVersion"`
	}
	if err := u.v1(ctx, request{method: http.MethodGet, path: "/info", decode: into(&info)}); err != nil {
		return Report{}, fmt.Errorf("ask for the version: %w", err)
	}
	if !unifiVersion.MatchString(info.Version) {
		return Report{}, fmt.Errorf("%s does not answer as UniFi Network does", u.base.Host)
	}
	report := Report{Product: "UniFi Network", Version: info.Version, Site: u.site, Skew: time.Duration(u.skew.Load())}
	if !hasVouchers(info.Version) {
		return report, &drivers.LinkDown{Err: fmt.Errorf("UniFi Network %s has no vouchers in its API: update it to 9.1 or later", info.Version)}
	}
	err := u.onSite(ctx, func(site string) request {
		return request{method: http.MethodGet, path: site + "/hotspot/vouchers", query: url.Values{"limit": {"1"}}, decode: into(&struct{}{})}
	})
	if err != nil {
		return report, fmt.Errorf("read vouchers: %w", err)
	}
	return report, u.guests(ctx, u.now(), func(guest) {})
}

var unifiVersion = regexp.MustCompile(`^[0-9]{1,4}\.[0-9]{1,4}[0-9A-Za-z.-]{0,32}$`)

func hasVouchers(version string) bool {
	parts := strings.SplitN(version, ".", 3)
	major, errMajor := strconv.Atoi(parts[0])
	minor, errMinor := strconv.Atoi(strings.TrimRight(parts[1], "abcdefghijklmnopqrstuvwxyz-"))
	return errMajor == nil && errMinor == nil && (major > 9 || major == 9 && minor >= 1)
}
