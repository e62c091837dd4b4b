package inspiresim

import "time"

// Style is how a PMS spells its names.
type Style int

// The styles.
const (
	// StyleWords is OHIP streaming: CHECK IN, ROOM TYPE.
	StyleWords Style = iota
	// StylePascal follows the one label in the Destinity guide: GuestCheckedIn, RoomType.
	StylePascal
)

// TimeForm is one of the two spellings of a timestamp seen at OHIP; neither has a zone.
type TimeForm int

// The spellings of a timestamp.
const (
	TimeDashes TimeForm = iota // 2021-06-03 16:45:48.000
	TimeMonths                 // 28-APR-24 06.18.59.028027 AM
)

// Desk words what happens at a hotel's desk as events, the way the PMS would.
// It holds no state: it is told the stay each time. The zero value is a talkative
// OHIP hotel without a code.
type Desk struct {
	HotelID string
	Style   Style
	// Zone is the hotel's; nil means UTC. All dates and times on the wire are in it.
	Zone *time.Location
	Time TimeForm
	// Now stamps the events; nil leaves that to Publish, in UTC.
	Now func() time.Time
	// NoIdentity leaves out what names the reservation or the guest's profile.
	NoIdentity bool
	// OnlyChanged leaves out elements whose value stays the same, as OHIP does
	// since release 25.4 unless they are configured.
	OnlyChanged bool
	// Resort puts the hotel's code into the detail list.
	Resort bool
	// Omit names elements, in StyleWords, that are always left out.
	Omit []string
	// RoomElement is the name of the room's element; "" means ROOM.
	RoomElement string
}

// Stay is a reservation as the desk sees it.
type Stay struct {
	// Reservation is the PMS's id and the events' primary key.
	Reservation, Confirmation, GuestID string
	Room, RoomType                     string
	Title, First, Last                 string
	Language, VIP, Block               string
	// Accompanying are further guests by name.
	Accompanying       []string
	Arrival, Departure time.Time
	Adults, Children   int
}

// Reservation states as OHIP spells them.
const (
	statusReserved   = "RESERVED"
	statusCheckedIn  = "CHECKED IN"
	statusCheckedOut = "CHECKED OUT"
	statusCancelled  = "CANCELLED"
	statusNoShow     = "NO SHOW"
)

// New is a new reservation.
func (d *Desk) New(s Stay) Event {
	return d.reservation("NEW RESERVATION", "", statusReserved, Stay{}, s)
}

// CheckIn is an arrival.
func (d *Desk) CheckIn(s Stay) Event {
	return d.reservation("CHECK IN", statusReserved, statusCheckedIn, d.unassigned(s), s)
}

// CheckInAsUpdate is an arrival that shows only as a change of status.
func (d *Desk) CheckInAsUpdate(s Stay) Event {
	return d.reservation("UPDATE RESERVATION", statusReserved, statusCheckedIn, d.unassigned(s), s)
}

// unassigned is the stay before arrival: where only changes are told, the room
// must be one, else a check-in would not say where.
func (d *Desk) unassigned(s Stay) Stay {
	if d.OnlyChanged {
		s.Room = ""
	}
	return s
}

// AdvanceCheckIn is a guest who has registered before the room is free.
func (d *Desk) AdvanceCheckIn(s Stay) Event {
	e := d.reservation("ADVANCE CHECK IN", statusReserved, statusReserved, s, s)
	e.Detail = append(e.Detail, d.element("ADVANCED CHECKED IN YN", "N", "Y"))
	return e
}

// ReverseCheckIn undoes an arrival.
func (d *Desk) ReverseCheckIn(s Stay) Event {
	return d.reservation("REVERSE CHECK IN", statusCheckedIn, statusReserved, s, s)
}

// CheckOut is a departure.
func (d *Desk) CheckOut(s Stay) Event {
	return d.reservation("CHECK OUT", statusCheckedIn, statusCheckedOut, s, s)
}

// CheckOutAsUpdate is a departure that shows only as a change of status.
func (d *Desk) CheckOutAsUpdate(s Stay) Event {
	return d.reservation("UPDATE RESERVATION", statusCheckedIn, statusCheckedOut, s, s)
}

// ReverseCheckOut brings a guest back who was checked out by mistake.
func (d *Desk) ReverseCheckOut(s Stay) Event {
	return d.reservation("REVERSE CHECK OUT", statusCheckedOut, statusCheckedIn, s, s)
}

// Cancel, RollbackCancel and NoShow are about a guest who has not arrived.
func (d *Desk) Cancel(s Stay) Event {
	return d.reservation("CANCEL", statusReserved, statusCancelled, s, s)
}

// RollbackCancel undoes Cancel.
func (d *Desk) RollbackCancel(s Stay) Event {
	return d.reservation("ROLLBACK CANCEL", statusCancelled, statusReserved, s, s)
}

// NoShow is a guest who did not come.
func (d *Desk) NoShow(s Stay) Event {
	return d.reservation("NO SHOW", statusReserved, statusNoShow, s, s)
}

// Update is any change of a stay in house.
func (d *Desk) Update(before, after Stay) Event {
	return d.reservation("UPDATE RESERVATION", statusCheckedIn, statusCheckedIn, before, after)
}

// RoomMove is a move as OHIP tells it: an update with another room.
func (d *Desk) RoomMove(s Stay, room string) Event {
	after := s
	after.Room = room
	return d.Update(s, after)
}

// RoomMoveNamed is a move with an event name of its own, which some systems have.
func (d *Desk) RoomMoveNamed(s Stay, room string) Event {
	after := s
	after.Room = room
	return d.reservation("ROOM MOVE", statusCheckedIn, statusCheckedIn, s, after)
}

// Extend changes the departure, to later or earlier.
func (d *Desk) Extend(s Stay, departure time.Time) Event {
	after := s
	after.Departure = departure
	return d.Update(s, after)
}

// Rename changes the guest's name.
func (d *Desk) Rename(s Stay, first, last string) Event {
	after := s
	after.First, after.Last = first, last
	return d.Update(s, after)
}

// JoinShare is a stay that comes into a room in which another one is.
func (d *Desk) JoinShare(s Stay) Event {
	return d.reservation("JOIN GUEST", statusCheckedIn, statusCheckedIn, s, s)
}

// LeaveShare takes a stay out of a shared room.
func (d *Desk) LeaveShare(s Stay) Event {
	return d.reservation("SEPARATE GUEST FROM SHARE", statusCheckedIn, statusCheckedIn, s, s)
}

// Message is a new message for a guest in house; the lamp goes on.
func (d *Desk) Message(s Stay, text string) Event {
	return d.short("RESERVATION", "NEW GUEST MESSAGE", s.Reservation, d.HotelID,
		d.element("RESERVATION STATUS", statusCheckedIn, statusCheckedIn),
		d.element("ROOM", s.Room, s.Room),
		d.element("MESSAGE LIGHT NOTIFICATION", "Message light off", "Message light on"),
		d.element("DELIVERY STATUS", "", "NR"),
		d.element("COMMENTS", "", text))
}

// MessageRead is the message after delivery; the lamp goes off.
func (d *Desk) MessageRead(s Stay) Event {
	return d.short("RESERVATION", "UPDATE GUEST MESSAGE", s.Reservation, d.HotelID,
		d.element("ROOM", s.Room, s.Room),
		d.element("MESSAGE LIGHT NOTIFICATION", "Message light on", "Message light off"),
		d.element("DELIVERY STATUS", "NR", "MR"))
}

// RoomStatus is housekeeping: INSPECTED, CLEAN, PICKUP, DIRTY.
func (d *Desk) RoomStatus(room, before, after string) Event {
	return d.short("HOUSEKEEPING", "UPDATE ROOM STATUS", room, d.HotelID, append(d.updated(),
		d.element("ROOM", room, room), d.element("ROOM STATUS", before, after))...)
}

// OutOfOrder takes a room off sale.
func (d *Desk) OutOfOrder(room, before string) Event {
	return d.short("HOUSEKEEPING", "NEW OUT OF ORDER", room, d.HotelID,
		d.element("ROOM", room, room), d.element("ROOM STATUS", before, "OUT OF ORDER"))
}

// GuestService is the sign on the door: DoNotDisturb, MakeUpRoom, NoStatusSelected.
// Its elements are in mixed case also at OHIP.
func (d *Desk) GuestService(room, before, after string) Event {
	now := d.time()
	return d.short("HOUSEKEEPING", "GUEST SERVICE STATUS REQUEST", room, d.HotelID,
		Element{Name: "Room", Old: room, New: room},
		Element{Name: "Guest Service Request", Old: before, New: after},
		Element{Name: "Update Date", New: now.Format(time.DateOnly)},
		Element{Name: "Update Time", New: now.Format(time.TimeOnly)})
}

// Profile is a change in a guest's profile: no hotel, no room.
func (d *Desk) Profile(before, after Stay) Event {
	elements := d.compare(person(before), person(after))
	return d.short("PROFILE", "UPDATE PROFILE", after.GuestID, "", elements...)
}
