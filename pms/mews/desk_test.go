package mews

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim/mewssim"
	"edgeagent/pms"
)

func withdrawn(id string) func(pms.Notice) bool {
	return func(n pms.Notice) bool { return n.CommandID == id && n.Kind == pms.KindCommandWithdrawn }
}

// Polls are rare while nothing is in hand, and the event of a cancellation can
// get lost at any step.
func TestCancelledInHandWithoutAnEvent(t *testing.T) {
	t.Parallel()
	for _, state := range []pms.CommandState{pms.CommandReceived, pms.CommandProcessing} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			stay := r.arrive("Guest", "101")
			r.run().live()
			ids := []string{r.key(stay, mewssim.KeyOrder{}), r.key(stay, mewssim.KeyOrder{}), r.key(stay, mewssim.KeyOrder{})}
			for _, id := range ids {
				r.await("command", ofCommand(id))
				r.answer(id, pms.CommandReceived, "")
				if state == pms.CommandProcessing {
					r.answer(id, state, "")
				}
			}
			r.answer(ids[2], pms.CommandProcessed, "")
			r.sim.Change(func(f *mewssim.Faults) { f.Socket.Lose = true })
			r.sim.Together(func() {
				check(t, r.sim.CancelCommand(ids[0], ""))
				check(t, r.sim.CancelCommand(ids[1], ""))
			})
			r.await("withdrawal", withdrawn(ids[0]))
			r.await("withdrawal", withdrawn(ids[1]))
			if n := r.count(withdrawn(ids[2])); n != 0 {
				t.Error("the command that we ended was withdrawn")
			}
			if held := r.src.desk.held(); len(held) > 0 {
				t.Errorf("in hand still: %v", held)
			}
		})
	}
}

// Where nobody may ask for commands by their ids, cancellations without an
// event are not found, and the rest goes on.
func TestInHandWhereNobodyMayAsk(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stay := r.arrive("Guest", "101")
	r.run().live()
	id := r.key(stay, mewssim.KeyOrder{})
	r.await("command", ofCommand(id))
	r.sim.Deny("commands/getAllByIds")
	r.answer(id, pms.CommandReceived, "")
	r.answer(id, pms.CommandProcessing, "")
	before := r.calls("commands/getAllByIds")
	r.wait("looks", func() bool { return r.calls("commands/getAllByIds") > before+2 })
	r.stop()
	if strings.Contains(r.log.String(), "cannot be read now") {
		t.Error("the queue is said to be unreadable")
	}
}

func TestAllInHandIsOneRequest(t *testing.T) {
	t.Parallel()
	d := &desk{told: map[string]*telling{
		"received": {state: pms.CommandReceived}, "gone": {state: pms.CommandReceived}, "processing": {state: pms.CommandProcessing},
		"ended": {state: pms.CommandProcessing, ended: true}, "answered": {state: pms.CommandError}, "untold": {},
	}}
	got := map[string]bool{}
	held := d.held()
	d.told["later"] = &telling{state: pms.CommandReceived}
	for _, key := range d.lost(held, []commandRow{{ID: "RECEIVED"}}) {
		got[key] = true
	}
	if len(got) != 2 || !got["gone"] || !got["processing"] {
		t.Errorf("asked for %v", got)
	}
	r := newRig(t)
	stay := r.arrive("Guest", "101")
	r.run().live()
	for range 5 {
		id := r.key(stay, mewssim.KeyOrder{})
		r.await("command", ofCommand(id))
		r.answer(id, pms.CommandReceived, "")
		r.answer(id, pms.CommandProcessing, "")
	}
	r.wait("one request for all five", func() bool {
		calls := r.sim.Audit().Calls("commands/getAllByIds")
		return calls[len(calls)-1].IDs == 5
	})
}

// The queue is looked at as seldom as before once nothing is in hand.
func TestQueueWhileACommandIsInHand(t *testing.T) {
	t.Parallel()
	f := bare(t)
	f.open = true
	for _, tt := range []struct {
		state pms.CommandState
		every time.Duration
	}{{"", time.Minute}, {pms.CommandReceived, 5 * time.Second}, {pms.CommandProcessing, 5 * time.Second}, {pms.CommandProcessed, time.Minute}} {
		f.desk.told["c"] = &telling{state: tt.state}
		if got := f.every(dutyCommands); got != tt.every {
			t.Errorf("%q: every %s", tt.state, got)
		}
	}
	now := f.now()
	f.desk.told["c"] = &telling{state: pms.CommandReceived}
	f.due[dutyCommands] = now.Add(time.Minute)
	f.collect(catch{begun: true})
	if in := f.due[dutyCommands].Sub(now); in > 7*time.Second {
		t.Errorf("due in %s", in)
	}
}

// What goes with a state can be what Mews does not like; the state counts.
func TestAnswersWithoutWhatMewsRefuses(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusBadRequest, http.StatusForbidden} {
		r := newRig(t)
		stay := r.arrive("Guest", "101")
		r.run().live()
		id := r.key(stay, mewssim.KeyOrder{})
		r.await("command", ofCommand(id))
		r.answer(id, pms.CommandReceived, "")
		once := mewssim.Trouble{Path: "commands/update", Times: 1, Kind: mewssim.Status, Status: status}
		r.sim.Trouble(once)
		r.answer(id, pms.CommandProcessing, "")
		r.sim.Trouble(once)
		r.answer(id, pms.CommandProcessed, "1 key")
		updates := r.command(id).Updates()
		if len(updates) != 3 || updates[1].Progress != nil || updates[2].Notes != nil || r.command(id).State != mewssim.Processed {
			t.Errorf("after %d: %+v", status, updates)
		}
	}
}

func TestAnswersThatStayRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stay := r.arrive("Guest", "101")
	r.run().live()
	id := r.key(stay, mewssim.KeyOrder{})
	r.await("command", ofCommand(id))
	r.answer(id, pms.CommandReceived, "")
	for _, tt := range []struct {
		status, calls int
		a             pms.Answer
	}{
		{400, 2, pms.Answer{State: pms.CommandError, Note: "jammed"}},
		{403, 2, pms.Answer{State: pms.CommandError, Note: "jammed"}},
		{400, 1, pms.Answer{State: pms.CommandError}}, // nothing goes with it
		{400, 2, pms.Answer{State: pms.CommandProcessing}},
		{400, 1, pms.Answer{State: pms.CommandReceived}},
		{409, 1, pms.Answer{State: pms.CommandError, Note: "jammed"}},
	} {
		tt.a.CommandID = id
		before := r.calls("commands/update")
		r.sim.Trouble(mewssim.Trouble{Path: "commands/update", Times: tt.calls, Kind: mewssim.Status, Status: tt.status, Message: "Smith"})
		err := r.src.Acknowledge(t.Context(), tt.a)
		if n := r.calls("commands/update") - before; statusOf(err) != tt.status || n != tt.calls {
			t.Errorf("%s after %d: %d calls, error %v", tt.a.State, tt.status, n, err)
		}
	}
	r.answer(id, pms.CommandProcessed, "1 key")
	if c := r.command(id); c.Notes != "1 key" {
		t.Errorf("command %+v", c)
	}
}

// Whether the tokens are good again only a try can tell, and an event is a sign.
func TestEventDuringTheRestAfterARefusal(t *testing.T) {
	t.Parallel()
	r := newRig(t, tolerate("credentials"), waits(func(w *Waits) { w.Refused, w.RefusedMax = time.Hour, time.Hour }))
	stay := r.arrive("Guest", "101")
	r.run().live()
	r.sim.RevokeToken()
	first := r.key(stay, mewssim.KeyOrder{})
	r.wait("refusal", func() bool { return r.alarm(alarmRefused) != "" })
	asked := func() int { return r.calls("commands/getAllByIds") + r.calls("commands/getAllActive") }
	before := asked()
	r.key(stay, mewssim.KeyOrder{})
	r.wait("another try", func() bool { return asked() == before+1 })
	r.sim.RestoreToken() // the files are as they were
	r.sim.SendRaw(fmt.Sprintf(`{"Events":[{"Type":"DeviceCommand","Id":%q,"State":"Received"}]}`, first))
	third := r.key(stay, mewssim.KeyOrder{})
	r.await("command that the event named", ofCommand(third))
	r.await("command that waited", ofCommand(first))
}

func TestRestAfterARefusal(t *testing.T) {
	t.Parallel()
	f := bare(t)
	now := f.now()
	pair := pairOf("old", "")
	refused := &refusal{status: http.StatusUnauthorized, with: pair}
	f.asked(t.Context(), nil, true, refused)
	until := f.refusedUntil
	if d := until.Sub(now); f.failed != 1 || d < 150*time.Second || d > 5*time.Minute+time.Second {
		t.Errorf("%d failed, rest of %s", f.failed, d)
	}
	f.asked(t.Context(), nil, true, refused) // a try that an event made
	if f.failed != 1 || !f.refusedUntil.Equal(until) {
		t.Error("the rest began anew")
	}
	f.api.secret = func(string) (string, error) { return "old", nil }
	f.refused = pairOf("old", "old")
	if !f.resting(now) || !f.due[dutyCommands].Equal(now.Add(2*time.Second)) {
		t.Errorf("due %s", f.due[dutyCommands])
	}
	if f.resting(until) {
		t.Error("the rest does not end")
	}
	f.api.secret = func(string) (string, error) { return "new", nil }
	if f.resting(now) {
		t.Error("new tokens do not end the rest")
	}
	f.refused = pairOf("new", "new")
	f.regained(now)
	if f.resting(now) {
		t.Error("a socket that is open does not end the rest")
	}
}
