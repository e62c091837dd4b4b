package omadasim

import "fmt"

// Limits that local users and vouchers have in common, as the interface pages
// give their ranges.
const (
	maxKbps      = 10_485_760
	maxTrafficMB = 10_485_760
)

type rateLimit struct {
	Mode    *int         `json:"mode"`
	Profile string       `json:"rateLimitProfileId,omitempty"`
	Custom  *customRates `json:"customRateLimit,omitempty"`
}

type customRates struct {
	HasDown *bool  `json:"downLimitEnable"`
	Down    *int64 `json:"downLimit,omitempty"`
	HasUp   *bool  `json:"upLimitEnable"`
	Up      *int64 `json:"upLimit,omitempty"`
}

// check returns the code of what is wrong, 0 if nothing is.
func (l *rateLimit) check() (int, error) {
	switch {
	case l == nil || l.Mode == nil:
		return codeInvalid, fmt.Errorf("rateLimit with its mode is required")
	case *l.Mode == 1:
		return codeProfile, fmt.Errorf("no rate limit profile %q", l.Profile)
	case *l.Mode != 0 || l.Custom == nil || l.Custom.HasDown == nil || l.Custom.HasUp == nil:
		return codeInvalid, fmt.Errorf("customRateLimit with both switches is required")
	case !fits(*l.Custom.HasDown, l.Custom.Down, 0, maxKbps), !fits(*l.Custom.HasUp, l.Custom.Up, 0, maxKbps):
		return codeInvalid, fmt.Errorf("a rate is out of range")
	}
	return 0, nil
}

// rates are those in force, in kbit/s; 0 is no limit. Downlink is towards the guest.
func (l *rateLimit) rates() (down, up int) {
	if *l.Custom.HasDown {
		down = int(*l.Custom.Down)
	}
	if *l.Custom.HasUp {
		up = int(*l.Custom.Up)
	}
	return down, up
}

// fits reports whether a value is there if it must be, and in its range if it is.
func fits(needed bool, v *int64, low, high int64) bool {
	if v == nil {
		return !needed
	}
	return *v >= low && *v <= high
}

type traffic struct {
	Capped *bool  `json:"trafficLimitEnable"`
	MB     *int64 `json:"trafficLimit,omitempty"`
	Every  *int64 `json:"trafficLimitFrequency,omitempty"`
}

func (t traffic) check() error {
	if t.Capped == nil || !fits(*t.Capped, t.MB, 1, maxTrafficMB) || !fits(*t.Capped, t.Every, 0, 3) {
		return fmt.Errorf("trafficLimitEnable is required, with trafficLimit 1 to %d and trafficLimitFrequency 0 to 3", maxTrafficMB)
	}
	return nil
}

func (t traffic) mb() int {
	if !*t.Capped {
		return 0
	}
	return int(*t.MB)
}
