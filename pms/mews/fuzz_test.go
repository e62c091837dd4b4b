package mews

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func FuzzFrame(f *testing.F) {
	for _, text := range []string{
		`{"Events":[{"Type":"Reservation","Id":"11111111-2222-3333-4444-555555555555","State":"Started","AssignedResourceId":null}]}`,
		`{"Events":null}`, `{"Events":[{"Type":"DeviceCommand","Id":"11111111-2222-3333-4444-555555555555","State":"Pending"}]}`,
		`{"Events":[{"Type":"PriceUpdate","Id":"x","RateId":null,"StartUtc":"2026-01-01T00:00:00Z"}]}`, `[]`, `{"events":[1,null,{}]}`, "", "\x00",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		in := newInbox()
		for range 40 {
			in.frame(text, time.Time{})
		}
		c := in.take()
		if len(c.spoilt) > 16 || len(c.prices) > maxPrices {
			t.Errorf("%d spoilt, %d prices", len(c.spoilt), len(c.prices))
		}
		for _, raw := range c.spoilt {
			if len(raw) > 4096 {
				t.Errorf("%d bytes kept", len(raw))
			}
		}
		for _, keys := range []any{c.stays, c.rooms, c.commands} {
			for _, key := range reflect.ValueOf(keys).MapKeys() {
				if !isID(key.String()) {
					t.Errorf("%q would be asked for", key)
				}
			}
		}
	})
}

// answers is every list of the API in one.
type answers struct {
	Reservations  rows[reservationRow]
	Customers     rows[customerRow]
	Companionship rows[companionshipRow]
	Resources     rows[resourceRow]
	Services      rows[serviceRow]
	Categories    rows[categoryRow]
	Assignments   rows[assignmentRow]
	Devices       rows[deviceRow]
	Commands      rows[commandRow]
	Enterprise    enterpriseRow
	NowUtc        instant
}

func FuzzAnswer(f *testing.F) {
	for _, text := range []string{
		`{"Reservations":[{"Id":"a","State":"Started","UpdatedUtc":"2026-01-01T00:00:00.123Z","ScheduledStartUtc":"x"},null,7]}`,
		`{"Customers":[{"Id":"a","IsActive":false,"MergeTargetId":"b","Classifications":null},{"Classifications":"x"}]}`,
		`{"Commands":[{"Id":"a","Data":"{}","Device":{"Type":"KeyCutter"},"CreatedUtc":null},{"Device":[]}]}`,
		`{"Services":[{"Names":{"en":"x"},"Data":{"Discriminator":"Bookable"}}],"Categories":[{"Names":[]}],"Resources":null}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var a answers
		if json.Unmarshal(text, &a) != nil {
			return
		}
		for i := range a.Reservations.good {
			row := &a.Reservations.good[i]
			if y := row.UpdatedUtc.Year(); !row.UpdatedUtc.IsZero() && (y < 2000 || y >= 2200) {
				t.Errorf("year %d", y)
			}
			s := newSightings()
			s.handed(row, row.UpdatedUtc.Time)
			if s.new(row) {
				t.Error("not known again")
			}
		}
		all := people{known: map[string]customerRow{}, unread: map[string]bool{}}
		all.take(&a.Customers)
		for i := range a.Reservations.good {
			gather(&a.Reservations.good[i], []string{"a", "b", ""}, &all)
		}
	})
}

func FuzzRetryAfter(f *testing.F) {
	for _, text := range []string{"1", "0", "-3", "1.5", "1e308", "Inf", "NaN", "0x10", "Wed, 21 Oct 2026 07:28:00 GMT", "soon", " 7 ", ""} {
		f.Add(text, "Wed, 21 Oct 2026 07:27:00 GMT")
	}
	f.Fuzz(func(t *testing.T, text, date string) {
		h := http.Header{"Retry-After": {text}, "Date": {date}}
		if d := retryAfter(h, time.Date(2026, 10, 21, 0, 0, 0, 0, time.UTC)); d < 0 || d > maxRetryAfter {
			t.Errorf("wait of %s", d)
		}
	})
}

func FuzzWatermark(f *testing.F) {
	for _, text := range []string{"", "1/2026-01-01T00:00:00Z/2026-01-01T00:00:00Z/2026-01-01T00:00:00Z", "1///", "2/a/b/c", "1/2026-01-01T00:00:00+02:00/x/y"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w, ok := parseWatermark(text)
		if !ok && w != (watermark{}) {
			t.Error("half a watermark")
		}
		if again, ok := parseWatermark(w.String()); !ok || !sameSeconds(again, w) {
			t.Errorf("%q gives %v, then %v", text, w, again)
		}
	})
}

func sameSeconds(a, b watermark) bool {
	same := func(a, b time.Time) bool { return a.Equal(b.Truncate(time.Second)) }
	return same(a.stays, b.stays) && same(a.rooms, b.rooms) && same(a.guests, b.guests)
}

func TestWatermarkRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := func(name string) time.Time {
			return time.Unix(rapid.Int64Range(0, 7_000_000_000).Draw(t, name), 0).UTC()
		}
		w := watermark{at("stays"), at("rooms"), at("guests")}
		if again, ok := parseWatermark(w.String()); !ok || again != w {
			t.Fatalf("%s gives %v", w, again)
		}
	})
	for _, bad := range []string{"x", "1/", "1/a/b/c", "2/2026-01-01T00:00:00Z/2026-01-01T00:00:00Z/2026-01-01T00:00:00Z", strings.Repeat("/", 9)} {
		if w, ok := parseWatermark(bad); ok || w != (watermark{}) {
			t.Errorf("%q is read as %v", bad, w)
		}
	}
	if (watermark{}).String() != "" {
		t.Error("nothing read is no place")
	}
}

func TestRetryAfterForms(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 10, 21, 7, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		seconds := rapid.IntRange(-100, 10_000).Draw(t, "seconds")
		want := min(max(time.Duration(seconds)*time.Second, 0), maxRetryAfter)
		skew := time.Duration(rapid.IntRange(-10_000, 10_000).Draw(t, "skew")) * time.Second
		server := now.Add(skew) // the date counts from the server's own
		for _, h := range []http.Header{
			{"Retry-After": {strconv.Itoa(seconds)}},
			{"Retry-After": {server.Add(time.Duration(seconds) * time.Second).Format(http.TimeFormat)}, "Date": {server.Format(http.TimeFormat)}},
		} {
			if got := retryAfter(h, now); got != want {
				t.Fatalf("%v: %s, want %s", h, got, want)
			}
		}
	})
	if got := retryAfter(http.Header{}, now); got != 0 {
		t.Errorf("missing: %s", got)
	}
	if got := retryAfter(http.Header{"Retry-After": {now.Add(time.Minute).Format(http.TimeFormat)}}, now); got != time.Minute {
		t.Errorf("without a Date: %s", got)
	}
}

// Whatever arrives when, no window of 30 s gets more than its limit.
func TestBudgetNeverGivesTooMuch(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 60).Draw(t, "limit")
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		b := newBudget(limit, func() time.Time { return now })
		var sent []time.Time
		for range rapid.IntRange(1, 400).Draw(t, "requests") {
			now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "gap")) * time.Millisecond)
			e := errand(rapid.IntRange(0, 1).Draw(t, "errand"))
			if rapid.IntRange(0, 50).Draw(t, "flood") == 0 {
				b.rest(time.Duration(rapid.IntRange(0, 40).Draw(t, "rest")) * time.Second)
			}
			for wait := b.tryTake(e); wait > 0; wait = b.tryTake(e) {
				now = now.Add(wait)
			}
			sent = append(sent, now)
			in := 0
			for _, at := range sent {
				if now.Sub(at) < window {
					in++
				}
			}
			if in > limit {
				t.Fatalf("%d requests in 30 s, of %d", in, limit)
			}
			if len(b.sent) > limit {
				t.Fatalf("%d remembered", len(b.sent))
			}
		}
	})
}

func TestBudgetKeepsAShareForTheDesk(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	b := newBudget(200, func() time.Time { return now })
	n := 0
	for b.tryTake(reading) == 0 {
		n++
	}
	urgentToo := 0
	for b.tryTake(urgent) == 0 {
		urgentToo++
	}
	if n != 150 || urgentToo != 40 {
		t.Errorf("%d reads, and %d that a person waits for", n, urgentToo)
	}
	b.rest(time.Hour)
	if wait := b.tryTake(urgent); wait != maxRetryAfter {
		t.Errorf("wait %s", wait)
	}
	now = now.Add(-2 * time.Hour) // the clock was set back
	if wait := b.tryTake(urgent); wait > maxRetryAfter {
		t.Errorf("wait %s", wait)
	}
	now = now.Add(5 * time.Hour)
	if b.tryTake(reading) != 0 {
		t.Error("no request after the rest")
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		first := time.Duration(rapid.Int64Range(1, int64(48*time.Hour)).Draw(t, "first"))
		most := time.Duration(rapid.Int64Range(int64(first), int64(100*time.Hour)).Draw(t, "most"))
		n := rapid.IntRange(0, 1_000_000).Draw(t, "n")
		d := backoff(first, most, n)
		if d < first/2 || d > most {
			t.Fatalf("%s of %s to %s at %d", d, first, most, n)
		}
		if n > 70 && d < most/2 {
			t.Fatalf("%s of %s at %d", d, most, n)
		}
	})
}

func TestClockIsSet(t *testing.T) {
	t.Parallel()
	start := time.Now()
	now := func() time.Time { return start }
	c := newClock(now)
	server := start.Round(0).Add(2 * time.Hour)
	c.learn(server, start, start)
	if got := c.ahead(); got != 2*time.Hour {
		t.Errorf("ahead %s", got)
	}
	c.learn(server.Add(time.Second), start, start) // rounding
	if got := c.ahead(); got != 2*time.Hour {
		t.Errorf("ahead %s", got)
	}
	c.learn(server.Add(time.Hour), start, start.Add(20*time.Second)) // stretched
	if got := c.ahead(); got != 2*time.Hour {
		t.Errorf("ahead %s", got)
	}
	c.learn(server.Add(-3*time.Hour), start, start)
	if got := c.ahead(); got != -time.Hour || !c.server().Equal(start.Add(-time.Hour)) {
		t.Errorf("ahead %s", got)
	}
	if got := c.local(c.server()); !got.Equal(start) {
		t.Errorf("local %s", got)
	}
	c.learn(start.Round(0).Add(4*time.Second), start, start) // as good as none
	if c.ahead() != 0 || !c.server().Equal(start.Add(4*time.Second)) {
		t.Errorf("ahead %s", c.ahead())
	}
	if !c.local(time.Time{}).IsZero() {
		t.Error("no time is no time")
	}
}
