package iptv

import (
	"time"

	"edgeagent/drivers"
)

// The names of the actions.
const (
	actionWelcome = "welcome"
	actionClear   = "clear"
	actionMessage = "message"
	actionPower   = "power"
	actionMute    = "mute"
	actionWake    = "wake"
)

// The kinds of messages.
var kinds = []string{"info", "wakeup", "service", "alarm"}

// Actions lists what the TVs can be told.
func Actions() []drivers.Action {
	room := drivers.Param{Name: "room", Help: "room number as the PMS spells it", Type: drivers.Text, Required: true, Default: "${room}"}
	stay := drivers.Param{Name: "stay", Help: "opaque key of the stay", Type: drivers.Text, Required: true, Default: "${stay}"}
	state := drivers.Param{Name: "state", Help: "on or off", Type: drivers.Text, Required: true, OneOf: []string{"on", "off"}}
	return []drivers.Action{
		welcomeAction(room, stay),
		{
			Name: actionClear, Help: "Take the guest's name off the TVs of a room, if it is still that guest's.",
			Setting: true, Ends: true, Subject: "room:${room}", Limit: 75 * time.Second,
			Params: []drivers.Param{
				room,
				{Name: "stay", Help: "stay to take off; empty for whatever is shown", Type: drivers.Text, Default: "${stay}"},
				{Name: "vacant", Help: "nobody is in the room now, so that no other stay may be shown either", Type: drivers.Flag, Default: "${room_vacant}"},
			},
		},
		{
			Name: actionMessage, Help: "Show a message on the TVs of a room.",
			Subject: "message:${room}", Limit: 75 * time.Second, Within: messageLife,
			Params: []drivers.Param{
				room, stay,
				{Name: "title", Help: "headline", Type: drivers.Text, Default: "${message_title}"},
				{Name: "body", Help: "text of the message", Type: drivers.Text, Required: true, Default: "${message}"},
				{Name: "kind", Help: "kind of message", Type: drivers.Text, Default: "info", OneOf: kinds},
				{Name: "urgent", Help: "show it although the guest wants no disturbance", Type: drivers.Flag, Default: "false"},
			},
		},
		{
			Name: actionPower, Help: "Switch the TVs of a room on or off.",
			Subject: "power:${room}", Limit: 45 * time.Second, Within: time.Minute,
			Params: []drivers.Param{room, state},
		},
		{
			Name: actionMute, Help: "Switch the sound of a room's TVs off (state on) or on again (off).",
			Subject: "mute:${room}", Limit: 45 * time.Second, Within: time.Minute,
			Params: []drivers.Param{room, state},
		},
		{
			Name: actionWake, Help: "Wake the TVs of a room, as for a wake-up call.",
			Subject: "wake:${room}", Limit: 45 * time.Second, Within: time.Minute,
			Params: []drivers.Param{room},
		},
	}
}

func welcomeAction(room, stay drivers.Param) drivers.Action {
	return drivers.Action{
		Name: actionWelcome, Help: "Greet the guests of a stay on the TVs of a room.",
		Setting: true, Subject: "room:${room}", Limit: 75 * time.Second,
		Params: []drivers.Param{
			room, stay,
			{Name: "guests", Help: "guests to greet, main guest first", Type: drivers.Guests, Default: "${guests}"},
			{Name: "language", Help: "language code of the PMS, or a BCP 47 tag", Type: drivers.Text, Default: "${language}"},
			{Name: "vip", Help: "VIP tier", Type: drivers.Text, Default: "${vip}"},
			{Name: "group", Help: "group or event", Type: drivers.Text, Default: "${group}"},
			{Name: "arrival", Help: "arrival", Type: drivers.Instant, Default: "${arrival}"},
			{Name: "departure", Help: "departure; the screen clears itself some time after it", Type: drivers.Instant, Default: "${departure}"},
			{Name: "dnd", Help: "the guest wants no disturbance", Type: drivers.Flag, Default: "${dnd}"},
			{Name: "fresh", Help: "the guest has just checked in, so the TV may be switched on", Type: drivers.Flag, Default: "${fresh}"},
			{Name: "template", Help: "screen template of the hotel", Type: drivers.Text},
			{Name: "rights", Help: "what the guest may do on the TV: paytv, adult, bill, checkout, parted by commas", Type: drivers.Text},
		},
	}
}
