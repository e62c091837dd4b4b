package inspire

import "edgeagent/pms"

// ignoredWord is how the property file says that an element is of no use.
const ignoredWord = "ignored"

// eventAlias is one spelling of an event. Without a module it holds for every
// module that is not known to be another department's.
type eventAlias struct {
	module, event string
	kind          pms.Kind
}

// eventAliases is the built-in table of event names. Upper case with a module
// is OPERA Cloud's published list of business events; CamelCase is what a
// vendor that copies it is likely to write (the Destinity integration guide
// shows one, GuestCheckedIn, as a label). Spelling is folded, see normalise.
var eventAliases = [...]eventAlias{
	{"RESERVATION", "NEW RESERVATION", pms.KindReservationNew},
	{"", "ReservationCreated", pms.KindReservationNew},
	{"", "NewReservation", pms.KindReservationNew},

	{"RESERVATION", "UPDATE RESERVATION", pms.KindReservationUpdate},
	{"", "ReservationUpdated", pms.KindReservationUpdate},
	{"", "UpdateReservation", pms.KindReservationUpdate},
	{"", "GuestDataChange", pms.KindReservationUpdate},
	{"", "GuestDataChanged", pms.KindReservationUpdate},

	{"RESERVATION", "CHECK IN", pms.KindCheckIn},
	{"", "GuestCheckedIn", pms.KindCheckIn},
	{"", "GuestCheckIn", pms.KindCheckIn},
	{"", "CheckIn", pms.KindCheckIn},
	{"", "CheckedIn", pms.KindCheckIn},
	{"", "CHECKIN", pms.KindCheckIn},
	{"", "GuestIn", pms.KindCheckIn},

	{"RESERVATION", "ADVANCE CHECK IN", pms.KindAdvanceCheckIn},
	{"", "AdvanceCheckIn", pms.KindAdvanceCheckIn},

	{"RESERVATION", "REVERSE CHECK IN", pms.KindCheckInUndo},
	{"", "ReverseCheckIn", pms.KindCheckInUndo},
	{"", "CheckInReversed", pms.KindCheckInUndo},

	{"RESERVATION", "CHECK OUT", pms.KindCheckOut},
	{"", "GuestCheckedOut", pms.KindCheckOut},
	{"", "GuestCheckOut", pms.KindCheckOut},
	{"", "CheckOut", pms.KindCheckOut},
	{"", "CheckedOut", pms.KindCheckOut},
	{"", "CHECKOUT", pms.KindCheckOut},
	{"", "GuestOut", pms.KindCheckOut},

	{"RESERVATION", "REVERSE CHECK OUT", pms.KindCheckOutUndo},
	{"", "ReverseCheckOut", pms.KindCheckOutUndo},
	{"", "CheckOutReversed", pms.KindCheckOutUndo},

	{"", "ROOM MOVE", pms.KindRoomMove},
	{"", "RoomMoved", pms.KindRoomMove},
	{"", "RoomChanged", pms.KindRoomMove},
	{"", "RoomChange", pms.KindRoomMove},
	{"", "GuestRoomMove", pms.KindRoomMove},

	{"RESERVATION", "JOIN GUEST", pms.KindShareJoin},
	{"", "JoinGuest", pms.KindShareJoin},
	{"RESERVATION", "SEPARATE GUEST FROM SHARE", pms.KindShareLeave},
	{"", "SeparateGuestFromShare", pms.KindShareLeave},

	{"RESERVATION", "CANCEL", pms.KindReservationCancel},
	{"RESERVATION", "CANCEL RESERVATION", pms.KindReservationCancel},
	{"", "ReservationCancelled", pms.KindReservationCancel},
	{"", "ReservationCanceled", pms.KindReservationCancel},
	{"RESERVATION", "ROLLBACK CANCEL", pms.KindCancelUndo},
	{"", "RollbackCancel", pms.KindCancelUndo},
	{"RESERVATION", "NO SHOW", pms.KindNoShow},
	{"", "NoShow", pms.KindNoShow},

	{"RESERVATION", "NEW GUEST MESSAGE", pms.KindMessage},
	{"RESERVATION", "UPDATE GUEST MESSAGE", pms.KindMessage},
	{"RESERVATION", "DELETE GUEST MESSAGE", pms.KindMessage},
	{"", "NewGuestMessage", pms.KindMessage},
	{"", "UpdateGuestMessage", pms.KindMessage},
	{"", "DeleteGuestMessage", pms.KindMessage},
	{"", "GuestMessage", pms.KindMessage},

	{"RESERVATION", "INTERFACE STATUS UPDATE", pms.KindRoomServices},
	{"RESERVATION", "UPDATE INTERFACE STATUS", pms.KindRoomServices},
	{"", "InterfaceStatusUpdate", pms.KindRoomServices},

	{"HOUSEKEEPING", "UPDATE ROOM STATUS", pms.KindRoomStatus},
	{"", "UpdateRoomStatus", pms.KindRoomStatus},
	{"", "RoomStatusChanged", pms.KindRoomStatus},
	{"", "RoomStatusUpdated", pms.KindRoomStatus},

	{"HOUSEKEEPING", "NEW OUT OF ORDER", pms.KindRoomOutOfOrder},
	{"HOUSEKEEPING", "UPDATE OUT OF ORDER", pms.KindRoomOutOfOrder},
	{"HOUSEKEEPING", "NEW OUT OF SERVICE", pms.KindRoomOutOfOrder},
	{"HOUSEKEEPING", "UPDATE OUT OF SERVICE", pms.KindRoomOutOfOrder},
	{"", "RoomOutOfOrder", pms.KindRoomOutOfOrder},

	{"HOUSEKEEPING", "GUEST SERVICE STATUS REQUEST", pms.KindGuestService},
	{"", "GuestServiceStatusRequest", pms.KindGuestService},
	{"HOUSEKEEPING", "NEW QUEUE ROOM", pms.KindQueueRoom},
	{"HOUSEKEEPING", "UPDATE QUEUE ROOM", pms.KindQueueRoom},
	{"HOUSEKEEPING", "DELETE QUEUE ROOM", pms.KindQueueRoom},

	{"PROFILE", "NEW PROFILE", pms.KindProfile},
	{"PROFILE", "UPDATE PROFILE", pms.KindProfile},
	{"PROFILE", "DELETE PROFILE", pms.KindProfile},
	{"PROFILE", "UPDATE HISTORY", pms.KindProfile},
	{"", "ProfileUpdated", pms.KindProfile},
	{"", "ProfileCreated", pms.KindProfile},
}

// otherModules are OPERA Cloud's modules whose events never mean a stay, even
// when they are named alike: a spa has its check-in, too.
var otherModules = [...]string{
	"ACTIVITY", "AVAILABILITY", "BLOCK", "BLOCK OFFSETS", "CASHIERING", "CATERING", "CATERING NOTES",
	"CONFIGURATION", "E CERTIFICATE", "ECERTIFICATE", "ENROLLMENT", "MR ENROLLMENT", "NIGHT AUDIT",
	"OWNER CONTRACT", "RATE", "STAY RECORDS", "ROOM ROTATION",
}

// elementAliases is the built-in table of element names, by the field they
// fill. The first of a row is OPERA Cloud's where it has one.
var elementAliases = [...]struct {
	field   string
	spelled []string
}{
	{pms.FieldRoom, []string{"ROOM", "ROOM NUMBER", "ROOM NO", "Room Num"}},
	{pms.FieldOldRoom, []string{"OLD ROOM", "FROM ROOM", "Old Room Number", "Old Room No"}},
	{pms.FieldRoomType, []string{"ROOM TYPE", "Room Category"}},
	{pms.FieldStatus, []string{"RESERVATION STATUS", "RESV STATUS"}},
	{pms.FieldArrival, []string{"ARRIVAL DATETIME", "ARRIVAL DATE TIME"}},
	{pms.FieldArrivalDate, []string{"ARRIVAL DATE", "ARRIVAL", "CHECK IN DATE", "CHECKIN DATE"}},
	{pms.FieldArrivalTime, []string{"ARRIVAL TIME", "ARRIVAL ESTIMATE TIME", "CHECK IN TIME", "CHECKIN TIME"}},
	{pms.FieldDeparture, []string{"DEPARTURE DATETIME", "DEPARTURE DATE TIME"}},
	{pms.FieldDepartureDate, []string{"DEPARTURE DATE", "DEPARTURE", "CHECK OUT DATE", "CHECKOUT DATE"}},
	{pms.FieldDepartureTime, []string{"CHECKOUT TIME", "CHECK OUT TIME", "DEPARTURE TIME"}},
	{pms.FieldNights, []string{"LENGTH OF STAY", "NIGHTS", "Number Of Nights"}},
	{pms.FieldConfirmation, []string{"CONFIRMATION NO", "CONFIRMATION NUMBER"}},
	{pms.FieldConfirmationLeg, []string{"CONFIRMATION LEG NO", "CONFIRMATION LEG"}},
	{pms.FieldReservation, []string{"RESV NAME ID", "RESERVATION ID", "RESERVATION NO", "RESERVATION NUMBER"}},
	{pms.FieldGuestID, []string{"GUEST NAME ID", "NAME ID", "GUEST ID", "PROFILE ID"}},
	{pms.FieldTitle, []string{"TITLE", "GUEST TITLE"}},
	{pms.FieldFirstName, []string{"FIRST NAME", "GUEST FIRST", "GUEST FIRST NAME"}},
	{pms.FieldMiddleName, []string{"MIDDLE", "MIDDLE NAME"}},
	{pms.FieldLastName, []string{"NAME", "LAST NAME", "GUEST NAME", "GUEST LAST NAME", "SURNAME"}},
	{pms.FieldAltFirstName, []string{"XFIRST NAME", "X FIRST NAME"}},
	{pms.FieldAltLastName, []string{"XNAME", "X NAME", "XLAST NAME"}},
	{pms.FieldAccompanying, []string{"ACCOMPANYING GUEST", "ACCOMPANYING GUEST NAME"}},
	{pms.FieldAccompanyingID, []string{"NAMEID", "ACCOMPANYING GUEST ID"}},
	{pms.FieldLanguage, []string{"LANGUAGE", "GUEST LANGUAGE"}},
	{pms.FieldVIP, []string{"VIP STATUS", "VIP", "VIP CODE"}},
	{pms.FieldGroup, []string{"BLOCK CODE", "GROUP", "GROUP CODE"}},
	{pms.FieldMembershipLevel, []string{"MEMBERSHIP LEVEL"}},
	{pms.FieldAdults, []string{"ADULTS"}},
	{pms.FieldChildren, []string{"CHILDREN", "CHILDREN 1", "CHILDREN 2", "CHILDREN 3"}},
	{pms.FieldShared, []string{"SHARE YN", "SHARED", "SHARED YN", "SHARE FLAG", "GUEST SHARE FLAG"}},
	{pms.FieldAdvanceCheckedIn, []string{"ADVANCE CHECKED IN YN"}},
	{pms.FieldProperty, []string{"RESORT", "HOTEL", "PROPERTY", "HOTEL ID", "HOTEL CODE", "PROPERTY CODE", "PROPERTY ID"}},
	{pms.FieldMessage, []string{"MESSAGE", "MESSAGE TEXT", "GUEST MESSAGE"}},
	{pms.FieldMessageTitle, []string{"MESSAGE TITLE", "MESSAGE SUBJECT"}},
	{pms.FieldMessageLight, []string{"MESSAGE LIGHT NOTIFICATION", "MESSAGE LIGHT"}},
	{pms.FieldDeliveryStatus, []string{"DELIVERY STATUS"}},
	{pms.FieldRoomStatus, []string{"ROOM STATUS", "HOUSEKEEPING STATUS"}},
	{pms.FieldGuestService, []string{"Guest Service Request", "GUEST SERVICE STATUS"}},
	{pms.FieldServices, []string{"TV RIGHTS", "MINIBAR RIGHTS", "VIDEO RIGHTS", "CLASS OF SERVICE", "INTERFACE RIGHTS"}},

	// Known, and of no use to a room; most of it is personal data that is best not kept.
	{pms.FieldIgnored, []string{
		"EMAIL", "PHONE NUMBER", "PHONE TYPE", "PRIMARY YN", "COMMUNICATION", "COMMUNICATION TYPE",
		"COMMUNICATION ROLE", "OPTED FOR COMM YN", "CITY", "COUNTRY", "NUMBER OF ROOMS", "RATE", "RATE CODE", "RATE AMOUNT",
		"MEMBERSHIP TYPE", "MEMBERSHIP NUMBER", "UPDATE DATE", "UPDATE TIME", "QUEUE TIME", "COMMENTS",
		"ACTION DATE", "PREFERENCE TYPE", "STATUS", "NAME TYPE",
	}},
}

// aliasKinds are the kinds that the property file can give to an event.
var aliasKinds = [...]pms.Kind{
	pms.KindReservationNew, pms.KindReservationUpdate, pms.KindReservationCancel, pms.KindCancelUndo, pms.KindNoShow,
	pms.KindCheckIn, pms.KindAdvanceCheckIn, pms.KindCheckInUndo, pms.KindCheckOut, pms.KindCheckOutUndo,
	pms.KindRoomMove, pms.KindShareJoin, pms.KindShareLeave, pms.KindMessage, pms.KindRoomServices, pms.KindRoomStatus,
	pms.KindRoomOutOfOrder, pms.KindGuestService, pms.KindQueueRoom, pms.KindProfile,
}

// aliasFields are the fields that the property file can give to an element.
var aliasFields = [...]string{
	pms.FieldRoom, pms.FieldOldRoom, pms.FieldRoomType, pms.FieldStatus, pms.FieldArrival, pms.FieldArrivalDate,
	pms.FieldArrivalTime, pms.FieldDeparture, pms.FieldDepartureDate, pms.FieldDepartureTime, pms.FieldNights,
	pms.FieldConfirmation, pms.FieldConfirmationLeg, pms.FieldReservation, pms.FieldGuestID, pms.FieldTitle,
	pms.FieldFirstName, pms.FieldMiddleName, pms.FieldLastName, pms.FieldAltFirstName, pms.FieldAltLastName,
	pms.FieldAccompanying, pms.FieldAccompanyingID, pms.FieldLanguage, pms.FieldVIP, pms.FieldGroup,
	pms.FieldMembershipLevel, pms.FieldAdults, pms.FieldChildren, pms.FieldShared, pms.FieldAdvanceCheckedIn,
	pms.FieldProperty, pms.FieldMessage, pms.FieldMessageTitle, pms.FieldMessageLight, pms.FieldDeliveryStatus,
	pms.FieldRoomStatus, pms.FieldGuestService, pms.FieldServices,
}
