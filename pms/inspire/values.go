package inspire

import (
	"strconv"
	"strings"
	"time"

	"edgeagent/pms"
)

// tidyFor returns what brings the values of a field into the form that
// pms.Notice documents, nil if they are taken as they are.
func tidyFor(field string) func(string) string {
	switch field {
	case pms.FieldArrivalDate, pms.FieldDepartureDate:
		return tidyDate
	case pms.FieldArrivalTime, pms.FieldDepartureTime:
		return tidyTime
	case pms.FieldGuestService:
		return tidyService
	case pms.FieldRoom, pms.FieldOldRoom, pms.FieldStatus, pms.FieldReservation, pms.FieldProperty:
		return strings.TrimSpace
	}
	return nil
}

// tidyDate makes YYYY-MM-DD of the date forms seen; other text stays as it is.
func tidyDate(s string) string {
	s = strings.TrimSpace(s)
	if len(s) <= 10 && !strings.Contains(s, "-") || isDate(s) {
		return s
	}
	if len(s) > 10 && isDate(s[:10]) {
		return s[:10]
	}
	day, _, _ := strings.Cut(s, " ")
	if t, err := time.Parse("02-Jan-06", capitalMonth(day)); err == nil {
		return t.Format(time.DateOnly)
	}
	return s
}

// isDate reports whether s is written YYYY-MM-DD. It runs for every date of
// every event, so it does not go through time.Parse.
func isDate(s string) bool {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return false
	}
	month, day := s[5:7], s[8:10]
	return isDigits(s[:4]) && isDigits(month) && isDigits(day) &&
		"01" <= month && month <= "12" && "01" <= day && day <= "31"
}

// tidyTime makes HH:MM of a time of day, with or without a date before it.
func tidyTime(s string) string {
	s = strings.TrimSpace(s)
	clock := s
	if len(s) > 11 && isDate(s[:10]) {
		clock = s[11:]
	}
	for _, layout := range []string{"15:04", "15:04:05", "15:04:05.999999999", "3:04 PM", "1504"} {
		if t, err := time.Parse(layout, clock); err == nil {
			return t.Format("15:04")
		}
	}
	return s
}

func tidyService(s string) string {
	switch normalise(s) {
	case "do not disturb", "dnd":
		return "DoNotDisturb"
	case "make up room", "makeup room", "mur":
		return "MakeUpRoom"
	case "no status selected", "none", "":
		return "NoStatusSelected"
	}
	return s
}

// stampLayouts are the two forms of an event's time seen at OPERA Cloud, and
// what a hand-made server is likely to write. Those without a zone are local.
var stampLayouts = [...]string{
	"2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04:05.999999999",
	"02-Jan-06 03.04.05.999999999 PM",
	"02-Jan-06 15.04.05.999999999",
}

// parseStamp reads an event's own time. In the hour that occurs twice it takes
// the first, and around the one that does not occur the earlier reading: it
// answers "not before", so too early is safe and too late is not.
func parseStamp(s string, zone *time.Location) (time.Time, bool) {
	s = strings.TrimSpace(s)
	if s == "" {
		return time.Time{}, false
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t, true
	}
	text := capitalMonth(s)
	for _, layout := range stampLayouts {
		if naive, err := time.Parse(layout, text); err == nil {
			return earliest(naive, zone), true
		}
	}
	return time.Time{}, false
}

// capitalMonth turns 28-APR-24 into 28-Apr-24, as the time package wants it.
func capitalMonth(s string) string {
	if len(s) < 6 || s[2] != '-' {
		return s
	}
	return s[:3] + strings.ToUpper(s[3:4]) + strings.ToLower(s[4:6]) + s[6:]
}

// earliest is the first instant at which a clock in zone can have shown the
// time that naive shows in UTC. Where no clock ever showed it, it is the
// earlier of the two readings.
func earliest(naive time.Time, zone *time.Location) time.Time {
	reading := func(probe time.Duration) (time.Time, bool) {
		_, offset := naive.Add(probe).In(zone).Zone()
		t := naive.Add(-time.Duration(offset) * time.Second).In(zone)
		_, shown := t.Zone()
		return t, shown == offset
	}
	a, aShown := reading(-26 * time.Hour)
	b, bShown := reading(26 * time.Hour)
	if aShown != bShown {
		if aShown {
			return a
		}
		return b
	}
	if b.Before(a) {
		return b
	}
	return a
}

// isDigits reports whether s is a whole number without a sign.
func isDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

func trimZeros(s string) string {
	for len(s) > 1 && s[0] == '0' {
		s = s[1:]
	}
	return s
}

// below compares two whole numbers of any length, as text: no arithmetic, so
// no width to overflow. It is false when one of them is no whole number.
func below(a, b string) bool {
	if !isDigits(a) || !isDigits(b) {
		return false
	}
	a, b = trimZeros(a), trimZeros(b)
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}

// lifetimeNumber reads a number of seconds written as a number or as text.
func lifetimeNumber(s string) (time.Duration, bool) {
	n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || n <= 0 || n > 366*24*3600 {
		return 0, false
	}
	return time.Duration(n * float64(time.Second)), true
}
