package wifi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"edgeagent/drivers"
)

// Probe asks for the voucher server, the zones, and one session: all that the
// key's privilege must reach. It asks for no version, which would take another
// privilege.
func (o *opnsense) Probe(ctx context.Context) (Report, error) {
	if err := o.serverExists(ctx); err != nil {
		return Report{}, tooOld(err)
	}
	report := Report{Product: "OPNsense", Site: o.server, Skew: time.Duration(o.skew.Load())}
	if _, err := o.groups(ctx); err != nil {
		return report, err
	}
	zones, err := o.zones(ctx)
	if err != nil {
		return report, err
	}
	if err := o.zonesExist(zones); err != nil {
		return report, err
	}
	_, err = o.sessions(ctx, 1)
	return report, tooOld(err)
}

func (o *opnsense) zonesExist(zones map[string]string) error {
	if len(zones) == 0 {
		return &drivers.LinkDown{Err: errors.New("OPNsense has no captive portal zone: make one under Services, Captive Portal, with the voucher server for authentication")}
	}
	for _, zone := range o.cfg.Zones {
		if _, ok := zones[strconv.Itoa(zone)]; !ok {
			ids := slices.SortedFunc(maps.Keys(zones), func(a, b string) int {
				return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b)) // as numbers
			})
			return &drivers.LinkDown{Err: fmt.Errorf("OPNsense has no captive portal zone %d: zones may list %s", zone, strings.Join(ids, ", "))}
		}
	}
	return nil
}

// tooOld explains a call that is not there.
func tooOld(err error) error {
	var answer *answerError
	if errors.As(err, &answer) && answer.status == http.StatusNotFound {
		return &drivers.LinkDown{Err: fmt.Errorf("%w: this OPNsense lacks a call of the captive portal: update it, or correct url", err)}
	}
	return err
}
