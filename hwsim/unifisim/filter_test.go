package unifisim

import (
	"strings"
	"testing"
)

func TestFilter(t *testing.T) {
	object := map[string]any{"name": "htl:it's.5*", "code": "0123456789", "expired": false, "timeLimitMinutes": 60,
		"createdAt": "2026-11-22T14:00:00Z", "authorizedGuestCount": 0}
	for _, test := range []struct {
		filter string
		want   string
	}{
		{"name.eq('htl:it''s.5*')", "yes"},
		{"name.eq('htl')", "no"},
		{"name.in('a','htl:it''s.5*')", "yes"},
		{"name.like('htl:*')", "yes"},
		{"name.like('htl:it..*')", "yes"},
		{"name.like('htl:it''s\\.5\\*')", "yes"},
		{"name.like('*\\.6*')", "no"},
		{"name.like('htl')", "no"},
		{"code.in('0123456789')", "yes"},
		{"code.like('01*')", `filter: "code" does not support "like"`},
		{"and(expired.eq(false), not(name.eq('x')))", "yes"},
		{"or(expired.eq(true),timeLimitMinutes.gt(60))", "no"},
		{"timeLimitMinutes.ge(60)", "yes"},
		{"createdAt.lt(2026-11-23T00:00:00Z)", "yes"},
		{"activatedAt.isNull()", "yes"},
		{"rxRateLimitKbps.eq(5)", "no"},
		{"and(expired.eq(false))", "filter: and takes two or more expressions"},
		{"not(expired.eq(false),expired.eq(true))", "filter: not takes one expression"},
		{"secret.eq('x')", `filter: "secret" is not filterable`},
		{"name.eq('x", "filter: string without end"},
		{"name.eq()", "filter: eq takes one argument"},
		{"name.eq(x)", "filter: bad value at 8"},
		{"name.eq('x') ", "filter: unexpected text at 12"},
		{"eq(name,'x')", "filter: expected property.function at 0"},
		{"", "filter: expected ( at 0"},
		{strings.Repeat("not(", 40) + "expired.eq(true)" + strings.Repeat(")", 40), "filter: nested too deeply at 68"},
	} {
		got := "no"
		match, err := parseFilter(test.filter, voucherFilters)
		switch {
		case err != nil:
			got = err.Error()
		case match(func(p string) any { return lookup(object, p) }):
			got = "yes"
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.filter, got, test.want)
		}
	}
}

func FuzzFilter(f *testing.F) {
	for _, seed := range []string{"name.eq('htl:00')", "and(name.like('h*'),or(expired.eq(true),not(code.in('1','2'))))", "name.like('*a*a*a*b')", "createdAt.gt(2026-11-22T00:00:00Z)"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		match, err := parseFilter(text, voucherFilters)
		if err == nil {
			match(func(string) any { return "aaaaaaaaaaaaaaaaaaaaaaaaaaaa" })
		}
	})
}
