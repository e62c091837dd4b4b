package keycard

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Only what a place explains is shown, of answers of any shape.
func TestRedact(t *testing.T) {
	for _, tc := range []struct {
		dialect      string
		dir          Direction
		fields, want string
	}{
		{"salto", Sent, "CN|1|E|101||||12|3|1400150726|1100170726|Huber|HUBER|1|2|1|secret", "CN|1|E|101||||12|3|1400150726|1100170726|<5>|<5>|<1>|<1>|1|<6>"},
		{"salto", Sent, "CNM|+41791234567|101||||1||1400150726|1100170726|Huber", "CNM|<12>|101||||1||1400150726|1100170726|<5>"},
		{"salto", Sent, "MC|101|102|1100170726|secret", "MC|101|102|1100170726|<6>"},
		{"salto", Sent, "CO|0|101", "CO|0|101"},
		{"salto", Sent, "P1|1|E|HUBER", "P1|1|E|<5>"},
		{"salto", Sent, "LT|1|E", "LT|1|E"},
		{"salto", Received, "CN|1", "CN|1"},
		{"salto", Received, "CN|1|04A2B3C4D5E680", "CN|1|<14>"},
		{"salto", Received, "CN|1|04A2B3C4D5E680|04A2B3C4D5E681", "CN|1|<14>|<14>"},
		{"salto", Received, "CN2|1|04A2B3C4|04A2B3C5|x", "CN2|1|<8>|<8>|<1>"},
		{"salto", Received, "L1|1|MARIA_HUBER", "L1|1|<11>"},
		{"salto", Received, "L1|1|MARIA_HUBER|x", "L1|1|<11>|<1>"},
		{"salto", Received, "LT|1|101||||CI|0||1400150726|1100170726|Huber|04A2B3C4", "LT|1|101||||CI|0||1400150726|1100170726|<5>|<8>"},
		{"salto", Received, "LT|1|LC", "LT|1|LC"},
		{"salto", Received, "LT|1|LC|04A2B3C4", "LT|1|LC|<8>"},
		{"salto", Received, "LT|1|||||LM|04A2B3C4", "LT|1|||||LM|<8>"},
		{"salto", Received, "LT|1|Maria|Huber", "LT|1|<5>|<5>"},
		{"salto", Received, "LT|1|101||||CI|0||1|2|a|b|Maria", "LT|1|<3>||||<2>|<1>||<1>|<1>|<1>|<1>|<5>"},
		{"salto", Received, "EG|1|Card of Mr Smith refused", "EG|1|<24>"},
		{"salto", Received, "CNM|+41791234567", "CNM|<12>"},
		{"salto", Received, "Maria|Huber", "<5>|Huber"},
		{"salto", Received, "XX|1|Maria|Huber", "XX|1|<5>|<5>"},
		{"vingcard", Received, "00010|R101|TSingle Room|UGuest|FMaria|NHuber|D202607151400|O202607171100|S04A2", "00010|R101|TSingle Room|UGuest|F<5>|N<5>|D202607151400|O202607171100|S<4>"},
		{"vingcard", Received, "00010|Oscar Huber|Doe|C1", "00010|O<10>|D<2>|C1"},
		{"vingcard", Received, "Maria|Rosa|Huber", "<5>|R<3>|H<4>"},
	} {
		tr := &trace{shows: protocols[tc.dialect].shows}
		var got []string
		for _, f := range tr.redact(tc.dir, strings.Split(tc.fields, "|")) {
			got = append(got, f.String())
		}
		if diff := cmp.Diff(tc.want, strings.Join(got, "|")); diff != "" {
			t.Errorf("%s: %s", tc.fields, diff)
		}
	}
}
