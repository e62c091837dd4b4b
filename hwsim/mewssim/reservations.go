package mewssim

import "time"

// getReservations is the version of 2023-06-06: no extents, all filters optional.
func getReservations(s *Server, q *request) (object, error) {
	match := reservationFilter(s, q)
	created, updated, order := q.stamps()
	q.limitation(true)
	rows, cursor := list(s, q, &s.world.reservations,
		func(r *Reservation) time.Time { return order(r.Created, r.Updated) },
		func(r *Reservation) bool { return created.has(r.Created) && updated.has(r.Updated) && match(r) })
	return object{"Reservations": render(s, rows, s.reservation), "Cursor": cursor}, q.err()
}

// reservationFilter reads all filters but the two of stamps.
func reservationFilter(s *Server, q *request) func(*Reservation) bool {
	ids, services, groups := q.ids("ReservationIds", most, false), q.ids("ServiceIds", most, false), q.ids("ReservationGroupIds", most, false)
	accounts, numbers := q.ids("AccountIds", most, false), q.values("Numbers", most, false)
	rooms, ours := q.ids("AssignedResourceIds", most, false), q.ourEnterprise(s)
	// No reservation here comes from a channel, an agency or a block.
	foreign := q.values("ChannelNumbers", fewer, false) != nil
	for _, name := range []string{"PartnerCompanyIds", "TravelAgencyIds", "AvailabilityBlockIds"} {
		foreign = q.ids(name, fewer, false) != nil || foreign
	}
	states := q.enum("States", Inquired, Requested, Optional, Confirmed, Started, CheckedOut, Canceled)
	colliding := q.interval("CollidingUtc")
	start, in := q.interval("ScheduledStartUtc"), q.interval("ActualStartUtc")
	end, out := q.interval("ScheduledEndUtc"), q.interval("ActualEndUtc")
	if start != nil && in != nil || end != nil && out != nil {
		q.fail("Scheduled and actual times exclude each other")
	}
	return func(r *Reservation) bool {
		return ours && !foreign && ids.has(r.ID) && services.has(r.Service) && groups.has(r.Group) && numbers.has(r.Number) &&
			accounts.has(r.Owner) && (accounts == nil || !r.Company) && rooms.has(r.Room) && states.has(r.State) &&
			colliding.meets(r.Arrival, r.Departure) && start.has(r.Arrival) && end.has(r.Departure) && in.has(r.In) && out.has(r.Out)
	}
}

func (s *Server) reservation(r *Reservation) object {
	owner := "Customer"
	if r.Company {
		owner = "Company"
	}
	in := r.State == Started || r.State == CheckedOut
	return object{
		"Id": r.ID, "ServiceId": r.Service, "AccountId": r.Owner, "AccountType": owner, "CreatorProfileId": nil, "UpdaterProfileId": nil,
		"BookerId": nil, "Number": r.Number, "State": r.State, "Origin": "Commander", "CommanderOrigin": "InPerson", "OriginDetails": nil,
		"CreatedUtc": instant(r.Created), "UpdatedUtc": instant(r.Updated), "CancelledUtc": optionalTime(r.Cancelled),
		"VoucherId": nil, "BusinessSegmentId": nil, "CreditCardId": nil, "GroupId": r.Group,
		"RequestedResourceCategoryId": r.Category, "AssignedResourceId": optional(r.Room), "AssignedResourceLocked": false,
		"AvailabilityBlockId": nil, "PartnerCompanyId": nil, "TravelAgencyId": nil, "RateId": nil, "ChannelNumber": nil,
		"ChannelManagerNumber": nil, "ChannelManager": nil, "CancellationReason": optional(r.CancellationReason), "ReleasedUtc": nil,
		"ScheduledStartUtc": instant(r.Arrival), "ScheduledEndUtc": instant(r.Departure),
		"ActualStartUtc": optionalTime(r.In), "ActualEndUtc": optionalTime(r.Out),
		"StartUtc": instant(r.start()), "EndUtc": instant(r.end()), "Purpose": "Leisure", "QrCodeData": nil,
		"PersonCounts": []object{{"AgeCategoryId": r.Service, "Count": r.Adults}},
		"Options":      object{"OwnerCheckedIn": in, "AllCompanionsCheckedIn": in, "AnyCompanionCheckedIn": in, "ConnectorCheckIn": false},
	}
}

// reservation2017 is what older operations embed: other names, other spellings.
func (s *Server) reservation2017(r *Reservation) object {
	state := r.State
	if state == Inquired {
		state = "Enquired"
	}
	companions := []string{}
	for _, c := range s.world.companions.all(s.horizon()) {
		if c.Reservation == r.ID {
			companions = append(companions, c.Customer)
		}
	}
	return object{"Id": r.ID, "ServiceId": r.Service, "GroupId": r.Group, "Number": r.Number, "State": state, "Origin": "Commander",
		"CreatedUtc": instant(r.Created), "UpdatedUtc": instant(r.Updated), "CancelledUtc": optionalTime(r.Cancelled),
		"StartUtc": instant(r.start()), "EndUtc": instant(r.end()), "ReleasedUtc": nil, "RequestedCategoryId": r.Category,
		"AssignedResourceId": optional(r.Room), "AssignedResourceLocked": false, "AdultCount": r.Adults, "ChildCount": 0,
		"CustomerId": r.Owner, "CompanionIds": companions}
}

// getCompanionships lists the further guests of reservations.
func getCompanionships(s *Server, q *request) (object, error) {
	ids, reservations := q.ids("CompanionshipIds", most, false), q.ids("ReservationIds", most, false)
	customers, groups := q.ids("CustomerIds", most, false), q.ids("ReservationGroupIds", most, false)
	q.mustFilter() // before UpdatedUtc, which is none of its own
	updated := q.interval("UpdatedUtc")
	extent := q.extent(true, "Customers", "Reservations", "ReservationGroups")
	q.limitation(true)
	rows, cursor := list(s, q, &s.world.companions,
		func(c *Companionship) time.Time { return c.Created },
		func(c *Companionship) bool {
			return ids.has(c.ID) && reservations.has(c.Reservation) && customers.has(c.Customer) && groups.has(c.Group) && updated.has(c.Updated)
		})
	out := object{"Companionships": render(s, rows, companionship), "Cursor": cursor, "Customers": nil, "Reservations": nil, "ReservationGroups": nil}
	if extent["Customers"] {
		out["Customers"] = gather(s, &s.world.customers, rows, func(c *Companionship) string { return c.Customer }, s.customer)
	}
	if extent["Reservations"] {
		out["Reservations"] = gather(s, &s.world.reservations, rows, func(c *Companionship) string { return c.Reservation }, s.reservation2017)
	}
	if extent["ReservationGroups"] {
		groups := []object{}
		for _, c := range rows {
			groups = append(groups, object{"Id": c.Group, "Name": nil})
		}
		out["ReservationGroups"] = groups
	}
	return out, q.err()
}

func companionship(c *Companionship) object {
	return object{"Id": c.ID, "CustomerId": c.Customer, "ReservationGroupId": c.Group, "ReservationId": optional(c.Reservation)}
}

// gather renders what companionships point at, each once.
func gather[T any](s *Server, t *table[T], rows []Companionship, id func(*Companionship) string, draw func(*T) object) []object {
	seen, found := map[string]bool{}, []T{}
	for i := range rows {
		key := id(&rows[i])
		if value, ok := t.seen(key, s.horizon()); ok && !seen[key] {
			seen[key] = true
			found = append(found, value)
		}
	}
	return render(s, found, draw)
}
