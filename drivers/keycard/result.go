package keycard

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// result is what the lock system made of a step.
type result struct {
	code string // of an error; "" for success
	// worded: a text came with the code. It may name a guest, so it stays with
	// the lock system.
	worded bool
	uid    string // of the card, in upper-case hexadecimal
	card   *Card  // what LT read

	track string // what L1, L2 or L3 read
}

// CardKind is what kind of card was read.
type CardKind string

// The kinds of cards.
const (
	CardGuest          CardKind = "guest"
	CardGuestCancelled CardKind = "guest_cancelled"
	CardStaff          CardKind = "staff"
	CardSpare          CardKind = "spare"
	CardDiagnostic     CardKind = "diagnostic"
	CardUnknown        CardKind = "unknown"
)

// Card is a card that was read.
type Card struct {
	Kind           CardKind
	Rooms          []string // names of the lock system, main room first
	Copy           string   // 0 original, 1, 2, I third or later, A one-shot
	Authorisations string
	From, Until    time.Time // zero where the card says nothing
	Operator, UID  string
}

var (
	hexUID    = regexp.MustCompile(`^[0-9A-Fa-f]{4,64}$`)
	errorCode = regexp.MustCompile(`^[A-Z][A-Z0-9]{1,3}$`)
	commands  = []string{"CN", "CC", "CA", "CO", "LT", "MC", "P1", "P2", "P3", "L1", "L2", "L3", "CNM", "CCM"}
)

// read takes a frame as the result of the step. ok is false if it cannot be:
// the check byte is weak, so the content must fit as well. Above all our own
// frame, echoed, is no result.
func (s *step) read(fields []string, zone *time.Location) (r result, ok bool) {
	if s.answer != nil {
		return s.answer(s, fields, zone)
	}
	fields = trimEmpty(fields)
	if sameFields(fields, s.fields) {
		return r, false
	}
	if fields[0] == s.command && len(fields) > 1 {
		return s.readSuccess(fields, zone)
	}
	if !errorCode.MatchString(fields[0]) || isCommand(fields[0]) || len(fields) > 3 {
		return r, false
	}
	r.code, r.worded = fields[0], len(fields) > 2
	// An error may come without the encoder: the lock system could not read
	// which, or none is concerned. Only a code that is known is taken so.
	from := append(fields, "")[1]
	_, known := saltoCodes[r.code]
	return r, s.answers(from) || known && (from == "" || s.command == "CO" && from == s.room)
}

// answers reports whether a result that names from can be this step's. Public
// sources do not say what stands there for a command without an encoder; it can
// be what the command itself has there.
func (s *step) answers(from string) bool {
	switch s.command {
	case "MC":
		return from == noEncoder || from == s.fields[1] || from == s.fields[2]
	case "CNM", "CCM":
		return from == noEncoder || from == s.fields[1]
	}
	return from == s.encoder
}

// isCommand reports whether a word is a command, with or without a number of copies.
func isCommand(word string) bool {
	return slices.Contains(commands, word) || len(word) == 3 && word[2] >= '1' && word[2] <= '9' && slices.Contains(commands[:2], word[:2])
}

func (s *step) readSuccess(fields []string, zone *time.Location) (r result, ok bool) {
	if !s.answers(fields[1]) {
		return r, false
	}
	switch s.command {
	case "CO", "MC", "CNM", "CCM", "P1", "P2", "P3":
		return r, len(fields) == 2
	case "L1", "L2", "L3":
		r.track = append(fields, "")[2]
		return r, len(fields) <= 3
	case "LT":
		r.card, ok = readCard(fields, zone)
		return r, ok
	}
	switch len(fields) {
	case 2:
		return r, true
	case 3:
		r.uid = strings.ToUpper(fields[2])
		return r, hexUID.MatchString(fields[2])
	}
	return r, false
}

// readCard reads LT | encoder | room ×4 | CI or CO | copy | authorisations |
// from | until | operator | UID, or LT | encoder | status.
func readCard(fields []string, zone *time.Location) (*Card, bool) {
	if len(fields) > 13 || len(fields) < 3 {
		return nil, false
	}
	f := append(slices.Clone(fields), make([]string, 13-len(fields))...)
	card := &Card{UID: strings.ToUpper(f[12])}
	switch f[6] {
	case "CI":
		card.Kind = CardGuest
	case "CO":
		card.Kind = CardGuestCancelled
	default:
		status := f[2]
		if status == "" {
			status = f[6]
		}
		kind, ok := map[string]CardKind{"LC": CardGuestCancelled, "LM": CardStaff, "LR": CardSpare, "LS": CardDiagnostic, "LD": CardUnknown}[status]
		card.Kind = kind
		return card, ok
	}
	for _, room := range f[2:6] {
		if room != "" {
			card.Rooms = append(card.Rooms, printable(room, maxName))
		}
	}
	card.Copy, card.Authorisations, card.Operator = printable(f[7], 4), printable(f[8], 64), printable(f[11], maxName)
	var errFrom, errUntil error
	card.From, errFrom = parseStamp(f[9], zone, opening)
	card.Until, errUntil = parseStamp(f[10], zone, closing)
	return card, errFrom == nil && errUntil == nil && len(card.Rooms) > 0
}

// values are what is stored of a card that was read; they are never logged.
func (c *Card) values(zone *time.Location) map[string]string {
	stamp := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.In(zone).Format(time.RFC3339)
	}
	all := map[string]string{
		"card_kind": string(c.Kind), "rooms": strings.Join(c.Rooms, ","), "copy": c.Copy,
		"authorisations": c.Authorisations, "from": stamp(c.From), "until": stamp(c.Until),
		"operator": c.Operator, "uid": c.UID,
	}
	for name, value := range all {
		if value == "" {
			delete(all, name)
		}
	}
	return all
}

// note explains the card in one sentence, without personal data.
func (c *Card) note(zone *time.Location) string {
	switch c.Kind {
	case CardGuest, CardGuestCancelled:
		if len(c.Rooms) == 0 {
			return "guest card that is no longer valid"
		}
		text := "guest card for room " + strings.Join(c.Rooms, ", ")
		if !c.Until.IsZero() {
			text += ", until " + c.Until.In(zone).Format("2006-01-02 15:04")
		}
		if c.Kind == CardGuestCancelled {
			text += ", ended by check-out"
		}
		return text
	case CardStaff:
		return "staff, master or special card"
	case CardSpare:
		return "spare card"
	case CardDiagnostic:
		return "diagnostic card"
	}
	return "card that the lock system does not know"
}
