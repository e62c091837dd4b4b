package pms

import (
	"slices"
	"strings"
	"testing"
	"time"
)

var fuzzKinds = []Kind{
	KindUnknown, KindReservationNew, KindReservationUpdate, KindReservationCancel, KindCancelUndo, KindNoShow, KindCheckIn,
	KindAdvanceCheckIn, KindCheckInUndo, KindCheckOut, KindCheckOutUndo, KindRoomMove, KindShareJoin, KindShareLeave, KindMessage,
	KindRoomServices, KindRoomStatus, KindRoomOutOfOrder, KindGuestService, KindQueueRoom, KindProfile, KindKeyRequest, KindUndecodable,
	KindStayState, KindPrice, KindMark, KindDeviceCommand, KindCommandWithdrawn,
}

// FuzzFold plays notices with any content: one a line, kind as a letter, then
// reservation and fields with tabs between. Nothing may panic or break the
// ledger, a guest is in one room at most, and a repeated notice is never news.
func FuzzFold(f *testing.F) {
	f.Add("x1\tstatus=Started\troom=101\tlast_name=Smith\nx2\tstatus=Started\troom=101\tlast_name=Jones\nx1\tstatus=Started\troom=102\taccompanying=Poe, Eve")
	f.Add("x1\tstatus=Started\troom=101\tchecked_in=2026-06-10T08:00:00Z\nx1\tstatus=Processed\nx1\tstatus=Started\troom=\nx1\tstatus=Confirmed")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			return
		}
		l := NewLedger(FoldOptions{}, nil)
		now := time.Date(2026, 6, 10, 14, 0, 0, 0, time.UTC)
		for i, row := range strings.Split(text, "\n") {
			n, ok := fuzzNotice(row, i, now)
			if !ok {
				continue
			}
			now = now.Add(time.Minute)
			c := l.Fold(n, now)
			l.Apply(c)
			checkLedger(t, l)
			again := l.Fold(n, now)
			for _, e := range again.Events {
				if e.Kind == StayCheckedIn || e.Kind == StayRoomMoved || e.Kind == StayReinstated {
					t.Fatalf("%q a second time: %s", row, e.Kind)
				}
			}
			for _, e := range c.Events {
				for _, field := range EventFields {
					e.Field(field.Name)
				}
			}
		}
		l.Apply(l.Sweep(now.Add(1000 * time.Hour)))
		checkLedger(t, l)
	})
}

func fuzzNotice(row string, i int, now time.Time) (Notice, bool) {
	if row == "" || row[0] < 'a' || int(row[0]-'a') >= len(fuzzKinds) {
		return Notice{}, false
	}
	parts := strings.Split(row[1:], "\t")
	n := Notice{
		ID: "n" + string(rune('0'+i)), Source: "p", Kind: fuzzKinds[row[0]-'a'], Reservation: parts[0],
		NotBefore: now.Add(time.Duration(len(row)%7) * time.Second), Received: now,
	}
	for seq, part := range parts[1:] {
		name, value, _ := strings.Cut(part, "=")
		before, after, changed := strings.Cut(value, ">")
		if !changed {
			before, after = "", value
		}
		n.Fields = append(n.Fields, Field{Name: name, Old: before, New: after, Seq: seq % 3})
	}
	return n, true
}

// rooms of the ledger never hold a stay twice.
func TestNoStayInTwoRooms(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "room=102")
	var in []string
	for room, stays := range h.l.rooms {
		for _, s := range stays {
			in = append(in, room+" "+s.ID)
		}
	}
	if !slices.Equal(in, []string{"101 p/1"}) {
		t.Error(in)
	}
}
