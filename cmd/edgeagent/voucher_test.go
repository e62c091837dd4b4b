package main

import (
	"testing"
	"time"

	"edgeagent/internal/slip"

	"github.com/google/go-cmp/cmp"
)

// The slip has what a guest can type now, as the portal takes it, and no dead code.
func TestSlipCode(t *testing.T) {
	now := time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)
	zone := time.FixedZone("", 3600)
	end := now.Add(24 * time.Hour).In(zone)
	for _, test := range []struct {
		name   string
		values map[string]string
		want   slip.Code
		ok     bool
	}{
		{"as it is shown", map[string]string{"code": "1234567890", "shown": "12345-67890", "until": "2026-11-23T14:00:00Z"}, slip.Code{Code: "12345-67890", Until: end}, true},
		{"of before there was a way to show it", map[string]string{"user": "u", "code": "1234567890", "until": "2026-11-23T14:00:00Z"}, slip.Code{User: "u", Code: "1234567890", Until: end}, true},
		{"without an end", map[string]string{"code": "c"}, slip.Code{Code: "c"}, true},
		{"revoked", map[string]string{"code": "c", "until": "2026-11-23T14:00:00Z", "closed": "true"}, slip.Code{}, false},
		{"over", map[string]string{"code": "c", "until": "2026-11-22T13:59:59Z"}, slip.Code{}, false},
	} {
		got, ok := slipCode(test.values, now, zone)
		if diff := cmp.Diff(test.want, got); diff != "" || ok != test.ok {
			t.Errorf("%s: %v (-want +got):\n%s", test.name, ok, diff)
		}
	}
}
