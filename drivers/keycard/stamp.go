package keycard

import (
	"fmt"
	"time"
)

// startAhead is how far in the future a start must lie to be sent at all:
// locks keep time badly, and would turn away a guest who comes a minute early.
const startAhead = 5 * time.Minute

// edge says which end of a validity an instant is.
type edge int

const (
	opening edge = iota // in a repeated hour the earlier instant is meant
	closing             // in a repeated hour the later one
)

// minuteOf is the minute that is written for an instant: seconds are cut at the
// start and rounded up at the end, so that a guest is never locked out early.
func minuteOf(t time.Time, e edge) time.Time {
	cut := t.Truncate(time.Minute)
	if e == closing && cut.Before(t) {
		return cut.Add(time.Minute)
	}
	return cut
}

// hourOf is the same for locks whose clocks count full hours. The hour is the
// property's clock's: a zone may be half an hour off, and so may a clock change.
func hourOf(t time.Time, zone *time.Location, e edge) time.Time {
	local := t.In(zone)
	wall := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), 0, 0, 0, time.UTC)
	if e == closing && (local.Minute() > 0 || local.Second() > 0 || local.Nanosecond() > 0) {
		wall = wall.Add(time.Hour)
	}
	return onClock(wall, zone, e)
}

// round gives the instant that an encoder of the dialect is told for t.
func (d *dialect) round(t time.Time, zone *time.Location, e edge) time.Time {
	if d.hours {
		return hourOf(t, zone, e)
	}
	return minuteOf(t, e)
}

// write puts an instant as the dialect has it, on the property's clock, 24 hours.
func (d *dialect) write(t time.Time, zone *time.Location) string { return t.In(zone).Format(d.stamp) }

// parseStamp reads hhmmDDMMYY or hhDDMMYY: lock systems answer with either, so
// the length decides. "" is the zero time.
func parseStamp(text string, zone *time.Location, e edge) (time.Time, error) {
	layout := "1504020106"
	switch len(text) {
	case 0:
		return time.Time{}, nil
	case 8:
		layout = "15020106"
	}
	t, err := time.Parse(layout, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a time of the form hhmmDDMMYY", printable(text, 20))
	}
	return onClock(t, zone, e), nil
}

// onClock finds the instant at which the property's clock shows what t shows in
// UTC. time.Date promises nothing on the two nights of a clock change, so both
// neighbouring offsets are tried: in a repeated hour the edge decides, in a
// skipped hour the clock moves forward.
func onClock(t time.Time, zone *time.Location, e edge) time.Time {
	wall := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
	_, before := wall.Add(-24 * time.Hour).In(zone).Zone()
	_, after := wall.Add(24 * time.Hour).In(zone).Zone()
	// The greater offset gives the earlier instant.
	early := wall.Add(-time.Duration(max(before, after)) * time.Second).In(zone)
	late := wall.Add(-time.Duration(min(before, after)) * time.Second).In(zone)
	shows := func(x time.Time) bool { return x.Hour() == wall.Hour() && x.Minute() == wall.Minute() }
	switch {
	case shows(early) && shows(late):
		if e == opening {
			return early
		}
		return late
	case shows(early):
		return early
	case shows(late):
		return late
	}
	// Skipped: the offset from before the change carries the clock past the gap.
	return wall.Add(-time.Duration(before) * time.Second).In(zone)
}

// parseInstant reads the value of an instant parameter: RFC 3339, or a date and
// time on the property's clock.
func parseInstant(text string, zone *time.Location, e edge) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			return onClock(t, zone, e), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not an instant: write it as 2026-07-17T11:00:00+02:00", printable(text, 40))
}
