package locksim

import (
	"strconv"
	"strings"
)

// limits is what one brand takes on the Industry Standard link. Where the
// brands differ was read in the public clients of both: bookingexperts/salto
// (MIT) for SALTO, deadboy18/Onity-Enterprise-Toolkit for Onity.
type limits struct {
	commands string // verbs, with a blank around each
	numbers  int    // encoders are 1 to numbers; 0: encoders have names
	handling string // of the card: wait, do not wait, rear
	rooms    int    // on one key
	grants   string // characters of authorisations
	layout   string // of dates, for package time
	operator int    // longest name, in characters
	tracks   string // that P and L know
	fields   int    // of CN, the command counted
	printed  bool   // a track of CN may also be a line to print
	staff    string // code for a staff card
	uids     bool   // results name the card unasked
	unknown  Unknown
}

func saltoLimits() *limits {
	return &limits{
		commands: " CN CC CA CO LT P L MC CNM CCM CNB CCB ", handling: "ERT", rooms: 4,
		// 1 to 62, one character each; " and ' are no such characters.
		grants: `123456789abcdefghijklmnopqrstuvwxyz!#$%&()*+,-./:;<=>?@[\]^_{}`,
		layout: "1504020106", operator: 24, tracks: "123", fields: 17, printed: true, staff: "EV",
	}
}

func onityLimits(o OnitySite) *limits {
	l := &limits{
		commands: " CN CC CA CO LT P L ", numbers: o.Encoders, handling: "ER", rooms: o.Rooms,
		grants: o.Authorisations, layout: "15020106", operator: 20, tracks: o.Tracks, fields: 14,
		staff: "EF", uids: o.UIDs, unknown: o.Unknown,
	}
	if o.NoOneShot {
		l.commands = strings.Replace(l.commands, " CA ", " ", 1)
	}
	return l
}

// split parts a command word into its verb and its digit (cards of CN and CC,
// track of P and L; 0 without one). The verb is "" for an unknown command.
func (l *limits) split(command string) (verb string, digit int) {
	if command == "" || strings.Contains(command, " ") {
		return "", 0
	}
	verb = command
	if last := command[len(command)-1]; last >= '1' && last <= '9' {
		verb, digit = command[:len(command)-1], int(last-'0')
	}
	known := strings.Contains(l.commands, " "+verb+" ")
	switch verb {
	case "CN", "CC":
	case "P", "L":
		known = known && digit > 0 && strings.Contains(l.tracks, strconv.Itoa(digit))
	default:
		known = known && digit == 0
	}
	if !known {
		return "", 0
	}
	return verb, digit
}

// encoder is the name in the house of the encoder that field 1 means; false if
// that is no encoder's name or number.
func (l *limits) encoder(field string) (string, bool) {
	if l.numbers == 0 {
		return field, field != ""
	}
	n, err := strconv.Atoi(field)
	if err != nil || strings.Trim(field, "0123456789") != "" || n < 1 || n > l.numbers {
		return "", false
	}
	return strconv.Itoa(n), true
}
