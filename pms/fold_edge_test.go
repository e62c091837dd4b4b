package pms

import (
	"cmp"
	"strings"
	"testing"
	"time"
)

func TestDuplicateNotice(t *testing.T) {
	h := newHouse(t)
	in := h.told(KindCheckIn, "1", "room=101", "last_name=Smith")
	h.fold(in)
	want(t, lines(h.fold(in)))
	h.later(time.Minute)
	out := h.told(KindCheckOut, "1", "room=101")
	h.fold(out)
	want(t, lines(h.fold(out)))
	want(t, lines(h.fold(in)))
	in.NotBefore, in.Replayed = h.now.Add(time.Hour), true // a replay without times of its own
	want(t, lines(h.fold(in)))
}

func TestLateNoticeDoesNotOverwrite(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "last_name=Smith")
	h.later(time.Minute)
	late := h.told(KindReservationUpdate, "1", "last_name=Smith>Smythe")
	lateMove := h.told(KindRoomMove, "1", "room=101>102")
	h.later(time.Minute)
	h.say(KindReservationUpdate, "1", "last_name=Smythe>Miller", "room=102>103")
	h.later(time.Second)
	want(t, lines(h.fold(late)))
	want(t, lines(h.fold(lateMove)))
	h.wantIn("103", "Miller")
}

func TestLateCheckOutAfterAnUpdateStillCounts(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "last_name=Smith")
	h.later(time.Hour)
	out := h.told(KindCheckOut, "1", "room=101")
	h.later(time.Second)
	h.say(KindReservationUpdate, "1", "vip=V1")
	want(t, lines(h.fold(out)), "stay.checked_out 101 Smith vacant", "room.vacated 101 vacant")
}

// A PMS without times of its own: what counts is the order of arrival, also
// when the last instant at which the link was live is not known exactly.
func TestNoticesWithoutTimesGoByArrival(t *testing.T) {
	h := newHouse(t)
	n := h.told(KindCheckIn, "", "room=101", "last_name=Smith")
	n.Received = n.NotBefore
	h.fold(n)
	out := h.told(KindCheckOut, "", "room=101")
	out.Replayed, out.NotBefore = true, h.now.Add(-time.Minute)
	want(t, lines(h.fold(out)), "stay.checked_out 101 Smith old vacant", "room.vacated 101 old vacant")
}

func TestCheckOutBeforeCheckIn(t *testing.T) {
	h := newHouse(t)
	in := h.told(KindCheckIn, "1", "room=101", "last_name=Smith")
	h.later(time.Minute)
	want(t, h.say(KindCheckOut, "1", "room=101"))
	want(t, lines(h.fold(in)))
	h.wantIn("101", "")
	h.later(time.Minute)
	want(t, h.say(KindCheckIn, "1", "room=101", "last_name=Smith"), "stay.checked_in 101 Smith", "room.occupied 101 Smith")
}

func TestTombstone(t *testing.T) {
	for _, c := range []struct {
		name string
		kind Kind
		age  time.Duration // of the notice, against the check-out
		want []string
	}{
		{"older check-in", KindCheckIn, -time.Second, nil},
		{"newer check-in", KindCheckIn, time.Second, []string{"stay.checked_in 101 Smith", "room.occupied 101 Smith"}},
		{"older reversal", KindCheckOutUndo, -time.Second, nil},
		{"newer reversal", KindCheckOutUndo, time.Second, []string{"stay.reinstated 101 Smith", "room.occupied 101 Smith"}},
		{"update", KindReservationUpdate, time.Second, nil},
		{"move", KindRoomMove, time.Second, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			h.say(KindCheckIn, "1", "room=101", "last_name=Smith")
			h.later(time.Hour)
			h.say(KindCheckOut, "1")
			n := h.told(c.kind, "1", "room==101", "last_name==Smith")
			n.NotBefore = h.now.Add(c.age)
			want(t, lines(h.fold(n)), c.want...)
		})
	}
}

func TestReversedCheckOutKeepsTheKey(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "last_name=Smith")
	key := h.stay("1").Key
	h.later(time.Minute)
	h.say(KindCheckOut, "1")
	h.later(time.Minute)
	h.say(KindCheckOutUndo, "1")
	if got := h.stay("1"); got.Key != key || got.Status != StatusInHouse {
		t.Errorf("%+v", got)
	}
	want(t, h.say(KindCheckOutUndo, "1"))
}

func TestReversedCheckOutWithoutReservation(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "", "room=101", "last_name=Smith")
	h.later(time.Minute)
	h.say(KindCheckOut, "", "room=101")
	h.later(time.Minute)
	want(t, h.say(KindCheckOutUndo, "", "room=101"), "stay.reinstated 101 Smith", "room.occupied 101 Smith")
}

func TestReversedCheckIn(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "last_name=Smith")
	h.later(time.Minute)
	want(t, h.say(KindCheckInUndo, "1"), "stay.check_in_reversed 101 Smith vacant", "room.vacated 101 vacant")
	want(t, h.say(KindCheckInUndo, "1"))
	want(t, h.say(KindCheckInUndo, "2"))
	h.later(time.Minute)
	want(t, h.say(KindCheckIn, "1"), "stay.checked_in 101 Smith", "room.occupied 101 Smith")
}

func TestCheckInOnOccupiedRoomAssumesCheckOut(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "last_name=Smith")
	h.later(time.Hour)
	want(t, h.say(KindCheckIn, "2", "room=101", "last_name=Jones"),
		"stay.checked_out 101 Smith assumed", "stay.checked_in 101 Jones", "room.occupied 101 Jones")
	h.wantIn("101", "Jones")
	h.later(time.Minute)
	want(t, h.say(KindCheckOut, "1", "room=101")) // its own check-out, at last
	h.wantIn("101", "Jones")
}

func TestAnonymousNextGuest(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "", "room=101", "last_name=Smith", "departure_date=2026-06-12")
	h.later(time.Hour)
	want(t, h.say(KindCheckIn, "", "room=101", "last_name=Jones"),
		"stay.checked_out 101 Smith assumed", "stay.checked_in 101 Jones", "room.occupied 101 Jones")
	want(t, h.say(KindCheckOut, "", "room=101", "last_name=Smith")) // Smith's, and Jones is in the room
	want(t, h.say(KindCheckOut, "", "room=101"), "stay.checked_out 101 Jones vacant", "room.vacated 101 vacant")
}

func TestNamelessCheckInAfterTheDepartureIsTheNextGuest(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "", "room=101", "last_name=Smith", "departure_date=2026-06-12")
	h.later(time.Hour)
	want(t, h.say(KindCheckIn, "", "room=101"))
	h.later(72 * time.Hour)
	want(t, h.say(KindCheckIn, "", "room=101"),
		"stay.checked_out 101 Smith assumed", "stay.checked_in 101", "room.occupied 101")
}

func TestShareIsEvident(t *testing.T) {
	for _, c := range []struct {
		name          string
		first, second []string
		kind          Kind
		share         bool
	}{
		{name: "flag", second: []string{"shared=Y"}, share: true},
		{name: "flag of the first guest", first: []string{"shared=Y"}, share: true},
		{name: "flag of the first guest, denied by the second", first: []string{"shared=Y"}, second: []string{"shared=N"}},
		{name: "same group", first: []string{"group=G"}, second: []string{"group=G"}, share: true},
		{name: "other group", first: []string{"group=G"}, second: []string{"group=H"}},
		{name: "same group, but due out today", first: []string{"group=G", "departure_date=2026-06-10"}, second: []string{"group=G"}},
		{name: "same booking", first: []string{"confirmation=7", "confirmation_leg=1"}, second: []string{"confirmation=7", "confirmation_leg=2"}, share: true},
		{name: "joined", kind: KindShareJoin, second: []string{"status=RESERVED>CHECKED IN"}, share: true},
		{name: "nothing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			h.say(KindCheckIn, "1", append([]string{"room=101", "last_name=Smith"}, c.first...)...)
			h.later(time.Minute)
			kind := c.kind
			if kind == "" {
				kind = KindCheckIn
			}
			got := h.say(kind, "2", append([]string{"room=101", "last_name=Jones"}, c.second...)...)
			if c.share {
				want(t, got, "stay.checked_in 101 Jones shared", "room.occupied 101 Smith+Jones shared")
			} else {
				want(t, got, "stay.checked_out 101 Smith assumed", "stay.checked_in 101 Jones", "room.occupied 101 Jones")
			}
		})
	}
}

func TestSharersLeaveOneByOne(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "last_name=Smith", "shared=Y")
	h.later(time.Minute)
	h.say(KindCheckIn, "2", "room=101", "last_name=Jones", "shared=Y")
	h.later(time.Minute)
	want(t, h.say(KindCheckOut, "1", "room=101", "shared=Y"), "stay.checked_out 101 Smith shared", "room.occupied 101 Jones")
	want(t, h.say(KindCheckOut, "2", "room=101", "shared=N"), "stay.checked_out 101 Jones vacant", "room.vacated 101 vacant")
}

func TestCheckOutOfAShareWithoutReservation(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "last_name=Smith", "shared=Y")
	want(t, h.say(KindCheckOut, "", "room=101", "shared=Y"), "incomplete 101") // perhaps the one we do not know
	h.later(time.Minute)
	h.say(KindCheckIn, "2", "room=101", "last_name=Jones", "shared=Y")
	c := h.fold(h.told(KindCheckOut, "", "room=101"))
	want(t, lines(c), "incomplete 101")
	if r := c.Events[0].Field("reason"); !strings.Contains(r, "check-out names no reservation") {
		t.Error(r)
	}
	h.wantIn("101", "Smith+Jones")
	want(t, h.say(KindCheckOut, "", "room=101", "last_name=Jones"), "stay.checked_out 101 Jones shared", "room.occupied 101 Smith")
}

func TestSameGuestTwoRooms(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "last_name=Smith", "guest_id=9")
	h.say(KindCheckIn, "2", "room=102", "last_name=Smith", "guest_id=9")
	if h.stay("1").Key == h.stay("2").Key {
		t.Error("two rooms, one key")
	}
	h.later(time.Minute)
	want(t, h.say(KindCheckOut, "1"), "stay.checked_out 101 Smith vacant", "room.vacated 101 vacant")
	h.wantIn("102", "Smith")
}

func TestCheckOutWithoutRoom(t *testing.T) {
	for _, c := range []struct {
		name, reservation string
		fields            []string
		want              []string
	}{
		{"by reservation", "1", nil, []string{"stay.checked_out 101 Smith vacant", "room.vacated 101 vacant"}},
		{"by confirmation", "", []string{"confirmation=C1"}, []string{"stay.checked_out 101 Smith vacant", "room.vacated 101 vacant"}},
		{"by the room's old value", "", []string{"room=101>"}, []string{"stay.checked_out 101 Smith vacant", "room.vacated 101 vacant"}},
		{"by profile", "", []string{"guest_id=9"}, []string{"stay.checked_out 101 Smith vacant", "room.vacated 101 vacant"}},
		{"by nothing", "", nil, []string{"incomplete "}},
		{"by an unknown reservation", "5", nil, []string{"incomplete "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			h.say(KindCheckIn, "1", "room=101", "last_name=Smith", "confirmation=C1", "guest_id=9")
			h.later(time.Minute)
			want(t, h.say(KindCheckOut, c.reservation, c.fields...), c.want...)
		})
	}
}

func TestCheckInWithoutRoom(t *testing.T) {
	h := newHouse(t)
	c := h.fold(h.told(KindCheckIn, "1", "last_name=Smith"))
	want(t, lines(c), "incomplete  Smith")
	if r := c.Events[0].Field("reason"); r != "the check-in names no room" {
		t.Error(r)
	}
	if s := h.stay("1"); s.Status != StatusInHouse || s.Room != "" {
		t.Errorf("%+v", s)
	}
	want(t, h.say(KindCheckIn, "1", "last_name=Smith"))
	h.later(time.Minute)
	want(t, h.say(KindReservationUpdate, "1", "room=101"), "stay.checked_in 101 Smith", "room.occupied 101 Smith")
	want(t, h.say(KindCheckIn, ""), "incomplete ")
}

func TestLateCheckOutAfterTheNextCheckIn(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "2", "room=101", "last_name=Jones")
	h.later(time.Minute)
	want(t, h.say(KindCheckOut, "1", "room=101", "last_name=Smith"))
	h.wantIn("101", "Jones")
}

func TestOlderCheckInDoesNotEvictTheNextGuest(t *testing.T) {
	h := newHouse(t)
	late := h.told(KindCheckIn, "1", "room=101", "last_name=Smith")
	h.later(time.Hour)
	h.say(KindCheckIn, "2", "room=101", "last_name=Jones")
	want(t, lines(h.fold(late)))
	h.wantIn("101", "Jones")
}

func TestRoomMove(t *testing.T) {
	for _, c := range []struct {
		name, reservation string
		kind              Kind
		fields            []string
	}{
		{"move", "1", KindRoomMove, []string{"room=101>102"}},
		{"update", "1", KindReservationUpdate, []string{"room=101>102"}},
		{"unknown name", "1", KindUnknown, []string{"room=101>102"}},
		{"old room apart", "1", KindReservationUpdate, []string{"room=102", "old_room=101"}},
		{"no reservation", "", KindRoomMove, []string{"room=101>102"}},
		{"no reservation, old room apart", "", KindReservationUpdate, []string{"room=102", "old_room=101"}},
		{"new room only", "1", KindRoomMove, []string{"room=102"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			h.say(KindCheckIn, "1", "room=101", "last_name=Smith")
			h.later(time.Minute)
			want(t, h.say(c.kind, c.reservation, c.fields...),
				"stay.room_moved 102 from 101 Smith oldvacant", "room.vacated 101 vacant", "room.occupied 102 Smith")
			want(t, h.say(c.kind, c.reservation, c.fields...))
		})
	}
}

func TestRoomToldOtherwiseIsAMoveButNoNews(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "last_name=Smith")
	h.later(time.Minute)
	want(t, h.say(KindReservationUpdate, "1", "room==102"),
		"stay.room_moved 102 from 101 Smith old oldvacant", "room.vacated 101 old vacant", "room.occupied 102 Smith old")
}

func TestMoveChain(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "last_name=Smith")
	h.later(time.Minute)
	h.say(KindRoomMove, "1", "room=101>102")
	h.later(time.Minute)
	want(t, h.say(KindRoomMove, "1", "room=102>103"),
		"stay.room_moved 103 from 102 Smith oldvacant", "room.vacated 102 vacant", "room.occupied 103 Smith")
	h.wantIn("101", "")
}

func TestMoveAfterTheNextGuestsCheckIn(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "last_name=Smith")
	h.later(time.Minute)
	move := h.told(KindRoomMove, "1", "room=101>102")
	h.later(time.Minute)
	want(t, h.say(KindCheckIn, "2", "room=101", "last_name=Jones", "shared=Y"),
		"stay.checked_in 101 Jones shared", "room.occupied 101 Smith+Jones shared")
	want(t, lines(h.fold(move)), "stay.room_moved 102 from 101 Smith", "room.occupied 101 Jones", "room.occupied 102 Smith")
}

func TestMoveWithinAShare(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "last_name=Smith", "shared=Y")
	h.later(time.Minute)
	h.say(KindCheckIn, "2", "room=101", "last_name=Jones", "shared=Y")
	h.later(time.Minute)
	want(t, h.say(KindRoomMove, "1", "room=101>102", "shared=N"),
		"stay.room_moved 102 from 101 Smith", "room.occupied 101 Jones", "room.occupied 102 Smith")
	h.later(time.Minute)
	want(t, h.say(KindRoomMove, "2", "room=101>102", "shared=Y"),
		"stay.room_moved 102 from 101 Jones oldvacant shared", "room.vacated 101 vacant", "room.occupied 102 Smith+Jones shared")
	want(t, h.say(KindRoomMove, "", "room=102>103"), "incomplete 102")
}

func TestRoomSwap(t *testing.T) {
	type step struct {
		reservation, move string
		want              []string
	}
	first := step{"1", "room=101>102", []string{
		"stay.room_moved 102 from 101 Smith oldvacant", "room.vacated 101 vacant", "room.occupied 102 Smith"}}
	second := step{"2", "room=102>101", []string{
		"stay.room_moved 101 from 102 Jones oldvacant", "room.vacated 102 vacant", "room.occupied 101 Jones"}}
	secondLast := step{"2", "room=102>101", []string{"stay.room_moved 101 from 102 Jones", "room.occupied 101 Jones"}}
	firstLast := step{"1", "room=101>102", []string{"stay.room_moved 102 from 101 Smith", "room.occupied 102 Smith"}}
	for _, c := range []struct {
		name      string
		steps     []step
		anonymous bool
	}{
		{"one order", []step{first, secondLast}, false},
		{"the other order", []step{second, firstLast}, false},
		{"without reservations, one order", []step{first, secondLast}, true},
		{"without reservations, the other order", []step{second, firstLast}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			h.say(KindCheckIn, "1", "room=101", "last_name=Smith")
			h.say(KindCheckIn, "2", "room=102", "last_name=Jones")
			for _, s := range c.steps {
				h.later(time.Minute)
				if c.anonymous {
					s.reservation = ""
				}
				want(t, h.say(KindRoomMove, s.reservation, s.move), s.want...)
			}
			h.wantIn("101", "Jones")
			h.wantIn("102", "Smith")
			h.later(time.Hour)
			want(t, lines(h.l.Sweep(h.now)))
		})
	}
}

func TestDisplacedGuestIsAssumedToHaveLeft(t *testing.T) {
	for _, by := range []string{"sweep", "next notice"} {
		t.Run(by, func(t *testing.T) {
			h := newHouse(t)
			h.say(KindCheckIn, "1", "room=101", "last_name=Smith")
			h.say(KindCheckIn, "2", "room=102", "last_name=Jones")
			h.later(time.Minute)
			h.say(KindRoomMove, "1", "room=101>102")
			h.wantIn("102", "Smith")
			h.later(29 * time.Minute)
			want(t, lines(h.l.Sweep(h.now)))
			want(t, h.say(KindQueueRoom, ""))
			h.later(time.Minute)
			var c Change
			if by == "sweep" {
				c = h.l.Sweep(h.now)
				h.l.Apply(c)
				want(t, lines(c), "stay.checked_out 102 Jones old assumed")
			} else {
				c = h.fold(h.told(KindQueueRoom, ""))
				want(t, lines(c), "stay.checked_out 102 Jones assumed")
			}
			if c.Events[0].ID == "#1" || c.Events[0].Source != "p" {
				t.Errorf("%+v", c.Events[0])
			}
			h.wantIn("102", "Smith")
			checkLedger(t, h.l)
		})
	}
}

func TestDisplacedGuestComesBackWhenTheMoverMovesOn(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "last_name=Smith")
	h.say(KindCheckIn, "2", "room=102", "last_name=Jones")
	h.later(time.Minute)
	h.say(KindRoomMove, "1", "room=101>102")
	h.later(time.Minute)
	want(t, h.say(KindRoomMove, "1", "room=102>103"),
		"stay.room_moved 103 from 102 Smith", "room.occupied 102 Jones", "room.occupied 103 Smith")
}

func TestDisplacedGuestsCheckOutKeepsTheRoom(t *testing.T) {
	for _, reservation := range []string{"2", ""} {
		h := newHouse(t)
		h.say(KindCheckIn, "1", "room=101", "last_name=Smith")
		h.say(KindCheckIn, "2", "room=102", "last_name=Jones")
		h.later(time.Minute)
		h.say(KindRoomMove, "1", "room=101>102")
		h.later(time.Minute)
		want(t, h.say(KindCheckOut, reservation, "room=102"), "stay.checked_out 102 Jones")
		h.wantIn("102", "Smith")
	}
}

func TestUpdateOfUnknownReservation(t *testing.T) {
	h := newHouse(t)
	want(t, h.say(KindReservationUpdate, "1", "status==CHECKED IN", "room==101", "last_name==Smith"),
		"stay.checked_in 101 Smith old", "room.occupied 101 Smith old")
	want(t, h.say(KindRoomMove, "2", "room=103>104", "last_name==Jones"),
		"stay.checked_in 104 Jones old", "room.occupied 104 Jones old")
	want(t, h.say(KindRoomMove, "", "room=105"), "incomplete 105")
	want(t, h.say(KindRoomMove, "", "room=104")) // somebody is there, and stays
	want(t, h.say(KindReservationUpdate, "3", "status==CANCELLED"))
	want(t, h.say(KindReservationUpdate, "", "room==110", "last_name==Brown"))
	if h.l.Len() != 2 {
		t.Errorf("%d stays", h.l.Len())
	}
}

func TestNameChangesEntirelyOnOccupiedRoom(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "", "room=101", "last_name=Smith")
	h.later(time.Minute)
	want(t, h.say(KindReservationUpdate, "", "room==101", "last_name=Jones"), "stay.updated 101 Jones", "room.occupied 101 Jones")
	if h.l.Len() != 1 {
		t.Error("a second stay")
	}
}

func TestAnonymousStayLearnsItsReservation(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "", "room=101", "last_name=Smith")
	var id, key string
	for s := range h.l.InHouse() {
		id, key = s.ID, s.Key
	}
	h.later(time.Minute)
	want(t, h.say(KindReservationUpdate, "1", "room==101", "last_name==Smith"))
	if s, _ := h.l.Stay(id); s.Reservation != "1" || s.Key != key {
		t.Errorf("%+v", s)
	}
	want(t, h.say(KindCheckIn, "1", "room=101", "last_name=Smith"))
	want(t, h.say(KindCheckOut, "1"), "stay.checked_out 101 Smith vacant", "room.vacated 101 vacant")
}

func TestNumbersOfDifferentSortsAreNotMixedUp(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "", "room=101", "last_name=Smith", "confirmation=7")
	h.later(time.Minute)
	want(t, h.say(KindCheckOut, "7", "room=102"))
	h.wantIn("101", "Smith")
	h.say(KindCheckIn, "7", "room=103", "last_name=Jones")
	h.wantIn("103", "Jones")
	h.wantIn("101", "Smith")
	other := h.told(KindCheckOut, "7")
	other.Source = "q"
	h.fold(other)
	h.wantIn("103", "Jones")
}

func TestDepartureInThePastAtCheckIn(t *testing.T) {
	h := newHouse(t)
	c := h.fold(h.told(KindCheckIn, "1", "room=101", "departure=2026-06-10 13:00"))
	e := c.Events[0]
	if !e.Stay.Departure.Equal(h.now.Add(4*time.Hour)) || !strings.Contains(e.Field("reason"), "departure was over") {
		t.Errorf("%+v", e)
	}
	h.later(time.Minute)
	want(t, h.say(KindReservationUpdate, "1", "departure==2026-06-10 13:00"))
}

func TestDayUse(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "arrival_date=2026-06-10", "departure_date=2026-06-10", "departure_time=18:00")
	if d := h.stay("1").Departure; !d.Equal(time.Date(2026, 6, 10, 18, 0, 0, 0, berlin(t))) {
		t.Error(d)
	}
	h.say(KindCheckIn, "2", "room=102", "nights=0", "departure_time=20:00")
	if d := h.stay("2").Departure; !d.Equal(time.Date(2026, 6, 10, 20, 0, 0, 0, berlin(t))) {
		t.Error(d)
	}
}

func TestDepartureTimePassedIsNoCheckOut(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "last_name=Smith", "departure_date=2026-06-11")
	h.later(96 * time.Hour)
	want(t, lines(h.l.Sweep(h.now)))
	h.wantIn("101", "Smith")
}

func TestSplitBooking(t *testing.T) {
	for _, c := range []struct {
		name        string
		gap         time.Duration
		last, guest string
		linked      bool
	}{
		{name: "at once", gap: time.Second, linked: true},
		{name: "within a quarter of an hour", gap: 15 * time.Minute, linked: true},
		{name: "later", gap: 16 * time.Minute},
		{name: "another profile", gap: time.Second, guest: "10"},
		{name: "one profile for a group", gap: time.Second, last: "Jones"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			h.say(KindCheckIn, "1", "room=101", "last_name=Smith", "guest_id=9")
			key := h.stay("1").Key
			h.later(time.Hour)
			h.say(KindCheckOut, "1")
			h.later(c.gap)
			got := h.fold(h.told(KindCheckIn, "2", "room=102", "last_name="+cmp.Or(c.last, "Smith"), "guest_id="+cmp.Or(c.guest, "9")))
			if linked := h.stay("2").Key == key; linked != c.linked {
				t.Fatalf("linked: %v, want %v; %v", linked, c.linked, lines(got))
			}
			if c.linked {
				want(t, lines(got), "stay.room_moved 102 from 101 Smith oldvacant", "room.occupied 102 Smith")
				h.later(48 * time.Hour)
				if got := h.l.Sweep(h.now).Forget; len(got) != 0 {
					t.Error("the key in use was forgotten:", got)
				}
			}
		})
	}
}

func TestGroupArrival(t *testing.T) {
	h := newHouse(t)
	for i := range 200 {
		room := string(rune('A'+i/100)) + string(rune('0'+i/10%10)) + string(rune('0'+i%10))
		want(t, h.say(KindCheckIn, room, "room="+room, "last_name=G", "group=TOUR"),
			"stay.checked_in "+room+" G", "room.occupied "+room+" G")
	}
}

func TestDisplacedGuestIsNotShown(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "last_name=Smith")
	h.say(KindCheckIn, "2", "room=102", "last_name=Jones")
	h.later(time.Minute)
	h.say(KindRoomMove, "1", "room=101>102")
	want(t, h.say(KindReservationUpdate, "1", "last_name=Smith>Miller"), "stay.updated 102 Miller", "room.occupied 102 Miller")
	want(t, h.say(KindMessage, "2", "message=Hello"))
}

func TestTwoLinksDoNotTouchEachOthersGuests(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "last_name=Smith")
	other := func(kind Kind, reservation string, fields ...string) []string {
		n := h.told(kind, reservation, fields...)
		n.Source = "q"
		return lines(h.fold(n))
	}
	h.later(time.Minute)
	want(t, other(KindCheckIn, "1", "room=101", "last_name=Jones"), "stay.checked_in 101 Jones shared", "room.occupied 101 Smith+Jones shared")
	want(t, other(KindGuestService, "", "room=101", "guest_service=DoNotDisturb"), "room.occupied 101 Smith+Jones shared")
	want(t, other(KindCheckOut, "", "room=101"), "stay.checked_out 101 Jones shared", "room.occupied 101 Smith")
	want(t, other(KindCheckOut, "", "room=101"))
	h.wantIn("101", "Smith")
}

func TestToldOfAnUnnamedDepartedGuest(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "last_name=Jones")
	h.later(time.Minute)
	want(t, h.say(KindReservationUpdate, "", "status==CHECKED OUT", "room==101"))
	h.wantIn("101", "Jones")
}

func TestRepeatedMoveInASwapWithoutReservations(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "", "room=101", "last_name=Smith")
	h.say(KindCheckIn, "", "room=102", "last_name=Jones")
	first, second := h.told(KindRoomMove, "", "room=101>102"), h.told(KindRoomMove, "", "room=102>101")
	for _, n := range []Notice{first, first, second, second} {
		h.fold(n)
	}
	h.wantIn("101", "Jones")
	h.wantIn("102", "Smith")
}

// The time of a replayed notice may be the last instant at which the link was
// live, as far as the source remembers it; another session may remember it otherwise.
func TestReplayedNoticesGoByArrival(t *testing.T) {
	h := newHouse(t)
	in := h.told(KindCheckIn, "1", "room=101", "last_name=Smith")
	out := h.told(KindCheckOut, "1", "room=101")
	in.Replayed, out.Replayed, out.NotBefore = true, true, in.NotBefore.Add(-time.Minute)
	h.fold(in)
	want(t, lines(h.fold(out)), "stay.checked_out 101 Smith old vacant", "room.vacated 101 old vacant")
}

func TestSplitBookingContinuesOnlyOnce(t *testing.T) {
	h := newHouse(t)
	about := []string{"last_name=Smith", "guest_id=9"}
	h.say(KindCheckIn, "1", append(about, "room=101")...)
	h.later(time.Minute)
	h.say(KindCheckOut, "1")
	h.later(time.Minute)
	h.say(KindCheckIn, "2", append(about, "room=102")...)
	want(t, h.say(KindCheckIn, "3", append(about, "room=103")...), "stay.checked_in 103 Smith", "room.occupied 103 Smith")
	if h.stay("3").Key == h.stay("2").Key {
		t.Error("two stays in house under one key")
	}
}
