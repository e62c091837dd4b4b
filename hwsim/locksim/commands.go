package locksim

import (
	"fmt"
	"slices"
	"time"
)

// job is a command that has passed the syntax check.
type job struct {
	command string // as sent
	verb    string // CN, CC, CA, CO, LT, P, L, MC, CNM, CCM, CNB, CCB; of VingCard also CF, CK, MV
	count   int    // cards
	track   int    // of P and L
	first   string // field 1: encoder, phone, card serial, 0, or the room that MC starts from
	encoder string // in the house; "" for commands without one
	eject   string
	rooms   []string
	key     Key
	uids    string // field 15: 1 the last card, 2 all of them
	tracks  [3]string
	text    string

	staff   string // code for a staff card
	layout  string // of dates
	tell    bool   // results name the card unasked
	midway  func() // at half of the encoder's work; nil for nothing
	max     int    // cards per stay; 0 for no limit
	inherit bool   // what the key does not say comes from the stay
	guests  bool   // check-out needs a guest
	explain func(s *System, j job, c *Card) (fields []string, code string)
}

// reader checks the fields of one command. The first thing that is wrong stays.
type reader struct {
	lim   *limits
	zone  *time.Location
	now   time.Time
	wrong string
}

func (r *reader) demand(ok bool, format string, args ...any) {
	if !ok && r.wrong == "" {
		r.wrong = fmt.Sprintf(format, args...)
	}
}

// read checks a command of the Industry Standard link; wrong is "" or why the
// answer is ES. Field order: bookingexperts/salto (MIT).
func (l *limits) read(s *System, f []string) (j job, code, wrong string) {
	s.mu.Lock()
	r := &reader{lim: l, zone: s.cfg.Zone, now: s.now()}
	s.mu.Unlock()
	verb, digit := l.split(at(f, 0))
	j = job{command: at(f, 0), verb: verb, first: at(f, 1), count: 1,
		staff: l.staff, layout: l.layout, tell: l.uids, explain: explainStandard}
	r.demand(verb != "", "no command %q", at(f, 0))
	r.demand(len(f) >= 2, "no field behind the command")
	for i, v := range f {
		// The message that goes with a mobile key may have several lines.
		r.demand(printable(v, (verb == "CNM" || verb == "CCM") && i == 14), "field %d is not printable ASCII", i)
	}
	if r.wrong == "" {
		r.command(&j, f, digit)
	}
	if r.wrong != "" {
		return j, "ES", r.wrong
	}
	return j, "", ""
}

func (r *reader) command(j *job, f []string, digit int) {
	switch j.verb {
	case "CN", "CC", "CA":
		j.count = max(digit, 1)
		r.demand(len(f) <= r.lim.fields, "%d fields, at most %d", len(f), r.lim.fields)
		r.atEncoder(j, f)
		r.stay(j, f[min(3, len(f)):])
		r.demand(j.verb != "CA" || len(j.rooms) == 1, "a one-shot key for more than the main room")
	case "CNM", "CCM":
		// Field 1 is the phone, the card handling is left out, so that
		// everything from the rooms on stands one place earlier.
		r.demand(len(f) <= 15 && phone(j.first), "field 1 is no phone number, or too many fields")
		j.text = at(f, 14)
		r.stay(j, f[2:min(len(f), 14)])
	case "CNB", "CCB":
		// Public sources say only that the card's serial and its memory
		// structure are sent along; here they stand in fields 1 and 2, where CN
		// has encoder and card handling.
		r.demand(len(f) <= 17 && hexSerial(j.first) && at(f, 2) != "", "no card serial or structure, or too many fields")
		j.text = at(f, 2)
		r.stay(j, f[min(3, len(f)):])
	case "CO":
		j.rooms = []string{at(f, 2)}
		r.demand(len(f) == 3 && f[1] == "0" && roomName(f[2]), "check-out is CO, 0 and a room")
	case "LT":
		r.demand(len(f) == 3, "%d fields, not 3", len(f))
		r.atEncoder(j, f)
	case "P":
		j.track, j.text = digit, at(f, 3)
		r.demand(len(f) == 4 && trackText(digit, j.text), "field 3 is no text for track %d", digit)
		r.atEncoder(j, f)
	case "L":
		j.track = digit
		r.demand(len(f) == 3, "%d fields, not 3", len(f))
		r.atEncoder(j, f)
	case "MC":
		r.modify(j, f)
	}
}

// atEncoder reads fields 1 and 2.
func (r *reader) atEncoder(j *job, f []string) {
	var ok bool
	j.encoder, ok = r.lim.encoder(at(f, 1))
	r.demand(ok, "field 1 (%q) is no encoder", at(f, 1))
	j.eject = at(f, 2)
	r.demand(len(j.eject) == 1 && containsAll(r.lim.handling, j.eject), "field 2 (%q) is not one of %s", j.eject, r.lim.handling)
}

// modify reads MC: from room, to room, end, authorisation code.
func (r *reader) modify(j *job, f []string) {
	r.demand(len(f) == 4 || len(f) == 5, "%d fields, not 4 or 5", len(f))
	r.demand(roomName(at(f, 1)) && roomName(at(f, 2)), "no two rooms")
	r.demand(len(at(f, 4)) <= 64, "authorisation code of %d characters", len(at(f, 4)))
	j.rooms = []string{at(f, 1), at(f, 2)}
	j.key.Until = r.date(3, at(f, 3), true)
	r.demand(j.key.Until.After(r.now), "field 3 is not in the future")
}

// stay reads what key commands have in common, from the main room (field 3 of
// CN) on.
func (r *reader) stay(j *job, f []string) {
	r.demand(roomName(at(f, 0)), "field 3 (%q) is no room", at(f, 0))
	for i := range 4 {
		name := at(f, i)
		if name == "" {
			continue
		}
		r.demand(roomName(name) && !slices.Contains(j.rooms, name), "field %d (%q) is no other room", 3+i, name)
		j.rooms = append(j.rooms, name)
	}
	r.demand(len(j.rooms) <= r.lim.rooms, "%d rooms, at most %d", len(j.rooms), r.lim.rooms)
	j.key.Grants, j.key.Denials = at(f, 4), at(f, 5)
	r.demand(containsAll(r.lim.grants, j.key.Grants+j.key.Denials), "fields 7 and 8 (%q, %q) are no authorisations", at(f, 4), at(f, 5))
	j.key.From, j.key.Until = r.date(9, at(f, 6), false), r.date(10, at(f, 7), true)
	if u := j.key.Until; !u.IsZero() {
		r.demand(u.After(r.now), "the key ends in the past")
		r.demand(u.After(j.key.From), "the key ends before it starts")
	}
	j.key.Operator = at(f, 8)
	r.demand(len(j.key.Operator) <= r.lim.operator, "operator of %d characters, at most %d", len(j.key.Operator), r.lim.operator)
	for i := range 3 {
		j.tracks[i] = at(f, 9+i)
		ok := j.tracks[i] == "" || len(j.tracks[i]) <= 76 && (r.lim.printed || trackText(i+1, j.tracks[i]))
		r.demand(ok, "field %d is no text for track %d", 12+i, i+1)
	}
	j.uids = at(f, 12)
	r.demand(j.uids == "" || len(j.uids) == 1 && containsAll("012", j.uids), "field 15 (%q) is not 0, 1 or 2", j.uids)
	r.demand(len(at(f, 13)) <= 64, "authorisation code of %d characters", len(at(f, 13)))
}

// date reads field n.
func (r *reader) date(n int, v string, end bool) time.Time {
	t, ok := readDate(r.lim.layout, r.zone, v, end)
	r.demand(ok, "field %d (%q) is no date", n, v)
	return t
}
