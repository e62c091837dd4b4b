package unifisim

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"edgeagent/hwsim/console"
)

var clientFilters = filterable{
	"id":                {"eq", "ne", "in", "notIn"},
	"type":              {"eq", "ne", "in", "notIn"},
	"macAddress":        {"isNull", "isNotNull", "eq", "ne", "in", "notIn"},
	"ipAddress":         {"isNull", "isNotNull", "eq", "ne", "in", "notIn"},
	"connectedAt":       {"isNull", "isNotNull", "eq", "ne", "gt", "ge", "lt", "le"},
	"access.type":       {"eq", "ne", "in", "notIn"},
	"access.authorized": {"isNull", "isNotNull", "eq", "ne"},
}

type clientAction struct {
	Action   string `json:"action"`
	Minutes  *int   `json:"timeLimitMinutes"`
	DataMB   *int   `json:"dataUsageLimitMBytes"`
	DownKbps *int   `json:"rxRateLimitKbps"`
	UpKbps   *int   `json:"txRateLimitKbps"`
}

// clients knows connected devices only: a phone that sleeps is not there.
func (c *Controller) clients(w http.ResponseWriter, r *http.Request, s *site, rest []string, body []byte) {
	switch {
	case len(rest) == 0 && r.Method == http.MethodGet:
		c.mu.Lock()
		var list []map[string]any
		for _, mac := range sortedMACs(s) {
			if d := s.devices[mac]; !d.connected.IsZero() {
				list = append(list, d.object(c.now(), false))
			}
		}
		c.mu.Unlock()
		c.writePage(w, r, list, clientFilters, 25, 200)
	case len(rest) == 1 && r.Method == http.MethodGet:
		c.mu.Lock()
		d := s.connected(rest[0])
		var object map[string]any
		if d != nil {
			object = d.object(c.now(), true)
		}
		c.mu.Unlock()
		if object == nil {
			c.fail(w, r, http.StatusNotFound, "api.client.not-found", "no such client")
			return
		}
		console.WriteJSON(w, http.StatusOK, object)
	case len(rest) == 2 && rest[1] == "actions" && r.Method == http.MethodPost:
		c.clientAction(w, r, s, rest[0], body)
	default:
		c.fail(w, r, http.StatusMethodNotAllowed, "api.request.method-not-allowed", "no such method here")
	}
}

func (c *Controller) clientAction(w http.ResponseWriter, r *http.Request, s *site, id string, body []byte) {
	var in clientAction
	if !c.decode(w, r, body, &in) {
		return
	}
	if in.Action != "AUTHORIZE_GUEST_ACCESS" && in.Action != "UNAUTHORIZE_GUEST_ACCESS" {
		c.invalid(w, r, "no such action")
		return
	}
	if !between(in.Minutes, 1, maxMinutes) || !limitsFit(in.DataMB, in.DownKbps, in.UpKbps) {
		c.invalid(w, r, "a limit is out of range")
		return
	}
	c.mu.Lock()
	d := s.connected(id)
	reply := map[string]any{"action": in.Action}
	if d != nil {
		now := c.now()
		if d.session != nil && !d.session.expired(now) {
			reply["revokedAuthorization"] = d.session.object()
		}
		if in.Action == "UNAUTHORIZE_GUEST_ACCESS" {
			s.unauthorise(d.mac, now)
		} else {
			minutes := 8 * 60 // the portal's default
			if in.Minutes != nil {
				minutes = *in.Minutes
			}
			g := s.authorise(d.mac, now, &guest{by: "api", end: now.Add(time.Duration(minutes) * time.Minute),
				down: value(in.DownKbps), up: value(in.UpKbps), dataMB: value(in.DataMB)})
			reply["grantedAuthorization"] = g.object()
		}
	}
	c.mu.Unlock()
	if d == nil {
		c.fail(w, r, http.StatusNotFound, "api.client.not-found", "no such client")
		return
	}
	console.WriteJSON(w, http.StatusOK, reply)
}

func (s *site) connected(id string) *device {
	for _, d := range s.devices {
		if d.id == id && !d.connected.IsZero() {
			return d
		}
	}
	return nil
}

// object is a client as the list shows it; the details add the authorisation,
// which does not say which voucher let the device on.
func (d *device) object(now time.Time, details bool) map[string]any {
	authorised := d.session != nil && !d.session.expired(now)
	access := map[string]any{"type": "GUEST", "authorized": authorised}
	if details && authorised {
		access["authorization"] = d.session.object()
	}
	return map[string]any{
		"id": d.id, "type": "WIRELESS", "macAddress": d.mac, "connectedAt": stamp(d.connected), "access": access,
	}
}

func (g *guest) object() map[string]any {
	return map[string]any{
		"authorizationMethod": strings.ToUpper(g.by), "authorizedAt": stamp(g.start), "expiresAt": stamp(g.end),
	}
}

func sortedMACs(s *site) []string {
	macs := make([]string, 0, len(s.devices))
	for mac := range s.devices {
		macs = append(macs, mac)
	}
	slices.Sort(macs)
	return macs
}
