package locksim

import (
	"slices"
	"strconv"
)

// execute carries a command out and returns the fields of its result. It
// blocks for as long as the encoder and the person need.
func (s *System) execute(fields []string) []string {
	first := at(fields, 1)
	j, ok := s.parse(fields)
	if !ok {
		return []string{"ES", first}
	}
	e, code := s.claim(j)
	if code != "" {
		return refusal(code, first)
	}
	defer s.unclaim(j, e)
	out, code := s.carryOut(j, e)
	if code != "" {
		return refusal(code, first)
	}
	return append([]string{j.command, first}, out...)
}

// occupied is the text of EG when a stay shall move into a room with a guest.
const occupied = "EG ROOM OCCUPIED"

func refusal(code, first string) []string {
	if len(code) > 2 && code[2] == ' ' {
		return []string{code[:2], first, code[3:]}
	}
	return []string{code, first}
}

func (j job) needsEncoder() bool {
	return slices.Contains([]string{"CN", "CC", "CA", "LT", "P", "L"}, j.verb)
}

// claim checks a command against the house and takes encoder and rooms for it.
func (s *System) claim(j job) (*encoder, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.damaged {
		return nil, "NF"
	}
	var e *encoder
	if j.needsEncoder() {
		e = s.encoders[j.first]
		if e == nil || !e.online {
			return nil, "NC"
		}
	}
	if code := s.checkRooms(j); code != "" {
		return nil, code
	}
	if e != nil {
		if e.busy || e.taken {
			return nil, "OV"
		}
		e.busy = true
		e.jobs++
	}
	for _, name := range j.rooms {
		s.rooms[name].busy = true
	}
	s.change()
	return e, ""
}

func (s *System) checkRooms(j job) string {
	for _, name := range j.rooms {
		if s.rooms[name] == nil {
			return "TD"
		}
	}
	for i, name := range j.rooms {
		r := s.rooms[name]
		// A room can be checked out, and left, while it is out of service.
		if !r.inService && j.verb != "CO" && (j.verb != "MC" || i == 1) {
			return "OS"
		}
	}
	if len(j.rooms) > 0 && !s.rooms[j.rooms[0]].checkedIn {
		switch j.verb {
		case "CC", "CCM", "CCB", "MC":
			return "EA"
		}
	}
	for _, name := range j.rooms {
		if r := s.rooms[name]; r.busy || r.foreign {
			return "EO"
		}
	}
	if j.verb == "MC" && j.rooms[0] != j.rooms[1] && s.rooms[j.rooms[1]].checkedIn {
		return occupied
	}
	return ""
}

func (s *System) unclaim(j job, e *encoder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e != nil {
		e.busy = false
	}
	for _, name := range j.rooms {
		s.rooms[name].busy = false
	}
	s.change()
}

// carryOut returns what follows command and field 1 in the result, or a code.
func (s *System) carryOut(j job, e *encoder) ([]string, string) {
	switch j.verb {
	case "CN", "CC", "CA":
		return s.cutCards(j, e)
	case "LT", "P", "L":
		return s.readOrPrint(j, e)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch j.verb {
	case "CO":
		r := s.rooms[j.rooms[0]]
		r.checkedIn = false
		r.void = s.log(Entry{Deed: CheckOut, Command: j.command, Room: r.name, Generation: r.generation})
	case "MC":
		s.modify(j)
	case "CNM", "CCM":
		phone := s.cards[j.first]
		if phone == nil {
			phone = &Card{UID: j.first, Kind: Mobile}
			s.cards[j.first] = phone
			s.order = append(s.order, j.first)
		}
		s.cut(j, phone, j.verb == "CNM", "")
	case "CNB", "CCB":
		return s.image(j), ""
	}
	return nil, ""
}

// cutCards cuts the cards of CN, CC and CA, one after the other.
func (s *System) cutCards(j job, e *encoder) ([]string, string) {
	var uids []string
	for i := range j.count {
		uid, code := s.writeCard(j, e, j.verb == "CN" && i == 0)
		if code != "" {
			return nil, code
		}
		uids = append(uids, uid)
	}
	switch j.uids {
	case "1":
		return uids[len(uids)-1:], ""
	case "2":
		return uids, "" // a field each: the layout of several is not documented
	}
	return nil, ""
}

// writeCard asks for one card and writes the key on it.
func (s *System) writeCard(j job, e *encoder, fresh bool) (uid, code string) {
	uid, p, code := s.awaitCard(e)
	if code != "" {
		return "", code
	}
	s.mu.Lock()
	kind := s.cards[uid].Kind
	s.mu.Unlock()
	switch kind {
	case Staff:
		return "", "EV"
	case Foreign, Damaged, Diagnostic:
		return "", "EF"
	}
	if code := s.work(e, uid, p, true); code != "" {
		return "", code
	}
	s.mu.Lock()
	s.cut(j, s.cards[uid], fresh, e.name)
	s.mu.Unlock()
	if j.eject != "R" {
		s.sleep(s.cfg.TakeTime)
	}
	return uid, ""
}

// cut puts a key on a card: the moment from which it counts. The caller holds s.mu.
func (s *System) cut(j job, c *Card, fresh bool, encoder string) {
	main := s.rooms[j.rooms[0]]
	key := j.key
	key.Rooms = slices.Clone(j.rooms)
	deed := Copied
	switch {
	case j.verb == "CA":
		deed, key.Copy = OneShot, "A"
		main.oneShots++
	case fresh:
		deed, key.Copy = NewKey, "0"
		for _, name := range j.rooms {
			r := s.rooms[name]
			r.generation++
			r.checkedIn, r.copies, r.oneShots = true, 0, 0
		}
	default:
		main.copies++
		key.Copy = "I"
		if main.copies <= 2 {
			key.Copy = strconv.Itoa(main.copies)
		}
	}
	for _, name := range key.Rooms {
		key.Generations = append(key.Generations, s.rooms[name].generation)
	}
	key.Serial = s.log(Entry{Deed: deed, Command: j.command, Encoder: encoder, Room: main.name,
		Generation: main.generation, UID: c.UID, Copy: key.Copy, From: key.From, Until: key.Until, Operator: key.Operator})
	if c.Kind != Mobile {
		c.Kind = Guest
	}
	c.Key, c.Tracks = &key, j.tracks
}

// modify gives the guests of a room a new end, and another room if the two
// differ: their keys open there and no longer here. The caller holds s.mu.
func (s *System) modify(j job) {
	from, to := s.rooms[j.rooms[0]], s.rooms[j.rooms[1]]
	var live []*Key
	for _, c := range s.cards {
		if c.Key != nil && c.Key.Copy != "A" && c.Key.Rooms[0] == from.name &&
			c.Key.Generations[0] == from.generation && c.Key.Serial > from.void {
			live = append(live, c.Key)
		}
	}
	if from != to {
		to.generation++
		to.checkedIn, to.copies, to.oneShots = true, from.copies, 0
		from.checkedIn = false
	}
	serial := s.log(Entry{Deed: Modified, Command: j.command, Room: from.name, Generation: to.generation, Until: j.key.Until})
	if from != to {
		from.void = serial
	}
	for _, k := range live {
		k.Rooms[0], k.Generations[0], k.Until, k.Serial = to.name, to.generation, j.key.Until, serial
	}
}
