package rules

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestConflicts(t *testing.T) {
	for _, tt := range []struct {
		name string
		a, b string // when and do of two rules
		want string
	}{
		{"the same setting", "when: { event: [stay.extended, stay.updated] }, do: [ { kind: wifi, action: ensure } ]",
			"when: { event: stay.* }, do: [ { device: unifi, action: ensure, params: { devices: 9 } } ]",
			`[1].do[0]: rules "a" and "b" both set stay:${stay} of unifi on stay.extended, stay.updated (ensure): only the later one counts: have their conditions exclude each other, or remove one (warning)`},
		{"opposite settings", "when: { event: stay.updated }, do: [ { kind: wifi, action: ensure } ]",
			"when: { event: stay.updated, vip: V9 }, do: [ { device: tv, action: welcome }, { kind: wifi, action: revoke } ]",
			`[1].do[1]: rules "a" and "b" both set stay:${stay} of unifi on stay.updated (ensure and revoke): only the later one counts: have their conditions exclude each other, or remove one (warning)`},
		{"other events", "when: { event: stay.updated }, do: [ { kind: wifi, action: ensure } ]",
			"when: { event: stay.extended }, do: [ { kind: wifi, action: ensure } ]", ""},
		{"other flag", "when: { event: stay.updated, shared: true }, do: [ { kind: wifi, action: ensure } ]",
			"when: { event: stay.updated, shared: '!true' }, do: [ { kind: wifi, action: ensure } ]", ""},
		{"other value", "when: { event: stay.updated, vip: [V1, V2] }, do: [ { kind: wifi, action: ensure } ]",
			"when: { event: stay.updated, vip: [V3, '!V1'] }, do: [ { kind: wifi, action: ensure } ]", ""},
		{"other beginning", "when: { event: stay.updated, room: 1* }, do: [ { kind: wifi, action: ensure } ]",
			"when: { event: stay.updated, room: 2* }, do: [ { kind: wifi, action: ensure } ]", ""},
		{"beginning of a beginning", "when: { event: stay.updated, room: 1* }, do: [ { kind: wifi, action: ensure } ]",
			"when: { event: stay.updated, room: 12* }, do: [ { kind: wifi, action: ensure } ]",
			`[1].do[0]: rules "a" and "b" both set stay:${stay} of unifi on stay.updated (ensure): only the later one counts: have their conditions exclude each other, or remove one (warning)`},
		{"value and nothing", "when: { event: stay.updated, vip: present }, do: [ { kind: wifi, action: ensure } ]",
			"when: { event: stay.updated, vip: absent }, do: [ { kind: wifi, action: ensure } ]", ""},
		{"other subject", "when: { event: stay.room_moved }, do: [ { device: lobby-encoder, action: cancel_room } ]",
			"when: { event: stay.room_moved }, do: [ { device: lobby-encoder, action: cancel_room, params: { room: '${old_room}' } } ]", ""},
		{"jobs add up", "when: { event: guest.message }, do: [ { device: tv, action: message } ]",
			"when: { event: guest.message }, do: [ { device: tv, action: message } ]", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			list, err := Parse([]byte("rules:\n- { name: a, " + tt.a + " }\n- { name: b, " + tt.b + " }\n"))
			if err != nil {
				t.Fatal(err)
			}
			table, problems := Compile(list, hotel(), "")
			if diff := cmp.Diff(tt.want, lines(problems)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if len(table.rules) != 2 {
				t.Error("a warning must not cost a rule")
			}
		})
	}
}
