package wifi

import (
	"math"
	"strings"
	"testing"
)

func TestCodesAreEvenAndOurs(t *testing.T) {
	const n = 4000
	count := map[rune]int{}
	seen := map[string]bool{}
	for range n {
		code := newCode()
		if !codeFormatOfOurs.MatchString(code) || seen[code] {
			t.Fatalf("code %q, seen before: %v", code, seen[code])
		}
		seen[code] = true
		for _, c := range code {
			count[c]++
		}
	}
	mean := float64(n*codeLength) / float64(len(codeAlphabet))
	for _, c := range codeAlphabet {
		if off := math.Abs(float64(count[c])-mean) / math.Sqrt(mean); off > 6 { // 1 in 10^9 by chance
			t.Errorf("%c came %d times, expected about %.0f", c, count[c], mean)
		}
	}
}

func TestReinstatedStayGetsItsCodeBack(t *testing.T) {
	if got := (Stay{Key: keyA, Known: map[string]string{"code": "abcdefgh"}}).code(); got != "abcdefgh" {
		t.Error(got)
	}
	for _, strange := range []string{"", "1234567890", "abcdefg!", "ABCDEFGH"} {
		if got := (Stay{Key: keyA, Known: map[string]string{"code": strange}}).code(); got == strange {
			t.Errorf("%q was taken over", strange)
		}
	}
}

func TestUserNamesFollowFromTheStay(t *testing.T) {
	a, b := Stay{Key: keyA}.userName(), Stay{Key: keyB}.userName()
	if a == b || a != (Stay{Key: keyA, Known: map[string]string{"code": "x"}}).userName() || strings.Contains(keyA, a) || len(a) != codeLength {
		t.Errorf("%q %q", a, b)
	}
}
