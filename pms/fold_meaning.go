package pms

// meaning is what a notice is about once its name and its status change have
// been read together.
type meaning int

const (
	meansNothing meaning = iota
	meansCheckIn
	meansCheckInUndo
	meansCheckOut
	meansCheckOutUndo
	meansCancel
	meansCancelUndo
	meansMove
	meansUpdate
	meansProfile
	meansMessage
	meansServices
	meansRoomStatus
	meansOutOfOrder
	meansKeyRequest
	meansPrice
	meansState
)

// meaningOf derives the meaning of a notice. told is true when the status is
// only information: it did not change now, so what follows from it is no news.
//
// The event's name alone does not do: OHIP's business event samples have a
// check-in that comes as UPDATE RESERVATION with the status going from RESERVED
// to CHECKED IN.
func meaningOf(n *Notice) (m meaning, told bool) {
	switch n.Kind {
	case KindCheckIn:
		return meansCheckIn, false
	case KindCheckOut:
		return meansCheckOut, false
	case KindCheckInUndo:
		return meansCheckInUndo, false
	case KindCheckOutUndo:
		return meansCheckOutUndo, false
	case KindReservationCancel, KindNoShow:
		return meansCancel, false
	case KindCancelUndo:
		return meansCancelUndo, false
	case KindProfile:
		return meansProfile, false
	case KindMessage:
		return meansMessage, false
	case KindRoomServices, KindGuestService:
		return meansServices, false
	case KindRoomStatus:
		return meansRoomStatus, false
	case KindRoomOutOfOrder:
		return meansOutOfOrder, false
	case KindKeyRequest:
		return meansKeyRequest, false
	case KindPrice:
		return meansPrice, false
	case KindStayState:
		return meansState, false
	case KindReservationNew, KindReservationUpdate, KindAdvanceCheckIn, KindRoomMove, KindShareJoin, KindShareLeave, KindUnknown:
		return statusMeaning(n)
	}
	return meansNothing, false
}

// statusMeaning is the meaning of a notice whose name leaves it open.
func statusMeaning(n *Notice) (m meaning, told bool) {
	plain := meansUpdate
	switch n.Kind {
	case KindRoomMove:
		plain = meansMove
	case KindUnknown:
		plain = meansNothing
		if room, ok := n.Get(FieldRoom); ok && room.Old != "" && room.New != "" && room.Changed() {
			plain = meansUpdate
		}
	}
	f, ok := n.Get(FieldStatus)
	if !ok {
		return plain, false
	}
	from, to := ParseStatus(f.Old), ParseStatus(f.New)
	if from == to && n.Kind == KindUnknown {
		return plain, to == StatusInHouse && !somethingChanged(n)
	}
	switch to {
	case StatusInHouse:
		switch from {
		case StatusInHouse:
			return plain, !somethingChanged(n)
		case StatusDeparted:
			return meansCheckOutUndo, false
		}
		return meansCheckIn, false
	case StatusDeparted:
		return meansCheckOut, from == to
	case StatusCancelled:
		if from == to {
			return meansNothing, true
		}
		return meansCancel, false
	case StatusExpected:
		switch from {
		case StatusInHouse:
			return meansCheckInUndo, false
		case StatusCancelled:
			return meansCancelUndo, false
		}
	}
	return plain, false
}

// somethingChanged reports whether any value of the notice is another than before.
func somethingChanged(n *Notice) bool {
	for _, f := range n.Fields {
		if f.Old != "" && f.Changed() {
			return true
		}
	}
	return false
}
