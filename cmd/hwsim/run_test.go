package main

import (
	"bytes"
	"strings"
	"testing"

	"edgeagent/hwsim"
	"edgeagent/hwsim/mewssim"
)

// A person at the keyboard is the annex's desk.
func TestDeskAtTheKeyboard(t *testing.T) {
	h, err := hwsim.Open(hwsim.Options{Dir: t.TempDir(), Rooms: []string{"101"}, Annex: []string{"401", "402"}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	var out bytes.Buffer
	d := &desk{hotel: h, out: &out}
	d.listen(strings.NewReader(`
dance
key 401
in 101 Silva
in 401
in 401 da Silva
in 401 Costa
name 401 Souza
move 401 402
cancel
out 401
out 402
`))
	want := `not done: "dance" is nothing that a desk does; write in, key, move, name, cancel or out
not done: nobody is in "401"; the annex has 401, 402
not done: the annex has no room "101"; it has 401, 402
not done: write in ROOM NAME
checked in to 401
not done: somebody is in 401
corrected
moved to 402
not done: no key was asked for
not done: nobody is in "401"; the annex has 401, 402
checked out of 402
`
	if out.String() != want {
		t.Errorf("the desk says\n%swant\n%s", out.String(), want)
	}
	if r := h.Annex.Reservations(); len(r) != 1 || r[0].State != mewssim.CheckedOut {
		t.Errorf("Mews has %+v", r)
	}
}

func TestRoomList(t *testing.T) {
	for text, want := range map[string]string{
		"":                "",
		"101-103,201":     "101 102 103 201",
		"101, Suite-A":    "101 Suite-A",
		"0098-0101":       "0098 0099 0100 0101",
		"103-101":         `"103-101" is no range of rooms: write one such as 101-110`,
		"9-10":            `"9-10" is no range of rooms: write one such as 101-110`,
		"1000-3000":       `"1000-3000" is no range of rooms: write one such as 101-110`,
		"101-A":           `"101-A" is no range of rooms: write one such as 101-110`,
		"101-103,102,101": "room 102 is named twice",
	} {
		rooms, err := roomList(text)
		got := strings.Join(rooms, " ")
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
