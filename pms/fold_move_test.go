package pms

import (
	"testing"
	"time"
)

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

func TestDisplacedGuestIsNotShown(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "last_name=Smith")
	h.say(KindCheckIn, "2", "room=102", "last_name=Jones")
	h.later(time.Minute)
	h.say(KindRoomMove, "1", "room=101>102")
	want(t, h.say(KindReservationUpdate, "1", "last_name=Smith>Miller"), "stay.updated 102 Miller", "room.occupied 102 Miller")
	want(t, h.say(KindMessage, "2", "message=Hello"))
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

func TestKeyRequestSettlesNobodyElse(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "last_name=Smith")
	h.say(KindCheckIn, "2", "room=102", "last_name=Jones")
	h.later(time.Minute)
	h.say(KindRoomMove, "1", "room=101>102")
	h.later(time.Hour)
	n := h.told(KindKeyRequest, "1")
	n.CommandID = "c-1"
	want(t, lines(h.fold(n)), "key.requested 102 Smith")
	want(t, h.say(KindReservationUpdate, "9"), "stay.checked_out 102 Jones assumed")
}

// A key request knows better than the ledger who is in the room: it comes ahead
// of the news of a turnover, and of a swap.
func TestKeyRequestSaysWhetherTheRoomIsShared(t *testing.T) {
	for _, c := range []struct {
		name, share, guest, want string
	}{
		{"turnover", "shared=N", "2", "key.requested 101 Jones"},
		{"swap", "shared=N", "3", "key.requested 101 Poe"},
		{"dormitory", "shared=Y", "2", "key.requested 101 Jones shared"},
		{"first in the dormitory, as far as we know", "shared=Y", "1", "key.requested 101 Smith shared"},
		{"nothing said, and another is in the room", "copies=1", "2", "key.requested 101 Jones shared"},
		{"nothing said, and nobody else is", "copies=1", "1", "key.requested 101 Smith"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			h.say(KindCheckIn, "1", "room=101", "last_name=Smith")
			h.say(KindReservationNew, "2", "room=101", "last_name=Jones")
			h.say(KindCheckIn, "3", "room=102", "last_name=Poe")
			n := h.told(KindKeyRequest, c.guest, "room=101", "key=auto", c.share)
			n.CommandID = "K1"
			want(t, lines(h.fold(n)), c.want)
		})
	}
}

// Whoever asks for a key says how long he waits; no other measure of age counts.
func TestKeyRequestIsNewsUntilItExpires(t *testing.T) {
	for _, replayed := range []bool{false, true} {
		for _, age := range []time.Duration{-time.Hour, 0, time.Hour, 3 * time.Hour} {
			h := newHouse(t)
			n := h.told(KindKeyRequest, "1", "room=101")
			n.CommandID, n.Replayed, n.NotBefore = "K1", replayed, h.now.Add(-age)
			n.Expires = n.NotBefore.Add(2 * time.Hour)
			if e := h.fold(n).Events[0]; e.Fresh != (age < 2*time.Hour) || !e.Expires.Equal(n.Expires) {
				t.Errorf("%s old, replayed %v: fresh %v, expires %s", age, replayed, e.Fresh, e.Expires)
			}
		}
	}
}

// A key goes by the name that the stay has later on; for a room of which nobody
// says whose it is, by none.
func TestKeyRequestNamesTheStay(t *testing.T) {
	h := newHouse(t)
	asked := h.fold(h.told(KindKeyRequest, "1", "room=101")).Events[0].Stay.Key
	unnamed := h.fold(h.told(KindKeyRequest, "", "room=102")).Events[0].Stay.Key
	h.shows("1", "status=Started", "room=101", "last_name=Smith")
	if key := h.stay("1").Key; key != asked || unnamed != "" {
		t.Errorf("asked for %q, and then %q; unnamed %q", asked, key, unnamed)
	}
	if key := h.fold(h.told(KindKeyRequest, "", "room=101")).Events[0].Stay.Key; key != asked {
		t.Errorf("by the room %q, want %q", key, asked)
	}
}
