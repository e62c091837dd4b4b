package keycard

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"edgeagent/drivers"
)

// tracks are the numbers of a card's magnetic tracks.
var tracks = []string{"1", "2", "3"}

// What a track holds, by ISO 7811 without its sentinels. Of track 1 that is all
// capitals: a blank is written as "_".
var trackForms = map[string]struct {
	text *regexp.Regexp
	is   string
}{
	"1": {regexp.MustCompile(`^[!-$&->@-_]{1,76}$`), "1 to 76 capitals, digits and signs but % and ?"},
	"2": {regexp.MustCompile(`^[0-?]{1,37}$`), "1 to 37 of 0-9 : ; < = > ?"},
	"3": {regexp.MustCompile(`^[0-?]{1,104}$`), "1 to 104 of 0-9 : ; < = > ?"},
}

// phoneNumber is a number as E.164 has it.
var phoneNumber = regexp.MustCompile(`^\+[1-9][0-9]{5,14}$`)

// actionNames lists the actions that a lock system has, in the words of an error.
func actionNames(plans map[string]planFunc) string {
	var names []string
	for _, a := range Actions() {
		if plans[a.Name] != nil {
			names = append(names, a.Name)
		}
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// cardText is the text for a track of a new key. Some encoders print it on the
// card instead, so any text that can be sent is taken.
func (d *Driver) cardText(number, text string) (string, error) {
	const longest = 76
	text = ascii(text, longest+1)
	if len(text) > longest {
		return "", refused(BadRequest, "track%s is longer than the %d characters that a card takes", number, longest)
	}
	if text != "" && !d.hasTrack(number) {
		return "", d.noTrack(number)
	}
	return text, nil
}

func (d *Driver) noTrack(number string) error {
	return refused(BadRequest, "the encoders have no track %s: leave it out, or write it under tracks in the property file if they do", number)
}

func (d *Driver) authCode(params map[string]string) (string, error) {
	code := params["auth_code"]
	if code != "" && d.dialect.maxCode == 0 {
		return "", d.lacks("authorisation code", "leave auth_code out")
	}
	if !isASCII(code) || len(code) > d.dialect.maxCode {
		return "", refused(BadRequest, "auth_code: at most %d plain ASCII characters", d.dialect.maxCode)
	}
	return code, nil
}

// planModify changes the end of a stay, or its room, without a card.
func (d *Driver) planModify(p *plan, params map[string]string, now time.Time) error {
	var fields cardFields
	if err := d.validity(p, &fields, map[string]string{"until": params["until"]}, now); err != nil {
		return err
	}
	to, err := d.lockRoom(p.room)
	if err != nil {
		return err
	}
	from, err := d.lockRoom(or(params["old_room"], p.room))
	if err != nil {
		return err
	}
	code, err := d.authCode(params)
	if err != nil {
		return err
	}
	return p.add("MC", noEncoder, to, trimEmpty([]string{"MC", from, to, fields.until, code}))
}

// planMobile sends a key to a phone. The number goes to the lock system and
// into no note, log or trace.
func (d *Driver) planMobile(p *plan, cmd drivers.Command, now time.Time) error {
	params := cmd.Params
	phone := strings.NewReplacer(" ", "", "-", "", "(", "", ")", "").Replace(params["phone"])
	if !phoneNumber.MatchString(phone) {
		return refused(BadRequest, "phone is no number with a country code: write it like +41791234567")
	}
	fields := cardFields{operator: ascii(d.cfg.Operator, d.dialect.maxOperator)}
	key := or(params["key"], keyNew)
	if key != keyNew && key != keyDuplicate {
		return refused(BadRequest, "key %q: a phone gets %s or %s", printable(key, 20), keyNew, keyDuplicate)
	}
	if err := d.rights(p, &fields, params, now); err != nil {
		return err
	}
	// A phone's key is a key of the room like one on a card: it ends the earlier
	// ones or joins them, and it is somebody's.
	command, _, err := d.keyCommands(p, cmd, &fields)
	if err != nil {
		return err
	}
	fields.command = command + "M"
	return p.add(fields.command, noEncoder, fields.rooms[0], fields.mobile(phone))
}

// planTrack writes or reads a magnetic track.
func (d *Driver) planTrack(p *plan, params map[string]string, _ time.Time) error {
	number := params["track"]
	if !slices.Contains(tracks, number) {
		return refused(BadRequest, "track %q: write 1, 2 or 3", printable(number, 20))
	}
	if !d.hasTrack(number) {
		return d.noTrack(number)
	}
	if p.action == actionTrack {
		return p.add("L"+number, p.encoder, "", []string{"L" + number, p.encoder, d.eject()})
	}
	text := params["text"]
	if number == "1" {
		text = strings.ReplaceAll(strings.ToUpper(ascii(text, maxFrame)), " ", "_")
	}
	form := trackForms[number]
	if !form.text.MatchString(text) {
		return refused(BadRequest, "text does not fit on track %s: it takes %s", number, form.is)
	}
	return p.add("P"+number, p.encoder, "", []string{"P" + number, p.encoder, d.eject(), text})
}
