package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"edgeagent/drivers"
	"edgeagent/pms"
)

// one is a rule list of one rule.
func one(when, step string) string {
	return "rules:\n  - name: r\n    when: " + when + "\n    do: [" + step + "]\n"
}

const (
	checkIn = "{ event: stay.checked_in }"
	tv      = "{ device: tv, action: welcome }"
)

func encode(params string) string {
	return "{ device: lobby-encoder, action: encode, params: { " + params + " } }"
}

func TestProblems(t *testing.T) {
	fields := strings.Join(fieldNames(), ", ")
	kinds := strings.Join(eventKinds(), ", ")
	for _, tt := range []struct {
		name, source string
		want         string // problems, one a line; a warning ends in " (warning)"
	}{
		{"fine", one(checkIn, tv), ""},

		{"no name", "rules: [ { when: { event: stay.checked_in }, do: [ " + tv + " ] } ]",
			`[0]: name is missing: commands are named after their rule`},
		{"a name of signs", "rules: [ { name: \"--\", when: { event: stay.checked_in }, do: [ " + tv + " ] } ]",
			`[0].name: name "--" has no letter or digit: write what the rule does, such as cut a key at check-in`},
		{"a long name", "rules: [ { name: " + strings.Repeat("x", 101) + ", when: { event: stay.checked_in }, do: [ " + tv + " ] } ]",
			`[0].name: name is too long: 101 bytes, and at most 100 are possible: shorten it`},
		{"the same name", "rules: [ { name: a, when: { event: stay.extended }, do: [ " + tv + " ] }, { name: a, when: { event: stay.checked_in }, do: [ " + tv + " ] } ]",
			`[1].name: another rule has the name "a" too: give each its own`},
		{"nearly the same name", "rules: [ { name: a b, when: { event: stay.extended }, do: [ " + tv + " ] }, { name: A-B, when: { event: stay.checked_in }, do: [ " + tv + " ] } ]",
			`[1].name: name "A-B" differs too little from "a b" of another rule: give each its own`},

		{"no event", one("{ room: 101 }", tv),
			`[0].when: event is missing: say which events the rule is for, such as event: stay.checked_in`},
		{"no conditions", "rules: [ { name: a, do: [ " + tv + " ] } ]",
			`[0].when: event is missing: say which events the rule is for, such as event: stay.checked_in`},
		{"unknown event", one("{ event: stay.checkedin }", tv),
			`[0].when.event: unknown event "stay.checkedin": did you mean "stay.checked_in"?`},
		{"strange event", one("{ event: wakeup_call }", tv),
			`[0].when.event: unknown event "wakeup_call": there are ` + kinds},
		{"events of no name", one("{ event: stays.* }", tv),
			`[0].when.event: no event begins with "stays.": there are ` + kinds},
		{"one of the events is unknown", one("{ event: [stay.checked_in, stay.extnded] }", tv),
			`[0].when.event[1]: unknown event "stay.extnded": did you mean "stay.extended"?`},
		{"unknown field", one("{ event: stay.checked_in, room_typ: suite }", tv),
			`[0].when.room_typ: unknown field "room_typ": did you mean "room_type"?`},
		{"strange field", one("{ event: stay.checked_in, rate_plan: suite }", tv),
			`[0].when.rate_plan: unknown field "rate_plan": use one of ` + fields},

		{"unknown room type", one("{ event: stay.checked_in, room_type: swite }", tv),
			`[0].when.room_type: unknown room type "swite": the property file lists suite, deluxe`},
		{"unknown room type, negated, in a list", one("{ event: stay.checked_in, room_type: [suite, \"!delux\"] }", tv),
			`[0].when.room_type[1]: unknown room type "delux": the property file lists suite, deluxe`},
		{"room types of no name", one("{ event: stay.checked_in, room_type: sw* }", tv),
			`[0].when.room_type: no room type begins with "sw": the property file lists suite, deluxe`},
		{"a word for a flag", one("{ event: stay.checked_in, shared: yes }", tv),
			`[0].when.shared: shared is true or false, not "yes"`},
		{"no value", one("{ event: stay.checked_in, vip: }", tv),
			`[0].when.vip: no value: write what vip must be, or present, or absent`},
		{"an empty value", one("{ event: stay.checked_in, vip: '' }", tv),
			`[0].when.vip: no value: write what vip must be, or present, or absent`},
		{"an empty list", one("{ event: stay.checked_in, vip: [] }", tv),
			`[0].when.vip: no value: write what vip must be, or present, or absent`},
		{"an empty text in a list", one("{ event: stay.checked_in, vip: ['', V1] }", tv),
			`[0].when.vip[0]: an empty text: write absent, without a list, for no value`},
		{"a star alone", one("{ event: stay.checked_in, vip: '*' }", tv),
			`[0].when.vip: a * alone says nothing: write present for any value`},
		{"a star inside", one("{ event: stay.checked_in, vip: 'V*1' }", tv),
			`[0].when.vip: "V*1": a * stands only at the end`},
		{"not not", one("{ event: stay.checked_in, vip: '!!V1' }", tv),
			`[0].when.vip: "!!V1": one ! is enough`},
		{"not present", one("{ event: stay.checked_in, vip: '!present' }", tv),
			`[0].when.vip: "!present": write present or absent without !`},
		{"too many values", one("{ event: stay.checked_in, vip: ["+strings.Repeat("a,", 501)+"] }", tv),
			`[0].when.vip: too many values: 501, and at most 500 are possible`},

		{"equal and not the same", one("{ event: stay.checked_in, room_type: [suite, \"!suite\"] }", tv),
			`[0].when.room_type: can never hold: nothing is suite, but not suite: leave one of them out`},
		{"neither true nor false", one("{ event: stay.checked_in, shared: ['!true', '!false'] }", tv),
			`[0].when.shared: can never hold: nothing is not true or false: leave one of them out`},
		{"begins so and not so", one("{ event: stay.checked_in, room: ['12*', '!1*'] }", tv),
			`[0].when.room: can never hold: nothing is 12*, but not 1*: leave one of them out`},
		{"a flag absent", one("{ event: stay.checked_in, shared: absent }", tv),
			`[0].when.shared: can never hold: shared always has a value: write true or false, or whatever it must be`},
		{"a field of other events", one("{ event: stay.checked_in, message: present }", tv),
			`[0].when.message: can never hold: only guest.message has message, and this rule is for stay.checked_in: leave one of the two out`},
		{"a room left where nobody moves", one("{ event: [stay.checked_in, stay.extended], old_room: present }", tv),
			`[0].when.old_room: can never hold: only stay.room_moved has old_room, and this rule is for stay.checked_in, stay.extended: leave one of the two out`},
		{"a flag of other events", one("{ event: stay.*, old_room_vacant: true }", tv), ""},
		{"a flag that is never set", one("{ event: stay.checked_out, old_room_vacant: true }", tv),
			`[0].when.old_room_vacant: can never hold: only stay.room_moved has old_room_vacant, and this rule is for stay.checked_out: leave one of the two out`},
		{"a flag that is never set and need not be", one("{ event: stay.checked_out, old_room_vacant: false }", tv), ""},
		{"a field of one of the events", one("{ event: [stay.checked_in, guest.message], message: present }", tv), ""},
		{"a field of other events absent", one("{ event: stay.checked_in, message: absent }", tv), ""},

		{"no steps", "rules: [ { name: a, when: { event: stay.checked_in } } ]",
			`[0]: do is missing: say what to do, and with which device`},
		{"too many steps", one(checkIn, strings.Repeat(tv+",", 21)),
			`[0].do: too many steps: 21, and at most 20 are possible: make several rules of it`},
		{"no device", one(checkIn, "{ action: welcome }"),
			`[0].do[0]: device is missing: name a device with device:, or all of a kind with kind: keycard, iptv or wifi`},
		{"device and kind", one(checkIn, "{ device: tv, kind: iptv, action: welcome }"),
			`[0].do[0]: both device and kind: write one of them`},
		{"unknown device", one(checkIn, "{ device: loby-encoder, action: encode }"),
			`[0].do[0].device: unknown device "loby-encoder": did you mean "lobby-encoder"?`},
		{"strange device", one(checkIn, "{ device: minibar, action: encode }"),
			`[0].do[0].device: unknown device "minibar": this property has lobby-encoder, pool-encoder, tv, unifi`},
		{"unknown kind", one(checkIn, "{ kind: ipvt, action: welcome }"),
			`[0].do[0].kind: unknown kind "ipvt": did you mean "iptv"?`},
		{"strange kind", one(checkIn, "{ kind: minibar, action: welcome }"),
			`[0].do[0].kind: unknown kind "minibar": write keycard, iptv or wifi`},
		{"no action", one(checkIn, "{ device: tv }"),
			`[0].do[0]: action is missing: write welcome, clear or message`},
		{"unknown action", one(checkIn, "{ device: lobby-encoder, action: encod }"),
			`[0].do[0].action: lobby-encoder has no action "encod": did you mean "encode"?`},
		{"action of another kind", one(checkIn, "{ kind: iptv, action: encode }"),
			`[0].do[0].action: kind iptv has no action "encode": it has welcome, clear, message`},
		{"unknown action at the device of the event", one("{ event: key.requested }", `{ device: "${encoder}", action: encoed }`),
			`[0].do[0].action: unknown action "encoed": did you mean "encode"?`},
		{"a card at each encoder", one(checkIn, "{ kind: keycard, action: encode }"),
			`[0].do[0].kind: kind: keycard would encode at each of 2 encoders: name one with device:`},
		{"a setting at each encoder", one(checkIn, "{ kind: keycard, action: cancel_room }"), ""},

		{"unknown parameter", one(checkIn, encode("copis: 2")),
			`[0].do[0].params.copis: encode has no parameter "copis": did you mean "copies"?`},
		{"strange parameter", one(checkIn, encode("colour: red")),
			`[0].do[0].params.colour: encode has no parameter "colour": it takes room, stay, until, from, copies, key, rooms`},
		{"a parameter where there are none", one(checkIn, "{ device: lobby-encoder, action: read, within: 1m, params: { room: 1 } }"),
			`[0].do[0].params.room: read has no parameter "room": it takes none`},
		{"a parameter whose name is no path", one(checkIn, encode(`"a.b": 1`)),
			`[0].do[0].params: encode has no parameter "a.b": it takes room, stay, until, from, copies, key, rooms`},
		{"no number", one(checkIn, encode("copies: two")),
			`[0].do[0].params.copies: copies is a whole number, not "two"`},
		{"no flag", one("{ event: guest.message }", "{ device: tv, action: message, params: { urgent: yes } }"),
			`[0].do[0].params.urgent: urgent is true or false, not "yes"`},
		{"no time", one(checkIn, encode("until: noon")),
			`[0].do[0].params.until: until is a time such as 2026-03-01T12:00:00+01:00, not "noon"`},
		{"no guests", one(checkIn, "{ device: tv, action: welcome, params: { guests: Lovelace } }"),
			`[0].do[0].params.guests: guests is a list of guests such as ${guests}`},
		{"a field of another type", one(checkIn, encode(`copies: "${departure}"`)),
			`[0].do[0].params.copies: copies is a whole number, but ${departure} is a time such as 2026-03-01T12:00:00+01:00`},
		{"a text for a time", one(checkIn, encode(`until: "${room}"`)),
			`[0].do[0].params.until: until is a time such as 2026-03-01T12:00:00+01:00, but ${room} is text`},
		{"none of the values", one(checkIn, encode("key: copy")),
			`[0].do[0].params.key: key is new, duplicate, one_shot or auto, not "copy"`},
		{"nearly one of the values", one(checkIn, encode("key: dupplicate")),
			`[0].do[0].params.key: key is new, duplicate, one_shot or auto, not "dupplicate": did you mean "duplicate"?`},
		{"a needed parameter is missing", one(checkIn, "{ device: lobby-encoder, action: label }"),
			`[0].do[0]: label needs text: write it under params`},
		{"a needed parameter is empty", one(checkIn, encode("room: ''")),
			`[0].do[0].params.room: room must not be empty: write a value, or leave it out for the default`},

		{"unknown field in a value", one(checkIn, encode(`room: "${rom}"`)),
			`[0].do[0].params.room: unknown field ${rom}: did you mean ${room}?`},
		{"strange field in a value", one(checkIn, encode(`room: "${rate_plan}"`)),
			`[0].do[0].params.room: unknown field ${rate_plan}: use one of ` + fields},
		{"a field of other events in a value", one(checkIn, encode(`rooms: "${message}"`)),
			`[0].do[0].params.rooms: ${message} is always empty here: only guest.message has it: use another field, or leave it out`},
		{"an open brace", one(checkIn, encode(`room: "${room"`)),
			`[0].do[0].params.room: "${room" lacks the closing brace of ${…}`},
		{"empty braces", one(checkIn, encode(`room: "${}"`)),
			`[0].do[0].params.room: "${}" names no field: write a field between the braces, as in ${room}`},
		{"a lone dollar", one(checkIn, encode(`room: "$room"`)),
			`[0].do[0].params.room: a lone $: write ${field} for a field, or $$ for a dollar sign`},
		{"a device of no field", one(checkIn, `{ device: "${encodr}", action: encode }`),
			`[0].do[0].device: unknown field ${encodr}: did you mean ${encoder}?`},
		{"a device of an open brace", one(checkIn, `{ device: "${encoder", action: encode }`),
			`[0].do[0].device: "${encoder" lacks the closing brace of ${…}`},

		{"a job without an end", one(checkIn, "{ device: lobby-encoder, action: read }"),
			`[0].do[0]: read is a job without an end: add within, such as within: 10m`},
		{"a job with an end of the rule's", one(checkIn, "{ device: lobby-encoder, action: read, within: 1m }"), ""},
		{"after the end", one(checkIn, "{ device: lobby-encoder, action: encode, after: 1h30m, within: 1h }"),
			`[0].do[0].after: after 1h30m begins when within 1h has ended: the step would never be carried out: shorten after, or raise within`},
		{"after the end of the action's own", one(checkIn, "{ device: lobby-encoder, action: encode, after: 30m }"),
			`[0].do[0].after: after 30m begins when within 10m has ended: the step would never be carried out: shorten after, or raise within`},
		{"before the event", one(checkIn, "{ device: tv, action: welcome, after: -5m }"),
			`[0].do[0].after: after -5m: a step cannot come before its event`},
		{"less than no time", one(checkIn, "{ device: tv, action: welcome, within: -5s }"),
			`[0].do[0].within: within -5s: write a time from the event on, such as 10m`},
		{"several at once", one("{ event: stay.checked_in, shared: maybe, vipp: 1 }", encode("copies: two, key: copy")),
			`[0].when.shared: shared is true or false, not "maybe"
[0].when.vipp: unknown field "vipp": did you mean "vip"?
[0].do[0].params.copies: copies is a whole number, not "two"
[0].do[0].params.key: key is new, duplicate, one_shot or auto, not "copy"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			list, err := Parse([]byte(tt.source))
			if err != nil {
				t.Fatal(err)
			}
			devices := append(hotel()[:1:1], Device{"pool-encoder", "keycard", keycardActions()})
			devices = append(devices, hotel()[1:]...)
			table, problems := Compile(list, devices, "", Options{RoomTypes: []string{"suite", "deluxe"}})
			if diff := cmp.Diff(tt.want, lines(problems)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if tt.want != "" && len(table.rules) == len(list) {
				t.Error("the table holds a rule that has problems")
			}
		})
	}
}

func lines(problems []Problem) string {
	var out []string
	for _, p := range problems {
		s := p.String()
		if p.Warning {
			s += " (warning)"
		}
		out = append(out, s)
	}
	return strings.Join(out, "\n")
}

func TestFaultsOfActionsAndDesk(t *testing.T) {
	list := []Rule{{
		Name: "a", When: map[string]Match{"event": {Values: []string{"stay.checked_in"}}},
		Do: []Step{{Device: "desk", Action: "x", Within: time.Minute}},
	}}
	device := func(subject, def string) []Device {
		return []Device{{"d", "keycard", []drivers.Action{{Name: "x", Subject: subject, Params: []drivers.Param{{Name: "p", Default: def}}}}}}
	}
	for _, tt := range []struct {
		name    string
		devices []Device
		desk    string
		want    string
	}{
		{"fine", device("p:${p}", "${room}"), "d", ""},
		{"desk unknown", hotel(), "d", `[0].do[0].device: desk stands for "d", which is no device of this property`},
		{"subject of no field", device("${q}", ""), "d", `[0].do[0].action: subject of x: unknown field ${q}`},
		{"subject of an open brace", device("${q", ""), "d", `[0].do[0].action: subject of x: "${q" lacks the closing brace of ${…}`},
		{"default of an open brace", device("", "${q"), "d", `[0].do[0].action: default of p: "${q" lacks the closing brace of ${…}`},
		{"default of no field", device("", "${q}"), "d", `[0].do[0].action: default of p: unknown field ${q}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, problems := Compile(list, tt.devices, tt.desk)
			if diff := cmp.Diff(tt.want, lines(problems)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestTooManyRules(t *testing.T) {
	var list []Rule
	for i := range MaxRules + 1 {
		list = append(list, Rule{
			Name: fmt.Sprint("r", i), When: map[string]Match{"event": {Values: []string{"guest.message"}}},
			Do: []Step{{Device: "tv", Action: "message"}},
		})
	}
	table, problems := Compile(list, hotel(), "")
	if want := "[500]: too many rules: 501, and at most 500 are possible"; lines(problems) != want {
		t.Errorf("got %q", lines(problems))
	}
	if len(table.rules) != MaxRules {
		t.Errorf("%d rules", len(table.rules))
	}
}

// A slip in one rule leaves the others at work.
func TestOtherRulesStillFire(t *testing.T) {
	list, err := Parse([]byte("rules:\n- { name: a, when: { event: stay.chekced_in }, do: [ " + tv + " ] }\n- { name: b, when: " + checkIn + ", do: [ " + tv + " ] }\n"))
	if err != nil {
		t.Fatal(err)
	}
	table, problems := Compile(list, hotel(), "")
	if len(problems) != 1 || len(table.Eval(event(pms.StayCheckedIn))) != 1 {
		t.Errorf("%d problems: %s", len(problems), lines(problems))
	}
}
