package pms

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Both nights of a clock change: in the gap and in the overlap the departure is
// the later instant and the arrival the earlier one.
func TestClockChange(t *testing.T) {
	for _, c := range []struct {
		name, zone, local  string
		departure, arrival string // in UTC
	}{
		{"Berlin spring gap", "Europe/Berlin", "2026-03-29 02:30", "2026-03-29T01:30:00Z", "2026-03-29T00:30:00Z"},
		{"Berlin autumn overlap", "Europe/Berlin", "2026-10-25 02:30", "2026-10-25T01:30:00Z", "2026-10-25T00:30:00Z"},
		{"Berlin spring, after", "Europe/Berlin", "2026-03-29 03:00", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z"},
		{"Berlin spring, before", "Europe/Berlin", "2026-03-29 01:59", "2026-03-29T00:59:00Z", "2026-03-29T00:59:00Z"},
		{"Berlin autumn, before", "Europe/Berlin", "2026-10-25 01:59", "2026-10-24T23:59:00Z", "2026-10-24T23:59:00Z"},
		{"Berlin autumn, after", "Europe/Berlin", "2026-10-25 03:00", "2026-10-25T02:00:00Z", "2026-10-25T02:00:00Z"},
		{"New York spring gap", "America/New_York", "2026-03-08 02:30", "2026-03-08T07:30:00Z", "2026-03-08T06:30:00Z"},
		{"New York autumn overlap", "America/New_York", "2026-11-01 01:30", "2026-11-01T06:30:00Z", "2026-11-01T05:30:00Z"},
		{"Sydney spring gap", "Australia/Sydney", "2026-10-04 02:30", "2026-10-03T16:30:00Z", "2026-10-03T15:30:00Z"},
		{"Sydney autumn overlap", "Australia/Sydney", "2026-04-05 02:30", "2026-04-04T16:30:00Z", "2026-04-04T15:30:00Z"},
		{"Lord Howe spring gap", "Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-03T15:45:00Z", "2026-10-03T15:15:00Z"},
		{"Lord Howe autumn overlap", "Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-04T15:15:00Z", "2026-04-04T14:45:00Z"},
		{"noon of the day", "Europe/Berlin", "2026-03-29 12:00", "2026-03-29T10:00:00Z", "2026-03-29T10:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &Field{New: c.local}
			z := zone(t, c.zone)
			out := edge{zone: z, usual: 12 * time.Hour, later: true}.read(sayings{whole: f}, time.Time{})
			in := edge{zone: z, usual: 15 * time.Hour}.read(sayings{whole: f}, time.Time{})
			if got := out.UTC().Format(time.RFC3339); got != c.departure {
				t.Errorf("departure %s, want %s", got, c.departure)
			}
			if got := in.UTC().Format(time.RFC3339); got != c.arrival {
				t.Errorf("arrival %s, want %s", got, c.arrival)
			}
		})
	}
}

func TestDepartureForms(t *testing.T) {
	z := zone(t, "Europe/Berlin")
	known := time.Date(2026, 6, 12, 18, 0, 0, 0, z)
	for _, c := range []struct {
		name              string
		whole, date, hour string
		had               time.Time
		want              string
	}{
		{name: "RFC 3339, UTC", whole: "2026-06-12T10:00:00Z", want: "2026-06-12T12:00:00+02:00"},
		{name: "RFC 3339, offset", whole: "2026-06-12T10:00:00+09:00", want: "2026-06-12T03:00:00+02:00"},
		{name: "RFC 3339, fraction", whole: "2026-06-12T10:00:00.123456789+02:00", want: "2026-06-12T10:00:00+02:00"},
		{name: "RFC 3339, midnight is meant", whole: "2026-06-12T00:00:00+02:00", want: "2026-06-12T00:00:00+02:00"},
		{name: "local", whole: "2026-06-12T10:30", want: "2026-06-12T10:30:00+02:00"},
		{name: "local, blank between", whole: " 2026-06-12 10:30:15.000 ", want: "2026-06-12T10:30:15+02:00"},
		{name: "local midnight is no time", whole: "2026-06-12 00:00:00", want: "2026-06-12T12:00:00+02:00"},
		{name: "date only", whole: "2026-06-12", want: "2026-06-12T12:00:00+02:00"},
		{name: "date only, hour apart", whole: "2026-06-12", hour: "1130", want: "2026-06-12T11:30:00+02:00"},
		{name: "date", date: "2026-06-12", want: "2026-06-12T12:00:00+02:00"},
		{name: "date and hour", date: "2026-06-12", hour: "09:15", want: "2026-06-12T09:15:00+02:00"},
		{name: "date and a broken hour", date: "2026-06-12", hour: "25:15", want: "2026-06-12T12:00:00+02:00"},
		{name: "known date", date: "2026-06-12", had: known, want: "2026-06-12T18:00:00+02:00"},
		{name: "other date, later hour known", date: "2026-06-13", had: known, want: "2026-06-13T18:00:00+02:00"},
		{name: "other date, earlier hour known", date: "2026-06-13", had: known.Add(-10 * time.Hour), want: "2026-06-13T12:00:00+02:00"},
		{name: "hour only", hour: "16:00", had: known, want: "2026-06-12T16:00:00+02:00"},
		{name: "hour only, no date known", hour: "16:00", want: "0001-01-01T00:00:00Z"},
		{name: "no date", date: "2026-02-30", had: known, want: "2026-06-12T18:00:00+02:00"},
		{name: "no date at all", whole: "tomorrow", had: known, want: "2026-06-12T18:00:00+02:00"},
		{name: "a year beyond reason", whole: "9999-12-31T00:00:00Z", want: "0001-01-01T00:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s sayings
			for _, p := range []struct {
				to   **Field
				text string
			}{{&s.whole, c.whole}, {&s.date, c.date}, {&s.hour, c.hour}} {
				if p.text != "" {
					*p.to = &Field{New: p.text}
				}
			}
			got := edge{zone: z, usual: 12 * time.Hour, later: true}.read(s, c.had)
			if got.Truncate(time.Second).Format(time.RFC3339) != c.want {
				t.Errorf("%s, want %s", got.Format(time.RFC3339), c.want)
			}
		})
	}
}

func TestNights(t *testing.T) {
	for _, c := range []struct {
		name   string
		fields []string
		want   string
	}{
		{"from the arrival", []string{"arrival_date=2026-06-09", "nights=3"}, "2026-06-12T12:00:00+02:00"},
		{"from today", []string{"nights=3"}, "2026-06-13T12:00:00+02:00"},
		{"the date wins", []string{"nights=3", "departure_date=2026-06-20"}, "2026-06-20T12:00:00+02:00"},
		{"with an hour", []string{"nights=3", "departure_time=10:00"}, "2026-06-13T10:00:00+02:00"},
		{"no number", []string{"nights=many"}, ""},
		{"too many", []string{"nights=99999"}, ""},
		{"across the clock change", []string{"arrival_date=2026-06-10", "nights=150"}, "2026-11-07T12:00:00+01:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			h.say(KindCheckIn, "1", append(c.fields, "room=101")...)
			if got := rfc3339(h.stay("1").Departure); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// A departure never comes before, an arrival never after, what any clock of the
// zone can show at that local time; outside the changes they are exact.
func TestLocalTimesProperty(t *testing.T) {
	var zones []*time.Location
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Sydney", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia", "UTC"} {
		zones = append(zones, zone(t, name))
	}
	rapid.Check(t, func(t *rapid.T) {
		z := rapid.SampledFrom(zones).Draw(t, "zone")
		day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 1500).Draw(t, "day"))
		at := time.Duration(rapid.IntRange(0, 24*60-1).Draw(t, "minute")) * time.Minute
		out := edge{zone: z, later: true}.at(day, at)
		in := edge{zone: z}.at(day, at)
		if in.After(out) || out.Sub(in) > time.Hour {
			t.Fatalf("%s %s: in %s, out %s", day.Format(time.DateOnly), at, in, out)
		}
		wall := day.Add(at)
		plain := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), 0, 0, z)
		if out.Before(plain) || in.After(plain) {
			t.Fatalf("in %s, out %s, and time.Date has %s", in, out, plain)
		}
		if in.Equal(out) && !shows(out, wall) {
			t.Fatalf("%s shows another time than %s", out, wall)
		}
	})
}
