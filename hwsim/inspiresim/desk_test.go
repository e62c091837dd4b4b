package inspiresim

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Unix(1_700_000_000, 0)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

var testStay = Stay{Reservation: "244761", Confirmation: "778899", GuestID: "5501", Room: "0101", RoomType: "DLX",
	Title: "Ms", First: "Ada", Last: "Lovelace", Language: "E",
	Arrival: time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC), Departure: time.Date(2026, 3, 4, 11, 0, 0, 0, time.UTC)}

func TestDeskWordsACheckIn(t *testing.T) {
	d := Desk{HotelID: "H1", Now: newClock().now}
	got := d.CheckIn(testStay)
	want := Event{Module: "RESERVATION", Name: "CHECK IN", PrimaryKey: "244761", HotelID: "H1", Timestamp: "2023-11-14 22:13:20.000", Detail: []Element{
		{Name: "RESERVATION STATUS", Old: "RESERVED", New: "CHECKED IN"},
		{Name: "ROOM", Old: "0101", New: "0101"},
		{Name: "ROOM TYPE", Old: "DLX", New: "DLX"},
		{Name: "ARRIVAL DATE", Old: "2026-03-01", New: "2026-03-01"},
		{Name: "DEPARTURE DATE", Old: "2026-03-04", New: "2026-03-04"},
		{Name: "CHECKOUT TIME", Old: "11:00", New: "11:00"},
		{Name: "NAME", Old: "Lovelace", New: "Lovelace"},
		{Name: "FIRST NAME", Old: "Ada", New: "Ada"},
		{Name: "TITLE", Old: "Ms", New: "Ms"},
		{Name: "LANGUAGE", Old: "E", New: "E"},
		{Name: "CONFIRMATION NO", Old: "778899", New: "778899"},
		{Name: "RESV NAME ID", Old: "244761", New: "244761"},
		{Name: "GUEST NAME ID", Old: "5501", New: "5501"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

func TestDeskLeavesOut(t *testing.T) {
	d := Desk{HotelID: "H1", NoIdentity: true, OnlyChanged: true, Resort: true, Omit: []string{"TITLE"}, RoomElement: "ROOM NUMBER",
		Zone: time.FixedZone("", 3600), Time: TimeMonths, Now: newClock().now}
	after := testStay
	after.Departure, after.Title, after.Accompanying = testStay.Departure.AddDate(0, 0, 1), "Dr", []string{"Byron"}
	want := Event{Module: "RESERVATION", Name: "UPDATE RESERVATION", PrimaryKey: "244761", HotelID: "H1", Timestamp: "14-NOV-23 11.13.20.000000 PM", Detail: []Element{
		{Name: "ROOM NUMBER", Old: "0101", New: "0101"},
		{Name: "DEPARTURE DATE", Old: "2026-03-04", New: "2026-03-05"},
		{Name: "RESORT", Old: "H1", New: "H1"},
		{Name: "ACCOMPANYING GUEST", New: "Byron", Sequence: 1},
	}}
	if diff := cmp.Diff(want, d.Update(testStay, after)); diff != "" {
		t.Fatal(diff)
	}
}

func TestDeskVocabulary(t *testing.T) {
	words, pascal := Desk{HotelID: "H1"}, Desk{HotelID: "H1", Style: StylePascal}
	for _, tt := range []struct {
		name          string
		make          func(d *Desk) Event
		words, pascal string // module, event
		changed       string // one element in words style, old > new
	}{
		{"new", func(d *Desk) Event { return d.New(testStay) }, "RESERVATION / NEW RESERVATION", "Reservation / ReservationCreated", "RESERVATION STATUS  > RESERVED"},
		{"check-in", func(d *Desk) Event { return d.CheckIn(testStay) }, "RESERVATION / CHECK IN", "Reservation / GuestCheckedIn", "RESERVATION STATUS RESERVED > CHECKED IN"},
		{"check-in as update", func(d *Desk) Event { return d.CheckInAsUpdate(testStay) }, "RESERVATION / UPDATE RESERVATION", "Reservation / ReservationUpdated", "RESERVATION STATUS RESERVED > CHECKED IN"},
		{"advance check-in", func(d *Desk) Event { return d.AdvanceCheckIn(testStay) }, "RESERVATION / ADVANCE CHECK IN", "Reservation / AdvanceCheckIn", "ADVANCED CHECKED IN YN N > Y"},
		{"reverse check-in", func(d *Desk) Event { return d.ReverseCheckIn(testStay) }, "RESERVATION / REVERSE CHECK IN", "Reservation / ReverseCheckIn", "RESERVATION STATUS CHECKED IN > RESERVED"},
		{"check-out", func(d *Desk) Event { return d.CheckOut(testStay) }, "RESERVATION / CHECK OUT", "Reservation / GuestCheckedOut", "RESERVATION STATUS CHECKED IN > CHECKED OUT"},
		{"check-out as update", func(d *Desk) Event { return d.CheckOutAsUpdate(testStay) }, "RESERVATION / UPDATE RESERVATION", "Reservation / ReservationUpdated", "RESERVATION STATUS CHECKED IN > CHECKED OUT"},
		{"reverse check-out", func(d *Desk) Event { return d.ReverseCheckOut(testStay) }, "RESERVATION / REVERSE CHECK OUT", "Reservation / ReverseCheckOut", "RESERVATION STATUS CHECKED OUT > CHECKED IN"},
		{"cancel", func(d *Desk) Event { return d.Cancel(testStay) }, "RESERVATION / CANCEL", "Reservation / ReservationCancelled", "RESERVATION STATUS RESERVED > CANCELLED"},
		{"rollback cancel", func(d *Desk) Event { return d.RollbackCancel(testStay) }, "RESERVATION / ROLLBACK CANCEL", "Reservation / RollbackCancel", "RESERVATION STATUS CANCELLED > RESERVED"},
		{"no show", func(d *Desk) Event { return d.NoShow(testStay) }, "RESERVATION / NO SHOW", "Reservation / NoShow", "RESERVATION STATUS RESERVED > NO SHOW"},
		{"room move", func(d *Desk) Event { return d.RoomMove(testStay, "0202") }, "RESERVATION / UPDATE RESERVATION", "Reservation / ReservationUpdated", "ROOM 0101 > 0202"},
		{"room move, named", func(d *Desk) Event { return d.RoomMoveNamed(testStay, "0202") }, "RESERVATION / ROOM MOVE", "Reservation / RoomMove", "ROOM 0101 > 0202"},
		{"extend", func(d *Desk) Event { return d.Extend(testStay, testStay.Departure.AddDate(0, 0, 2)) }, "RESERVATION / UPDATE RESERVATION", "Reservation / ReservationUpdated", "DEPARTURE DATE 2026-03-04 > 2026-03-06"},
		{"rename", func(d *Desk) Event { return d.Rename(testStay, "Ada", "King") }, "RESERVATION / UPDATE RESERVATION", "Reservation / ReservationUpdated", "NAME Lovelace > King"},
		{"join", func(d *Desk) Event { return d.JoinShare(testStay) }, "RESERVATION / JOIN GUEST", "Reservation / JoinGuest", "ROOM 0101 > 0101"},
		{"leave", func(d *Desk) Event { return d.LeaveShare(testStay) }, "RESERVATION / SEPARATE GUEST FROM SHARE", "Reservation / SeparateGuestFromShare", "ROOM 0101 > 0101"},
		{"message", func(d *Desk) Event { return d.Message(testStay, "Taxi") }, "RESERVATION / NEW GUEST MESSAGE", "Reservation / NewGuestMessage", "COMMENTS  > Taxi"},
		{"message read", func(d *Desk) Event { return d.MessageRead(testStay) }, "RESERVATION / UPDATE GUEST MESSAGE", "Reservation / UpdateGuestMessage", "DELIVERY STATUS NR > MR"},
		{"room status", func(d *Desk) Event { return d.RoomStatus("0101", "DIRTY", "CLEAN") }, "HOUSEKEEPING / UPDATE ROOM STATUS", "Housekeeping / RoomStatusChanged", "ROOM STATUS DIRTY > CLEAN"},
		{"out of order", func(d *Desk) Event { return d.OutOfOrder("0101", "CLEAN") }, "HOUSEKEEPING / NEW OUT OF ORDER", "Housekeeping / NewOutOfOrder", "ROOM STATUS CLEAN > OUT OF ORDER"},
		{"do not disturb", func(d *Desk) Event { return d.GuestService("0101", "NoStatusSelected", "DoNotDisturb") }, "HOUSEKEEPING / GUEST SERVICE STATUS REQUEST", "Housekeeping / GuestServiceStatusRequest", "Guest Service Request NoStatusSelected > DoNotDisturb"},
		{"profile", func(d *Desk) Event { after := testStay; after.VIP = "V1"; return d.Profile(testStay, after) }, "PROFILE / UPDATE PROFILE", "Profile / UpdateProfile", "VIP STATUS  > V1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := tt.make(&words)
			if got := e.Module + " / " + e.Name; got != tt.words {
				t.Errorf("got %s, want %s", got, tt.words)
			}
			if p := tt.make(&pascal); p.Module+" / "+p.Name != tt.pascal {
				t.Errorf("got %s / %s, want %s", p.Module, p.Name, tt.pascal)
			}
			for _, el := range e.Detail {
				if el.Name+" "+el.Old+" > "+el.New == tt.changed {
					return
				}
			}
			t.Errorf("no element %q in %+v", tt.changed, e.Detail)
		})
	}
}
