package pms

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// shows folds a snapshot, then once more: the second must be nothing.
func (h *house) shows(reservation string, fields ...string) []string {
	h.t.Helper()
	h.later(time.Second)
	n := h.told(KindStayState, reservation, fields...)
	out := lines(h.fold(n))
	if c := h.fold(n); len(c.Events)+len(c.Stays)+len(c.Forget) > 0 {
		h.t.Errorf("the same snapshot once more: %+v", c)
	}
	return out
}

// What happened follows from the difference between a snapshot and the ledger.
func TestSnapshot(t *testing.T) {
	in := []string{"status=Started", "room=101", "last_name=Smith"}
	expected := []string{"status=Confirmed", "room=101", "last_name=Smith"}
	for _, c := range []struct {
		name   string
		before [][]string
		now    []string
		want   []string
		status Status
	}{
		{"unknown, in house", nil, in, []string{"stay.checked_in 101 Smith", "room.occupied 101 Smith"}, StatusInHouse},
		{"unknown, expected", nil, expected, nil, StatusExpected},
		{"unknown, departed", nil, []string{"status=Processed"}, nil, StatusDeparted},
		{"unknown, cancelled", nil, []string{"status=Canceled"}, nil, StatusCancelled},
		{"expected, in house", [][]string{expected}, in, []string{"stay.checked_in 101 Smith", "room.occupied 101 Smith"}, StatusInHouse},
		{"expected, departed", [][]string{expected}, []string{"status=Processed", "room=101"}, nil, StatusDeparted},
		{"expected, cancelled", [][]string{expected}, []string{"status=Canceled", "room="}, []string{"stay.cancelled 101 Smith vacant"}, StatusCancelled},
		{"cancelled, expected", [][]string{expected, {"status=Canceled"}}, expected, nil, StatusExpected},
		{"cancelled, in house", [][]string{expected, {"status=Canceled"}}, in, []string{"stay.checked_in 101 Smith", "room.occupied 101 Smith"}, StatusInHouse},
		{"in house, expected", [][]string{in}, expected, []string{"stay.check_in_reversed 101 Smith vacant", "room.vacated 101 vacant"}, StatusExpected},
		{"in house, expected in another room", [][]string{in}, []string{"status=Confirmed", "room=102"},
			[]string{"stay.check_in_reversed 101 Smith vacant", "room.vacated 101 vacant"}, StatusExpected},
		{"in house, departed", [][]string{in}, []string{"status=Processed", "room="},
			[]string{"stay.checked_out 101 Smith vacant", "room.vacated 101 vacant"}, StatusDeparted},
		{"in house, cancelled", [][]string{in}, []string{"status=Canceled"},
			[]string{"stay.cancelled 101 Smith vacant", "room.vacated 101 vacant"}, StatusCancelled},
		{"departed, in house", [][]string{in, {"status=Processed"}}, in, []string{"stay.reinstated 101 Smith", "room.occupied 101 Smith"}, StatusInHouse},
		{"departed, expected", [][]string{in, {"status=Processed"}}, expected, nil, StatusExpected},
		{"departed, cancelled", [][]string{in, {"status=Processed"}}, []string{"status=Canceled"}, nil, StatusCancelled},
		{"in house, moved", [][]string{in}, []string{"status=Started", "room=102", "last_name=Smith"},
			[]string{"stay.room_moved 102 from 101 Smith oldvacant", "room.vacated 101 vacant", "room.occupied 102 Smith"}, StatusInHouse},
		{"in house, renamed", [][]string{in}, []string{"status=Started", "room=101", "last_name=Jones"},
			[]string{"stay.updated 101 Jones", "room.occupied 101 Jones"}, StatusInHouse},
		{"in house, the same", [][]string{in}, in, nil, StatusInHouse},
		{"in house, no names", [][]string{in}, in[:2], nil, StatusInHouse},
		{"in house, no room", nil, []string{"status=Started", "room=", "last_name=Smith"}, []string{"incomplete  Smith"}, StatusInHouse},
		{"in house, the room is taken away", [][]string{in}, []string{"status=Started", "room=", "last_name=Smith"},
			[]string{"room.vacated 101 vacant", "incomplete  Smith"}, StatusInHouse},
		{"in house, a room at last", [][]string{{"status=Started", "room=", "last_name=Smith"}}, in,
			[]string{"stay.checked_in 101 Smith", "room.occupied 101 Smith"}, StatusInHouse},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			for _, fields := range c.before {
				h.shows("1", fields...)
			}
			h.later(time.Minute)
			want(t, h.shows("1", c.now...), c.want...)
			if got := h.stay("1").Status; got != c.status {
				t.Errorf("status %q, want %q", got, c.status)
			}
		})
	}
}

func TestSnapshotOfNothing(t *testing.T) {
	h := newHouse(t)
	want(t, h.shows("1", "status=Inquired", "room=101"))
	want(t, h.shows("", "status=Started", "room=101", "last_name=Smith"))
	if h.l.Len() != 0 {
		t.Errorf("%d stays", h.l.Len())
	}
}

func TestSnapshotChangesDates(t *testing.T) {
	h := newHouse(t)
	h.shows("1", "status=Started", "room=101", "departure=2026-06-12T10:00:00Z")
	want(t, h.shows("1", "status=Started", "room=101", "departure=2026-06-13T10:00:00Z"), "stay.extended 101", "room.occupied 101")
	want(t, h.shows("1", "status=Started", "room=101", "departure=2026-06-11T10:00:00Z"), "stay.shortened 101", "room.occupied 101")
}

// A snapshot tells all there is: what it tells empty is empty, and who is not in it is not there.
func TestSnapshotIsComplete(t *testing.T) {
	h := newHouse(t)
	n := h.told(KindStayState, "1", "status=Started", "room=101", "title=Dr", "first_name=Ann", "last_name=Smith", "guest_id=g1",
		"language=de-DE", "vip=Important", "group=Tour", "accompanying=Smith, Bob", "accompanying=Smith, Ann", "accompanying=Poe, Eve",
		"accompanying_id=g2", "accompanying_id=g1", "accompanying_id=g3", "accompanying_title=Mr")
	h.fold(n)
	all := []Guest{{Title: "Dr", First: "Ann", Last: "Smith", ID: "g1"}, {Title: "Mr", First: "Bob", Last: "Smith", ID: "g2"}, {First: "Eve", Last: "Poe", ID: "g3"}}
	s := h.stay("1")
	if diff := cmp.Diff(all, s.Guests); diff != "" || s.Language != "de-DE" || s.VIP != "Important" || s.Group != "Tour" {
		t.Errorf("%s%+v", diff, s)
	}
	want(t, h.shows("1", "status=Started", "room=101", "first_name=Ann", "last_name=Smith", "guest_id=g1",
		"language=", "vip=", "accompanying=Poe, Eve", "accompanying_id=g3"), "stay.updated 101 Smith+Poe", "room.occupied 101 Smith+Poe")
	s = h.stay("1")
	left := []Guest{{First: "Ann", Last: "Smith", ID: "g1"}, {First: "Eve", Last: "Poe", ID: "g3"}}
	if diff := cmp.Diff(left, s.Guests); diff != "" || s.Language != "" || s.VIP != "" || s.Group != "Tour" {
		t.Errorf("%s%+v", diff, s)
	}
	h.shows("1", "status=Started", "room=101", "last_name=")
	if s = h.stay("1"); s.Guests != nil || s.GuestID != "" {
		t.Errorf("a company's stay has guests: %+v", s)
	}
}

// Freshness counts from when the guest came, not from when somebody edited the stay.
func TestOldCheckInEditedNowIsNoNews(t *testing.T) {
	h := newHouse(t)
	n := h.told(KindStayState, "1", "status=Started", "room=101", "last_name=Smith", "checked_in=2026-06-10T08:00:00Z")
	c := h.fold(n)
	want(t, lines(c), "stay.checked_in 101 Smith old", "room.occupied 101 Smith old")
	if at := time.Date(2026, 6, 10, 8, 0, 0, 0, time.UTC); !c.Events[0].At.Equal(at) || !h.stay("1").Since.Equal(at) || !h.stay("1").Changed.Equal(n.NotBefore) {
		t.Errorf("event at %s, stay %+v", c.Events[0].At, h.stay("1"))
	}
	want(t, h.shows("1", "status=Started", "room=102", "last_name=Smith", "checked_in=2026-06-10T08:00:00Z"), // the move is news
		"stay.room_moved 102 from 101 Smith oldvacant", "room.vacated 101 vacant", "room.occupied 102 Smith")
	want(t, h.shows("2", "status=Started", "room=103", "last_name=Poe", "checked_in=2026-06-10T13:59:00+02:00"),
		"stay.checked_in 103 Poe", "room.occupied 103 Poe")
}

func TestOldSnapshotChangesNothing(t *testing.T) {
	h := newHouse(t)
	old := h.told(KindStayState, "1", "status=Started", "room=101", "last_name=Smith")
	gone := h.told(KindStayState, "2", "status=Started", "room=103", "last_name=Poe")
	h.later(time.Minute)
	h.shows("1", "status=Started", "room=102", "last_name=Smith")
	h.shows("2", "status=Processed")
	want(t, lines(h.fold(old)))
	want(t, lines(h.fold(gone)))
	h.wantIn("102", "Smith")
	h.wantIn("103", "")
	// The newest may have changed nothing.
	h.shows("3", "status=Started", "room=104", "language=de")
	h.later(time.Minute)
	late := h.told(KindStayState, "3", "status=Started", "room=104", "language=en")
	h.later(time.Minute)
	want(t, h.shows("3", "status=Started", "room=104", "language=de"))
	want(t, lines(h.fold(late)))
}

// Of two guests who are told to be in a room, the older word is out of date:
// its guest is displaced until the next one, and is not taken for gone.
func TestSnapshotsOfOneRoomInEitherOrder(t *testing.T) {
	for _, first := range []string{"out", "in"} {
		t.Run(first+" first", func(t *testing.T) {
			h := newHouse(t)
			h.shows("1", "status=Started", "room=101", "last_name=Smith")
			h.later(time.Hour)
			out := h.told(KindStayState, "1", "status=Processed", "room=101")
			h.later(time.Minute)
			in := h.told(KindStayState, "2", "status=Started", "room=101", "last_name=Jones")
			if first == "out" {
				want(t, lines(h.fold(out)), "stay.checked_out 101 Smith vacant", "room.vacated 101 vacant")
				want(t, lines(h.fold(in)), "stay.checked_in 101 Jones", "room.occupied 101 Jones")
			} else {
				want(t, lines(h.fold(in)), "stay.checked_in 101 Jones", "room.occupied 101 Jones")
				want(t, lines(h.fold(out)), "stay.checked_out 101 Smith")
			}
			h.wantIn("101", "Jones")
		})
	}
}

func TestSnapshotsOfASwap(t *testing.T) {
	h := newHouse(t)
	group := "group=Tour" // a group's rooms are no shared room
	h.shows("1", "status=Started", "room=101", "last_name=Smith", group)
	h.shows("2", "status=Started", "room=102", "last_name=Jones", group)
	h.later(time.Hour)
	want(t, h.shows("1", "status=Started", "room=102", "last_name=Smith", group),
		"stay.room_moved 102 from 101 Smith oldvacant", "room.vacated 101 vacant", "room.occupied 102 Smith")
	want(t, h.shows("2", "status=Started", "room=101", "last_name=Jones", group),
		"stay.room_moved 101 from 102 Jones", "room.occupied 101 Jones")
	h.wantIn("101", "Jones")
	h.wantIn("102", "Smith")
}

// The room that a guest moved to has its next guest already, who came later. No
// key is cut for it, and the keys of the room he left are ended when he turns up.
func TestSnapshotOvertakenByTheNextGuest(t *testing.T) {
	h := newHouse(t)
	h.shows("1", "status=Started", "room=101", "last_name=Smith")
	h.later(time.Minute)
	via := h.told(KindStayState, "1", "status=Started", "room=102", "last_name=Smith")
	h.later(time.Minute)
	h.shows("2", "status=Started", "room=102", "last_name=Jones")
	want(t, lines(h.fold(via)), "room.vacated 101 old vacant")
	want(t, lines(h.fold(via)))
	h.wantIn("102", "Jones")
	want(t, h.shows("1", "status=Started", "room=103", "last_name=Smith"),
		"stay.room_moved 103 from 101 Smith oldvacant", "room.occupied 103 Smith")
}

func TestDisplacedBySnapshotIsSettled(t *testing.T) {
	h := newHouse(t)
	h.shows("1", "status=Started", "room=101", "last_name=Smith")
	h.shows("2", "status=Started", "room=101", "last_name=Jones")
	h.later(time.Minute)
	still := h.told(KindStayState, "1", "status=Started", "room=101", "last_name=Smith")
	want(t, lines(h.fold(still)), "stay.reinstated 101 Smith", "room.occupied 101 Smith") // his is the newer word now
	h.wantIn("101", "Smith")
	h.later(31 * time.Minute)
	want(t, h.say(KindRoomStatus, "", "room=105", "room_status=Dirty>Clean"),
		"stay.checked_out 101 Jones assumed", "room.status 105 vacant")
}

func TestPriceAndMark(t *testing.T) {
	h := newHouse(t)
	c := h.fold(h.told(KindPrice, "", "rate=r1", "category=c1", "from=2026-06-10T00:00:00Z", "to=2026-06-11T00:00:00Z"))
	want(t, lines(c), "price.updated ")
	e := &c.Events[0]
	got := []string{e.Field("rate"), e.Field("category"), e.Field("from"), e.Field("to"), e.Field("stay")}
	if !slices.Equal(got, []string{"r1", "c1", "2026-06-10T00:00:00Z", "2026-06-11T00:00:00Z", ""}) {
		t.Error(got)
	}
	if diff := cmp.Diff(Change{}, h.fold(h.told(KindMark, ""))); diff != "" {
		t.Error(diff)
	}
}

func TestKeyRequestCarriesAll(t *testing.T) {
	h := newHouse(t)
	n := h.told(KindKeyRequest, "1", "room=101", "copies=2", "encoder=desk", "lock_encoder=E 1", "key=auto", "rooms=102,103", "grants=POOL")
	n.CommandID, n.Expires, n.KeysByCommand = "K1", h.now.Add(time.Minute), true
	c := h.fold(n)
	want(t, lines(c), "key.requested 101 vacant")
	e := &c.Events[0]
	wanted := map[string]string{"copies": "2", "encoder": "desk", "lock_encoder": "E 1", "key": "auto", "rooms": "102,103", "grants": "POOL"}
	if diff := cmp.Diff(wanted, e.Extra); diff != "" || !e.Expires.Equal(n.Expires) || !e.KeysByCommand || e.Field("keys_by_command") != "true" {
		t.Errorf("%s%+v", diff, e)
	}
	n.Refuse = "this gateway drives no printers"
	if diff := cmp.Diff(Change{}, h.fold(n)); diff != "" {
		t.Error(diff)
	}
	n = h.told(KindDeviceCommand, "")
	n.CommandID = "K2"
	if diff := cmp.Diff(Change{}, h.fold(n)); diff != "" {
		t.Error(diff)
	}
}
