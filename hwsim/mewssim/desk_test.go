package mewssim

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReservationReadsLikeThis(t *testing.T) {
	s, c := startAt(t)
	h := build(s)
	r := h.book(h.room)
	c.add(time.Hour)
	ok(t, s.CheckIn(r.ID))
	want := object{
		"Id": r.ID, "ServiceId": h.stay, "AccountId": h.guest, "AccountType": "Customer", "BookerId": nil, "Number": r.Number, "State": "Started",
		"Origin": "Commander", "CreatedUtc": "2026-03-01T12:00:00Z", "UpdatedUtc": "2026-03-01T13:00:00Z", "CancelledUtc": nil, "ReleasedUtc": nil,
		"GroupId": r.Group, "RequestedResourceCategoryId": h.category, "AssignedResourceId": h.room, "AssignedResourceLocked": false,
		"ScheduledStartUtc": "2026-03-01T12:00:00Z", "ScheduledEndUtc": "2026-03-03T12:00:00Z", "ActualStartUtc": "2026-03-01T13:00:00Z", "ActualEndUtc": nil,
		"StartUtc": "2026-03-01T13:00:00Z", "EndUtc": "2026-03-03T12:00:00Z", "Purpose": "Leisure",
		"PersonCounts": []any{object{"AgeCategoryId": h.stay, "Count": 1.0}},
		"Options":      object{"OwnerCheckedIn": true, "AllCompanionsCheckedIn": true, "AnyCompanionCheckedIn": true, "ConnectorCheckIn": false},
	}
	get := func() object {
		return s.good(t, "reservations/getAll/2023-06-06", object{"Limitation": first(1), "Numbers": []string{r.Number}}).list("Reservations")[0]
	}
	got := get()
	for name := range want {
		if diff := cmp.Diff(want[name], got[name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if voucher, there := got["VoucherId"]; !there || voucher != nil {
		t.Error("an optional member without a value is not null")
	}
	s.Change(func(f *Faults) { f.Shape.Absent, f.Shape.Extra = true, true })
	got = get()
	if _, there := got["VoucherId"]; there || got["AddedLater"] == nil {
		t.Errorf("%v", got)
	}
}

func TestFiltersOfReservations(t *testing.T) {
	s, c := startAt(t)
	h := build(s)
	parking := s.AddService("Parking")
	must(s.AddCategory(parking, "ParkingSpot", "Garage"))
	day := func(n int) time.Time { return c.now().AddDate(0, 0, n) }
	add := func(service, room, state string, from, to int) string {
		return must(s.Reserve(Booking{Service: service, Owner: h.guest, Room: room, State: state, Arrival: day(from), Departure: day(to)})).ID
	}
	past, stay, later, car := add(h.stay, h.room, Confirmed, -9, -5), add(h.stay, h.other, Confirmed, 0, 2), add(h.stay, "", Optional, 2, 4), add(parking, "", Confirmed, 0, 2)
	ok(t, s.CheckIn(past)) // and stays on, beyond the scheduled end
	company := must(s.Reserve(Booking{Service: h.stay, Company: true, Arrival: day(20), Departure: day(21)}))
	span := func(from, to int) object {
		return object{"StartUtc": instant(day(from)), "EndUtc": instant(day(to))}
	}
	for _, tt := range []struct {
		name   string
		fields object
		want   []string
	}{
		{"state", object{"States": []string{"Started"}}, []string{past}},
		{"collides with today", object{"CollidingUtc": span(0, 1)}, []string{stay, car}},
		{"collides with a moment", object{"CollidingUtc": span(2, 2)}, []string{later}},
		{"service", object{"ServiceIds": []string{parking}}, []string{car}},
		{"room", object{"AssignedResourceIds": []string{h.other}}, []string{stay}},
		{"scheduled", object{"ScheduledStartUtc": span(2, 3)}, []string{later}},
		{"actual", object{"ActualStartUtc": span(0, 1)}, []string{past}},
		{"owner", object{"AccountIds": []string{h.guest}}, []string{past, stay, later, car}},
		{"a company is no account", object{"AccountIds": []string{company.Owner}}, nil},
		{"another enterprise", object{"EnterpriseIds": []string{newID()}}, nil},
		{"this enterprise", object{"EnterpriseIds": []string{s.EnterpriseID()}, "States": []string{"Optional"}}, []string{later}},
		{"from a channel", object{"ChannelNumbers": []string{"1"}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.fields["Limitation"] = first(100)
			var got []string
			for _, r := range s.good(t, "reservations/getAll/2023-06-06", tt.fields).list("Reservations") {
				got = append(got, r["Id"].(string))
			}
			slices.Sort(got)
			slices.Sort(tt.want)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCompanionsAndCustomers(t *testing.T) {
	s, c := startAt(t)
	h := build(s)
	r := h.book(h.room)
	friend := s.AddCustomer(Customer{LastName: "Friend", Classifications: []string{"VeryImportant"}})
	must(s.AddCompanion(r.ID, friend))
	got := s.good(t, "companionships/getAll", object{"ReservationIds": []string{r.ID}, "Limitation": first(9), "Extent": object{"Customers": true}})
	if rows, people := got.list("Companionships"), got.list("Customers"); len(rows) != 1 || rows[0]["CustomerId"] != friend || people[0]["LastName"] != "Friend" {
		t.Errorf("%s", got.text)
	}
	got = s.good(t, "companionships/getAll", object{"ReservationIds": []string{r.ID}, "Limitation": first(9), "Extent": object{"Customers": false}})
	if value, there := got.json["Customers"]; !there || value != nil {
		t.Errorf("%s", got.text)
	}
	c.add(time.Minute)
	ok(t, s.EditCustomer(h.guest, func(c *Customer) { c.Title = "Miss" }))
	people := s.good(t, "customers/getAll", object{"Limitation": first(9), "Extent": object{"Customers": true},
		"UpdatedUtc": object{"StartUtc": "2026-03-01T12:01:00Z", "EndUtc": "2026-03-01T12:01:00Z"}}).list("Customers")
	if len(people) != 1 || people[0]["Title"] != "Miss" || people[0]["PreferredLanguageCode"] != "hu-HU" || people[0]["Email"] != nil {
		t.Errorf("%v", people)
	}
	if got := s.good(t, "customers/search", object{"ResourceId": h.room}).list("Customers"); len(got) != 0 {
		t.Error("found before check-in")
	}
	ok(t, s.CheckIn(r.ID))
	found := s.good(t, "customers/search", object{"ResourceId": h.room}).list("Customers")
	if len(found) != 2 || found[0]["Customer"].(object)["LastName"] != "Örkény" || found[0]["Reservation"].(object)["StartUtc"] != "2026-03-01T12:01:00Z" {
		t.Errorf("%v", found)
	}
	if got := s.good(t, "customers/search", object{"Name": "frie"}).list("Customers"); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

func TestMergedCustomer(t *testing.T) {
	s, _ := startAt(t)
	h := build(s)
	r := h.book("")
	survivor := s.AddCustomer(Customer{LastName: "Survivor"})
	p := s.dial(t)
	ok(t, s.MergeCustomer(h.guest, survivor, false))
	p.nothing(s)
	old := s.good(t, "customers/getAll", object{"Limitation": first(9), "Extent": object{"Customers": true}, "CustomerIds": []string{h.guest}}).list("Customers")
	if len(old) != 1 || old[0]["IsActive"] != false || old[0]["MergeTargetId"] != survivor {
		t.Errorf("%v", old)
	}
	ok(t, s.MergeCustomer(h.guest, survivor, true))
	if got, _ := s.Reservation(r.ID); p.events()[0]["Id"] != r.ID || got.Owner != survivor {
		t.Errorf("%+v", got)
	}
}

func TestPropertyIsDescribed(t *testing.T) {
	s, _ := startAt(t)
	h := build(s)
	s.AddProductService("Restaurant")
	bed := must(s.AddRoom("101-A", h.category, "1", h.room))
	s.SetClockOffset(-3 * time.Hour)
	got := s.good(t, "configuration/get", nil)
	if e := got.json["Enterprise"].(object); got.json["NowUtc"] != "2026-03-01T09:00:00Z" || e["TimeZoneIdentifier"] != "Europe/Budapest" || e["IsPortfolio"] != false {
		t.Errorf("%s", got.text)
	}
	kinds := map[any]any{}
	for _, v := range s.good(t, "services/getAll", object{"Limitation": first(9)}).list("Services") {
		kinds[v["Name"]] = v["Data"].(object)["Discriminator"]
	}
	if diff := cmp.Diff(map[any]any{"Stay": "Bookable", "Restaurant": "Additional"}, kinds); diff != "" {
		t.Error(diff)
	}
	categories := s.good(t, "resourceCategories/getAll", object{"Limitation": first(9), "ServiceIds": []string{h.stay}}).list("ResourceCategories")
	if len(categories) != 1 || categories[0]["Type"] != "Room" {
		t.Errorf("%v", categories)
	}
	assigned := s.good(t, "resourceCategoryAssignments/getAll", object{"Limitation": first(9), "ResourceCategoryIds": []string{h.category}})
	if got := assigned.list("ResourceCategoryAssignments"); len(got) != 3 || got[0]["CategoryId"] != h.category {
		t.Errorf("%v", got)
	}
	all := func(extent object) []object {
		return s.good(t, "resources/getAll", object{"Limitation": first(9), "Extent": extent}).list("Resources")
	}
	ok(t, s.SetRoomActive(h.other, false))
	if len(all(object{"Resources": true})) != 2 || len(all(object{"Resources": true, "Inactive": true})) != 3 {
		t.Error("inactive rooms")
	}
	rows := s.good(t, "resources/getAll", object{"Limitation": first(9), "Extent": object{"Resources": true}, "ResourceIds": []string{bed}}).list("Resources")
	if rows[0]["ParentResourceId"] != h.room || rows[0]["Data"].(object)["Value"].(object)["FloorNumber"] != "1" {
		t.Errorf("%v", rows)
	}
}

func TestHousekeepingWritesBack(t *testing.T) {
	s, _ := startAt(t)
	h := build(s)
	p := s.dial(t)
	update := func(room, state string) int {
		return s.call(t, "resources/update", object{"ResourceUpdates": []object{{"ResourceId": h.other, "State": object{"Value": "Dirty"}},
			{"ResourceId": room, "State": object{"Value": state}}}}).status
	}
	if got := []int{update(h.room, "OutOfOrder"), update(h.room, "Tidy"), update(newID(), "Clean")}; !slices.Equal(got, []int{403, 400, 400}) {
		t.Error(got)
	}
	p.nothing(s)
	if got := update(h.room, "Clean"); got != 200 {
		t.Error(got)
	}
	p.events()
	if e := p.events()[0]; e["State"] != "Clean" {
		t.Error(e)
	}
}

func TestOperatorMistakes(t *testing.T) {
	s, c := startAt(t)
	h := build(s)
	r := h.book("")
	now := c.now()
	for name, err := range map[string]error{
		"no room":          s.CheckIn(r.ID),
		"unknown room":     s.AssignRoom(r.ID, "101"),
		"unknown state":    s.SetRoomState(h.room, "Tidy"),
		"unknown device":   s.Link("x"),
		"unknown customer": s.EditCustomer("x", func(*Customer) {}),
		"backwards":        s.Extend(r.ID, now),
		"not in house":     s.Move(r.ID, h.room),
		"not out":          s.ReverseCheckOut(r.ID),
	} {
		if err == nil {
			t.Errorf("%s: done", name)
		}
	}
	if _, err := s.CutKey(h.cutter, r.ID, 1); err == nil {
		t.Error("a key for no room")
	}
	if _, err := Start(Options{Zone: "Mars/Base"}); err == nil {
		t.Error("a zone that is none")
	}
	if _, err := Start(Options{AccessToken: "a b"}); err == nil {
		t.Error("a token that is none")
	}
}

func TestSwitchesOfTheDesk(t *testing.T) {
	clock := newClock()
	s := start(t, Options{Now: func() time.Time { return clock.now().Add(1234567 * time.Nanosecond) }})
	h := build(s)
	s.Change(func(f *Faults) {
		f.Shape = Shape{OwnerIsCompanion: true, Fraction: true, Portfolio: true}
		f.Socket.QuietCompanions = true
	})
	p := s.dial(t)
	now := h.Now()
	r := must(h.Reserve(Booking{Service: h.stay, Owner: h.guest, State: Optional, Arrival: now, Departure: now.AddDate(0, 0, 1)}))
	if e := p.events()[0]; e["StartUtc"] != "2026-03-01T12:00:00.001Z" {
		t.Error(e)
	}
	extra := must(s.AddCompanion(r.ID, s.AddCustomer(Customer{LastName: "Extra"})))
	companions := func() int {
		return len(s.good(t, "companionships/getAll", object{"ReservationIds": []string{r.ID}, "Limitation": first(9), "Extent": object{}}).list("Companionships"))
	}
	if got := companions(); got != 2 {
		t.Errorf("%d companions", got)
	}
	ok(t, s.RemoveCompanion(extra))
	if got := companions(); got != 1 {
		t.Errorf("%d companions", got)
	}
	p.nothing(s)
	if got := s.good(t, "configuration/get", nil).json["Enterprise"].(object)["IsPortfolio"]; got != true {
		t.Error(got)
	}
	ok(t, s.Confirm(r.ID))
	ok(t, s.Shift(r.ID, now.Add(-time.Hour)))
	ok(t, s.EditReservation(r.ID, func(r *Reservation) { r.State = Requested }))
	if got := s.Reservations(); len(got) != 1 || got[0].State != Requested || !got[0].Arrival.Equal(now.Add(-time.Hour)) {
		t.Errorf("%+v", got)
	}
	if room, _ := s.Room(h.room); room.Name != "101" {
		t.Errorf("%+v", room)
	}
}
