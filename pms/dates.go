package pms

import (
	"strconv"
	"strings"
	"time"
)

// sayings are the fields of a notice that say when a stay begins or ends.
// Which of them a PMS sends differs by PMS and by event.
type sayings struct {
	whole, date, hour *Field
}

// times gathers what a notice says of arrival, departure and nights.
type times struct {
	arrival, departure sayings
	nights             *Field
}

// note keeps f if it says something about the times of a stay.
func (t *times) note(f *Field) {
	switch f.Name {
	case FieldArrival:
		t.arrival.whole = f
	case FieldArrivalDate:
		t.arrival.date = f
	case FieldArrivalTime:
		t.arrival.hour = f
	case FieldDeparture:
		t.departure.whole = f
	case FieldDepartureDate:
		t.departure.date = f
	case FieldDepartureTime:
		t.departure.hour = f
	case FieldNights:
		t.nights = f
	}
}

// edge is one end of a stay: how to read what the PMS says about it.
type edge struct {
	zone *time.Location
	// usual is the local time of day when only a date is known.
	usual time.Duration
	// later settles what a clock change leaves open, and what is left open
	// between an hour that is known and the usual one. Departures take the
	// later instant and arrivals the earlier, so nobody is cut short.
	later bool
}

// read turns what a notice says into an instant; had is what was known before,
// and is returned when the notice says nothing that can be read.
func (e edge) read(s sayings, had time.Time) time.Time {
	if s.whole != nil {
		if t, hour, ok := e.parse(s.whole.New); ok {
			if hour {
				return t
			}
			return e.onDate(t, s.hour, had)
		}
	}
	if s.date != nil {
		if day, ok := parseDate(strings.TrimSpace(s.date.New)); ok {
			return e.onDate(day, s.hour, had)
		}
	}
	if s.hour != nil && !had.IsZero() {
		if hour, ok := parseClock(strings.TrimSpace(s.hour.New)); ok {
			return e.at(dateOf(had.In(e.zone)), hour)
		}
	}
	return had
}

// parse reads RFC 3339, or a local date with or without a time. Without a time
// it returns the date in UTC and hour false.
func (e edge) parse(text string) (t time.Time, hour, ok bool) {
	text = strings.TrimSpace(text)
	if len(text) >= len("2006-01-02T15:04:05Z") && len(text) <= len("2006-01-02T15:04:05.999999999+07:00") {
		if tail := text[len(text)-6:]; tail[5] == 'Z' || tail[5] == 'z' || (tail[0] == '+' || tail[0] == '-') && tail[3] == ':' {
			t, err := time.ParseInLocation(time.RFC3339, strings.Replace(text, " ", "T", 1), e.zone)
			return t.In(e.zone), true, err == nil && sane(t.Year())
		}
	}
	date, clock, cut := strings.Cut(text, "T")
	if !cut {
		date, clock, _ = strings.Cut(text, " ")
	}
	day, ok := parseDate(date)
	if !ok {
		return time.Time{}, false, false
	}
	at, ok := parseClock(strings.TrimSpace(clock))
	// Midnight in a field that holds date and time is how a PMS spells "no time".
	if !ok || at == 0 {
		return day, false, true
	}
	return e.at(day, at), true, true
}

// onDate is the instant on a date: at the hour the notice gives, else as it was
// known for that date, else at the usual hour or the hour known for another
// date, whichever treats the guest better.
func (e edge) onDate(day time.Time, hour *Field, had time.Time) time.Time {
	if hour != nil {
		if at, ok := parseClock(strings.TrimSpace(hour.New)); ok {
			return e.at(day, at)
		}
	}
	if had.IsZero() {
		return e.at(day, e.usual)
	}
	local := had.In(e.zone)
	if dateOf(local).Equal(day) {
		return had
	}
	at := time.Duration(local.Hour())*time.Hour + time.Duration(local.Minute())*time.Minute + time.Duration(local.Second())*time.Second
	if e.later {
		return e.at(day, max(at, e.usual))
	}
	return e.at(day, min(at, e.usual))
}

// at is the instant at which the property's clocks show that time of day. On
// the nights of a clock change there can be two such instants or none, and
// time.Date promises nothing; so both neighbouring offsets are tried here.
func (e edge) at(day time.Time, clock time.Duration) time.Time {
	wall := day.Add(clock)
	_, before := wall.Add(-24 * time.Hour).In(e.zone).Zone()
	_, after := wall.Add(24 * time.Hour).In(e.zone).Zone()
	a := wall.Add(-time.Duration(before) * time.Second).In(e.zone)
	b := wall.Add(-time.Duration(after) * time.Second).In(e.zone)
	switch okA, okB := shows(a, wall), shows(b, wall); {
	case okA && !okB:
		return a
	case okB && !okA:
		return b
	}
	if a.After(b) == e.later {
		return a
	}
	return b
}

// shows reports whether the local clock of t shows wall, which is written in UTC.
func shows(t, wall time.Time) bool {
	_, offset := t.Zone()
	return t.Add(time.Duration(offset) * time.Second).Equal(wall)
}

// dateOf is the date that t shows, written as midnight UTC.
func dateOf(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// sane bounds years to what a stay can have; beyond it, arithmetic and RFC 3339 break.
func sane(year int) bool { return year >= 2000 && year < 2200 }

// parseDate reads YYYY-MM-DD as midnight UTC.
func parseDate(text string) (time.Time, bool) {
	if len(text) != 10 || text[4] != '-' || text[7] != '-' {
		return time.Time{}, false
	}
	y, okY := digits(text[:4])
	m, okM := digits(text[5:7])
	d, okD := digits(text[8:])
	if !okY || !okM || !okD || !sane(y) || m < 1 || m > 12 || d < 1 {
		return time.Time{}, false
	}
	day := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	return day, day.Day() == d // 31 June is no date
}

// parseClock reads HH:MM, HH:MM:SS with or without a fraction, and HHMM.
func parseClock(text string) (time.Duration, bool) {
	text, _, _ = strings.Cut(text, ".")
	if len(text) == 4 {
		h, okH := digits(text[:2])
		m, okM := digits(text[2:])
		return clock(h, m, 0), okH && okM && h < 24 && m < 60
	}
	if len(text) != 5 && len(text) != 8 || text[2] != ':' {
		return 0, false
	}
	h, okH := digits(text[:2])
	m, okM := digits(text[3:5])
	s, okS := 0, true
	if len(text) == 8 {
		s, okS = digits(text[6:])
		okS = okS && text[5] == ':'
	}
	return clock(h, m, s), okH && okM && okS && h < 24 && m < 60 && s < 60
}

func clock(h, m, s int) time.Duration {
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second
}

func digits(text string) (int, bool) {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return 0, false
		}
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

// read works out arrival and departure. Nights count only where the notice
// names no day of departure; today is the property's date of the notice, used
// when a guest checks in and no arrival is known, zero otherwise.
func (t *times) read(in, out edge, arrival, departure, today time.Time) (time.Time, time.Time) {
	arrival = in.read(t.arrival, arrival)
	before := departure
	departure = out.read(t.departure, departure)
	if t.nights == nil || t.departure.date != nil || t.departure.whole != nil {
		return arrival, departure
	}
	nights, ok := digits(strings.TrimSpace(t.nights.New))
	if !ok || strings.TrimSpace(t.nights.New) == "" || nights > 3650 {
		return arrival, departure
	}
	first := today
	if !arrival.IsZero() {
		first = dateOf(arrival.In(in.zone))
	}
	if first.IsZero() {
		return arrival, departure
	}
	return arrival, out.onDate(first.AddDate(0, 0, nights), t.departure.hour, before)
}
