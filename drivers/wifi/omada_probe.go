package wifi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"edgeagent/drivers"
)

// Probe asks for version and id, site, portals, and one entry each of what needs
// a right. Whether the client may modify, only a change can tell.
func (o *omada) probe(ctx context.Context, path string) (Report, error) {
	report := Report{Product: "TP-Link Omada", Site: o.cfg.Site}
	var err error
	if report.Version, err = o.version(ctx); err != nil {
		return report, err
	}
	if _, err := o.site(ctx); err != nil {
		return report, err
	}
	portals, err := o.allPortals(ctx)
	if err != nil {
		return report, err
	}
	report.Skew = time.Duration(o.skew.Load())
	if err := o.checkPortals(portals); err != nil {
		return report, &drivers.LinkDown{Err: err}
	}
	for _, path := range []string{path, omadaRecords} {
		query := url.Values{"page": {"1"}, "pageSize": {"1"}}
		if err := o.onSite(ctx, request{method: http.MethodGet, path: path, query: query}, &struct{}{}); err != nil {
			return report, fmt.Errorf("read %s: %w", path, err)
		}
	}
	return report, nil
}

func (u *omadaUsers) Probe(ctx context.Context) (Report, error) { return u.probe(ctx, omadaUserPath) }

func (v *omadaVouchers) Probe(ctx context.Context) (Report, error) {
	return v.probe(ctx, omadaGroupPath)
}

var omadaVersion = regexp.MustCompile(`^[0-9]{1,4}\.[0-9]{1,4}[0-9.]{0,32}$`)

// version asks the page that needs no log-in. The cloud has none such, and
// without it all else can be checked, so only what it says counts.
func (o *omada) version(ctx context.Context) (string, error) {
	var info struct {
		Version string `json:"controllerVer"`
		ID      string `json:"omadacId"`
	}
	err := o.once(ctx, request{method: http.MethodGet, path: "/api/info", limit: 64 << 10, decode: func(r io.Reader) error {
		text, err := io.ReadAll(io.LimitReader(r, 32<<10))
		if err == nil {
			_, _ = readOmada(strings.NewReader(string(text)), &info)
		}
		return nil
	}})
	if err != nil {
		if _, answered := errors.AsType[*answerError](err); answered {
			return "", nil
		}
		return "", o.classify(err)
	}
	if !omadaVersion.MatchString(info.Version) {
		return "", nil
	}
	if major, _ := strconv.Atoi(strings.SplitN(info.Version, ".", 2)[0]); major < 5 {
		return info.Version, &drivers.LinkDown{Err: fmt.Errorf("Omada %s has no Open API: update the controller to version 5 or later", info.Version)}
	}
	if omadaID.MatchString(info.ID) && !strings.EqualFold(info.ID, o.cfg.ControllerID) {
		return info.Version, &drivers.LinkDown{Err: fmt.Errorf("the controller's Omada ID is %s: write it into controller_id, or correct url", info.ID)}
	}
	return info.Version, nil
}

// checkPortals finds the usual omission: codes that no page asks for.
func (o *omada) checkPortals(all []omadaPortal) error {
	for _, name := range o.cfg.Portals {
		at := slices.IndexFunc(all, func(p omadaPortal) bool { return p.Name == name })
		switch {
		case at < 0:
			return fmt.Errorf("the site has no portal %q: correct portals, or leave it out for all", name)
		case !all[at].lets(o.hotspot):
			return fmt.Errorf("portal %q does not take these credentials: enable it, with the authentication type Hotspot and %s among its types", name, o.hotspot)
		}
	}
	if !slices.ContainsFunc(all, func(p omadaPortal) bool { return p.lets(o.hotspot) }) {
		return fmt.Errorf("no portal takes these credentials: make one of the authentication type Hotspot, with %s among its types, and enable it", o.hotspot)
	}
	return nil
}
