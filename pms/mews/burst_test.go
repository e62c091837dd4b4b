package mews

import (
	"fmt"
	"testing"
	"time"

	"edgeagent/hwsim/mewssim"
	"edgeagent/pms"
)

// A group of 5,000 reservations is changed at once, every fifth of them in house.
func TestBurstOf5000(t *testing.T) {
	t.Parallel()
	const all, every = 5000, 5
	r := newRig(t, config(func(c *Config) { c.Budget = 0 }), waits(func(w *Waits) {
		w.Gather, w.GuestsDown, w.StaysDown, w.Overlap = 100*time.Millisecond, time.Hour, 100*time.Millisecond, time.Minute
	}))
	r.noLedger = true
	r.sim.Change(func(f *mewssim.Faults) { f.Limit.Requests = 200 })
	ids := map[string]bool{}
	for i := range all {
		b := mewssim.Booking{Owner: r.guest(fmt.Sprint("Guest", i))}
		if i%every == 0 {
			b.State, b.Room = mewssim.Started, r.hotel.room[fmt.Sprint(101+i/every%6)]
		}
		ids[r.book(b)] = true
	}
	r.run().live()
	seen := len(r.all())
	if seen < all/every {
		t.Fatalf("%d notices at the start", seen)
	}
	before := len(r.sim.Audit().Requests)
	r.sim.Change(func(f *mewssim.Faults) { f.Socket.PerFrame = 1000 })
	r.sim.Touch()
	told := map[string]bool{}
	r.wait("every reservation", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		for ; seen < len(r.notices); seen++ {
			if n := r.notices[seen]; n.Kind == pms.KindStayState && ids[n.Reservation] {
				told[n.Reservation] = true
			}
		}
		return len(told) == all
	})
	calls, least := len(r.sim.Audit().Requests)-before, 0
	// The least: the reservations by id; of those in house the companions, and
	// the owners, who are no companions here.
	for _, ids := range []int{all, all / every, all / every} {
		least += (ids + maxIDs - 1) / maxIDs
	}
	t.Logf("%d reservation events: %d REST calls, the least possible is %d", all, calls, least)
	// It ends in two readings if the events take longer than the gathering does:
	// each then has a page that is not full, and guests of its own.
	if most := 2*least + 3; calls > most {
		t.Errorf("%d calls, and %d are enough", calls, most)
	}
	if peak, limit := r.sim.Audit().Peak(window), r.src.cfg.Budget; peak > limit {
		t.Errorf("%d requests in 30 s, of %d", peak, limit)
	}
	// A poll that finds all of them again reads nobody's guests.
	guests, reads := r.calls("customers/getAll")+r.calls("companionships/getAll"), r.calls("reservations/getAll/2023-06-06")
	r.sim.Change(func(f *mewssim.Faults) { f.Socket.RefuseStatus = 503 })
	r.sim.DropSockets()
	r.wait("poll of all of them", func() bool {
		calls := r.sim.Audit().Calls("reservations/getAll/2023-06-06")
		rows := 0
		for _, c := range calls[reads:] {
			rows += c.Rows
		}
		return rows >= all
	})
	if n := r.calls("customers/getAll") + r.calls("companionships/getAll") - guests; n != 0 {
		t.Errorf("%d guest reads", n)
	}
}

// A burst on a small budget takes longer, and a key still gets through.
func TestBurstOnASmallBudget(t *testing.T) {
	t.Parallel()
	r := newRig(t, config(func(c *Config) { c.Budget = 20 }))
	stay := r.arrive("Guest", "101")
	r.run().live()
	r.sim.Change(func(f *mewssim.Faults) { f.Limit.Requests = 20 })
	for i := range 40 { // more single reads than there is budget for
		r.booking(fmt.Sprint("Guest", i), "")
		r.src.Reconnect()
	}
	id := r.key(stay, mewssim.KeyOrder{})
	r.await("command, whatever else waits", ofCommand(id))
	r.answer(id, pms.CommandReceived, "")
	if peak := r.sim.Audit().Peak(window); peak > 20 {
		t.Errorf("%d requests in 30 s", peak)
	}
}
