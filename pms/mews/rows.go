package mews

import (
	"encoding/json"
	"strings"
	"time"
)

// The rows of the API, with what of them is used. Optional values may be
// missing or null, and there may be more than the documentation has.

type reservationRow struct {
	ID                 string `json:"Id"`
	ServiceID          string `json:"ServiceId"`
	AccountID          string `json:"AccountId"`
	AccountType        string
	Number             string
	State              string
	UpdatedUtc         instant
	AssignedResourceID string `json:"AssignedResourceId"`
	BlockID            string `json:"AvailabilityBlockId"`
	ScheduledStartUtc  instant
	ScheduledEndUtc    instant
	ActualStartUtc     instant
	ActualEndUtc       instant
	// StartUtc and EndUtc are for a server that leaves out what replaced them.
	StartUtc instant
	EndUtc   instant
}

type customerRow struct {
	ID                string `json:"Id"`
	Title             string
	FirstName         string
	LastName          string
	SecondLastName    string
	PreferredLanguage string `json:"PreferredLanguageCode"`
	Language          string `json:"LanguageCode"`
	Classifications   []string
	MergeTargetID     string `json:"MergeTargetId"`
	IsActive          *bool
	UpdatedUtc        instant
}

type companionshipRow struct {
	CustomerID    string `json:"CustomerId"`
	ReservationID string `json:"ReservationId"`
}

type resourceRow struct {
	ID         string `json:"Id"`
	IsActive   *bool
	Name       string
	ParentID   string `json:"ParentResourceId"`
	State      string
	UpdatedUtc instant
}

type serviceRow struct {
	ID       string `json:"Id"`
	Name     string
	Names    map[string]string
	IsActive *bool
	Data     struct{ Discriminator string }
}

type categoryRow struct {
	ID         string `json:"Id"`
	ServiceID  string `json:"ServiceId"`
	Type       string
	Names      map[string]string
	ShortNames map[string]string
}

type assignmentRow struct {
	IsActive   *bool
	ResourceID string `json:"ResourceId"`
	CategoryID string `json:"CategoryId"`
}

type enterpriseRow struct {
	Name                string
	TimeZoneIdentifier  string
	DefaultLanguageCode string
	IsPortfolio         bool
}

type deviceRow struct {
	ID         string `json:"Id"`
	Type       string
	Name       string
	Identifier string
}

type commandRow struct {
	ID         string `json:"Id"`
	State      string
	CreatedUtc instant
	Device     deviceRow
	Data       json.RawMessage
}

// rows is a list of the API. A row that is not as it should be spoils no other:
// it is kept apart, as it came.
type rows[Row any] struct {
	good []Row
	bad  []json.RawMessage
}

func (r *rows[Row]) UnmarshalJSON(text []byte) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return err
	}
	r.good = make([]Row, 0, len(raw))
	for _, one := range raw {
		var row Row
		if json.Unmarshal(one, &row) != nil || string(one) == "null" {
			r.bad = append(r.bad, one)
			continue
		}
		r.good = append(r.good, row)
	}
	return nil
}

func (r *rows[Row]) len() int { return len(r.good) + len(r.bad) }

// yes is an optional flag that is true unless it says otherwise.
func yes(flag *bool) bool { return flag == nil || *flag }

// instant is a date and time of the API. One that cannot be read is zero: the
// row counts all the same.
type instant struct{ time.Time }

func (i *instant) UnmarshalJSON(text []byte) error {
	t, err := time.Parse(time.RFC3339Nano, strings.Trim(string(text), `"`))
	if err != nil || t.Year() < 2000 || t.Year() >= 2200 {
		t = time.Time{}
	}
	i.Time = t.UTC()
	return nil
}
