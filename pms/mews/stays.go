package mews

import (
	"context"
	"encoding/json"
	"hash/maphash"
	"slices"
	"sync"
	"time"
)

// query is which reservations to read.
type query struct {
	filter fields
	ids    []string
}

func byIDs(ids []string) query { return query{ids: ids} }

// inHouse are all who are checked in. Their scheduled end may have passed, so
// no window of time would find them all.
func inHouse() query { return query{filter: fields{"States": []string{"Started"}}} }

// stayReading is what a read of reservations came to.
type stayReading struct {
	house   *house        // as it was, with the rooms below
	rooms   []resourceRow // that the house did not know
	rows    []reservationRow
	parties map[string]party
	// bad are reservations, badGuests profiles that nobody could read.
	bad, badGuests []json.RawMessage
}

// need says whether the guests of a reservation must be read.
type need func(*reservationRow) bool

// always reads the guests of whoever is in house.
func always(*reservationRow) bool { return true }

// readStays reads reservations, the guests of those in house, and rooms that
// the house does not know yet.
func (s *Source) readStays(ctx context.Context, h *house, q query, guests need) (*stayReading, error) {
	r := &stayReading{house: h}
	if err := s.readReservations(ctx, q, r); err != nil {
		return nil, err
	}
	var in []reservationRow
	var strange []string
	for i := range r.rows {
		row := &r.rows[i]
		if row.State != started || !h.stays[id(row.ServiceID)] {
			continue
		}
		if _, _, _, known := h.place(row.AssignedResourceID); !known && row.AssignedResourceID != "" {
			strange = append(strange, id(row.AssignedResourceID))
		}
		if guests(row) {
			in = append(in, *row)
		}
	}
	if len(strange) > 0 {
		slices.Sort(strange)
		for _, part := range chunks(slices.Compact(strange)) {
			resources, err := s.readResources(ctx, fields{"ResourceIds": part})
			if err != nil {
				return nil, err
			}
			r.house, r.rooms = r.house.with(s, resources), append(r.rooms, resources...)
		}
	}
	var err error
	r.parties, r.badGuests, err = s.readParties(ctx, in)
	return r, err
}

// readReservations reads rows. One that comes twice counts as it is newest.
func (s *Source) readReservations(ctx context.Context, q query, r *stayReading) error {
	at := map[string]int{}
	take := func(p *struct {
		Reservations rows[reservationRow]
		Cursor       string
	}) (int, string) {
		for _, row := range p.Reservations.good {
			row.State = stayState(row.State)
			if i, twice := at[id(row.ID)]; !twice {
				at[id(row.ID)] = len(r.rows)
				r.rows = append(r.rows, row)
			} else if row.UpdatedUtc.After(r.rows[i].UpdatedUtc.Time) {
				r.rows[i] = row
			}
		}
		r.bad = append(r.bad, p.Reservations.bad...)
		return p.Reservations.len(), p.Cursor
	}
	const operation = "reservations/getAll/2023-06-06"
	if q.filter == nil {
		return listByIDs(ctx, s.api, reading, operation, "ReservationIds", q.ids, nil, true, take)
	}
	return list(ctx, s.api, reading, operation, q.filter, 0, take)
}

// sightings remember of each reservation how new the version is that has been
// handed over, so that a window read again does not read its guests again, and
// when an event last named it. Reads beside the follower use it too.
type sightings struct {
	mu sync.Mutex
	of map[string]sighting
}

type sighting struct {
	// version tells two versions apart: a row can change twice within the second
	// that its stamp has.
	version uint64
	// updated is of the row, said of all that was told of it, event of the last
	// event that named it; by Mews's clock.
	updated, said, event time.Time
}

var versions = maphash.MakeSeed()

// maxSightings bounds the memory; who falls out is read once more.
const maxSightings = 20000

func newSightings() *sightings { return &sightings{of: map[string]sighting{}} }

// new reports whether the row is another than the one handed over.
func (s *sightings) new(row *reservationRow) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, known := s.of[id(row.ID)]
	return !known || maphash.Comparable(versions, *row) != old.version
}

// older reports whether a newer version has been handed over already.
func (s *sightings) older(row *reservationRow) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return row.UpdatedUtc.Before(s.of[id(row.ID)].updated)
}

func (s *sightings) change(key string, f func(*sighting)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, known := s.of[key]
	if !known && len(s.of) >= maxSightings {
		for other := range s.of { // any will do
			delete(s.of, other)
			break
		}
	}
	f(&one)
	s.of[key] = one
}

func (s *sightings) handed(row *reservationRow, said time.Time) {
	s.change(id(row.ID), func(one *sighting) {
		one.version, one.updated, one.said = maphash.Comparable(versions, *row), row.UpdatedUtc.Time, said
	})
}

// said is the newest stamp that was told of the reservation.
func (s *sightings) said(row *reservationRow) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of[id(row.ID)].said
}

func (s *sightings) told(key string, at time.Time) {
	s.change(key, func(one *sighting) { one.event = at })
}

// untold reports whether no event named this version of the row.
func (s *sightings) untold(row *reservationRow, since time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return row.UpdatedUtc.After(since) && s.of[id(row.ID)].event.Before(row.UpdatedUtc.Add(-time.Minute))
}
