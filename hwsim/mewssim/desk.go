package mewssim

import (
	"fmt"
	"slices"
	"time"
)

// Booking is what the desk needs for a reservation.
type Booking struct {
	Service string
	// Owner is a customer's id, or a company's if Company; "" with Company
	// makes one up.
	Owner   string
	Company bool
	// Category is the one asked for; "" is that of the room, or the service's first.
	Category string
	// Room may be "".
	Room               string
	Arrival, Departure time.Time
	// Group joins reservations; "" makes a new one. Number likewise.
	Group, Number string
	// State is Confirmed if "".
	State  string
	Adults int // 0 means 1
}

// Reserve books.
func (s *Server) Reserve(b Booking) (Reservation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := Reservation{ID: newID(), Number: b.Number, Service: b.Service, Group: b.Group, Owner: b.Owner, Company: b.Company, State: b.State,
		Category: b.Category, Room: b.Room, Arrival: b.Arrival.UTC(), Departure: b.Departure.UTC(), Adults: or(b.Adults, 1), Created: s.stamp()}
	if err := s.complete(&r); err != nil {
		return Reservation{}, err
	}
	if s.faults.Shape.OwnerIsCompanion && !r.Company {
		s.addCompanion(&r, r.Owner)
	}
	return s.saveReservation(r), nil
}

// complete fills in what a booking leaves open; the caller holds mu.
func (s *Server) complete(r *Reservation) error {
	if v, ok := s.world.services.get(r.Service); !ok || !v.Bookable {
		return fmt.Errorf("no bookable service %s", r.Service)
	}
	if _, ok := s.world.customers.get(r.Owner); !ok && !r.Company {
		return fmt.Errorf("no customer %s", r.Owner)
	}
	if !r.Departure.After(r.Arrival) {
		return fmt.Errorf("departure %s is not after arrival %s", r.Departure, r.Arrival)
	}
	if r.Company && r.Owner == "" {
		r.Owner = newID()
	}
	if r.Room != "" {
		room, ok := s.world.rooms.get(r.Room)
		if !ok {
			return fmt.Errorf("no room %s", r.Room)
		}
		if r.Category == "" {
			r.Category = room.Category
		}
	}
	for id, c := range s.world.categories.all(time.Time{}) {
		if r.Category == "" && c.Service == r.Service {
			r.Category = id
		}
	}
	if r.Category == "" {
		return fmt.Errorf("service %s has no category", r.Service)
	}
	if r.Number == "" {
		r.Number = s.nextNumber()
	}
	if r.Group == "" {
		r.Group = newID()
	}
	if r.State == "" {
		r.State = Confirmed
	}
	return nil
}

// saveReservation stores a change and tells of it; the caller holds mu.
func (s *Server) saveReservation(r Reservation) Reservation {
	r.Updated = s.stamp()
	save(s, &s.world.reservations, r.ID, r)
	s.raise(s.reservationEvent(&r))
	return r
}

// Reservation is a reservation as it stands.
func (s *Server) Reservation(id string) (Reservation, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.world.reservations.get(id)
}

// Reservations are all reservations, oldest first.
func (s *Server) Reservations() []Reservation {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Reservation
	for _, r := range s.world.reservations.all(time.Time{}) {
		out = append(out, r)
	}
	return out
}

// EditReservation changes a reservation in any way and tells of it, without a
// look at whether Mews would allow that.
func (s *Server) EditReservation(id string, edit func(*Reservation)) error {
	return s.edit(id, nil, func(r *Reservation) error { edit(r); return nil })
}

// edit changes a reservation that is in one of some states, or in any if that is nil.
func (s *Server) edit(id string, states []string, change func(*Reservation) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.world.reservations.get(id)
	if !ok {
		return fmt.Errorf("no reservation %s", id)
	}
	if states != nil && !slices.Contains(states, r.State) {
		return fmt.Errorf("reservation %s is %s", r.Number, r.State)
	}
	if err := change(&r); err != nil {
		return err
	}
	r.ID = id
	s.saveReservation(r)
	return nil
}

// notArrived are the states before check-in, alive the ones that still mean a stay.
func notArrived() []string { return []string{Inquired, Requested, Optional, Confirmed} }

func alive() []string { return append(notArrived(), Started) }

// Confirm makes an inquiry, a request or an option a booking.
func (s *Server) Confirm(id string) error {
	return s.edit(id, []string{Inquired, Requested, Optional}, func(r *Reservation) error { r.State = Confirmed; return nil })
}

// AssignRoom gives a reservation a room, or takes it away with "".
func (s *Server) AssignRoom(id, room string) error {
	return s.edit(id, notArrived(), func(r *Reservation) error { return s.place(r, room) })
}

// Move puts guests who are in house into another room.
func (s *Server) Move(id, room string) error {
	return s.edit(id, []string{Started}, func(r *Reservation) error {
		if room == "" {
			return fmt.Errorf("reservation %s is in house and needs a room", r.Number)
		}
		return s.place(r, room)
	})
}

func (s *Server) place(r *Reservation, room string) error {
	if _, ok := s.world.rooms.get(room); !ok && room != "" {
		return fmt.Errorf("no room %s", room)
	}
	r.Room = room
	return nil
}

// CheckIn starts a stay now; it must have a room.
func (s *Server) CheckIn(id string) error {
	return s.edit(id, []string{Optional, Confirmed}, func(r *Reservation) error {
		if r.Room == "" {
			return fmt.Errorf("reservation %s has no room", r.Number)
		}
		r.State, r.In = Started, s.stamp()
		return nil
	})
}

// CheckOut ends a stay now. What housekeeping makes of the room is SetRoomState's.
func (s *Server) CheckOut(id string) error {
	return s.edit(id, []string{Started}, func(r *Reservation) error { r.State, r.Out = CheckedOut, s.stamp(); return nil })
}

// ReverseCheckIn undoes CheckIn.
func (s *Server) ReverseCheckIn(id string) error {
	return s.edit(id, []string{Started}, func(r *Reservation) error { r.State, r.In = Confirmed, time.Time{}; return nil })
}

// ReverseCheckOut undoes CheckOut.
func (s *Server) ReverseCheckOut(id string) error {
	return s.edit(id, []string{CheckedOut}, func(r *Reservation) error { r.State, r.Out = Started, time.Time{}; return nil })
}

// Extend moves the scheduled departure, to later or earlier.
func (s *Server) Extend(id string, departure time.Time) error {
	return s.edit(id, alive(), func(r *Reservation) error {
		if !departure.After(r.start()) {
			return fmt.Errorf("departure %s is not after arrival", departure)
		}
		r.Departure = departure.UTC()
		return nil
	})
}

// Shift moves the scheduled arrival of guests who are not there yet.
func (s *Server) Shift(id string, arrival time.Time) error {
	return s.edit(id, notArrived(), func(r *Reservation) error {
		if !r.Departure.After(arrival) {
			return fmt.Errorf("arrival %s is not before departure", arrival)
		}
		r.Arrival = arrival.UTC()
		return nil
	})
}

// CancelReservation cancels before arrival.
func (s *Server) CancelReservation(id string) error { return s.cancel(id, "Other") }

// NoShow is a cancellation for guests who did not come; Mews has no state of its own.
func (s *Server) NoShow(id string) error { return s.cancel(id, "NoShow") }

func (s *Server) cancel(id, reason string) error {
	return s.edit(id, notArrived(), func(r *Reservation) error {
		r.State, r.CancellationReason, r.Cancelled = Canceled, reason, s.stamp()
		return nil
	})
}

// AddCompanion adds a guest to a reservation.
func (s *Server) AddCompanion(reservation, customer string) (id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.world.reservations.get(reservation)
	if !ok {
		return "", fmt.Errorf("no reservation %s", reservation)
	}
	if _, ok := s.world.customers.get(customer); !ok {
		return "", fmt.Errorf("no customer %s", customer)
	}
	id = s.addCompanion(&r, customer)
	if !s.faults.Socket.QuietCompanions {
		s.saveReservation(r)
	}
	return id, nil
}

func (s *Server) addCompanion(r *Reservation, customer string) string {
	c := Companionship{ID: newID(), Reservation: r.ID, Group: r.Group, Customer: customer, Created: s.stamp()}
	c.Updated = c.Created
	save(s, &s.world.companions, c.ID, c)
	return c.ID
}

// RemoveCompanion takes a guest out of a reservation.
func (s *Server) RemoveCompanion(companionship string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.world.companions.get(companionship)
	if !ok {
		return fmt.Errorf("no companionship %s", companionship)
	}
	s.world.companions.remove(companionship)
	if r, ok := s.world.reservations.get(c.Reservation); ok && !s.faults.Socket.QuietCompanions {
		s.saveReservation(r)
	}
	return nil
}

// Touch marks reservations as changed and tells of them together; without ids
// all of them.
func (s *Server) Touch(ids ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(ids) == 0 {
		ids = slices.Clone(s.world.reservations.order)
	}
	s.holding++
	for _, id := range ids {
		if r, ok := s.world.reservations.get(id); ok {
			s.saveReservation(r)
		}
	}
	s.holding--
	if s.holding == 0 {
		s.flush()
	}
}
