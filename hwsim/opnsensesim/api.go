package opnsensesim

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"edgeagent/hwsim/console"
)

const maxVouchers = 10_000

// form is the union of the bodies of the calls. Numbers come as numbers or text.
type form struct {
	Count    json.Number `json:"count"`
	Validity json.Number `json:"validity"`
	Expiry   json.Number `json:"expirytime"`
	Group    *string     `json:"vouchergroup"`
	User     string      `json:"username"`
	Session  *string     `json:"sessionId"`
	Connect  string      `json:"user"`
	IP       string      `json:"ip"`
	Current  *int        `json:"current"`
	Rows     *int        `json:"rowCount"`
	Phrase   string      `json:"searchPhrase"`
	Zones    []string    `json:"selected_zones"` // a text alone breaks the real one
}

func (f *form) number(n json.Number) int64 {
	value, err := n.Int64()
	if err != nil {
		return 0 // as PHP makes of no number
	}
	return value
}

// route answers /api/captiveportal/{controller}/{method}/{parameters}.
func (c *Controller) route(w http.ResponseWriter, r *http.Request, body []byte) {
	key, secret, ok := r.BasicAuth()
	if !ok || key != c.opts.Key || secret != c.opts.Secret {
		fail(w, http.StatusUnauthorized, "Authentication Failed")
		return
	}
	parts := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	if len(parts) < 4 || parts[0] != "api" || parts[1] != "captiveportal" {
		// Whoever may only see the captive portal is not told what else there is.
		fail(w, http.StatusForbidden, "Forbidden")
		return
	}
	for i, part := range parts[4:] {
		// The router hands parameters over as they stand in the path, and the
		// method decodes them as a form: a plus sign becomes a space.
		plain, err := url.QueryUnescape(part)
		if err != nil {
			plain = part
		}
		parts[4+i] = plain
	}
	var in form
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		if !decode(body, &in) {
			fail(w, http.StatusBadRequest, "Invalid JSON syntax")
			return
		}
	} else if len(body) > 0 {
		fail(w, http.StatusBadRequest, "only JSON is understood here")
		return
	}
	c.mu.Lock()
	answer, known := c.call(r, parts[2]+"/"+snake(parts[3]), parts[4:], &in)
	c.mu.Unlock()
	if !known {
		console.WriteJSON(w, http.StatusNotFound, map[string]string{"errorMessage": "Endpoint not found"})
		return
	}
	console.WriteJSON(w, http.StatusOK, answer)
}

func decode(body []byte, in *form) bool {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if dec.Decode(in) != nil {
		return false
	}
	_, err := dec.Token()
	return err == io.EOF
}

// snake turns camelCase into snake_case: both spellings of a method are the same.
func snake(name string) string {
	var b strings.Builder
	for _, letter := range name {
		if letter >= 'A' && letter <= 'Z' {
			b.WriteByte('_')
			letter += 'a' - 'A'
		}
		b.WriteRune(letter)
	}
	return b.String()
}

// call carries a method out. What a controller cannot do it answers with an
// empty list or a status, never with an error of HTTP.
func (c *Controller) call(r *http.Request, method string, params []string, in *form) (answer any, known bool) {
	param := func(i int) string {
		if i < len(params) {
			return params[i]
		}
		return ""
	}
	s := c.servers[param(0)]
	post := r.Method == http.MethodPost
	failed := map[string]any{"status": "error"}
	switch method {
	case "voucher/list_providers":
		return c.opts.Servers, true
	case "voucher/list_voucher_groups":
		return s.groups(), true
	case "voucher/list_vouchers":
		return s.list(param(1), c.now().Unix()), true
	case "voucher/generate_vouchers":
		if !post || s == nil {
			return failed, true
		}
		return c.generateCall(s, in), true
	case "voucher/expire_voucher":
		if !post || s == nil || in.User == "" {
			return failed, true
		}
		if v := s.find(in.User); v != nil {
			v.validity, v.start = 0, c.now().Unix()
		}
		return map[string]any{"status": "ok"}, true
	case "voucher/drop_voucher_group", "voucher/drop_expired_vouchers":
		if !post || s == nil {
			return failed, true
		}
		return s.drop(param(1), c.now().Unix(), method == "voucher/drop_expired_vouchers"), true
	case "session/zones":
		return c.zoneList(), true
	case "session/search":
		return c.search(r, in), true
	case "session/disconnect":
		if !post || in.Session == nil {
			return []any{}, true
		}
		return c.disconnect(*in.Session), true
	case "session/connect":
		return c.connect(post, param(0), in), true
	}
	return nil, false
}

func (s *server) groups() []string {
	list := []string{}
	if s == nil {
		return list
	}
	for _, v := range s.vouchers {
		if !slices.Contains(list, v.group) {
			list = append(list, v.group)
		}
	}
	return list
}

func (s *server) list(group string, now int64) []any {
	list := []any{}
	if s == nil {
		return list
	}
	for _, v := range s.vouchers {
		if v.group != group {
			continue
		}
		start := v.start
		if start == 0 {
			start = now
		}
		list = append(list, map[string]any{
			"username": v.user, "validity": v.validity, "expirytime": v.expiry,
			"starttime": start, "endtime": start + v.validity, "state": v.state(now),
		})
	}
	return list
}

func (c *Controller) generateCall(s *server, in *form) any {
	group := "---"
	if in.Group != nil {
		group = strings.NewReplacer("&", "", "#", "").Replace(*in.Group)
	}
	count, validity, expiry := in.number(in.Count), in.number(in.Validity), in.number(in.Expiry)
	if count < 1 || count > maxVouchers || validity < 1 || expiry < 0 {
		return map[string]any{"status": "error"}
	}
	list := []any{}
	for _, v := range c.generate(s, group, int(count), validity, expiry) {
		list = append(list, map[string]any{
			"username": v.user, "password": v.password, "vouchergroup": v.group,
			// As they came: text, from a form.
			"validity": strconv.FormatInt(v.validity, 10), "expirytime": v.expiry, "starttime": nil,
		})
	}
	return list
}

func (s *server) drop(group string, now int64, onlyExpired bool) any {
	before := len(s.vouchers)
	s.vouchers = slices.DeleteFunc(s.vouchers, func(v *voucher) bool {
		over := v.start > 0 && v.start+v.validity < now || v.expiry > 0 && v.expiry < now
		return v.group == group && (over || !onlyExpired)
	})
	answer := map[string]any{"status": "drop"}
	if onlyExpired {
		answer["count"] = before - len(s.vouchers)
	}
	return answer
}
