package locksim

import (
	"slices"
	"strings"
	"time"
)

// job is a command that has passed the syntax check.
type job struct {
	command string // as sent
	verb    string // CN, CC, CA, CO, LT, P, L, MC, CNM, CCM, CNB, CCB
	count   int    // cards, of CNx and CCx
	track   int    // of P and L
	first   string // field 1: encoder, phone, card serial, 0, or the room that MC starts from
	eject   string
	rooms   []string
	key     Key
	uids    string // field 15
	tracks  [3]string
	text    string
}

// parse checks a command as strictly as the lock system does; false means ES.
// Field order: bookingexperts/salto (MIT), "Industry Standard" link.
func (s *System) parse(f []string) (job, bool) {
	if len(f) < 2 {
		return job{}, false
	}
	for i, v := range f {
		// The message that goes with a mobile key may have several lines.
		if !printable(v, (f[0] == "CNM" || f[0] == "CCM") && i == 14) {
			return job{}, false
		}
	}
	j := job{command: f[0], verb: f[0], first: f[1], count: 1}
	switch c := f[0]; {
	case c == "CN" || c == "CC" || c == "CA":
		return s.parseKey(j, f)
	case len(c) == 3 && (c[:2] == "CN" || c[:2] == "CC") && c[2] >= '1' && c[2] <= '9':
		j.verb, j.count = c[:2], int(c[2]-'0')
		return s.parseKey(j, f)
	case c == "CNM" || c == "CCM":
		return s.parseMobile(j, f)
	case c == "CNB" || c == "CCB":
		return s.parseImage(j, f)
	case c == "CO":
		j.rooms = []string{at(f, 2)}
		return j, len(f) == 3 && f[1] == "0" && roomName(f[2])
	case c == "LT":
		j.eject = at(f, 2)
		return j, len(f) == 3 && f[1] != "" && handling(j.eject)
	case len(c) == 2 && (c[0] == 'P' || c[0] == 'L') && c[1] >= '1' && c[1] <= '3':
		j.verb, j.track, j.eject, j.text = c[:1], int(c[1]-'0'), at(f, 2), at(f, 3)
		ok := f[1] != "" && handling(j.eject)
		if j.verb == "P" {
			return j, ok && len(f) == 4 && trackText(j.track, j.text)
		}
		return j, ok && len(f) == 3
	case c == "MC":
		return s.parseModify(j, f)
	}
	return job{}, false
}

// parseKey reads CN, CC and CA.
func (s *System) parseKey(j job, f []string) (job, bool) {
	if len(f) > 17 || j.first == "" || !handling(at(f, 2)) {
		return j, false
	}
	j.eject = f[2]
	rest := append([]string(nil), f[3:]...)
	j, ok := s.parseStay(j, rest)
	// A one-shot key is for the main room only.
	return j, ok && (j.verb != "CA" || len(j.rooms) == 1)
}

// parseMobile reads CNM and CCM: field 1 is the phone, the card handling is
// left out, so that everything from the rooms on stands one place earlier.
func (s *System) parseMobile(j job, f []string) (job, bool) {
	if len(f) > 15 || !phone(j.first) {
		return j, false
	}
	j.text = at(f, 14)
	rest := append([]string(nil), f[2:min(len(f), 14)]...)
	return s.parseStay(j, rest)
}

// parseImage reads CNB and CCB. Public sources say only that the card's serial
// and its memory structure are sent along; here they stand in fields 1 and 2,
// where CN has encoder and card handling.
func (s *System) parseImage(j job, f []string) (job, bool) {
	if len(f) > 17 || !hexSerial(j.first) || at(f, 2) == "" {
		return j, false
	}
	j.text = f[2]
	rest := append([]string(nil), f[3:]...)
	return s.parseStay(j, rest)
}

// parseModify reads MC: from room, to room, end, authorisation code.
func (s *System) parseModify(j job, f []string) (job, bool) {
	if len(f) < 4 || len(f) > 5 || !roomName(f[1]) || !roomName(f[2]) || len(at(f, 4)) > 64 {
		return j, false
	}
	j.rooms = []string{f[1], f[2]}
	until, ok := s.date(f[3], true)
	j.key.Until = until
	return j, ok && !until.IsZero() && until.After(s.cfg.Now())
}

// parseStay reads what key commands have in common, from the main room on.
func (s *System) parseStay(j job, f []string) (job, bool) {
	ok := roomName(at(f, 0))
	for i := range 4 {
		name := at(f, i)
		if name == "" {
			continue
		}
		ok = ok && roomName(name) && !slices.Contains(j.rooms, name)
		j.rooms = append(j.rooms, name)
	}
	j.key.Grants, j.key.Denials = at(f, 4), at(f, 5)
	ok = ok && authorisations(j.key.Grants) && authorisations(j.key.Denials)
	var fromOK, untilOK bool
	j.key.From, fromOK = s.date(at(f, 6), false)
	j.key.Until, untilOK = s.date(at(f, 7), true)
	ok = ok && fromOK && untilOK
	if u := j.key.Until; !u.IsZero() {
		ok = ok && u.After(s.cfg.Now()) && u.After(j.key.From)
	}
	j.key.Operator = at(f, 8)
	ok = ok && len(j.key.Operator) <= 24
	for i := range 3 {
		// Here a track may also be a line to print, so any text is taken.
		j.tracks[i] = at(f, 9+i)
		ok = ok && len(j.tracks[i]) <= 76
	}
	j.uids = at(f, 12)
	ok = ok && (j.uids == "" || len(j.uids) == 1 && strings.Contains("012", j.uids))
	return j, ok && len(at(f, 13)) <= 64
}

func at(f []string, i int) string {
	if i < len(f) {
		return f[i]
	}
	return ""
}

// printable refuses everything but printable ASCII.
func printable(v string, lines bool) bool {
	for i := range len(v) {
		if (v[i] < 0x20 || v[i] > 0x7E) && !(lines && v[i] == '\n') {
			return false
		}
	}
	return true
}

func roomName(v string) bool { return v != "" && len(v) <= 24 }

// handling: E waits until the card is taken, R does not, T is E at the rear.
func handling(v string) bool { return v == "E" || v == "R" || v == "T" }

// authorisations are 1 to 62, one character each; " and ' are no such characters.
func authorisations(v string) bool {
	for i := range len(v) {
		c := v[i]
		switch {
		case c >= '1' && c <= '9', c >= 'a' && c <= 'z':
		case strings.IndexByte(`!#$%&()*+,-./:;<=>?@[\]^_{}`, c) >= 0:
		default:
			return false
		}
	}
	return true
}

// trackText holds a track to ISO 7811, without its sentinels.
func trackText(track int, v string) bool {
	if track == 1 {
		for i := range len(v) {
			if v[i] > '_' || v[i] == '%' || v[i] == '?' {
				return false
			}
		}
		return v != "" && len(v) <= 76
	}
	for i := range len(v) {
		if v[i] < '0' || v[i] > '?' {
			return false
		}
	}
	limit := 37
	if track == 3 {
		limit = 104
	}
	return v != "" && len(v) <= limit
}

// phone is E.164, with or without its plus.
func phone(v string) bool {
	v = strings.TrimPrefix(v, "+")
	for i := range len(v) {
		if v[i] < '0' || v[i] > '9' {
			return false
		}
	}
	return len(v) >= 6 && len(v) <= 15
}

func hexSerial(v string) bool {
	if len(v) < 8 || len(v) > 20 || len(v)%2 != 0 {
		return false
	}
	return strings.Trim(v, "0123456789ABCDEFabcdef") == ""
}

// layout of the link's dates: hour, minute, day, month, year.
const layout = "1504020106"

// date reads an instant in the property's zone. Of the two instants that one
// reading of the clock names when it is set back, the end of a stay takes the
// later and its start the earlier. Empty is no bound.
func (s *System) date(v string, end bool) (time.Time, bool) {
	if v == "" {
		return time.Time{}, true
	}
	if len(v) != len(layout) || strings.Trim(v, "0123456789") != "" {
		return time.Time{}, false
	}
	t, err := time.ParseInLocation(layout, v, s.cfg.Zone)
	if err != nil {
		return time.Time{}, false
	}
	for _, shift := range []time.Duration{-time.Hour, -30 * time.Minute, 30 * time.Minute, time.Hour} {
		if twin := t.Add(shift); twin.Format(layout) == v && twin.After(t) == end {
			return twin, true
		}
	}
	return t, true
}
