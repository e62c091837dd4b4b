package pms

import (
	"cmp"
	"strings"
	"testing"
	"time"
)

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
