package omadasim

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const (
	apiPrefix = "/openapi/v1/"

	typeVoucher   = 3
	typeLocalUser = 5
	authHotspot   = 11
	maxPageSize   = 1000
)

// Portal is a page at which guests log in.
type Portal struct {
	Name    string
	Enabled bool
	// Types are the kinds of log-in it offers: 3 voucher, 5 local user; none
	// makes it a page with another authentication.
	Types []int
	id    string
}

func (p Portal) offers(kind int) bool { return p.Enabled && slices.Contains(p.Types, kind) }

type site struct {
	id, name string
	portals  []Portal
	users    []*localUser
	groups   []*group
	records  []*record
	counter  int
}

func newSite(name string, portals []Portal) *site {
	s := &site{id: id("site "+name, 0), name: name}
	for _, p := range portals {
		p.id = id("portal "+name+" "+p.Name, 0)
		s.portals = append(s.portals, p)
	}
	return s
}

func (s *site) nextID(kind string) string {
	s.counter++
	return id(s.name+" "+kind, s.counter)
}

func (c *Controller) api(r *http.Request, path string, body []byte) answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	parts := strings.Split(path, "/")
	if code := c.mayCall(r); code != 0 {
		return fail(code, "The access token is invalid or has expired")
	}
	if parts[0] != c.opts.ControllerID {
		return fail(codeController, "no such controller")
	}
	switch {
	case len(parts) == 2 && parts[1] == "sites" && r.Method == http.MethodGet:
		var list []map[string]any
		for _, s := range c.sites {
			list = append(list, map[string]any{"siteId": s.id, "name": s.name, "timeZone": "UTC", "scenario": "Hotel", "type": 0})
		}
		return paged(r, list)
	case len(parts) < 4 || parts[1] != "sites":
		return fail(codeInvalid, "no such resource")
	}
	for _, s := range c.sites {
		if s.id == parts[2] {
			return c.onSite(s, r, parts[3:], body)
		}
	}
	return fail(codeSite, "This site does not exist.")
}

func (c *Controller) onSite(s *site, r *http.Request, parts []string, body []byte) answer {
	switch {
	case parts[0] == "portals" && len(parts) == 1 && r.Method == http.MethodGet:
		return done(s.portalObjects())
	case parts[0] != "hotspot" || len(parts) < 2:
	case parts[1] == "localusers":
		return c.localUsers(s, r, parts[2:], body)
	case parts[1] == "voucher-groups":
		return c.voucherGroups(s, r, parts[2:], body)
	case parts[1] == "authed-records":
		return c.authedRecords(s, r, parts[2:], body)
	}
	return fail(codeInvalid, "no such resource")
}

func (s *site) portalObjects() []map[string]any {
	list := []map[string]any{}
	for _, p := range s.portals {
		auth := authHotspot
		if len(p.Types) == 0 {
			auth = 1
		}
		list = append(list, map[string]any{"id": p.id, "name": p.Name, "enable": p.Enabled, "authType": auth, "hotspotTypes": p.Types,
			"ssidList": []string{}, "networkList": []string{}})
	}
	return list
}

// paged cuts a list as page and pageSize ask, which are compulsory.
func paged(r *http.Request, list []map[string]any) answer {
	query := r.URL.Query()
	page, errP := strconv.Atoi(query.Get("page"))
	size, errS := strconv.Atoi(query.Get("pageSize"))
	if errP != nil || errS != nil || page < 1 || size < 1 || size > maxPageSize {
		return fail(codeInvalid, "page must be from 1 on, pageSize 1 to %d", maxPageSize)
	}
	from := min((page-1)*size, len(list))
	part := append([]map[string]any{}, list[from:min(from+size, len(list))]...)
	return done(map[string]any{"totalRows": len(list), "currentPage": page, "currentSize": len(part), "data": part})
}

// choose checks the portals that something is for, by their ids.
func (s *site) choose(all bool, ids []string, kind, none int) (chosen []string, wrong *answer) {
	bad := func(a answer) ([]string, *answer) { return nil, &a }
	if all {
		if !slices.ContainsFunc(s.portals, func(p Portal) bool { return p.offers(kind) }) {
			return bad(fail(none, "no portal offers that"))
		}
		return nil, nil
	}
	if len(ids) == 0 {
		return bad(fail(codeNoPortal, "Please select at least one portal."))
	}
	for _, want := range ids {
		at := slices.IndexFunc(s.portals, func(p Portal) bool { return p.id == want })
		if at < 0 {
			return bad(fail(codeInvalid, "no portal %q", want))
		}
		if !s.portals[at].offers(kind) {
			return bad(fail(none, "portal %q does not offer that", s.portals[at].Name))
		}
	}
	return ids, nil
}

// opens reports whether a portal takes a kind of log-in that is for these
// portals, all if none.
func (s *site) opens(kind int, ids []string) bool {
	return slices.ContainsFunc(s.portals, func(p Portal) bool {
		return p.offers(kind) && (ids == nil || slices.Contains(ids, p.id))
	})
}

func (s *site) names(ids []string) []string {
	names := []string{}
	for _, p := range s.portals {
		if ids == nil || slices.Contains(ids, p.id) {
			names = append(names, p.Name)
		}
	}
	return names
}
