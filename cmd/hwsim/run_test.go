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
