package keycard

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func captured(commands ...string) func(*Config) {
	return func(c *Config) { c.VingCard.Commands = commands }
}

func TestVingCardPlan(t *testing.T) {
	now := time.Date(2026, 7, 15, 12, 0, 40, 0, time.UTC) // 14:00:40 in Berlin
	until := "2026-07-17T11:00:00+02:00"
	with := func(more ...string) map[string]string {
		params := map[string]string{"room": "101", "until": until}
		for i := 0; i < len(more); i += 2 {
			params[more[i]] = more[i+1]
		}
		return params
	}
	const in, out = "D202607151400", "O202607171100"
	checkPlans(t, "vingcard", now, []planned{
		{name: "new key", params: with(), want: []string{"0100I|R101|TSingle Room|UGuest|" + in + "|" + out + "|C1"}, note: "1 card for room 101, valid until 2026-07-17 11:00"},
		{name: "three", params: with("copies", "3"), want: []string{"0100I|R101|TSingle Room|UGuest|" + in + "|" + out + "|C1", "0100H|R101|C1", "0100H|R101|C1"},
			note: "3 cards for room 101, valid until 2026-07-17 11:00"},
		{name: "copies", params: with("copies", "2", "key", "duplicate"), want: []string{"0100H|R101|C1", "0100H|R101|C1"},
			note: "2 cards for room 101, valid as long as the guest's others"},
		{name: "further rooms, tracks, serial", params: with("rooms", "102, 103", "track1", "Zoë", "track2", "7"), change: func(c *Config) { c.WantUID = true },
			want: []string{"0100I|R101|LSuite 102,103|TSingle Room|UGuest|" + in + "|" + out + "|C1|1Zoe|27|S"}},
		{name: "another encoder, no group", params: with("encoder", "12"), change: func(c *Config) { c.VingCard.UserGroup = "" },
			want: []string{"1200I|R101|TSingle Room|" + in + "|" + out + "|C1"}},
		{name: "starts later today", params: with("from", "2026-07-15T16:00:30+02:00"), want: []string{"0100I|R101|TSingle Room|UGuest|D202607151600|" + out + "|C1"}},
		{name: "started already", params: with("from", "2026-07-15T09:00:00+02:00"), want: []string{"0100I|R101|TSingle Room|UGuest|" + in + "|" + out + "|C1"}},
		{name: "starts tomorrow, captured", params: with("from", "2026-07-16T14:00:00+02:00"), change: captured("G"),
			want: []string{"0100G|R101|TSingle Room|UGuest|D202607161400|" + out + "|C1"}},
		{name: "beyond the century", params: with("until", "2100-01-01T11:00:00+01:00"), want: []string{"0100I|R101|TSingle Room|UGuest|" + in + "|O210001011100|C1"}},
		{name: "read", action: actionRead, want: []string{"0100E"}},
		{name: "check-out, captured", action: actionCancel, params: with(), change: captured("B"), want: []string{"0100B|R101"}, note: "all guest keys of room 101 have ended"},
		{name: "move, captured", action: actionModify, params: with("old_room", "102"), change: captured("C"), want: []string{"0100C|RSuite 102|TSingle Room|R101|TSingle Room"},
			note: "the guest of room 102 is in room 101 in the lock system"},

		{name: "starts tomorrow", params: with("from", "2026-07-16T00:00:00+02:00"),
			refuse: "the key would start on a later day, and a new key ends those of today's guest: make it on that day, or capture command G at the site and write it under vingcard.commands in the property file"},
		{name: "check-out", action: actionCancel, params: with(),
			refuse: "check-out is not set up for this lock system: capture command B at the site, then write it under vingcard.commands in the property file"},
		{name: "move", action: actionModify, params: with("old_room", "102"), change: captured("B", "G"),
			refuse: "moving a guest is not set up for this lock system: capture command C at the site, then write it under vingcard.commands in the property file"},
		{name: "longer stay", action: actionModify, params: with(), change: captured("C"),
			refuse: "a lock system of VingCard has no way to change the end of a stay: cut the card anew"},
		{name: "one-shot", params: with("key", "one_shot"), refuse: "a lock system of VingCard has no one-shot key: make a new one or a duplicate"},
		{name: "authorisations", params: with("grants", "3"),
			refuse: "a lock system of VingCard has no authorisations: leave grants out; user_type and user_group in the property file say what a card opens"},
		{name: "authorisation code", params: with("auth_code", "3"), refuse: "a lock system of VingCard has no authorisation code: leave auth_code out"},
		{name: "copy for other rooms", params: with("key", "duplicate", "rooms", "103"), refuse: "a copy opens what the guest's other cards open: leave rooms out"},
		{name: "comma in a room", params: with("rooms", "a"), change: func(c *Config) { c.Rooms["a"] = "a,b" }, refuse: `room "a,b" has a comma in its name: it cannot be a further room`},
		{name: "track 3", params: with("track3", "3"), refuse: "the encoders have no track 3: leave it out, or write it under tracks in the property file if they do"},
		{name: "long track 2", params: with("track2", strings.Repeat("7", 38)), refuse: "track2 is longer than the 37 characters that a card takes"},
		{name: "phone", action: actionMobile, params: with("phone", "+41791234567"),
			refuse: "a lock system of VingCard has no action mobile_key: it has encode, cancel_room, read and modify_stay"},
		{name: "encoder 100", params: with("encoder", "100"), refuse: `encoder "100" cannot be addressed: write its address, 1 to 99`},
		{name: "encoder 0 is us", params: with("encoder", "00"), refuse: `encoder "00" cannot be addressed: write its address, 1 to 99`},
	})
}

func TestVingCardAnswers(t *testing.T) {
	zone := testSite().Zone
	for _, tc := range []struct {
		command, fields string
		ok              bool
		code, uid       string
	}{
		{vingNew, "00010", true, "", ""},
		{vingNew, "00010|S04a2b3c4", true, "", "04A2B3C4"},
		{vingNew, "00018", true, "8", ""},
		{vingNew, "0001O", true, "O", ""},
		{vingNew, "0001Z", true, "Z", ""},
		{vingNew, "00020", false, "", ""},      // of another encoder
		{vingNew, "01000", false, "", ""},      // to the encoder
		{vingNew, "0100I|R101", false, "", ""}, // our own
		{vingNew, "00010|R101", false, "", ""}, // what reading answers
		{vingNew, "0001", false, "", ""},
		{vingNew, "0001 ", false, "", ""},
		{vingNew, "000100", false, "", ""},
		{vingNew, "00010|", false, "", ""},
		{vingRead, "00010", false, "", ""}, // what a new key answers
		{vingRead, "00011", true, "1", ""},
		{vingRead, "00010|R101|D20260715", false, "", ""},
	} {
		st := step{command: tc.command, encoder: "01", answer: vingcard.answer}
		r, ok := st.read(strings.Split(tc.fields, "|"), zone)
		if ok != tc.ok || ok && (r.code != tc.code || r.uid != tc.uid) {
			t.Errorf("%s answered %s: got %+v, %t", tc.command, tc.fields, r, ok)
		}
	}
	st := step{command: vingRead, encoder: "01", answer: vingcard.answer}
	r, ok := st.read(strings.Split("00010|R101|L102,103|TSingle Room|FZoe|NDoe|UGuest|D202607151400|O202607171100|S04A2", "|"), zone)
	if !ok {
		t.Fatal("not read")
	}
	want := map[string]string{"card_kind": "guest", "rooms": "101,102,103", "from": "2026-07-15T14:00:00+02:00", "until": "2026-07-17T11:00:00+02:00", "uid": "04A2"}
	if diff := cmp.Diff(want, r.card.values(zone)); diff != "" {
		t.Error(diff)
	}
}
