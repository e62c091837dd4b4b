package omadasim

import (
	"crypto/rand"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	maxMinutes = 14_400_000
	maxWindow  = 1000 * 24 * time.Hour
)

// group is a group of vouchers as it is made. Pointers are fields that must be there.
type group struct {
	Name         *string    `json:"name"`
	Amount       *int       `json:"amount"`
	CodeLength   *int       `json:"codeLength"`
	CodeForm     []int      `json:"codeForm"`
	LimitType    *int       `json:"limitType"`
	LimitNum     *int64     `json:"limitNum,omitempty"`
	DurationType *int       `json:"durationType"`
	Duration     *int64     `json:"duration"`
	TimingType   *int       `json:"timingType"`
	Rate         *rateLimit `json:"rateLimit"`
	traffic
	All           *bool    `json:"applyToAllPortals"`
	Portals       []string `json:"portals"`
	ValidityType  int      `json:"validityType"`
	Effective     int64    `json:"effectiveTime,omitempty"`
	Expires       int64    `json:"expirationTime,omitempty"`
	Logout        bool     `json:"logout,omitempty"`
	Description   string   `json:"description,omitempty"`
	PrintComments string   `json:"printComments,omitempty"`
	UnitPrice     int64    `json:"unitPrice,omitempty"`
	Currency      string   `json:"currency,omitempty"`

	id       string
	created  time.Time
	chosen   []string
	vouchers []*voucher
}

type voucher struct {
	id, code string
	first    time.Time // use; zero before
	uses     int
}

func (c *Controller) voucherGroups(s *site, r *http.Request, rest []string, body []byte) answer {
	now := c.now()
	switch {
	case len(rest) == 0 && r.Method == http.MethodGet:
		search := strings.ToLower(r.URL.Query().Get("searchKey"))
		var list []map[string]any
		for _, g := range s.groups {
			if strings.Contains(strings.ToLower(*g.Name), search) {
				list = append(list, s.groupSummary(g, now))
			}
		}
		return paged(r, list)
	case len(rest) == 0 && r.Method == http.MethodPost:
		return c.createGroup(s, r, body)
	case len(rest) != 1:
		return fail(codeInvalid, "no such resource")
	}
	at := slices.IndexFunc(s.groups, func(g *group) bool { return g.id == rest[0] })
	switch {
	case at < 0:
		return fail(codeUnknownID, "no voucher group %q", rest[0])
	case r.Method == http.MethodGet:
		return s.groupDetail(r, s.groups[at], now)
	case r.Method == http.MethodDelete:
		s.groups = slices.Delete(s.groups, at, at+1)
		return done(nil)
	}
	return fail(codeInvalid, "no such method here")
}

// groupSummary is a group in a list: neither codes nor limits.
func (s *site) groupSummary(g *group, now time.Time) map[string]any {
	counts := [3]int{}
	for _, v := range g.vouchers {
		counts[s.status(g, v, now)]++
	}
	return map[string]any{"id": g.id, "name": *g.Name, "createdTime": g.created.UnixMilli(), "totalCount": len(g.vouchers),
		"unusedCount": counts[0], "inUseCount": counts[1], "expiredCount": counts[2]}
}

func (s *site) groupDetail(r *http.Request, g *group, now time.Time) answer {
	var list []map[string]any
	for _, v := range g.vouchers {
		list = append(list, map[string]any{"id": v.id, "code": v.code, "status": s.status(g, v, now)})
	}
	a := paged(r, list)
	if a.code != 0 {
		return a
	}
	o := s.groupSummary(g, now)
	maps.Copy(o, a.result.(map[string]any))
	maps.Copy(o, map[string]any{
		"limitType": *g.LimitType, "limitNum": g.LimitNum, "durationType": *g.DurationType, "duration": *g.Duration, "timingType": *g.TimingType,
		"rateLimit": g.Rate, "trafficLimitEnable": *g.Capped, "trafficLimit": g.MB, "trafficLimitFrequency": g.Every,
		"applyToAllPortals": *g.All, "portalNames": s.names(g.chosen), "validityType": g.ValidityType,
		"effectiveTime": g.Effective, "expirationTime": g.Expires,
	})
	return done(o)
}

func (c *Controller) createGroup(s *site, r *http.Request, body []byte) answer {
	g := &group{}
	if err := decode(r, body, g); err != nil {
		return fail(codeInvalid, "%v", err)
	}
	if wrong := g.check(); wrong != nil {
		return *wrong
	}
	if slices.ContainsFunc(s.groups, func(o *group) bool { return *o.Name == *g.Name }) {
		return fail(codeGroupExists, "The voucher group %q exists", *g.Name)
	}
	held := 0
	for _, o := range s.groups {
		held += len(o.vouchers)
	}
	if held+*g.Amount > c.opts.MaxVouchers {
		return fail(codeVoucherLimit, "The number of vouchers has reached the limit.")
	}
	var wrong *answer
	if g.chosen, wrong = s.choose(*g.All, g.Portals, typeVoucher, codeNoVoucherPage); wrong != nil {
		return *wrong
	}
	g.id, g.created = s.nextID("group"), c.now()
	s.groups = append(s.groups, g)
	for range *g.Amount {
		code := ""
		for code == "" || s.byCode(code) != nil {
			code = g.randomCode()
		}
		g.vouchers = append(g.vouchers, &voucher{id: s.nextID("voucher"), code: code})
	}
	return done(map[string]any{"id": g.id})
}

func (g *group) check() *answer {
	bad := func(code int, text string) *answer { a := fail(code, "%s", text); return &a }
	in := func(v *int, low, high int) bool { return v != nil && *v >= low && *v <= high }
	switch {
	case g.Name == nil || *g.Name == "" || len(*g.Name) > 32:
		return bad(codeInvalid, "name must have 1 to 32 characters")
	case !in(g.Amount, 1, 5000) || !in(g.CodeLength, 6, 10):
		return bad(codeInvalid, "amount must be 1 to 5000, codeLength 6 to 10")
	case len(g.CodeForm) == 0 || slices.ContainsFunc(g.CodeForm, func(f int) bool { return f != 0 && f != 1 }):
		return bad(codeInvalid, "codeForm must hold 0, 1 or both")
	case !in(g.LimitType, 0, 2) || !fits(*g.LimitType < 2, g.LimitNum, 1, 999):
		return bad(codeInvalid, "limitType must be 0 to 2, limitNum 1 to 999")
	case !in(g.DurationType, 0, 1) || !in(g.TimingType, 0, 1) || !fits(true, g.Duration, 1, maxMinutes):
		return bad(codeInvalid, "durationType and timingType must be 0 or 1, duration 1 to 14400000")
	case g.All == nil:
		return bad(codeInvalid, "applyToAllPortals is required")
	case g.ValidityType < 0 || g.ValidityType > 1:
		return bad(codeInvalid, "this simulator knows the validityTypes 0 and 1")
	case (g.ValidityType == 1) != (g.Effective > 0 && g.Expires > 0):
		return bad(codeInvalid, "effectiveTime and expirationTime go with validityType 1")
	case g.ValidityType == 1 && g.Expires <= g.Effective:
		return bad(codeWindow, "it ends before it begins")
	case g.ValidityType == 1 && time.UnixMilli(g.Expires).Sub(time.UnixMilli(g.Effective)) > maxWindow:
		return bad(codeWindowLength, "more than 1000 days")
	}
	if code, err := g.Rate.check(); err != nil {
		return bad(code, err.Error())
	}
	if err := g.traffic.check(); err != nil {
		return bad(codeInvalid, err.Error())
	}
	return nil
}

func (g *group) randomCode() string {
	alphabet := ""
	if slices.Contains(g.CodeForm, 0) {
		alphabet += "0123456789"
	}
	if slices.Contains(g.CodeForm, 1) {
		alphabet += "abcdefghijklmnopqrstuvwxyz"
	}
	code := make([]byte, *g.CodeLength)
	for i := range code {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil {
			panic(fmt.Sprintf("omadasim: no randomness: %v", err))
		}
		code[i] = alphabet[n.Int64()]
	}
	return string(code)
}

// end is when the access of a device ends that logs in now.
func (g *group) end(v *voucher, now time.Time) time.Time {
	from := now
	if *g.DurationType == 1 && !v.first.IsZero() {
		from = v.first
	}
	end := from.Add(time.Duration(*g.Duration) * time.Minute)
	if g.ValidityType == 1 && time.UnixMilli(g.Expires).Before(end) {
		end = time.UnixMilli(g.Expires)
	}
	return end
}

// status is 0 unused, 1 in use, 2 expired.
func (s *site) status(g *group, v *voucher, now time.Time) int {
	switch {
	case g.ValidityType == 1 && !now.Before(time.UnixMilli(g.Expires)), !v.first.IsZero() && !now.Before(g.end(v, now)):
		return 2
	case v.uses > 0:
		return 1
	}
	return 0
}

func (s *site) byCode(code string) *voucher {
	_, v := s.voucher(code)
	return v
}

func (s *site) voucher(code string) (*group, *voucher) {
	for _, g := range s.groups {
		for _, v := range g.vouchers {
			if v.code == code {
				return g, v
			}
		}
	}
	return nil, nil
}

// AddGroup makes a group of one voucher as a person at the controller's page
// would, for a day, and returns its code.
func (c *Controller) AddGroup(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sites[0]
	all, off, one, none, mode, length, minutes := true, false, 1, 2, 0, 10, int64(24*60)
	g := &group{id: s.nextID("group"), created: c.now(), Name: &name, Amount: &one, CodeLength: &length, CodeForm: []int{0},
		LimitType: &none, DurationType: &one, Duration: &minutes, TimingType: &mode, All: &all, traffic: traffic{Capped: &off},
		Rate: &rateLimit{Mode: &mode, Custom: &customRates{HasDown: &off, HasUp: &off}}}
	g.vouchers = []*voucher{{id: s.nextID("voucher"), code: g.randomCode()}}
	s.groups = append(s.groups, g)
	return g.vouchers[0].code
}
