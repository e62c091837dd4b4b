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
)

// The kinds of keys.
const (
	keyNew       = "new"
	keyDuplicate = "duplicate"
	keyOneShot   = "one_shot"
)

// Actions are what an encoder can be told.
func Actions() []drivers.Action {
	encoder := drivers.Param{Name: "encoder", Type: drivers.Text,
		Help: "another encoder of the same lock system, by its name there"}
	return []drivers.Action{
		{
			Name:    actionEncode,
			Help:    "Makes key cards, one after another. A new key ends the keys made for the room before.",
			Subject: "room:${room}",
			Params: []drivers.Param{
				{Name: "room", Type: drivers.Text, Required: true, Default: "${room}", Help: "room of the PMS"},
				{Name: "stay", Type: drivers.Text, Default: "${stay}", Help: "key of the stay, for the record"},
				{Name: "until", Type: drivers.Instant, Required: true, Default: "${departure}", Help: "end of validity"},
				{Name: "from", Type: drivers.Instant, Help: "start of validity; now if left out or near"},
				{Name: "copies", Type: drivers.Integer, Default: "1", Help: "number of cards, 1 to 9"},
				{Name: "key", Type: drivers.Text, Default: keyNew, OneOf: []string{keyNew, keyDuplicate, keyOneShot},
					Help: "new ends earlier keys, duplicate joins them, one_shot opens once"},
				{Name: "rooms", Type: drivers.Text, Help: "further rooms, up to 3, with commas between"},
				{Name: "grants", Type: drivers.Text, Help: "authorisations to give, names or numbers, with commas between"},
				{Name: "denials", Type: drivers.Text, Help: "authorisations to deny, names or numbers, with commas between"},
				encoder,
			},
			// Nine cards, each with the time a person needs for it.
			Limit:  12 * time.Minute,
			Within: 10 * time.Minute,
		},
		{
			Name: actionCancel,
			Help: "Checks the room out in the lock system: all guest keys of the room end.",
			// Repeatable, yet it expires: late, it would end the next guest's keys.
			Setting: true,
			Subject: "room:${room}",
			Params: []drivers.Param{
				{Name: "room", Type: drivers.Text, Required: true, Default: "${room}", Help: "room of the PMS"},
				{Name: "stay", Type: drivers.Text, Default: "${stay}", Help: "key of the stay, for the record"},
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
	}
}
