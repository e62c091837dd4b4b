package mews

import (
	"testing"
	"time"

	"edgeagent/hwsim/mewssim"
	"edgeagent/pms"
)

// Versions are Mews's stamps as they are, whatever our clock shows.
func TestVersionsAreMewssOwn(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{-3 * time.Hour, 0, 2 * time.Hour} {
		r := newRig(t, waits(func(w *Waits) { w.Guests = 30 * time.Millisecond }))
		r.sim.SetClockOffset(skew)
		owner := r.guest("Guest")
		stay := r.book(mewssim.Booking{Owner: owner, Room: r.hotel.room["101"]})
		check(t, r.sim.CheckIn(stay))
		r.run().live()
		of := func(n pms.Notice) bool { return n.Reservation == stay && n.Kind == pms.KindStayState }
		v, _ := r.sim.Reservation(stay)
		if n := r.await("stay", of); !n.Version.Equal(v.Updated.Truncate(time.Second)) {
			t.Errorf("skew %s: version %s, want %s", skew, n.Version, v.Updated)
		}
		time.Sleep(1100 * time.Millisecond) // stamps have whole seconds
		check(t, r.sim.EditCustomer(owner, func(c *mewssim.Customer) { c.LastName = "Renamed" }))
		r.waitIn("101", "Renamed")
		g, _ := r.sim.Customer(owner)
		n, _ := r.last(of)
		if !n.Version.Equal(g.Updated.Truncate(time.Second)) || !n.Version.After(v.Updated) {
			t.Errorf("skew %s: version %s, want %s", skew, n.Version, g.Updated)
		}
		r.stop()
	}
}

// A guest who leaves the party takes the newest stamp along.
func TestVersionsDoNotGoBack(t *testing.T) {
	t.Parallel()
	f := bare(t)
	f.house = &house{stays: map[string]bool{"s": true}, rooms: map[string]room{}}
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	row := reservationRow{ID: "r", ServiceID: "s", State: started, UpdatedUtc: instant{at}}
	late := customerRow{ID: "b", LastName: "Late", UpdatedUtc: instant{at.Add(time.Minute)}}
	reading := func(guests ...customerRow) *stayReading {
		p := party{guests: guests}
		for _, g := range guests {
			p.updated = latest(p.updated, g.UpdatedUtc.Time)
		}
		return &stayReading{rows: []reservationRow{row}, parties: map[string]party{"r": p}}
	}
	one := f.stayNotices(reading(customerRow{ID: "a", LastName: "Early"}, late), false)
	two := f.stayNotices(reading(customerRow{ID: "a", LastName: "Early"}), false)
	if len(one) != 1 || len(two) != 1 || !one[0].Version.Equal(at.Add(time.Minute)) || !two[0].Version.Equal(one[0].Version) || one[0].ID == two[0].ID {
		t.Errorf("%+v\n%+v", one, two)
	}
}

// Companions come and go, and neither an event nor the reservation says so.
func TestReconnectFindsCompanions(t *testing.T) {
	t.Parallel()
	r := newRig(t, waits(func(w *Waits) { w.Overlap = time.Millisecond }))
	stay, second := r.arrive("Guest", "101"), r.guest("Second")
	time.Sleep(1100 * time.Millisecond) // so that no window has the profiles, whose stamps have whole seconds
	r.run().live()
	r.sim.Change(func(f *mewssim.Faults) { f.Socket.QuietCompanions = true })
	companion := must(r.sim.AddCompanion(stay, second))(t)
	r.settled()
	if got := r.in("101"); got != "Guest" {
		t.Fatalf("%s in 101", got)
	}
	r.src.Reconnect()
	r.waitIn("101", "Guest Second")
	r.live()
	check(t, r.sim.RemoveCompanion(companion))
	r.src.Reconnect()
	r.waitIn("101", "Guest")
}
