package agent

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"

	"edgeagent/pms"
)

func TestEventsAreRememberedWithWhatTheyCaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		s.say(checkIn("R1", "101", "Silva"))
		v, err := s.agent.Look()
		if err != nil || len(v.Events) == 0 {
			t.Fatalf("%+v, %v", v.Events, err)
		}
		caused := map[string]bool{}
		for _, e := range v.Events {
			if e.Room != "101" || e.Source != "pms" || !e.Fresh || e.Stay == "" {
				t.Errorf("%+v", e)
			}
			for _, id := range e.Commands {
				caused[id] = true
			}
		}
		for _, c := range v.Recent {
			if !caused[c.ID] {
				t.Errorf("nothing says what caused %s", c.ID)
			}
		}
		text, err := json.Marshal(v.Events)
		if err != nil || strings.Contains(string(text), "Silva") || strings.Contains(string(text), "R1") {
			t.Errorf("a guest stands in %s, %v", text, err)
		}
	})
}

func TestOldEventsAreForgotten(t *testing.T) {
	var h happened
	for range 3 * maxHappened {
		h.add(&pms.Event{Kind: pms.StayUpdated}, pms.Event{}.At, nil)
	}
	h.add(&pms.Event{Kind: pms.StayCheckedIn}, pms.Event{}.At, nil)
	if got := h.list(); len(got) > maxHappened || got[0].Kind != pms.StayCheckedIn {
		t.Errorf("%d events, the newest is %s", len(got), got[0].Kind)
	}
}
