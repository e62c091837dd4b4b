package rules

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"edgeagent/pms"
)

func anyEvent(t *rapid.T) *pms.Event {
	word := rapid.SampledFrom([]string{"", "V1", "suite", "101", "0102", "two", "${room}", "lobby-encoder", "tv"})
	flag := rapid.Bool()
	return &pms.Event{
		ID: "s:1:2#1", Kind: pms.EventKind(rapid.SampledFrom(append(eventKinds(), "other")).Draw(t, "kind")),
		Source: "s", Fresh: flag.Draw(t, "fresh"), Room: word.Draw(t, "room"), OldRoom: word.Draw(t, "old room"),
		RoomVacant: flag.Draw(t, "vacant"), OldRoomVacant: flag.Draw(t, "old vacant"),
		Stay: pms.Stay{
			Key: word.Draw(t, "stay"), RoomType: word.Draw(t, "type"), VIP: word.Draw(t, "vip"), DND: flag.Draw(t, "dnd"),
			Departure: rapid.SampledFrom([]time.Time{{}, time.Unix(1772622000, 0).UTC()}).Draw(t, "departure"),
		},
		Shared: flag.Draw(t, "shared"), Assumed: flag.Draw(t, "assumed"),
		Extra: map[string]string{"message": word.Draw(t, "message"), "copies": word.Draw(t, "copies"), "encoder": word.Draw(t, "encoder")},
	}
}

func anyRules(t *rapid.T) []Rule {
	value := rapid.SampledFrom([]string{"suite", "1*", "!1*", "!V1", "present", "absent", "true", "false", "V1", "!true"})
	field := rapid.SampledFrom([]string{"room", "vip", "room_type", "fresh", "shared", "encoder", "message"})
	step := rapid.SampledFrom([]Step{
		{Kind: "iptv", Action: "welcome"}, {Device: "tv", Action: "clear", Params: Params{"room": "${old_room}"}},
		{Kind: "wifi", Action: "ensure", After: time.Minute}, {Kind: "wifi", Action: "revoke"},
		{Device: "desk", Action: "encode"}, {Device: "${encoder}", Action: "encode", Params: Params{"copies": "${copies}"}},
		{Device: "lobby-encoder", Action: "cancel_room"}, {Device: "tv", Action: "message", Params: Params{"body": "${message} ${vip}"}},
	})
	var list []Rule
	for range rapid.IntRange(1, 6).Draw(t, "rules") {
		when := map[string]Match{"event": {Values: []string{rapid.SampledFrom([]string{"present", "stay.*", "!stay.*", "key.requested", "stay.checked_in", "guest.message"}).Draw(t, "event")}}}
		for range rapid.IntRange(0, 2).Draw(t, "conditions") {
			when[field.Draw(t, "field")] = Match{Values: rapid.SliceOfN(value, 1, 1).Draw(t, "value"), List: false}
		}
		list = append(list, Rule{
			Name: rapid.StringMatching(`[a-z]{6}`).Draw(t, "name"), When: when,
			Do: rapid.SliceOfN(step, 1, 3).Draw(t, "steps"),
		})
	}
	return list
}

// What Explain says fires is what Eval yields, command by command, and neither
// leaves a trace in the event or in the table.
func TestExplainIsEval(t *testing.T) {
	fired := 0
	rapid.Check(t, func(t *rapid.T) {
		desk := rapid.SampledFrom([]string{"", "lobby-encoder"}).Draw(t, "desk")
		table, _ := Compile(anyRules(t), hotel(), desk)
		e := anyEvent(t)
		before, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		planned := table.Eval(e)
		fired += len(planned)
		var told []Planned
		for _, v := range table.Explain(e) {
			n := len(told)
			for _, s := range v.Steps {
				if (s.Planned == nil) == (s.Why == "") {
					t.Fatalf("a step has a command or a reason: %+v", s)
				}
				if s.Planned != nil {
					told = append(told, *s.Planned)
				}
			}
			if v.Fires != (len(told) > n) || v.Fires != slices.ContainsFunc(planned, func(p Planned) bool { return p.Rule == v.Rule }) {
				t.Fatalf("rule %s fires %v", v.Rule, v.Fires)
			}
		}
		if diff := cmp.Diff(planned, told); diff != "" {
			t.Fatalf("(-Eval +Explain)\n%s", diff)
		}
		ids := map[string]bool{}
		for _, p := range planned {
			if ids[p.Command.ID] {
				t.Fatalf("id %s twice", p.Command.ID)
			}
			ids[p.Command.ID] = true
			p.Command.Params["room"] = "spoilt" // the result is the caller's
		}
		if after, _ := json.Marshal(e); string(after) != string(before) {
			t.Fatalf("the event changed:\n%s\n%s", before, after)
		}
		if diff := cmp.Diff(told, table.Eval(e)); diff != "" {
			t.Fatalf("the second time differs (-first +second)\n%s", diff)
		}
		render(table.Explain(e))
	})
	if fired == 0 {
		t.Error("no rule ever fired: this test shows nothing")
	}
}

// What possible and meets rule out, no value fulfils.
func TestPossibleAndMeets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cond := func(name string) *condition {
			p := rapid.Custom(func(t *rapid.T) pattern {
				return pattern{text: rapid.StringMatching(`[ab]{1,2}`).Draw(t, "text"), prefix: rapid.Bool().Draw(t, "prefix")}
			})
			c := &condition{field: "room"}
			switch rapid.IntRange(0, 4).Draw(t, name) {
			case 0:
				c.present = true
			case 1:
				c.absent = true
			default:
				c.any, c.none = rapid.SliceOfN(p, 0, 2).Draw(t, "any"), rapid.SliceOfN(p, 0, 2).Draw(t, "none")
			}
			return c
		}
		a, b := cond("a"), cond("b")
		value := rapid.StringMatching(`[ab]{0,3}`).Draw(t, "value")
		if a.holds(value) && !a.possible() {
			t.Fatalf("%q fulfils %s", value, a.wanted())
		}
		if a.holds(value) && b.holds(value) && (!a.meets(b) || !b.meets(a)) {
			t.Fatalf("%q fulfils %s and %s", value, a.wanted(), b.wanted())
		}
	})
}

func TestTemplateRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var source, want string
		for range rapid.IntRange(0, 5).Draw(t, "parts") {
			switch rapid.IntRange(0, 2).Draw(t, "part") {
			case 0:
				text := rapid.StringMatching(`[a-z{} é]{0,4}`).Draw(t, "text")
				source, want = source+text, want+text
			case 1:
				source, want = source+"$$", want+"$"
			case 2:
				source, want = source+"${room}", want+"<room>"
			}
		}
		parsed, err := parseTemplate(source)
		if err != nil {
			t.Fatal(err)
		}
		if got := parsed.expand(func(name string) string { return "<" + name + ">" }); got != want {
			t.Fatalf("%q: got %q, want %q", source, got, want)
		}
	})
}
