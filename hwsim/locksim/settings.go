package locksim

// AddRoom adds a room in service, or puts it back in service.
func (s *System) AddRoom(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.rooms[name]; r != nil {
		r.inService = true
		return
	}
	s.rooms[name] = &room{name: name, inService: true}
}

// SetInService takes a room out of service (OS) or puts it back.
func (s *System) SetInService(name string, in bool) {
	s.onRoom(name, func(r *room) { r.inService = in })
}

// SetRoomBusy makes another station work at a room: requests for it are answered EO.
func (s *System) SetRoomBusy(name string, busy bool) {
	s.onRoom(name, func(r *room) { r.foreign = busy })
}

func (s *System) onRoom(name string, f func(*room)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.rooms[name]; r != nil {
		f(r)
		s.change()
	}
}

// SetDatabaseDamaged makes every command end in NF (1 on VingCard's link), or
// stops that.
func (s *System) SetDatabaseDamaged(damaged bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.damaged = damaged
}

// SetRunning stops the lock software, or starts it again. Meanwhile VingCard's
// interface answers 2 to every command, and that of the others says nothing.
func (s *System) SetRunning(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = !on
	s.change()
}
