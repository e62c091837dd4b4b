package drivers

import (
	"testing"
	"time"
)

func TestLetsIn(t *testing.T) {
	now := time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name string
		in   map[string]string
		want bool
	}{
		{"nothing", nil, false},
		{"no code", map[string]string{"until": "2026-11-23T14:00:00Z"}, false},
		{"a code", map[string]string{"code": "c", "until": "2026-11-22T14:00:01Z"}, true},
		{"a code that has ended", map[string]string{"code": "c", "until": "2026-11-22T14:00:00Z"}, false},
		{"a code whose end nobody knows", map[string]string{"code": "c"}, true},
		{"a code that was revoked", map[string]string{"code": "c", "until": "2026-11-23T14:00:00Z", "closed": "true"}, false},
	} {
		if got := LetsIn(test.in, now); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
