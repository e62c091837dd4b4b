package pms

import (
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
	want(t, lines(h.fold(out)), "stay.checked_out 101 Smith vacant", "room.vacated 101 vacant")
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

// The time of a replayed notice may be the last instant at which the link was
// live, as far as the source remembers it; another session may remember it otherwise.
func TestReplayedNoticesGoByArrival(t *testing.T) {
	h := newHouse(t)
	in := h.told(KindCheckIn, "1", "room=101", "last_name=Smith")
	out := h.told(KindCheckOut, "1", "room=101")
	in.Replayed, out.Replayed, out.NotBefore = true, true, in.NotBefore.Add(-time.Minute)
	h.fold(in)
	want(t, lines(h.fold(out)), "stay.checked_out 101 Smith vacant", "room.vacated 101 vacant")
}
