package inspire

import (
	"strings"
	"unicode"

	"edgeagent/pms"
)

// maxNames bounds the spellings a session remembers; a server that makes up
// new names without end costs time, not memory.
const maxNames = 1024

// names are the alias tables of one link, built-in and from the property file,
// ready for looking up.
type names struct {
	events   map[string]pms.Kind // "module|event" and "|event", normalised
	elements map[string]string
	foreign  map[string]bool // modules that never mean a stay

	eventCache   map[string]*eventName
	elementCache map[string]*elementName
}

// eventName is what is known of one spelling of module and event.
type eventName struct {
	label   string // as spelled, "MODULE / EVENT"
	kind    pms.Kind
	profile bool // the primary key names a guest, not a reservation
	stay    bool // the primary key names a reservation
}

// elementName is what is known of one spelling of an element.
type elementName struct {
	spelled string
	field   string
	known   bool
	tidy    func(string) string // brings a value into the form of its field
}

func newNames(extra Aliases) *names {
	n := &names{events: map[string]pms.Kind{}, elements: map[string]string{}, foreign: map[string]bool{}}
	for _, a := range eventAliases {
		n.events[eventKey(a.module, a.event)] = a.kind
	}
	for _, e := range elementAliases {
		for _, s := range e.spelled {
			n.elements[normalise(s)] = e.field
		}
	}
	for _, m := range otherModules {
		n.foreign[normalise(m)] = true
	}
	for name, kind := range extra.Events {
		module, event := splitEventName(name)
		n.events[eventKey(module, event)] = pms.Kind(kind)
	}
	for name, field := range extra.Elements {
		if field == ignoredWord {
			field = pms.FieldIgnored
		}
		n.elements[normalise(name)] = field
	}
	return n
}

// session returns the same tables with a cache of its own, so that one
// goroutine can use it without a lock.
func (n *names) session() *names {
	return &names{
		events: n.events, elements: n.elements, foreign: n.foreign,
		eventCache: map[string]*eventName{}, elementCache: map[string]*elementName{},
	}
}

func eventKey(module, event string) string { return normalise(module) + "|" + normalise(event) }

// splitEventName takes "MODULE / EVENT" apart; the module may be missing.
func splitEventName(name string) (module, event string) {
	if module, event, ok := strings.Cut(name, "/"); ok {
		return strings.TrimSpace(module), strings.TrimSpace(event)
	}
	return "", strings.TrimSpace(name)
}

// eventName looks a spelling up. The result is shared by all events of that
// spelling.
func (d *decoder) eventName(module, event []byte) *eventName {
	d.key = append(append(append(d.key[:0], module...), 0), event...)
	if found, ok := d.names.eventCache[string(d.key)]; ok {
		return found
	}
	found := d.names.lookUpEvent(clip(string(module), 64), clip(string(event), 64))
	if len(d.names.eventCache) < maxNames && len(d.key) <= 256 {
		d.names.eventCache[string(d.key)] = found
	}
	return found
}

func (n *names) lookUpEvent(module, event string) *eventName {
	m := normalise(module)
	kind, ok := n.events[m+"|"+normalise(event)]
	if !ok && !n.foreign[m] {
		kind = n.events["|"+normalise(event)]
	}
	label := printable(event)
	if module != "" {
		label = printable(module) + " / " + label
	}
	return &eventName{
		label:   label,
		kind:    kind,
		profile: m == "profile" || kind == pms.KindProfile,
		stay:    m == "reservation" || m != "profile" && namesReservation(kind),
	}
}

// namesReservation reports whether the primary key of such an event is the
// reservation's.
func namesReservation(kind pms.Kind) bool {
	return strings.HasPrefix(string(kind), "reservation.") || strings.HasPrefix(string(kind), "stay.") ||
		kind == pms.KindMessage || kind == pms.KindRoomServices
}

func (d *decoder) elementName(name []byte) *elementName {
	if found, ok := d.names.elementCache[string(name)]; ok {
		return found
	}
	spelled := clip(string(name), 64)
	field, known := d.names.elements[normalise(spelled)]
	found := &elementName{spelled: printable(spelled), field: field, known: known, tidy: tidyFor(field)}
	if len(d.names.elementCache) < maxNames && len(name) <= 256 {
		d.names.elementCache[string(name)] = found
	}
	return found
}

// normalise folds the spellings of one name into one: CamelCase is split,
// case dropped, and whatever is neither letter nor digit is a space. So
// GuestCheckedIn, GUEST CHECKED IN and guest_checked-in are the same.
func normalise(name string) string {
	var b strings.Builder
	runes := []rune(name)
	gap := false
	for i, r := range runes {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
			gap = true
			continue
		}
		if i > 0 && !gap {
			gap = wordStarts(runes, i)
		}
		if gap && b.Len() > 0 {
			b.WriteByte(' ')
		}
		gap = false
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// wordStarts reports whether a new word of a CamelCase name starts at i:
// checkedIn, VIPStatus, CHILDREN1.
func wordStarts(runes []rune, i int) bool {
	before, here := runes[i-1], runes[i]
	switch {
	case unicode.IsDigit(here) != unicode.IsDigit(before):
		return true
	case !unicode.IsUpper(here):
		return false
	case unicode.IsLower(before):
		return true
	}
	return unicode.IsUpper(before) && i+1 < len(runes) && unicode.IsLower(runes[i+1])
}

// printable keeps a name fit for a log line and a status page.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
