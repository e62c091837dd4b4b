package mews

import (
	"net/http"
	"testing"

	"edgeagent/hwsim/mewssim"
	"edgeagent/pms"
)

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
