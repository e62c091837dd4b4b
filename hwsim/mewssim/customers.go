package mewssim

import (
	"slices"
	"strings"
	"time"
)

// getCustomers wants an extent, a page and at least one filter. A list without
// ActivityStates holds profiles of all states, so that a merged one can be
// followed to its survivor.
func getCustomers(s *Server, q *request) (object, error) {
	ids, emails := q.ids("CustomerIds", most, false), q.values("Emails", most, false)
	first, last, loyalty := q.values("FirstNames", most, false), q.values("LastNames", most, false), q.values("LoyaltyCodes", most, false)
	companies := q.ids("CompanyIds", 1, false)
	deleted := q.interval("DeletedUtc")
	created, updated, order := q.stamps()
	chains := q.ids("ChainIds", most, false)
	q.mustFilter() // before ActivityStates, which only narrows
	states := q.enum("ActivityStates", "Active", "Deleted")
	if deleted != nil && !states["Deleted"] {
		q.fail("Invalid DeletedUtc")
	}
	extent := q.extent(true, "Customers", "Addresses", "Documents")
	q.limitation(true)
	rows, cursor := list(s, q, &s.world.customers,
		func(c *Customer) time.Time { return order(c.Created, c.Updated) },
		func(c *Customer) bool {
			state := "Active"
			if c.Inactive {
				state = "Deleted"
			}
			return ids.has(c.ID) && emails.has(c.Email) && first.has(c.FirstName) && last.has(c.LastName) && loyalty.has(c.Loyalty) &&
				companies == nil && chains.has(s.world.chain) && states.has(state) &&
				created.has(c.Created) && updated.has(c.Updated) && deleted.has(c.Deleted)
		})
	out := object{"Customers": nil, "Addresses": nil, "Documents": nil, "Cursor": cursor}
	if extent["Customers"] {
		out["Customers"] = render(s, rows, s.customer)
	}
	if extent["Addresses"] {
		out["Addresses"] = []object{}
	}
	return out, q.err()
}

func (s *Server) customer(c *Customer) object {
	classes := c.Classifications
	if classes == nil {
		classes = []string{}
	}
	return object{
		"Id": c.ID, "ChainId": s.world.chain, "Number": c.Number, "Title": optional(c.Title), "Sex": optional(c.Sex),
		"FirstName": optional(c.FirstName), "LastName": c.LastName, "SecondLastName": optional(c.SecondLastName),
		"NationalityCode": optional(c.Nationality), "PreferredLanguageCode": optional(c.PreferredLanguage), "LanguageCode": optional(c.Language),
		"BirthDate": optional(c.BirthDate), "BirthPlace": nil, "Occupation": nil, "Email": optional(c.Email),
		"HasOtaEmail": strings.HasSuffix(c.Email, "@guest.booking.com"), "Phone": optional(c.Phone), "LoyaltyCode": optional(c.Loyalty),
		"Notes": optional(c.Notes), "CarRegistrationNumber": nil, "DietaryRequirements": nil, "AccountingCode": nil, "BillingCode": nil,
		"TaxIdentificationNumber": nil, "ItalianDestinationCode": nil, "ItalianFiscalCode": nil, "CompanyId": nil, "AddressId": nil,
		"PreferredSpaceFeatures": []string{}, "CreatorId": nil, "UpdaterId": nil, "MergeTargetId": optional(c.MergedInto),
		"Classifications": classes, "Options": []string{}, "IsActive": !c.Inactive,
		"CreatedUtc": instant(c.Created), "UpdatedUtc": instant(c.Updated),
	}
}

// searchCustomers finds who is in house now, by name or by room.
func searchCustomers(s *Server, q *request) (object, error) {
	name, room := strings.ToLower(q.text("Name", false)), q.id("ResourceId", false)
	if name == "" && room == "" {
		q.fail("At least one filter is required")
	}
	extent := q.extent(false, "Customers", "Addresses", "Documents", "Reservations")
	if q.problem != nil {
		return nil, q.problem
	}
	out := []object{}
	for _, r := range s.world.reservations.all(s.horizon()) {
		if r.State != Started || room != "" && r.Room != room {
			continue
		}
		for _, c := range s.members(&r) {
			if !strings.Contains(strings.ToLower(c.FirstName+" "+c.LastName), name) {
				continue
			}
			found := object{"Customer": s.dress(s.customer(&c)), "Reservation": nil}
			if extent == nil || extent["Reservations"] {
				found["Reservation"] = s.reservation2017(&r)
			}
			out = append(out, found)
		}
	}
	q.rows = len(out)
	return object{"Customers": out}, nil
}

// members are the owner and the companions, each once.
func (s *Server) members(r *Reservation) []Customer {
	var ids []string
	if !r.Company {
		ids = append(ids, r.Owner)
	}
	for _, c := range s.world.companions.all(s.horizon()) {
		if c.Reservation == r.ID && !slices.Contains(ids, c.Customer) {
			ids = append(ids, c.Customer)
		}
	}
	var out []Customer
	for _, id := range ids {
		if c, ok := s.world.customers.seen(id, s.horizon()); ok {
			out = append(out, c)
		}
	}
	return out
}
