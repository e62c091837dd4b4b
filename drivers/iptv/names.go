package iptv

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"edgeagent/internal/language"
)

// maxGuests bounds the guests on one screen; more do not fit anyway.
const maxGuests = 8

// guest is a guest as the parameter spells it: untrusted text.
type guest struct {
	Title    string `json:"title"`
	First    string `json:"first"`
	Last     string `json:"last"`
	AltFirst string `json:"alt_first"`
	AltLast  string `json:"alt_last"`
}

// guestDoc is a guest on the screen.
type guestDoc struct {
	Salutation string `json:"salutation,omitempty"`
	First      string `json:"first,omitempty"`
	Last       string `json:"last,omitempty"`
	Display    string `json:"display"`
}

// readGuests parses the guests parameter.
func readGuests(text string) ([]guest, error) {
	if text == "" {
		return nil, nil
	}
	if len(text) > maxDocument {
		return nil, fmt.Errorf("guests are %d bytes, more than %d", len(text), maxDocument)
	}
	var guests []guest
	if err := json.Unmarshal([]byte(text), &guests); err != nil {
		return nil, errors.New("guests are no JSON list of title, first and last") // the text itself is personal
	}
	return guests[:min(len(guests), maxGuests)], nil
}

// greet makes what the screen says of each guest, in that language and no more
// of the name than the style allows.
func greet(guests []guest, tag language.Tag, style string) []guestDoc {
	how, ok := languageManners[tag.Base()]
	if !ok {
		how = manners{bare: "{}", guest: languageManners["en"].guest}
	}
	var docs []guestDoc
	for _, g := range guests {
		if doc := how.address(g.inScript(tag), style); doc.Display != how.guest {
			docs = append(docs, doc)
		}
	}
	if len(docs) == 0 {
		return []guestDoc{{Display: how.guest}}
	}
	return docs
}

// inScript takes the name in the guest's own script where the language is not
// written in Latin letters and the PMS has that name.
func (g guest) inScript(tag language.Tag) guest {
	if tag.Script() != "Latn" && strings.TrimSpace(g.AltLast) != "" {
		g.First, g.Last = g.AltFirst, g.AltLast
	}
	g.Title, g.First, g.Last = clean(g.Title, maxName), clean(g.First, maxName), clean(g.Last, maxName)
	return g
}

func (m manners) address(g guest, style string) guestDoc {
	if g.Last == "" && style != StyleFirst { // a person of one name
		g.First, g.Last = "", g.First
	}
	pattern := m.bare
	if known, ok := titleWords[normalTitle(g.Title)]; ok && m.titles[known] != "" {
		pattern = m.titles[known]
	}
	switch style {
	case StyleNone:
		return guestDoc{Display: m.guest}
	case StyleFirst:
		if g.First == "" {
			return guestDoc{Display: m.guest}
		}
		return guestDoc{First: g.First, Display: isolate(g.First)}
	case StyleTitleLast:
		g.First = ""
	}
	name := m.join(g)
	if name == "" {
		return guestDoc{Display: m.guest}
	}
	return guestDoc{
		Salutation: strings.TrimSpace(strings.ReplaceAll(pattern, "{}", "")), First: g.First, Last: g.Last,
		Display: strings.ReplaceAll(pattern, "{}", isolate(name)),
	}
}

// join puts given and family name into the order of the language. Chinese and
// Japanese characters are not spaced.
func (m manners) join(g guest) string {
	first, second := g.First, g.Last
	if m.familyFirst {
		first, second = g.Last, g.First
	}
	switch {
	case first == "" || second == "":
		return first + second
	case m.familyFirst && ideographic(first) && ideographic(second):
		return first + second
	}
	return first + " " + second
}

func ideographic(text string) bool {
	for _, r := range text {
		if !unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) {
			return false
		}
	}
	return true
}

func normalTitle(text string) string {
	text = strings.ReplaceAll(strings.ToLower(text), ".", " ")
	return strings.Join(strings.Fields(text), " ")
}
