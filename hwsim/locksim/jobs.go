package locksim

import (
	"slices"
	"strconv"
)

// execute carries a command out: what follows command and encoder in the
// result, or a code of the house, which are those of the Industry Standard
// link, with a blank and a text behind EG. It blocks for as long as the encoder
// and the person need.
func (s *System) execute(j job) (result []string, code string) {
	e, code := s.claim(j)
	if code != "" {
		return nil, code
	}
	defer s.unclaim(j, e)
	return s.carryOut(j, e)
}

// Codes of the house beside those of the Industry Standard link.
const (
	// occupied: a stay shall move into a room with a guest.
	occupied = "EG ROOM OCCUPIED"
	// full: no more cards for this stay. Only VingCard's link counts them.
	full = "FULL"
	// notRunning: there is the interface, and no lock software behind it.
	notRunning = "DOWN"
)

// refusal is a code as a result of the Industry Standard link.
func refusal(code, first string) []string {
	if len(code) > 2 && code[2] == ' ' {
		return []string{code[:2], first, code[3:]}
	}
	return []string{code, first}
}

// claim checks a command against the house and takes encoder and rooms for it.
func (s *System) claim(j job) (*encoder, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopped:
		return nil, notRunning
	case s.damaged:
		return nil, "NF"
	}
	var e *encoder
	if j.encoder != "" {
		e = s.encoders[j.encoder]
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
		s.rooms[name].arrive(s.now())
	}
	for i, name := range j.rooms {
		r := s.rooms[name]
		// A room can be checked out, and left, while it is out of service.
		if !r.inService && j.verb != "CO" && (j.verb != "MC" && j.verb != "MV" || i == 1) {
			return "OS"
		}
	}
	if len(j.rooms) == 0 {
		return ""
	}
	main := s.rooms[j.rooms[0]]
	if !main.checkedIn {
		switch j.verb {
		case "CC", "CCM", "CCB", "MC", "MV":
			return "EA"
		case "CO":
			if j.guests {
				return "EA"
			}
		}
	}
	for _, name := range j.rooms {
		if r := s.rooms[name]; r.busy || r.foreign {
			return "EO"
		}
	}
	if (j.verb == "MC" || j.verb == "MV") && j.rooms[0] != j.rooms[1] && s.rooms[j.rooms[1]].checkedIn {
		return occupied
	}
	out := 0 // cards of this stay
	if j.verb == "CC" || j.verb == "CK" && main.checkedIn {
		out = 1 + main.copies
	}
	if j.max > 0 && out+j.count > j.max {
		return full
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
	case "CN", "CC", "CA", "CF", "CK":
		return s.cutCards(j, e)
	case "LT", "P", "L":
		return s.readOrPrint(j, e)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch j.verb {
	case "CO":
		r := s.rooms[j.rooms[0]]
		r.leave(s.log(Entry{Deed: CheckOut, Command: j.command, Room: r.name, Generation: r.generation}))
	case "MC":
		s.modify(j)
	case "MV":
		s.move(j)
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

// cutCards cuts the cards of a key command, one after the other.
func (s *System) cutCards(j job, e *encoder) ([]string, string) {
	var uids []string
	for i := range j.count {
		uid, code := s.writeCard(j, e, i == 0 && j.verb != "CC")
		if code != "" {
			return nil, code
		}
		uids = append(uids, uid)
	}
	switch {
	case j.uids == "1" || j.tell:
		return uids[len(uids)-1:], ""
	case j.uids == "2":
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
		return "", j.staff
	case Foreign, Damaged, Diagnostic, Clone, Protected:
		return "", "EF"
	}
	if code := s.work(e, uid, p, j, true); code != "" {
		return "", code
	}
	s.mu.Lock()
	s.cut(j, s.cards[uid], fresh, e.name)
	s.mu.Unlock()
	if j.eject != "R" {
		s.sleep(s.cfg.TakeTime)
	}
	s.finish(e, uid, j.eject == "R", true)
	return uid, ""
}

// cut puts a key on a card: the moment from which it counts. The caller holds s.mu.
func (s *System) cut(j job, c *Card, fresh bool, encoder string) {
	main := s.rooms[j.rooms[0]]
	key := j.key
	key.Rooms = slices.Clone(j.rooms)
	deed := Copied
	copies := &main.copies
	switch {
	case j.verb == "CA":
		deed, key.Copy = OneShot, "A"
		main.oneShots++
	case fresh && j.verb == "CF":
		deed, key.Copy = NewKey, "0"
		main.arrival = &arrival{generation: main.begin(), guest: key.guest()}
	case fresh && (j.verb != "CK" || !main.checkedIn):
		deed, key.Copy = NewKey, "0"
		for _, name := range j.rooms {
			r := s.rooms[name]
			r.generation = r.begin()
			r.checkedIn, r.copies, r.oneShots, r.guest = true, 0, 0, key.guest()
		}
	default:
		if j.verb == "CF" {
			copies = &main.arrival.copies
		}
		*copies++
		key.Copy = "I"
		if *copies <= 2 {
			key.Copy = strconv.Itoa(*copies)
		}
		if j.inherit {
			key.inherit(main.guest)
		}
	}
	for _, name := range key.Rooms {
		g := s.rooms[name].generation
		if j.verb == "CF" && name == main.name {
			g = main.arrival.generation
		}
		key.Generations = append(key.Generations, g)
	}
	key.Serial = s.log(Entry{Deed: deed, Command: j.command, Encoder: encoder, Room: main.name,
		Generation: key.Generations[0], UID: c.UID, Copy: key.Copy, From: key.From, Until: key.Until, Operator: key.Operator})
	switch c.Kind {
	case Stubborn:
		return
	case Mobile:
	default:
		c.Kind = Guest
	}
	c.Key, c.Tracks = &key, j.tracks
}
