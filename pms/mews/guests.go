package mews

import (
	"context"
	"encoding/json"
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
	// partial: there is somebody of whom nothing could be read.
	partial bool
}

// people are profiles by id; unread are those that could not be read, bad as they came.
type people struct {
	known  map[string]customerRow
	unread map[string]bool
	bad    []json.RawMessage
}

// take adds what a page has.
func (p *people) take(list *rows[customerRow]) {
	for _, c := range list.good {
		p.known[id(c.ID)] = c
	}
	for _, raw := range list.bad {
		var least struct {
			ID string `json:"Id"`
		}
		if json.Unmarshal(raw, &least) == nil {
			p.unread[id(least.ID)] = true
		}
	}
	p.bad = append(p.bad, list.bad...)
}

// readParties reads the guests of reservations: companions with their profiles,
// and owners who are not among them. For up to 1,000 reservations that is one
// request for each of the two.
func (s *Source) readParties(ctx context.Context, of []reservationRow) (map[string]party, []json.RawMessage, error) {
	all := people{known: map[string]customerRow{}, unread: map[string]bool{}}
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
		all.take(&p.Customers)
		return p.Companionships.len(), p.Cursor
	})
	if err != nil && !forbidden(err) { // without companions, owners are known all the same
		return nil, nil, err
	}
	var wanted []string
	for i := range of {
		if of[i].AccountType != "Company" {
			wanted = append(wanted, id(of[i].AccountID))
		}
		wanted = append(wanted, companions[id(of[i].ID)]...)
	}
	if err := s.completePeople(ctx, wanted, &all); err != nil {
		return nil, nil, err
	}
	parties := make(map[string]party, len(of))
	for i := range of {
		parties[id(of[i].ID)] = gather(&of[i], companions[id(of[i].ID)], &all)
	}
	return parties, all.bad, nil
}

// completePeople reads the profiles that are not known yet, and those they were
// merged into. That can have been merged as well, but nobody does so for ever.
func (s *Source) completePeople(ctx context.Context, wanted []string, all *people) error {
	missing, asked := map[string]bool{}, map[string]bool{}
	want := func(customer string) {
		if _, known := all.known[customer]; !known && customer != "" && !all.unread[customer] && !asked[customer] {
			missing[customer], asked[customer] = true, true
		}
	}
	for _, customer := range wanted {
		want(customer)
	}
	for range 4 {
		err := s.readCustomers(ctx, slices.Sorted(maps.Keys(missing)), all)
		if forbidden(err) { // keys and WiFi need no names
			maps.Copy(all.unread, missing)
			return nil
		}
		if err != nil {
			return err
		}
		clear(missing)
		for _, c := range all.known {
			if c.merged() {
				want(id(c.MergeTargetID))
			}
		}
		if len(missing) == 0 {
			return nil
		}
	}
	return nil
}

// readCustomers adds the profiles with the given ids.
func (s *Source) readCustomers(ctx context.Context, ids []string, to *people) error {
	extent := fields{"Extent": fields{"Customers": true, "Addresses": false}}
	return listByIDs(ctx, s.api, reading, "customers/getAll", "CustomerIds", ids, extent, true, func(p *struct {
		Customers rows[customerRow]
		Cursor    string
	}) (int, string) {
		to.take(&p.Customers)
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
func gather(r *reservationRow, companions []string, all *people) party {
	var p party
	taken := map[string]bool{}
	add := func(customer string) {
		c, known := all.known[customer]
		for hops := 0; known && c.merged() && hops < 4; hops++ {
			p.updated = latest(p.updated, c.UpdatedUtc.Time)
			survivor, found := all.known[id(c.MergeTargetID)]
			if !found {
				break // then the old profile is the best there is
			}
			c = survivor
		}
		p.partial = p.partial || all.unread[customer]
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
