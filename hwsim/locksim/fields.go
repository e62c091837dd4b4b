package locksim

import (
	"strings"
	"time"
)

func at(f []string, i int) string {
	if i < len(f) {
		return f[i]
	}
	return ""
}

// printable refuses everything but printable ASCII.
func printable(v string, lines bool) bool {
	for i := range len(v) {
		if (v[i] < 0x20 || v[i] > 0x7E) && !(lines && v[i] == '\n') {
			return false
		}
	}
	return true
}

// containsAll says whether each byte of v is one of set.
func containsAll(set, v string) bool {
	for i := range len(v) {
		if strings.IndexByte(set, v[i]) < 0 {
			return false
		}
	}
	return true
}

func roomName(v string) bool { return v != "" && len(v) <= 24 }

// trackText holds a track to ISO 7811, without its sentinels.
func trackText(track int, v string) bool {
	if track == 1 {
		for i := range len(v) {
			if v[i] > '_' || v[i] == '%' || v[i] == '?' {
				return false
			}
		}
		return v != "" && len(v) <= 76
	}
	for i := range len(v) {
		if v[i] < '0' || v[i] > '?' {
			return false
		}
	}
	limit := 37
	if track == 3 {
		limit = 104
	}
	return v != "" && len(v) <= limit
}

// phone is E.164, with or without its plus.
func phone(v string) bool {
	v = strings.TrimPrefix(v, "+")
	return digits(v) && len(v) >= 6 && len(v) <= 15
}

func hexSerial(v string) bool {
	if len(v) < 8 || len(v) > 20 || len(v)%2 != 0 {
		return false
	}
	return containsAll("0123456789ABCDEFabcdef", v)
}

// readDate reads an instant in the property's zone. Of the two instants that
// one reading of the clock names when it is set back, the end of a stay takes
// the later and its start the earlier. Empty is no bound.
func readDate(layout string, zone *time.Location, v string, end bool) (time.Time, bool) {
	if v == "" {
		return time.Time{}, true
	}
	if len(v) != len(layout) || !digits(v) {
		return time.Time{}, false
	}
	t, err := time.ParseInLocation(layout, v, zone)
	if err != nil {
		return time.Time{}, false
	}
	for _, shift := range []time.Duration{-time.Hour, -30 * time.Minute, 30 * time.Minute, time.Hour} {
		if twin := t.Add(shift); twin.Format(time.DateTime) == t.Format(time.DateTime) && twin.After(t) == end {
			return twin, true
		}
	}
	return t, true
}

// stamp writes an instant as the link does.
func stamp(layout string, zone *time.Location, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format(layout)
}
