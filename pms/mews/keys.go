package mews

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"edgeagent/pms"
)

// keyData is what a command for a key cutter carries (Connector API, Commands).
type keyData struct {
	KeyCutterID         string `json:"KeyCutterId"`
	KeyCutterData       string
	KeyCount            int
	LockIDs             []string `json:"LockIds"`
	StartUtc            instant
	EndUtc              instant
	FirstName           string
	LastName            string
	NormalizedFirstName string
	NormalizedLastName  string
	ReservationID       string `json:"ReservationId"`
	ReservationNumber   string
}

// Bounds of what one key command can ask for.
const (
	maxCards = 9
	maxLocks = 32
)

// fillKey fills the notice from the command's data, and returns why it cannot
// be carried out, "" if it can. A lock is a room, or a common door that the
// lock system knows as an authorisation.
func (f *follower) fillKey(n *pms.Notice, row *commandRow, data *keyData, cutter Cutter) (refuse string) {
	var rooms, grants []string
	for _, lock := range data.LockIDs[:min(len(data.LockIDs), maxLocks)] {
		lock = strings.TrimSpace(lock)
		if grant := f.cfg.Grants[lock]; grant != "" {
			grants = append(grants, grant)
		} else if room := f.lockRoom(lock); room != "" && !slices.Contains(rooms, room) {
			rooms = append(rooms, room)
		}
	}
	switch {
	case len(rooms) == 0:
		return "not cut: Mews names no lock for this reservation; assign a room, or have its lock entered in Mews"
	case len(data.LockIDs) > maxLocks:
		return fmt.Sprintf("not cut: %d locks are too many for one card", len(data.LockIDs))
	case data.KeyCount < 1 || data.KeyCount > maxCards:
		return fmt.Sprintf("not cut: %d cards were asked for; ask for 1 to %d", data.KeyCount, maxCards)
	case data.EndUtc.IsZero():
		return "not cut: Mews gives no departure; correct the reservation and ask again"
	}
	n.Reservation = id(data.ReservationID)
	n.Fields = []pms.Field{
		{Name: pms.FieldRoom, Old: rooms[0], New: rooms[0]},
		{Name: pms.FieldRooms, New: strings.Join(rooms[1:], ",")},
		{Name: pms.FieldGrants, New: strings.Join(grants, ",")},
		{Name: pms.FieldConfirmation, New: data.ReservationNumber},
		{Name: pms.FieldLastName, New: or(data.NormalizedLastName, data.LastName)},
		{Name: pms.FieldFirstName, New: or(data.NormalizedFirstName, data.FirstName)},
		{Name: pms.FieldArrival, New: instantText(data.StartUtc.Time)},
		{Name: pms.FieldDeparture, New: instantText(data.EndUtc.Time)},
		{Name: pms.FieldCopies, New: strconv.Itoa(data.KeyCount)},
		// Mews does not say whether the key is new: what was cut before decides.
		{Name: pms.FieldKey, New: "auto"},
		{Name: pms.FieldEncoder, New: cutter.Device},
		{Name: pms.FieldLockEncoder, New: or(cutter.Encoder, f.encoderIn(row, data.KeyCutterData))},
	}
	if f.house.ordinary(rooms[0]) {
		n.Fields = append(n.Fields, pms.Field{Name: pms.FieldShared, New: yesNo(false)})
	}
	return ""
}

func (f *follower) lockRoom(lock string) string {
	if room := f.cfg.Locks[lock]; room != "" {
		return room
	}
	return f.roomName(lock)
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// encoderIn reads the encoder's name in the lock system out of the "Data JSON"
// that the hotel can type for a key cutter in Mews: {"encoder": "2"}. People
// type it, and it may hold passwords, so nothing of it is shown; one that is no
// JSON is told of and otherwise ignored, since a guest waits for the key.
func (f *follower) encoderIn(row *commandRow, text string) string {
	if strings.TrimSpace(text) == "" {
		return ""
	}
	var data map[string]json.RawMessage
	if len(text) > 64<<10 || json.Unmarshal([]byte(text), &data) != nil {
		f.board.Raise(alarmData, fmt.Sprintf("the Data JSON of the key cutter %s in Mews is no JSON; keys are cut without it: correct it in Mews, or leave it empty", printable(row.Device.Name, 40)))
		return ""
	}
	for name, value := range data {
		var encoder string
		if strings.EqualFold(name, "encoder") && json.Unmarshal(value, &encoder) == nil {
			return printable(encoder, 60)
		}
	}
	return ""
}
