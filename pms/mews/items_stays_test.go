package mews

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"edgeagent/hwsim/mewssim"
	"edgeagent/pms"
)

func TestItem22OnlyStaysAreFollowed(t *testing.T) {
	t.Parallel()
	r := newRig(t).run().live()
	spot := r.book(mewssim.Booking{Service: r.hotel.parking, Owner: r.guest("Driver"), Room: r.hotel.room["P1"]})
	check(t, r.sim.CheckIn(spot))
	r.settled()
	if _, told := r.last(func(n pms.Notice) bool { return n.Reservation == spot }); told || r.in("P1") != "" {
		t.Error("a parking space is greeted")
	}
	r.stop()
	r.cfg.Services = []string{"parking"}
	r.setPlace("")
	r.restart()
	r.waitIn("P1", "Driver") // who asks for it gets it
}

func TestItem23CompaniesHaveNoName(t *testing.T) {
	t.Parallel()
	r := newRig(t).run().live()
	id := r.book(mewssim.Booking{Company: true, Room: r.hotel.room["101"]})
	check(t, r.sim.CheckIn(id))
	r.waitIn("101", "?")
	must(r.sim.AddCompanion(id, r.guest("Employee")))(t)
	r.waitIn("101", "Employee")
}

func TestItem24MovesAndSwaps(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b := r.arrive("Able", "101"), r.arrive("Baker", "102")
	r.run().live()
	check(t, r.sim.Move(a, r.hotel.room["103"]))
	r.waitIn("103", "Able")
	if r.in("101") != "" {
		t.Error("still in the old room")
	}
	check(t, r.sim.Move(a, r.hotel.room["101"]))
	r.waitIn("101", "Able")
	r.sim.Together(func() {
		check(t, r.sim.Move(a, r.hotel.room["102"]))
		check(t, r.sim.Move(b, r.hotel.room["101"]))
	})
	r.wait("swap", func() bool { return r.in("101") == "Baker" && r.in("102") == "Able" })
	r.sim.Together(func() { // the new guest is checked in first
		check(t, r.sim.CheckIn(r.booking("Next", "101")))
		check(t, r.sim.CheckOut(b))
	})
	r.waitIn("101", "Next")
	var order []string
	all := r.all()
	for _, n := range all[len(all)-2:] {
		order = append(order, value(n, pms.FieldStatus))
	}
	if !slices.Equal(order, []string{"Processed", "Started"}) {
		t.Errorf("order %v", order)
	}
	for _, e := range r.told(pms.StayCheckedOut) {
		if e.Assumed {
			t.Errorf("assumed %+v", e)
		}
	}
}

func TestItem25ScheduledTimes(t *testing.T) {
	t.Parallel()
	r := newRig(t).run().live()
	day := r.sim.Now().Truncate(24 * time.Hour)
	id := r.book(mewssim.Booking{Owner: r.guest("Early"), Room: r.hotel.room["101"], Arrival: day.AddDate(0, 0, 1).Add(14 * time.Hour), Departure: day.AddDate(0, 0, 4).Add(10 * time.Hour)})
	check(t, r.sim.CheckIn(id))
	n := r.await("early check-in", func(n pms.Notice) bool { return n.Reservation == id && value(n, pms.FieldStatus) == "Started" })
	if value(n, pms.FieldArrival) != day.AddDate(0, 0, 1).Format("2006-01-02")+"T14:00:00Z" {
		t.Errorf("arrival %s", value(n, pms.FieldArrival))
	}
	if at, err := time.Parse(time.RFC3339, value(n, pms.FieldCheckedIn)); err != nil || r.sim.Now().Sub(at).Abs() > time.Minute {
		t.Errorf("checked in %q", value(n, pms.FieldCheckedIn))
	}
	check(t, r.sim.CheckOut(id))
	n = r.await("early check-out", func(n pms.Notice) bool { return n.Reservation == id && value(n, pms.FieldStatus) == "Processed" })
	if value(n, pms.FieldDeparture) != day.AddDate(0, 0, 4).Format("2006-01-02")+"T10:00:00Z" {
		t.Errorf("departure %s", value(n, pms.FieldDeparture))
	}
}

func TestItem26ResourceIsHousekeeping(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.arrive("Guest", "101")
	r.run().live()
	asked, stays := len(r.sim.Audit().Requests), r.count(kind(pms.KindStayState))
	r.sim.Together(func() { // as at four in the morning
		for _, name := range []string{"101", "102", "103", "104"} {
			check(t, r.sim.SetRoomState(r.hotel.room[name], "Dirty"))
		}
	})
	r.wait("states", func() bool { return r.count(kind(pms.KindRoomStatus)) == 4 })
	if now := len(r.sim.Audit().Requests); now != asked || r.count(kind(pms.KindStayState)) != stays || r.in("101") != "Guest" {
		t.Errorf("%d requests for what the events say", now-asked)
	}
	for _, e := range r.told(pms.RoomStatusChanged) {
		if e.Extra["room_status"] != "Dirty" {
			t.Errorf("event %+v", e)
		}
	}
}

func TestItem27NamesChangeWithoutAnEvent(t *testing.T) {
	t.Parallel()
	r := newRig(t, waits(func(w *Waits) { w.Guests = 40 * time.Millisecond }))
	owner, companion := r.guest("Misspelt"), r.guest("Second")
	id := r.book(mewssim.Booking{Owner: owner, Room: r.hotel.room["101"]})
	must(r.sim.AddCompanion(id, companion))(t)
	check(t, r.sim.CheckIn(id))
	r.run().live()
	r.waitIn("101", "Misspelt Second")
	check(t, r.sim.EditCustomer(owner, func(c *mewssim.Customer) { c.LastName, c.PreferredLanguage = "Right", "fr-FR" }))
	check(t, r.sim.EditCustomer(companion, func(c *mewssim.Customer) { c.LastName = "Other" }))
	r.waitIn("101", "Right Other")
	if up := r.told(pms.StayUpdated); len(up) == 0 || up[len(up)-1].Stay.Language != "fr-FR" {
		t.Errorf("updates %+v", up)
	}
}

func TestItem28RoomNamesAndBeds(t *testing.T) {
	t.Parallel()
	r := newRig(t, config(func(c *Config) { c.Rooms = map[string]string{"102": "Panorama 2"} }))
	r.arrive("First", "D1-1")
	r.arrive("Second", "D1-2")
	r.arrive("Third", "102")
	r.run().live()
	r.wait("guests of the dorm", func() bool { in := r.in("D1"); return in == "First Second" || in == "Second First" })
	r.waitIn("Panorama 2", "Third")
	if n, _ := r.last(func(n pms.Notice) bool { return value(n, pms.FieldLastName) == "Second" }); value(n, pms.FieldShared) != "Y" || value(n, pms.FieldRoomType) != "Bunk" {
		t.Errorf("notice %+v", n)
	}
	// A room that is part of a suite has its own door.
	suite := must(r.sim.AddRoom("201/202", r.hotel.double, "2", ""))(t)
	r.hotel.room["201"] = must(r.sim.AddRoom("201", r.hotel.double, "2", suite))(t)
	r.stop()
	r.setPlace("")
	r.restart()
	r.live()
	r.arrive("Fourth", "201")
	r.waitIn("201", "Fourth")
}

func TestItem29TitlesAreCodes(t *testing.T) {
	t.Parallel()
	r := newRig(t).run().live()
	for i, tt := range []struct{ code, want string }{{"Misses", "Mrs"}, {"Mister", "Mr"}, {"Miss", "Ms"}, {"", ""}, {"Mx", ""}} {
		owner := r.sim.AddCustomer(mewssim.Customer{LastName: fmt.Sprint("Guest", i), Title: tt.code})
		friend := r.sim.AddCustomer(mewssim.Customer{LastName: fmt.Sprint("Friend", i), Title: tt.code})
		id := r.book(mewssim.Booking{Owner: owner, Room: r.hotel.room["101"]})
		must(r.sim.AddCompanion(id, friend))(t)
		check(t, r.sim.CheckIn(id))
		n := r.await("guest", func(n pms.Notice) bool { return n.Reservation == id && value(n, pms.FieldStatus) == "Started" })
		if got := value(n, pms.FieldTitle); got != tt.want || value(n, pms.FieldAccompanyingTitle) != tt.want {
			t.Errorf("%s: %q and %q", tt.code, got, value(n, pms.FieldAccompanyingTitle))
		}
		check(t, r.sim.CheckOut(id))
	}
}

func TestItem30WindowsAreHalfOpen(t *testing.T) {
	t.Parallel()
	f := &follower{Source: &Source{waits: quick().withDefaults()}}
	at := time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)
	for _, mark := range []time.Time{at, at.Add(-time.Second), at.Add(2 * time.Hour), at.Add(-80 * 24 * time.Hour), at.AddDate(-3, 0, 0), {}} {
		w := f.since(mark, at)["UpdatedUtc"].(fields)
		from, err1 := time.Parse(time.RFC3339, w["StartUtc"].(string))
		to, err2 := time.Parse(time.RFC3339, w["EndUtc"].(string))
		if err1 != nil || err2 != nil || !to.After(at) || !from.Before(at) || to.After(from.AddDate(0, 3, 0)) {
			t.Errorf("from a mark of %s: %v", mark, w)
		}
	}
	// What changes in the very second of the mark is found after a restart.
	r := newRig(t).run().live()
	r.stop()
	r.arrive("Guest", "101")
	mark, _ := parseWatermark(r.offset)
	r.offset = watermark{r.sim.Now(), mark.rooms, mark.guests}.String()
	r.restart()
	r.waitIn("101", "Guest")
}
