package keycard

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// ascii spells a text in printable ASCII, at most limit bytes: letters lose
// their marks (Müller becomes Muller), a few have a customary spelling, and
// what is left becomes a question mark. Control characters disappear.
func ascii(text string, limit int) string {
	var out strings.Builder
	for _, r := range norm.NFD.String(text) {
		switch {
		case unicode.Is(unicode.Mn, r) || unicode.IsControl(r):
			continue
		case r >= 0x20 && r <= 0x7E:
			out.WriteRune(r)
		default:
			out.WriteString(spelling(r))
		}
		if out.Len() >= limit {
			break
		}
	}
	s := out.String()
	return strings.TrimSpace(s[:min(len(s), limit)])
}

// spelling of the Latin letters that do not decompose into a base and a mark.
func spelling(r rune) string {
	switch r {
	case 'ß':
		return "ss"
	case 'æ':
		return "ae"
	case 'Æ':
		return "AE"
	case 'œ':
		return "oe"
	case 'Œ':
		return "OE"
	case 'ø':
		return "o"
	case 'Ø':
		return "O"
	case 'ł':
		return "l"
	case 'Ł':
		return "L"
	case 'đ', 'ð':
		return "d"
	case 'Đ', 'Ð':
		return "D"
	case 'þ':
		return "th"
	case 'Þ':
		return "TH"
	case 'ı':
		return "i"
	case '\u00a0':
		return " "
	case '‘', '’':
		return "'"
	case '–', '—':
		return "-"
	}
	return "?"
}

// isASCII reports whether the text can be sent as it stands.
func isASCII(text string) bool {
	for _, b := range []byte(text) {
		if b < 0x20 || b > 0x7E {
			return false
		}
	}
	return true
}
