package wifi

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"edgeagent/drivers"
)

// omadaPortal is a page at which guests log in.
type omadaPortal struct {
	ID       string        `json:"id"`
	Name     string        `json:"name"`
	Enabled  bool          `json:"enable"`
	AuthType int           `json:"authType"`
	Hotspot  []hotspotType `json:"hotspotTypes"`
}

// omadaHotspot is the authType of a portal with log-ins of its own.
const omadaHotspot = 11

// lets reports whether guests can log in there with credentials of a kind.
func (p omadaPortal) lets(kind hotspotType) bool {
	return p.Enabled && p.AuthType == omadaHotspot && slices.Contains(p.Hotspot, kind)
}

func (o *omada) allPortals(ctx context.Context) ([]omadaPortal, error) {
	var all []omadaPortal
	if err := o.onSite(ctx, request{method: http.MethodGet, path: "/portals"}, &all); err != nil {
		return nil, fmt.Errorf("list portals: %w", err)
	}
	return all, nil
}

// portalIDs are the ids of the portals in the property file; none means all.
func (o *omada) portalIDs(ctx context.Context) ([]string, error) {
	o.mu.Lock()
	ids := o.portals
	o.mu.Unlock()
	if ids != nil || len(o.cfg.Portals) == 0 {
		return append([]string{}, ids...), nil // never null in JSON
	}
	all, err := o.allPortals(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range o.cfg.Portals {
		at := slices.IndexFunc(all, func(p omadaPortal) bool { return p.Name == name })
		if at < 0 || !omadaID.MatchString(all[at].ID) {
			return nil, &drivers.LinkDown{Err: fmt.Errorf("the site has no portal %q: correct portals, or leave it out for all", name)}
		}
		ids = append(ids, all[at].ID)
	}
	o.mu.Lock()
	o.portals = ids
	o.mu.Unlock()
	return ids, nil
}

// forgetPortals makes the next call look the portals up: one was made anew.
func (o *omada) forgetPortals(err error) error {
	switch omadaCodeOf(err) {
	case -42036, -42037, -42039:
		o.mu.Lock()
		o.portals = nil
		o.mu.Unlock()
	}
	return err
}
