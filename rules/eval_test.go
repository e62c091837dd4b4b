package rules

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"edgeagent/drivers"
	"edgeagent/pms"
)

func TestConditions(t *testing.T) {
	for _, tt := range []struct {
		when string
		room string
		want bool
	}{
		{"101", "101", true}, {"101", "1010", false}, {"101", "", false},
		{"0101", "0101", true}, {"0101", "65", false},
		{"1*", "101", true}, {"1*", "1", true}, {"1*", "201", false}, {"1*", "", false},
		{"[101, 2*]", "101", true}, {"[101, 2*]", "204", true}, {"[101, 2*]", "102", false},
		{"'!101'", "102", true}, {"'!101'", "101", false}, {"'!101'", "", true},
		{"'!1*'", "201", true}, {"'!1*'", "101", false},
		{"['!101', '!102']", "103", true}, {"['!101', '!102']", "102", false},
		{"[1*, '!13*']", "120", true}, {"[1*, '!13*']", "131", false}, {"[1*, '!13*']", "201", false},
		{"present", "101", true}, {"present", "", false},
		{"absent", "", true}, {"absent", "101", false},
		{"[present]", "present", true}, {"[present]", "101", false},
		{"SUITE", "suite", false},
	} {
		t.Run(tt.when+" of "+tt.room, func(t *testing.T) {
			table := compile(t, one("{ event: guest.message, room: "+tt.when+" }", "{ device: tv, action: message, params: { room: x } }"), hotel(), "")
			e := event(pms.GuestMessage, func(e *pms.Event) { e.Room = tt.room; e.Extra = map[string]string{"message": "m"} })
			if got := len(table.Eval(e)) == 1; got != tt.want {
				t.Errorf("fires: %v", got)
			}
		})
	}
}

func TestValues(t *testing.T) {
	for _, tt := range []struct{ name, params, want string }{
		{"text", "body: hello", "hello"},
		{"field", `body: "${last_name}"`, "Lovelace"},
		{"text and fields", `body: "${title} ${last_name}, room ${room}"`, "Dr Lovelace, room 0101"},
		{"dollar", `body: "$$5 for ${room} $${room}"`, "$5 for 0101 ${room}"},
		{"a field's own dollars stay", `body: "${group}"`, "${room}"},
		{"default", "title: hi", "message of the PMS"},
		{"default in place of nothing", `body: "${old_room}"`, "message of the PMS"},
		{"default in place of blanks", `body: "${old_room} ${old_room}"`, "message of the PMS"},
		{"number", "body: 0101", "0101"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			table := compile(t, one("{ event: [guest.message, stay.room_moved] }", "{ device: tv, action: message, params: { "+tt.params+" } }"), hotel(), "")
			planned := table.Eval(event(pms.GuestMessage, func(e *pms.Event) {
				e.Extra = map[string]string{"message": "message of the PMS"}
				e.Stay.Group = "${room}"
			}))
			if len(planned) != 1 || planned[0].Command.Params["body"] != tt.want {
				t.Errorf("got %v, want %q", planned, tt.want)
			}
		})
	}
}

// An empty value that the rule writes itself is meant: no default in its place.
func TestEmptyOnPurpose(t *testing.T) {
	table := compile(t, one("{ event: room.occupied }", "{ device: tv, action: welcome, params: { guests: '', vip: '' } }"), hotel(), "")
	got := table.Eval(event(pms.RoomOccupied))[0].Command.Params
	want := map[string]string{"room": "0101", "stay": "9f00aa11bb22cc33", "language": "en", "departure": "2026-03-04T12:00:00+01:00", "dnd": "false", "fresh": "true"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

const twoRules = `
rules:
  - name: Welcome, dear guest!
    when: { event: room.occupied }
    do: [ { kind: iptv, action: welcome } ]
  - name: 鍵を切る
    when: { event: room.occupied, shared: false }
    do: [ { device: lobby-encoder, action: encode }, { device: lobby-encoder, action: encode, params: { key: duplicate } } ]
`

func TestCommandIDs(t *testing.T) {
	ids := func(list []Rule, devices []Device) []string {
		table, problems := Compile(list, devices, "")
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		var out []string
		for _, p := range table.Eval(event(pms.RoomOccupied)) {
			out = append(out, p.Command.ID)
		}
		slices.Sort(out)
		return out
	}
	list, err := Parse([]byte(twoRules))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"opera:1:42#1/welcome-dear-guest/1.tv", "opera:1:42#1/鍵を切る/1", "opera:1:42#1/鍵を切る/2"}
	if diff := cmp.Diff(want, ids(list, hotel())); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	slices.Reverse(list)
	if diff := cmp.Diff(want, ids(list, hotel())); diff != "" {
		t.Errorf("another order of the rules makes other ids (-want +got)\n%s", diff)
	}
	more := append([]Device{{"a-tv", "iptv", tvActions()}}, hotel()...)
	for _, id := range want {
		if !slices.Contains(ids(list, more), id) {
			t.Errorf("another device of a kind takes %s away", id)
		}
	}
}

func TestOrderOfTheFile(t *testing.T) {
	list, err := Parse([]byte(twoRules))
	if err != nil {
		t.Fatal(err)
	}
	table, _ := Compile(list, hotel(), "")
	want := []string{"tv welcome room:0101", "lobby-encoder encode room:0101 key=new copies=1", "lobby-encoder encode room:0101 key=duplicate copies=1"}
	if diff := cmp.Diff(want, brief(table.Eval(event(pms.RoomOccupied)))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestUnknownKindOfEvent(t *testing.T) {
	table := compile(t, one("{ event: present }", tv), hotel(), "")
	if n := len(table.Eval(event("stay.teleported"))); n != 1 {
		t.Errorf("%d commands", n)
	}
}

// The list of event kinds must be that of package pms; nothing else ties them
// together. The kinds of the default table are in it too.
func TestEventKinds(t *testing.T) {
	if got, want := eventKinds(), kindsOfPMS(t); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

// A subject with a hole in it would put commands of different rooms in one line.
func TestSubjectWithoutValue(t *testing.T) {
	devices := []Device{{"d", "iptv", []drivers.Action{{Name: "x", Setting: true, Subject: "room:${old_room}"}}}}
	table := compile(t, one(checkIn, "{ device: d, action: x }"), devices, "")
	if planned := table.Eval(event(pms.StayCheckedIn)); len(planned) != 0 {
		t.Errorf("got %+v", planned)
	}
	want := "no rule fires\ndoes not fire: r\n  1. x at d: no, subject room:${old_room} is empty: the event has no old_room\n"
	if diff := cmp.Diff(want, render(table.Explain(event(pms.StayCheckedIn)))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
