package locksim

import "time"

// Presentation is what the person at an encoder does for one card that the
// encoder asks for. The zero value: present a fresh blank at once and leave
// it until the work is done.
type Presentation struct {
	// After is when the card comes. Later than Config.CardWait is too late.
	After time.Duration
	// Never: no card comes (ED; 8 on VingCard's link).
	Never bool
	// Wrong: the card is wrongly inserted (EP; 8 on VingCard's link).
	Wrong bool
	// UID presents that card; "" takes a fresh one of Kind.
	UID string
	// Kind of the fresh card; "" for Blank.
	Kind Kind
	// RemoveAt takes the card away after this part of the work, above 0 and
	// below 1 (EF; 1 on VingCard's link). What was on it is lost.
	RemoveAt float64
	// Swap puts another fresh card down in mid-work (EF). Both are worthless after.
	Swap bool
	// Two cards lie in the field at once (EF). Neither is written.
	Two bool
	// Twice: the same card is pressed down again, and is what the encoder finds
	// at once for the next card that it asks for.
	Twice bool

	gone <-chan struct{} // closed when a card from the slot is taken out
}

type encoder struct {
	name   string
	online bool
	busy   bool // a job is at it
	taken  bool // another station is at it, by SetEncoderBusy
	script []Presentation
	usual  Presentation
	waits  bool // asks for a card
	jobs   int
	slot   slot
}

// Encoder is how an encoder stands.
type Encoder struct {
	Name   string
	Online bool
	Busy   bool
	// WaitsForCard: the lamp that asks for a card is lit.
	WaitsForCard bool
	// Jobs counts the commands that it took up.
	Jobs int
	// Pending is what is left of its script.
	Pending int
	// ByHand: it takes only cards that a person puts in. Card is what is in it.
	ByHand bool
	Card   string
}

// Operator says what the person at an encoder does for the next cards, in that
// order, after what was said before.
func (s *System) Operator(name string, next ...Presentation) {
	s.onEncoder(name, func(e *encoder) { e.script = append(e.script, next...) })
}

// OperatorUsually says what the person does whenever the script is empty.
func (s *System) OperatorUsually(name string, p Presentation) {
	s.onEncoder(name, func(e *encoder) { e.usual = p })
}

// SetEncoderOnline powers an encoder or cuts its power: commands for it end in NC.
func (s *System) SetEncoderOnline(name string, online bool) {
	s.onEncoder(name, func(e *encoder) { e.online = online })
}

// SetEncoderBusy makes another station use an encoder: commands for it end in OV.
func (s *System) SetEncoderBusy(name string, busy bool) {
	s.onEncoder(name, func(e *encoder) { e.taken = busy })
}

// Encoder returns how an encoder stands; false if there is none of that name.
func (s *System) Encoder(name string) (Encoder, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.encoders[name]
	if !ok {
		return Encoder{}, false
	}
	return Encoder{Name: name, Online: e.online, Busy: e.busy || e.taken, WaitsForCard: e.waits,
		Jobs: e.jobs, Pending: len(e.script),
		ByHand: e.slot.wait > 0, Card: e.slot.card}, true
}

func (s *System) onEncoder(name string, f func(*encoder)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.encoders[name]; e != nil {
		f(e)
		s.change()
	}
}

// awaitCard has the encoder ask for a card and the person do the next thing.
// code is "" when a card lies on the encoder.
func (s *System) awaitCard(e *encoder) (uid string, p Presentation, code string) {
	s.mu.Lock()
	p = e.usual
	byHand := e.slot.wait > 0 && len(e.script) == 0
	if len(e.script) > 0 {
		p, e.script = e.script[0], e.script[1:]
	}
	e.waits = true
	s.change()
	s.mu.Unlock()

	var late, alive bool
	if byHand {
		p = Presentation{}
		p.UID, p.gone = s.awaitHand(e)
		late, alive = p.UID == "", s.sleep(0)
	} else {
		wait := min(p.After, s.cfg.CardWait)
		if late = p.Never || p.After > s.cfg.CardWait; late {
			wait = s.cfg.CardWait
		}
		alive = s.sleep(wait)
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	e.waits = false
	s.change()
	switch {
	case !alive || !e.online:
		return "", p, "NC"
	case late:
		return "", p, "ED"
	case p.Wrong:
		return "", p, "EP"
	}
	uid = p.UID
	if s.cards[uid] == nil {
		kind := p.Kind
		if kind == "" {
			kind = Blank
		}
		uid = s.newCard(kind).UID
	}
	if p.Twice {
		e.script = append([]Presentation{{UID: uid}}, e.script...)
	}
	return uid, p, ""
}

// work lets the encoder work on the card for as long as it takes and as the
// person lets it. code is "" when the work is done.
func (s *System) work(e *encoder, uid string, p Presentation, j job, writes bool) (code string) {
	part := time.Duration(1)
	d := s.cfg.WorkTime
	cut := p.RemoveAt > 0 && p.RemoveAt < 1 || p.Swap
	switch {
	case p.Two:
		return "EF"
	case p.Swap:
		d /= 2
	case cut:
		d = time.Duration(float64(d) * p.RemoveAt)
	}
	d = max(d, part)
	if j.midway != nil {
		s.sleep(d / 2)
		j.midway()
		d = max(d-d/2, part)
	}
	whole := s.await(d, p.gone)
	select {
	case <-p.gone:
		whole, cut = true, true
	default:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !whole || !e.online {
		return "NC"
	}
	if !cut {
		return ""
	}
	if writes {
		s.spoil(uid)
		if p.Swap {
			s.newCard(Blank)
		}
	}
	return "EF"
}

// spoil empties a card that was taken away while being written. The caller holds s.mu.
func (s *System) spoil(uid string) {
	c := s.cards[uid]
	c.Key, c.Kind = nil, Blank
	s.change()
}
