package mewssim

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// AddService adds a bookable service, such as stay or parking. Staff of a real
// property set these up long before; nothing is told to the sockets.
func (s *Server) AddService(name string) (id string) {
	return s.addService(Service{Name: name, Bookable: true})
}

// AddProductService adds a service nobody can book, such as a restaurant.
func (s *Server) AddProductService(name string) (id string) {
	return s.addService(Service{Name: name})
}

func (s *Server) addService(v Service) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.ID, v.Created = newID(), s.stamp()
	v.Updated = v.Created
	save(s, &s.world.services, v.ID, v)
	return v.ID
}

// AddCategory adds a kind of resource to a service; kind is like Room, Suite,
// Bed, Dorm, ParkingSpot.
func (s *Server) AddCategory(service, kind, name string) (id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.world.services.get(service); !ok {
		return "", fmt.Errorf("no service %s", service)
	}
	c := Category{ID: newID(), Service: service, Type: kind, Name: name, Created: s.stamp()}
	c.Updated = c.Created
	save(s, &s.world.categories, c.ID, c)
	return c.ID, nil
}

// AddRoom adds a resource, Inspected; parent is the room a bed stands in, or "".
func (s *Server) AddRoom(name, category, floor, parent string) (id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.world.categories.get(category); !ok {
		return "", fmt.Errorf("no category %s", category)
	}
	if _, ok := s.world.rooms.get(parent); !ok && parent != "" {
		return "", fmt.Errorf("no room %s", parent)
	}
	r := Room{ID: newID(), Name: name, Category: category, Floor: floor, Parent: parent, State: "Inspected", Created: s.stamp()}
	a := assignment{id: newID(), room: r.ID, category: category, created: r.Created}
	save(s, &s.world.assignments, a.id, a)
	s.saveRoom(r)
	return r.ID, nil
}

// editRoom changes a room and tells of it.
func (s *Server) editRoom(id string, edit func(*Room) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.world.rooms.get(id)
	if !ok {
		return fmt.Errorf("no room %s", id)
	}
	if err := edit(&r); err != nil {
		return err
	}
	s.saveRoom(r)
	return nil
}

// RenameRoom gives a room another number.
func (s *Server) RenameRoom(room, name string) error {
	return s.editRoom(room, func(r *Room) error { r.Name = name; return nil })
}

// SetRoomState is housekeeping: Dirty, Clean, Inspected, OutOfService, OutOfOrder.
func (s *Server) SetRoomState(room, state string) error {
	return s.editRoom(room, func(r *Room) error {
		if !housekeeping(state) {
			return fmt.Errorf("no state %q of a room", state)
		}
		r.State = state
		return nil
	})
}

// SetRoomActive closes a room for good, or opens it again.
func (s *Server) SetRoomActive(room string, active bool) error {
	return s.editRoom(room, func(r *Room) error { r.Inactive = !active; return nil })
}

// SetLocks says which locks a key of a room opens; none is the room's name. It
// is no change that Mews tells of.
func (s *Server) SetLocks(room string, locks ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.world.rooms.get(room)
	if !ok {
		return fmt.Errorf("no room %s", room)
	}
	r.Locks = slices.Clone(locks)
	save(s, &s.world.rooms, room, r)
	return nil
}

// Room is a room as it stands.
func (s *Server) Room(id string) (Room, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.world.rooms.get(id)
}

// AddCustomer adds a profile; ID and the times are the server's, and the number
// if there is none.
func (s *Server) AddCustomer(c Customer) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Classifications = slices.Clone(c.Classifications)
	c.ID, c.Number, c.Created = newID(), cmp.Or(c.Number, s.nextNumber()), s.stamp()
	c.Updated = c.Created
	save(s, &s.world.customers, c.ID, c)
	return c.ID
}

// nextNumber is a number as staff read them; the caller holds mu.
func (s *Server) nextNumber() string {
	s.world.numbers++
	return strconv.Itoa(s.world.numbers)
}

// EditCustomer changes a profile; no event tells of it. A customer who is
// Inactive afterwards was deleted.
func (s *Server) EditCustomer(id string, edit func(*Customer)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.world.customers.get(id)
	if !ok {
		return fmt.Errorf("no customer %s", id)
	}
	c.Classifications = slices.Clone(c.Classifications) // others read the old ones
	edit(&c)
	c.ID, c.Updated = id, s.stamp()
	if c.Inactive && c.Deleted.IsZero() {
		c.Deleted = c.Updated
	}
	save(s, &s.world.customers, id, c)
	return nil
}

// MergeCustomer merges a profile into another one. With reown its reservations
// go over to the survivor, each with an event; else they still name the old one.
func (s *Server) MergeCustomer(from, into string, reown bool) error {
	if _, ok := s.Customer(into); !ok {
		return fmt.Errorf("no customer %s", into)
	}
	err := s.EditCustomer(from, func(c *Customer) { c.MergedInto, c.Inactive = into, true })
	if err != nil || !reown {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.world.companions.all(time.Time{}) {
		if c.Customer == from {
			c.Customer, c.Updated = into, s.stamp()
			save(s, &s.world.companions, c.ID, c)
		}
	}
	for _, r := range s.world.reservations.all(time.Time{}) {
		if r.Owner == from {
			r.Owner = into
			s.saveReservation(r)
		}
	}
	return nil
}

// Customer is a profile as it stands.
func (s *Server) Customer(id string) (Customer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.world.customers.get(id)
}

// AddDevice adds a device to the property; Link connects it to the integration.
func (s *Server) AddDevice(kind, name, identifier string) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := Device{ID: newID(), Type: kind, Name: name, Identifier: identifier}
	save(s, &s.world.devices, d.ID, d)
	return d.ID
}

// EditDevice changes how a device is configured; no event tells of it.
func (s *Server) EditDevice(id string, edit func(*Device)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.world.devices.get(id)
	if !ok {
		return fmt.Errorf("no device %s", id)
	}
	edit(&d)
	d.ID = id
	save(s, &s.world.devices, id, d)
	return nil
}

// Device is a device as it is configured.
func (s *Server) Device(id string) (Device, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.world.devices.get(id)
}

// Link connects a device to the integration. The queue knows it at once, a
// socket only when it is opened the next time (Connector API, WebSockets).
func (s *Server) Link(device string) error { return s.link(device, true) }

// Unlink undoes Link.
func (s *Server) Unlink(device string) error { return s.link(device, false) }

func (s *Server) link(device string, on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.world.devices.get(device); !ok {
		return fmt.Errorf("no device %s", device)
	}
	delete(s.world.linked, device)
	if on {
		s.world.linked[device] = true
	}
	return nil
}
