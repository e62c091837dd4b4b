package pms

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// EventKind is what a notice means for a stay or a room.
type EventKind string

// Events about a stay carry the stay as it is after the notice; events about a
// room carry who is in it after the notice.
const (
	StayCheckedIn       EventKind = "stay.checked_in"
	StayCheckedOut      EventKind = "stay.checked_out"
	StayCheckInReversed EventKind = "stay.check_in_reversed"
	StayReinstated      EventKind = "stay.reinstated" // the check-out was reversed
	StayRoomMoved       EventKind = "stay.room_moved"
	StayExtended        EventKind = "stay.extended"
	StayShortened       EventKind = "stay.shortened"
	StayUpdated         EventKind = "stay.updated" // name, language, VIP, group, room type
	StayCancelled       EventKind = "stay.cancelled"
	RoomOccupied        EventKind = "room.occupied" // who is in the room, or what its screen should say, changed
	RoomVacated         EventKind = "room.vacated"  // nobody is in the room any more
	RoomStatusChanged   EventKind = "room.status"
	RoomOutOfOrder      EventKind = "room.out_of_order"
	GuestMessage        EventKind = "guest.message"
	KeyRequested        EventKind = "key.requested" // a device command of the PMS
	PriceUpdated        EventKind = "price.updated" // what a room costs changed
	Incomplete          EventKind = "incomplete"    // a notice that lacks what it needs, such as a check-in without a room
)

// Event is what a notice means. Events are what rules see.
type Event struct {
	ID   string // notice id "#" position, from 1
	Kind EventKind
	// Source is the PMS link it came by; CommandID the device command it answers, if any.
	Source, CommandID string
	// At is the earliest instant at which it can have happened.
	At time.Time
	// Fresh is true for news: not seen before, and certainly young enough.
	Fresh bool
	Room  string
	// OldRoom is the room left by a move. RoomVacant and OldRoomVacant say
	// whether nobody is in them now.
	OldRoom                   string
	RoomVacant, OldRoomVacant bool
	// Stay is the stay it is about: of a room, the main stay; of a vacated room, the last that left.
	Stay Stay
	// Guests are all guests in the room, main guest first (room events), or of the stay (stay events).
	Guests []Guest
	// Shared says that another stay is in the same room.
	Shared bool
	// Expires is when nobody waits for the device command any more; zero for never.
	Expires time.Time
	// KeysByCommand: the desk of this PMS asks for keys by device commands.
	KeysByCommand bool
	// Assumed marks a check-out that the PMS did not send, but that the next
	// guest's check-in implies.
	Assumed bool
	// Extra holds what only some kinds have: room_status, message, message_title, dnd, service, reason,
	// copies, encoder, lock_encoder, key, rooms, grants, rate, category, from, to.
	Extra map[string]string
}

// EventFields are the names that rules can use, in conditions and as ${name},
// with one line of help each. The order is the order of the documentation.
var EventFields = []struct{ Name, Help string }{
	{"event", "kind of event, such as stay.checked_in"},
	{"source", "name of the PMS link"},
	{"fresh", "true for news, false for a replay or something old"},
	{"room", "room number as the PMS spells it"},
	{"old_room", "room left by a move"},
	{"room_vacant", "true if nobody is in the room now"},
	{"old_room_vacant", "true if nobody is in the room left by a move"},
	{"room_type", "room type code"},
	{"stay", "opaque key of the stay (no personal data)"},
	{"guests", "all guests as JSON: title, first, last"},
	{"title", "title of the main guest"},
	{"first_name", "first name of the main guest"},
	{"last_name", "last name of the main guest"},
	{"language", "language code of the PMS"},
	{"vip", "VIP code"},
	{"group", "group or block"},
	{"arrival", "arrival, RFC 3339"},
	{"departure", "departure, RFC 3339"},
	{"shared", "true if another stay is in the same room"},
	{"assumed", "true for a check-out that the next check-in implies"},
	{"dnd", "true if the guest wants no disturbance"},
	{"room_status", "housekeeping status (room.status)"},
	{"message", "text (guest.message)"},
	{"message_title", "title (guest.message)"},
	{"reason", "what is missing (incomplete)"},
	{"copies", "number of keys wanted (key.requested)"},
	{"encoder", "encoder wanted (key.requested)"},
	{"lock_encoder", "that encoder's name in the lock system (key.requested)"},
	{"key", "new, duplicate or auto (key.requested)"},
	{"rooms", "further rooms that the key opens, with commas between (key.requested)"},
	{"grants", "authorisations that the key gets, with commas between (key.requested)"},
	{"keys_by_command", "true if the desk asks for keys by device commands of this PMS"},
	{"rate", "the PMS's id of the rate (price.updated)"},
	{"category", "the PMS's id of the room category (price.updated)"},
	{"from", "first instant of the new price, RFC 3339 (price.updated)"},
	{"to", "end of the new price, RFC 3339 (price.updated)"},
}

// IsEventField reports whether rules can use the name.
func IsEventField(name string) bool {
	return slices.ContainsFunc(EventFields, func(f struct{ Name, Help string }) bool { return f.Name == name })
}

// Field is the value of a name of EventFields; "" means absent.
func (e *Event) Field(name string) string {
	switch name {
	case "event":
		return string(e.Kind)
	case "source":
		return e.Source
	case "fresh":
		return strconv.FormatBool(e.Fresh)
	case "room":
		return e.Room
	case "old_room":
		return e.OldRoom
	case "room_vacant":
		return strconv.FormatBool(e.RoomVacant)
	case "old_room_vacant":
		return strconv.FormatBool(e.OldRoomVacant)
	case "room_type":
		return e.Stay.RoomType
	case "stay":
		return e.Stay.Key
	case "guests":
		return guestsJSON(e.Guests)
	case "title", "first_name", "last_name":
		return e.mainGuest(name)
	case "language":
		return e.Stay.Language
	case "vip":
		return e.Stay.VIP
	case "group":
		return e.Stay.Group
	case "arrival":
		return rfc3339(e.Stay.Arrival)
	case "departure":
		return rfc3339(e.Stay.Departure)
	case "shared":
		return strconv.FormatBool(e.Shared)
	case "assumed":
		return strconv.FormatBool(e.Assumed)
	case "dnd":
		return strconv.FormatBool(e.Stay.DND)
	case "keys_by_command":
		return strconv.FormatBool(e.KeysByCommand)
	}
	return e.Extra[name]
}

func (e *Event) mainGuest(name string) string {
	if len(e.Guests) == 0 {
		return ""
	}
	switch g := e.Guests[0]; name {
	case "title":
		return g.Title
	case "first_name":
		return g.First
	default:
		return g.Last
	}
}

func guestsJSON(guests []Guest) string {
	if len(guests) == 0 {
		return ""
	}
	text, err := json.Marshal(guests)
	if err != nil {
		return ""
	}
	return string(text)
}

func rfc3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}
