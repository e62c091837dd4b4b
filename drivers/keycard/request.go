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
	// repeatable: doing it twice is as good as once.
	repeatable bool
	// answer reads its result, see dialect.
	answer func(s *step, fields []string, zone *time.Location) (result, bool)
}

// atOnce reports whether the step waits for nobody with a card.
func (s *step) atOnce() bool { return s.encoder == noEncoder }

// noEncoder stands in results and requests of commands that no encoder carries out.
const noEncoder = "0"

// plan is what a command of the agent comes to: steps, one after another.
type plan struct {
	dialect *dialect
	action  string
	encoder string
	room    string // of the PMS
	until   time.Time
	steps   []step
	said    string // the note in the end, where it is no usual one
	// identity is which key this is, as a keyed hash; "" if none that lasts.
	identity string
	// kept is what is known of the room's key beside this one.
	kept map[string]string
	// owner is whose stay the key is for, joined whose keys it joins.
	owner, joined string
}

// plan translates a command. Its errors are refusals: nothing has been sent.
func (d *Driver) plan(cmd drivers.Command, now time.Time) (plan, error) {
	name := or(cmd.Params["encoder"], d.cfg.Encoder)
	encoder, ok := d.dialect.address(name)
	p := plan{dialect: d.dialect, action: cmd.Action, encoder: encoder, room: cmd.Params["room"]}
	if !ok {
		return p, refused(BadRequest, "encoder %q cannot be addressed: %s", printable(name, maxEncoder), d.dialect.addresses)
	}
	if translate := d.dialect.plans[cmd.Action]; translate != nil {
		return p, translate(d, &p, cmd, now)
	}
	names := actionNames(d.dialect.plans)
	if !slices.ContainsFunc(Actions(), func(a drivers.Action) bool { return a.Name == cmd.Action }) {
		return p, refused(BadRequest, "an encoder knows no action %q: it knows %s", cmd.Action, names)
	}
	return p, d.lacks("action "+cmd.Action, "it has "+names)
}

func (p *plan) add(command, encoder, room string, fields []string) error {
	frame, err := p.dialect.form.appendFrame(nil, fields...)
	if err != nil {
		return refused(BadRequest, "%s", err)
	}
	p.steps = append(p.steps, step{command: command, encoder: encoder, room: room, fields: fields, frame: frame,
		repeatable: p.action == actionCancel || p.action == actionRead || p.action == actionTrack, answer: p.dialect.answer})
	return nil
}

func (d *Driver) planCancel(p *plan, _ map[string]string, _ time.Time) error {
	room, err := d.lockRoom(p.room)
	if err != nil {
		return err
	}
	return p.add("CO", noEncoder, room, []string{"CO", noEncoder, room})
}

func (d *Driver) planRead(p *plan, _ map[string]string, _ time.Time) error {
	return p.add("LT", p.encoder, "", []string{"LT", p.encoder, d.eject()})
}

// copies is how many cards are wanted.
func copies(params map[string]string) (int, error) {
	n, err := strconv.Atoi(or(params["copies"], "1"))
	if err != nil || n < 1 || n > maxCopies {
		return 0, refused(BadRequest, "copies %q: write a number from 1 to %d", printable(params["copies"], 20), maxCopies)
	}
	return n, nil
}

// planEncode makes one step for each card: a command for several would answer
// once, and nobody could say which card failed.
func (d *Driver) planEncode(p *plan, cmd drivers.Command, now time.Time) error {
	params := cmd.Params
	copies, err := copies(params)
	if err != nil {
		return err
	}
	fields := cardFields{encoder: p.encoder, eject: d.eject(), operator: ascii(d.cfg.Operator, d.dialect.maxOperator), wantUID: d.cfg.WantUID}
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
		if fields.tracks[i], err = d.cardText(number, params["track"+number]); err != nil {
			return err
		}
	}
	if fields.authCode, err = d.authCode(params); err != nil {
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
	if !until.After(now) {
		return refused(BadRequest, "the key would end at %s, which is past: correct the departure in the PMS", d.clock(until))
	}
	p.until = d.dialect.round(until, d.site.Zone, closing)
	if year := p.until.In(d.site.Zone).Year(); year > 2099 && !strings.Contains(d.dialect.stamp, "2006") {
		return refused(BadRequest, "the key would end in %d: the lock system has two digits for the year", year)
	}
	fields.until = d.dialect.write(p.until, d.site.Zone)
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
	if from = d.dialect.round(from, d.site.Zone, opening); from.Sub(now) > startAhead {
		fields.from = d.dialect.write(from, d.site.Zone)
	}
	return nil
}

func (d *Driver) clock(t time.Time) string { return t.In(d.site.Zone).Format("2006-01-02 15:04") }

func (d *Driver) eject() string { return d.dialect.ejects[d.cfg.Eject] }

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
	if len(rooms) > d.cfg.MaxRooms {
		return nil, refused(BadRequest, "%d rooms: one card opens at most %d", len(rooms), d.cfg.MaxRooms)
	}
	return rooms, nil
}

func (d *Driver) lockRoom(room string) (string, error) {
	if room == "" {
		return "", refused(BadRequest, "no room is given: the PMS assigned none")
	}
	name := d.rooms.name(d.cfg.Rooms, room)
	if problem := roomProblem(name); problem != "" {
		return "", refused(BadRequest, "%s: map it under rooms in the property file", problem)
	}
	return name, nil
}

// authorisations turns names and numbers into the dialect's characters.
func (d *Driver) authorisations(list string) (string, error) {
	var chars strings.Builder
	known := d.dialect.authorisations
	for _, item := range items(list) {
		n, ok := d.cfg.Authorisations[item]
		if !ok {
			var err error
			if n, err = strconv.Atoi(item); err != nil {
				return "", refused(BadRequest, "authorisation %q is not known: name it under authorisations in the property file", printable(item, 40))
			}
		}
		if n < 1 || n > len(known) {
			return "", refused(BadRequest, "authorisation %d does not exist: they go from 1 to %d", n, len(known))
		}
		if char := known[n-1 : n]; !strings.Contains(chars.String(), char) {
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
	if p.said != "" {
		return p.said
	}
	switch p.action {
	case actionCancel:
		return fmt.Sprintf("all guest keys of room %s have ended", p.room)
	case actionEncode:
		return fmt.Sprintf("%s for room %s, valid until %s", cards(len(p.steps)), p.room, d.clock(p.until))
	case actionMobile:
		return fmt.Sprintf("mobile key for room %s, valid until %s", p.room, d.clock(p.until))
	case actionModify:
		return fmt.Sprintf("stay in room %s lasts until %s in the lock system", p.room, d.clock(p.until))
	}
	return "track written"
}

func cards(n int) string {
	if n == 1 {
		return "1 card"
	}
	return fmt.Sprintf("%d cards", n)
}
