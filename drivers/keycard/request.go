package keycard

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"edgeagent/drivers"
)

// step is one command on the wire: one card, or one room checked out.
type step struct {
	command string
	encoder string // noEncoder where the command has none
	room    string
	fields  []string
	frame   []byte
}

// noEncoder stands in results and requests of commands that no encoder carries out.
const noEncoder = "0"

// plan is what a command of the agent comes to: steps, one after another.
type plan struct {
	action  string
	encoder string
	room    string // of the PMS
	until   time.Time
	steps   []step
	// identity is which key this is, as a keyed hash; "" if none that lasts.
	identity string
	// kept is what is known of the room's key beside this one.
	kept map[string]string
	// owner is whose stay the key is for, joined whose keys it joins.
	owner, joined string
}

// plan translates a command. Its errors are refusals: nothing has been sent.
func (d *Driver) plan(cmd drivers.Command, now time.Time) (plan, error) {
	p := plan{action: cmd.Action, encoder: or(cmd.Params["encoder"], d.cfg.Encoder), room: cmd.Params["room"]}
	if !isASCII(p.encoder) || len(p.encoder) > maxEncoder {
		return p, refused(BadRequest, "encoder %q cannot be addressed: at most %d plain ASCII characters", printable(p.encoder, maxEncoder), maxEncoder)
	}
	var err error
	switch cmd.Action {
	case actionEncode:
		err = d.planEncode(&p, cmd, now)
	case actionCancel:
		var room string
		if room, err = d.lockRoom(p.room); err == nil {
			err = p.add("CO", noEncoder, room, []string{"CO", noEncoder, room})
		}
	case actionRead:
		err = p.add("LT", p.encoder, "", []string{"LT", p.encoder, d.eject()})
	case actionModify:
		err = d.planModify(&p, cmd.Params, now)
	case actionMobile:
		err = d.planMobile(&p, cmd.Params, now)
	case actionWrite, actionTrack:
		err = d.planTrack(&p, cmd.Params)
	default:
		err = refused(BadRequest, "an encoder knows no action %q: it knows %s", cmd.Action, actionNames())
	}
	return p, err
}

func (p *plan) add(command, encoder, room string, fields []string) error {
	frame, err := appendFrame(nil, fields...)
	if err != nil {
		return refused(BadRequest, "%s", err)
	}
	p.steps = append(p.steps, step{command: command, encoder: encoder, room: room, fields: fields, frame: frame})
	return nil
}

// planEncode makes one step for each card: a command for several would answer
// once, and nobody could say which card failed.
func (d *Driver) planEncode(p *plan, cmd drivers.Command, now time.Time) error {
	params := cmd.Params
	copies, err := strconv.Atoi(or(params["copies"], "1"))
	if err != nil || copies < 1 || copies > maxCopies {
		return refused(BadRequest, "copies %q: write a number from 1 to %d", printable(params["copies"], 20), maxCopies)
	}
	fields := cardFields{encoder: p.encoder, eject: d.eject(), operator: ascii(d.cfg.Operator, maxName), wantUID: d.cfg.WantUID}
	if err := d.rights(p, &fields, params, now); err != nil {
		return err
	}
	first, more, err := d.keyCommands(p, cmd, &fields)
	if err != nil {
		return err
	}
	if first == "CA" && len(fields.rooms) > 1 {
		return refused(BadRequest, "a one-shot key opens one room only: leave rooms out")
	}
	for i, number := range tracks {
		if fields.tracks[i], err = cardText(number, params["track"+number]); err != nil {
			return err
		}
	}
	if fields.authCode, err = authCode(params); err != nil {
		return err
	}
	for i := range copies {
		if fields.command = first; i > 0 {
			fields.command = more
		}
		if err := p.add(fields.command, p.encoder, fields.rooms[0], fields.list()); err != nil {
			return err
		}
	}
	return nil
}

// rights fills what every kind of key has: rooms, authorisations, validity.
func (d *Driver) rights(p *plan, fields *cardFields, params map[string]string, now time.Time) (err error) {
	if fields.rooms, err = d.lockRooms(params); err != nil {
		return err
	}
	if fields.grants, err = d.authorisations(params["grants"]); err != nil {
		return err
	}
	if fields.denials, err = d.authorisations(params["denials"]); err != nil {
		return err
	}
	return d.validity(p, fields, params, now)
}

func (d *Driver) validity(p *plan, fields *cardFields, params map[string]string, now time.Time) error {
	if params["until"] == "" {
		return refused(BadRequest, "no end of validity is known for room %s: the PMS sent no departure", printable(p.room, maxName))
	}
	until, err := parseInstant(params["until"], d.site.Zone, closing)
	if err != nil {
		return refused(BadRequest, "until: %s", err)
	}
	p.until = until
	if !until.After(now) {
		return refused(BadRequest, "the key would end at %s, which is past: correct the departure in the PMS", d.clock(until))
	}
	if year := until.In(d.site.Zone).Year(); year > 2099 {
		return refused(BadRequest, "the key would end in %d: the lock system has two digits for the year", year)
	}
	fields.until = d.dialect.stamp(until, d.site.Zone, closing)
	if params["from"] == "" {
		return nil
	}
	from, err := parseInstant(params["from"], d.site.Zone, opening)
	if err != nil {
		return refused(BadRequest, "from: %s", err)
	}
	if !until.After(from) {
		return refused(BadRequest, "the key would end at %s, before it starts at %s: correct the stay in the PMS", d.clock(until), d.clock(from))
	}
	if from.Sub(now) > startAhead {
		fields.from = d.dialect.stamp(from, d.site.Zone, opening)
	}
	return nil
}

func (d *Driver) clock(t time.Time) string { return t.In(d.site.Zone).Format("2006-01-02 15:04") }

func (d *Driver) eject() string { return ejects[d.cfg.Eject] }

// lockRooms gives the main room and the further ones by their names in the lock system.
func (d *Driver) lockRooms(params map[string]string) ([]string, error) {
	var rooms []string
	for _, room := range append([]string{params["room"]}, items(params["rooms"])...) {
		name, err := d.lockRoom(room)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(rooms, name) {
			rooms = append(rooms, name)
		}
	}
	if len(rooms) > d.dialect.maxRooms {
		return nil, refused(BadRequest, "%d rooms: one card opens at most %d", len(rooms), d.dialect.maxRooms)
	}
	return rooms, nil
}

func (d *Driver) lockRoom(room string) (string, error) {
	if room == "" {
		return "", refused(BadRequest, "no room is given: the PMS assigned none")
	}
	name := or(d.cfg.Rooms[room], room)
	if problem := roomProblem(name); problem != "" {
		return "", refused(BadRequest, "%s: map it under rooms in the property file", problem)
	}
	return name, nil
}

// authorisations turns names and numbers into SALTO's characters.
func (d *Driver) authorisations(list string) (string, error) {
	var chars strings.Builder
	for _, item := range items(list) {
		n, ok := d.cfg.Authorisations[item]
		if !ok {
			var err error
			if n, err = strconv.Atoi(item); err != nil {
				return "", refused(BadRequest, "authorisation %q is not known: name it under authorisations in the property file", printable(item, 40))
			}
		}
		if n < 1 || n > len(authorisationChars) {
			return "", refused(BadRequest, "authorisation %d does not exist: they go from 1 to %d", n, len(authorisationChars))
		}
		if char := authorisationChars[n-1 : n]; !strings.Contains(chars.String(), char) {
			chars.WriteString(char)
		}
	}
	return chars.String(), nil
}

// items cuts a list with commas; blank items are left out.
func items(list string) []string {
	var found []string
	for item := range strings.SplitSeq(list, ",") {
		if item = strings.TrimSpace(item); item != "" {
			found = append(found, item)
		}
	}
	return found
}

// note says what has been done, without personal data.
func (p *plan) note(d *Driver) string {
	switch p.action {
	case actionCancel:
		return fmt.Sprintf("all guest keys of room %s have ended", p.room)
	case actionEncode:
		cards := "1 card"
		if n := len(p.steps); n > 1 {
			cards = fmt.Sprintf("%d cards", n)
		}
		return fmt.Sprintf("%s for room %s, valid until %s", cards, p.room, d.clock(p.until))
	case actionMobile:
		return fmt.Sprintf("mobile key for room %s, valid until %s", p.room, d.clock(p.until))
	case actionModify:
		return fmt.Sprintf("stay in room %s lasts until %s in the lock system", p.room, d.clock(p.until))
	}
	return "track written"
}
