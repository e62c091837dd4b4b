package keycard

import (
	"time"

	"edgeagent/drivers"
)

// The names of the actions.
const (
	actionEncode = "encode"
	actionCancel = "cancel_room"
	actionRead   = "read"
	actionModify = "modify_stay"
	actionMobile = "mobile_key"
	actionWrite  = "write_track"
	actionTrack  = "read_track"
	actionErase  = "erase_card"
	actionImage  = "write_image"
)

// WithoutCard reports whether nobody holds a card to the encoder for an action.
func WithoutCard(action string) bool {
	return action == actionCancel || action == actionModify || action == actionMobile
}

// The kinds of keys.
const (
	keyNew       = "new"
	keyDuplicate = "duplicate"
	keyOneShot   = "one_shot"
	keyAuto      = "auto"
)

// KeyOf is the stay that a room has a key of once a command is carried out, and
// whose key may have ended or joined the others; "" if it makes no such key.
func KeyOf(cmd drivers.Command) string {
	if cmd.Action != actionEncode && cmd.Action != actionMobile || cmd.Params["key"] == keyOneShot {
		return ""
	}
	return cmd.Params["stay"]
}

// Actions are what an encoder can be told.
func Actions() []drivers.Action {
	encoder := drivers.Param{Name: "encoder", Type: drivers.Text,
		Help: "another encoder of the same lock system, by its name there"}
	asked := encoder
	asked.Default = "${lock_encoder}"
	return append([]drivers.Action{
		{
			Name:    actionEncode,
			Help:    "Makes key cards, one after another. A new key ends the keys made for the room before.",
			Subject: "room:${room}",
			Params: []drivers.Param{
				{Name: "room", Type: drivers.Text, Required: true, Default: "${room}", Help: "room of the PMS"},
				{Name: "stay", Type: drivers.Text, Default: "${stay}", Help: "key of the stay; until a new key is made for another, a check-out of this one ends the room's keys"},
				{Name: "until", Type: drivers.Instant, Required: true, Default: "${departure}", Help: "end of validity"},
				{Name: "from", Type: drivers.Instant, Help: "start of validity; now if left out or near"},
				{Name: "copies", Type: drivers.Integer, Default: "1", OneOf: []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"}, Help: "number of cards, 1 to 9"},
				{Name: "key", Type: drivers.Text, Default: keyNew, OneOf: []string{keyNew, keyDuplicate, keyOneShot, keyAuto},
					Help: "new ends earlier keys, duplicate joins them, one_shot opens once; auto is new at first and a duplicate from then on"},
				{Name: "rooms", Type: drivers.Text, Default: "${rooms}", Help: "further rooms, up to 3, with commas between"},
				{Name: "grants", Type: drivers.Text, Default: "${grants}", Help: "authorisations to give, names or numbers, with commas between"},
				{Name: "denials", Type: drivers.Text, Help: "authorisations to deny, names or numbers, with commas between"},
				{Name: "track1", Type: drivers.Text, Help: "text for track 1, or the first line to print on the card"},
				{Name: "track2", Type: drivers.Text, Help: "text for track 2, or the second line to print"},
				{Name: "track3", Type: drivers.Text, Help: "text for track 3, or the third line to print"},
				{Name: "auth_code", Type: drivers.Text, Help: "authorisation code of the lock system, at most 64 characters"},
				asked,
			},
			// Nine cards, each with the time a person needs for it.
			Limit:  12 * time.Minute,
			Within: 10 * time.Minute,
		},
		{
			Name: actionCancel,
			Help: "Checks the room out in the lock system: all guest keys of the room end, unless the next guest has one already.",
			// Repeatable, yet it expires: late, it would end the next guest's keys.
			Setting: true,
			Ends:    true,
			Subject: "room:${room}",
			Params: []drivers.Param{
				{Name: "room", Type: drivers.Text, Required: true, Default: "${room}", Help: "room of the PMS"},
				{Name: "stay", Type: drivers.Text, Default: "${stay}",
					Help: "key of the stay that has ended; the room is left alone if its newest key is another's"},
			},
			Limit:  3 * time.Minute,
			Within: 10 * time.Minute,
		},
		{
			Name:    actionRead,
			Help:    "Reads a card that somebody presents, and explains it.",
			Subject: "card",
			Params:  []drivers.Param{encoder},
			Limit:   3 * time.Minute,
			Within:  10 * time.Minute,
		},
	}, rareActions(encoder)...)
}

// rareActions are what the default rules have no use for and some sites do.
func rareActions(encoder drivers.Param) []drivers.Action {
	room := drivers.Param{Name: "room", Type: drivers.Text, Required: true, Default: "${room}", Help: "room of the PMS"}
	until := drivers.Param{Name: "until", Type: drivers.Instant, Required: true, Default: "${departure}", Help: "end of validity"}
	track := drivers.Param{Name: "track", Type: drivers.Text, Required: true, OneOf: tracks, Help: "number of the magnetic track"}
	return []drivers.Action{
		{
			Name:    actionModify,
			Help:    "Changes the end of a stay in the lock system, or its room. Only locks that are online learn of it before the card is cut anew.",
			Subject: "room:${room}",
			Params: []drivers.Param{
				room, until,
				{Name: "old_room", Type: drivers.Text, Default: "${old_room}", Help: "room that the stay leaves; the same room if left out"},
				{Name: "auth_code", Type: drivers.Text, Help: "authorisation code of the lock system, at most 64 characters"},
			},
			Limit:  3 * time.Minute,
			Within: 10 * time.Minute,
		},
		{
			Name:    actionMobile,
			Help:    "Sends a key to a mobile phone.",
			Subject: "room:${room}",
			Params: []drivers.Param{
				room, until,
				{Name: "stay", Type: drivers.Text, Default: "${stay}", Help: "key of the stay, so that no other's check-out ends its key"},
				{Name: "phone", Type: drivers.Text, Required: true, Help: "number of the phone with its country code, such as +41791234567"},
				{Name: "from", Type: drivers.Instant, Help: "start of validity; now if left out or near"},
				{Name: "key", Type: drivers.Text, Default: keyNew, OneOf: []string{keyNew, keyDuplicate}, Help: "new ends earlier keys, duplicate joins them"},
				{Name: "rooms", Type: drivers.Text, Help: "further rooms, up to 3, with commas between"},
				{Name: "grants", Type: drivers.Text, Help: "authorisations to give, names or numbers, with commas between"},
				{Name: "denials", Type: drivers.Text, Help: "authorisations to deny, names or numbers, with commas between"},
			},
			Limit:  3 * time.Minute,
			Within: 10 * time.Minute,
		},
		{
			Name:    actionWrite,
			Help:    "Writes a magnetic track of a card that somebody presents.",
			Subject: "card",
			Params: []drivers.Param{
				track,
				{Name: "text", Type: drivers.Text, Required: true, Help: "what to write, without sentinels"},
				encoder,
			},
			Limit:  3 * time.Minute,
			Within: 10 * time.Minute,
		},
		{
			Name:    actionTrack,
			Help:    "Reads a magnetic track of a card that somebody presents.",
			Subject: "card",
			Params:  []drivers.Param{track, encoder},
			Limit:   3 * time.Minute,
			Within:  10 * time.Minute,
		},
	}
}

// ModuleActions are what a PN532 can be told: what all encoders can, of which it
// refuses what only a lock system has, and what takes a radio of one's own.
func ModuleActions() []drivers.Action {
	return append(Actions(),
		drivers.Action{
			Name:    actionErase,
			Help:    "Makes a card with a key for locks that you own blank again.",
			Subject: "card",
			Limit:   3 * time.Minute,
			Within:  10 * time.Minute,
		},
		drivers.Action{
			Name:    actionImage,
			Help:    "Writes the card image that a lock system has handed out, block by block, and reads it back.",
			Subject: "card",
			Params: []drivers.Param{
				{Name: "image", Type: drivers.Text, Required: true, Help: "kind, sector, block and 16 bytes in hexadecimal, with | between, again and again"},
				{Name: "uid", Type: drivers.Text, Help: "number of the card that the image is for, in hexadecimal; any card if left out"},
			},
			Limit:  3 * time.Minute,
			Within: 10 * time.Minute,
		})
}
