package iptv

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"edgeagent/internal/language"
)

// Limits of texts, in runes.
const (
	maxName  = 64
	maxTitle = 120
	maxBody  = 1500
)

// First-strong isolate and its end: what stands between them cannot reorder
// the rest of the line.
const (
	isolateOpen  = "\u2068"
	isolateClose = "\u2069"
)

func isolate(text string) string { return isolateOpen + text + isolateClose }

// clean makes untrusted text fit for a screen: valid, composed (NFC), on one
// line, without control characters and bidi controls, at most limit runes.
func clean(text string, limit int) string { return cleanText(text, limit, false) }

// cleanBody is clean for text of several lines.
func cleanBody(text string, limit int) string { return cleanText(text, limit, true) }

func cleanText(text string, limit int, lines bool) string {
	if most := limit * 16; len(text) > most { // bound the work before it begins
		text = text[:most]
	}
	text = strings.ToValidUTF8(text, "")
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' && lines:
			return r
		case unicode.IsSpace(r), r == '\u2028', r == '\u2029':
			return ' '
		case unicode.IsControl(r), isBidiControl(r), r == '\uFEFF', r >= '\uFFF9' && r <= '\uFFFB':
			return -1
		}
		return r
	}, text)
	text = norm.NFC.String(text)
	return clip(squeeze(text), limit)
}

func isBidiControl(r rune) bool {
	return (r >= '\u202A' && r <= '\u202E') || (r >= '\u2066' && r <= '\u2069')
}

// squeeze joins runs of spaces and trims.
func squeeze(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.Join(strings.FieldsFunc(line, func(r rune) bool { return r == ' ' }), " ")
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// clip cuts text to limit runes without tearing a mark off its letter.
func clip(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	runes := []rune(text)
	end := limit
	for end > 0 && joins(runes[end]) {
		end--
	}
	if end > 0 && runes[end-1] == '\u200D' { // a joiner with nothing left to join
		end--
	}
	return strings.TrimSpace(string(runes[:end]))
}

func joins(r rune) bool {
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Mc, unicode.Variation_Selector) || r == '\u200D' ||
		(r >= 0x1F3FB && r <= 0x1F3FF) // skin tones
}

// rightToLeft holds languages that are written from right to left even where
// the tag does not say in which script.
var rightToLeft = map[string]bool{
	"ar": true, "he": true, "fa": true, "ur": true, "ps": true, "sd": true, "ug": true, "yi": true, "dv": true, "ckb": true,
}

var rtlScripts = map[string]bool{"Arab": true, "Hebr": true, "Thaa": true, "Syrc": true, "Nkoo": true}

// direction is "rtl" or "ltr". A script that the tag names decides; the
// language decides otherwise.
func direction(tag language.Tag) string {
	switch {
	case rtlScripts[tag.Named()]:
		return "rtl"
	case tag.Named() != "":
		return "ltr"
	case rightToLeft[tag.Base()], rtlScripts[tag.Script()]:
		return "rtl"
	}
	return "ltr"
}

// textDirection is the direction of the first letter of a text that has one.
func textDirection(text string) string {
	for _, r := range text {
		if !unicode.IsLetter(r) {
			continue
		}
		if unicode.Is(rightToLeftBlocks, r) {
			return "rtl"
		}
		return "ltr"
	}
	return "ltr"
}

// rightToLeftBlocks are what Unicode sets aside for scripts from right to left
// (DerivedBidiClass.txt, @missing): each letter in them is of such a script.
var rightToLeftBlocks = &unicode.RangeTable{
	R16: []unicode.Range16{{0x0590, 0x08FF, 1}, {0xFB1D, 0xFDFF, 1}, {0xFE70, 0xFEFF, 1}},
	R32: []unicode.Range32{{0x10800, 0x10FFF, 1}, {0x1E800, 0x1EFFF, 1}},
}

// tongue finds the language of a code: by the property's table, as a BCP 47
// tag, or else the property's default.
func (d *Driver) tongue(code string) language.Tag {
	code = strings.TrimSpace(code)
	if tag, ok := d.languages[strings.ToUpper(code)]; ok {
		return tag
	}
	for _, text := range []string{code, d.site.Language} {
		if tag, err := language.Parse(text); err == nil && tag != (language.Tag{}) {
			return tag
		}
	}
	return language.English
}
