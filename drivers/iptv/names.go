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

// address makes what the screen says of each guest, and no more of the name
// than the style allows. tag is the guest's language, home the property's, how
// the manners of the first, or of the language that stands in for it.
func (b *phrasebook) address(guests []guest, tag, home language.Tag, how *manners, style string) (docs []guestDoc, greeting string) {
	var names []string
	for _, g := range guests {
		g = g.inScript(tag)
		pattern := how.neutral
		if known, ok := b.title(g.Title, tag, home); ok {
			pattern = how.titles[known]
		}
		if doc, named := how.address(g, pattern, style); named {
			docs = append(docs, doc)
			names = append(names, doc.Display)
		}
	}
	if len(docs) == 0 {
		return []guestDoc{{Display: how.guest}}, how.hello
	}
	return docs, how.greet(names)
}

// greet is the line of greeting. In Chinese and Japanese no space follows what
// parts the names.
func (m *manners) greet(names []string) string {
	space := " "
	if m.list == "、" {
		space = ""
	}
	return strings.ReplaceAll(m.welcome, "{}", strings.Join(names, m.list+space))
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

// address makes one guest's lines; named is false if the style leaves no name.
func (m *manners) address(g guest, pattern, style string) (doc guestDoc, named bool) {
	if g.Last == "" && style != StyleFirst { // a person of one name
		g.First, g.Last = "", g.First
	}
	switch style {
	case StyleNone:
		return doc, false
	case StyleFirst:
		return guestDoc{First: g.First, Display: isolate(g.First)}, g.First != ""
	case StyleTitleLast:
		// One name, the one that the language addresses people by.
		if m.givenFormal && g.First != "" {
			g.Last = ""
		} else {
			g.First = ""
		}
	}
	name := m.join(g)
	return guestDoc{
		Salutation: strings.TrimSpace(strings.ReplaceAll(pattern, "{}", "")), First: g.First, Last: g.Last,
		Display: strings.ReplaceAll(pattern, "{}", isolate(name)),
	}, name != ""
}

// join puts given and family name into the order of the language. Chinese and
// Japanese characters are not spaced.
func (m *manners) join(g guest) string {
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
