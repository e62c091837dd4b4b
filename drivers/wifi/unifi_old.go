package wifi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Vouchers by the legacy API, which is all that an administrator's session
// reaches. It cannot search: every look-up reads the whole list.

const maxOldVouchers = 16 << 20

// oldVoucher as stat/voucher has it. Rates are in kbit/s, up and down as the
// guest sees them; the quota of data is in MB.
type oldVoucher struct {
	ID       string `json:"_id"`
	Note     string `json:"note"`
	Code     string `json:"code"`
	Created  int64  `json:"create_time"`
	Minutes  int    `json:"duration"`
	Devices  int    `json:"quota"` // 0 is any number
	Used     int    `json:"used"`
	DataMB   int    `json:"qos_usage_quota"`
	DownKbps int    `json:"qos_rate_max_down"`
	UpKbps   int    `json:"qos_rate_max_up"`
	Status   string `json:"status"`
}

func (o oldVoucher) voucher() voucher {
	return voucher{ID: o.ID, Name: o.Note, Code: o.Code, CreatedAt: time.Unix(o.Created, 0).UTC(), Minutes: o.Minutes,
		Devices: o.Devices, Used: o.Used, DataMB: o.DataMB, DownKbps: o.DownKbps, UpKbps: o.UpKbps, Expired: o.Status == "EXPIRED"}
}

// oldVouchers returns the vouchers whose note fits, of those made in one second
// if created is not zero.
func (u *unifi) oldVouchers(ctx context.Context, created int64, fits func(note string) bool) ([]voucher, error) {
	r := request{method: http.MethodGet, path: "/stat/voucher", limit: maxOldVouchers}
	if created != 0 {
		r.method, r.body = http.MethodPost, struct {
			Created int64 `json:"create_time"`
		}{created}
	}
	var list []voucher
	usable := true
	err := u.legacy(ctx, r, each(func(o oldVoucher) {
		if fits(o.Note) {
			usable = usable && unifiID.MatchString(o.ID)
			list = append(list, o.voucher())
		}
	}))
	if err != nil {
		return nil, fmt.Errorf("list vouchers: %w", err)
	}
	if !usable {
		return nil, errors.New("list vouchers: an entry has no usable id")
	}
	return list, nil
}

func (u *unifi) oldNamed(ctx context.Context, name string) ([]voucher, error) {
	return u.oldVouchers(ctx, 0, func(note string) bool { return note == name })
}

func (u *unifi) oldMarked(ctx context.Context) ([]voucher, error) {
	return u.oldVouchers(ctx, 0, func(note string) bool { return strings.HasPrefix(note, markerPrefix) })
}

// oldCreate makes a voucher. The answer holds nothing but the second in which
// it was made, which others may share: the note tells which it is.
func (u *unifi) oldCreate(ctx context.Context, g Grant) (*voucher, error) {
	body := struct {
		Cmd     string `json:"cmd"`
		Expire  int    `json:"expire"` // minutes
		Count   int    `json:"n"`
		Devices int    `json:"quota"`
		Note    string `json:"note"`
		Up      int    `json:"up,omitempty"`
		Down    int    `json:"down,omitempty"`
		Bytes   int    `json:"bytes,omitempty"` // MB, whatever the name says
	}{"create-voucher", u.minutes(g.Until), 1, g.Devices, g.marker(), g.UpKbps, g.DownKbps, g.DataMB}
	var created int64
	err := u.legacy(ctx, request{method: http.MethodPost, path: "/cmd/hotspot", body: body}, each(func(o oldVoucher) { created = o.Created }))
	if err != nil {
		return nil, fmt.Errorf("create voucher: %w", err)
	}
	if created == 0 {
		return nil, errors.New("create voucher: the answer holds no time") // the next try finds it
	}
	made, err := u.oldVouchers(ctx, created, func(note string) bool { return note == g.marker() })
	if err != nil {
		return nil, err
	}
	// Another one of this stay and second does not fit, or it would have been kept.
	i := slices.IndexFunc(made, func(v voucher) bool { return v.Code != "" && u.fits(v, g) })
	if i < 0 {
		return nil, errors.New("create voucher: it is not in the list")
	}
	return &made[i], nil
}

// oldRemove deletes a voucher by its id; a code would be taken for success and
// delete nothing.
func (u *unifi) oldRemove(ctx context.Context, id string) error {
	body := struct {
		Cmd string `json:"cmd"`
		ID  string `json:"_id"`
	}{"delete-voucher", id}
	err := u.legacy(ctx, request{method: http.MethodPost, path: "/cmd/hotspot", body: body}, nil)
	if err != nil && !notFound(err) {
		return fmt.Errorf("delete voucher: %w", err)
	}
	return nil
}

var oldVersion = regexp.MustCompile(`^[0-9]{1,4}(\.[0-9]{1,6}){1,3}$`)

// probeOld asks for one entry each of what needs a right. The version is
// more than a hotspot manager may see, so it may stay unknown.
func (u *unifi) probeOld(ctx context.Context) (Report, error) {
	report := Report{Product: "UniFi Network", Site: u.site}
	if _, err := u.oldVouchers(ctx, 1, func(string) bool { return false }); err != nil {
		return report, err
	}
	if err := u.guests(ctx, u.now(), func(guest) {}); err != nil {
		return report, err
	}
	err := u.legacy(ctx, request{method: http.MethodGet, path: "/stat/sysinfo"}, each(func(info struct {
		Version string `json:"version"`
	}) {
		if oldVersion.MatchString(info.Version) {
			report.Version = info.Version
		}
	}))
	report.Skew = time.Duration(u.skew.Load())
	if _, answered := errors.AsType[*answerError](err); answered {
		return report, nil
	}
	return report, err
}

// unifiFault reads an error code out of an answer of any of its APIs.
func unifiFault(body []byte) string {
	var e struct {
		Code string `json:"code"`
		legacyEnvelope
	}
	if json.Unmarshal(body, &e) != nil {
		return ""
	}
	return cmp.Or(e.Code, e.Meta.Msg)
}
