package mews

import (
	"testing"
	"time"

	"edgeagent/hwsim/mewssim"
	"edgeagent/pms"
)

func bare(t *testing.T) *follower {
	t.Helper()
	src := must(New("pms", goodConfig(), Deps{Secret: func(string) (string, error) { return "", nil }}))(t)
	return newFollower(src, "", nil)
}

// A house that is read anew keeps what events have said since.
func TestHouseKeepsNewerStates(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	older := &house{rooms: map[string]room{"a": {state: "Dirty", updated: at}, "b": {state: "Dirty", updated: at}, "gone": {state: "Clean", updated: at}}}
	read := &house{rooms: map[string]room{"a": {state: "Clean", updated: at.Add(-time.Hour)}, "b": {state: "Clean", updated: at.Add(time.Hour)}}}
	read.keep(older)
	if read.rooms["a"].state != "Dirty" || read.rooms["b"].state != "Clean" || len(read.rooms) != 2 {
		t.Errorf("rooms %+v", read.rooms)
	}
}

// The follower learns of the end of a socket after the page has told of it.
func TestPageIsNotLiveWithoutASocket(t *testing.T) {
	t.Parallel()
	f := bare(t)
	f.setOpen(true)
	f.showLive()
	if got := f.Link().State; got != pms.LinkLive {
		t.Errorf("state %s", got)
	}
	f.setOpen(false)
	f.board.State(pms.LinkWaiting, time.Time{})
	f.showLive()
	if got := f.Link().State; got != pms.LinkWaiting {
		t.Errorf("state %s", got)
	}
}

// A read that lags behind another one tells nothing.
func TestOlderRowsAreNotHandedOver(t *testing.T) {
	t.Parallel()
	f := bare(t)
	f.house = &house{stays: map[string]bool{"s": true}, rooms: map[string]room{}}
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	row := reservationRow{ID: "r", ServiceID: "s", State: "Processed", UpdatedUtc: instant{at}}
	if n := f.stayNotices(&stayReading{rows: []reservationRow{row}}, false); len(n) != 1 {
		t.Fatalf("notices %+v", n)
	}
	row.State, row.UpdatedUtc = started, instant{at.Add(-time.Minute)}
	r := &stayReading{rows: []reservationRow{row}, parties: map[string]party{"r": {}}}
	if n := f.stayNotices(r, false); len(n) != 0 {
		t.Errorf("notices %+v", n)
	}
	row.UpdatedUtc = instant{at} // another version within the same second
	if n := f.stayNotices(&stayReading{rows: []reservationRow{row}}, false); len(n) != 1 {
		t.Errorf("notices %+v", n)
	}
}

// After a 429 nothing is asked before its time, not even for the desk.
func TestNothingIsAskedDuringARest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stay := r.arrive("Guest", "101")
	r.run().live()
	r.sim.Trouble(mewssim.Trouble{Path: "reservations/getAll", Times: 1, Kind: mewssim.Status, Status: 429, Retry: "1"})
	r.booking("Other", "102")
	r.wait("alarm", func() bool { return r.alarm(alarmLimit) != "" })
	before := len(r.sim.Audit().Requests)
	r.await("command", ofCommand(r.key(stay, mewssim.KeyOrder{})))
	a := r.sim.Audit()
	if gap := a.Requests[before].At.Sub(a.Requests[before-1].At); a.Requests[before-1].Status != 429 || gap < time.Second {
		t.Errorf("asked again after %s: %+v", gap, a.Requests[before-1])
	}
}

// A server that takes any answer says nothing of a cancellation; the next look
// at the queue finds it.
func TestCancelledWhileOffAndReceivedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, waits(func(w *Waits) { w.Commands = 30 * time.Millisecond }))
	stay := r.arrive("Guest", "101")
	r.run().live()
	r.sim.Change(func(f *mewssim.Faults) { f.FinalAgain = true })
	id := r.key(stay, mewssim.KeyOrder{})
	r.await("command", ofCommand(id))
	r.stop()
	check(t, r.sim.CancelCommand(id, ""))
	r.restart()
	r.live()
	r.answer(id, pms.CommandReceived, "")
	r.await("withdrawal", func(n pms.Notice) bool { return n.CommandID == id && n.Kind == pms.KindCommandWithdrawn })
}
