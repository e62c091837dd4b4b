package mews

import (
	"fmt"
	"testing"

	"edgeagent/hwsim/mewssim"
	"edgeagent/pms"
)

func TestMergedProfiles(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	old, survivor := r.guest("Old"), r.guest("Survivor")
	stay := r.book(mewssim.Booking{Owner: old, Room: r.hotel.room["101"]})
	must(r.sim.AddCompanion(stay, survivor))(t)
	check(t, r.sim.CheckIn(stay))
	r.run().live()
	r.waitIn("101", "Old Survivor")
	check(t, r.sim.MergeCustomer(old, survivor, false))
	r.sim.Touch(stay)
	r.waitIn("101", "Survivor")
	// A survivor that Mews does not give is asked for once, and the old profile does.
	check(t, r.sim.EditCustomer(old, func(c *mewssim.Customer) { c.MergedInto = "00000000-0000-0000-0000-00000000beef" }))
	asked := r.calls("customers/getAll")
	r.sim.Touch(stay)
	r.wait("old profile", func() bool { return r.in("101") == "Old Survivor" || r.in("101") == "Survivor Old" })
	if n := r.calls("customers/getAll") - asked; n > 2 {
		t.Errorf("asked %d times", n)
	}
}

func TestPaymastersAndOwnersAmongCompanions(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.sim.Change(func(f *mewssim.Faults) { f.Shape.OwnerIsCompanion, f.Shape.Absent, f.Shape.Extra = true, true, true })
	r.run().live()
	r.arrive("Owner", "101")
	r.waitIn("101", "Owner")
	pays := r.sim.AddCustomer(mewssim.Customer{LastName: "Agency", Classifications: []string{"PaymasterAccount", "New"}})
	stay := r.book(mewssim.Booking{Owner: pays, Room: r.hotel.room["102"]})
	must(r.sim.AddCompanion(stay, r.guest("Sleeper")))(t)
	check(t, r.sim.CheckIn(stay))
	r.waitIn("102", "Sleeper")
}

func TestLanguagesAndStanding(t *testing.T) {
	t.Parallel()
	r := newRig(t).run().live()
	for i, tt := range []struct {
		c             mewssim.Customer
		language, vip string
	}{
		{mewssim.Customer{PreferredLanguage: "fr-FR", Language: "de-DE"}, "fr-FR", ""},
		{mewssim.Customer{Language: "de-DE", Classifications: []string{"Important", "VeryImportant"}}, "de-DE", "VeryImportant"},
		{mewssim.Customer{Classifications: []string{"Staff"}}, "en-GB", ""},
	} {
		tt.c.LastName, tt.c.SecondLastName = fmt.Sprint("Guest", i), "y Mas"
		stay := r.book(mewssim.Booking{Owner: r.sim.AddCustomer(tt.c), Room: r.hotel.room[fmt.Sprint(101+i)]})
		check(t, r.sim.CheckIn(stay))
		n := r.await("guest", func(n pms.Notice) bool { return n.Reservation == stay && value(n, pms.FieldStatus) == "Started" })
		if value(n, pms.FieldLanguage) != tt.language || value(n, pms.FieldVIP) != tt.vip || value(n, pms.FieldLastName) != tt.c.LastName+" y Mas" {
			t.Errorf("notice %+v", n.Fields)
		}
	}
}
