package wifi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"edgeagent/drivers"
)

// omadaVouchers gives each stay a group of one voucher, named by its marker. A
// group's name is unique, so a create of one that exists finds that out by
// itself. The controller makes the code, and nothing of a voucher can be
// changed: whatever differs takes a new group, and the guest a new code. Devices
// that are online stay so under the old one.
type omadaVouchers struct{ *omada }

// Caps has no ChooseCode and no Extend.
func (v *omadaVouchers) Caps() Caps {
	return Caps{AbsoluteExpiry: true, RateLimit: true, DataCap: true, DeviceLimit: true, FindByNote: true,
		CutSession: true, SecretReadable: true}
}

// omadaGroup is a group of vouchers as it is made; some of it is read again.
type omadaGroup struct {
	Name       string    `json:"name"` // 1 to 32 characters
	Amount     int       `json:"amount"`
	CodeLength int       `json:"codeLength"` // 6 to 10
	CodeForm   []int     `json:"codeForm"`   // 0 has digits, 1 letters
	LimitType  int       `json:"limitType"`
	Devices    int       `json:"limitNum"` // 1 to 999
	PerVoucher int       `json:"durationType"`
	Minutes    int64     `json:"duration"` // 1 to 14,400,000
	Timing     int       `json:"timingType"`
	Rate       omadaRate `json:"rateLimit"`
	HasCap     bool      `json:"trafficLimitEnable"`
	CapMB      int       `json:"trafficLimit,omitempty"`
	CapEvery   int       `json:"trafficLimitFrequency"` // 0 is in all
	AllPortals bool      `json:"applyToAllPortals"`
	Portals    []string  `json:"portals"` // ids
	Validity   int       `json:"validityType"`
	Begins     int64     `json:"effectiveTime"`  // ms since 1970
	Expires    int64     `json:"expirationTime"` // ms since 1970
}

// omadaFound is a group as it is read, in a list without Data and much else.
type omadaFound struct {
	omadaGroup
	ID      string `json:"id"`
	Created int64  `json:"createdTime"` // ms since 1970
	Expired int    `json:"expiredCount"`
	Total   int    `json:"totalCount"`
	Data    []struct {
		Code   string `json:"code"`
		Status int    `json:"status"` // 0 unused, 1 in use, 2 expired
	} `json:"data"`
}

const (
	omadaGroupPath = "/hotspot/voucher-groups"

	// Ten digits, as guests know them: 33 bits.
	omadaCodeLength     = 10
	omadaDigits         = 0
	omadaConcurrent     = 1 // limitType: so many devices at once
	omadaWindow         = 1 // validityType: from one instant to another
	omadaVoucherExpired = 2
	omadaMaxMinutes     = 14_400_000
	omadaMaxPerVoucher  = 999
)

func (v *omadaVouchers) Ensure(ctx context.Context, g Grant) (Credential, error) {
	if g.Devices > omadaMaxPerVoucher {
		return Credential{}, fmt.Errorf("%w: %d devices: a voucher takes at most %d", drivers.ErrRefused, g.Devices, omadaMaxPerVoucher)
	}
	if len(g.Known) == 0 { // most likely new: one call less
		made, err := v.create(ctx, g)
		if !omadaIs(err, omadaAdopt) {
			return v.credential(g.Stay, made), err
		}
	}
	found, err := v.find(ctx, g.Stay)
	if err != nil {
		return Credential{}, err
	}
	fits, until := found != nil && v.fits(*found, g), g.Until
	if fits {
		until = time.UnixMilli(found.Expires)
	}
	// The devices that the stay's vouchers let in come first, so that a crash in
	// between repeats it; and whether or not the voucher changes, since a try that
	// broke off may have moved them for an end that another word has replaced.
	// Without a group the stay is reinstated, or its revoke broke off and left
	// devices online.
	if err := v.stretch(ctx, byVoucher, v.codes(g.Stay, found), until); err != nil {
		return Credential{}, err
	}
	if fits {
		return v.credential(g.Stay, found), nil
	}
	if found != nil { // it has the name
		if err := v.delete(ctx, g.Stay, found.ID); err != nil {
			return Credential{}, err
		}
	}
	made, err := v.create(ctx, g)
	return v.credential(g.Stay, made), err
}

// group is the group that a grant asks for. Its duration is what is left, so
// that a device which logs in at once is bounded by both.
func (v *omadaVouchers) group(g Grant, portals []string) omadaGroup {
	left := g.Until.Sub(v.now())
	return omadaGroup{
		Name: g.marker(), Amount: 1, CodeLength: omadaCodeLength, CodeForm: []int{omadaDigits},
		LimitType: omadaConcurrent, Devices: g.Devices, PerVoucher: 1,
		Minutes: min(max(int64((left+time.Minute-1)/time.Minute), 1), omadaMaxMinutes),
		Rate:    omadaRates(g.Tier), HasCap: g.DataMB > 0, CapMB: g.DataMB,
		AllPortals: len(portals) == 0, Portals: portals, Validity: omadaWindow,
		// It begins now by the controller's clock, which may be behind ours.
		Begins:  v.now().Add(time.Duration(v.skew.Load())).Truncate(time.Second).UnixMilli(),
		Expires: g.Until.UnixMilli(),
	}
}

// fits reports whether a group gives what the grant says.
func (v *omadaVouchers) fits(has omadaFound, g Grant) bool {
	want := v.group(g, nil)
	want.Expires = omadaEnd(g, time.UnixMilli(has.Expires), v.now()).UnixMilli()
	return len(has.Data) == 1 && has.Data[0].Code != "" && has.Data[0].Status != omadaVoucherExpired &&
		has.Validity == want.Validity && has.Expires == want.Expires && has.LimitType == want.LimitType && has.Devices == want.Devices &&
		has.Rate.same(want.Rate) && has.HasCap == want.HasCap && (!has.HasCap || has.CapMB == want.CapMB && has.CapEvery == want.CapEvery)
}

func (v *omadaVouchers) create(ctx context.Context, g Grant) (*omadaFound, error) {
	portals, err := v.portalIDs(ctx)
	if err != nil {
		return nil, err
	}
	var made struct {
		ID string `json:"id"`
	}
	if err := v.onSite(ctx, request{method: http.MethodPost, path: omadaGroupPath, body: v.group(g, portals)}, &made); err != nil {
		return nil, fmt.Errorf("create voucher: %w", v.forgetPortals(err))
	}
	full, err := v.read(ctx, made.ID)
	if err == nil && (len(full.Data) != 1 || full.Data[0].Code == "") {
		err = errors.New("create voucher: its group holds none") // the next try finds it
	}
	return full, err
}

// read asks for a group with its vouchers.
func (v *omadaVouchers) read(ctx context.Context, id string) (*omadaFound, error) {
	if !omadaID.MatchString(id) {
		return nil, errors.New("read voucher: its group has no usable id")
	}
	var full omadaFound
	query := url.Values{"page": {"1"}, "pageSize": {"10"}}
	if err := v.onSite(ctx, request{method: http.MethodGet, path: omadaGroupPath + "/" + id, query: query}, &full); err != nil {
		return nil, fmt.Errorf("read voucher: %w", err)
	}
	full.ID = id
	return &full, nil
}

// find looks for the stay's group, in a list and then with its voucher; nil if
// there is none.
func (v *omadaVouchers) find(ctx context.Context, stay Stay) (*omadaFound, error) {
	listed, err := v.listed(ctx, stay)
	if err != nil || listed == nil {
		return nil, err
	}
	return v.read(ctx, listed.ID)
}

func (v *omadaVouchers) listed(ctx context.Context, stay Stay) (*omadaFound, error) {
	all, err := omadaPages[omadaFound](ctx, v.onSite, omadaGroupPath, stay.marker())
	if err != nil {
		return nil, fmt.Errorf("find voucher: %w", err)
	}
	if at := slices.IndexFunc(all, func(f omadaFound) bool { return f.Name == stay.marker() }); at >= 0 {
		return &all[at], nil
	}
	return nil, nil
}

func (v *omadaVouchers) delete(ctx context.Context, stay Stay, id string) error {
	err := v.remove(ctx, omadaGroupPath+"/"+id, func(ctx context.Context) (bool, error) {
		left, err := v.listed(ctx, stay)
		return left == nil || left.ID != id, err
	})
	if err != nil {
		return fmt.Errorf("delete voucher: %w", err)
	}
	return nil
}

// Revoke ends the voucher first, then the devices that it or an earlier one of
// the stay let in. Their codes are in the receipts; a group is read before it goes.
func (v *omadaVouchers) Revoke(ctx context.Context, stay Stay, cut bool) (done Revoked, err error) {
	found, err := v.find(ctx, stay)
	if err != nil {
		return done, err
	}
	if found != nil {
		if err := v.delete(ctx, stay, found.ID); err != nil {
			return done, err
		}
		done.Credentials = 1
	}
	if cut {
		done.Sessions, err = v.cut(ctx, byVoucher, v.codes(stay, found))
	}
	return done, err
}

// codes are all that the stay has had, as far as known.
func (v *omadaVouchers) codes(stay Stay, group *omadaFound) []string {
	var codes []string
	if v.told(stay) {
		codes = strings.Fields(stay.Known["codes"])
	}
	if group != nil {
		for _, one := range group.Data {
			if one.Code != "" && !slices.Contains(codes, one.Code) {
				codes = append(codes, one.Code)
			}
		}
	}
	return codes
}

// List returns all groups with our marker. A list says neither codes nor ends on
// every version; what does not say that it has ended counts as live.
func (v *omadaVouchers) List(ctx context.Context) ([]Credential, error) {
	all, err := omadaPages[omadaFound](ctx, v.onSite, omadaGroupPath, markerPrefix)
	if err != nil {
		return nil, fmt.Errorf("list vouchers: %w", err)
	}
	var list []Credential
	for _, f := range all {
		key, ok := strings.CutPrefix(f.Name, markerPrefix)
		if !ok || !stayKey.MatchString(key) {
			continue
		}
		over := f.Expires > 0 && !v.now().Before(time.UnixMilli(f.Expires)) || f.Expired > 0 && f.Expired == f.Total
		list = append(list, Credential{Key: key, ID: f.ID, Live: !over,
			Created: time.UnixMilli(cmp.Or(f.Created, 1)).Add(-time.Duration(v.skew.Load()))})
	}
	return list, nil
}

// told reports whether a receipt is of a voucher.
func (v *omadaVouchers) told(stay Stay) bool {
	return stay.Known["code"] != "" && stay.Known["user"] == ""
}

func (v *omadaVouchers) credential(stay Stay, group *omadaFound) Credential {
	if group == nil || len(group.Data) == 0 {
		return Credential{}
	}
	return Credential{Key: stay.Key, ID: group.ID, Code: group.Data[0].Code, Codes: v.codes(stay, group),
		Since: stay.firstMade(v.now()), Created: v.now(), Live: true}
}
