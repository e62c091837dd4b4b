package pms

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCheckInAndOut(t *testing.T) {
	h := newHouse(t)
	want(t, h.say(KindCheckIn, "1", "room=101", "last_name=Smith", "departure_date=2026-06-12"),
		"stay.checked_in 101 Smith", "room.occupied 101 Smith")
	s := h.stay("1")
	if s.Key != StayKey([]byte("k"), "p/1") || s.CheckedIn != "p:1:1" || !s.Departure.Equal(time.Date(2026, 6, 12, 12, 0, 0, 0, berlin(t))) {
		t.Errorf("stay: %+v", s)
	}
	h.later(time.Hour)
	want(t, h.say(KindCheckOut, "1", "room=101"), "stay.checked_out 101 Smith vacant", "room.vacated 101 vacant")
	if s := h.stay("1"); s.Status != StatusDeparted || s.Room != "101" || !s.Since.Equal(h.now) {
		t.Errorf("after check-out: %+v", s)
	}
}

func TestEventIdentity(t *testing.T) {
	h := newHouse(t)
	n := h.told(KindCheckIn, "1", "room=101")
	n.CommandID = "cmd"
	c := h.fold(n)
	for i, id := range []string{"p:1:1#1", "p:1:1#2"} {
		if e := c.Events[i]; e.ID != id || e.Source != "p" || e.CommandID != "cmd" || !e.At.Equal(n.NotBefore) {
			t.Errorf("event %d: %+v", i, e)
		}
	}
}

// The event's name and the change of status are read together.
func TestMeaning(t *testing.T) {
	for _, c := range []struct {
		name   string
		kind   Kind
		before Status
		fields []string
		want   []string
	}{
		{"check-in as an update", KindReservationUpdate, StatusExpected, []string{"status=RESERVED>CHECKED IN", "room==101"},
			[]string{"stay.checked_in 101 Smith", "room.occupied 101 Smith"}},
		{"check-in with a blank old status", KindReservationUpdate, StatusExpected, []string{"status=INHOUSE", "room==101"},
			[]string{"stay.checked_in 101 Smith", "room.occupied 101 Smith"}},
		{"check-in under an unknown name", KindUnknown, StatusExpected, []string{"status=DUE IN>CHECKED IN"},
			[]string{"stay.checked_in 101 Smith", "room.occupied 101 Smith"}},
		{"check-out as an update", KindReservationUpdate, StatusInHouse, []string{"status=CHECKED IN>CHECKED OUT"},
			[]string{"stay.checked_out 101 Smith vacant", "room.vacated 101 vacant"}},
		{"check-out that is only told", KindReservationUpdate, StatusInHouse, []string{"status==CHECKED OUT"},
			[]string{"stay.checked_out 101 Smith old vacant", "room.vacated 101 old vacant"}},
		{"reversed check-in as an update", KindReservationUpdate, StatusInHouse, []string{"status=CHECKED IN>DUE IN"},
			[]string{"stay.check_in_reversed 101 Smith vacant", "room.vacated 101 vacant"}},
		{"reversed check-out as an update", KindReservationUpdate, StatusDeparted, []string{"status=CHECKED OUT>CHECKED IN"},
			[]string{"stay.reinstated 101 Smith", "room.occupied 101 Smith"}},
		{"cancellation as an update", KindReservationUpdate, StatusExpected, []string{"status=RESERVED>CANCELLED"},
			[]string{"stay.cancelled 101 Smith vacant"}},
		{"no-show", KindNoShow, StatusExpected, nil, []string{"stay.cancelled 101 Smith vacant"}},
		{"due out is still in house", KindReservationUpdate, StatusInHouse, []string{"status=CHECKED IN>DUE OUT"}, nil},
		{"status told of a guest in house", KindReservationUpdate, StatusInHouse, []string{"status==CHECKED IN"}, nil},
		{"status told of a guest who has left", KindReservationUpdate, StatusDeparted, []string{"status==CHECKED IN"}, nil},
		{"status told of a guest whose check-in we missed", KindReservationUpdate, StatusExpected, []string{"status==CHECKED IN"},
			[]string{"stay.checked_in 101 Smith old", "room.occupied 101 Smith old"}},
		{"registered in advance", KindAdvanceCheckIn, StatusExpected, []string{"room=102"}, nil},
		{"no-show of a guest who has left", KindNoShow, StatusDeparted, nil, nil},
		{"queue", KindQueueRoom, StatusInHouse, []string{"room=101"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			h.say(KindReservationNew, "1", "room=101", "last_name=Smith", "arrival_date=2026-06-10")
			if c.before != StatusExpected {
				h.say(KindCheckIn, "1")
			}
			if c.before == StatusDeparted {
				h.say(KindCheckOut, "1")
			}
			if got := h.stay("1").Status; got != c.before {
				t.Fatalf("status before: %s", got)
			}
			h.later(time.Minute)
			want(t, h.say(c.kind, "1", c.fields...), c.want...)
		})
	}
}

func TestUnmapped(t *testing.T) {
	h := newHouse(t)
	n := h.told(KindUnknown, "1", "room==101")
	n.Name, n.Unmapped = "RESERVATION / SPA", []string{"SPA ROOM"}
	if diff := cmp.Diff(Change{Unmapped: []string{"SPA ROOM", "RESERVATION / SPA"}}, h.fold(n)); diff != "" {
		t.Error(diff)
	}
	n.Unmapped = []string{"RESERVATION / SPA"}
	if diff := cmp.Diff(Change{Unmapped: n.Unmapped}, h.fold(n)); diff != "" {
		t.Error(diff)
	}
}

func TestObservedAndUndecodableChangeNothing(t *testing.T) {
	h := newHouse(t)
	n := h.told(KindCheckIn, "1", "room=101")
	n.Observe, n.Unmapped = true, []string{"X"}
	if diff := cmp.Diff(Change{Unmapped: []string{"X"}}, h.fold(n)); diff != "" {
		t.Error(diff)
	}
	n = h.told(KindUndecodable, "1", "room=101")
	if diff := cmp.Diff(Change{}, h.fold(n)); diff != "" {
		t.Error(diff)
	}
}

func TestFresh(t *testing.T) {
	for _, c := range []struct {
		name     string
		age      time.Duration
		replayed bool
		zero     bool
		fresh    bool
	}{
		{name: "news", fresh: true},
		{name: "just young enough", age: 15 * time.Minute, fresh: true},
		{name: "too old", age: 15*time.Minute + time.Second},
		{name: "replayed after a short break", replayed: true, age: time.Minute, fresh: true},
		{name: "replayed after a long break", replayed: true, age: time.Hour},
		{name: "replayed, of an age that nobody knows", replayed: true, zero: true},
		{name: "no time at all counts as now", zero: true, fresh: true},
		{name: "ahead of our clock", age: -time.Hour, fresh: true},
		{name: "replayed, and our clock is behind", replayed: true, age: -20 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			n := h.told(KindCheckIn, "1", "room=101")
			n.NotBefore, n.Replayed = h.now.Add(-c.age), c.replayed
			if c.zero {
				n.NotBefore = time.Time{}
			}
			for _, e := range h.fold(n).Events {
				if e.Fresh != c.fresh || e.At.IsZero() {
					t.Errorf("%s: fresh %v, at %v", e.Kind, e.Fresh, e.At)
				}
			}
		})
	}
}

func TestReplayedCheckInMovesNoHardware(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "last_name=Smith", "departure_date=2026-06-12")
	h.later(time.Minute)
	want(t, h.say(KindCheckIn, "1", "room=101", "last_name=Smith", "departure_date=2026-06-12"))
	c := h.fold(h.told(KindCheckIn, "1", "room=101", "last_name=Smythe", "language=DE"))
	want(t, lines(c), "stay.updated 101 Smythe old", "room.occupied 101 Smythe old")
	c = h.fold(h.told(KindCheckIn, "1", "room=101", "last_name=Smythe", "departure_date=2026-06-13"))
	want(t, lines(c), "stay.extended 101 Smythe old", "room.occupied 101 Smythe old")
}

func TestCheckInAgainInAnotherRoomIsAMove(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "last_name=Smith")
	want(t, h.say(KindCheckIn, "1", "room=102"),
		"stay.room_moved 102 from 101 Smith oldvacant", "room.vacated 101 vacant", "room.occupied 102 Smith")
}

func TestUpdates(t *testing.T) {
	for _, c := range []struct {
		name   string
		fields []string
		want   []string
	}{
		{"name", []string{"last_name=Smith>Smythe"}, []string{"stay.updated 101 Smythe", "room.occupied 101 Smythe"}},
		{"name told, not changed", []string{"last_name==Smith", "language==EN"}, nil},
		{"language", []string{"language=EN>DE"}, []string{"stay.updated 101 Smith", "room.occupied 101 Smith"}},
		{"vip", []string{"vip=V1"}, []string{"stay.updated 101 Smith", "room.occupied 101 Smith"}},
		{"group", []string{"group=G"}, []string{"stay.updated 101 Smith", "room.occupied 101 Smith"}},
		{"room type is not on a screen", []string{"room_type=STD>DLX"}, []string{"stay.updated 101 Smith"}},
		{"title cleared", []string{"title=Mr>"}, []string{"stay.updated 101 Smith", "room.occupied 101 Smith"}},
		{"blank that was blank", []string{"title=", "vip="}, nil},
		{"second guest", []string{"accompanying=Jones, Ann"}, []string{"stay.updated 101 Smith+Jones", "room.occupied 101 Smith+Jones"}},
		{"extension", []string{"departure_date=2026-06-12>2026-06-13"}, []string{"stay.extended 101 Smith", "room.occupied 101 Smith"}},
		{"late check-out", []string{"departure_time=12:00>16:00"}, []string{"stay.extended 101 Smith", "room.occupied 101 Smith"}},
		{"shortened", []string{"departure_date=2026-06-12>2026-06-11"}, []string{"stay.shortened 101 Smith", "room.occupied 101 Smith"}},
		{"nights", []string{"nights=2>4"}, []string{"stay.extended 101 Smith", "room.occupied 101 Smith"}},
		{"departure before the check-in is not believed", []string{"departure_date=2026-06-12>2026-06-01"}, nil},
		{"a date that is none", []string{"departure_date=2026-06-31"}, nil},
		{"room service we cannot read", []string{"services=TN"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			h.say(KindCheckIn, "1", "room=101", "title=Mr", "last_name=Smith", "language=EN", "arrival_date=2026-06-10", "departure_date=2026-06-12")
			h.later(time.Minute)
			want(t, h.say(KindReservationUpdate, "1", c.fields...), c.want...)
			want(t, h.say(KindReservationUpdate, "1", c.fields...))
		})
	}
}

func TestCompanions(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "last_name=Smith", "accompanying=Jones, Ann", "accompanying=Brown", "accompanying_id=", "accompanying_id=77")
	h.wantIn("101", "Smith+Jones+Brown")
	h.say(KindReservationUpdate, "1", "accompanying=Jones, Ann>")
	h.wantIn("101", "Smith+Brown")
	h.say(KindReservationUpdate, "1", "accompanying=Brown>White")
	h.wantIn("101", "Smith+White")
	want(t, h.say(KindProfile, "", "guest_id=77", "last_name=White>Black"), "stay.updated 101 Smith+Black", "room.occupied 101 Smith+Black")
	for range 40 {
		h.say(KindReservationUpdate, "1", "accompanying=Guest"+string(rune('A'+h.ids)))
	}
	if n := len(h.stay("1").Guests); n != maxGuests {
		t.Errorf("%d guests kept", n)
	}
}

func TestProfileJoinsByGuestID(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "guest_id=9", "last_name=Smith")
	h.say(KindCheckIn, "2", "room=102", "guest_id=9", "last_name=Smith")
	h.say(KindReservationNew, "3", "guest_id=9", "last_name=Smith")
	if diff := cmp.Diff(Change{}, h.fold(h.told(KindProfile, "", "guest_id=8", "last_name=Smith>Miller"))); diff != "" {
		t.Error("a profile nobody has:", diff)
	}
	want(t, h.say(KindProfile, "", "guest_id=9", "last_name=Smith>Miller", "vip=V1"),
		"stay.updated 101 Miller", "stay.updated 102 Miller", "room.occupied 101 Miller", "room.occupied 102 Miller")
	if s := h.stay("3"); s.Guests[0].Last != "Miller" || s.VIP != "V1" {
		t.Errorf("expected stay: %+v", s)
	}
}

func TestExpectedGuestsAreNotShown(t *testing.T) {
	h := newHouse(t)
	want(t, h.say(KindReservationNew, "1", "room=101", "last_name=Smith"))
	want(t, h.say(KindReservationUpdate, "1", "last_name=Smith>Miller"))
	h.wantIn("101", "")
	want(t, h.say(KindCheckIn, "1"), "stay.checked_in 101 Miller", "room.occupied 101 Miller")
}

func TestCancelAndBack(t *testing.T) {
	h := newHouse(t)
	h.say(KindReservationNew, "1", "room=101", "last_name=Smith")
	want(t, h.say(KindReservationCancel, "1"), "stay.cancelled 101 Smith vacant")
	want(t, h.say(KindReservationCancel, "1"))
	want(t, h.say(KindReservationCancel, "unknown"))
	h.later(time.Minute)
	want(t, h.say(KindCancelUndo, "1"))
	want(t, h.say(KindCheckIn, "1"), "stay.checked_in 101 Smith", "room.occupied 101 Smith")
}

func TestDND(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "last_name=Smith")
	want(t, h.say(KindGuestService, "", "room=101", "guest_service=NoStatusSelected>DoNotDisturb"), "room.occupied 101 Smith dnd")
	want(t, h.say(KindGuestService, "", "room=101", "guest_service=NoStatusSelected>DoNotDisturb"))
	want(t, h.say(KindRoomServices, "1", "services=DND OFF"), "room.occupied 101 Smith")
	h.say(KindRoomServices, "1", "services=DND ON")
	want(t, h.say(KindGuestService, "", "room=101", "guest_service=DoNotDisturb>"), "room.occupied 101 Smith")
	h.say(KindRoomServices, "1", "services=DND ON")
	want(t, h.say(KindRoomMove, "1", "room=101>102"),
		"stay.room_moved 102 from 101 Smith oldvacant", "room.vacated 101 vacant", "room.occupied 102 Smith")
}

func TestMessages(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "last_name=Smith")
	c := h.fold(h.told(KindMessage, "", "room==101", "message=Call home", "message_title=Desk"))
	want(t, lines(c), "guest.message 101 Smith")
	if diff := cmp.Diff(map[string]string{"message": "Call home", "message_title": "Desk"}, c.Events[0].Extra); diff != "" {
		t.Error(diff)
	}
	want(t, h.say(KindMessage, "1", "message_light=Message light on"), "guest.message 101 Smith")
	want(t, h.say(KindMessage, "1", "delivery_status=NR>MR", "message_light=Message light off"))
	want(t, h.say(KindMessage, "", "room==102", "message=Nobody is here"))
	want(t, h.say(KindMessage, "2", "room==101", "message=For another guest"))
}

func TestHousekeeping(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "last_name=Smith")
	c := h.fold(h.told(KindRoomStatus, "", "room=102", "room_status=CLEAN>DIRTY"))
	want(t, lines(c), "room.status 102 vacant")
	if got := c.Events[0].Field("room_status"); got != "DIRTY" {
		t.Error(got)
	}
	want(t, h.say(KindRoomStatus, "", "room==101", "room_status==DIRTY"))
	want(t, h.say(KindRoomStatus, "", "room==101", "room_status=CLEAN>DIRTY"), "room.status 101 Smith")
	want(t, h.say(KindRoomOutOfOrder, "", "room=101"), "room.out_of_order 101 Smith")
	h.wantIn("101", "Smith")
}

func TestKeyRequest(t *testing.T) {
	h := newHouse(t)
	h.say(KindCheckIn, "1", "room=101", "last_name=Smith")
	n := h.told(KindKeyRequest, "1", "copies=2", "encoder=desk", "key=duplicate")
	n.CommandID = "c-1"
	c := h.fold(n)
	want(t, lines(c), "key.requested 101 Smith")
	e := c.Events[0]
	if e.CommandID != "c-1" || e.Field("copies") != "2" || e.Field("encoder") != "desk" || e.Field("key") != "duplicate" || len(c.Stays) != 0 {
		t.Errorf("%+v", e)
	}
	want(t, h.say(KindKeyRequest, "", "room=101"), "key.requested 101 Smith")
	want(t, h.say(KindKeyRequest, "", "room=102"), "key.requested 102 vacant")
	want(t, h.say(KindKeyRequest, "7", "room=102", "last_name=New"), "key.requested 102 New vacant")
	want(t, h.say(KindKeyRequest, ""), "key.requested ")
}

func TestTextIsBounded(t *testing.T) {
	h := newHouse(t)
	long := string(make([]byte, 5000))
	h.say(KindCheckIn, "1", "room=101", "last_name="+long+"ä")
	if n := len(h.stay("1").Guests[0].Last); n > maxName {
		t.Errorf("name of %d bytes kept", n)
	}
	want(t, h.say(KindCheckIn, "2", "room="+long), "incomplete ")
}
