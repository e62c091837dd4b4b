// Package language reads language tags (BCP 47) and knows in which script a
// language is written. It knows the languages, scripts and regions that Unicode
// knows a script for, about 1300; its tests hold it to golang.org/x/text, which
// matches, translates and compares tags too and is ten times as big.
package language

import (
	"errors"
	"strings"
)

// Tag is a language, maybe with a script, a region, and what else a tag can
// have. Tags that mean the same are equal. The zero tag says nothing.
type Tag struct{ base, script, region, rest string }

// English is what everybody is taken to understand.
var English = Tag{base: "en"}

var errUnknown = errors.New("no language tag that is known")

// Parse reads a tag, in whatever letters, with hyphens or underscores. Codes
// that have been replaced become the new ones, and codes of three letters those
// of two.
func Parse(text string) (Tag, error) {
	parts := strings.Split(strings.ReplaceAll(strings.ToLower(text), "_", "-"), "-")
	for _, part := range parts {
		if len(part) < 1 || len(part) > 8 || !made(part, letters+digits) {
			return Tag{}, errUnknown
		}
	}
	t, ok := language(parts[0])
	parts = parts[1:]
	if len(parts) > 0 && len(parts[0]) == 3 && made(parts[0], letters) { // zh-yue is yue
		t, ok = language(parts[0])
		parts = parts[1:]
	}
	if !ok {
		return Tag{}, errUnknown
	}
	if len(parts) > 0 && len(parts[0]) == 4 && made(parts[0], letters) {
		t.script = strings.ToUpper(parts[0][:1]) + parts[0][1:]
		if !has(scripts, t.script) {
			return Tag{}, errUnknown
		}
		parts = parts[1:]
	}
	if len(parts) > 0 && (len(parts[0]) == 2 || len(parts[0]) == 3) {
		t.region = strings.ToUpper(parts[0])
		if now := renamed(oldRegions, t.region); now != "" {
			t.region = now
		}
		if !has(regions, t.region) {
			return Tag{}, errUnknown
		}
		parts = parts[1:]
	}
	t.rest = strings.Join(parts, "-")
	return t, checkRest(parts)
}

// checkRest looks at variants, such as 1996 in de-1996, and at extensions, which
// begin with a single letter. Their meaning is no matter here.
func checkRest(parts []string) error {
	for i, part := range parts {
		switch {
		case len(part) == 1 && i+1 < len(parts) && (part == "x" || len(parts[i+1]) > 1):
			return nil // whatever follows belongs to extensions
		case len(part) >= 5, len(part) == 4 && made(part[:1], digits):
		default:
			return errUnknown
		}
	}
	return nil
}

// MustParse is Parse for a tag that is known to be one.
func MustParse(text string) Tag {
	t, err := Parse(text)
	if err != nil {
		panic(text + ": " + err.Error())
	}
	return t
}

// language is the tag of a code of two or three letters, which is new or old.
func language(code string) (Tag, bool) {
	if now := renamed(oldLanguages, code); now != "" {
		base, more, _ := strings.Cut(now, "-")
		t := Tag{base: base}
		if len(more) == 4 {
			t.script = more
		} else {
			t.region = more
		}
		return t, true
	}
	if code == "und" {
		return Tag{}, true
	}
	return Tag{base: code}, heading(languages, code) != ""
}

// Base is the code of the language alone, und if the tag names none.
func (t Tag) Base() string {
	if t.base == "" {
		return "und"
	}
	return t.base
}

// Named is the script that the tag names, "" if it names none.
func (t Tag) Named() string { return t.script }

// Script is the script that the tag names, or else the usual one of the language
// in that region; "" if the tag does not say enough.
func (t Tag) Script() string {
	if t.script != "" {
		return t.script
	}
	if there := heading(elsewhere, t.base+"-"+t.region); there != "" {
		return there
	}
	return heading(languages, t.base)
}

// String is the tag as one writes it, such as zh-Hant-TW.
func (t Tag) String() string {
	var text strings.Builder
	text.WriteString(t.Base())
	for _, part := range []string{t.script, t.region, t.rest} {
		if part != "" {
			text.WriteString("-" + part)
		}
	}
	return text.String()
}

const (
	letters = "abcdefghijklmnopqrstuvwxyz"
	digits  = "0123456789"
)

// made reports whether a word is made of these characters only.
func made(word, of string) bool { return strings.Trim(word, of) == "" }

// The tables are text, and are searched from the beginning: a tag is read for a
// guest now and then, and a map would stay in memory for ever.

// space is what parts the words of a table.
const space = " \n"

// find is where a word begins that stands in the table between spaces, -1 for
// nowhere. after is what ends the word: a space, or what goes on behind it.
func find(table, word, after string) int {
	if word == "" {
		return -1
	}
	for from := 0; ; {
		i := strings.Index(table[from:], word)
		if i < 0 {
			return -1
		}
		from += i + len(word)
		if i = from - len(word); i > 0 && strings.IndexByte(space, table[i-1]) >= 0 && strings.IndexByte(after, table[from]) >= 0 {
			return i
		}
	}
}

func has(table, word string) bool { return find(table, word, space) >= 0 }

// heading is the word with a colon that a word stands after, "" for none.
func heading(table, word string) string {
	at := find(table, word, space)
	if at < 0 {
		return ""
	}
	above := table[:strings.LastIndexByte(table[:at], ':')]
	return above[strings.LastIndexAny(above, space)+1:]
}

// renamed is what follows word= in the table, "" if nothing does.
func renamed(table, word string) string {
	at := find(table, word, "=")
	if at < 0 {
		return ""
	}
	now := table[at+len(word)+1:]
	return now[:strings.IndexAny(now, space)]
}
