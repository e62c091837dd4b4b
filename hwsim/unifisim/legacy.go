package unifisim

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"edgeagent/hwsim/console"
)

type legacyEnvelope struct {
	Meta legacyMeta `json:"meta"`
	Data []any      `json:"data"`
}

type legacyMeta struct {
	RC  string `json:"rc"`
	Msg string `json:"msg,omitempty"`
}

// legacyCommand is the union of the bodies of the legacy calls.
type legacyCommand struct {
	Cmd        string `json:"cmd"`
	ID         string `json:"_id"`
	MAC        string `json:"mac"`
	APMAC      string `json:"ap_mac"`
	Minutes    *int   `json:"minutes"`
	Up         *int   `json:"up"`
	Down       *int   `json:"down"`
	Bytes      *int   `json:"bytes"` // MB, whatever the name says
	Expire     any    `json:"expire"`
	ExpireN    *int   `json:"expire_number"`
	ExpireUnit *int   `json:"expire_unit"`
	N          *int   `json:"n"`
	Quota      *int   `json:"quota"`
	Note       string `json:"note"`
	CreateTime *int64 `json:"create_time"`
	Within     *int   `json:"within"`
}

func (c *Controller) legacy(w http.ResponseWriter, r *http.Request, path string, body []byte) {
	if status, msg := c.admitted(r); status != 0 {
		if status == http.StatusUnauthorized && c.opts.LogInRequiredAs200 {
			status = http.StatusOK
		}
		legacyFail(w, status, msg)
		return
	}
	c.updateCSRF(w, r)
	parts := strings.Split(path, "/")
	if len(parts) != 4 || parts[0] != "s" {
		legacyFail(w, http.StatusNotFound, "api.err.NotFound")
		return
	}
	var s *site
	for _, candidate := range c.sites {
		if candidate.name == parts[1] {
			s = candidate
		}
	}
	if s == nil {
		legacyFail(w, http.StatusUnauthorized, "api.err.NoSiteContext")
		return
	}
	var in legacyCommand
	if r.Method == http.MethodPost && len(body) > 0 && !c.decode(w, r, body, &in) {
		return
	}
	switch call := r.Method + " " + parts[2] + "/" + parts[3]; call {
	case "GET stat/sysinfo":
		legacyOK(w, map[string]any{"version": c.opts.Version, "timezone": "Europe/Lisbon"})
	case "GET stat/voucher", "POST stat/voucher":
		c.statVoucher(w, s, in)
	case "GET stat/guest", "POST stat/guest":
		c.statGuest(w, r, s, in)
	case "POST cmd/hotspot":
		c.cmdHotspot(w, s, in)
	case "POST cmd/stamgr":
		c.cmdStamgr(w, s, in)
	default:
		legacyFail(w, http.StatusNotFound, "api.err.NotFound")
	}
}

func legacyOK(w http.ResponseWriter, data ...any) {
	if data == nil {
		data = []any{}
	}
	console.WriteJSON(w, http.StatusOK, legacyEnvelope{Meta: legacyMeta{RC: "ok"}, Data: data})
}

func legacyFail(w http.ResponseWriter, status int, msg string) {
	console.WriteJSON(w, status, legacyEnvelope{Meta: legacyMeta{RC: "error", Msg: msg}, Data: []any{}})
}

// legacyID is the other identifier of the same thing: the two APIs do not share ids.
func legacyID(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:12])
}

func (c *Controller) statVoucher(w http.ResponseWriter, s *site, in legacyCommand) {
	c.mu.Lock()
	now := c.now()
	var list []any
	for _, v := range s.vouchers {
		if in.CreateTime != nil && *in.CreateTime != v.legacyCreateSec {
			continue
		}
		o := map[string]any{
			"_id": legacyID(v.ID), "code": v.Code, "note": v.Name, "quota": v.Devices, "duration": v.Minutes,
			"used": v.Used, "create_time": v.legacyCreateSec, "status": v.status(now),
			"qos_overwrite": v.DownKbps > 0 || v.UpKbps > 0 || v.DataMB > 0,
		}
		if v.DownKbps > 0 {
			o["qos_rate_max_down"] = v.DownKbps
		}
		if v.UpKbps > 0 {
			o["qos_rate_max_up"] = v.UpKbps
		}
		if v.DataMB > 0 {
			o["qos_usage_quota"] = v.DataMB
		}
		if !v.ActivatedAt.IsZero() {
			o["start_time"], o["end_time"] = v.ActivatedAt.Unix(), v.ExpiresAt.Unix()
			o["status_expires"] = max(0, v.ExpiresAt.Unix()-now.Unix())
		}
		list = append(list, o)
	}
	c.mu.Unlock()
	legacyOK(w, list...)
}

func (v *Voucher) status(now time.Time) string {
	switch {
	case v.expired(now):
		return "EXPIRED"
	case v.Used == 0:
		return "VALID_ONE"
	case v.Devices == 0 || v.Used < v.Devices:
		return "USED_MULTIPLE"
	}
	return "USED"
}

// statGuest lists authorisations that ended no longer ago than within hours.
func (c *Controller) statGuest(w http.ResponseWriter, r *http.Request, s *site, in legacyCommand) {
	hours := 24
	if in.Within != nil {
		hours = *in.Within
	} else if text := r.URL.Query().Get("within"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			legacyFail(w, http.StatusBadRequest, "api.err.InvalidPayload")
			return
		}
		hours = n
	}
	c.mu.Lock()
	now := c.now()
	var list []any
	for _, g := range s.guests {
		if g.end.Before(now.Add(-time.Duration(hours) * time.Hour)) {
			continue
		}
		o := map[string]any{
			"_id": legacyID(g.id), "mac": g.mac, "start": g.start.Unix(), "end": g.end.Unix(),
			"expired": g.expired(now), "authorized_by": g.by,
		}
		if g.voucherCode != "" {
			o["voucher_id"], o["voucher_code"] = legacyID(g.voucherID), g.voucherCode
		}
		list = append(list, o)
	}
	c.mu.Unlock()
	legacyOK(w, list...)
}

func (c *Controller) cmdHotspot(w http.ResponseWriter, s *site, in legacyCommand) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	switch in.Cmd {
	case "create-voucher":
		minutes, ok := in.minutes()
		n := 1
		if in.N != nil {
			n = *in.N
		}
		if !ok || n < 1 || n > maxCount || !between(in.Quota, 0, 1<<31-1) || !limitsFit(in.Bytes, in.Down, in.Up) {
			legacyFail(w, http.StatusBadRequest, "api.err.InvalidPayload")
			return
		}
		for range n {
			s.add(&Voucher{Name: in.Note, Minutes: minutes, Devices: value(in.Quota),
				DataMB: value(in.Bytes), DownKbps: value(in.Down), UpKbps: value(in.Up)}, now)
		}
		legacyOK(w, map[string]any{"create_time": now.Unix()})
	case "delete-voucher":
		// Anything that is no voucher's _id, a code for one, is taken for success.
		for _, v := range s.vouchers {
			if legacyID(v.ID) == in.ID {
				s.remove(v.ID)
				break
			}
		}
		legacyOK(w)
	case "extend":
		for _, g := range s.guests {
			if legacyID(g.id) == in.ID && !g.expired(now) {
				g.end = g.end.Add(8 * time.Hour) // the portal's default
				legacyOK(w)
				return
			}
		}
		legacyFail(w, http.StatusBadRequest, "api.err.Invalid")
	default:
		legacyFail(w, http.StatusBadRequest, "api.err.Invalid")
	}
}

// minutes of a new voucher: expire, or expire_number times expire_unit, or
// with expire "custom" the latter two.
func (in *legacyCommand) minutes() (int, bool) {
	n := 0
	switch expire := in.Expire.(type) {
	case float64:
		n = int(expire)
	case string:
		n, _ = strconv.Atoi(expire)
	}
	if in.ExpireN != nil && in.ExpireUnit != nil {
		n = *in.ExpireN * *in.ExpireUnit
	}
	return n, n >= 1 && n <= maxMinutes
}

var macFormat = regexp.MustCompile(`^[0-9a-f]{2}(:[0-9a-f]{2}){5}$`)

func (c *Controller) cmdStamgr(w http.ResponseWriter, s *site, in legacyCommand) {
	if !macFormat.MatchString(in.MAC) {
		legacyFail(w, http.StatusBadRequest, "api.err.InvalidPayload")
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	switch in.Cmd {
	case "authorize-guest":
		if in.Minutes == nil || !between(in.Minutes, 1, maxMinutes) || !limitsFit(in.Bytes, in.Down, in.Up) {
			legacyFail(w, http.StatusBadRequest, "api.err.InvalidPayload")
			return
		}
		g := s.authorise(in.MAC, now, &guest{by: "api", end: now.Add(time.Duration(*in.Minutes) * time.Minute),
			down: value(in.Down), up: value(in.Up), dataMB: value(in.Bytes)})
		legacyOK(w, map[string]any{"_id": legacyID(g.id), "mac": g.mac, "authorized_by": "api", "start": g.start.Unix(), "end": g.end.Unix()})
	case "unauthorize-guest":
		if g := s.unauthorise(in.MAC, now); g != nil {
			legacyOK(w, map[string]any{"_id": legacyID(g.id), "mac": g.mac})
			return
		}
		legacyOK(w)
	case "kick-sta":
		// It only breaks the association; the device comes back with its authorisation.
		if d, ok := s.devices[in.MAC]; ok {
			d.connected = time.Time{}
		}
		legacyOK(w)
	default:
		legacyFail(w, http.StatusBadRequest, "api.err.Invalid")
	}
}
