package rules

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"edgeagent/drivers"
	"edgeagent/pms"
)

func TestDefaultTable(t *testing.T) {
	type change = func(*pms.Event)
	var (
		stale  = func(e *pms.Event) { e.Fresh = false }
		shared = func(e *pms.Event) { e.Shared = true }
		vacant = func(e *pms.Event) { e.RoomVacant = true }
		nobody = func(e *pms.Event) { e.RoomVacant, e.Stay, e.Guests = true, pms.Stay{}, nil }
		moved  = func(e *pms.Event) { e.Room, e.OldRoom, e.OldRoomVacant = "102", "0101", true }
		swap   = func(e *pms.Event) { e.OldRoomVacant = false }
		ghost  = func(e *pms.Event) { e.Assumed = true }
		byDesk = func(e *pms.Event) { e.KeysByCommand = true }
		extra  = func(fields map[string]string) change { return func(e *pms.Event) { e.Extra = fields } }
		openIt = "unifi ensure stay:9f00aa11bb22cc33"
		cutIt  = "unifi revoke stay:9f00aa11bb22cc33"
	)
	for _, tt := range []struct {
		name    string
		kind    pms.EventKind
		changes []change
		want    []string
	}{
		{"check-in", pms.StayCheckedIn, nil, []string{"lobby-encoder encode room:0101 key=new copies=1", openIt}},
		{"check-in, the desk asks for keys", pms.StayCheckedIn, []change{byDesk}, []string{openIt}},
		{"check-in of a sharer, the desk asks for keys", pms.StayCheckedIn, []change{byDesk, shared}, []string{openIt}},
		{"check-out reversed, the desk asks for keys", pms.StayReinstated, []change{byDesk}, []string{openIt}},
		{"room move, the desk asks for keys", pms.StayRoomMoved, []change{moved, byDesk}, []string{"lobby-encoder cancel_room room:0101", openIt}},
		{"room move to a sharer, the desk asks for keys", pms.StayRoomMoved, []change{moved, shared, byDesk},
			[]string{"lobby-encoder cancel_room room:0101", openIt}},
		{"check-out, the desk asks for keys", pms.StayCheckedOut, []change{vacant, byDesk},
			[]string{"lobby-encoder cancel_room room:0101", cutIt + " after 30m"}},
		{"check-in replayed", pms.StayCheckedIn, []change{stale}, []string{openIt}},
		{"check-in of a sharer", pms.StayCheckedIn, []change{shared}, []string{"lobby-encoder encode room:0101 key=duplicate copies=1", openIt}},
		{"check-in of a sharer replayed", pms.StayCheckedIn, []change{shared, stale}, []string{openIt}},
		{"check-out of the last guest", pms.StayCheckedOut, []change{vacant},
			[]string{"lobby-encoder cancel_room room:0101", cutIt + " after 30m"}},
		{"check-out of a sharer", pms.StayCheckedOut, nil, []string{cutIt + " after 30m"}},
		{"check-out assumed", pms.StayCheckedOut, []change{vacant, ghost}, []string{cutIt + " after 30m"}},
		{"check-out replayed", pms.StayCheckedOut, []change{vacant, stale}, []string{cutIt + " after 30m"}},
		{"check-in reversed", pms.StayCheckInReversed, []change{vacant}, []string{"lobby-encoder cancel_room room:0101", cutIt}},
		{"check-in of a sharer reversed", pms.StayCheckInReversed, nil, []string{cutIt}},
		{"check-in reversed, replayed", pms.StayCheckInReversed, []change{vacant, stale}, []string{cutIt}},
		{"check-out reversed", pms.StayReinstated, nil, []string{"lobby-encoder encode room:0101 key=new copies=1", openIt}},
		{"check-out of a sharer reversed", pms.StayReinstated, []change{shared}, []string{openIt}},
		{"room move", pms.StayRoomMoved, []change{moved},
			[]string{"lobby-encoder cancel_room room:0101", "lobby-encoder encode room:102 key=new copies=1", openIt}},
		{"room move out of a shared room", pms.StayRoomMoved, []change{moved, swap},
			[]string{"lobby-encoder encode room:102 key=new copies=1", openIt}},
		{"room move to a sharer", pms.StayRoomMoved, []change{moved, shared},
			[]string{"lobby-encoder cancel_room room:0101", "lobby-encoder encode room:102 key=duplicate copies=1", openIt}},
		{"room move replayed", pms.StayRoomMoved, []change{moved, stale}, []string{openIt}},
		{"extended", pms.StayExtended, nil, []string{openIt}},
		{"shortened", pms.StayShortened, nil, []string{openIt}},
		{"updated", pms.StayUpdated, nil, []string{openIt}},
		{"cancelled", pms.StayCancelled, nil, []string{cutIt}},
		{"room occupied", pms.RoomOccupied, nil, []string{"tv welcome room:0101"}},
		{"room occupied, replayed", pms.RoomOccupied, []change{stale}, []string{"tv welcome room:0101"}},
		{"room vacated", pms.RoomVacated, nil, []string{"tv clear room:0101"}},
		{"message", pms.GuestMessage, []change{extra(map[string]string{"message": "Taxi"})}, []string{"tv message room:0101 body=Taxi"}},
		{"key requested", pms.KeyRequested, []change{extra(map[string]string{"key": "duplicate", "copies": "2"})},
			[]string{"lobby-encoder encode room:0101 key=duplicate copies=2"}},
		{"key requested, nothing said", pms.KeyRequested, nil, []string{"lobby-encoder encode room:0101 key=new copies=1"}},
		{"key requested for a shared room", pms.KeyRequested, []change{shared}, []string{"lobby-encoder encode room:0101 key=duplicate copies=1"}},
		{"key of either kind requested", pms.KeyRequested, []change{byDesk, extra(map[string]string{"key": "auto", "copies": "2"})},
			[]string{"lobby-encoder encode room:0101 key=auto copies=2"}},
		{"key of either kind requested for a shared room", pms.KeyRequested, []change{shared, extra(map[string]string{"key": "auto"})},
			[]string{"lobby-encoder encode room:0101 key=duplicate copies=1"}},
		{"key of an unknown kind requested", pms.KeyRequested, []change{extra(map[string]string{"key": "golden"})}, []string{}},
		{"price", pms.PriceUpdated, []change{nobody, extra(map[string]string{"from": "2026-03-01T00:00:00Z"})}, []string{}},
		{"new key requested for a shared room", pms.KeyRequested, []change{shared, extra(map[string]string{"key": "new"})},
			[]string{"lobby-encoder encode room:0101 key=new copies=1"}},
		{"key requested at an encoder", pms.KeyRequested, []change{extra(map[string]string{"encoder": "pool-encoder"})},
			[]string{"pool-encoder encode room:0101 key=new copies=1"}},
		{"key requested at an unknown encoder", pms.KeyRequested, []change{extra(map[string]string{"encoder": "7"})}, []string{}},
		{"key requested at a TV", pms.KeyRequested, []change{extra(map[string]string{"encoder": "tv"})}, []string{}},
		{"key requested, nonsense", pms.KeyRequested, []change{extra(map[string]string{"copies": "two"})}, []string{}},
		{"key requested, replayed", pms.KeyRequested, []change{stale}, []string{}},
		{"room status", pms.RoomStatusChanged, nil, []string{}},
		{"out of order", pms.RoomOutOfOrder, []change{nobody}, []string{"tv clear room:0101"}},
		{"out of order with a guest", pms.RoomOutOfOrder, nil, []string{}},
		{"incomplete", pms.Incomplete, nil, []string{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			devices := append(hotel(), Device{Name: "pool-encoder", Kind: "keycard", Actions: keycardActions()})
			table := compile(t, string(Default()), devices, "lobby-encoder")
			if diff := cmp.Diff(tt.want, brief(table.Eval(event(tt.kind, tt.changes...)))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestDefaultTableWithLess(t *testing.T) {
	for _, tt := range []struct {
		name    string
		devices []Device
		desk    string
		want    []string
	}{
		{"nothing", nil, "", []string{}},
		{"WiFi only", hotel()[2:], "", []string{"unifi ensure stay:9f00aa11bb22cc33"}},
		{"encoder without a desk", hotel()[:1], "", []string{}},
		{"encoder only", hotel()[:1], "lobby-encoder", []string{"lobby-encoder encode room:0101 key=new copies=1"}},
		{"an encoder called desk", []Device{{Name: "desk", Kind: "keycard", Actions: keycardActions()}}, "",
			[]string{"desk encode room:0101 key=new copies=1"}},
		{"two of everything", append(hotel(), Device{"tv2", "iptv", tvActions()}, Device{"unifi2", "wifi", wifiActions()}), "lobby-encoder",
			[]string{"lobby-encoder encode room:0101 key=new copies=1", "unifi ensure stay:9f00aa11bb22cc33", "unifi2 ensure stay:9f00aa11bb22cc33"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			table := compile(t, string(Default()), tt.devices, tt.desk)
			if diff := cmp.Diff(tt.want, brief(table.Eval(event(pms.StayCheckedIn)))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestDefaultCommandInFull(t *testing.T) {
	table := compile(t, string(Default()), hotel(), "lobby-encoder")
	want := Planned{
		Command: drivers.Command{
			ID: "opera:1:42#1/cut-a-key-at-check-in/1", Device: "lobby-encoder", Action: "encode", Subject: "room:0101",
			Params: map[string]string{"room": "0101", "stay": "9f00aa11bb22cc33", "until": "2026-03-04T12:00:00+01:00", "copies": "1", "key": "new"},
		},
		Within: 10 * time.Minute, Rule: "cut a key at check-in",
	}
	if diff := cmp.Diff(want, table.Eval(event(pms.StayCheckedIn))[0]); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	wifi := table.Eval(event(pms.StayCheckedIn))[1]
	if wifi.Command.ID != "opera:1:42#1/open-the-wifi/1.unifi" || !wifi.Setting {
		t.Errorf("a step for a kind names its device in the id: %+v", wifi)
	}
}

func TestDefaultIsACopy(t *testing.T) {
	Default()[0] = 'X'
	if Default()[0] == 'X' {
		t.Error("the shipped table can be written to")
	}
}
