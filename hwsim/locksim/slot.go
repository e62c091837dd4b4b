package locksim

import (
	"fmt"
	"time"
)

// slot is where a person puts a card into an encoder by hand.
type slot struct {
	wait time.Duration // how long the encoder asks for a card; 0: Operator presents them
	card string        // the UID of what is in it, or ""
	// done: the card was written and left in; the encoder does not take it for
	// the next one that it asks for.
	done bool
	// gone is closed when the card is taken out, come when one is put in.
	gone, come chan struct{}
}

// ByHand makes an encoder take only the cards that Insert puts into its slot,
// for which it asks so long. What Operator has said for the next cards comes
// first all the same. With 0 the cards come by themselves again, and what is in
// the slot comes out.
func (s *System) ByHand(name string, wait time.Duration) {
	s.onEncoder(name, func(e *encoder) {
		e.slot.wait = max(wait, 0)
		if e.slot.wait == 0 {
			e.slot.leave()
		}
	})
}

// Insert puts a card into an encoder's slot, where it lies until it is taken
// out or, written, is ejected.
func (s *System) Insert(name, uid string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.encoders[name]
	switch {
	case e == nil:
		return fmt.Errorf("there is no encoder %q", name)
	case s.cards[uid] == nil || s.cards[uid].Kind == Mobile:
		return fmt.Errorf("there is no card %q", uid)
	case e.slot.wait == 0:
		return fmt.Errorf("cards come to %q by themselves", name)
	case e.slot.card != "":
		return fmt.Errorf("a card is in %q already", name)
	}
	for _, other := range s.encoders {
		if other.slot.card == uid {
			return fmt.Errorf("the card is in %q", other.name)
		}
	}
	e.slot.card, e.slot.done, e.slot.gone = uid, false, make(chan struct{})
	if e.slot.come != nil {
		close(e.slot.come)
		e.slot.come = nil
	}
	s.change()
	return nil
}

// Take takes the card out of an encoder's slot and returns its UID, "" if there
// is none. A card that is being written is lost (EF).
func (s *System) Take(name string) (uid string) {
	s.onEncoder(name, func(e *encoder) {
		uid = e.slot.card
		e.slot.leave()
	})
	return uid
}

func (c *slot) leave() {
	if c.card != "" {
		close(c.gone)
	}
	c.card, c.done, c.gone = "", false, nil
}

// awaitHand waits until a person has put a card in; "" if nobody does.
func (s *System) awaitHand(e *encoder) (uid string, gone <-chan struct{}) {
	s.mu.Lock()
	end := s.cfg.Clock.Now().Add(e.slot.wait)
	for e.slot.card == "" || e.slot.done {
		if e.slot.come == nil {
			e.slot.come = make(chan struct{})
		}
		come := e.slot.come
		s.mu.Unlock()
		if s.await(end.Sub(s.cfg.Clock.Now()), come) {
			return "", nil
		}
		select {
		case <-s.done:
			return "", nil
		default:
		}
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	return e.slot.card, e.slot.gone
}

// finish ends the work on a card from the slot: it comes out, unless the
// request keeps it.
func (s *System) finish(e *encoder, uid string, keep, wrote bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.slot.card != uid {
		return
	}
	e.slot.done = wrote
	if !keep {
		e.slot.leave()
	}
	s.change()
}
