package inspire

import (
	"testing"
	"time"

	"edgeagent/pms"
)

func TestQ28_NamesInAnyCase(t *testing.T) {
	for in, want := range map[string]string{
		"GuestCheckedIn": "guest checked in", "CHECK IN": "check in", "CheckIn": "check in", "check_in": "check in",
		"check-in": "check in", "VIPStatus": "vip status", "CHILDREN1": "children 1", "CHILDREN 1": "children 1",
		"  Room   No. ": "room no", "XFIRST NAME": "xfirst name", "ÜberNacht": "über nacht", "": "", "_": "",
	} {
		if got := normalise(in); got != want {
			t.Errorf("%q folded to %q, want %q", in, got, want)
		}
	}
	n := newNames(Aliases{})
	tests := []struct {
		module, event string
		want          pms.Kind
	}{
		{"", "GuestCheckedIn", pms.KindCheckIn},
		{"RESERVATION", "CHECK IN", pms.KindCheckIn},
		{"Reservation", "CheckIn", pms.KindCheckIn},
		{"FrontOffice", "check_in", pms.KindCheckIn},
		{"14", "CHECK-IN", pms.KindCheckIn},
		{"ACTIVITY", "CHECK IN", pms.KindUnknown},
		{"RESERVATION", "GuestOut", pms.KindCheckOut},
		{"RESERVATION", "REVERSE CHECK IN", pms.KindCheckInUndo},
		{"RESERVATION", "REVERSE CHECK OUT", pms.KindCheckOutUndo},
		{"RESERVATION", "ADVANCE CHECK IN", pms.KindAdvanceCheckIn},
		{"RESERVATION", "ROOM MOVE", pms.KindRoomMove},
		{"", "RoomChanged", pms.KindRoomMove},
		{"RESERVATION", "CANCEL", pms.KindReservationCancel},
		{"RESERVATION", "ROLLBACK CANCEL", pms.KindCancelUndo},
		{"RESERVATION", "NO SHOW", pms.KindNoShow},
		{"RESERVATION", "NEW RESERVATION", pms.KindReservationNew},
		{"RESERVATION", "UPDATE RESERVATION", pms.KindReservationUpdate},
		{"RESERVATION", "JOIN GUEST", pms.KindShareJoin},
		{"RESERVATION", "SEPARATE GUEST FROM SHARE", pms.KindShareLeave},
		{"RESERVATION", "DELETE GUEST MESSAGE", pms.KindMessage},
		{"RESERVATION", "INTERFACE STATUS UPDATE", pms.KindRoomServices},
		{"RESERVATION", "UPDATE INTERFACE STATUS", pms.KindRoomServices},
		{"HOUSEKEEPING", "UPDATE ROOM STATUS", pms.KindRoomStatus},
		{"HOUSEKEEPING", "NEW OUT OF ORDER", pms.KindRoomOutOfOrder},
		{"HOUSEKEEPING", "UPDATE OUT OF SERVICE", pms.KindRoomOutOfOrder},
		{"HOUSEKEEPING", "GUEST SERVICE STATUS REQUEST", pms.KindGuestService},
		{"HOUSEKEEPING", "DELETE QUEUE ROOM", pms.KindQueueRoom},
		{"PROFILE", "UPDATE PROFILE", pms.KindProfile},
		{"PROFILE", "UPDATE HISTORY", pms.KindProfile},
		{"RESERVATION", "SOMETHING NEW", pms.KindUnknown},
	}
	for _, tt := range tests {
		if got := n.lookUpEvent(tt.module, tt.event); got.kind != tt.want {
			t.Errorf("%s / %s is %q, want %q", tt.module, tt.event, got.kind, tt.want)
		}
	}
	for name, want := range map[string]string{
		"ROOM": pms.FieldRoom, "ROOM NUMBER": pms.FieldRoom, "RoomNo": pms.FieldRoom, "RoomNumber": pms.FieldRoom, "room_no": pms.FieldRoom,
		"ARRIVAL DATETIME": pms.FieldArrival, "LENGTH OF STAY": pms.FieldNights, "XNAME": pms.FieldAltLastName,
		"NAMEID": pms.FieldAccompanyingID, "NAME ID": pms.FieldGuestID, "CHILDREN 3": pms.FieldChildren,
		"Guest Service Request": pms.FieldGuestService, "RESORT": pms.FieldProperty,
	} {
		if got, ok := n.elements[normalise(name)]; !ok || got != want {
			t.Errorf("element %s fills %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"EMAIL", "COMMENTS", "RATE CODE", "PHONE NUMBER"} {
		if got, ok := n.elements[normalise(name)]; !ok || got != pms.FieldIgnored {
			t.Errorf("element %s is known %v as %q, want it dropped", name, ok, got)
		}
	}
}

func TestAliasesOfThePropertyFile(t *testing.T) {
	n := newNames(Aliases{
		Events:   map[string]string{"FRONT DESK / Arrived": "stay.check_in", "Left Us": "stay.check_out", "ACTIVITY / CHECK IN": "stay.check_in"},
		Elements: map[string]string{"Zimmer": "room", "Notiz": "ignored", "NAME": "first_name"},
	})
	for _, tt := range []struct {
		module, event string
		want          pms.Kind
	}{
		{"FRONT_DESK", "ARRIVED", pms.KindCheckIn}, {"OTHER", "ARRIVED", pms.KindUnknown},
		{"ANY", "left-us", pms.KindCheckOut}, {"ACTIVITY", "CheckIn", pms.KindCheckIn},
	} {
		if got := n.lookUpEvent(tt.module, tt.event).kind; got != tt.want {
			t.Errorf("%s / %s is %q, want %q", tt.module, tt.event, got, tt.want)
		}
	}
	if n.elements["zimmer"] != pms.FieldRoom || n.elements["name"] != pms.FieldFirstName {
		t.Error("element alias not taken")
	}
	if f, ok := n.elements["notiz"]; !ok || f != pms.FieldIgnored {
		t.Error("ignored element not known")
	}
}

// Two rows of the table must not fight over a spelling.
func TestBuiltInAliasesDoNotClash(t *testing.T) {
	events := map[string]pms.Kind{}
	for _, a := range eventAliases {
		key := eventKey(a.module, a.event)
		if old, ok := events[key]; ok && old != a.kind {
			t.Errorf("%s is both %s and %s", key, old, a.kind)
		}
		events[key] = a.kind
	}
	elements := map[string]string{}
	for _, e := range elementAliases {
		for _, s := range e.spelled {
			if old, ok := elements[normalise(s)]; ok {
				t.Errorf("%s stands twice, as %q and %q", s, old, e.field)
			}
			elements[normalise(s)] = e.field
		}
	}
}

func TestStampTakesTheEarlierReading(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		"2021-06-03 16:45:48.000":      "2021-06-03T14:45:48Z",
		"28-APR-24 06.18.59.028027 AM": "2024-04-28T04:18:59.028027Z",
		"28-apr-24 06.18.59.028027 PM": "2024-04-28T16:18:59.028027Z",
		"2026-10-25 02:30:00":          "2026-10-25T00:30:00Z", // occurs twice: the first
		"2026-10-25 03:30:00":          "2026-10-25T02:30:00Z",
		"2026-10-26 02:30:00":          "2026-10-26T01:30:00Z", // the day after has no doubt
		"2026-10-24 02:30:00":          "2026-10-24T00:30:00Z",
		"2026-03-29 02:30:00":          "2026-03-29T00:30:00Z", // never occurs: the earlier reading
		"2026-03-28 02:30:00":          "2026-03-28T01:30:00Z",
		"2026-03-30 02:30:00":          "2026-03-30T00:30:00Z",
		"2026-01-01T10:00:00+05:30":    "2026-01-01T04:30:00Z",
		"2026-01-01T10:00:00":          "2026-01-01T09:00:00Z",
	} {
		got, ok := parseStamp(in, berlin)
		if !ok || got.UTC().Format(time.RFC3339Nano) != want {
			t.Errorf("%s read as %s, want %s", in, got.UTC().Format(time.RFC3339Nano), want)
		}
	}
	for _, bad := range []string{"", "yesterday", "2026-13-01 00:00:00", "É-APR-24"} {
		if got, ok := parseStamp(bad, berlin); ok {
			t.Errorf("%q read as %s", bad, got)
		}
	}
}

func TestTidyValues(t *testing.T) {
	for in, want := range map[string]string{
		"2026-11-22": "2026-11-22", "2026-11-22 00:00:00.0": "2026-11-22", "2026-11-22T00:00:00": "2026-11-22",
		"28-APR-24": "2024-04-28", "soon": "soon", "": "", " 2026-11-22 ": "2026-11-22",
	} {
		if got := tidyDate(in); got != want {
			t.Errorf("date %q became %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"16:45": "16:45", "16:45:48": "16:45", "2026-01-01 11:30:00": "11:30", "4:05 PM": "16:05", "1630": "16:30", "noon": "noon",
	} {
		if got := tidyTime(in); got != want {
			t.Errorf("time %q became %q, want %q", in, got, want)
		}
	}
}
