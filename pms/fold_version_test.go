package pms

import (
	"encoding/json"
	"testing"
	"time"
)

// stamped is a snapshot with the PMS's own stamp, in seconds.
func (h *house) stamped(stamp int, reservation string, fields ...string) Notice {
	h.t.Helper()
	n := h.told(KindStayState, reservation, fields...)
	n.Version = time.Date(2026, 6, 10, 12, 0, stamp, 0, time.UTC)
	return n
}

// The order of a stay's snapshots is that of the PMS's stamps, whatever our
// clock was when each was read.
func TestSnapshotsGoByTheirVersion(t *testing.T) {
	in := []string{"status=Started", "room=101", "last_name=Smith"}
	out := []string{"status=Processed", "room=101"}
	for name, off := range map[string]time.Duration{
		"clock put back": -time.Hour, "clock put forward": time.Hour, "within one second": 0, "by a day": -24 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			came := h.stamped(1, "1", in...)
			h.fold(came)
			h.later(off)
			gone := h.stamped(2, "1", out...)
			want(t, lines(h.fold(gone)), "stay.checked_out 101 Smith vacant", "room.vacated 101 vacant")
			if s := h.stay("1"); !s.Changed.Equal(gone.NotBefore) || !s.Version.Equal(gone.Version) {
				t.Errorf("changed %s, version %s", s.Changed, s.Version)
			}
			came.NotBefore, came.Received = h.now.Add(time.Hour), h.now.Add(2*time.Hour) // read once more, late
			want(t, lines(h.fold(came)))
			h.wantIn("101", "")
		})
	}
}

// The same version can tell more than before: a companion has been entered.
func TestSnapshotOfTheSameVersion(t *testing.T) {
	h := newHouse(t)
	h.fold(h.stamped(1, "1", "status=Started", "room=101", "last_name=Smith"))
	h.later(-time.Minute)
	n := h.stamped(1, "1", "status=Started", "room=101", "last_name=Smith", "accompanying=Poe, Eve")
	want(t, lines(h.fold(n)), "stay.updated 101 Smith+Poe", "room.occupied 101 Smith+Poe")
	if c := h.fold(n); len(c.Stays)+len(c.Events) > 0 {
		t.Errorf("once more: %+v", c)
	}
	// A newer one that tells the same is kept, so that what lies between them is outdated.
	h.fold(h.stamped(9, "1", "status=Started", "room=101", "last_name=Smith", "accompanying=Poe, Eve"))
	want(t, lines(h.fold(h.stamped(5, "1", "status=Started", "room=102", "last_name=Smith"))))
}

// Who of two guests has a room is settled by their stamps as well, and neither
// takes over the other's.
func TestVersionsOfOneRoom(t *testing.T) {
	h := newHouse(t)
	h.fold(h.stamped(1, "1", "status=Started", "room=101", "last_name=Smith"))
	h.later(-time.Hour) // our clock is put back
	want(t, lines(h.fold(h.stamped(5, "2", "status=Started", "room=101", "last_name=Jones"))),
		"stay.checked_in 101 Jones", "room.occupied 101 Jones")
	if s := h.stay("1"); !s.Displaced || s.Version.Second() != 1 {
		t.Errorf("displaced %v, version %s", s.Displaced, s.Version)
	}
	h.later(2 * time.Hour) // and forward: the stamp still says that he was there before Jones
	h.fold(h.stamped(4, "1", "status=Started", "room=101", "last_name=Smith"))
	h.wantIn("101", "Jones")
	h.later(-time.Hour)
	want(t, lines(h.fold(h.stamped(6, "1", "status=Started", "room=102", "last_name=Smith"))),
		"stay.room_moved 102 from 101 Smith", "room.occupied 102 Smith")
	h.wantIn("101", "Jones")
}

// A check-out that is heard of first must not be followed by its check-in.
func TestVersionOfAnUnknownStayThatIsOver(t *testing.T) {
	h := newHouse(t)
	in := h.stamped(1, "1", "status=Started", "room=101", "last_name=Smith")
	in.NotBefore = h.now.Add(-time.Second)
	out := h.stamped(2, "1", "status=Processed")
	out.NotBefore, out.Received = h.now.Add(-48*time.Hour), h.now.Add(-48*time.Hour)
	h.fold(out)
	want(t, lines(h.fold(in)))
	h.l.Apply(h.l.Sweep(h.now.Add(time.Hour)))
	want(t, lines(h.fold(in)))
	h.l.Apply(h.l.Sweep(h.now.Add(48 * time.Hour)))
	if h.l.Len() != 0 {
		t.Errorf("%d stays are remembered for ever", h.l.Len())
	}
}

// Who was displaced and then taken for gone keeps his version: that was our own
// conclusion, and what an outdated snapshot says does not make it an older one.
func TestVersionOutlivesAnAssumption(t *testing.T) {
	h := newHouse(t)
	h.fold(h.stamped(3, "1", "status=Started", "room=101", "last_name=Smith"))
	h.fold(h.stamped(5, "2", "status=Started", "room=101", "last_name=Jones"))
	h.later(31 * time.Minute)
	want(t, lines(h.fold(h.stamped(2, "1", "status=Confirmed", "room=101"))), "stay.checked_out 101 Smith assumed")
	if v := h.stay("1").Version; v.Second() != 3 {
		t.Errorf("version %s", v)
	}
}

// A snapshot without a stamp goes by its time, as one of a PMS that has none.
func TestSnapshotWithoutVersion(t *testing.T) {
	h := newHouse(t)
	late := h.told(KindStayState, "1", "status=Started", "room=103", "last_name=Smith")
	h.later(time.Minute)
	h.fold(h.stamped(5, "1", "status=Started", "room=101", "last_name=Smith"))
	want(t, lines(h.fold(late)))
	h.later(time.Minute)
	h.fold(h.told(KindStayState, "1", "status=Started", "room=102", "last_name=Smith"))
	h.wantIn("102", "Smith")
	if v := h.stay("1").Version; v.Second() != 5 {
		t.Errorf("version %s", v)
	}
}

// The version is known after a restart.
func TestVersionIsKept(t *testing.T) {
	h := newHouse(t)
	h.fold(h.stamped(5, "1", "status=Started", "room=101", "last_name=Smith"))
	record, err := json.Marshal(h.stay("1"))
	var back Stay
	if err != nil || json.Unmarshal(record, &back) != nil || !back.Version.Equal(h.stay("1").Version) {
		t.Errorf("%s, %v", record, err)
	}
}
