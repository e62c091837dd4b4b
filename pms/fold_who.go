package pms

import (
	"strings"
)

// Longest texts taken over from a notice, in bytes. A longer name is cut; a
// longer number or room is no number or room, since a cut one could be another's.
const (
	maxName   = 200
	maxNumber = 128
)

// who is whom a notice speaks about, as far as it says.
type who struct {
	source, reservation, confirmation, guest string
	// room is where the guest is, oldRoom where he was; left is the room of a
	// notice that blanks it.
	room, oldRoom, left string
	// roomTold says that the room did not change with this notice.
	roomTold bool
	// last and first are names as they are and, if they change, as they were.
	last, first, oldLast, oldFirst string
	share                          share
}

// share is what a notice says about the room being shared.
type share int

const (
	shareUnsaid share = iota
	shareYes
	shareNo
)

func readWho(n *Notice) who {
	w := who{source: n.Source, reservation: number(n.Reservation), guest: number(n.GuestID)}
	leg := ""
	for i := range n.Fields {
		f := &n.Fields[i]
		switch f.Name {
		case FieldRoom:
			w.readRoom(f)
		case FieldOldRoom:
			w.oldRoom = number(either(f))
		case FieldReservation:
			if w.reservation == "" {
				w.reservation = number(either(f))
			}
		case FieldConfirmation:
			w.confirmation = number(either(f))
		case FieldConfirmationLeg:
			leg = number(either(f))
		case FieldGuestID:
			if w.guest == "" {
				w.guest = number(either(f))
			}
		case FieldLastName:
			w.last, w.oldLast = name(f.New), name(f.Old)
		case FieldFirstName:
			w.first, w.oldFirst = name(f.New), name(f.Old)
		case FieldShared:
			w.share = readShare(f.New)
		}
	}
	if w.confirmation != "" && leg != "" {
		w.confirmation += "/" + leg
	}
	if w.oldRoom == w.room {
		w.oldRoom = ""
	}
	if n.Kind == KindShareJoin {
		w.share = shareYes
	}
	return w
}

func (w *who) readRoom(f *Field) {
	if w.room != "" {
		return // a second room of the same notice is not the guest's
	}
	w.room = number(f.New)
	old := number(f.Old)
	switch {
	case w.room == "":
		w.left = old
	case old == w.room:
		w.roomTold = true
	case w.oldRoom == "":
		w.oldRoom = old
	}
}

func readShare(text string) share {
	switch strings.TrimSpace(text) {
	case "Y", "y", "1", "true", "yes", "YES":
		return shareYes
	case "N", "n", "0", "false", "no", "NO":
		return shareNo
	}
	return shareUnsaid
}

// either is a field's value, or the one it had.
func either(f *Field) string {
	if strings.TrimSpace(f.New) != "" {
		return f.New
	}
	return f.Old
}

// number cleans an id, a room or a code.
func number(text string) string {
	text = strings.TrimSpace(text)
	if len(text) > maxNumber {
		return ""
	}
	return strings.ToValidUTF8(text, "?")
}

// name cleans a name.
func name(text string) string {
	text = strings.TrimSpace(text)
	if len(text) > maxName {
		text = text[:maxName]
		return strings.ToValidUTF8(text, "") // the cut may have gone through a letter
	}
	return strings.ToValidUTF8(text, "?")
}

// named reports whether the notice says which reservation it is about.
func (w *who) named() bool { return w.reservation != "" || w.confirmation != "" }
