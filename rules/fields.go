package rules

import (
	"edgeagent/drivers"
	"edgeagent/pms"
)

// EventKinds lists all kinds of events, the ones about stays first.
func EventKinds() []string { return eventKinds() }

// eventKinds lists all kinds of events, for checking names and for telling
// which rules can be about the same event. A test holds it against package pms.
func eventKinds() []string {
	return []string{
		string(pms.StayCheckedIn), string(pms.StayCheckedOut), string(pms.StayCheckInReversed),
		string(pms.StayReinstated), string(pms.StayRoomMoved), string(pms.StayExtended),
		string(pms.StayShortened), string(pms.StayUpdated), string(pms.StayCancelled),
		string(pms.RoomOccupied), string(pms.RoomVacated), string(pms.RoomStatusChanged),
		string(pms.RoomOutOfOrder), string(pms.GuestMessage), string(pms.KeyRequested),
		string(pms.PriceUpdated), string(pms.Incomplete),
	}
}

func fieldNames() []string {
	var names []string
	for _, f := range pms.EventFields {
		names = append(names, f.Name)
	}
	return names
}

// domain lists every value that a field can have, nil where that is open.
func domain(field string) []string {
	if field == "event" {
		return eventKinds()
	}
	if fieldType(field) == drivers.Flag {
		return []string{"true", "false"}
	}
	return nil
}

func fieldType(field string) drivers.ParamType {
	switch field {
	case "fresh", "room_vacant", "old_room_vacant", "shared", "assumed", "dnd", "keys_by_command":
		return drivers.Flag
	case "arrival", "departure", "from", "to":
		return drivers.Instant
	case "copies":
		return drivers.Integer
	case "guests":
		return drivers.Guests
	}
	return drivers.Text
}

// nothing is what a field has where an event does not have it.
func nothing(field string) string {
	if fieldType(field) == drivers.Flag {
		return "false"
	}
	return ""
}

// onlyIn lists the kinds of events that can have the field, nil if most have.
func onlyIn(field string) []string {
	switch field {
	case "message", "message_title":
		return []string{string(pms.GuestMessage)}
	case "copies", "encoder", "key", "lock_encoder", "rooms", "grants":
		return []string{string(pms.KeyRequested)}
	case "rate", "category", "from", "to":
		return []string{string(pms.PriceUpdated)}
	case "old_room", "old_room_vacant":
		return []string{string(pms.StayRoomMoved)}
	case "room_status":
		return []string{string(pms.RoomStatusChanged), string(pms.RoomOutOfOrder)}
	}
	return nil
}
