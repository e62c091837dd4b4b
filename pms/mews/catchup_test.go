package mews

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim/mewssim"
	"edgeagent/pms"
)

// What happens between the opening of the socket and the end of the reading is
// neither lost nor told before what was missed.
func TestConnectsFirstAndReadsThen(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stay := r.arrive("Missed", "101")
	r.sim.Trouble(mewssim.Trouble{Path: "services/getAll", Times: 1, Delay: 200 * time.Millisecond})
	r.run()
	r.wait("house being read", func() bool { return r.calls("configuration/get") > 0 })
	if r.sim.Audit().Open != 1 {
		t.Fatal("the socket was not opened first")
	}
	check(t, r.sim.CheckOut(stay)) // as an event, while nothing is known yet
	check(t, r.sim.SetRoomState(r.hotel.room["103"], "Dirty"))
	r.arrive("Meanwhile", "102")
	r.waitIn("102", "Meanwhile")
	r.live()
	r.waitIn("101", "")
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.caught == 0 {
		t.Error("nobody said that it has caught up")
	}
}

func TestFirstStartReadsWhoIsInHouse(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.booking("Expected", "101")
	// An overstayer: her departure is over.
	over := r.arrive("Overstayer", "102")
	check(t, r.sim.EditReservation(over, func(v *mewssim.Reservation) {
		v.Arrival, v.In, v.Departure = v.Arrival.AddDate(0, 0, -9), v.In.AddDate(0, 0, -9), v.Arrival.AddDate(0, 0, -2)
	}))
	gone := r.arrive("Gone", "103")
	check(t, r.sim.CheckOut(gone))
	r.run().live()
	r.waitIn("102", "Overstayer")
	if n := r.count(kind(pms.KindStayState)); n != 1 {
		t.Errorf("%d stays read", n)
	}
	if in := r.told(pms.StayCheckedIn); len(in) != 1 || in[0].Fresh {
		t.Errorf("check-ins %+v", in) // nine days old
	}
	if _, ok := parseWatermark(r.place()); !ok || r.place() == "" {
		t.Errorf("offset %q", r.place())
	}
}

func TestRestartReadsWhatChanged(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.arrive("First", "101")
	renamed := r.guest("Old")
	named := r.book(mewssim.Booking{Owner: renamed, Room: r.hotel.room["104"]})
	check(t, r.sim.CheckIn(named))
	r.run().live()
	r.stop()
	check(t, r.sim.CheckOut(first))
	r.arrive("Second", "102")
	check(t, r.sim.SetRoomState(r.hotel.room["105"], "OutOfOrder"))
	check(t, r.sim.EditCustomer(renamed, func(c *mewssim.Customer) { c.LastName = "New" }))
	r.restart()
	r.live()
	r.waitIn("101", "")
	r.waitIn("102", "Second")
	r.waitIn("104", "New")
	r.await("room out of order", func(n pms.Notice) bool {
		return n.Kind == pms.KindRoomOutOfOrder && value(n, pms.FieldRoom) == "105"
	})
	if in := r.told(pms.StayCheckedIn); !in[len(in)-1].Fresh {
		t.Error("a check-in of a moment ago is no news")
	}
	// A second restart finds nothing new: what it reads again comes to nothing.
	r.stop()
	events := len(r.events)
	r.restart()
	r.live()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events[events:] {
		if e.Kind != pms.RoomStatusChanged && e.Kind != pms.RoomOutOfOrder {
			t.Errorf("event %+v", e)
		}
	}
}

func TestReconnectTellsRoomStatesOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t).run().live()
	check(t, r.sim.SetRoomState(r.hotel.room["101"], "Dirty"))
	r.await("state", kind(pms.KindRoomStatus))
	r.src.Reconnect()
	r.wait("second socket", func() bool { return len(r.sim.Audit().Connects) == 2 })
	r.live()
	r.settled()
	if n := r.count(kind(pms.KindRoomStatus)); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// A state that comes by event while reservations are being read must not be
// undone by that reading, else the next change looks like none.
func TestRoomStateDuringARead(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	dirty := make(chan string, 1)
	dirty <- "not yet"
	meddler(t, r, func(path string, _ map[string]json.RawMessage) {
		if !strings.HasPrefix(path, "reservations/") {
			return
		}
		select {
		case room := <-dirty:
			if room != "not yet" {
				check(t, r.sim.SetRoomState(room, "Dirty"))
				r.wait("state told while the read goes on", func() bool { return r.count(kind(pms.KindRoomStatus)) > 0 })
			}
		default:
		}
	})
	r.run().live()
	r.sim.EnableEvents("Reservation")
	r.hotel.room["107"] = must(r.sim.AddRoom("107", r.hotel.double, "1", ""))(t) // so the read changes the house
	r.sim.EnableEvents("Reservation", "Resource")
	dirty <- r.hotel.room["101"]
	r.arrive("Guest", "107")
	r.waitIn("107", "Guest")
	check(t, r.sim.SetRoomState(r.hotel.room["101"], "Inspected"))
	r.await("next state", func(n pms.Notice) bool {
		return value(n, pms.FieldRoomStatus) == "Inspected" && value(n, pms.FieldRoom) == "101"
	})
}

// Nor must one be lost that comes before the rooms are known.
func TestRoomStateDuringTheFirstRead(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	meddler(t, r, func(path string, _ map[string]json.RawMessage) {
		if path == "resourceCategoryAssignments/getAll" { // the rooms have been read by then
			check(t, r.sim.SetRoomState(r.hotel.room["103"], "Dirty"))
			r.sim.EnableEvents() // the event is on its way
		}
	})
	r.run()
	r.await("state", func(n pms.Notice) bool {
		return value(n, pms.FieldRoomStatus) == "Dirty" && value(n, pms.FieldRoom) == "103"
	})
}

func TestAwayForMoreThanThreeMonths(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	gone, stayed := r.arrive("Gone", "101"), r.arrive("Stayed", "102")
	_ = stayed
	r.run().live()
	r.stop()
	r.sim.Change(func(f *mewssim.Faults) { f.Socket.Lose = true })
	check(t, r.sim.CheckOut(gone))
	r.ledger.Apply(pms.Change{Stays: []pms.Stay{{ID: "pms/x", Source: "pms", Reservation: "fias-4711", Status: pms.StatusInHouse, Room: "106"}}})
	old := r.sim.Now().AddDate(0, 0, -100)
	r.setPlace(watermark{old, old, old}.String())
	r.restart()
	r.waitAlarm(alarmGap, "the link was down for 100 days; everybody in house is read anew")
	r.waitIn("101", "") // of whom the ledger knew, and Mews's list of who is in house does not
	r.waitIn("102", "Stayed")
}

func TestStoredPlaces(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		offset func(now time.Time) string
		alarm  string
	}{
		{func(time.Time) string { return "garbage" }, "the stored place cannot be read; all who are in house are read anew"},
		{func(now time.Time) string {
			ahead := now.Add(2 * time.Hour)
			return watermark{ahead, ahead, ahead}.String()
		}, "the stored place is ahead of Mews's clock; everybody in house is read anew"},
		{func(now time.Time) string {
			ahead := now.Add(20 * time.Minute)
			return watermark{ahead, ahead, ahead}.String()
		}, "the stored place is ahead of Mews's clock; everybody in house is read anew"},
		{func(now time.Time) string { // the guests were not read for ever
			return watermark{now, now, now.AddDate(-1, 0, 0)}.String()
		}, ""},
	} {
		r := newRig(t)
		r.arrive("Guest", "101")
		r.offset = tt.offset(r.sim.Now())
		r.run().live()
		r.waitIn("101", "Guest")
		if got := r.alarm(alarmOffset); got != tt.alarm {
			t.Errorf("alarm %q", got)
		}
		r.arrive("Next", "102") // and it goes on
		r.waitIn("102", "Next")
	}
}

func TestReadAfterWriteLag(t *testing.T) {
	t.Parallel()
	r := newRig(t, waits(func(w *Waits) { w.Lag = 100 * time.Millisecond }))
	stay := r.booking("Guest", "101")
	r.run().live()
	r.sim.Change(func(f *mewssim.Faults) { f.Lag = 250 * time.Millisecond })
	check(t, r.sim.CheckIn(stay))
	r.waitIn("101", "Guest")
	check(t, r.sim.Move(stay, r.hotel.room["102"]))
	r.waitIn("102", "Guest")
	check(t, r.sim.CheckOut(stay))
	r.waitIn("102", "")
	if r.in("101") != "" {
		t.Error("the guest is in the room before")
	}
	if n := len(r.told(pms.StayRoomMoved)); n != 1 {
		t.Errorf("%d moves", n)
	}
}

// An event that the reads never bear out is given up after three more.
func TestEventThatWasWrong(t *testing.T) {
	t.Parallel()
	r := newRig(t, waits(func(w *Waits) { w.Lag = 5 * time.Millisecond }))
	stay := r.booking("Guest", "101")
	r.run().live()
	before := r.calls("reservations/getAll/2023-06-06")
	r.sim.SendRaw(fmt.Sprintf(`{"Events":[{"Type":"Reservation","Id":%q,"State":"Started"}]}`, stay))
	r.sim.SendRaw(`{"Events":[{"Type":"Reservation","Id":"00000000-0000-0000-0000-00000000beef","State":"Started"}]}`)
	r.wait("reads", func() bool { return r.calls("reservations/getAll/2023-06-06") >= before+4 })
	r.settled()
	if n := r.calls("reservations/getAll/2023-06-06") - before; n > 9 || r.in("101") != "" {
		t.Errorf("%d reads", n)
	}
}

func TestPollsFindWhatNoEventTold(t *testing.T) {
	t.Parallel()
	r := newRig(t, waits(func(w *Waits) { w.Stays, w.Rooms = 40*time.Millisecond, 40*time.Millisecond })).run().live()
	r.sim.EnableEvents()
	stay := r.arrive("Guest", "101")
	r.waitIn("101", "Guest")
	check(t, r.sim.SetRoomState(r.hotel.room["102"], "Dirty"))
	r.await("state", kind(pms.KindRoomStatus))
	check(t, r.sim.CheckOut(stay))
	r.waitIn("101", "")
}

func TestRoomRenamed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.arrive("Guest", "101")
	r.run().live()
	check(t, r.sim.RenameRoom(r.hotel.room["101"], "1-01"))
	r.waitAlarm(alarmRenamed, "room 101 is called 1-01 in Mews now: write it under rooms in the property file, or rename the room's devices")
	r.arrive("Next", "101")
	r.waitIn("1-01", "Next")
}

func TestRoomsAreNewOrUnknown(t *testing.T) {
	t.Parallel()
	r := newRig(t).run().live()
	r.hotel.room["107"] = must(r.sim.AddRoom("107", r.hotel.double, "1", ""))(t)
	r.arrive("Guest", "107")
	r.waitIn("107", "Guest")
	r.sim.Trouble(mewssim.Trouble{Path: "resources/getAll", Times: 1, Kind: mewssim.Status, Status: 400, Message: "Invalid Extent of Smith"})
	r.hotel.room["108"] = must(r.sim.AddRoom("108", r.hotel.double, "1", ""))(t)
	r.waitProblem(`: "Invalid Extent of Smith"`)
	if p := r.src.Link().Problem; p != "" && !strings.HasPrefix(p, "resources/getAll: HTTP 400: Mews finds the request wrong (request ") {
		t.Errorf("problem %s", p)
	}
	r.wait("end of the problem", func() bool { return r.src.Link().Problem == "" })
	r.stop()
	if text := r.log.String(); strings.Contains(text, "Smith") || !strings.Contains(text, "pms read failed") {
		t.Error("what Mews says of a request stands in the log")
	}
}

func TestPricesAreOffered(t *testing.T) {
	t.Parallel()
	r := newRig(t).run().live()
	from := r.sim.Now().Truncate(time.Second)
	r.sim.PriceChange(r.hotel.double, from, from.AddDate(0, 0, 2))
	n := r.await("price", kind(pms.KindPrice))
	if value(n, pms.FieldCategory) != r.hotel.double || value(n, pms.FieldRate) == "" || value(n, pms.FieldFrom) != from.Format(time.RFC3339) {
		t.Errorf("notice %+v", n)
	}
	if e := r.told(pms.PriceUpdated); len(e) != 1 || e[0].Extra["category"] != r.hotel.double {
		t.Errorf("events %+v", e)
	}
}

func TestNightlyReconnect(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	lost := r.arrive("Lost", "101")
	r.run().live()
	r.stop()
	at, err := time.Parse("15:04", "04:30")
	check(t, err)
	r.src.cfg.ReconnectAt = at.Format("15:04")
	f := newFollower(r.src, r.offset, nil)
	now := time.Date(2026, 3, 28, 20, 0, 0, 0, time.UTC)
	f.planNight(now)
	if d := f.due[dutyNight].Sub(time.Date(2026, 3, 29, 2, 30, 0, 0, time.UTC)); d < 0 || d > 10*time.Minute {
		t.Errorf("due %s", f.due[dutyNight]) // 04:30 summer time in Budapest, in the night in which it begins
	}
	f.planNight(time.Date(2026, 3, 29, 2, 31, 0, 0, time.UTC))
	if d := f.due[dutyNight].Sub(time.Date(2026, 3, 30, 2, 30, 0, 0, time.UTC)); d < 0 || d > 10*time.Minute {
		t.Errorf("due %s", f.due[dutyNight])
	}
	f.due[dutyNight] = f.now().Add(-time.Second)
	f.begin(t.Context(), nil)
	if !f.everybody.Load() || len(r.src.redial) != 1 || !f.due[dutyNight].After(f.now()) {
		t.Error("no reconnect")
	}
	// That night everybody is compared: one whose check-out was never told is found.
	<-r.src.redial
	r.sim.Change(func(f *mewssim.Faults) { f.Socket.Lose = true })
	check(t, r.sim.CheckOut(lost))
	mark, _ := parseWatermark(r.offset)
	late := r.sim.Now().Add(time.Minute)
	m, err := f.readMissed(t.Context(), must(r.src.readHouse(t.Context()))(t), watermark{late, late, mark.guests}, true)
	check(t, err)
	if len(m.stays.rows) != 1 || m.stays.rows[0].State != "Processed" {
		t.Errorf("rows %+v", m.stays.rows)
	}
}

func TestManyReconnectsAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t).run().live()
	for range 20 {
		r.src.Reconnect()
	}
	r.wait("reconnect", func() bool { return len(r.sim.Audit().Connects) > 1 })
	r.arrive("Guest", "101")
	r.waitIn("101", "Guest")
	r.live()
	for _, c := range r.sim.Audit().Connects {
		if c.Status != 101 {
			t.Errorf("connect %+v", c)
		}
	}
}

// One reader at a time; and one that stops in the middle loses nothing.
func TestReaders(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.arrive("Guest", "101")
	r.halt = func(batch []pms.Notice) bool { return len(batch) > 0 }
	r.run()
	r.wait("the reader that stops", func() bool { return !r.src.busy.Load() })
	if r.place() != "" || len(r.all()) != 0 {
		t.Errorf("offset %q", r.place())
	}
	r.mu.Lock()
	r.halt = nil
	r.mu.Unlock()
	r.stop()
	r.run().live() // the same source again
	r.waitIn("101", "Guest")
	for _, err := range r.src.Notices(t.Context(), "") {
		if err == nil || err.Error() != "pms pms: the pms link is in use already; its notices go to one reader" {
			t.Errorf("error %v", err)
		}
	}
}

// Everything that changes while the link comes and goes ends as it is at Mews.
func TestNothingIsLostInTheStorm(t *testing.T) {
	t.Parallel()
	r := newRig(t, tolerate("upgrade")) // one that is cut in the middle
	r.sim.Change(func(f *mewssim.Faults) { f.Socket.Duplicate, f.Socket.Reverse = 1, true })
	r.run()
	rooms := []string{"101", "102", "103", "104"}
	stays := map[string]string{}
	for i := range 60 {
		room := rooms[i%len(rooms)]
		if old := stays[room]; old != "" {
			check(t, r.sim.CheckOut(old))
		}
		stays[room] = r.arrive(fmt.Sprint("Guest", i), room)
		switch i % 15 {
		case 3:
			r.sim.DropSockets()
		case 6:
			r.sim.Cut()
		case 9:
			r.sim.Change(func(f *mewssim.Faults) { f.Socket.LoseNext = 2 })
			r.src.Reconnect()
		case 12:
			r.restart()
		}
	}
	r.sim.DropSockets()
	for i, room := range rooms {
		r.waitIn(room, fmt.Sprint("Guest", 56+i))
	}
	r.live()
	if n := r.count(kind(pms.KindUndecodable)); n != 0 {
		t.Errorf("%d in quarantine", n)
	}
}

// A session at the most talkative level shows no token, name or Data JSON.
func TestLogHoldsNothingPersonal(t *testing.T) {
	t.Parallel()
	r := newRig(t, tolerate("credentials"), waits(func(w *Waits) {
		w.Stays, w.Guests, w.Rooms = 50*time.Millisecond, 50*time.Millisecond, 50*time.Millisecond
	}))
	password := `{"password":"hunter2",`
	stay := r.arrive("Quisling", "101")
	r.run().live()
	id := r.key(stay, mewssim.KeyOrder{Data: &password, Creator: "Deskworker"})
	r.await("command", ofCommand(id))
	r.answer(id, pms.CommandProcessed, "1 key for Quisling")
	r.sim.SendRaw(`{"Events":[{"Type":"Reservation","Id":"Quisling","State":1},`)
	r.sim.Trouble(mewssim.Trouble{Path: "reservations", Times: 1, Kind: mewssim.Status, Status: 403, Message: "Quisling"},
		mewssim.Trouble{Path: "customers", Times: 1, Kind: mewssim.Truncate}, mewssim.Trouble{Path: "companionships", Times: 1, Kind: mewssim.Break})
	r.arrive("Quisling", "102")
	r.waitIn("102", "Quisling")
	fresh := r.sim.RotateToken()
	r.sim.DropSockets()
	r.wait("refusal", func() bool { return r.alarm(alarmRefused) != "" })
	r.setSecret("access", fresh)
	r.live()
	list := r.src.Probe(t.Context())
	r.stop()
	text := r.log.String()
	page, err := json.Marshal([]any{r.src.Link(), list})
	check(t, err)
	for _, secret := range []string{r.sim.ClientToken(), mewssim.DefaultAccessToken, fresh, "Quisling", "hunter2", "Deskworker", "anna@example.com", stay} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in the log", secret)
		}
		if secret != "Quisling" && strings.Contains(string(page), secret) {
			t.Errorf("%q is on the page", secret)
		}
	}
}
