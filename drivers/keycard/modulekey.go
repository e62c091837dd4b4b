package keycard

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"edgeagent/drivers"
	"edgeagent/drivers/keycard/pn532"
)

// valueGeneration is the value of a receipt with the generation of the room's key.
const valueGeneration = "generation"

// ownKey is a key to be written, on as many cards as wanted.
type ownKey struct {
	pn532.Credential
	identity string // which key this is, as a keyed hash
	copies   int
}

// key translates a command. Its errors are refusals: no card has been asked for.
func (m *Module) key(cmd drivers.Command, now time.Time) (k ownKey, err error) {
	params := cmd.Params
	if k.copies, err = copies(params); err != nil {
		return k, err
	}
	for _, name := range []string{"grants", "denials", "track1", "track2", "track3", "auth_code"} {
		if params[name] != "" {
			return k, refused(BadRequest, "%s: only a lock system has such a thing: leave it out, and name further doors in rooms", name)
		}
	}
	k.Kind = pn532.Guest
	if k.Rooms, err = m.locks(params); err != nil {
		return k, err
	}
	if k.From, k.Until, err = m.validity(params, now); err != nil {
		return k, err
	}
	k.identity = m.identity(params["stay"], k.Credential)
	k.Generation, err = m.generation(cmd, k.identity)
	return k, err
}

// locks gives the names of the locks that the key opens, the room's own first.
func (m *Module) locks(params map[string]string) ([]string, error) {
	if params["room"] == "" {
		return nil, refused(BadRequest, "no room is given: the PMS assigned none")
	}
	var names []string
	for _, room := range append([]string{params["room"]}, items(params["rooms"])...) {
		name := m.rooms.name(m.cfg.Rooms, room)
		if problem := roomProblem(name); problem != "" {
			return nil, refused(BadRequest, "%s: map it under rooms in the property file", problem)
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) > m.cfg.MaxRooms {
		return nil, refused(BadRequest, "%d rooms: one card opens at most %d", len(names), m.cfg.MaxRooms)
	}
	return names, nil
}

// validity reads both ends. A start that is near is left out: locks keep time badly.
func (m *Module) validity(params map[string]string, now time.Time) (from, until time.Time, err error) {
	if params["until"] == "" {
		return from, until, refused(BadRequest, "no end of validity is known for room %s: the PMS sent no departure", printable(params["room"], maxName))
	}
	if until, err = parseInstant(params["until"], m.site.Zone, closing); err != nil {
		return from, until, refused(BadRequest, "until: %s", err)
	}
	if until = minuteOf(until, closing); !until.After(now) {
		return from, until, refused(BadRequest, "the key would end at %s, which is past: correct the departure in the PMS", m.clock(until))
	}
	if params["from"] == "" {
		return from, until, nil
	}
	start, err := parseInstant(params["from"], m.site.Zone, opening)
	if err != nil {
		return from, until, refused(BadRequest, "from: %s", err)
	}
	if !until.After(start) {
		return from, until, refused(BadRequest, "the key would end at %s, before it starts at %s: correct the stay in the PMS", m.clock(until), m.clock(start))
	}
	if start = minuteOf(start, opening); start.Sub(now) > startAhead {
		from = start
	}
	return from, until, nil
}

// generation orders the keys of a room. A new key has the second at which its command
// was accepted: it grows across restarts, and on a gateway that came back from a
// backup, and has room on the card until 2106, which the numbers of commands have not.
// In one second with another it is one higher. A duplicate has that of its original,
// without which it would shut the original out, or be shut out itself.
func (m *Module) generation(cmd drivers.Command, identity string) (uint32, error) {
	var known map[string]string
	if m.site.Known != nil {
		known = m.site.Known(m.name, cmd.Subject)
	}
	original, err := strconv.ParseUint(known[valueGeneration], 10, 32)
	switch key := or(cmd.Params["key"], keyNew); {
	case key == keyDuplicate && (err != nil || original == 0):
		return 0, refused(RoomNotCheckedIn, "no key of this room is known that could be duplicated: make a new key instead, it ends the earlier ones")
	case key == keyDuplicate,
		key == keyAuto && err == nil && original > 0 && cmd.Params["stay"] != "" && known[valueKey] == identity:
		return uint32(original), nil
	case key == keyOneShot:
		return 0, refused(BadRequest, "key one_shot: a lock of your own cannot count openings: make a new key with an early end")
	case key != keyNew && key != keyAuto:
		return 0, refused(BadRequest, "key %q: write %s, %s or %s", printable(key, 20), keyNew, keyDuplicate, keyAuto)
	}
	n := max(cmd.Accepted.Unix()+int64(m.cfg.PN532.GenerationsAbove), int64(original)+1)
	if cmd.Seq <= 0 || cmd.Accepted.IsZero() || n > math.MaxUint32 {
		return 0, refused(BadRequest, "only the agent makes such keys, since it knows which one the room had before")
	}
	return uint32(n), nil
}

// identity tells keys apart: for whom, which doors, until when.
func (m *Module) identity(stay string, c pn532.Credential) string {
	further := slices.Clone(c.Rooms[1:])
	slices.Sort(further)
	mac := hmac.New(sha256.New, m.site.Key)
	for _, part := range []string{"pn532 key", stay, c.Rooms[0], strings.Join(further, ","), instant(c.Until)} {
		mac.Write([]byte(strconv.Itoa(len(part)) + ":" + part)) // so that no two lists of parts read alike
	}
	return hex.EncodeToString(mac.Sum(nil)[:8])
}
