package wifi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// omadaRecord is one log-in of one device. It outlives the credential, and ends
// by itself at End.
type omadaRecord struct {
	ID       string `json:"id"`
	Voucher  string `json:"voucherCode"`
	UserName string `json:"localUserName"`
	Valid    bool   `json:"valid"`
	End      int64  `json:"end"` // ms since 1970
}

func (r omadaRecord) end() time.Time { return time.UnixMilli(r.End) }

const (
	omadaRecords = "/hotspot/authed-records"
	// What may be added to a log-in at once.
	omadaMinPeriod = time.Minute
	omadaMaxPeriod = 36_500 * 24 * time.Hour // a hundred of its 1,000,000 days' years
)

// owner is whose a log-in is: of its kind, since a name may read like a code.
func (h hotspotType) owner(r omadaRecord) string {
	if h == byVoucher {
		return r.Voucher
	}
	return r.UserName
}

// online finds the log-ins of these owners, names or vouchers, that are valid.
func (o *omada) online(ctx context.Context, by hotspotType, owners []string) ([]omadaRecord, error) {
	var live []omadaRecord
	for _, owner := range owners {
		found, err := omadaPages[omadaRecord](ctx, o.onSite, omadaRecords, owner)
		if err != nil {
			return nil, fmt.Errorf("find devices: %w", err)
		}
		for _, r := range found {
			if !r.Valid || by.owner(r) != owner {
				continue
			}
			if !omadaID.MatchString(r.ID) {
				return nil, errors.New("find devices: an entry has no usable id")
			}
			live = append(live, r)
		}
	}
	return live, nil
}

// cut ends the log-ins of these owners.
func (o *omada) cut(ctx context.Context, by hotspotType, owners []string) (int, error) {
	live, err := o.online(ctx, by, owners)
	if err != nil {
		return 0, err
	}
	for _, r := range live {
		if err := o.disconnect(ctx, r); err != nil {
			return 0, err
		}
	}
	return len(live), nil
}

func (o *omada) disconnect(ctx context.Context, r omadaRecord) error {
	err := o.onSite(ctx, request{method: http.MethodPost, path: omadaRecords + "/" + r.ID + "/disconnect"}, nil)
	if err != nil && !omadaIs(err, omadaNotHere) {
		return fmt.Errorf("disconnect a device: %w", err)
	}
	return nil
}

// stretch gives the log-ins of these owners another end. They cannot be made
// shorter: one that would last too long is ended, and its guest logs in again.
//
// Whether a period counts from the present end or from now is not published.
// Counted from the end first, then what is missing from now: so none of both
// readings ends later than it should.
func (o *omada) stretch(ctx context.Context, by hotspotType, owners []string, until time.Time) error {
	for from := range 2 {
		live, err := o.online(ctx, by, owners)
		if err != nil {
			return err
		}
		changed := false
		for _, r := range live {
			missing := until.Sub(r.end())
			switch {
			case r.End <= 0: // unknown: better left alone than given half a century
			case missing < -tolerance:
				err = o.disconnect(ctx, r)
			case missing > tolerance && from == 0:
				changed, err = true, o.prolong(ctx, r, missing)
			case missing > tolerance:
				err = o.prolong(ctx, r, until.Sub(o.now()))
			}
			if err != nil {
				return err
			}
		}
		if !changed {
			break
		}
	}
	return nil
}

func (o *omada) prolong(ctx context.Context, r omadaRecord, period time.Duration) error {
	body := map[string]int64{"period": min(max(period, omadaMinPeriod), omadaMaxPeriod).Milliseconds()}
	err := o.onSite(ctx, request{method: http.MethodPost, path: omadaRecords + "/" + r.ID + "/period", body: body}, nil)
	if err != nil && !omadaIs(err, omadaNotHere) {
		return fmt.Errorf("prolong a device's access: %w", err)
	}
	return nil
}
