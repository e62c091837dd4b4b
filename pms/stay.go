package pms

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Status is where a reservation stands, in one spelling for all PMSs.
type Status string

// The statuses of a reservation that a room can feel.
const (
	StatusUnknown   Status = ""
	StatusExpected  Status = "expected" // reserved, due in, confirmed
	StatusInHouse   Status = "in_house"
	StatusDeparted  Status = "departed"
	StatusCancelled Status = "cancelled" // also no-show
)

// Stay is one reservation in one room, as far as the PMS has told us. It holds
// personal data: it goes into the store and to devices, never into a log.
type Stay struct {
	// ID is the stay's place in the ledger: source and reservation, or source,
	// room and first notice where the PMS gives no reservation.
	ID string `json:"id"`
	// Key is the stay's name outside the ledger, see StayKey.
	Key         string `json:"key"`
	Source      string `json:"source"`
	Reservation string `json:"reservation,omitempty"`
	// Confirmation is the number that the guest was given, with its leg. Some
	// notices name the stay by it alone.
	Confirmation string  `json:"confirmation,omitempty"`
	GuestID      string  `json:"guest_id,omitempty"`
	Status       Status  `json:"status"`
	Room         string  `json:"room,omitempty"`
	RoomType     string  `json:"room_type,omitempty"`
	Guests       []Guest `json:"guests,omitempty"` // main guest first
	Language     string  `json:"language,omitempty"`
	VIP          string  `json:"vip,omitempty"`
	Group        string  `json:"group,omitempty"`
	// Arrival and Departure are instants; zero when unknown.
	Arrival   time.Time `json:"arrival,omitzero"`
	Departure time.Time `json:"departure,omitzero"`
	// Shared says that the PMS knows of another reservation in the same room.
	Shared bool `json:"shared,omitempty"`
	// Displaced marks a guest in house whose room was given to another guest
	// without a share flag; the next move or check-out settles it.
	Displaced bool `json:"displaced,omitempty"`
	// DisplacedAt is when we learned of that, by our own clock.
	DisplacedAt time.Time `json:"displaced_at,omitzero"`
	// DND asks for no pop-up, sound or power-on.
	DND bool `json:"dnd,omitempty"`
	// Since is when the stay got its present status; Changed when anything of
	// it last changed. Both are the PMS's time where it gives one.
	Since   time.Time `json:"since,omitzero"`
	Changed time.Time `json:"changed,omitzero"`
	// RoomSince is when the guest came into the present room, by the PMS's time
	// where it gives one. The stay that was first in a room is its main stay.
	RoomSince time.Time `json:"room_since,omitzero"`
	// Timed says that Changed is the PMS's own time, so that an older notice
	// can be told from a newer one.
	Timed bool `json:"timed,omitempty"`
	// Version is that of the newest snapshot of the stay, by the PMS's own clock;
	// zero where there was none. No clock of ours can put it out of order.
	Version time.Time `json:"version,omitzero"`
	// Notice is the notice that last changed the stay.
	Notice string `json:"notice,omitempty"`
	// CheckedIn is the notice that checked the guest in.
	CheckedIn string `json:"checked_in,omitempty"`
}

// Guest is a person's name as the PMS spells it: untrusted text.
type Guest struct {
	Title    string `json:"title,omitempty"`
	First    string `json:"first,omitempty"`
	Middle   string `json:"middle,omitempty"`
	Last     string `json:"last,omitempty"`
	AltFirst string `json:"alt_first,omitempty"` // own script
	AltLast  string `json:"alt_last,omitempty"`
	ID       string `json:"id,omitempty"` // profile, to join profile notices
}

// StayKey names a stay towards devices, controllers and logs: the first 16
// hexadecimal digits of an HMAC-SHA-256 over the ledger id. Who lacks the
// property's key cannot get back to the reservation.
func StayKey(property []byte, id string) string {
	mac := hmac.New(sha256.New, property)
	mac.Write([]byte(id))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}
