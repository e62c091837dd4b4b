package locksim

// guest is what a new key tells of its stay.
func (k *Key) guest() guest {
	return guest{userType: k.UserType, group: k.UserGroup, first: k.FirstName, last: k.LastName, from: k.From, until: k.Until}
}

// inherit takes from the stay what the key does not say itself.
func (k *Key) inherit(g guest) {
	for _, f := range []struct {
		own  *string
		stay string
	}{{&k.UserType, g.userType}, {&k.UserGroup, g.group}, {&k.FirstName, g.first}, {&k.LastName, g.last}} {
		if *f.own == "" {
			*f.own = f.stay
		}
	}
	if k.From.IsZero() {
		k.From = g.from
	}
	if k.Until.IsZero() {
		k.Until = g.until
	}
}

// modify gives the guests of a room a new end, and another room if the two
// differ: their keys open there and no longer here. The caller holds s.mu.
func (s *System) modify(j job) {
	from, to := s.rooms[j.rooms[0]], s.rooms[j.rooms[1]]
	var live []*Key
	for _, c := range s.cards {
		if c.Key != nil && c.Key.Copy != "A" && c.Key.Rooms[0] == from.name &&
			c.Key.Generations[0] == from.generation && (from.generation != from.voided || c.Key.Serial > from.void) {
			live = append(live, c.Key)
		}
	}
	was := *from
	if from != to {
		to.generation = to.begin()
		to.checkedIn, to.copies, to.oneShots, to.guest = true, was.copies, 0, was.guest
	}
	to.guest.until = j.key.Until
	serial := s.log(Entry{Deed: Modified, Command: j.command, Room: from.name, Generation: to.generation, Until: j.key.Until})
	if from != to {
		from.leave(serial)
	}
	for _, k := range live {
		k.Rooms[0], k.Generations[0], k.Until, k.Serial = to.name, to.generation, j.key.Until, serial
	}
}

// move writes another room or name into the register and leaves the cards
// alone: offline locks learn nothing of it. What was cut for the old room is
// cancelled there, and the guest is to be given a key to the new one. The caller
// holds s.mu.
func (s *System) move(j job) {
	from, to := s.rooms[j.rooms[0]], s.rooms[j.rooms[1]]
	stay := from.guest
	fresh := j.key
	fresh.inherit(stay)
	serial := s.log(Entry{Deed: Modified, Command: j.command, Room: from.name, Generation: from.generation, Until: stay.until})
	if from != to {
		from.leave(serial)
		to.generation = to.begin()
		to.checkedIn, to.copies, to.oneShots = true, 0, 0
	}
	to.guest = fresh.guest()
}
