// Package pms holds the words of the PMS side: what the property management
// system said (Notice), what that means for a stay (Event), who is in which
// room (Ledger), and where all of it comes from (Source).
//
//	Source --Notice--> Ledger.Fold --Event--> rules
//
// It knows no PMS in particular; those stand in the packages below it.
package pms

import "time"

// Kind is what a PMS says has happened, in one spelling for all PMSs. A source
// finds it through its alias table; what no alias covers is KindUnknown, and
// the field values may still tell (a status change, say).
type Kind string

// The kinds a source can name. They describe the PMS's word, not yet its
// meaning: an update can turn out to be a check-in, see Ledger.Fold.
const (
	KindUnknown           Kind = ""
	KindReservationNew    Kind = "reservation.new"
	KindReservationUpdate Kind = "reservation.update"
	KindReservationCancel Kind = "reservation.cancel"
	KindCancelUndo        Kind = "reservation.cancel_undo"
	KindNoShow            Kind = "reservation.no_show"
	KindCheckIn           Kind = "stay.check_in"
	KindAdvanceCheckIn    Kind = "stay.advance_check_in" // the guest registered, the room may not be free yet
	KindCheckInUndo       Kind = "stay.check_in_undo"
	KindCheckOut          Kind = "stay.check_out"
	KindCheckOutUndo      Kind = "stay.check_out_undo"
	KindRoomMove          Kind = "stay.room_move"
	KindShareJoin         Kind = "stay.share_join"
	KindShareLeave        Kind = "stay.share_leave"
	KindMessage           Kind = "guest.message"
	KindRoomServices      Kind = "room.services" // TV rights, class of service, do-not-disturb
	KindRoomStatus        Kind = "room.status"   // housekeeping
	KindRoomOutOfOrder    Kind = "room.out_of_order"
	KindGuestService      Kind = "room.guest_service" // do-not-disturb, make up room
	KindQueueRoom         Kind = "room.queue"
	KindProfile           Kind = "profile.change"
	KindKeyRequest        Kind = "key.request"       // a device command of the PMS; CommandID says which
	KindDeviceCommand     Kind = "device.command"    // a device command that no kind of its own covers
	KindCommandWithdrawn  Kind = "command.withdrawn" // the PMS wants the device command CommandID no more
	// KindStayState tells all of a stay as it is now, without saying what
	// happened: that follows from the difference to the ledger.
	KindStayState   Kind = "stay.state"
	KindPrice       Kind = "price.update"
	KindMark        Kind = "mark"        // nothing happened up to Offset
	KindUndecodable Kind = "undecodable" // Raw holds what came; it goes into quarantine
)

// Names of fields in one spelling for all PMSs. A source maps the PMS's own
// element names onto these; a name that it cannot map stays out of Fields and
// is listed in Notice.Unmapped.
const (
	FieldRoom              = "room"
	FieldOldRoom           = "old_room" // only where the PMS names it apart (FIAS RO); else Old of FieldRoom
	FieldRoomType          = "room_type"
	FieldStatus            = "status"         // of the reservation; see Status
	FieldArrival           = "arrival"        // RFC 3339, or local date and time
	FieldArrivalDate       = "arrival_date"   // YYYY-MM-DD, hotel local
	FieldArrivalTime       = "arrival_time"   // HH:MM, hotel local
	FieldDeparture         = "departure"      // RFC 3339, or local date and time
	FieldDepartureDate     = "departure_date" // YYYY-MM-DD, hotel local
	FieldDepartureTime     = "departure_time" // HH:MM, hotel local
	FieldNights            = "nights"
	FieldConfirmation      = "confirmation"
	FieldConfirmationLeg   = "confirmation_leg"
	FieldReservation       = "reservation" // the PMS's own reservation id
	FieldGuestID           = "guest_id"
	FieldTitle             = "title"
	FieldFirstName         = "first_name"
	FieldMiddleName        = "middle_name"
	FieldLastName          = "last_name"
	FieldAltFirstName      = "alt_first_name" // in the guest's own script
	FieldAltLastName       = "alt_last_name"
	FieldAccompanying      = "accompanying"       // another guest's name; repeats, in Seq order
	FieldAccompanyingID    = "accompanying_id"    // that guest's profile, with the same Seq
	FieldAccompanyingTitle = "accompanying_title" // in KindStayState, with the same Seq
	FieldLanguage          = "language"
	FieldVIP               = "vip"
	FieldGroup             = "group"
	FieldMembershipLevel   = "membership_level"
	FieldAdults            = "adults"
	FieldChildren          = "children"
	FieldShared            = "shared" // Y or N
	FieldAdvanceCheckedIn  = "advance_checked_in"
	FieldProperty          = "property"
	FieldMessage           = "message"
	FieldMessageTitle      = "message_title"
	FieldMessageLight      = "message_light"
	FieldDeliveryStatus    = "delivery_status"
	FieldRoomStatus        = "room_status"
	FieldGuestService      = "guest_service" // DoNotDisturb, MakeUpRoom, NoStatusSelected
	FieldServices          = "services"      // rights of the room as the PMS words them
	FieldCopies            = "copies"        // of a key request: how many
	FieldEncoder           = "encoder"       // of a key request: the encoder wanted
	FieldKey               = "key"           // of a key request: new or duplicate
	FieldLockEncoder       = "lock_encoder"  // of a key request: the encoder's name in the lock system
	FieldRooms             = "rooms"         // of a key request: further rooms, with commas between
	FieldGrants            = "grants"        // of a key request: authorisations, with commas between
	FieldCheckedIn         = "checked_in"    // RFC 3339: when the guest came, in KindStayState
	FieldRate              = "rate"          // of a price: the PMS's id of the rate
	FieldCategory          = "category"      // of a price: the PMS's id of the room category
	FieldFrom              = "from"          // of a price: first instant, RFC 3339
	FieldTo                = "to"            // of a price: end, RFC 3339
	FieldIgnored           = ""              // known, and of no use to a room (e-mail, rate, comments)
)

// Notice is what the PMS said, in the order in which it said it.
type Notice struct {
	// ID is unique within the gateway and the same each time the PMS repeats
	// the notice: source, epoch and offset. Events and commands are named after it.
	ID string
	// Source is the name of the PMS link, as in the property file.
	Source string
	// Offset is opaque text. Handed back to Source.Notices it means: everything
	// up to and including this notice has been processed.
	Offset string
	Kind   Kind
	// Name is the event as the PMS spelled it, such as "RESERVATION / CHECK IN".
	Name string
	// Reservation is the PMS's id of the reservation, "" where it gives none.
	Reservation string
	// GuestID is the PMS's id of the guest profile, "" where it gives none.
	GuestID string
	// CommandID is the PMS's id of the device command that this notice is,
	// "" if it is none. Each one is answered through Source.Acknowledge.
	CommandID string
	// Expires is when nobody waits for the device command any more; zero for never.
	Expires time.Time
	// Refuse, if not "", is the note with which the device command is answered
	// at once, with RefuseAs or else CommandError, and no rule sees it.
	Refuse   string
	RefuseAs CommandState
	// KeysByCommand says that the desk of this PMS asks for keys by device
	// commands, so that a check-in alone need not cut one.
	KeysByCommand bool
	Fields        []Field
	// Unmapped lists element and event names that no alias covers.
	Unmapped []string
	// NotBefore is the earliest instant at which this can have happened: the
	// PMS's own timestamp, or for a notice without one the time of arrival when
	// the link is live, and the last instant at which it was live in a replay.
	// Equal to Received, or zero, it is no time of the PMS, and never makes a
	// notice count as older than another.
	NotBefore time.Time
	// Version orders what the PMS said of one stay by the PMS's own clock; zero
	// where it has none. Only snapshots have it: see KindStayState.
	Version time.Time
	// Received is when it reached us.
	Received time.Time
	// Replayed is true until the source has caught up with the PMS.
	Replayed bool
	// Observe is true for a notice that must move nothing (monitor-only mode):
	// it is counted and shown, and its offset advances.
	Observe bool
	// Raw is the original text, at most 4 KiB of it, of a notice that is
	// undecodable or of unknown kind; it holds personal data and is never logged.
	Raw []byte
}

// Field is one value of a notice: what it was, what it is. Presence does not
// mean change. Blank, null and missing are all "".
type Field struct {
	Name     string // one of the Field names above
	Old, New string
	Seq      int // tells repeated fields apart; the PMS's number, or order of appearance from 0
}

// Changed reports whether the field's value is another than before.
func (f Field) Changed() bool { return f.Old != f.New }

// Get returns the first field of that name.
func (n *Notice) Get(name string) (Field, bool) {
	for _, f := range n.Fields {
		if f.Name == name {
			return f, true
		}
	}
	return Field{}, false
}

// Value is the new value of the first field of that name, or "".
func (n *Notice) Value(name string) string {
	f, _ := n.Get(name)
	return f.New
}
