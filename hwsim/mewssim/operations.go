package mewssim

import "time"

// operation does what a body asks for and gives the answer's body; the caller
// holds mu.
type operation func(s *Server, q *request) (object, error)

// operations are all there are, by path.
func operations() map[string]operation {
	return map[string]operation{
		"configuration/get":                  getConfiguration,
		"services/getAll":                    getServices,
		"languages/getAll":                   getLanguages,
		"resources/getAll":                   getResources,
		"resources/update":                   updateResources,
		"resourceCategories/getAll":          getCategories,
		"resourceCategoryAssignments/getAll": getAssignments,
		"reservations/getAll/2023-06-06":     getReservations,
		"customers/getAll":                   getCustomers,
		"customers/search":                   searchCustomers,
		"companionships/getAll":              getCompanionships,
		"devices/getAll":                     getDevices,
		"commands/getAllActive":              getActiveCommands,
		"commands/getAllByIds":               getCommands,
		"commands/update":                    updateCommand,
		"commands/addKeyCutter":              addKeyCutter,
	}
}

// ourEnterprise reads EnterpriseIds, which only a portfolio would need.
func (q *request) ourEnterprise(s *Server) bool {
	return q.ids("EnterpriseIds", most, false).has(s.world.enterprise)
}

// stamps reads the two common intervals, and tells which time a page is
// ordered by: that of the last change if it is asked for by that, else that of
// creation.
func (q *request) stamps() (created, updated *interval, order func(created, updated time.Time) time.Time) {
	created, updated = q.interval("CreatedUtc"), q.interval("UpdatedUtc")
	if updated != nil {
		return created, updated, func(_, u time.Time) time.Time { return u }
	}
	return created, updated, func(c, _ time.Time) time.Time { return c }
}

func getConfiguration(s *Server, q *request) (object, error) {
	if id := q.id("EnterpriseId", false); id != "" && id != s.world.enterprise {
		q.fail("Invalid EnterpriseId")
	}
	if q.problem != nil {
		return nil, q.problem
	}
	q.rows = 1
	return object{
		"NowUtc": instant(s.stamp()),
		"Enterprise": s.dress(object{
			"Id": s.world.enterprise, "ExternalIdentifier": nil, "HoldingKey": nil, "Name": s.options.Enterprise, "ShortName": nil,
			"ChainId": s.world.chain, "ChainName": "Simulated Hotels", "CreatedUtc": "2019-01-01T00:00:00Z", "UpdatedUtc": "2025-01-01T00:00:00Z",
			"TimeZoneIdentifier": s.options.Zone, "DefaultLanguageCode": s.options.DefaultLanguage, "LegalEnvironmentCode": "HU",
			"EditableHistoryInterval": "P0M7DT0H0M0S", "AccountingEditableHistoryInterval": "P0M1DT0H0M0S",
			"OperationalEditableHistoryInterval": "P0M7DT0H0M0S", "BusinessDayClosingOffset": "P0M0DT0H0M0S",
			"WebsiteUrl": "", "Email": "front@example.com", "Phone": "+36 1 000 0000", "LogoImageId": nil, "CoverImageId": nil,
			"Pricing": "Gross", "TaxPrecision": nil, "IsPortfolio": s.faults.Shape.Portfolio, "Subscription": object{"TaxIdentifier": nil},
			"AddressId": s.world.enterprise, "Address": object{"Line1": "1 Loopback Street", "Line2": nil, "City": "Budapest", "PostalCode": "1011",
				"CountryCode": "HU", "CountrySubdivisionCode": nil, "Latitude": nil, "Longitude": nil},
			"GroupNames": []string{}, "Currencies": []object{{"Currency": "EUR", "IsDefault": true, "IsEnabled": true}},
			"AccountingConfiguration": nil,
		}),
		"Service": nil, "PaymentCardStorage": nil, "IsIdentityDocumentRequired": false,
	}, nil
}

func getServices(s *Server, q *request) (object, error) {
	ids, names, ours := q.ids("ServiceIds", most, false), q.values("Names", most, false), q.ourEnterprise(s)
	created, updated, order := q.stamps()
	q.limitation(true)
	rows, cursor := list(s, q, &s.world.services,
		func(v *Service) time.Time { return order(v.Created, v.Updated) },
		func(v *Service) bool {
			return ours && ids.has(v.ID) && names.has(v.Name) && created.has(v.Created) && updated.has(v.Updated)
		})
	return object{"Services": render(s, rows, s.service), "Cursor": cursor}, q.err()
}

func (s *Server) service(v *Service) object {
	data := object{"Discriminator": "Additional", "Value": object{"Promotions": object{"BeforeCheckIn": false, "DuringStay": true}}}
	if v.Bookable {
		data = object{"Discriminator": "Bookable", "Value": object{
			"StartOffset": "P0M0DT15H0M0S", "EndOffset": "P0M1DT11H0M0S", "OccupancyStartOffset": "P0M0DT0H0M0S",
			"OccupancyEndOffset": "P0M0DT0H0M0S", "TimeUnitPeriod": "Day"}}
	}
	return object{"Id": v.ID, "EnterpriseId": s.world.enterprise, "IsActive": true, "Name": v.Name, "Names": object{s.options.DefaultLanguage: v.Name},
		"ShortNames": object{}, "Descriptions": object{}, "Options": object{"BillAsPackage": false}, "Ordering": 0, "Data": data,
		"ExternalIdentifier": nil, "CreatedUtc": instant(v.Created), "UpdatedUtc": instant(v.Updated)}
}

// getLanguages takes a Limitation but needs none.
func getLanguages(s *Server, q *request) (object, error) {
	q.limitation(false)
	if q.problem != nil {
		return nil, q.problem
	}
	out := []object{}
	for _, l := range [][4]string{
		{"en-GB", "en-US", "English (United Kingdom)", "English (United Kingdom)"}, {"en-US", "", "English (United States)", "English (United States)"},
		{"de-DE", "en-US", "German (Germany)", "Deutsch (Deutschland)"}, {"hu-HU", "en-US", "Hungarian", "magyar"},
		{"fr-FR", "en-US", "French (France)", "français (France)"}, {"ja-JP", "en-US", "Japanese", "日本語"},
	} {
		out = append(out, s.dress(object{"Code": l[0], "FallbackLanguageCode": optional(l[1]), "EnglishName": l[2], "LocalName": l[3]}))
	}
	q.rows = len(out)
	return object{"Languages": out, "Cursor": nil}, nil
}
