package wifi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"edgeagent/drivers"
)

// The calls of UniFi Network that the driver makes, as the published OpenAPI
// documents of 9.1 to 10.5 have them (Integration API v1).

const (
	unifiV1     = "/proxy/network/integration/v1"
	voucherPage = 200
	// maxVouchers bounds a list that never ends.
	maxVouchers = 20_000
)

// voucher as the Integration API has it. rx is the guest's download.
type voucher struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Code      string    `json:"code"`
	CreatedAt time.Time `json:"createdAt"`
	Minutes   int       `json:"timeLimitMinutes"`
	Devices   int       `json:"authorizedGuestLimit"`
	Used      int       `json:"authorizedGuestCount"`
	DataMB    int       `json:"dataUsageLimitMBytes"`
	DownKbps  int       `json:"rxRateLimitKbps"`
	UpKbps    int       `json:"txRateLimitKbps"`
	Expired   bool      `json:"expired"`
}

// newVoucher is the body of a create; what is zero is left out: no limit.
type newVoucher struct {
	Name     string `json:"name"`
	Count    int    `json:"count"`
	Minutes  int    `json:"timeLimitMinutes"`
	Devices  int    `json:"authorizedGuestLimit,omitempty"`
	DataMB   int    `json:"dataUsageLimitMBytes,omitempty"`
	DownKbps int    `json:"rxRateLimitKbps,omitempty"`
	UpKbps   int    `json:"txRateLimitKbps,omitempty"`
}

var unifiID = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)

// named returns the vouchers whose name is exactly the given one, expired ones too.
func (u *unifi) named(ctx context.Context, name string) ([]voucher, error) {
	if u.login != nil {
		return u.oldNamed(ctx, name)
	}
	all, err := u.vouchers(ctx, "name.eq("+quote(name)+")")
	if err != nil {
		return nil, err
	}
	exact := all[:0]
	for _, v := range all {
		if v.Name == name {
			exact = append(exact, v)
		}
	}
	return exact, nil
}

// marked returns all vouchers that carry our marker, whatever the stay.
func (u *unifi) marked(ctx context.Context) ([]voucher, error) {
	if u.login != nil {
		return u.oldMarked(ctx)
	}
	return u.vouchers(ctx, "name.like("+quote(markerPrefix+"*")+")")
}

// quote is a string of the filter language: a quote inside is doubled.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

func (u *unifi) vouchers(ctx context.Context, filter string) ([]voucher, error) {
	var all []voucher
	for {
		var page struct {
			Total *int      `json:"totalCount"`
			Data  []voucher `json:"data"`
		}
		query := url.Values{"filter": {filter}, "limit": {strconv.Itoa(voucherPage)}, "offset": {strconv.Itoa(len(all))}}
		err := u.onSite(ctx, func(site string) request {
			return request{method: http.MethodGet, path: site + "/hotspot/vouchers", query: query, decode: into(&page)}
		})
		if err != nil {
			return nil, fmt.Errorf("list vouchers: %w", err)
		}
		if page.Total == nil { // then it is no list, and empty it looks like "no vouchers"
			return nil, fmt.Errorf("list vouchers: read the answer: %w", errNoList)
		}
		if len(page.Data) == 0 && len(all) < *page.Total {
			return nil, fmt.Errorf("list vouchers: %d of %d came", len(all), *page.Total)
		}
		for _, v := range page.Data {
			if !unifiID.MatchString(v.ID) {
				return nil, errors.New("list vouchers: an entry has no usable id")
			}
		}
		all = append(all, page.Data...)
		if len(all) >= *page.Total {
			return all, nil
		}
		if len(all) > maxVouchers {
			return nil, fmt.Errorf("list vouchers: more than %d", maxVouchers)
		}
	}
}

func (u *unifi) create(ctx context.Context, g Grant) (*voucher, error) {
	if u.login != nil {
		return u.oldCreate(ctx, g)
	}
	var reply struct {
		Vouchers []voucher `json:"vouchers"`
	}
	body := newVoucher{Name: g.marker(), Count: 1, Minutes: u.minutes(g.Until), Devices: g.Devices,
		DataMB: g.DataMB, DownKbps: g.DownKbps, UpKbps: g.UpKbps}
	err := u.onSite(ctx, func(site string) request {
		return request{method: http.MethodPost, path: site + "/hotspot/vouchers", body: body, decode: into(&reply)}
	})
	if err != nil {
		return nil, fmt.Errorf("create voucher: %w", err)
	}
	if len(reply.Vouchers) != 1 || reply.Vouchers[0].Code == "" || !unifiID.MatchString(reply.Vouchers[0].ID) {
		return nil, errors.New("create voucher: the answer holds no voucher") // the next try finds it
	}
	return &reply.Vouchers[0], nil
}

// remove deletes a voucher; one that is gone already is fine.
func (u *unifi) remove(ctx context.Context, id string) error {
	if u.login != nil {
		return u.oldRemove(ctx, id)
	}
	site, err := u.sitePath(ctx)
	if err != nil {
		return err
	}
	err = u.v1(ctx, request{method: http.MethodDelete, path: site + "/hotspot/vouchers/" + id, decode: ignore})
	if err != nil && !notFound(err) {
		return fmt.Errorf("delete voucher: %w", err)
	}
	return nil
}

func (u *unifi) v1(ctx context.Context, r request) error {
	r.path = unifiV1 + r.path
	r.fault = unifiFault
	return u.call(ctx, r)
}

// onSite calls with the site's path; the id may have become stale when a
// console was restored, so one that is not found is looked up again next time.
func (u *unifi) onSite(ctx context.Context, make func(site string) request) error {
	site, err := u.sitePath(ctx)
	if err != nil {
		return err
	}
	err = u.v1(ctx, make(site))
	if notFound(err) {
		u.mu.Lock()
		u.siteID = ""
		u.mu.Unlock()
	}
	return err
}

func (u *unifi) sitePath(ctx context.Context) (string, error) {
	u.mu.Lock()
	id := u.siteID
	u.mu.Unlock()
	if id != "" {
		return "/sites/" + id, nil
	}
	var page struct {
		Data []struct {
			ID  string `json:"id"`
			Ref string `json:"internalReference"`
		} `json:"data"`
	}
	err := u.v1(ctx, request{method: http.MethodGet, path: "/sites", decode: into(&page),
		query: url.Values{"filter": {"internalReference.eq(" + quote(u.site) + ")"}}})
	if err != nil {
		return "", fmt.Errorf("find site %s: %w", u.site, err)
	}
	for _, s := range page.Data {
		if s.Ref == u.site && unifiID.MatchString(s.ID) {
			u.mu.Lock()
			u.siteID = s.ID
			u.mu.Unlock()
			return "/sites/" + s.ID, nil
		}
	}
	return "", &drivers.LinkDown{Err: fmt.Errorf("%s has no site %q for this key: write the internal name from the address bar of the controller's pages", u.base.Host, u.site)}
}
