package keycard

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"edgeagent/drivers"
)

// A frame of VingCard begins with where it goes, where it comes from and a
// letter, such as 0100I: from us (00) to encoder 01, new key. Each field after
// it begins with its own letter.
const (
	vingNew    = "I" // ends the keys of the guest before
	vingCopy   = "H"
	vingRead   = "E"
	vingLater  = "G" // new key for a later day
	vingOut    = "B"
	vingChange = "C"

	vingUs   = "00"
	vingDone = "0"
)

// answerLetter is what can stand in an answer where a request has its command.
var answerLetter = regexp.MustCompile(`^[0-9A-Za-z]$`)

// ving is what the site says of its lock system.
func (d *Driver) ving() VingCard {
	if d.cfg.VingCard == nil {
		return VingCard{}
	}
	return *d.cfg.VingCard
}

// addVing adds a step of VingCard; fields are letter and value in one.
func (p *plan) addVing(command, room string, fields ...string) error {
	return p.add(command, p.encoder, room, append([]string{p.encoder + vingUs + command}, fields...))
}

// captured refuses a command of which nobody has seen that this lock system
// does it: it may do another thing instead.
func (d *Driver) captured(command, what string) error {
	if slices.Contains(d.ving().Commands, command) {
		return nil
	}
	return refused(BadRequest, "%s is not set up for this lock system: capture command %s at the site, then write it under vingcard.commands in the property file", what, command)
}

// vingEncode makes one step for each card.
func (d *Driver) vingEncode(p *plan, cmd drivers.Command, now time.Time) error {
	n, err := copies(cmd.Params)
	if err != nil {
		return err
	}
	if err := d.vingLacks(cmd.Params); err != nil {
		return err
	}
	var fields cardFields
	if fields.rooms, err = d.lockRooms(cmd.Params); err != nil {
		return err
	}
	if err := d.validity(p, &fields, cmd.Params, now); err != nil {
		return err
	}
	extras, err := d.vingExtras(cmd.Params)
	if err != nil {
		return err
	}
	first, _, err := d.keyCommands(p, cmd, &fields)
	switch {
	case err != nil:
		return err
	case first == "CA":
		return d.lacks("one-shot key", "make a "+keyNew+" one or a "+keyDuplicate)
	case first == "CN":
		if err := d.vingNewKey(p, &fields, extras, now); err != nil {
			return err
		}
		n--
	case cmd.Params["key"] == keyDuplicate:
		if len(fields.rooms) > 1 {
			return refused(BadRequest, "a copy opens what the guest's other cards open: leave rooms out")
		}
		// It lasts as long as they do, whatever end was asked for: what is known of them stays.
		p.identity, p.kept = "", d.known(cmd)
		p.said = fmt.Sprintf("%s for room %s, valid as long as the guest's others", cards(n), p.room)
	}
	for range n {
		if err := p.addVing(vingCopy, fields.rooms[0], append([]string{"R" + fields.rooms[0], "C1"}, extras...)...); err != nil {
			return err
		}
	}
	return nil
}

// vingLacks refuses parameters that VingCard has no field for.
func (d *Driver) vingLacks(params map[string]string) error {
	for _, name := range []string{"grants", "denials"} {
		if params[name] != "" {
			return d.lacks("authorisations", "leave "+name+" out; user_type and user_group in the property file say what a card opens")
		}
	}
	_, err := d.authCode(params)
	return err
}

// vingExtras are the fields that every card may have: tracks, and the wish for its number.
func (d *Driver) vingExtras(params map[string]string) ([]string, error) {
	var extras []string
	for _, number := range tracks {
		text, err := d.cardText(number, params["track"+number])
		if err != nil {
			return nil, err
		}
		if most := 37; number == "2" && len(text) > most {
			return nil, refused(BadRequest, "track2 is longer than the %d characters that a card takes", most)
		}
		if text != "" {
			extras = append(extras, number+text)
		}
	}
	if d.cfg.WantUID {
		extras = append(extras, "S")
	}
	return extras, nil
}

// vingNewKey ends the keys of the guest before, so a key for a later day needs
// a command of its own.
func (d *Driver) vingNewKey(p *plan, validity *cardFields, extras []string, now time.Time) error {
	rooms := validity.rooms
	command := vingNew
	switch today := d.dialect.write(now, d.site.Zone); {
	case validity.from == "":
		validity.from = today // the start is always sent: nobody has seen a new key without
	case validity.from[:8] > today[:8]:
		if command = vingLater; d.captured(command, "") != nil {
			return refused(BadRequest, "the key would start on a later day, and a new key ends those of today's guest: "+
				"make it on that day, or capture command G at the site and write it under vingcard.commands in the property file")
		}
	}
	fields := []string{"R" + rooms[0]}
	if more := rooms[1:]; len(more) > 0 {
		for _, room := range more {
			if strings.Contains(room, ",") {
				return refused(BadRequest, "room %q has a comma in its name: it cannot be a further room", room)
			}
		}
		fields = append(fields, "L"+strings.Join(more, ","))
	}
	fields = append(fields, d.vingType()...)
	fields = append(fields, "D"+validity.from, "O"+validity.until, "C1")
	return p.addVing(command, rooms[0], append(fields, extras...)...)
}

func (d *Driver) vingType() []string {
	var fields []string
	if site := d.ving(); site.UserType != "" {
		fields = append(fields, "T"+site.UserType)
	}
	if site := d.ving(); site.UserGroup != "" {
		fields = append(fields, "U"+site.UserGroup)
	}
	return fields
}

func (d *Driver) vingRead(p *plan, _ map[string]string, _ time.Time) error {
	return p.addVing(vingRead, "")
}

func (d *Driver) vingCancel(p *plan, _ map[string]string, _ time.Time) error {
	if err := d.captured(vingOut, "check-out"); err != nil {
		return err
	}
	room, err := d.lockRoom(p.room)
	if err != nil {
		return err
	}
	return p.addVing(vingOut, room, "R"+room)
}

// vingModify moves a guest to another room in the lock system.
func (d *Driver) vingModify(p *plan, params map[string]string, _ time.Time) error {
	if params["old_room"] == "" || params["old_room"] == p.room {
		return d.lacks("way to change the end of a stay", "cut the card anew")
	}
	if err := d.captured(vingChange, "moving a guest"); err != nil {
		return err
	}
	if err := d.vingLacks(params); err != nil {
		return err
	}
	from, err := d.lockRoom(params["old_room"])
	if err != nil {
		return err
	}
	to, err := d.lockRoom(p.room)
	if err != nil {
		return err
	}
	p.said = fmt.Sprintf("the guest of room %s is in room %s in the lock system", params["old_room"], p.room)
	kind := "T" + d.ving().UserType
	return p.addVing(vingChange, to, "R"+from, kind, "R"+to, kind)
}

// readVingCard takes a frame as the result of a step. An answer names neither
// command nor room, so any answer of the encoder fits any command of it, except
// that only reading tells of a room.
func (s *step) readVingCard(fields []string, zone *time.Location) (r result, ok bool) {
	head := fields[0]
	if len(head) != 5 || head[:2] != vingUs || head[2:4] != s.encoder || !answerLetter.MatchString(head[4:]) {
		return r, false
	}
	values := map[byte]string{}
	for _, field := range fields[1:] {
		if field == "" {
			return r, false
		}
		values[field[0]] = field[1:]
	}
	if r.code = head[4:]; r.code != vingDone {
		return r, true
	}
	r.code = ""
	_, read := values['R']
	if s.command != vingRead {
		r.uid = strings.ToUpper(printable(values['S'], 64))
		return r, !read
	}
	if !read {
		return r, false
	}
	r.card = &Card{Kind: CardGuest, UID: strings.ToUpper(printable(values['S'], 64))}
	for _, room := range append([]string{values['R']}, items(values['L'])...) {
		if room != "" {
			r.card.Rooms = append(r.card.Rooms, printable(room, maxName))
		}
	}
	var errFrom, errUntil error
	r.card.From, errFrom = parseVingStamp(values['D'], zone, opening)
	r.card.Until, errUntil = parseVingStamp(values['O'], zone, closing)
	return r, errFrom == nil && errUntil == nil && len(r.card.Rooms) > 0
}

// parseVingStamp reads yyyyMMddHHmm; "" is the zero time.
func parseVingStamp(text string, zone *time.Location, e edge) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse("200601021504", text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a time of the form yyyyMMddHHmm", printable(text, 20))
	}
	return onClock(t, zone, e), nil
}
