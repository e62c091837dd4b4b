package mews

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"
)

// party is who stays under a reservation, main guest first.
type party struct {
	guests []customerRow
	// updated is when any of them last changed.
	updated time.Time
}

// readParties reads the guests of reservations: companions with their profiles,
// and owners who are not among them. For up to 1,000 reservations that is one
// request for each of the two.
func (s *Source) readParties(ctx context.Context, of []reservationRow) (map[string]party, error) {
	people := map[string]customerRow{}
	companions := map[string][]string{} // reservation -> customers
	ids := make([]string, len(of))
	for i := range of {
		ids[i] = of[i].ID
	}
	extent := fields{"Extent": fields{"Customers": true, "Reservations": false, "ReservationGroups": false}}
	err := listByIDs(ctx, s.api, reading, "companionships/getAll", "ReservationIds", ids, extent, false, func(p *struct {
		Companionships rows[companionshipRow]
		Customers      rows[customerRow]
		Cursor         string
	}) (int, string) {
		for _, c := range p.Companionships.good {
			if c.ReservationID != "" {
				companions[id(c.ReservationID)] = append(companions[id(c.ReservationID)], id(c.CustomerID))
			}
		}
		for _, c := range p.Customers.good {
			people[id(c.ID)] = c
		}
		return p.Companionships.len(), p.Cursor
	})
	if err != nil && !forbidden(err) { // without companions, owners are known all the same
		return nil, err
	}
	missing := map[string]bool{}
	want := func(customer string) {
		if _, known := people[customer]; !known && customer != "" {
			missing[customer] = true
		}
	}
	for i := range of {
		if of[i].AccountType != "Company" {
			want(id(of[i].AccountID))
		}
		for _, c := range companions[id(of[i].ID)] {
			want(c)
		}
	}
	// A profile that was merged names the one it went into; that can have been
	// merged as well, but nobody does so for ever.
	for range 4 {
		err := s.readCustomers(ctx, slices.Sorted(maps.Keys(missing)), people)
		if forbidden(err) {
			break // keys and WiFi need no names
		}
		if err != nil {
			return nil, err
		}
		clear(missing)
		for _, c := range people {
			if c.merged() {
				want(id(c.MergeTargetID))
			}
		}
		if len(missing) == 0 {
			break
		}
	}
	parties := make(map[string]party, len(of))
	for i := range of {
		parties[id(of[i].ID)] = gather(&of[i], companions[id(of[i].ID)], people)
	}
	return parties, nil
}

// readCustomers adds the profiles with the given ids.
func (s *Source) readCustomers(ctx context.Context, ids []string, to map[string]customerRow) error {
	extent := fields{"Extent": fields{"Customers": true, "Addresses": false}}
	return listByIDs(ctx, s.api, reading, "customers/getAll", "CustomerIds", ids, extent, true, func(p *struct {
		Customers rows[customerRow]
		Cursor    string
	}) (int, string) {
		for _, c := range p.Customers.good {
			to[id(c.ID)] = c
		}
		return p.Customers.len(), p.Cursor
	})
}

// merged reports whether the profile lives on in another one.
func (c *customerRow) merged() bool { return !yes(c.IsActive) && c.MergeTargetID != "" }

// is reports whether the profile has a classification.
func (c *customerRow) is(class string) bool { return slices.Contains(c.Classifications, class) }

// gather makes the party of a reservation: its owner, unless that is a company
// or an account that only pays, and the companions. Mews does not say whether
// the owner is among the companions, so nobody is taken twice.
func gather(r *reservationRow, companions []string, people map[string]customerRow) party {
	var p party
	taken := map[string]bool{}
	add := func(customer string) {
		c, known := people[customer]
		for hops := 0; known && c.merged() && hops < 4; hops++ {
			p.updated = latest(p.updated, c.UpdatedUtc.Time)
			c, known = people[id(c.MergeTargetID)]
		}
		if !known || taken[id(c.ID)] || c.is("PaymasterAccount") {
			return
		}
		taken[id(c.ID)] = true
		p.guests = append(p.guests, c)
		p.updated = latest(p.updated, c.UpdatedUtc.Time)
	}
	if r.AccountType != "Company" {
		add(id(r.AccountID))
	}
	for _, c := range companions {
		add(c)
	}
	return p
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// titles are Mews's codes in the word that any greeting can be made from; a
// code itself is for nobody's eyes, "Misses" least of all.
var titles = map[string]string{"Mister": "Mr", "Misses": "Mrs", "Miss": "Ms"}

// language is the guest's own, or else Mews's guess.
func (c *customerRow) language() string {
	if c.PreferredLanguage != "" {
		return c.PreferredLanguage
	}
	return c.Language
}

// vip is the highest standing that the profile has.
func (c *customerRow) vip() string {
	for _, class := range []string{"VeryImportant", "TopManagement", "Important"} {
		if c.is(class) {
			return class
		}
	}
	return ""
}

// family is the family name, with the second one where people have two.
func (c *customerRow) family() string {
	return strings.TrimSpace(strings.TrimSpace(c.LastName) + " " + strings.TrimSpace(c.SecondLastName))
}
