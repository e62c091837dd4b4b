package inspire

import (
	"strings"
	"testing"
	"time"
)

func half() float64 { return 0.5 }

func closed(code int) ending {
	return ending{stage: atStream, subscribed: true, lasted: time.Hour, code: code}
}

// Every line of the table of ends, on its first and on later occurrences.
func TestTableOfEnds(t *testing.T) {
	w := Waits{}.withDefaults(&dialects[0])
	sec := time.Second
	tests := []struct {
		name    string
		e       ending
		signal  string
		wait    time.Duration // of the first, with half the jitter
		fresh   bool
		fall    fallback
		park    int           // parked at this one in a row, 0 never
		parkFor time.Duration // at the first parking
		alarm   int           // alarm at this one in a row, 0 never
	}{
		{"token HTTP 400", ending{status: 400}, "token 400", 5 * time.Minute, true, fallbackNone, 1, 5 * time.Minute, 1},
		{"token HTTP 401", ending{status: 401}, "token 401", 5 * time.Minute, true, fallbackNone, 1, 5 * time.Minute, 1},
		{"token HTTP 403", ending{status: 403}, "token 403", 5 * time.Minute, true, fallbackNone, 1, 5 * time.Minute, 1},
		{"token HTTP 404", ending{status: 404}, "token 404", 5 * time.Minute, false, fallbackNone, 1, 5 * time.Minute, 1},
		{"token HTTP 429", ending{status: 429}, "http 429", 120 * sec, false, fallbackNone, 0, 0, 0},
		{"token HTTP 503", ending{status: 503}, "http 5xx", sec, false, fallbackNone, 0, 0, 0},
		{"token HTTP 302", ending{status: 302}, "http other", sec, false, fallbackNone, 0, 0, 3},
		{"upgrade HTTP 400", ending{stage: atUpgrade, status: 400}, "http 400", 5 * time.Minute, false, fallbackSubprotocol, 1, 5 * time.Minute, 1},
		{"upgrade HTTP 401", ending{stage: atUpgrade, status: 401}, "http 401", sec, true, fallbackNone, 2, 5 * time.Minute, 2},
		{"upgrade HTTP 403", ending{stage: atUpgrade, status: 403}, "http 403", sec, true, fallbackNone, 2, 5 * time.Minute, 2},
		{"upgrade HTTP 404", ending{stage: atUpgrade, status: 404}, "http 404", 5 * time.Minute, false, fallbackNone, 1, 5 * time.Minute, 1},
		{"upgrade HTTP 426", ending{stage: atUpgrade, status: 426}, "http 426", 5 * time.Minute, false, fallbackNone, 1, 5 * time.Minute, 1},
		{"upgrade HTTP 429", ending{stage: atUpgrade, status: 429}, "http 429", 120 * sec, false, fallbackNone, 0, 0, 0},
		{"upgrade HTTP 429 with a longer Retry-After", ending{stage: atUpgrade, status: 429, retryAfter: 300 * sec}, "http 429", 300 * sec, false, fallbackNone, 0, 0, 0},
		{"upgrade HTTP 499", ending{stage: atUpgrade, status: 499}, "http 499", sec, false, fallbackNone, 0, 0, 0},
		{"upgrade HTTP 500", ending{stage: atUpgrade, status: 500}, "http 5xx", sec, false, fallbackNone, 0, 0, 0},
		{"upgrade HTTP 503", ending{stage: atUpgrade, status: 503}, "http 5xx", sec, false, fallbackNone, 0, 0, 0},
		{"captive portal 200", ending{stage: atUpgrade, status: 200}, "http other", sec, false, fallbackNone, 0, 0, 3},
		{"captive portal 302", ending{stage: atUpgrade, status: 302}, "http other", sec, false, fallbackNone, 0, 0, 3},
		{"close 1000", closed(1000), "close 1000", 10 * sec, false, fallbackNone, 0, 0, 0},
		{"close 1001", closed(1001), "close 1001", 20 * sec, false, fallbackNone, 0, 0, 0},
		{"close 1002", closed(1002), "close 1002", 60 * sec, false, fallbackNone, 0, 0, 1},
		{"close 1003", closed(1003), "close 1003", 60 * sec, false, fallbackNone, 0, 0, 1},
		{"close 1005", closed(1005), "close 1006", 10 * sec, false, fallbackNone, 0, 0, 0},
		{"close 1006", closed(1006), "close 1006", 10 * sec, false, fallbackNone, 0, 0, 0},
		{"no close frame", closed(0), "close 1006", 10 * sec, false, fallbackNone, 0, 0, 0},
		{"close 1007", closed(1007), "close 1007", 60 * sec, false, fallbackNone, 0, 0, 1},
		{"close 1008", closed(1008), "close 1008", 30 * time.Minute, false, fallbackNone, 1, 30 * time.Minute, 1},
		{"close 1009", closed(1009), "close 1009", 10 * sec, false, fallbackNone, 3, 30 * time.Minute, 3},
		{"close 1011", closed(1011), "close 1011", 10 * sec, false, fallbackNone, 0, 0, 0},
		{"close 1012", closed(1012), "close 1012", 10 * sec, false, fallbackNone, 0, 0, 0},
		{"close 1013", closed(1013), "close 1013", 10 * sec, false, fallbackNone, 0, 0, 0},
		{"close 3000", closed(3000), "close other", 10 * sec, false, fallbackNone, 0, 0, 0},
		{"close 4004", closed(4004), "close 4004", 10 * sec, false, fallbackNone, 0, 0, 0},
		{"close 4005", closed(4005), "close 4005", 10 * sec, false, fallbackNone, 0, 0, 0},
		{"close 4400", closed(4400), "close 4400", 30 * time.Minute, false, fallbackQuery, 1, 30 * time.Minute, 1},
		{"close 4401", closed(4401), "close 4401", 10 * sec, true, fallbackNone, 3, 5 * time.Minute, 3},
		{"close 4403", closed(4403), "close 4403", 30 * time.Minute, false, fallbackNone, 1, 30 * time.Minute, 1},
		{"close 4406", closed(4406), "close 4406", 5 * time.Minute, false, fallbackSubprotocol, 1, 5 * time.Minute, 1},
		{"close 4408", closed(4408), "close 4408", 10 * sec, false, fallbackNone, 0, 0, 3},
		{"close 4409", closed(4409), "close 4409", 135 * sec, false, fallbackNone, 0, 0, 3},
		{"close 4429", closed(4429), "close 4429", 60 * sec, false, fallbackNone, 0, 0, 1},
		{"close 4499", closed(4499), "close 4499", 10 * sec, false, fallbackNone, 0, 0, 0},
		{"close 4500", closed(4500), "close 4500", 10 * sec, false, fallbackNone, 0, 0, 0},
		{"close 4504", closed(4504), "close 4504", 15 * sec, false, fallbackNone, 0, 0, 0},
		{"close 4777", closed(4777), "close 4xxx", 10 * sec, false, fallbackNone, 0, 0, 5},
		{"error frame: auth", ending{stage: atStream, opError: true, authWords: true}, "close 4403", 30 * time.Minute, false, fallbackNone, 1, 30 * time.Minute, 1},
		{"error frame: query", ending{stage: atStream, opError: true, queryWords: true}, "close 4400", 30 * time.Minute, false, fallbackQuery, 1, 30 * time.Minute, 1},
		{"error frame: other", ending{stage: atStream, opError: true}, "error frame", 10 * sec, false, fallbackNone, 0, 0, 0},
		{"complete after a while", ending{stage: atStream, complete: true}, "complete", 10 * sec, false, fallbackNone, 0, 0, 0},
		{"connection error", ending{stage: atAck, signal: "connection error"}, "connection error", 10 * sec, true, fallbackNone, 3, 5 * time.Minute, 3},
		{"ack timeout", ending{stage: atAck, signal: "ack timeout"}, "ack timeout", 10 * sec, false, fallbackNone, 0, 0, 0},
		{"dead", ending{stage: atStream, signal: "dead"}, "dead", 10 * sec, false, fallbackNone, 0, 0, 0},
		{"network", ending{stage: atUpgrade, signal: "network"}, "network", sec, false, fallbackNone, 0, 0, 0},
		{"tls", ending{stage: atUpgrade, signal: "tls"}, "tls", sec, false, fallbackNone, 0, 0, 3},
		{"foreign subprotocol", ending{stage: atUpgrade, signal: "subprotocol"}, "subprotocol", 5 * time.Minute, false, fallbackSubprotocol, 1, 5 * time.Minute, 1},
	}
	covered := map[string]bool{"settings": true, "token unusable": true}
	for _, tt := range tests {
		covered[tt.signal] = true
		t.Run(tt.name, func(t *testing.T) {
			h := newHistory()
			for n := 1; n <= 6; n++ {
				e := tt.e
				v := h.judge(&e, &w, "7", half)
				if v.row.signal != tt.signal || v.freshToken != tt.fresh || v.fallback != tt.fall {
					t.Fatalf("%d: row %q, fresh token %v, fallback %v", n, v.row.signal, v.freshToken, v.fallback)
				}
				if n == 1 && v.wait != tt.wait {
					t.Errorf("waits %s, want %s", v.wait, tt.wait)
				}
				if parked := tt.park > 0 && n >= tt.park; v.parked != parked || parked && n == tt.park && v.wait != tt.parkFor {
					t.Errorf("%d: parked %v for %s", n, v.parked, v.wait)
				}
				if alarmed := tt.alarm > 0 && n >= tt.alarm; (v.alarm != "") != alarmed {
					t.Errorf("%d: alarm %q", n, v.alarm)
				}
				if e.stage >= atAck && v.wait < w.Gap {
					t.Errorf("%d: waits %s, less than the gap", n, v.wait)
				}
			}
		})
	}
	for _, r := range endings {
		if !covered[r.signal] {
			t.Errorf("line %q has no test", r.signal)
		}
		if r.means == "" || r.alarm > 0 && r.code == "" || r.park > 0 && r.alarm == 0 {
			t.Errorf("line %q is incomplete", r.signal)
		}
	}
}

func TestBackoffDoublesToItsLimit(t *testing.T) {
	w := Waits{}.withDefaults(&dialects[0])
	h := newHistory()
	whole := func() float64 { return 1 }
	for i, want := range []time.Duration{2, 4, 8, 16, 32, 64, 120, 120} {
		if v := h.judge(&ending{stage: atUpgrade, signal: "network"}, &w, "", whole); v.wait != want*time.Second {
			t.Errorf("failure %d waits %s, want %ds", i+1, v.wait, want)
		}
	}
	h.healthy()
	if v := h.judge(&ending{stage: atUpgrade, signal: "network"}, &w, "", whole); v.wait != 2*time.Second {
		t.Errorf("after a healthy stream it waits %s", v.wait)
	}
}

func TestParkingGrowsToHalfAnHour(t *testing.T) {
	w := Waits{}.withDefaults(&dialects[0])
	h := newHistory()
	for i, want := range []time.Duration{5, 10, 20, 30, 30} {
		if v := h.judge(&ending{status: 401}, &w, "", half); !v.parked || v.wait != want*time.Minute {
			t.Errorf("refusal %d parks %v for %s, want %dm", i+1, v.parked, v.wait, want)
		}
	}
}

func TestQ18_KickWar(t *testing.T) {
	w := Waits{}.withDefaults(&dialects[0])
	h := newHistory()
	e := ending{stage: atStream, subscribed: true, lasted: 10 * time.Second, code: 1000}
	for i := 1; i <= 5; i++ {
		v := h.judge(&e, &w, "", half)
		if war := i > 3; v.kickWar != war || war && v.wait < w.BackoffMax {
			t.Errorf("end %d: war %v, waits %s", i, v.kickWar, v.wait)
		}
	}
	long := ending{stage: atStream, subscribed: true, lasted: 2 * time.Minute, code: 1000}
	h.judge(&long, &w, "", half)
	if v := h.judge(&e, &w, "", half); v.kickWar {
		t.Error("a stream that lasted must end the count")
	}
}

func TestQ16_QuickCompleteTwiceIsARefusal(t *testing.T) {
	w := Waits{}.withDefaults(&dialects[0])
	h := newHistory()
	e := ending{stage: atStream, complete: true, quick: true}
	if v := h.judge(&e, &w, "", half); v.parked || v.wait != w.Gap {
		t.Errorf("the first: parked %v, waits %s", v.parked, v.wait)
	}
	if v := h.judge(&e, &w, "", half); !v.parked || v.alarm != alarmRefused {
		t.Errorf("the second: parked %v, alarm %q", v.parked, v.alarm)
	}
}

func TestTooBigCountsPerOffset(t *testing.T) {
	w := Waits{}.withDefaults(&dialects[0])
	h := newHistory()
	e := closed(1009)
	for i, tt := range []struct {
		offset string
		parked bool
	}{{"5", false}, {"5", false}, {"6", false}, {"6", false}, {"6", true}} {
		if v := h.judge(&e, &w, tt.offset, half); v.parked != tt.parked {
			t.Errorf("%d at offset %s: parked %v", i, tt.offset, v.parked)
		}
	}
}

func TestErrorWords(t *testing.T) {
	for text, want := range map[string]ending{
		"Unauthorized chain":                         {authWords: true},
		"You do not have permission":                 {authWords: true},
		"FORBIDDEN":                                  {authWords: true},
		"Cannot query field \"hotelId\" on type":     {queryWords: true},
		"Syntax Error: Unexpected Name":              {queryWords: true},
		"GRAPHQL_VALIDATION_FAILED":                  {queryWords: true},
		"validation: fromOffset must be a string":    {queryWords: true, named: "offset"},
		"Validation error: Variable offset is wrong": {queryWords: true, named: "offset"},
		"database is down":                           {},
	} {
		var e ending
		if e.readWords(text, ""); e != want {
			t.Errorf("%q read as %+v", text, e)
		}
	}
}

func TestSubprotocolsAreTriedOnceEach(t *testing.T) {
	h := newHistory()
	var order []string
	used := transportWS
	for {
		next, ok := h.nextSubprotocol(&dialects[0], used)
		if !ok {
			break
		}
		order, used = append(order, next), next
	}
	if strings.Join(order, ",") != ","+legacyWS {
		t.Errorf("tried %q", order)
	}
	if _, ok := newHistory().nextSubprotocol(&dialects[1], transportWS); ok {
		t.Error("OPERA Cloud has no fallback")
	}
}

func TestQueryLadder(t *testing.T) {
	steps := func(worked bool, was attempt, e ending) []attempt {
		h := newHistory()
		var list []attempt
		for {
			next, ok := h.nextQuery(was, &e, "42", worked)
			if !ok {
				return list
			}
			list, was = append(list, next), next
		}
	}
	got := steps(true, attempt{selectLong, "number", false}, ending{})
	if len(got) != 2 || got[0].selection != selectShort || !got[1].noOffset {
		t.Errorf("worked before: %+v", got)
	}
	got = steps(false, attempt{selectShort, "number", false}, ending{})
	if len(got) != 1 || got[0].offsetType != "string" {
		t.Errorf("never worked: %+v", got)
	}
	got = steps(true, attempt{selectShort, "number", false}, ending{named: "offset"})
	if len(got) != 2 || got[0].offsetType != "string" || !got[1].noOffset {
		t.Errorf("offset named: %+v", got)
	}
}
