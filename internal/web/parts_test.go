package web

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/internal/agent"
	"edgeagent/pms"
)

func partOf(t *testing.T, v agent.View, name string) part {
	t.Helper()
	for _, p := range parts(v) {
		if p.name == name {
			return p
		}
	}
	t.Fatalf("no part %s", name)
	return part{}
}

func TestWhatWaitsForAPerson(t *testing.T) {
	v := view(pms.LinkParked)
	v.Devices = append(v.Devices, agent.DeviceView{Name: "desk", State: drivers.State{Condition: drivers.Quarantined, Reason: "a late answer"}})
	at := v.Started
	failed := agent.CommandView{ID: "n3/key/1", Device: "desk", Action: "encode", Subject: "room:103", State: "Error", Note: "jammed", Retry: true, Created: at, Settled: at.Add(time.Second)}
	v.Recent = append(v.Recent, failed)
	w := partOf(t, v, "waits")
	want := []string{"unknown n2/cut a key/1", "quarantined desk", "parked inspire", "failed n3/key/1", "unmapped inspire SPA / BOOKING", "messages"}
	if !slices.Equal(w.order, want) {
		t.Errorf("%q", w.order)
	}
	var got wait
	if err := json.Unmarshal(w.items["failed n3/key/1"], &got); err != nil || got.ID != "n3/key/1" || got.Text != "jammed" || got.Command.Action != "encode" {
		t.Errorf("%+v %v", got, err)
	}
	// What may not be tried again waits for nobody.
	v.Recent[len(v.Recent)-1].Retry = false
	if slices.Contains(partOf(t, v, "waits").order, "failed n3/key/1") {
		t.Error("old news waits for a person")
	}
}

func TestEventsWithWhatTheyCaused(t *testing.T) {
	v := view(pms.LinkLive)
	for i := range 2 * shownEvents {
		v.Events = append(v.Events, agent.EventView{ID: fmt.Sprint("e", i), Kind: pms.StayCheckedIn})
	}
	v.Events[0].Commands = []string{"n1/tv/1", "n1/key/1", "long gone"}
	e := partOf(t, v, "events")
	var got caused
	if err := json.Unmarshal(e.items["e0"], &got); err != nil || len(e.order) != shownEvents {
		t.Fatalf("%v, %d", err, len(e.order))
	}
	var states []string
	for _, c := range got.Caused {
		states = append(states, c.ID+" "+string(c.State))
	}
	if !slices.Equal(states, []string{"n1/tv/1 Pending", "n1/key/1 Processed", "long gone "}) {
		t.Errorf("%q", states)
	}
}

// A heartbeat of a link is no news.
func TestHeartbeatsAreNoNews(t *testing.T) {
	v := view(pms.LinkLive)
	before := string(partOf(t, v, "links").items["inspire"])
	v.Links = slices.Clone(v.Links)
	v.Links[0].Link.Last = time.Now()
	v.Links[0].Offset = "another"
	if after := string(partOf(t, v, "links").items["inspire"]); after != before {
		t.Errorf("%s\n%s", before, after)
	}
	if !strings.Contains(before, `"state":"live"`) {
		t.Error(before)
	}
}
