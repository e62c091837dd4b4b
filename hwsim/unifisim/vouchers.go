package unifisim

import (
	"net/http"
	"time"

	"edgeagent/hwsim/console"
)

// The limits of the published OpenAPI documents.
const (
	maxMinutes = 1_000_000
	maxCount   = 1000
	maxDataMB  = 1_048_576
	minKbps    = 2
	maxKbps    = 100_000
)

type newVouchers struct {
	Name     *string `json:"name"`
	Count    *int    `json:"count"`
	Minutes  *int    `json:"timeLimitMinutes"`
	Devices  *int    `json:"authorizedGuestLimit"`
	DataMB   *int    `json:"dataUsageLimitMBytes"`
	DownKbps *int    `json:"rxRateLimitKbps"`
	UpKbps   *int    `json:"txRateLimitKbps"`
}

var voucherFilters = filterable{
	"id":                   {"eq", "ne", "in", "notIn"},
	"createdAt":            {"eq", "ne", "gt", "ge", "lt", "le"},
	"name":                 {"eq", "ne", "in", "notIn", "like"},
	"code":                 {"eq", "ne", "in", "notIn"},
	"authorizedGuestLimit": {"isNull", "isNotNull", "eq", "ne", "gt", "ge", "lt", "le"},
	"authorizedGuestCount": {"eq", "ne", "gt", "ge", "lt", "le"},
	"activatedAt":          {"isNull", "isNotNull", "eq", "ne", "gt", "ge", "lt", "le"},
	"expiresAt":            {"isNull", "isNotNull", "eq", "ne", "gt", "ge", "lt", "le"},
	"expired":              {"eq", "ne"},
	"timeLimitMinutes":     {"eq", "ne", "gt", "ge", "lt", "le"},
	"dataUsageLimitMBytes": {"isNull", "isNotNull", "eq", "ne", "gt", "ge", "lt", "le"},
	"rxRateLimitKbps":      {"isNull", "isNotNull", "eq", "ne", "gt", "ge", "lt", "le"},
	"txRateLimitKbps":      {"isNull", "isNotNull", "eq", "ne", "gt", "ge", "lt", "le"},
}

func (c *Controller) vouchers(w http.ResponseWriter, r *http.Request, s *site, rest []string, body []byte) {
	switch {
	case len(rest) == 0 && r.Method == http.MethodGet:
		c.writePage(w, r, c.voucherObjects(s), voucherFilters, 100, 1000)
	case len(rest) == 0 && r.Method == http.MethodPost:
		c.createVouchers(w, r, s, body)
	case len(rest) == 0 && r.Method == http.MethodDelete:
		c.deleteVouchers(w, r, s)
	case len(rest) == 1 && (r.Method == http.MethodGet || r.Method == http.MethodDelete):
		c.oneVoucher(w, r, s, rest[0])
	default:
		c.fail(w, r, http.StatusMethodNotAllowed, "api.request.method-not-allowed", "no such method here")
	}
}

func (c *Controller) voucherObjects(s *site) []map[string]any {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	var list []map[string]any
	for _, v := range s.vouchers {
		list = append(list, v.object(now))
	}
	return list
}

func (v *Voucher) object(now time.Time) map[string]any {
	o := map[string]any{
		"id": v.ID, "createdAt": stamp(v.CreatedAt), "name": v.Name, "code": v.Code,
		"authorizedGuestCount": v.Used, "expired": v.expired(now), "timeLimitMinutes": v.Minutes,
	}
	for name, n := range map[string]int{
		"authorizedGuestLimit": v.Devices, "dataUsageLimitMBytes": v.DataMB,
		"rxRateLimitKbps": v.DownKbps, "txRateLimitKbps": v.UpKbps,
	} {
		if n > 0 {
			o[name] = n
		}
	}
	if !v.ActivatedAt.IsZero() {
		o["activatedAt"], o["expiresAt"] = stamp(v.ActivatedAt), stamp(v.ExpiresAt)
	}
	return o
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func (c *Controller) createVouchers(w http.ResponseWriter, r *http.Request, s *site, body []byte) {
	var in newVouchers
	if !c.decode(w, r, body, &in) {
		return
	}
	count := 1
	if in.Count != nil {
		count = *in.Count
	}
	switch {
	case in.Name == nil || *in.Name == "":
		c.invalid(w, r, "name is required")
		return
	case in.Minutes == nil || !between(in.Minutes, 1, maxMinutes):
		c.invalid(w, r, "timeLimitMinutes must be 1 to 1000000")
		return
	case count < 1 || count > maxCount:
		c.invalid(w, r, "count must be 1 to 1000")
		return
	case !between(in.Devices, 1, 1<<31-1):
		c.invalid(w, r, "authorizedGuestLimit must be 1 or more")
		return
	case !limitsFit(in.DataMB, in.DownKbps, in.UpKbps):
		c.invalid(w, r, "a data or rate limit is out of range")
		return
	}
	c.mu.Lock()
	now := c.now()
	made := make([]any, 0, count)
	for range count {
		v := &Voucher{
			Name: *in.Name, Minutes: *in.Minutes, Devices: value(in.Devices),
			DataMB: value(in.DataMB), DownKbps: value(in.DownKbps), UpKbps: value(in.UpKbps),
		}
		s.add(v, now)
		made = append(made, v.object(now))
	}
	c.mu.Unlock()
	console.WriteJSON(w, http.StatusCreated, map[string]any{"vouchers": made})
}

func (c *Controller) invalid(w http.ResponseWriter, r *http.Request, message string) {
	c.fail(w, r, http.StatusBadRequest, "api.request.argument-invalid", message)
}

func limitsFit(dataMB, down, up *int) bool {
	return between(dataMB, 1, maxDataMB) && between(down, minKbps, maxKbps) && between(up, minKbps, maxKbps)
}

// between is true for an absent value.
func between(n *int, low, high int) bool { return n == nil || *n >= low && *n <= high }

func value(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

func (c *Controller) deleteVouchers(w http.ResponseWriter, r *http.Request, s *site) {
	if r.URL.Query().Get("filter") == "" {
		c.invalid(w, r, "filter is required")
		return
	}
	match, err := filterOf(r.URL.Query(), voucherFilters)
	if err != nil {
		c.fail(w, r, http.StatusBadRequest, "api.request.filter-invalid", err.Error())
		return
	}
	c.mu.Lock()
	now := c.now()
	var doomed []string
	for _, v := range s.vouchers {
		object := v.object(now)
		if match(func(p string) any { return lookup(object, p) }) {
			doomed = append(doomed, v.ID)
		}
	}
	for _, id := range doomed {
		s.remove(id)
	}
	c.mu.Unlock()
	console.WriteJSON(w, http.StatusOK, map[string]int{"vouchersDeleted": len(doomed)})
}

func (c *Controller) oneVoucher(w http.ResponseWriter, r *http.Request, s *site, id string) {
	c.mu.Lock()
	var object map[string]any
	for _, v := range s.vouchers {
		if v.ID == id {
			object = v.object(c.now())
		}
	}
	if r.Method == http.MethodDelete {
		s.remove(id)
	}
	c.mu.Unlock()
	switch {
	case object == nil:
		c.fail(w, r, http.StatusNotFound, "api.hotspot.voucher-not-found", "no such voucher")
	case r.Method == http.MethodDelete:
		console.WriteJSON(w, http.StatusOK, map[string]int{"vouchersDeleted": 1})
	default:
		console.WriteJSON(w, http.StatusOK, object)
	}
}
