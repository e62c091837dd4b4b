package rules

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"edgeagent/pms"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestExplain(t *testing.T) {
	for _, tt := range []struct {
		name    string
		source  string
		devices []Device
		desk    string
		event   *pms.Event
	}{
		{"check-in", string(Default()), hotel(), "lobby-encoder", event(pms.StayCheckedIn)},
		{"check-in-without-departure", string(Default()), hotel(), "lobby-encoder", event(pms.StayCheckedIn, func(e *pms.Event) {
			e.Stay = pms.Stay{Key: e.Stay.Key}
		})},
		{"check-in-replayed-wifi-only", string(Default()), hotel()[2:], "", event(pms.StayCheckedIn, func(e *pms.Event) { e.Fresh = false })},
		{"check-out", string(Default()), hotel(), "lobby-encoder", event(pms.StayCheckedOut, func(e *pms.Event) { e.RoomVacant = true })},
		{"key-at-unknown-encoder", string(Default()), hotel(), "", event(pms.KeyRequested, func(e *pms.Event) {
			e.Extra = map[string]string{"encoder": "7", "key": "new"}
		})},
		{"own-rules", `
rules:
  - name: suites
    when: { event: [room.occupied, key.requested], room_type: [suite, loft*], vip: present, language: ["!de", "!fr*"] }
    do:
      - { device: tv, action: welcome, params: { vip: "" }, after: 90s, within: 1h }
      - { device: "${encoder}", action: encode, params: { copies: "${copies}" } }
  - name: french suites
    when: { event: [room.occupied, key.requested], room_type: [suite, "!loft"], language: fr }
    do: [ { device: tv, action: clear } ]
  - name: strange names
    when: { event: room.*, group: "!WED" }
    do: [ { device: tv, action: clear, params: { stay: "${group}" } } ]
  - name: nobody
    when: { event: room.occupied, vip: absent }
    do: [ { device: tv, action: clear } ]
`, hotel(), "", event(pms.RoomOccupied, func(e *pms.Event) { e.Stay.Group = "A\n2. encode at lobby\x1b[2J" })},
	} {
		t.Run(tt.name, func(t *testing.T) {
			list, err := Parse([]byte(tt.source))
			if err != nil {
				t.Fatal(err)
			}
			table, problems := Compile(list, tt.devices, tt.desk)
			for _, p := range problems {
				if !p.Warning {
					t.Error(p)
				}
			}
			got := render(table.Explain(tt.event))
			file := filepath.Join("testdata", "explain", tt.name+".golden")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// render writes verdicts down: first the rules that fire, with the values of
// their commands, then the others, each with its reason.
func render(verdicts []Verdict) string {
	var b strings.Builder
	count := 0
	for _, v := range verdicts {
		if !v.Fires {
			continue
		}
		count++
		fmt.Fprintf(&b, "fires: %s\n", v.Rule)
		for _, s := range v.Steps {
			renderStep(&b, &s)
		}
	}
	if count == 0 {
		b.WriteString("no rule fires\n")
	}
	for _, v := range verdicts {
		switch {
		case v.Fires:
		case v.Field != "":
			fmt.Fprintf(&b, "does not fire: %s: %s is %s, wanted: %s\n", v.Rule, v.Field, orEmpty(v.Actual), v.Wanted)
		default:
			fmt.Fprintf(&b, "does not fire: %s\n", v.Rule)
			for _, s := range v.Steps {
				renderStep(&b, &s)
			}
		}
	}
	return b.String()
}

func renderStep(b *strings.Builder, s *StepVerdict) {
	fmt.Fprintf(b, "  %d. %s at %s", s.Number, s.Action, s.Target)
	if s.Planned == nil {
		fmt.Fprintf(b, ": no, %s\n", s.Why)
		return
	}
	if s.Planned.Command.Subject != "" {
		fmt.Fprintf(b, " for %s", printable(s.Planned.Command.Subject))
	}
	if s.Planned.After > 0 {
		fmt.Fprintf(b, ", after %s", span(s.Planned.After))
	}
	if s.Planned.Within > 0 {
		fmt.Fprintf(b, ", within %s", span(s.Planned.Within))
	}
	b.WriteByte('\n')
	width := 0
	for name := range s.Planned.Command.Params {
		width = max(width, len(name))
	}
	for _, name := range paramNames(s.Planned.Command.Params) {
		fmt.Fprintf(b, "       %-*s  %s\n", width, name, printable(s.Planned.Command.Params[name]))
	}
}

func orEmpty(value string) string {
	if value == "" {
		return "empty"
	}
	return printable(value)
}

// printable quotes a value of the PMS that could disturb a terminal or look
// like another line.
func printable(value string) string {
	quoted := fmt.Sprintf("%q", value)
	if plain := quoted[1 : len(quoted)-1]; strings.TrimSpace(value) == value && strings.ReplaceAll(plain, `\"`, `"`) == value {
		return value
	}
	return quoted
}
