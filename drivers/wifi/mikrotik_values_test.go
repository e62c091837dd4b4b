package wifi

import (
	"strings"
	"testing"
	"time"
)

func TestRouterInterval(t *testing.T) {
	for _, test := range []struct {
		d    time.Duration
		text string
	}{
		{0, "0s"}, {-time.Hour, "0s"}, {999 * time.Millisecond, "0s"}, {59 * time.Second, "59s"},
		{26*time.Hour + 3*time.Minute + 4*time.Second, "1d2h3m4s"},
		{15 * 24 * time.Hour, "15d"}, {1 << 62, "24855d3h14m7s"},
	} {
		if got := routerInterval(test.d); got != test.text {
			t.Errorf("%v: %s, want %s", test.d, got, test.text)
		}
	}
	for _, test := range []struct {
		text string
		d    time.Duration
		ok   bool
	}{
		{"", 0, true}, {"0s", 0, true}, {"1d2h3m4s", 26*time.Hour + 3*time.Minute + 4*time.Second, true},
		{"2w1d", 15 * 24 * time.Hour, true}, {"00:30:00", 30 * time.Minute, true},
		{"1w2d03:04:05", 9*24*time.Hour + 3*time.Hour + 4*time.Minute + 5*time.Second, true},
		{"48:00:01", 48*time.Hour + time.Second, true},
		{"none", 0, false}, {"5", 0, false}, {"4s3m", 0, false}, {"1d1d", 0, false}, {"-1s", 0, false},
		{"99999999999s", 0, false}, {"9999999999s", 0, false}, {"24855d4h", 0, false},
	} {
		if got, ok := parseInterval(test.text); ok != test.ok || ok && got != test.d {
			t.Errorf("%q: %v %v, want %v %v", test.text, got, ok, test.d, test.ok)
		}
	}
}

// The router's rx is what it receives from the guest: the upload.
func TestRouterRates(t *testing.T) {
	for _, test := range []struct {
		text     string
		down, up int
		ok       bool
	}{
		{"2M/10M", 10_000, 2_000, true}, {"512k/2M 1M/4M 512k/2M 10/10 8", 2_000, 512, true},
		{"5M", 5_000, 5_000, true}, {"5000000/20000000", 20_000, 5_000, true}, {"0/20M", 20_000, 0, true},
		{"", 0, 0, true}, {" ", 0, 0, false}, {"M/2M", 0, 0, false}, {"1MM/2M", 0, 0, false}, {"fast", 0, 0, false}, {"1M/", 0, 0, false},
	} {
		down, up, ok := routerRates(test.text)
		if ok != test.ok || ok && (down != test.down || up != test.up) {
			t.Errorf("%q: down %d, up %d, %v; want %d, %d, %v", test.text, down, up, ok, test.down, test.up, test.ok)
		}
	}
	for want, tier := range map[string]Tier{"5M/20M": {DownKbps: 20_000, UpKbps: 5_000}, "0/512k": {DownKbps: 512}} {
		if got := writeRates(tier); got != want {
			t.Errorf("%+v: %s, want %s", tier, got, want)
		}
	}
}

func TestParseStamp(t *testing.T) {
	for _, test := range []struct {
		text  string
		ours  bool
		since time.Time
	}{
		{"htl:" + keyA + "@2026-11-22T14:00:00Z", true, start},
		{"htl:" + keyA + "-2@2026-11-22T14:00:00Z/2026-11-22T18:00:00Z", true, start.Add(4 * time.Hour)},
		{"htl:" + keyA, true, time.Unix(0, 0)},
		{"htl:" + keyA + "@soon", true, time.Unix(0, 0)},
		{"htl:" + keyA + "@2026-11-22T14:00:00Z told at the desk", true, start},
		{"htl:" + keyA + "VIP", false, time.Time{}},
		{"htl:", false, time.Time{}}, {"", false, time.Time{}}, {"counters and limits for trial users", false, time.Time{}},
	} {
		s, ours := parseStamp(test.text)
		if ours != test.ours || ours && !s.since().Equal(test.since) {
			t.Errorf("%q: %+v %v", test.text, s, ours)
		}
	}
}

func FuzzParseInterval(f *testing.F) {
	for _, seed := range []string{"1w2d3h4m5s", "1d02:03:04", "0s", "", "99999999999w"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, ok := parseInterval(text)
		if d < 0 || ok && d > maxInterval {
			t.Fatalf("%q: %v", text, d)
		}
		if again, same := parseInterval(routerInterval(d)); ok && (!same || again != d) {
			t.Errorf("%q: %v is written %s and read %v", text, d, routerInterval(d), again)
		}
	})
}

func FuzzRouterRates(f *testing.F) {
	for _, seed := range []string{"2M/10M", "512k/2M 1M/4M 512k/2M 10/10 8", "5M", "0/0", "4294967295G"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if down, up, ok := routerRates(text); ok && (down < 0 || up < 0) {
			t.Errorf("%q: down %d, up %d", text, down, up)
		}
	})
}

func FuzzParseStamp(f *testing.F) {
	for _, seed := range []string{"htl:" + keyA + "@2026-11-22T14:00:00Z/2026-11-24T18:00:00Z", "htl:" + keyA, "htl:@/", "trial"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, ours := parseStamp(text)
		if ours && !strings.HasPrefix(text, markerPrefix) {
			t.Fatalf("%q is not ours", text)
		}
		if again, still := parseStamp(s.String()); ours && !s.made.IsZero() && (!still || again != s) {
			t.Errorf("%q is read %+v, written %s and read %+v", text, s, s, again)
		}
	})
}
