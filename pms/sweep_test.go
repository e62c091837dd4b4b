package pms

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSweepForgetsTombstones(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101")
	h.say(KindReservationNew, "2", "arrival_date=2026-06-20")
	h.say(KindReservationCancel, "2")
	h.say(KindCheckIn, "3", "room=103")
	h.later(time.Minute)
	h.say(KindCheckOut, "1")
	h.later(24 * time.Hour)
	if got := h.l.Sweep(h.now).Forget; !cmp.Equal(got, []string{"p/2"}) {
		t.Error("after a day less a minute:", got)
	}
	h.later(time.Minute)
	c := h.l.Sweep(h.now)
	if !cmp.Equal(c.Forget, []string{"p/1", "p/2"}) || len(c.Events)+len(c.Stays) != 0 {
		t.Errorf("%+v", c)
	}
	h.l.Apply(c)
	checkLedger(t, h.l)
	if _, ok := h.l.Stay("p/3"); !ok || h.l.Len() != 1 {
		t.Error("a guest in house was forgotten")
	}
}

func TestSweepForgetsGuestsWhoNeverCame(t *testing.T) {
	h := newHouse(t)
	h.say(KindReservationNew, "1", "arrival_date=2026-06-10", "departure_date=2026-06-30")
	h.say(KindReservationNew, "2", "arrival_date=2026-06-10")
	h.say(KindReservationNew, "3", "last_name=Smith")
	h.later(9 * 24 * time.Hour)
	if got := h.l.Sweep(h.now).Forget; !cmp.Equal(got, []string{"p/2"}) {
		t.Error(got)
	}
	h.later(60 * 24 * time.Hour)
	if got := h.l.Sweep(h.now).Forget; !cmp.Equal(got, []string{"p/1", "p/2", "p/3"}) {
		t.Error(got)
	}
}

func TestSweepBoundsExpectedGuests(t *testing.T) {
	h := newHouse(t)
	day := func(d int) string { return h.now.AddDate(0, 0, d).Format(time.DateOnly) }
	say := func(reservation, arrival string) {
		h.l.Apply(h.l.Fold(h.told(KindReservationNew, reservation, "arrival_date="+arrival), h.now))
	}
	for i := range maxExpected {
		say(fmt.Sprintf("due%d", i), day(1+i%300))
	}
	say("overdue", day(-3))
	say("far", day(400))
	if got := h.l.Sweep(h.now).Forget; !cmp.Equal(got, []string{"p/far", "p/overdue"}) {
		t.Error(got)
	}
	for i := range 2 * maxExpected {
		say(fmt.Sprintf("flood%d", i), day(500))
	}
	if n := h.l.Len(); n > 2*maxExpected {
		t.Errorf("%d stays kept between sweeps", n)
	}
}

func TestLedgerComesBackFromTheStore(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "last_name=Smith")
	h.say(KindCheckIn, "2", "room=102", "last_name=Jones")
	h.later(time.Minute)
	h.say(KindRoomMove, "1", "room=101>102")
	stored := h.dump()
	h.l = NewLedger(h.l.opt, func(yield func(Stay) bool) {
		for _, s := range stored {
			if !yield(s) {
				return
			}
		}
	})
	checkLedger(t, h.l)
	h.later(time.Minute)
	want(t, h.say(KindRoomMove, "2", "room=102>101"), "stay.room_moved 101 from 102 Jones", "room.occupied 101 Jones")
	if _, ok := h.l.Stay("p/none"); ok {
		t.Error("a stay that never was")
	}
	n := 0
	for range h.l.InHouse() {
		n++
		break
	}
	if n != 1 {
		t.Error("InHouse does not stop")
	}
}
