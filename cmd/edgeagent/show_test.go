package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"edgeagent/drivers"
	"edgeagent/internal/agent"
	"edgeagent/internal/logring"
	"edgeagent/offsetstore"
	"edgeagent/pms"
)

// a night with everything that status can show.
func troubled(now time.Time) *standing {
	return &standing{Version: "v1", Property: "Hotel Sea View", View: agent.View{
		Started: now.Add(-26 * time.Hour),
		Links: []agent.LinkView{{Name: "inspire", Link: pms.Link{State: pms.LinkLive, Since: now.Add(-2 * time.Hour), LastNotice: now.Add(-90 * time.Second)}},
			{Name: "mews", Link: pms.Link{State: pms.LinkParked, Since: now.Add(-time.Minute)}}},
		Devices: []agent.DeviceView{{Name: "lobby-encoder", Kind: "keycard", State: drivers.State{Condition: drivers.Offline}, Waiting: 1},
			{Name: "tvs", Kind: "iptv", State: drivers.State{Condition: drivers.Online}}},
		Rooms:  []agent.RoomView{{Room: "101", Stays: []string{"aa"}}},
		Events: []agent.EventView{{Stay: "bb", Room: "103", OldRoom: "102"}},
		Open:   []agent.CommandView{{ID: "a/1", Device: "lobby-encoder", Subject: "room:101", State: offsetstore.Pending, Created: now.Add(-5 * time.Second), Tries: 3, Note: "no answer"}},
		Recent: []agent.CommandView{{ID: "b 1/again-5", Device: "lobby-encoder", Subject: "room:102", State: offsetstore.Error, Unknown: true, Settled: now.Add(-3 * time.Hour)},
			{ID: "d/1", Device: "lobby-encoder", Subject: "room:104", State: offsetstore.Error, Retry: true, Settled: now.Add(-4 * time.Hour), Note: "no card"},
			{ID: "c/1", Device: "wifi", Subject: "stay:bb", State: offsetstore.Processed, Settled: now.Add(-72 * time.Hour), Note: "tab\there"}},
		Unknown: []agent.CommandView{{ID: "b 1/again-5", Device: "lobby-encoder", Subject: "room:102", State: offsetstore.Error, Unknown: true, Settled: now.Add(-3 * time.Hour)}},
		Conditions: []agent.Condition{
			{Code: "device-silent", About: "lobby-encoder", Text: "no answer on the line", Do: "check power", Since: now.Add(-4 * time.Minute), Serious: true},
			{Code: "unmapped", Text: "2 names of the PMS are not mapped", Do: "add them to aliases", Since: now}},
	}}
}

func TestStatusInWords(t *testing.T) {
	now := time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)
	var plainly, coloured bytes.Buffer
	writeStatus(&plainly, false, troubled(now), now)
	const want = `Hotel Sea View, edgeagent v1, running for 26h00m

Needs a person (2)
  device-silent    lobby-encoder: no answer on the line, for 4m
                   do: check power
  unmapped         2 names of the PMS are not mapped, for 0s
                   do: add them to aliases
                   edgeagent resolve 'b 1/again-5' done    (or not-done)

  PMS      inspire        live for 2h00m  last event 1m ago
  PMS      mews           parked for 1m
  keycard  lobby-encoder  offline         1 waiting
  iptv     tvs            online

1 room in house; 1 command waits; of the last 3 done, 2 failed
`
	if diff := cmp.Diff(want, plainly.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	writeStatus(&coloured, true, troubled(now), now)
	for _, want := range []string{"\x1b[31mNeeds a person (2)\x1b[0m", "\x1b[31mdevice-silent   \x1b[0m", "\x1b[33munmapped        \x1b[0m", "\x1b[32mlive for 2h00m\x1b[0m", "\x1b[31mparked for 1m \x1b[0m", "\x1b[31moffline       \x1b[0m"} {
		if !strings.Contains(coloured.String(), want) {
			t.Errorf("no %q in %q", want, coloured.String())
		}
	}
	var quiet bytes.Buffer
	writeStatus(&quiet, false, &standing{Property: "H", View: agent.View{Started: now}}, now)
	if !strings.Contains(quiet.String(), "\nNothing needs a person.\n") || !strings.Contains(quiet.String(), "0 rooms in house; no command waits;") {
		t.Error(quiet.String())
	}
}

func TestCommandsInWords(t *testing.T) {
	now := time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		want choice
		text string
	}{
		{choice{}, `Pending    5s     lobby-encoder  room:101  3 tries  a/1
    no answer
Unknown    3h00m  lobby-encoder  room:102           'b 1/again-5'
Error      4h00m  lobby-encoder  room:104           d/1
    no card
    edgeagent retry d/1
Processed  3d     wifi           stay:bb            c/1
    "tab\there"
`},
		{choice{room: "103"}, "Processed  3d  wifi  stay:bb    c/1\n    \"tab\\there\"\n"},
		{choice{room: "102", state: "unknown"}, "Unknown  3h00m  lobby-encoder  room:102    'b 1/again-5'\n"},
		{choice{device: "wifi", state: "open"}, "no such command waits, or has ended lately\n"},
		{choice{state: "error"}, "Unknown  3h00m  lobby-encoder  room:102    'b 1/again-5'\nError    4h00m  lobby-encoder  room:104    d/1\n    no card\n    edgeagent retry d/1\n"},
	} {
		var out bytes.Buffer
		writeCommands(&out, false, c.want.of(troubled(now)), now)
		if diff := cmp.Diff(c.text, out.String()); diff != "" {
			t.Errorf("%+v (-want +got)\n%s", c.want, diff)
		}
	}
}

func TestLogLineInWords(t *testing.T) {
	l := logring.Line{N: 7, At: time.Date(2026, 11, 24, 15, 0, 0, 0, time.Local), Level: "warn", Device: "lobby-encoder", Room: "101", Text: "will be tried again"}
	for _, c := range []struct {
		v    logView
		want string
	}{
		{logView{}, "15:00:00 warn  lobby-encoder 101  will be tried again\n"},
		{logView{paint: true}, "\x1b[2m15:00:00\x1b[0m \x1b[33mwarn \x1b[0m \x1b[1mlobby-encoder 101 \x1b[0m will be tried again\n"},
	} {
		var out bytes.Buffer
		c.v.out = &out
		if err := c.v.write([]logring.Line{l}); err != nil || out.String() != c.want {
			t.Errorf("%q, not %q; %v", out.String(), c.want, err)
		}
	}
}

func TestWordForAShell(t *testing.T) {
	for text, want := range map[string]string{"inspire/1/1#1/cut-a-key/1.wifi": "inspire/1/1#1/cut-a-key/1.wifi", "a b": "'a b'", "it's": `'it'\''s'`, "": "''", "#1": "'#1'", "$(x)": "'$(x)'"} {
		if got := word(text); got != want {
			t.Errorf("word(%q) is %s, not %s", text, got, want)
		}
	}
}

func TestAgo(t *testing.T) {
	for d, want := range map[time.Duration]string{-time.Hour: "0s", 1500 * time.Millisecond: "1s", 61 * time.Second: "1m", 119 * time.Minute: "1h59m", 47 * time.Hour: "47h00m", 49 * time.Hour: "2d"} {
		if got := ago(d); got != want {
			t.Errorf("ago(%s) is %s, not %s", d, got, want)
		}
	}
}

// What takes long is told of, and nothing is left of that on the terminal.
func TestProgress(t *testing.T) {
	var out logBuffer
	w := awaitingOn(&out, "asking wifi", 10*time.Millisecond)
	time.Sleep(50 * time.Millisecond)
	w.over()
	if text := out.String(); !strings.HasPrefix(text, "\rasking wifi … 0s\x1b[K") || !strings.HasSuffix(text, "\r\x1b[K") {
		t.Errorf("%q", text)
	}
	var quick logBuffer
	awaitingOn(&quick, "asking wifi", time.Hour).over()
	if quick.String() != "" {
		t.Errorf("of what was quick: %q", quick.String())
	}
	if w := awaiting("asking wifi"); w != nil {
		t.Error("it shows progress although no terminal is there")
	}
}
