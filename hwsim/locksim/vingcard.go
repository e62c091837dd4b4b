package locksim

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// vingcard is the RS-232 link of VingCard's systems. Its letters are those of a
// published driver of a hotel's software; I, H, E, B, G and C answer for:
//
//	I  a guest moves in: the keys of the guest before stop
//	H  one more key for the guest who is there (9: there is none)
//	E  what is on a card
//	B  check-out: the room's keys stop (9: there is no guest)
//	G  a key for a later day: from its check-in on it opens, and those of the
//	   guest before stop then
//	C  another room or name in the register; keys of the old room stop, and no
//	   card opens the new one before H has made one
//	A  a guest moves in and nobody moves out: keys of the guest before go on
//
// Only I, H and E are told by more than one source. What the others do here is
// inferred, and a driver had better leave A alone.
//
// An encoder's address is its number in the house: 01 is encoder "1".
func vingcard() *dialect {
	return &dialect{
		family: VingCard, checks: 2,
		sound: soundVing, seal: func(body []byte) []byte { return hexPair(lrc(body)) },
		open: openVing, render: renderVing,
		malformed: []string{"", pmsAddress},
		unknown:   func(string) (bool, Unknown) { return false, UnknownES }, // answered 1, like a bad field
		read:      readVing,
		answer: func(j job, fields, result []string, code string) []string {
			if j.uids != "" && j.verb != "LT" {
				for i := range result {
					result[i] = "S" + result[i]
				}
			}
			return append([]string{vingAnswer(code), at(fields, 1)}, result...)
		},
		acked: true, asks: true,
	}
}

// vingAnswer is the answer character for a code of the house.
func vingAnswer(code string) string {
	switch code {
	case "":
		return "0"
	case notRunning:
		return "2"
	case "OV", "EO":
		return "5"
	case full:
		return "6"
	case "NC", "ED", "EP": // the device does not answer, or nobody puts a card there
		return "8"
	case "EA":
		return "9"
	case "TD":
		return "R"
	case "D", "O":
		return code
	}
	return "1"
}

// vingCommand is what a command letter takes.
type vingCommand struct {
	verb     string
	fields   string // letters that it may have
	needs    string // letters that it must have
	encoder  bool
	arriving bool // the check-in is on a later day
}

// vingCommands is the table of letters; false for one that is none.
func vingCommands(letter string) (vingCommand, bool) {
	const key = "RLTUFNDOC12S"
	switch letter {
	case "I":
		return vingCommand{verb: "CN", fields: key, needs: "RO", encoder: true}, true
	case "H":
		return vingCommand{verb: "CC", fields: key, needs: "R", encoder: true}, true
	case "A":
		return vingCommand{verb: "CK", fields: key, needs: "RO", encoder: true}, true
	case "G":
		return vingCommand{verb: "CF", fields: key, needs: "RDO", encoder: true, arriving: true}, true
	case "E":
		return vingCommand{verb: "LT", fields: "S", encoder: true}, true
	case "B":
		return vingCommand{verb: "CO", fields: "R", needs: "R"}, true
	case "C":
		return vingCommand{verb: "MV", fields: "RTFN", needs: "R"}, true
	}
	return vingCommand{}, false
}

// readVing checks a command; code is what the answer is made of, and wrong
// says why.
func readVing(s *System, f []string) (j job, code, wrong string) {
	s.mu.Lock()
	r := &vingReader{site: s.cfg.VingCard, zone: s.cfg.Zone, now: s.now(), values: map[byte][]string{}}
	s.mu.Unlock()
	c, ok := vingCommands(at(f, 0))
	j = job{command: at(f, 0), verb: c.verb, first: at(f, 1), count: 1, eject: "R", staff: "EF",
		max: r.site.MaxCards, inherit: c.verb == "CC" || c.verb == "CK", guests: true, explain: explainVing}
	if c.encoder {
		j.encoder = house(at(f, 1))
	}
	if !ok {
		return j, "ES", "no command " + strconv.Quote(at(f, 0))
	}
	r.collect(c, f)
	r.fields(&j, c)
	return j, r.code, r.wrong
}

// vingReader checks the fields of one command. The first thing that is wrong stays.
type vingReader struct {
	site        VingCardSite
	zone        *time.Location
	now         time.Time
	values      map[byte][]string
	code, wrong string
}

func (r *vingReader) demand(ok bool, code, wrong string) {
	if !ok && r.code == "" {
		r.code, r.wrong = code, wrong
	}
}

// collect sorts the fields by their letters.
func (r *vingReader) collect(c vingCommand, f []string) {
	times := 1
	if c.verb == "MV" {
		times = 2 // the old, then the new
	}
	for _, v := range f[min(2, len(f)):] {
		letter := v[0]
		r.demand(strings.IndexByte(c.fields, letter) >= 0, "ES", "field "+strconv.Quote(v[:1])+" does not belong to this command")
		r.demand(len(r.values[letter]) < times, "ES", "field "+v[:1]+" too often")
		r.demand(printable(v, false), "ES", "field "+v[:1]+" has a forbidden character")
		r.values[letter] = append(r.values[letter], v[1:])
	}
	for i := range len(c.needs) {
		code := "ES"
		if c.needs[i] == 'D' || c.needs[i] == 'O' {
			code = c.needs[i : i+1]
		}
		r.demand(r.value(c.needs[i]) != "", code, "field "+c.needs[i:i+1]+" is missing")
	}
}

// value is the last field with that letter, "" without one.
func (r *vingReader) value(letter byte) string {
	if v := r.values[letter]; len(v) > 0 {
		return v[len(v)-1]
	}
	return ""
}

func (r *vingReader) fields(j *job, c vingCommand) {
	j.key.UserType, j.key.UserGroup = r.value('T'), r.value('U')
	j.key.FirstName, j.key.LastName = r.value('F'), r.value('N')
	r.known("T", j.key.UserType, r.site.UserTypes, c.verb == "CN")
	r.known("U", j.key.UserGroup, r.site.UserGroups, c.verb == "CN")
	j.rooms = slices.Clone(r.values['R'])
	if l := r.value('L'); l != "" {
		j.rooms = append(j.rooms, strings.Split(l, ",")...)
	}
	for _, name := range j.rooms {
		r.demand(name != "", "TD", "a room without a name")
	}
	if c.verb == "MV" {
		r.demand(len(j.rooms) == 2, "ES", "no old and new room")
	}
	j.tracks[0], j.tracks[1] = r.value('1'), r.value('2')
	for i, v := range j.tracks {
		r.demand(v == "" || trackText(i+1, v), "ES", "no text for track "+strconv.Itoa(i+1))
	}
	if v := r.value('C'); v != "" {
		n, err := strconv.Atoi(v)
		r.demand(err == nil && digits(v) && n > 0 && n < 100, "ES", "field C is no number of cards")
		j.count = n
	}
	if v, ok := r.values['S']; ok {
		j.uids = "1"
		r.demand(v[0] == "", "ES", "field S is not empty")
	}
	r.dates(j, c)
}

// known holds a value to the names of the site, if it has any.
func (r *vingReader) known(letter, v string, names []string, must bool) {
	if names == nil || v == "" && !must {
		return
	}
	r.demand(slices.Contains(names, v), "ES", "field "+letter+" ("+strconv.Quote(v)+") is not configured")
}

// vingLayout of dates: year, month, day, hour, minute.
const vingLayout = "200601021504"

func (r *vingReader) dates(j *job, c vingCommand) {
	var ok bool
	j.key.From, ok = readDate(vingLayout, r.zone, r.value('D'), false)
	r.demand(ok, "D", "field D is no date")
	j.key.Until, ok = readDate(vingLayout, r.zone, r.value('O'), true)
	r.demand(ok, "O", "field O is no date")
	if u := j.key.Until; !u.IsZero() {
		r.demand(u.After(r.now) && u.After(j.key.From), "O", "field O is in the past, or before the check-in")
	}
	later := j.key.From.In(r.zone).Format(time.DateOnly) > r.now.In(r.zone).Format(time.DateOnly)
	switch {
	case c.arriving:
		r.demand(later, "D", "field D is not on a later day")
	case c.verb == "CN" || c.verb == "CK":
		r.demand(!later, "D", "field D is on a later day")
	}
}

// explainVing tells what is on a guest's card, with its serial if the request
// has an empty S. The caller holds s.mu.
func explainVing(s *System, j job, c *Card) ([]string, string) {
	k := c.Key
	if k == nil || c.Kind == Staff {
		return nil, "EF"
	}
	var out []string
	for _, f := range []struct{ letter, value string }{
		{"R", k.Rooms[0]}, {"L", strings.Join(k.Rooms[1:], ",")}, {"T", k.UserType}, {"F", k.FirstName}, {"N", k.LastName},
		{"U", k.UserGroup}, {"D", stamp(vingLayout, s.cfg.Zone, k.From)}, {"O", stamp(vingLayout, s.cfg.Zone, k.Until)},
	} {
		if f.value != "" {
			out = append(out, f.letter+f.value)
		}
	}
	if j.uids != "" {
		out = append(out, "S"+c.UID)
	}
	return out, ""
}
