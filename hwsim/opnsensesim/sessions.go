package opnsensesim

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// zoneList is an object; PHP writes a list if the keys are 0, 1, 2 in the order
// of the names.
func (c *Controller) zoneList() any {
	ids := slices.SortedFunc(maps.Keys(c.opts.Zones), func(a, b int) int { return cmp.Compare(c.opts.Zones[a], c.opts.Zones[b]) })
	list, object := []string{}, map[string]string{}
	for i, id := range ids {
		if i == id {
			list = append(list, c.opts.Zones[id])
		}
		object[strconv.Itoa(id)] = c.opts.Zones[id]
	}
	if len(list) == len(ids) {
		return list
	}
	return object
}

func (c *Controller) search(r *http.Request, in *form) any {
	c.clean()
	zones := append(in.Zones, r.URL.Query()["selected_zones[]"]...)
	rows := []any{}
	for _, s := range slices.SortedStableFunc(slices.Values(c.sessions), func(a, b *session) int { return strings.Compare(a.user, b.user) }) {
		row := s.row()
		if len(zones) > 0 && !slices.Contains(zones, strconv.Itoa(s.zone)) || !contains(row, in.Phrase) {
			continue
		}
		rows = append(rows, row)
	}
	total, size, page := len(rows), 9999, 1
	if in.Rows != nil && r.Method == http.MethodPost {
		size = *in.Rows
	}
	if in.Current != nil && r.Method == http.MethodPost {
		page = *in.Current
	}
	if size < 1 {
		size = max(total, 1)
	}
	from := min(max(page-1, 0)*size, total)
	rows = rows[from:min(from+size, total)]
	return map[string]any{"total": total, "rowCount": len(rows), "current": page, "rows": rows}
}

func (s *session) row() map[string]any {
	row := map[string]any{
		"zoneid": s.zone, "sessionId": s.id, "authenticated_via": s.via, "userName": s.user, "startTime": s.created,
		"ipAddress": s.ip, "macAddress": s.mac, "packets_in": 0, "packets_out": 0, "bytes_in": 0, "bytes_out": 0,
		"last_accessed": s.created, "acc_session_timeout": nil,
	}
	if s.accounted {
		row["acc_session_timeout"] = s.timeout
	}
	return row
}

func contains(row map[string]any, phrase string) bool {
	for clause := range strings.FieldsSeq(strings.ToLower(phrase)) {
		if !slices.ContainsFunc(slices.Collect(maps.Values(row)), func(v any) bool {
			text, ok := v.(string)
			return ok && strings.Contains(strings.ToLower(text), clause)
		}) {
			return false
		}
	}
	return true
}

func (c *Controller) disconnect(id string) any {
	for i, s := range c.sessions {
		if s.id == id {
			c.sessions = slices.Delete(c.sessions, i, i+1)
			return map[string]any{"zoneid": s.zone, "sessionid": s.id, "username": s.user, "ip_address": s.ip, "mac_address": s.mac, "terminateCause": "Admin-Reset"}
		}
	}
	return map[string]any{"terminateCause": "UNKNOWN"}
}

// connect lets a device in without a voucher, and without an end. One that is
// online keeps what it has.
func (c *Controller) connect(post bool, zone string, in *form) any {
	id, err := strconv.Atoi(cmp.Or(zone, "0"))
	if _, ok := c.opts.Zones[id]; !post || err != nil || !ok {
		return []any{}
	}
	if s := c.byAddress(id, in.IP); s != nil {
		return s.row()
	}
	mac := ""
	for device, ip := range c.addrs {
		if ip == in.IP {
			mac = device
		}
	}
	return c.admit(in.Connect, "API", in.IP, mac, id).row()
}
